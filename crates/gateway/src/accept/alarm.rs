//! A store that takes nothing is an alarm: loud once, not once for each
//! message that is turned away.

use std::sync::atomic::{AtomicBool, Ordering};

use mailward_queue::AcceptError;
use mailward_store::WriteError;

/// Remembers whether the alarm was given.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    given: AtomicBool,
}

impl Alarm {
    /// A message could not be kept.
    pub(crate) fn raise(&self, error: &AcceptError) {
        let AcceptError::Store(error) = error else {
            return;
        };
        if self.given.swap(true, Ordering::Relaxed) {
            tracing::debug!(%error, "a message was turned away");
        } else if matches!(error, WriteError::Full(_)) {
            tracing::error!(%error, "ALARM: no room: mail is turned away until there is");
        } else {
            tracing::error!(%error, "ALARM: the store does not work: mail is turned away");
        }
    }

    /// A message was kept.
    pub(crate) fn clear(&self) {
        if self.given.load(Ordering::Relaxed) && self.given.swap(false, Ordering::Relaxed) {
            tracing::warn!("the store takes mail again");
        }
    }
}
