//! The pace of one lane. Pure: fed with `now`, answers at once.
//!
//! The service allows so many messages a minute and so many connections for
//! one mailbox, and we keep within both before it has to. A token bucket would
//! let a full bucket and a minute's refill through in the same minute; this is
//! a true sliding window. An attempt counts from its permit until one window
//! after its end, so that the limit holds at whatever moment in between the
//! service does its counting.

use std::collections::VecDeque;
use std::time::Duration;

use mailward_mail::Timestamp;

/// What a lane may do. The published numbers live with the policy and come in
/// here as values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneLimits {
    /// Attempts under way at once; one connection carries one at a time.
    pub connections_max: u32,
    /// In any `window`; `None` where the service sets no limit.
    pub messages_max: Option<u32>,
    pub window: Duration,
}

impl LaneLimits {
    /// So many connections, so many messages in any 60 seconds.
    pub const fn per_minute(connections_max: u32, messages_max: u32) -> Self {
        Self {
            connections_max,
            messages_max: Some(messages_max),
            window: Duration::from_secs(60),
        }
    }

    /// No limit on messages, for tests of strangers' servers and the like.
    pub const fn connections_only(connections_max: u32) -> Self {
        Self {
            connections_max,
            messages_max: None,
            window: Duration::ZERO,
        }
    }
}

/// The answer to a request to send one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go ahead, and call [`Pace::end`] when the attempt is over.
    Permit,
    /// Ask again then: the window is full until that moment.
    WaitUntil(Timestamp),
    /// Ask again after the next [`Pace::end`]: all that is free is under way.
    WaitForEnd,
}

/// Keeps one lane within its limits.
#[derive(Clone, Debug)]
pub struct Pace {
    limits: LaneLimits,
    under_way: u32,
    /// When counted attempts ended, oldest first; at most `messages_max`.
    ended: VecDeque<Timestamp>,
}

impl Pace {
    /// A lane whose last window is empty.
    pub fn new(limits: LaneLimits) -> Self {
        Self::restore(limits, [])
    }

    /// A lane that carries on after a restart: `ended` are the ends of the
    /// attempts of at least the last window, in any order
    /// (`Queue::recent_attempts`).
    pub fn restore(limits: LaneLimits, ended: impl IntoIterator<Item = Timestamp>) -> Self {
        let mut pace = Self {
            limits,
            under_way: 0,
            ended: VecDeque::new(),
        };
        if let Some(most) = limits.messages_max {
            pace.ended.extend(ended);
            pace.ended.make_contiguous().sort_unstable();
            let surplus = pace.ended.len().saturating_sub(most as usize);
            pace.ended.drain(..surplus);
        }
        pace
    }

    /// Asks to start one attempt.
    pub fn request(&mut self, now: Timestamp) -> Decision {
        self.forget_before(now);
        if self.under_way >= self.limits.connections_max {
            return Decision::WaitForEnd;
        }
        if let Some(most) = self.limits.messages_max {
            if self.under_way >= most {
                return Decision::WaitForEnd;
            }
            let counted = self.under_way as usize + self.ended.len();
            if counted >= most as usize {
                // Room for one comes when `counted - most + 1` have left.
                let last_to_leave = self.ended[counted - most as usize];
                return Decision::WaitUntil(last_to_leave.plus(self.limits.window));
            }
        }
        self.under_way += 1;
        Decision::Permit
    }

    /// An attempt that had a permit is over. `counted` is false only when the
    /// service can not have counted it, since no MAIL command was sent.
    pub fn end(&mut self, now: Timestamp, counted: bool) {
        debug_assert!(self.under_way > 0, "an attempt ended that had no permit");
        self.under_way = self.under_way.saturating_sub(1);
        if counted && self.limits.messages_max.is_some() {
            // A clock that went back must not open the window early.
            let latest = self.ended.back().map_or(now, |last| now.max(*last));
            self.ended.push_back(latest);
        }
    }

    /// New limits hold for the next request; what is under way goes on.
    pub fn set_limits(&mut self, limits: LaneLimits) {
        *self = Self {
            under_way: self.under_way,
            ..Self::restore(limits, std::mem::take(&mut self.ended))
        };
    }

    pub fn limits(&self) -> LaneLimits {
        self.limits
    }

    pub fn under_way(&self) -> u32 {
        self.under_way
    }

    /// Messages that count against the window at `now`.
    pub fn counted(&mut self, now: Timestamp) -> u32 {
        self.forget_before(now);
        self.under_way + u32::try_from(self.ended.len()).unwrap_or(u32::MAX)
    }

    fn forget_before(&mut self, now: Timestamp) {
        while self
            .ended
            .front()
            .is_some_and(|end| end.plus(self.limits.window) <= now)
        {
            self.ended.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_700_000_000_000;
    const NHSMAIL: LaneLimits = LaneLimits::per_minute(3, 30);

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(START + millis)
    }

    /// xorshift64*, so that a failing seed can be named.
    struct Chance(u64);
    impl Chance {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
        }
    }

