//! What the service's replies teach about its limits. Pure.
//!
//! The published limits are what the service says it allows; at times it allows
//! less, to a mailbox that others use too, say. Then it answers 432, or 421 and
//! 451 with 4.7.x, and the next message must wait longer beside fewer others.
//!
//! ```text
//!   refused:  credit −0.6                    at −1: a quarter less, at least one
//!   taken:    credit +1/n, n by what is allowed   at +1: a tenth more, at most all
//! ```
//!
//! So one bad reply among good ones changes nothing but a short rest, two in
//! a row bring three connections to two, four to one, and it takes a while of
//! good ones to come back. Fractions in the spirit of Postfix's feedback on
//! destination concurrency, in whole thousandths, so that what is kept on disk
//! is what is meant.

use std::time::Duration;

/// One whole of credit: a step up or down.
const WHOLE: i32 = 1000;

/// What one refusal costs.
const REFUSED: i32 = 600;

/// Good replies for each connection allowed until one more is: about a
/// minute's messages at thirty a minute with two connections.
const TAKEN_FOR_CONNECTION: u32 = 15;

/// After the first refusal; twice as long after each that follows it, up to
/// the longest.
const REST_FIRST: Duration = Duration::from_secs(5);
const REST_MAX: Duration = Duration::from_secs(5 * 60);

/// The limit that a reply speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaceLimit {
    /// Connections at one time.
    Connections,
    MessagesPerMinute,
}

impl PaceLimit {
    pub const ALL: [Self; 2] = [Self::Connections, Self::MessagesPerMinute];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::MessagesPerMinute => "messages_per_minute",
        }
    }
}

/// How much of one limit is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// As configured.
    pub most: u32,
    /// Between 1 and `most`.
    pub allowed: u32,
    /// Thousandths of a step, between -1 and +1; above zero only below `most`.
    pub credit: i32,
}

impl Level {
    pub const fn full(most: u32) -> Self {
        Self {
            most,
            allowed: most,
            credit: 0,
        }
    }

    /// What was kept, if it was learnt of the limit that holds now: whoever
    /// changes the configuration begins anew.
    fn kept(most: u32, kept: Self) -> Self {
        if kept.most != most {
            return Self::full(most);
        }
        Self {
            most,
            allowed: kept.allowed.clamp(most.min(1), most),
            credit: kept.credit.clamp(-WHOLE, WHOLE),
        }
    }

    pub const fn is_lowered(self) -> bool {
        self.allowed < self.most
    }

    fn refused(&mut self) {
        self.credit = self.credit.min(0) - REFUSED;
        if self.credit <= -WHOLE {
            let step = (self.allowed / 4).max(1);
            self.allowed = self.allowed.saturating_sub(step).max(self.most.min(1));
            self.credit = 0;
        }
    }

    /// `needed` good replies make a whole.
    fn taken(&mut self, needed: u32) {
        let share = WHOLE / i32::try_from(needed.max(1)).unwrap_or(WHOLE);
        self.credit += share.max(1);
        if !self.is_lowered() {
            self.credit = self.credit.min(0);
        } else if self.credit >= WHOLE {
            let step = (self.most / 10).max(1);
            self.allowed = self.allowed.saturating_add(step).min(self.most);
            self.credit = 0;
        }
    }
}

/// All that is learnt of one mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learnt {
    pub connections: Level,
    /// `None` where no limit is configured.
    pub messages: Option<Level>,
    /// Refusals without a good reply between them.
    pub refusals: u32,
}

impl Learnt {
    /// Nothing yet.
    pub fn full(connections_max: u32, messages_max: Option<u32>) -> Self {
        Self {
            connections: Level::full(connections_max),
            messages: messages_max.map(Level::full),
            refusals: 0,
        }
    }

    /// `kept` under the limits that are configured now.
    pub fn restore(connections_max: u32, messages_max: Option<u32>, kept: Self) -> Self {
        Self {
            connections: Level::kept(connections_max, kept.connections),
            messages: messages_max.map(|most| {
                kept.messages
                    .map_or(Level::full(most), |level| Level::kept(most, level))
            }),
            refusals: kept.refusals,
        }
    }

    /// The service asked for less; how long to rest now.
    pub fn refused(&mut self, limit: PaceLimit) -> Duration {
        match (limit, &mut self.messages) {
            (PaceLimit::Connections, _) => self.connections.refused(),
            (PaceLimit::MessagesPerMinute, Some(level)) => level.refused(),
            // No limit is configured to go down from: the rest must do.
            (PaceLimit::MessagesPerMinute, None) => {}
        }
        let doublings = self.refusals.min(16);
        self.refusals = self.refusals.saturating_add(1);
        REST_FIRST.saturating_mul(1 << doublings).min(REST_MAX)
    }

    /// The service took a message.
    pub fn taken(&mut self) {
        self.refusals = 0;
        let allowed = self.connections.allowed;
        self.connections
            .taken(TAKEN_FOR_CONNECTION.saturating_mul(allowed));
        if let Some(level) = &mut self.messages {
            // A window's worth.
            level.taken(level.allowed);
        }
    }

    pub fn level(&self, limit: PaceLimit) -> Option<Level> {
        match limit {
            PaceLimit::Connections => Some(self.connections),
            PaceLimit::MessagesPerMinute => self.messages,
        }
    }

