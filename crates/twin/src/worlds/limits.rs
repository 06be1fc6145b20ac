//! What all worlds of a twin may hold together.

use mailward_mailbox::MemoryLimit;

use crate::common::Common;
use crate::events::CommonEvents;
use crate::transcripts::CommonTranscripts;

/// How much there may be, of all worlds together.
#[derive(Clone, Copy, Debug)]
pub struct WorldLimits {
    /// Named worlds at once.
    pub worlds_max: usize,
    /// Snapshots at once.
    pub snapshots_max: usize,
    /// Octets of messages in memory; beyond them mail is refused.
    pub mail_octets_max: u64,
    /// Events of the logs; beyond them the oldest are forgotten.
    pub events_max: usize,
    /// Octets of what transcripts quote; beyond them the oldest are forgotten.
    pub transcript_octets_max: usize,
}

impl Default for WorldLimits {
    fn default() -> Self {
        Self {
            worlds_max: 20_000,
            snapshots_max: 20_000,
            mail_octets_max: 8 * 1024 * 1024 * 1024,
            events_max: 1_000_000,
            transcript_octets_max: 256 * 1024 * 1024,
        }
    }
}

/// What counts, while the twin runs. Clones count together.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    pub(crate) mail: MemoryLimit,
    pub(crate) events: CommonEvents,
    pub(crate) transcripts: CommonTranscripts,
}

impl Bounds {
    pub(crate) fn new(limits: &WorldLimits) -> Self {
        Self {
            mail: MemoryLimit::new(limits.mail_octets_max),
            events: Common::new(limits.events_max),
            transcripts: Common::new(limits.transcript_octets_max),
        }
    }
}
