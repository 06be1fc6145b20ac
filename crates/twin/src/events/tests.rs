//! What logs keep, alone and together.

use mailward_testkit::SimulatedClock;

use super::*;
use crate::behaviour;

fn say(log: &EventLog, count: usize) {
    for _ in 0..count {
        log.add("control", "said", None, "", None);
    }
}

/// The first and the last event that a log has, and how many.
fn kept(log: &EventLog) -> (u64, u64, usize) {
    let all = log.after(0, usize::MAX);
    let newest = log.newest(None, usize::MAX, |_| true);
    assert!(
        newest
            .iter()
            .rev()
            .map(|one| one.sequence)
            .eq(all.iter().map(|one| one.sequence))
    );
    let sequence = |event: Option<&Event>| event.map_or(0, |one| one.sequence);
    (sequence(all.first()), sequence(all.last()), all.len())
}

#[test]
fn a_refusal_is_not_whatever_a_behaviour_does() {
    let log = EventLog::new(SimulatedClock::at("2026-03-02T09:00:00Z").shared());
    let act = |kind, behaviour| log.punish("service", kind, None, "", behaviour);
    act("banner", behaviour::EXTERNAL_BANNER);
    act("answered", behaviour::AUTOMATIC_REPLY);
    act("recorded", behaviour::LIST_SPACING);
    act("refused", behaviour::LIST_SPACING);
    log.add("imap", "refused", None, "", None);
    log.add("imap", "signed_in", None, "", None);
    let refusals = log.after(0, 10).into_iter().map(|one| one.is_refusal());
    assert_eq!(
        refusals.collect::<Vec<_>>(),
        [false, false, true, true, true, false]
    );
}

#[test]
fn each_log_forgets_its_oldest_and_all_together_theirs() {
    let common = Common::new(1000);
    let clock = SimulatedClock::at("2026-03-02T09:00:00Z").shared();
    let log = || EventLog::within(Arc::clone(&clock), Arc::clone(&common));
    let (old, fork, busy) = (log(), log(), log());
    say(&old, 250);
    let snapshot = old.image();
    fork.adopt(&snapshot);
    assert_eq!(common.held(), 250, "what is shared counts once");
    say(&fork, 10);
    assert_eq!(common.held(), 250 + 60);
    assert_eq!(kept(&fork), (1, 260, 260));
    say(&busy, 900);
    // 300 had to go: the three chunks that `old` and its snapshot have.
    assert!(common.held() <= 1000);
    assert_eq!((kept(&old), kept(&fork)), ((0, 0, 0), (201, 260, 60)));
    assert_eq!(kept(&busy), (1, 900, 900));
    old.adopt(&snapshot);
    say(&old, 1);
    assert_eq!(kept(&old), (251, 251, 1), "it goes on with its numbers");
    assert_eq!(old.counts()[&("control", "said")], 251);
    drop((old, fork, busy, snapshot));
    assert_eq!(common.held(), 0);
}

#[test]
fn a_log_alone_keeps_its_last_ten_thousand() {
    let log = EventLog::new(SimulatedClock::at("2026-03-02T09:00:00Z").shared());
    say(&log, EVENTS_MAX + 1);
    let (first, last, count) = kept(&log);
    assert_eq!(last, EVENTS_MAX as u64 + 1);
    assert!(
        count > EVENTS_MAX - CHUNK && count <= EVENTS_MAX,
        "{first} {count}"
    );
}
