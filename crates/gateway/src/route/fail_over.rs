//! Whether an account's mail goes by another route for a while, and when it
//! comes back. Pure: what is known now in, what is to be done out.
//!
//! ```text
//!            serious trouble, another route free
//!   own ───────────────────────────────────────▶ diverted ──┐ the other barred:
//!    ▲                                              │  ▲     │ the next that is free
//!    │ well for long enough              no trouble │  │ ◀───┘
//!    └───────────────────── well since T ◀──────────┘  │
//!                                └── trouble again ────┘
//! ```
//!
//! A person's suspension and an account's own fault are no trouble of the
//! route. The way back is slow, so that a service that comes and goes does not
//! throw mail to and fro; mail that was moved stays where it is.

use std::time::Duration;

use mailward_mail::Timestamp;
use mailward_queue::{Cause, Diversion, Lane, Pause, PauseCause, RouteName};

use crate::config::FailOver;

/// A pause whose try was due so long ago says nothing of now: there was no
/// mail to try with.
const STALE_AFTER: Duration = Duration::from_secs(120);

/// Tries that must have failed before a route counts as down.
const TRIES_LEAST: u32 = 2;

/// An account that sent too much comes back after so long without.
const CALM_BEFORE_BACK: Duration = Duration::from_secs(3600);

/// What is wrong with a lane's own route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub cause: Cause,
    pub since: Timestamp,
    /// Enough to leave the route.
    pub is_serious: bool,
    /// In a clause.
    pub words: String,
}

/// Another route, and why it can't be used now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub route: RouteName,
    pub bar: Option<String>,
}

/// What the decision rests on.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub now: Timestamp,
    pub lane: &'a Lane,
    pub terms: &'a FailOver,
    pub standing: Option<&'a Diversion>,
    pub trouble: Option<&'a Trouble>,
    /// For that trouble, or for the one of the diversion that stands; in the
    /// order of preference.
    pub candidates: &'a [Candidate],
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    Nothing,
    /// From now on, or by another route than so far.
    Divert(Diversion),
    /// The own route is well, but not for long; or not any more.
    Note(Diversion),
    End,
}

/// Decides for one lane.
pub fn decide(facts: &Facts<'_>) -> Act {
    let free = || facts.candidates.iter().find(|one| one.bar.is_none());
    let Some(standing) = facts.standing else {
        return match (facts.trouble, free()) {
            (Some(trouble), Some(to)) if trouble.is_serious => {
                Act::Divert(diversion(facts, trouble, &to.route))
            }
            _ => Act::Nothing,
        };
    };
    if facts.candidates.iter().all(|one| one.route != standing.to) {
        // The configuration has changed.
        return match (facts.trouble, free()) {
            (Some(trouble), Some(to)) if trouble.is_serious => {
                Act::Divert(diversion(facts, trouble, &to.route))
            }
            _ => Act::End,
        };
    }
    let Some(trouble) = facts.trouble else {
        let long_enough = match standing.cause {
            Cause::Limits => CALM_BEFORE_BACK,
            _ => minutes(facts.terms.back_after_minutes),
        };
        return match standing.good_since {
            None => Act::Note(Diversion {
                good_since: Some(facts.now),
                ..standing.clone()
            }),
            Some(since) if facts.now.since(since) >= long_enough => Act::End,
            Some(_) => Act::Nothing,
        };
    };
    let of_standing = facts.candidates.iter();
    let is_barred = of_standing
        .filter(|one| one.route == standing.to)
        .any(|one| one.bar.is_some());
    match free() {
        Some(to) if is_barred => Act::Divert(Diversion {
            since: standing.since,
            ..diversion(facts, trouble, &to.route)
        }),
        _ if standing.good_since.is_some() => Act::Note(Diversion {
            good_since: None,
            ..standing.clone()
        }),
        _ => Act::Nothing,
    }
}

fn diversion(facts: &Facts<'_>, trouble: &Trouble, to: &RouteName) -> Diversion {
    Diversion {
        from: facts.lane.clone(),
        to: to.clone(),
        cause: trouble.cause,
        since: facts.now,
        why: trouble.words.clone(),
        good_since: None,
    }
}

/// What a pause says of its route; nothing of those that are an account's.
pub fn of_pause(
    pause: &Pause,
    route: &RouteName,
    terms: &FailOver,
    now: Timestamp,
) -> Option<Trouble> {
    let (since, reply) = (pause.since, &pause.reply);
    let (cause, words, is_serious) = match pause.cause {
        PauseCause::Route => (
            Cause::Refused,
            format!("since {since} the service refuses everybody on {route} ({reply})"),
            true,
        ),
        PauseCause::Down => (
            Cause::Down,
            format!("since {since} {route} could not be used ({reply})"),
            down_from(pause, terms) <= now
                && pause.tries >= TRIES_LEAST
                && pause.until.plus(STALE_AFTER) >= now,
        ),
        PauseCause::Day | PauseCause::Account => return None,
    };
    Some(Trouble {
        is_serious: is_serious && terms.on.contains(&cause),
        cause,
        since,
        words,
    })
}

