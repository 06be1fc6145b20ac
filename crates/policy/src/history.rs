//! The facts about what was sent before: kept by the gateway through restarts,
//! read here.

use mailward_mail::{Address, Timestamp};

/// What came before this message, itself not counted. The default is that of
/// somebody who never sent anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryFacts {
    /// Messages accepted for the account in the last minute.
    pub messages_last_minute: u64,
    /// Recipients sent to, or accepted and still waiting, for the account in
    /// the last 24 hours.
    pub recipients_last_day: u64,
    /// Distribution lists among the recipients that had a message lately.
    pub lists: Vec<ListHistory>,
    /// People whom the application has addressed with the same text within
    /// the window of [`crate::limits::MASS_MAILING_HOURS`].
    pub same_text_recipients: u64,
}

/// A distribution list, and when its last message left or is due to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListHistory {
    pub address: Address,
    pub last: Timestamp,
}
