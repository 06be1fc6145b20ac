//! The pace of one mailbox. Pure: fed with `now`, answers at once.
//!
//! The service allows so many messages a minute and so many connections for
//! one mailbox, and we keep within both before it has to. A token bucket would
//! let a full bucket and a minute's refill through in the same minute; this is
//! a true sliding window. An attempt counts from its permit until one window
//! after its end, so that the limit holds at whatever moment in between the
//! service does its counting.
//!
//! A window that filled at once would empty at once a window later, for ever,
//! and each attempt's length would shift the next burst. So while messages are
//! turned away they go out evenly, a little closer than the limit asks.
//!
//! Time is [`Clock::steady`](mailward_mail::Clock::steady): setting the clock
//! opens no window and closes none.

use std::collections::VecDeque;
use std::time::Duration;

/// While messages are turned away, the window is shared by this many more than
/// may go out in it: the even gaps leave time to make up for attempts' lengths.
const SPARE_GAPS: u32 = 2;

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
    /// Ask again then: there is no room until that moment.
    WaitUntil(Duration),
    /// Ask again after the next [`Pace::end`]: all that is free is under way.
    WaitForEnd,
}

/// Keeps one mailbox within its limits.
#[derive(Clone, Debug)]
pub struct Pace {
    limits: LaneLimits,
    under_way: u32,
    /// When counted attempts ended, oldest first; at most `messages_max`.
    ended: VecDeque<Duration>,
    last_permit: Option<Duration>,
    /// When a message was last turned away for the window's sake.
    crowded_at: Option<Duration>,
}

impl Pace {
    /// One whose last window is empty.
    pub fn new(limits: LaneLimits) -> Self {
        Self::restore(limits, [])
    }

