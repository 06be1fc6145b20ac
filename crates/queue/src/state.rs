//! Where one recipient stands, and the legal moves. Pure: no clock, no store.
//!
//! ```text
//!              ┌──────────── hold ◄────────────┐
//!              │ release      ▲  (from any that │
//!              ▼              │   waits)        │
//!  accept ► incoming ► active ┼► deferred ──────┘
//!                       ▲ │   │      │
//!                       └─┼───┼──────┘ next attempt
//!                         │   └► in_doubt ► relayed | deferred | hold
//!                         ▼
//!                      relayed ► delivered | failed   (a later report)
//!                      failed, expired, cancelled     (final)
//! ```

use std::fmt;

use mailward_mail::{Outcome, Timestamp};

/// Names one attempt in the ledger.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct AttemptId(pub i64);

/// The state of one recipient; each holds only what is known in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Accepted, never tried.
    Incoming,
    /// An attempt is under way.
    Active {
        attempt: AttemptId,
    },
    /// Tried or released; waits for `next_attempt_at`.
    Deferred {
        next_attempt_at: Timestamp,
    },
    /// Waits for a person.
    Hold {
        reason: HoldReason,
    },
    /// The final dot was sent and the reply lost: the service may have it.
    InDoubt {
        attempt: AttemptId,
    },
    Ended(Outcome),
}

impl State {
    /// Whether it is still to be sent.
    pub const fn waits(self) -> bool {
        matches!(
            self,
            Self::Incoming | Self::Deferred { .. } | Self::Hold { .. }
        )
    }
}

/// Why a recipient waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldReason {
    /// A rule wants a person's approval before anything is sent.
    Approval,
    /// A scanner could not look at it; nothing unseen goes out.
    Screening,
    /// It may have been sent: a second copy is a person's decision.
    InDoubt,
    /// What is wrong can only be put right in the configuration.
    Configuration,
    /// A person asked for it.
    Person,
    /// The queue was restored from a backup: it may have been sent since.
    Restored,
    /// Its text on the disk is not as it was written, so it can't be sent.
    Damaged,
}

/// What can happen to a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    AttemptStarted {
        attempt: AttemptId,
    },
    /// The attempt ended, surely without being accepted; try again then.
    Deferred {
        until: Timestamp,
    },
    Relayed,
    Failed,
    /// The attempt ended after the final dot and before the reply.
    DoubtArose,
    /// Our Message-ID was found where sent mail is kept, or a person knows.
    FoundSent,
    Held {
        reason: HoldReason,
    },
    Released {
        at: Timestamp,
    },
    Retried {
        at: Timestamp,
    },
    Expired,
    Cancelled,
    /// A later report says it arrived, or that it did not.
    ReportedDelivered,
    ReportedFailed,
}

/// The legal moves, all of them; whatever is not listed is refused.
pub fn step(state: State, event: Event) -> Result<State, IllegalMove> {
    use State::{Active, Deferred, Ended, Hold, InDoubt, Incoming};
    let next = match (state, event) {
        // The way of a message that meets no trouble.
        (Incoming | Deferred { .. }, Event::AttemptStarted { attempt }) => Active { attempt },
        (Active { .. }, Event::Relayed) => Ended(Outcome::Relayed),
        // How an attempt can end otherwise.
        (Active { .. }, Event::Deferred { until }) => Deferred {
            next_attempt_at: until,
        },
        (Active { .. }, Event::Failed) => Ended(Outcome::Failed),
        (Active { .. }, Event::Held { reason }) => Hold { reason },
        (Active { attempt }, Event::DoubtArose) => InDoubt { attempt },
        // Doubt: settled by evidence, or by the class's policy, or by a person.
        (InDoubt { .. }, Event::FoundSent) => Ended(Outcome::Relayed),
        (InDoubt { .. }, Event::Retried { at }) => Deferred {
            next_attempt_at: at,
        },
        (InDoubt { .. }, Event::Held { .. }) => Hold {
            reason: HoldReason::InDoubt,
        },
        (InDoubt { .. }, Event::Cancelled) => Ended(Outcome::Cancelled),
        (
            Hold {
                reason: HoldReason::InDoubt | HoldReason::Restored,
            },
            Event::FoundSent,
        ) => Ended(Outcome::Relayed),
        // What people do to mail that waits.
        (Incoming | Deferred { .. }, Event::Held { reason }) => Hold { reason },
        (Hold { .. }, Event::Released { at }) => Deferred {
            next_attempt_at: at,
        },
        (Deferred { .. }, Event::Retried { at }) => Deferred {
            next_attempt_at: at,
        },
        (Incoming | Deferred { .. } | Hold { .. }, Event::Cancelled) => Ended(Outcome::Cancelled),
        // Waiting is bounded.
        (Incoming | Deferred { .. } | Hold { .. }, Event::Expired) => Ended(Outcome::Expired),
        // Relayed claims no more than the service's 250; a report may say more.
        (Ended(Outcome::Relayed), Event::ReportedDelivered) => Ended(Outcome::Delivered),
        (Ended(Outcome::Relayed), Event::ReportedFailed) => Ended(Outcome::Failed),
        _ => {
            return Err(IllegalMove {
                from: state.word(),
                event: event.word(),
            });
        }
    };
    Ok(next)
}

