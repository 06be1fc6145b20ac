//! How much room there is and what takes it, for gauges and alarms.

/// What [`crate::Store::space`] tells. All figures are octets but the counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreSpace {
    /// What the file system has left for us; none if it does not say.
    pub free_octets: Option<u64>,
    /// New bodies are refused below this.
    pub floor_octets: u64,
    /// They are refused now.
    pub refusing: bool,
    /// The database, and its log beside it.
    pub rows_octets: u64,
    pub log_octets: u64,
    /// Files with small bodies, how much they take, and how much of that is
    /// live. What is not is given back by and by.
    pub segments: u64,
    pub segment_octets: u64,
    pub live_octets: u64,
}
