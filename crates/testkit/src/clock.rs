//! Time that stands still until a test moves it.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use mailward_mail::time::{Clock, Timestamp, Waiting};
use tokio::sync::watch;

/// Times that a woken task may wake another before time moves on; each costs
/// one turn of the runtime.
const SETTLING_TURNS: usize = 64;

/// Steady time at the start; what was before has its place too.
const STEADY_START: Duration = Duration::from_secs(7 * 24 * 3600);

/// A clock for tests. Clones show the same time.
///
/// ```text
///   advance(1 h)    jumps, then wakes all whose moment has come, earliest first
///   run_for(1 h)    stops at each such moment and lets the woken tasks work
///   step(moment)    somebody sets the clock: no time has passed
/// ```
#[derive(Clone, Debug)]
pub struct SimulatedClock {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    waiters: watch::Sender<usize>,
}

#[derive(Debug)]
struct State {
    now: Timestamp,
    steady: Duration,
    next_number: u64,
    /// By moment, then by order of asking: the order in which they wake.
    sleepers: BTreeMap<(Timestamp, u64), Waker>,
    /// Those who wait for steady time.
    pausing: BTreeMap<(Duration, u64), Waker>,
}

impl State {
    /// Takes out those whose time has come, earliest first.
    fn due(&mut self) -> Vec<Waker> {
        let later = self.sleepers.split_off(&(self.now, u64::MAX));
        let due = std::mem::replace(&mut self.sleepers, later);
        let later = self.pausing.split_off(&(self.steady, u64::MAX));
        let paused = std::mem::replace(&mut self.pausing, later);
        let mut due: Vec<(u64, Timestamp, Waker)> = due
            .into_iter()
            .map(|((at, number), waker)| (number, at, waker))
            .collect();
        due.extend(paused.into_iter().map(|((at, number), waker)| {
            let ago = self.steady.saturating_sub(at);
            (number, self.now.minus(ago), waker)
        }));
        due.sort_by_key(|(number, at, _)| (*at, *number));
        due.into_iter().map(|(_, _, waker)| waker).collect()
    }

    fn waiting(&self) -> usize {
        self.sleepers.len() + self.pausing.len()
    }
}

impl Default for SimulatedClock {
    /// Starts on 21 November 2026 at half past nine.
    fn default() -> Self {
        Self::at("2026-11-21T09:30:00Z")
    }
}

impl SimulatedClock {
    pub fn new(start: Timestamp) -> Self {
        Self {
            shared: Arc::new(Shared {
                state: Mutex::new(State {
                    now: start,
                    steady: STEADY_START,
                    next_number: 0,
                    sleepers: BTreeMap::new(),
                    pausing: BTreeMap::new(),
                }),
                waiters: watch::Sender::new(0),
            }),
        }
    }

    /// Starts at an RFC 3339 time or date.
    pub fn at(start: &str) -> Self {
        Self::new(Timestamp::parse(start).expect("an RFC 3339 time"))
    }

    /// The same clock as a trait object.
    pub fn shared(&self) -> Arc<dyn Clock> {
        Arc::new(self.clone())
    }

    /// Jumps ahead and wakes whoever is due, earliest first.
    pub fn advance(&self, duration: Duration) {
        self.set(self.now().plus(duration));
    }

    /// Jumps to `moment`, also backwards, and wakes whoever is due. Ahead, that
    /// much time has passed.
    pub fn set(&self, moment: Timestamp) {
        self.change(|state| {
            state.steady += moment.since(state.now);
            state.now = moment;
        });
    }

    /// Somebody sets the clock to `moment`, and no time has passed.
    pub fn step(&self, moment: Timestamp) {
        self.change(|state| state.now = moment);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let due = {
            let mut state = self.shared.lock();
            change(&mut state);
            state.due()
        };
        for waker in due {
            waker.wake();
        }
        self.shared.count();
    }

    /// Goes ahead from one awaited moment to the next, and at each lets the
    /// woken tasks work until they wait again. For current-thread runtimes.
    pub async fn run_for(&self, duration: Duration) {
        let end = self.now().plus(duration);
        settle().await;
        while let Some(moment) = self.next_due().filter(|moment| *moment <= end) {
            self.set(moment.max(self.now()));
            settle().await;
        }
        self.set(end);
        settle().await;
    }

    /// The earliest moment anybody waits for.
    pub fn next_due(&self) -> Option<Timestamp> {
        let state = self.shared.lock();
        let moment = state.sleepers.keys().next().map(|(moment, _)| *moment);
        let pause = state.pausing.keys().next().map(|(end, _)| {
            let left = end.saturating_sub(state.steady);
            state.now.plus(left)
        });
        moment.into_iter().chain(pause).min()
    }

    /// How many are waiting now.
    pub fn waiting(&self) -> usize {
        self.shared.lock().waiting()
    }

    /// Completes once at least `count` wait: a test's way of knowing that the
    /// code under test has got as far as its timeout.
    pub async fn until_waiting(&self, count: usize) {
        let mut waiters = self.shared.waiters.subscribe();
        let enough = waiters.wait_for(|waiting| *waiting >= count);
        let _ = enough.await.expect("the clock keeps the sender");
    }
}

