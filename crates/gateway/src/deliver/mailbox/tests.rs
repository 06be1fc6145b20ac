//! The lease of places and messages on a simulated clock, against a service
//! that counts for itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mailward_mail::Clock as _;
use mailward_queue::{Lane, LaneLimits};
use mailward_testkit::SimulatedClock;

use super::lease::{Asked, Leases, Leave, Start};

const NHSMAIL: LaneLimits = LaneLimits::per_minute(3, 30);

/// A connection, by number.
type Connection = u32;

fn leases(limits: LaneLimits) -> (Arc<Leases<Connection>>, SimulatedClock) {
    let clock = SimulatedClock::default();
    (Arc::new(Leases::new(limits, clock.shared())), clock)
}

fn lane(route: &str) -> Lane {
    Lane::new(route, "rota@northmoor.example")
}

/// Leave that is given, and how it is to start: `fresh`, `kept 1`, `replace 1`.
fn go(leases: &Arc<Leases<Connection>>, route: &str) -> (Leave<Connection>, String) {
    match leases.ask(&lane(route)) {
        Asked::Go(leave, Start::Fresh) => (leave, "fresh".to_owned()),
        Asked::Go(leave, Start::Kept(number)) => (leave, format!("kept {number}")),
        Asked::Go(leave, Start::Replace(number)) => (leave, format!("replace {number}")),
        Asked::Wait(_) => panic!("{route} was turned away"),
    }
}

fn waits(leases: &Arc<Leases<Connection>>, route: &str) -> Option<Duration> {
    match leases.ask(&lane(route)) {
        Asked::Go(..) => panic!("{route} was let through"),
        Asked::Wait(end) => end,
    }
}

#[test]
fn two_routes_of_one_mailbox_have_three_places_together() {
    let (leases, _) = leases(NHSMAIL);
    let (first, how) = go(&leases, "token");
    assert_eq!(how, "fresh");
    let (second, _) = go(&leases, "token");
    let (third, _) = go(&leases, "password");
    for route in ["token", "password"] {
        assert_eq!(waits(&leases, route), None, "until another ends");
    }
    // Kept idle, it still has its place; its own lane goes on with it.
    first.end(true, Some(1));
    assert_eq!((leases.in_use().open, leases.in_use().idle), (3, 1));
    let (first, how) = go(&leases, "token");
    assert_eq!(how, "kept 1");
    // Another lane has it closed first.
    first.end(true, Some(1));
    let (fourth, how) = go(&leases, "password");
    assert_eq!((how.as_str(), leases.in_use().open), ("replace 1", 3));
    drop((second, third));
    assert_eq!((leases.in_use().open, leases.in_use().counted), (1, 5));
    fourth.end(false, None);
    assert_eq!((leases.in_use().open, leases.in_use().counted), (0, 4));
}

#[test]
fn a_closing_connection_has_its_place_until_it_is_closed() {
    let (leases, clock) = leases(LaneLimits::per_minute(1, 30));
    let (leave, _) = go(&leases, "token");
    leave.end(true, Some(1));
    let limit = Duration::from_secs(30);
    assert!(leases.take_idle(&lane("token"), limit).is_empty());
    let ends = leases.idle_ends_at(&lane("token"), limit);
    assert_eq!(ends, Some(clock.steady() + limit));
    assert_eq!(leases.idle_ends_at(&lane("password"), limit), None);
    clock.advance(limit);
    assert!(leases.take_idle(&lane("password"), limit).is_empty());
    let mut taken = leases.take_idle(&lane("token"), limit);
    assert_eq!((taken.len(), taken[0].0), (1, 1));
    assert_eq!(waits(&leases, "password"), None, "it is being closed");
    drop(taken.pop());
    assert_eq!(go(&leases, "password").1, "fresh");
}

#[tokio::test]
async fn whoever_waits_is_woken_and_goes_first() {
    let (leases, _) = leases(LaneLimits::per_minute(1, 30));
    let mut changes = leases.changes();
    let (leave, _) = go(&leases, "token");
    assert_eq!(waits(&leases, "password"), None);
    changes.mark_unchanged();
    leave.end(true, Some(1));
    changes.changed().await.expect("woken");
    assert_eq!(waits(&leases, "token"), None, "the other was first");
    let (leave, how) = go(&leases, "password");
    assert_eq!(how, "replace 1");
    leave.end(true, Some(2));
    let (leave, _) = go(&leases, "token");
    assert_eq!(waits(&leases, "password"), None);
    // One that no longer wants to send stands in nobody's way.
    leave.end(true, None);
    changes.mark_unchanged();
    leases.withdraw(&lane("password"));
    assert_eq!(go(&leases, "token").1, "fresh");
}

