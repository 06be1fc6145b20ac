//! The wishes of an HTTP submission: JSON fields and query parameters of the
//! same names.

use mailward_mail::Timestamp;
use mailward_queue::{MessageClass, Priority};

use super::super::wishes::{Unfit, Wishes};
use super::problem::Problem;
use crate::config::Limits;

const SEQUENCE_KEY_OCTETS_MAX: usize = 255;

/// As they came.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) message_class: Option<MessageClass>,
    pub(super) priority: Option<i64>,
    pub(super) send_at: Option<String>,
    pub(super) deadline_at: Option<String>,
    pub(super) sequence_key: Option<String>,
}

impl Asked {
    /// Their sense.
    pub(super) fn wishes(self, now: Timestamp, limits: &Limits) -> Result<Wishes, Problem> {
        if let Some(key) = &self.sequence_key
            && !(1..=SEQUENCE_KEY_OCTETS_MAX).contains(&key.len())
        {
            let detail = format!("A key has 1 to {SEQUENCE_KEY_OCTETS_MAX} octets.");
            return Err(Problem::invalid("sequence_key", detail));
        }
        let priority = self
            .priority
            .map(Priority::try_from)
            .transpose()
            .map_err(|error| Problem::invalid("priority", format!("{error}.")))?;
        let wishes = Wishes {
            message_class: self.message_class,
            priority,
            send_at: moment("send_at", self.send_at)?,
            deadline_at: moment("deadline_at", self.deadline_at)?,
            deliver_by: None,
            sequence_key: self.sequence_key,
        };
        wishes
            .check(now, limits)
            .map_err(|Unfit { field, text }| Problem::invalid(field, format!("{text}.")))?;
        Ok(wishes)
    }
}

fn moment(field: &'static str, text: Option<String>) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = text else {
        return Ok(None);
    };
    // A day alone would mean its first moment, which nobody expects.
    let read = text.contains('T').then(|| Timestamp::parse(&text).ok());
    read.flatten().map(Some).ok_or_else(|| {
        Problem::invalid(field, format!("{text:?} is no moment."))
            .remedy("Write it as 2026-11-21T09:30:00Z (RFC 3339).")
    })
}