async fn settle() {
    for _ in 0..SETTLING_TURNS {
        tokio::task::yield_now().await;
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        self.shared.lock().now
    }

    fn wait_until(&self, moment: Timestamp) -> Waiting {
        Box::pin(Sleeper {
            shared: Arc::clone(&self.shared),
            end: End::At(moment),
            number: None,
        })
    }

    fn steady(&self) -> Duration {
        self.shared.lock().steady
    }

    fn wait(&self, duration: Duration) -> Waiting {
        Box::pin(Sleeper {
            shared: Arc::clone(&self.shared),
            end: End::After(self.steady().saturating_add(duration)),
            number: None,
        })
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self) {
        self.waiters.send_replace(self.lock().waiting());
    }
}

/// What somebody waits for: a moment of the clock, or steady time.
#[derive(Clone, Copy)]
enum End {
    At(Timestamp),
    After(Duration),
}

struct Sleeper {
    shared: Arc<Shared>,
    end: End,
    /// Its place among those who wait for the same moment, once polled.
    number: Option<u64>,
}

impl Future for Sleeper {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.lock();
        let over = match self.end {
            End::At(moment) => state.now >= moment,
            End::After(end) => state.steady >= end,
        };
        if over {
            return Poll::Ready(());
        }
        let number = *self.number.get_or_insert_with(|| {
            state.next_number += 1;
            state.next_number
        });
        let waker = context.waker().clone();
        let known = match self.end {
            End::At(moment) => state.sleepers.insert((moment, number), waker),
            End::After(end) => state.pausing.insert((end, number), waker),
        };
        drop(state);
        if known.is_none() {
            shared.count();
        }
        Poll::Pending
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let removed = {
                let mut state = self.shared.lock();
                match self.end {
                    End::At(moment) => state.sleepers.remove(&(moment, number)),
                    End::After(end) => state.pausing.remove(&(end, number)),
                }
            };
            self.shared.count();
            // Outside the lock: the last waker of a task may drop the task,
            // and with it other sleepers.
            drop(removed);
        }
    }
}

#[cfg(test)]
mod tests {
    use mailward_net::Tasks;

    use super::*;

    /// Starts a task for each delay that notes its name and time when it wakes.
    fn sleepers(clock: &SimulatedClock, seconds: &[u64]) -> Arc<Mutex<Vec<String>>> {
        let log = Arc::new(Mutex::new(Vec::new()));
        for &delay in seconds {
            let (clock, log) = (clock.clone(), Arc::clone(&log));
            Tasks::new().spawn("sleeper", async move {
                clock.wait(Duration::from_secs(delay)).await;
                let time = clock.now().to_rfc3339();
                log.lock()
                    .unwrap()
                    .push(format!("{delay} {}", &time[14..19]));
            });
        }
        log
    }

    #[tokio::test]
    async fn wakes_in_the_order_of_moments() {
        let clock = SimulatedClock::default();
        let log = sleepers(&clock, &[30, 10, 20, 10, 90]);
        clock.until_waiting(5).await;
        assert_eq!(
            clock.next_due(),
            Some(clock.now().plus(Duration::from_secs(10)))
        );

        clock.advance(Duration::from_secs(60));
        settle().await;
        assert_eq!(
            *log.lock().unwrap(),
            ["10 31:00", "10 31:00", "20 31:00", "30 31:00"]
        );
        assert_eq!(clock.waiting(), 1);
    }

    #[tokio::test]
    async fn running_stops_at_each_moment() {
        let clock = SimulatedClock::default();
        let log = sleepers(&clock, &[30, 10, 20]);
        clock.run_for(Duration::from_secs(25)).await;
        assert_eq!(*log.lock().unwrap(), ["10 30:10", "20 30:20"]);
        assert_eq!(clock.now().to_rfc3339(), "2026-11-21T09:30:25.000Z");
    }

    #[tokio::test]
    async fn a_step_is_no_time_that_passes() {
        let clock = SimulatedClock::default();
        let start = clock.now();
        let log = sleepers(&clock, &[10]);
        clock.until_waiting(1).await;
        clock.step(start.plus(Duration::from_secs(3600)));
        settle().await;
        assert!(
            log.lock().unwrap().is_empty(),
            "ten seconds have not passed"
        );
        clock.step(start.minus(Duration::from_secs(3600)));
        let began = clock.steady();
        clock.run_for(Duration::from_secs(10)).await;
        assert_eq!(clock.steady() - began, Duration::from_secs(10));
        assert_eq!(*log.lock().unwrap(), ["10 30:10"]);
    }

    #[tokio::test]
    async fn forgets_those_who_gave_up() {
        let clock = SimulatedClock::default();
        let mut given_up = Box::pin(clock.wait(Duration::from_secs(1)));
        tokio::select! {
            biased;
            () = &mut given_up => panic!("time stands still"),
            () = clock.until_waiting(1) => {}
        }
        drop(given_up);
        assert_eq!(clock.waiting(), 0);
    }
}
