//! The field by which a copy among sent mail is known to be of one attempt.
//!
//! A Message-ID alone does not tell: an application may use one twice, and a
//! message may be submitted several times, for those who were deferred before.

use bytes::Bytes;
use mailward_mail::MessageId;
use mailward_queue::AttemptId;

/// An X- field: what Exchange keeps of a header section when it makes an item
/// of it. Received fields are not among that.
pub(super) const FIELD: &str = "X-Mailward-Attempt";

/// Which attempt a copy is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) message: String,
    pub(super) attempt: AttemptId,
}

/// The field that goes on top of one attempt's message.
pub(in crate::deliver) fn field(message: MessageId, attempt: AttemptId) -> Bytes {
    Bytes::from(format!("{FIELD}: {message}.{}\r\n", attempt.0))
}

impl Mark {
    /// Reads the field's value; `None` for somebody else's.
    pub(super) fn parse(value: &str) -> Option<Self> {
        let (message, attempt) = value.trim().rsplit_once('.')?;
        Some(Self {
            message: message.to_owned(),
            attempt: AttemptId(attempt.parse().ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mailward_mail::Timestamp;
    use mailward_net::SeededDice;

    #[test]
    fn reads_back() {
        let message = MessageId::new(Timestamp::from_millis(0), &SeededDice::new(1));
        let field = field(message, AttemptId(42));
        let text = std::str::from_utf8(&field).expect("text");
        let (name, value) = text.split_once(':').expect("a field");
        assert_eq!(name, FIELD);
        assert!(value.ends_with("\r\n") && text.len() < 78);
        let mark = Mark::parse(value).expect("a mark");
        assert_eq!(
            (mark.message.as_str(), mark.attempt),
            (message.as_str(), AttemptId(42))
        );
        for other in ["", "42", "m.", "m.x"] {
            assert_eq!(Mark::parse(other), None, "{other:?}");
        }
    }
}