    pub fn is_lowered(&self) -> bool {
        PaceLimit::ALL
            .into_iter()
            .any(|limit| self.level(limit).is_some_and(Level::is_lowered))
    }

    /// Whether it is as if nothing had been learnt.
    pub fn is_nothing(&self) -> bool {
        let plain = |level: Level| !level.is_lowered() && level.credit == 0;
        self.refusals == 0 && plain(self.connections) && self.messages.is_none_or(plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nhsmail() -> Learnt {
        Learnt::full(3, Some(30))
    }

    /// `c` a refusal for connections, `m` one for the rate, `5.` five good ones.
    fn run(learnt: &mut Learnt, script: &str) {
        let mut count = 0_u32;
        for letter in script.chars() {
            match letter {
                '0'..='9' => {
                    count = count * 10 + letter.to_digit(10).expect("a digit");
                    continue;
                }
                'c' => drop(learnt.refused(PaceLimit::Connections)),
                'm' => drop(learnt.refused(PaceLimit::MessagesPerMinute)),
                '.' => (0..count.max(1)).for_each(|_| learnt.taken()),
                _ => continue,
            }
            count = 0;
        }
    }

    #[test]
    fn fewer_after_repeated_refusals_and_back_after_good_ones() {
        for (script, connections, messages) in [
            ("", 3, 30),
            ("c", 3, 30),
            ("cc", 2, 30),
            ("ccc", 2, 30),
            ("cccc", 1, 30),
            ("cccccccccc", 1, 30),
            // One among many good ones is forgotten.
            ("c 60. c 60. c", 3, 30),
            ("c 5. c", 2, 30),
            // Two to three takes 30 good ones, one to two takes 15.
            ("cc 29.", 2, 30),
            ("cc 31.", 3, 30),
            ("cccc 14.", 1, 30),
            ("cccc 16.", 2, 30),
            ("cccc 50.", 3, 30),
            ("cccc 16. c", 2, 30),
            ("cccc 16. cc", 1, 30),
            // The rate goes down by a quarter and comes back by a tenth.
            ("m", 3, 30),
            ("mm", 3, 23),
            ("mmmm", 3, 18),
            ("mm 24.", 3, 26),
            ("mm 100.", 3, 30),
            ("mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm", 3, 1),
            ("mmcc", 2, 23),
        ] {
            let mut learnt = nhsmail();
            run(&mut learnt, script);
            let allowed = learnt.messages.expect("a rate").allowed;
            assert_eq!(
                (learnt.connections.allowed, allowed),
                (connections, messages),
                "{script:?}"
            );
        }
    }

    #[test]
    fn rests_grow_and_end() {
        let mut learnt = nhsmail();
        for seconds in [5, 10, 20, 40, 80, 160, 300, 300] {
            let rest = learnt.refused(PaceLimit::Connections);
            assert_eq!(rest, Duration::from_secs(seconds));
        }
        learnt.taken();
        let rest = learnt.refused(PaceLimit::MessagesPerMinute);
        assert_eq!(rest, REST_FIRST);
        let mut unlimited = Learnt::full(3, None);
        assert_eq!(unlimited.refused(PaceLimit::MessagesPerMinute), REST_FIRST);
        assert!(!unlimited.is_lowered() && !unlimited.is_nothing());
    }

    #[test]
    fn another_configuration_begins_anew() {
        let mut learnt = nhsmail();
        run(&mut learnt, "ccmm");
        assert_eq!(Learnt::restore(3, Some(30), learnt), learnt);
        let other = Learnt::restore(2, Some(30), learnt);
        assert_eq!(
            (other.connections.allowed, other.messages),
            (2, learnt.messages)
        );
        assert_eq!(Learnt::restore(3, None, learnt).messages, None);
    }

    /// Whatever comes: never nothing, never more than is configured, one bad
    /// reply after a good one takes at most one step, and enough good ones
    /// bring all back.
    #[test]
    fn any_story_keeps_within_bounds_and_ends_well() {
        for seed in 1..=300_u64 {
            let mut state = seed;
            let mut chance = |bound: u64| {
                state ^= state >> 12;
                state ^= state << 25;
                state ^= state >> 27;
                (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
            };
            let most = 1 + chance(8) as u32;
            let rate = (chance(4) > 0).then(|| 1 + chance(200) as u32);
            let mut learnt = Learnt::full(most, rate);
            let bad = 1 + chance(30);
            for _ in 0..400 {
                let before = learnt;
                match chance(bad + 2) {
                    0 => drop(learnt.refused(PaceLimit::Connections)),
                    1 => drop(learnt.refused(PaceLimit::MessagesPerMinute)),
                    _ => learnt.taken(),
                }
                for limit in PaceLimit::ALL {
                    let Some(level) = learnt.level(limit) else {
                        continue;
                    };
                    let was = before.level(limit).expect("it stays").allowed;
                    assert!(
                        level.allowed >= 1 && level.allowed <= level.most,
                        "seed {seed}"
                    );
                    assert!(level.credit.abs() < WHOLE, "seed {seed}: {level:?}");
                    assert!(
                        was - was.min(level.allowed) <= (was / 4).max(1),
                        "seed {seed}"
                    );
                }
                assert_eq!(Learnt::restore(most, rate, learnt), learnt, "seed {seed}");
            }
            (0..10_000).for_each(|_| learnt.taken());
            assert!(learnt.is_nothing(), "seed {seed}: {learnt:?}");
        }
    }
}
