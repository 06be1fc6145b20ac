//! Replies that nobody's table knows: counted, so that somebody can add them.
//! Whoever counts has taken names, addresses and identifiers out of the words.

use mailward_mail::Timestamp;

use crate::attempt::Stage;
use crate::error::QueueError;
use crate::ledger::unknown;
use crate::queue::Queue;

/// Different ones that are kept; further words are counted as "other words".
pub(crate) const KEPT_MAX: u64 = 1_000;

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct UnknownReply {
    pub stage: Stage,
    pub code: u16,
    /// `5.7.1`.
    pub status: String,
    pub words: String,
    pub count: u64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

impl Queue {
    /// Counts one.
    pub async fn count_unknown_reply(
        &self,
        stage: Stage,
        code: u16,
        status: &str,
        words: &str,
    ) -> Result<(), QueueError> {
        let now = self.now();
        let (status, words) = (status.to_owned(), words.to_owned());
        self.write(move |tx| unknown::count(tx, stage, code, &status, &words, now).map(Ok))
            .await
    }

    /// All of them, the most frequent first.
    pub async fn unknown_replies(&self) -> Result<Vec<UnknownReply>, QueueError> {
        Ok(self.read(unknown::all).await?)
    }
}
