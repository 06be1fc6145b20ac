//! The person who looks after the queue: releases what is held in doubt and
//! has what is deferred tried at once.
//!
//! Everything in doubt is released, without a look at what the far end has:
//! so each doubt about a message that was taken becomes a second copy, and the
//! audit can see that each of these was marked first.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::scene::Scene;
use crate::run::Result;

/// Messages listed at a time.
const PAGE: &str = "500";

/// Hands that work at once.
const HANDS: usize = 4;

/// A queue in which nothing moves for so long doesn't come to rest. Longer than
/// a notice may be in somebody's hand.
const PATIENCE: Duration = Duration::from_secs(12 * 60);

/// Between two looks.
const BREATH: Duration = Duration::from_millis(250);

/// Releases what is held now; says how many messages.
pub(super) fn release_held(scene: &Scene) -> Result<usize> {
    act("hold", "release", scene)
}

/// Works until nothing waits any more and everybody has been told. What is in
/// doubt is left to who `looks`, if anybody does. Says how many messages were
/// held.
pub(super) fn settle(scene: &Scene, looks: bool) -> Result<usize> {
    let mut held = 0;
    let mut last = Vec::new();
    let mut moved = Instant::now();
    loop {
        let (summary, _) = scene.ask(&["queue", "summary"])?;
        let waiting = waiting(&summary);
        if waiting.iter().sum::<u64>() == 0 {
            return Ok(held);
        }
        if waiting != last {
            (last, moved) = (waiting, Instant::now());
        } else if moved.elapsed() > PATIENCE {
            return Err(format!("the queue doesn't come to rest: {summary}"));
        }
        held += release_held(scene)?;
        act("deferred", "retry", scene)?;
        if !looks {
            act("in_doubt", "retry", scene)?;
        }
        std::thread::sleep(BREATH);
    }
}

/// Recipients without an end, by state, and notices that nobody has had.
fn waiting(summary: &Value) -> Vec<u64> {
    let states = ["incoming", "active", "deferred", "hold", "in_doubt"];
    let recipients = states.map(|state| summary["recipients"][state].as_u64().unwrap_or(0));
    let mut waiting = recipients.to_vec();
    waiting.push(summary["notices_open"].as_u64().unwrap_or(0));
    waiting
}

fn act(state: &str, what: &str, scene: &Scene) -> Result<usize> {
    let list = ["queue", "list", "--state", state, "--limit", PAGE];
    let (page, _) = scene.ask(&list)?;
    let messages = page["messages"].as_array().cloned().unwrap_or_default();
    let ids: Vec<&str> = messages
        .iter()
        .filter_map(|one| one["id"].as_str())
        .collect();
    let share = ids.len().div_ceil(HANDS).max(1);
    std::thread::scope(|scope| {
        let hands: Vec<_> = ids
            .chunks(share)
            .map(|ids| scope.spawn(move || all(ids, what, scene)))
            .collect();
        for hand in hands {
            hand.join().map_err(|_| "a hand broke off")??;
        }
        Ok(ids.len())
    })
}

/// A no is an answer: it may have moved on since it was listed.
fn all(ids: &[&str], what: &str, scene: &Scene) -> Result {
    for id in ids {
        scene.ask(&["queue", what, id, "--why", "crash laboratory"])?;
    }
    Ok(())
}