    /// One that carries on after a restart: `ended` are the ends of the
    /// attempts of at least the last window, in any order
    /// (`Queue::recent_attempts`).
    pub fn restore(limits: LaneLimits, ended: impl IntoIterator<Item = Duration>) -> Self {
        let mut pace = Self {
            limits,
            under_way: 0,
            ended: VecDeque::new(),
            last_permit: None,
            crowded_at: None,
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
    pub fn request(&mut self, now: Duration) -> Decision {
        self.forget_before(now);
        if self.under_way >= self.limits.connections_max {
            return Decision::WaitForEnd;
        }
        if let Some(most) = self.limits.messages_max {
            if self.under_way >= most {
                return Decision::WaitForEnd;
            }
            if let Some(free) = self.window_free_at(most).or_else(|| self.gap_over_at(now)) {
                self.crowded_at = Some(now);
                return Decision::WaitUntil(free);
            }
        }
        self.under_way += 1;
        self.last_permit = Some(now);
        Decision::Permit
    }

    /// An attempt that had a permit is over. `counted` is false only when the
    /// service can not have counted it, since no MAIL command was sent.
    pub fn end(&mut self, now: Duration, counted: bool) {
        debug_assert!(self.under_way > 0, "an attempt ended that had no permit");
        self.under_way = self.under_way.saturating_sub(1);
        if counted && self.limits.messages_max.is_some() {
            let latest = self.ended.back().map_or(now, |last| now.max(*last));
            self.ended.push_back(latest);
        }
    }

    /// New limits hold for the next request; what is under way goes on.
    pub fn set_limits(&mut self, limits: LaneLimits) {
        *self = Self {
            under_way: self.under_way,
            last_permit: self.last_permit,
            crowded_at: self.crowded_at,
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
    pub fn counted(&mut self, now: Duration) -> u32 {
        self.forget_before(now);
        self.under_way + u32::try_from(self.ended.len()).unwrap_or(u32::MAX)
    }

    /// How many could be permitted at `now`, one after the other, as far as
    /// the window goes.
    pub fn room(&mut self, now: Duration) -> u32 {
        let counted = self.counted(now);
        match self.limits.messages_max {
            None => u32::MAX,
            Some(_) if self.gap_over_at(now).is_some() => 0,
            Some(most) if self.is_crowded(now) => most.saturating_sub(counted).min(1),
            Some(most) => most.saturating_sub(counted),
        }
    }

    /// When the window has room for one more; `None` when it has, or when that
    /// hangs on attempts under way.
    pub fn free_at(&mut self, now: Duration) -> Option<Duration> {
        self.forget_before(now);
        let most = self.limits.messages_max?;
        if self.under_way >= most {
            return None;
        }
        self.window_free_at(most)
    }

    fn window_free_at(&self, most: u32) -> Option<Duration> {
        let counted = self.under_way as usize + self.ended.len();
        // Room for one comes when `counted - most + 1` have left.
        let surplus = counted.checked_sub(most as usize)?;
        let last_to_leave = self.ended.get(surplus)?;
        Some(last_to_leave.saturating_add(self.limits.window))
    }

    /// When the gap after the last permit is over, while there is one to keep.
    fn gap_over_at(&self, now: Duration) -> Option<Duration> {
        let most = self.limits.messages_max?;
        if !self.is_crowded(now) {
            return None;
        }
        let gap = self.limits.window / most.saturating_add(SPARE_GAPS);
        let over = self.last_permit?.saturating_add(gap);
        (over > now).then_some(over)
    }

    fn is_crowded(&self, now: Duration) -> bool {
        self.crowded_at
            .is_some_and(|crowded| crowded.saturating_add(self.limits.window) > now)
    }

    fn forget_before(&mut self, now: Duration) {
        while self
            .ended
            .front()
            .is_some_and(|end| end.saturating_add(self.limits.window) <= now)
        {
            self.ended.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_000_000;
    const NHSMAIL: LaneLimits = LaneLimits::per_minute(3, 30);

    fn at(millis: i64) -> Duration {
        Duration::from_millis(u64::try_from(START + millis).expect("after the start"))
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
    fn a_backlog_goes_out_evenly_after_its_first_burst() {
        let mut pace = Pace::new(NHSMAIL);
        let mut sent = Vec::new();
        let mut now = 0;
        // Each attempt takes 150 ms.
        while now < 600_000 {
            match pace.request(at(now)) {
                Decision::Permit => {
                    sent.push(now);
                    now += 150;
                    pace.end(at(now), true);
                }
                Decision::WaitUntil(when) => {
                    now = i64::try_from(when.as_millis()).expect("a time") - START;
                }
                Decision::WaitForEnd => panic!("nothing is under way"),
            }
        }
        for minute in 0..10 {
            let within = minute * 60_000..(minute + 1) * 60_000;
            let count = sent.iter().filter(|at| within.contains(*at)).count();
            assert!((29..=30).contains(&count), "minute {minute}: {count}");
        }
        // And whatever minute one takes, once the first is over.
        for from in (60_000..540_000).step_by(777) {
            let count = sent
                .iter()
                .filter(|at| (from..from + 60_000).contains(*at))
                .count();
            assert!((29..=30).contains(&count), "from {from}: {count}");
        }
        // When nobody has been turned away for a minute, a burst goes at once.
        for n in 0..30 {
            assert_eq!(pace.request(at(720_000 + n)), Decision::Permit, "{n}");
            pace.end(at(720_000 + n), true);
        }
    }

    #[test]
    fn room_is_what_can_be_permitted() {
        let mut pace = Pace::new(LaneLimits::per_minute(3, 4));
        assert_eq!((pace.room(at(0)), pace.free_at(at(0))), (4, None));
        for n in 0..4 {
            assert_eq!(pace.request(at(n)), Decision::Permit);
            pace.end(at(n), true);
        }
        assert_eq!(
            (pace.room(at(5)), pace.free_at(at(5))),
            (0, Some(at(60_000)))
        );
        let mut quiet = pace.clone();
        assert_eq!(quiet.room(at(70_000)), 4, "nobody was turned away");
        assert_eq!(pace.request(at(5)), Decision::WaitUntil(at(60_000)));
        assert_eq!(pace.room(at(60_004)), 1, "one after the other");
        assert_eq!(
            Pace::new(LaneLimits::connections_only(1)).room(at(0)),
            u32::MAX
        );
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
            let mut ends: Vec<Duration> = Vec::new();
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
