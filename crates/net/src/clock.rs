//! The system's clock, and a clock that runs with it but elsewhere in time.

#![allow(
    clippy::disallowed_methods,
    reason = "the one place that may read the system's time and sleep; everything else takes a Clock"
)]

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mailward_mail::time::{Clock, Timestamp, Waiting};
use tokio::sync::watch;

/// The longest nap between two looks at the wall clock, so that a clock that
/// is set while somebody waits is noticed within this time.
const NAP_MAX: Duration = Duration::from_secs(60);

/// Steady time at the boot: enough for everything that a restart remembers to
/// have its place before.
const STEADY_START: Duration = Duration::from_secs(7 * 24 * 3600);

/// A word that Linux makes anew at each boot (random(4)).
#[cfg(target_os = "linux")]
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Since the boot: the same in every program on the machine.
#[cfg(target_os = "linux")]
fn monotonic() -> Duration {
    let since = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::try_from(since).unwrap_or_default()
}

/// Since the program's first look.
#[cfg(not(target_os = "linux"))]
fn monotonic() -> Duration {
    static FIRST_LOOK: OnceLock<Instant> = OnceLock::new();
    FIRST_LOOK.get_or_init(Instant::now).elapsed()
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => Timestamp::from_millis(millis(since)),
            Err(before) => Timestamp::from_millis(-millis(before.duration())),
        }
    }

    fn steady(&self) -> Duration {
        STEADY_START + monotonic()
    }

    #[cfg(target_os = "linux")]
    fn boot_id(&self) -> Option<&str> {
        static WORD: OnceLock<Option<String>> = OnceLock::new();
        let read = || {
            let word = std::fs::read_to_string(BOOT_ID).ok()?;
            Some(word.trim().to_owned()).filter(|word| !word.is_empty())
        };
        WORD.get_or_init(read).as_deref()
    }

    fn wait_until(&self, moment: Timestamp) -> Waiting {
        Box::pin(async move {
            loop {
                let left = moment.since(Self.now());
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(NAP_MAX)).await;
            }
        })
    }

    fn wait(&self, duration: Duration) -> Waiting {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Another clock plus an offset that can be changed while others wait.
///
/// ```text
///   base   ──●────────●────────────●──────▶   wakes waiters in real time
///   shift        +0       +2 days             set, advance: wakes them at once
/// ```
///
/// A shift ahead is time that passes, for [steady](Clock::steady) time too; one
/// back is not.
#[derive(Debug)]
pub struct ShiftedClock {
    base: Arc<dyn Clock>,
    shift: watch::Sender<Shift>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Shift {
    millis: i64,
    /// All shifts ahead together.
    passed: Duration,
}

impl Shift {
    fn set(&mut self, millis: i64) {
        let ahead = u64::try_from(millis.saturating_sub(self.millis)).unwrap_or(0);
        self.passed = self.passed.saturating_add(Duration::from_millis(ahead));
        self.millis = millis;
    }
}

impl ShiftedClock {
    /// A clock that shows what `base` shows, until told otherwise.
    pub fn new(base: Arc<dyn Clock>) -> Self {
        Self {
            base,
            shift: watch::Sender::new(Shift::default()),
        }
    }

    /// A clock that shows `moment` now and runs on from there.
    pub fn starting_at(base: Arc<dyn Clock>, moment: Timestamp) -> Self {
        let clock = Self::new(base);
        clock.set(moment);
        clock
    }

    /// Shows `moment` from now on, which may lie earlier than before. Whoever
    /// waits for a moment that has come wakes at once.
    pub fn set(&self, moment: Timestamp) {
        let millis = moment
            .as_millis()
            .saturating_sub(self.base.now().as_millis());
        self.shift.send_modify(|shift| shift.set(millis));
    }

    /// Jumps ahead.
    pub fn advance(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        self.shift
            .send_modify(|shift| shift.set(shift.millis.saturating_add(millis)));
    }

    /// The clock that this one runs with.
    pub fn base(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.base)
    }

    /// Runs this far ahead of its base from now on.
    pub fn set_shift_millis(&self, millis: i64) {
        self.shift.send_modify(|shift| shift.set(millis));
    }

    /// How far this clock is ahead of its base, in milliseconds.
    pub fn shift_millis(&self) -> i64 {
        self.shift.borrow().millis
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        shifted(self.base.now(), self.shift_millis())
    }

    fn wait_until(&self, moment: Timestamp) -> Waiting {
        let base = Arc::clone(&self.base);
        let mut shifts = self.shift.subscribe();
        Box::pin(async move {
            loop {
                let shift = shifts.borrow_and_update().millis;
                if shifted(base.now(), shift) >= moment {
                    return;
                }
                let due = shifted(moment, shift.saturating_neg());
                tokio::select! {
                    () = base.wait_until(due) => {}
                    changed = shifts.changed() => if changed.is_err() {
                        // The clock itself is gone, so its shift stays.
                        return base.wait_until(due).await;
                    },
                }
            }
        })
    }

    /// A shift ends with the program, and the base's word with the first shift.
    fn boot_id(&self) -> Option<&str> {
        let shift = *self.shift.borrow();
        let never = shift.millis == 0 && shift.passed.is_zero();
        self.base.boot_id().filter(|_| never)
    }

    fn steady(&self) -> Duration {
        self.base
            .steady()
            .saturating_add(self.shift.borrow().passed)
    }

    fn wait(&self, duration: Duration) -> Waiting {
        let base = Arc::clone(&self.base);
        let mut shifts = self.shift.subscribe();
        let due = self.steady().saturating_add(duration);
        Box::pin(async move {
            loop {
                let passed = shifts.borrow_and_update().passed;
                let left = due.saturating_sub(base.steady().saturating_add(passed));
                if left.is_zero() {
                    return;
                }
                tokio::select! {
                    () = base.wait(left) => {}
                    changed = shifts.changed() => if changed.is_err() {
                        return base.wait(left).await;
                    },
                }
            }
        })
    }
}

/// A clock that always shows the same moment, for scripts that shall happen
/// the same way twice: a [`ShiftedClock`] over it moves only when it is told
/// to. Pauses ([`Clock::wait`]) take their time on `base` all the same; who
/// waits for a later moment waits until the clock is moved.
#[derive(Debug)]
pub struct HeldClock {
    base: Arc<dyn Clock>,
    at: Timestamp,
}

impl HeldClock {
    pub fn new(base: Arc<dyn Clock>, at: Timestamp) -> Self {
        Self { base, at }
    }
}

impl Clock for HeldClock {
    fn now(&self) -> Timestamp {
        self.at
    }

    fn steady(&self) -> Duration {
        self.base.steady()
    }

    fn wait_until(&self, moment: Timestamp) -> Waiting {
        if moment <= self.at {
            return Box::pin(std::future::ready(()));
        }
        Box::pin(std::future::pending())
    }

    fn wait(&self, duration: Duration) -> Waiting {
        self.base.wait(duration)
    }
}

fn shifted(moment: Timestamp, shift_millis: i64) -> Timestamp {
    Timestamp::from_millis(moment.as_millis().saturating_add(shift_millis))
}

/// The time allowed for something ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the time allowed ran out")]
pub struct Elapsed;

/// Does `work`, but no longer than `limit` on `clock`. Work that is ready at
/// the last moment counts as done.
pub async fn within<T>(
    clock: &dyn Clock,
    limit: Duration,
    work: impl Future<Output = T>,
) -> Result<T, Elapsed> {
    in_time(work, || clock.wait(limit)).await
}

/// Does `work`, but no longer than until `deadline` on `clock`, which may be
/// set meanwhile: that neither cuts the work short nor lets it last longer.
pub async fn until<T>(
    clock: &dyn Clock,
    deadline: Timestamp,
    work: impl Future<Output = T>,
) -> Result<T, Elapsed> {
    within(clock, deadline.since(clock.now()), work).await
}

/// Most work is done at once, and a timer that nobody needs is not free.
async fn in_time<T>(
    work: impl Future<Output = T>,
    timer: impl Fn() -> Waiting,
) -> Result<T, Elapsed> {
    let mut work = pin!(work);
    let mut late: Option<Waiting> = None;
    poll_fn(|context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(Ok(done));
        }
        let late = late.get_or_insert_with(&timer);
        late.as_mut().poll(context).map(|()| Err(Elapsed))
    })
    .await
}