    #[test]
    fn the_first_minute_lets_thirty_through_and_no_more() {
        let mut pace = Pace::new(NHSMAIL);
        for n in 0..30 {
            assert_eq!(pace.request(at(n * 10)), Decision::Permit, "message {n}");
            pace.end(at(n * 10), true);
        }
        assert_eq!(pace.request(at(300)), Decision::WaitUntil(at(60_000)));
        assert_eq!(pace.request(at(59_999)), Decision::WaitUntil(at(60_000)));
        assert_eq!(pace.request(at(60_000)), Decision::Permit);
        pace.end(at(60_000), true);
        assert_eq!(pace.request(at(60_000)), Decision::WaitUntil(at(60_010)));
    }

    #[test]
    fn three_under_way_and_no_more() {
        let mut pace = Pace::new(NHSMAIL);
        for _ in 0..3 {
            assert_eq!(pace.request(at(0)), Decision::Permit);
        }
        assert_eq!(pace.request(at(0)), Decision::WaitForEnd);
        pace.end(at(5), false);
        assert_eq!(pace.request(at(5)), Decision::Permit);
        assert_eq!((pace.under_way(), pace.counted(at(5))), (3, 3));
    }

    #[test]
    fn odd_limits_neither_hang_nor_panic() {
        let table = [
            (LaneLimits::per_minute(0, 30), Decision::WaitForEnd),
            (LaneLimits::per_minute(3, 0), Decision::WaitForEnd),
            (LaneLimits::per_minute(3, 1), Decision::Permit),
            (LaneLimits::connections_only(3), Decision::Permit),
        ];
        for (limits, expected) in table {
            assert_eq!(Pace::new(limits).request(at(0)), expected, "{limits:?}");
        }
        let mut free = Pace::new(LaneLimits::connections_only(1));
        for _ in 0..1000 {
            assert_eq!(free.request(at(0)), Decision::Permit);
            free.end(at(0), true);
        }
    }

    #[test]
    fn a_restart_forgets_nothing() {
        let ends = (0..30).map(|n| at(n * 100));
        let mut pace = Pace::restore(NHSMAIL, ends);
        assert_eq!(pace.request(at(3_000)), Decision::WaitUntil(at(60_000)));
        pace.set_limits(LaneLimits::per_minute(3, 10));
        assert_eq!(pace.request(at(3_000)), Decision::WaitUntil(at(62_000)));
        pace.set_limits(LaneLimits::per_minute(3, 60));
        assert_eq!(pace.request(at(3_000)), Decision::Permit);
    }

    #[test]
    fn a_clock_set_back_opens_no_window() {
        let mut pace = Pace::new(LaneLimits::per_minute(3, 1));
        assert_eq!(pace.request(at(100_000)), Decision::Permit);
        pace.end(at(100_000), true);
        assert_eq!(pace.request(at(0)), Decision::WaitUntil(at(160_000)));
    }

    /// Random arrivals, random attempt lengths, restarts in between: at no
    /// counting point (start, end, or any moment between) do more than the
    /// limit fall into any window.
    #[test]
    fn never_more_than_the_limit_in_any_window() {
        for seed in 1..=200 {
            let mut chance = Chance(seed);
            let most = 1 + chance.below(40) as u32;
            let limits = LaneLimits::per_minute(1 + chance.below(4) as u32, most);
            let busy = 1 + chance.below(4_000);
            let slow = 1 + chance.below(30_000);
            let mut pace = Pace::new(limits);
            // Ends to come, and counting points of all attempts so far.
            let mut under_way: Vec<(i64, i64)> = Vec::new();
            let mut ends: Vec<Timestamp> = Vec::new();
            let mut counted: Vec<i64> = Vec::new();
            let mut now = 0;
            while now < 600_000 {
                now += chance.below(busy) as i64;
                under_way.sort_unstable();
                while under_way.first().is_some_and(|(end, _)| *end <= now) {
                    let (end, point) = under_way.remove(0);
                    pace.end(at(end), true);
                    ends.push(at(end));
                    counted.push(point);
                }
                if chance.below(50) == 0 {
                    // Killed and started again: what was under way ends now.
                    for (_, point) in under_way.drain(..) {
                        ends.push(at(now));
                        counted.push(point.min(now));
                    }
                    pace = Pace::restore(limits, ends.iter().copied());
                }
                match pace.request(at(now)) {
                    Decision::Permit => {
                        let length = chance.below(slow) as i64;
                        let point = now + chance.below(length as u64 + 1) as i64;
                        under_way.push((now + length, point));
                    }
                    Decision::WaitUntil(when) => assert!(when > at(now), "seed {seed}"),
                    Decision::WaitForEnd => assert!(!under_way.is_empty(), "seed {seed}"),
                }
                assert!(
                    under_way.len() <= limits.connections_max as usize,
                    "seed {seed}"
                );
            }
            counted.extend(under_way.iter().map(|(_, point)| *point));
            counted.sort_unstable();
            for (first, last) in (0..).zip(counted.iter().skip(most as usize)) {
                let span = last - counted[first];
                assert!(
                    span >= 60_000,
                    "seed {seed}: {most} + 1 messages within {span} ms"
                );
            }
        }
    }
}