/// A move that is not in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a recipient that is {from} can not be {event}{}", .from.advice(.event))]
pub struct IllegalMove {
    pub from: StateWord,
    pub event: &'static str,
}

impl State {
    pub fn word(self) -> StateWord {
        match self {
            Self::Incoming => StateWord::Incoming,
            Self::Active { .. } => StateWord::Active,
            Self::Deferred { .. } => StateWord::Deferred,
            Self::Hold { .. } => StateWord::Hold,
            Self::InDoubt { .. } => StateWord::InDoubt,
            Self::Ended(outcome) => StateWord::Ended(outcome),
        }
    }

    pub fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Ended(outcome) => Some(outcome),
            _ => None,
        }
    }
}

impl Event {
    /// A past participle, to stand in "can not be …".
    fn word(self) -> &'static str {
        match self {
            Self::AttemptStarted { .. } => "attempted",
            Self::Deferred { .. } => "deferred",
            Self::Relayed => "relayed",
            Self::Failed => "failed",
            Self::DoubtArose => "put in doubt",
            Self::FoundSent => "confirmed as sent",
            Self::Held { .. } => "held",
            Self::Released { .. } => "released",
            Self::Retried { .. } => "retried",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::ReportedDelivered => "reported delivered",
            Self::ReportedFailed => "reported failed",
        }
    }
}

/// A state without what it holds: what is stored, filtered by and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StateWord {
    Incoming,
    Active,
    Deferred,
    Hold,
    InDoubt,
    Ended(Outcome),
}

impl StateWord {
    pub const ALL: [Self; 10] = [
        Self::Incoming,
        Self::Active,
        Self::Deferred,
        Self::Hold,
        Self::InDoubt,
        Self::Ended(Outcome::Relayed),
        Self::Ended(Outcome::Delivered),
        Self::Ended(Outcome::Failed),
        Self::Ended(Outcome::Expired),
        Self::Ended(Outcome::Cancelled),
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Incoming => "incoming",
            Self::Active => "active",
            Self::Deferred => "deferred",
            Self::Hold => "hold",
            Self::InDoubt => "in_doubt",
            Self::Ended(outcome) => outcome.as_str(),
        }
    }

    pub fn is_end(self) -> bool {
        matches!(self, Self::Ended(_))
    }

    /// What to do instead, where there is something.
    fn advice(self, event: &str) -> &'static str {
        match (self, event) {
            (Self::Hold, "retried") => "; release it",
            (Self::Active, _) => "; an attempt is under way, wait for its end",
            (Self::Incoming, "retried") => "; it has not been tried yet",
            (Self::Hold, "held") => "; it is held already",
            (Self::InDoubt, "released") => "; confirm that it was sent, retry it or cancel it",
            (Self::Incoming | Self::Deferred, "released") => "; it is not held",
            (Self::Ended(_), "retried" | "released") => "; send it again as a new message",
            (Self::Ended(_), "held" | "cancelled") => "; it has its end",
            (_, "confirmed as sent") => "; only what is in doubt can be",
            _ => "",
        }
    }
}

impl fmt::Display for StateWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for StateWord {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|word| word.as_str() == text)
            .ok_or_else(|| UnknownState(text.to_owned()))
    }
}

impl serde::Serialize for StateWord {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for StateWord {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no state; the states are incoming, active, deferred, hold, in_doubt, \
     relayed, delivered, failed, expired and cancelled"
)]
pub struct UnknownState(pub String);