/// A monotonic moment, for libraries that think in [`Instant`]s.
pub(crate) fn instant_now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn poll<T>(mut future: &mut (impl Future<Output = T> + Unpin)) -> Poll<T> {
        Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop()))
    }

    /// A base that stands still, so that only shifts can wake anybody.
    #[derive(Debug)]
    struct Stopped(Timestamp);

    impl Clock for Stopped {
        fn now(&self) -> Timestamp {
            self.0
        }

        fn wait_until(&self, moment: Timestamp) -> Waiting {
            let due = moment <= self.0;
            Box::pin(async move {
                if !due {
                    std::future::pending::<()>().await;
                }
            })
        }
    }

    fn moment(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("a valid time")
    }

    fn stopped() -> ShiftedClock {
        ShiftedClock::new(Arc::new(Stopped(moment("2026-11-21"))))
    }

    #[tokio::test]
    async fn a_shift_wakes_those_whose_moment_has_come() {
        let clock = stopped();
        let mut hour = clock.wait(Duration::from_secs(3600));
        let mut day = clock.wait(Duration::from_secs(86_400));
        assert_eq!(poll(&mut hour), Poll::Pending);
        assert_eq!(poll(&mut day), Poll::Pending);

        clock.advance(Duration::from_secs(3599));
        assert_eq!(poll(&mut hour), Poll::Pending);
        clock.advance(Duration::from_secs(1));
        assert_eq!(poll(&mut hour), Poll::Ready(()));
        assert_eq!(poll(&mut day), Poll::Pending);

        clock.set(moment("2027-04-01"));
        assert_eq!(poll(&mut day), Poll::Ready(()));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_boot_is_the_machine_s_until_a_clock_is_shifted() {
        let word = std::fs::read_to_string(BOOT_ID).expect("Linux's boot id");
        assert_eq!(SystemClock.boot_id(), Some(word.trim()));
        let clock = ShiftedClock::new(Arc::new(SystemClock));
        assert_eq!(clock.boot_id(), SystemClock.boot_id());
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.boot_id(), None);
    }

    #[tokio::test]
    async fn a_shift_wakes_a_sleeping_task() {
        let clock = Arc::new(stopped());
        let waiting = tokio::spawn(clock.wait(Duration::from_secs(60)));
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(60));
        waiting.await.expect("the waiter wakes");
    }

    #[tokio::test]
    async fn set_back_keeps_waiters_waiting() {
        let clock = stopped();
        let mut wait = clock.wait_until(moment("2026-11-21T00:00:10Z"));
        clock.set(moment("2022-03-01"));
        assert_eq!(clock.now(), moment("2022-03-01"));
        clock.advance(Duration::from_secs(11));
        assert_eq!(poll(&mut wait), Poll::Pending);
        clock.set(moment("2026-11-21T00:00:10Z"));
        assert_eq!(poll(&mut wait), Poll::Ready(()));
    }

    #[tokio::test]
    async fn set_back_keeps_no_pause_waiting() {
        let clock = stopped();
        let began = clock.steady();
        let mut pause = clock.wait(Duration::from_secs(10));
        clock.advance(Duration::from_secs(4));
        clock.set(moment("2022-03-01"));
        assert_eq!(clock.steady() - began, Duration::from_secs(4));
        assert_eq!(poll(&mut pause), Poll::Pending);
        clock.advance(Duration::from_secs(6));
        assert_eq!(poll(&mut pause), Poll::Ready(()));
    }

    #[tokio::test]
    async fn runs_on_with_its_base() {
        let clock = ShiftedClock::starting_at(Arc::new(SystemClock), moment("2022-03-01"));
        let due = clock.now().plus(Duration::from_millis(3));
        clock.wait_until(due).await;
        assert!(clock.now() >= due);
        assert!(clock.now() < moment("2022-03-02"));
    }

    #[tokio::test]
    async fn a_held_clock_moves_only_when_told() {
        let held = Arc::new(HeldClock::new(Arc::new(SystemClock), moment("2026-11-21")));
        let clock = ShiftedClock::new(held);
        clock.wait(Duration::from_millis(2)).await;
        assert_eq!(clock.now(), moment("2026-11-21"));
        let mut hour = clock.wait_until(moment("2026-11-21T01:00:00Z"));
        assert_eq!(poll(&mut hour), Poll::Pending);
        clock.advance(Duration::from_secs(3600));
        assert_eq!(poll(&mut hour), Poll::Ready(()));
        assert_eq!(clock.now(), moment("2026-11-21T01:00:00Z"));
    }

    #[tokio::test]
    async fn within_ends_work_that_takes_too_long() {
        let clock = stopped();
        assert_eq!(
            within(&clock, Duration::ZERO, std::future::ready(7)).await,
            Ok(7)
        );
        let never = std::future::pending::<()>();
        let mut limited = Box::pin(within(&clock, Duration::from_secs(5), never));
        assert_eq!(poll(&mut limited), Poll::Pending);
        clock.advance(Duration::from_secs(5));
        assert_eq!(poll(&mut limited), Poll::Ready(Err(Elapsed)));
    }
}
