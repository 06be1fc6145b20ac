//! How the store is: watched by readiness, console and alarms.

/// The store's state. Reads go on in each of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    Sound,
    /// New bodies are refused for want of room. It passes by itself once
    /// there is room again.
    Full {
        reason: String,
    },
    /// A sync or commit failed. Writes are refused until a restart.
    Poisoned {
        reason: String,
    },
}

impl Health {
    pub fn is_sound(&self) -> bool {
        matches!(self, Self::Sound)
    }
}