impl HoldReason {
    pub const ALL: [Self; 7] = [
        Self::Approval,
        Self::Screening,
        Self::InDoubt,
        Self::Configuration,
        Self::Person,
        Self::Restored,
        Self::Damaged,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approval => "approval",
            Self::Screening => "screening",
            Self::InDoubt => "in_doubt",
            Self::Configuration => "configuration",
            Self::Person => "person",
            Self::Restored => "restored",
            Self::Damaged => "damaged",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Timestamp = Timestamp::from_millis(7);
    const A: AttemptId = AttemptId(1);

    /// One of each state; hold twice, since doubt is held apart.
    const STATES: [State; 11] = [
        State::Incoming,
        State::Active { attempt: A },
        State::Deferred {
            next_attempt_at: Timestamp::from_millis(1),
        },
        State::Hold {
            reason: HoldReason::Approval,
        },
        State::Hold {
            reason: HoldReason::InDoubt,
        },
        State::InDoubt { attempt: A },
        State::Ended(Outcome::Relayed),
        State::Ended(Outcome::Delivered),
        State::Ended(Outcome::Failed),
        State::Ended(Outcome::Expired),
        State::Ended(Outcome::Cancelled),
    ];

    const EVENTS: [Event; 13] = [
        Event::AttemptStarted {
            attempt: AttemptId(2),
        },
        Event::Deferred { until: T },
        Event::Relayed,
        Event::Failed,
        Event::DoubtArose,
        Event::FoundSent,
        Event::Held {
            reason: HoldReason::Person,
        },
        Event::Released { at: T },
        Event::Retried { at: T },
        Event::Expired,
        Event::Cancelled,
        Event::ReportedDelivered,
        Event::ReportedFailed,
    ];

    /// Written out by hand, apart from `step`: state, event, next state.
    const LEGAL: &[(&str, &str, &str)] = &[
        ("incoming", "attempted", "active #2"),
        ("incoming", "held", "hold person"),
        ("incoming", "expired", "expired"),
        ("incoming", "cancelled", "cancelled"),
        ("active #1", "deferred", "deferred 7"),
        ("active #1", "relayed", "relayed"),
        ("active #1", "failed", "failed"),
        ("active #1", "put in doubt", "in_doubt #1"),
        ("active #1", "held", "hold person"),
        ("deferred 1", "attempted", "active #2"),
        ("deferred 1", "held", "hold person"),
        ("deferred 1", "retried", "deferred 7"),
        ("deferred 1", "expired", "expired"),
        ("deferred 1", "cancelled", "cancelled"),
        ("hold approval", "released", "deferred 7"),
        ("hold approval", "expired", "expired"),
        ("hold approval", "cancelled", "cancelled"),
        ("hold in_doubt", "released", "deferred 7"),
        ("hold in_doubt", "expired", "expired"),
        ("hold in_doubt", "cancelled", "cancelled"),
        ("hold in_doubt", "confirmed as sent", "relayed"),
        ("in_doubt #1", "confirmed as sent", "relayed"),
        ("in_doubt #1", "held", "hold in_doubt"),
        ("in_doubt #1", "retried", "deferred 7"),
        ("in_doubt #1", "cancelled", "cancelled"),
        ("relayed", "reported delivered", "delivered"),
        ("relayed", "reported failed", "failed"),
    ];

    fn spell(state: State) -> String {
        match state {
            State::Active { attempt } => format!("active #{}", attempt.0),
            State::InDoubt { attempt } => format!("in_doubt #{}", attempt.0),
            State::Deferred { next_attempt_at } => {
                format!("deferred {}", next_attempt_at.as_millis())
            }
            State::Hold { reason } => format!("hold {}", reason.as_str()),
            other => other.word().to_string(),
        }
    }

    #[test]
    fn every_pair_is_as_listed() {
        let mut legal = 0;
        for state in STATES {
            for event in EVENTS {
                let from = spell(state);
                let expected = LEGAL
                    .iter()
                    .find(|(s, e, _)| *s == from && *e == event.word())
                    .map(|row| row.2);
                match (step(state, event), expected) {
                    (Ok(next), Some(expected)) => {
                        assert_eq!(spell(next), expected, "{from} {}", event.word());
                        legal += 1;
                    }
                    (Err(refused), None) => assert_eq!(refused.from, state.word()),
                    (got, expected) => {
                        panic!("{from} {}: {got:?}, expected {expected:?}", event.word())
                    }
                }
            }
        }
        assert_eq!(legal, LEGAL.len(), "a listed move was never tried");
    }

    #[test]
    fn words_read_back_and_refusals_say_what_to_do() {
        for word in StateWord::ALL {
            assert_eq!(word.as_str().parse::<StateWord>(), Ok(word));
        }
        for reason in HoldReason::ALL {
            assert_eq!(HoldReason::parse(reason.as_str()), Some(reason));
        }
        for (state, event, text) in [
            (
                STATES[3],
                Event::Retried { at: T },
                "a recipient that is hold can not be retried; release it",
            ),
            (
                STATES[1],
                Event::Cancelled,
                "a recipient that is active can not be cancelled; an attempt is under way, wait for its end",
            ),
            (
                STATES[8],
                Event::Retried { at: T },
                "a recipient that is failed can not be retried; send it again as a new message",
            ),
        ] {
            assert_eq!(step(state, event).expect_err("illegal").to_string(), text);
        }
    }
}
