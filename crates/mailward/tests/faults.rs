//! Faults of the twin, as clients and tests meet them: on the wire, by the
//! names of recipients, as modes; and the transcripts and the stream that tell
//! of them.

mod support;

use support::{Running, python};

/// `mailward twin` without rates, which these tests would run into.
fn twin() -> Running {
    let dir = tempfile::tempdir().expect("a folder");
    let state = dir.path().join("state");
    let state = state.to_str().expect("a path");
    let running = Running::start(&[
        "twin", "--json", "--ports", "auto", "--limits", "off", "--dir", state,
    ]);
    running.keep(dir)
}

fn play(running: &Running, script: &str) {
    let support = include_str!("support/faults.py");
    python(running, &format!("{support}\n{script}"), &[]);
}

#[test]
fn every_stage_of_a_submission_can_be_struck() {
    play(&twin(), include_str!("data/faults/stages.py"));
}

#[test]
fn names_of_recipients_ask_for_faults() {
    play(&twin(), include_str!("data/faults/magic.py"));
}

#[test]
fn modes_strike_and_end_and_events_stream() {
    play(&twin(), include_str!("data/faults/modes.py"));
}

#[test]
fn commands_are_answered_in_other_words_and_look_ups_fail() {
    play(&twin(), include_str!("data/faults/words.py"));
}

/// What the files of `scenarios/hazards` do to a client of the twin alone.
#[test]
fn the_hazards_are_played_by_name() {
    play(&twin(), include_str!("data/faults/scenarios.py"));
}

/// The four hazards of GUIDE-101: non-delivery, delay, disorder, unavailability.
/// Nothing is lost, and somebody is told.
#[test]
fn the_clinical_hazards_lose_nothing_and_are_told() {
    let running = Running::up(&["--limits", "off"]);
    play(&running, include_str!("data/faults/hazards.py"));
}
