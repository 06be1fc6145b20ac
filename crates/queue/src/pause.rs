//! Lanes that pause since their service is away: told by those who send, so
//! that whoever asks why mail waits can be answered. Held in memory: after a
//! start each lane finds out anew.

use std::collections::HashMap;

use mailward_mail::Timestamp;

use crate::names::Lane;
use crate::queue::Queue;

/// The lanes that pause. One entry for each account and route in use.
#[derive(Debug, Default)]
pub(crate) struct Pauses(HashMap<Lane, LanePause>);

/// Until when a lane tries nothing, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LanePause {
    pub until: Timestamp,
    /// A clause: `smtp.example can't be reached`.
    pub why: String,
}

impl Queue {
    /// The lane tries nothing until then.
    pub fn note_pause(&self, lane: &Lane, pause: LanePause) {
        self.pauses().0.insert(lane.clone(), pause);
    }

    /// The lane sends again.
    pub fn note_no_pause(&self, lane: &Lane) {
        self.pauses().0.remove(lane);
    }

    /// The pause of a lane that lasts beyond `now`.
    pub fn pause_of(&self, lane: &Lane, now: Timestamp) -> Option<LanePause> {
        let pauses = self.pauses();
        pauses.0.get(lane).filter(|one| one.until > now).cloned()
    }
}
