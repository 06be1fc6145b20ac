//! The bound of all transcripts together.

use mailward_testkit::SimulatedClock;

use super::*;

/// A recording of an owner who keeps no other.
fn begin(common: &CommonTranscripts) -> Recording {
    let owner = Owner {
        sequence: 1,
        name: "imap-1".into(),
        clock: SimulatedClock::at("2026-03-02T09:00:00Z").shared(),
        octets: Arc::default(),
        common: Arc::clone(common),
    };
    let peer = SocketAddr::from(([127, 0, 0, 1], 40_000));
    Recording::begin(owner, Protocol::Imap, peer)
}

fn say(recording: &Recording, lines: usize) {
    for _ in 0..lines {
        recording.write(Direction::Server, "x".repeat(100 - ENTRY_OCTETS));
    }
}

/// Lines that are there, and those that had to go.
fn kept(recording: &Recording) -> (usize, u64) {
    let view = recording.transcript();
    (view.lines.len(), view.forgotten)
}

#[test]
fn the_oldest_of_all_lose_their_text_first() {
    let common = Common::new(1000);
    let [ended, going, young] = [(); 3].map(|()| begin(&common));
    say(&ended, 3);
    ended.end();
    say(&going, 3);
    say(&young, 4);
    assert_eq!(common.held(), 1000);
    say(&young, 1);
    assert_eq!([&ended, &going, &young].map(kept), [(0, 3), (3, 0), (5, 0)]);
    // What the owner counts is as it was: it forgets by its own order.
    assert_eq!(ended.octets(), 300);
    say(&young, 3);
    assert_eq!([&going, &young].map(kept), [(0, 3), (8, 0)]);
    // It goes on, and is the youngest from then on.
    say(&going, 3);
    assert_eq!([&going, &young].map(kept), [(3, 3), (0, 8)]);
    assert_eq!(common.held(), 300);
    drop((ended, going, young));
    assert_eq!(common.held(), 0);
}

#[test]
fn a_recording_alone_keeps_its_last_lines() {
    let common = Common::new(usize::MAX);
    let one = begin(&common);
    say(&one, ENTRIES_MAX + 5);
    assert_eq!(kept(&one), (ENTRIES_MAX, 5));
    assert_eq!(common.held(), ENTRIES_MAX * 100);
    one.forget();
    assert_eq!((kept(&one).0, common.held()), (0, 0));
}