/// When a route that fails since the pause began counts as down.
pub fn down_from(pause: &Pause, terms: &FailOver) -> Timestamp {
    pause.since.plus(minutes(terms.after_minutes))
}

fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mailward_queue::PauseKey;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(minute * 60_000)
    }

    fn lane() -> Lane {
        Lane::new("nhsmail", "letters@northmoor.example")
    }

    fn trouble(cause: Cause, is_serious: bool) -> Option<Trouble> {
        Some(Trouble {
            cause,
            since: at(0),
            is_serious,
            words: "it is away".to_owned(),
        })
    }

    fn standing(to: &str, good_since: Option<i64>) -> Option<Diversion> {
        Some(Diversion {
            from: lane(),
            to: to.into(),
            cause: Cause::Down,
            since: at(20),
            why: "it is away".to_owned(),
            good_since: good_since.map(at),
        })
    }

    /// In words: `to bulk`, `well`, `ill`, `end` or nothing.
    fn said(act: Act) -> String {
        match act {
            Act::Nothing => String::new(),
            Act::Divert(one) => format!("to {}", one.to),
            Act::Note(one) if one.good_since.is_some() => "well".to_owned(),
            Act::Note(_) => "ill".to_owned(),
            Act::End => "end".to_owned(),
        }
    }

    #[test]
    fn goes_over_at_serious_trouble_and_comes_back_slowly() {
        let down = || trouble(Cause::Down, true);
        let short = || trouble(Cause::Down, false);
        // Standing, trouble, barred routes, expected; at minute 60.
        for (standing, trouble, barred, expected) in [
            (None, None, "", ""),
            (None, short(), "", ""),
            (None, down(), "", "to bulk"),
            (None, down(), "bulk", "to relay"),
            (None, down(), "bulk relay", ""),
            (standing("bulk", None), down(), "", ""),
            (standing("bulk", None), short(), "", ""),
            (standing("bulk", None), down(), "bulk", "to relay"),
            (standing("bulk", None), down(), "bulk relay", ""),
            (standing("relay", None), down(), "bulk", ""),
            (standing("gone", None), down(), "", "to bulk"),
            (standing("gone", None), down(), "bulk relay", "end"),
            (standing("gone", None), None, "", "end"),
            (standing("bulk", None), None, "", "well"),
            (standing("bulk", Some(51)), None, "", ""),
            (standing("bulk", Some(50)), None, "", "end"),
            (standing("bulk", Some(50)), short(), "", "ill"),
            (standing("bulk", Some(50)), None, "bulk", "end"),
        ] {
            let candidates: Vec<Candidate> = ["bulk", "relay"]
                .into_iter()
                .map(|name| Candidate {
                    route: name.into(),
                    bar: barred.contains(name).then(|| "it is paused".to_owned()),
                })
                .collect();
            let (lane, terms) = (lane(), FailOver::default());
            let act = decide(&Facts {
                now: at(60),
                lane: &lane,
                terms: &terms,
                standing: standing.as_ref(),
                trouble: trouble.as_ref(),
                candidates: &candidates,
            });
            assert_eq!(said(act), expected, "{standing:?} {trouble:?} {barred}");
        }
    }

    #[test]
    fn a_pause_is_serious_by_its_cause_and_age() {
        for (cause, tries, since, until, expected) in [
            (PauseCause::Route, 1, 60, 90, Some((Cause::Refused, true))),
            (PauseCause::Down, 5, 45, 62, Some((Cause::Down, true))),
            (PauseCause::Down, 5, 46, 62, Some((Cause::Down, false))),
            // Once is no proof, nor is what nobody tried again.
            (PauseCause::Down, 1, 45, 62, Some((Cause::Down, false))),
            (PauseCause::Down, 5, 1, 57, Some((Cause::Down, false))),
            (PauseCause::Account, 5, 1, 62, None),
            (PauseCause::Day, 5, 1, 62, None),
        ] {
            let pause = Pause {
                key: PauseKey::lane(&lane()),
                cause,
                since: at(since),
                until: at(until),
                tries,
                reply: "421 4.3.2 away".to_owned(),
            };
            let terms = FailOver::default();
            let found = of_pause(&pause, &lane().route, &terms, at(60));
            let found = found.map(|one| (one.cause, one.is_serious));
            assert_eq!(found, expected, "{pause:?}");
        }
    }

    #[test]
    fn what_the_route_does_not_name_moves_nothing() {
        let terms = FailOver {
            on: vec![Cause::Down],
            ..FailOver::default()
        };
        let pause = Pause {
            key: PauseKey::route(&lane().route),
            cause: PauseCause::Route,
            since: at(0),
            until: at(90),
            tries: 3,
            reply: "530 5.7.30".to_owned(),
        };
        let found = of_pause(&pause, &lane().route, &terms, at(60));
        assert!(found.is_some_and(|one| !one.is_serious));
    }
}