#[test]
fn fewer_and_later_as_soon_as_it_is_learnt() {
    let (leases, clock) = leases(NHSMAIL);
    let first = go(&leases, "token").0;
    let second = go(&leases, "token").0;
    let rest = clock.steady() + Duration::from_secs(5);
    leases.set(LaneLimits::per_minute(1, 20), Some(rest));
    first.end(true, Some(1));
    second.end(true, Some(2));
    assert_eq!(waits(&leases, "token"), Some(rest));
    let surplus = leases.take_idle(&lane("token"), Duration::from_secs(30));
    assert_eq!(surplus.len(), 1, "one of two is too many");
    drop(surplus);
    clock.advance(Duration::from_secs(5));
    let (leave, how) = go(&leases, "token");
    assert_eq!((how.as_str(), waits(&leases, "token")), ("kept 2", None));
    drop(leave);
}

#[test]
fn setting_the_clock_opens_no_window_and_closes_none() {
    for hours in [1_i64, -1, 24 * 365, -24 * 365] {
        let (leases, clock) = leases(NHSMAIL);
        for number in 0..30 {
            go(&leases, "token").0.end(true, Some(number));
        }
        let set = clock.now().as_millis() + hours * 3_600_000;
        clock.step(mailward_mail::Timestamp::from_millis(set));
        let end = waits(&leases, "token").expect("a moment");
        let left = end - clock.steady();
        assert_eq!(left, Duration::from_secs(60), "{hours} h");
        clock.advance(left);
        go(&leases, "token").0.end(true, None);
    }
}

/// A lane with a deep backlog and attempts of many lengths.
struct Sender {
    route: &'static str,
    /// End, leave, its connection, and whether the service closes that.
    under_way: Vec<(Duration, Leave<Connection>, Connection, bool)>,
}

/// Counts as the service does: connections that are open, and messages at
/// some moment between the permit and the end.
#[derive(Default)]
struct Service {
    counted: Vec<Duration>,
    opened: u32,
    open: BTreeMap<Connection, ()>,
    open_most: usize,
}

impl Service {
    fn begin(&mut self, start: Start<Connection>) -> Connection {
        let number = match start {
            Start::Kept(number) => return number,
            Start::Replace(number) => {
                self.open.remove(&number);
                self.opened += 1;
                self.opened
            }
            Start::Fresh => {
                self.opened += 1;
                self.opened
            }
        };
        self.open.insert(number, ());
        self.open_most = self.open_most.max(self.open.len());
        number
    }
}

#[test]
fn thirty_a_minute_for_ten_minutes_and_never_one_more() {
    for seed in 1..=20_u64 {
        let mut state = seed;
        let mut chance = |bound: u64| {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
        };
        let (leases, clock) = leases(NHSMAIL);
        let start = clock.steady();
        let mut service = Service::default();
        let mut senders = ["token", "password"].map(|route| Sender {
            route,
            under_way: Vec::new(),
        });
        let slowest = 20 + chance(250);
        while clock.steady() - start < Duration::from_secs(600) {
            let now = clock.steady();
            let mut next = now + Duration::from_millis(1 + chance(20));
            for sender in &mut senders {
                let (over, on) = std::mem::take(&mut sender.under_way)
                    .into_iter()
                    .partition(|(end, ..)| *end <= now);
                sender.under_way = on;
                for (_, leave, number, closed) in over {
                    if closed {
                        service.open.remove(&number);
                    }
                    leave.end(true, (!closed).then_some(number));
                }
            }
            for sender in &mut senders {
                loop {
                    let (leave, begin) = match leases.ask(&lane(sender.route)) {
                        Asked::Go(leave, begin) => (leave, begin),
                        Asked::Wait(Some(end)) => {
                            assert!(end > now, "seed {seed}: an empty wait");
                            break;
                        }
                        Asked::Wait(None) => break,
                    };
                    let number = service.begin(begin);
                    let length = Duration::from_millis(10 + chance(slowest));
                    let counted = now + length.mul_f64(chance(100) as f64 / 100.0);
                    service.counted.push(counted);
                    let closed = chance(10) == 0;
                    sender.under_way.push((now + length, leave, number, closed));
                    next = next.min(now + length);
                }
            }
            clock.advance(next - now);
        }
        service.counted.sort_unstable();
        for minute in 0..10 {
            let from = start + Duration::from_secs(60 * minute);
            let within = from..from + Duration::from_secs(60);
            let count = service
                .counted
                .iter()
                .filter(|at| within.contains(*at))
                .count();
            assert!(
                (29..=30).contains(&count),
                "seed {seed}, minute {minute}: {count}"
            );
        }
        let later = service.counted.iter().skip(30);
        for (first, last) in service.counted.iter().zip(later) {
            let span = *last - *first;
            assert!(
                span >= Duration::from_secs(60),
                "seed {seed}: 31 within {span:?}"
            );
        }
        assert!(service.open_most <= 3, "seed {seed}: {}", service.open_most);
        let shares = senders.map(|sender| sender.under_way.len());
        assert!(shares.iter().sum::<usize>() <= 3, "seed {seed}");
    }
}
