//! What a rule may mend. A repair puts a header field on top; where that
//! replaces one, the application's own keeps all its bytes under another name:
//!
//! ```text
//!   From: "Patel, Asha (NORTHMOOR TRUST)" <asha.patel@northmoor.example>
//!   Subject: ...
//!   X-Mailward-Original-From: asha <asha.patel@northmoor.example>
//! ```
//!
//! It is kept, not dropped, so that whoever asks later why the message differs
//! from what was handed over finds the answer in it. A signature over From
//! (DKIM) does not survive; applications behind the gateway have none.

use std::fmt;

use mailward_mail::header::Header;
use mailward_mail::{Address, MessageId, Timestamp};

/// One repair, and the rule that asked for it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Repair {
    pub rule: &'static str,
    /// The field to add.
    pub field: RepairField,
    /// What to write in it, where the rule knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// What goes before the name of a field that is replaced.
pub const ORIGINAL_PREFIX: &str = "X-Mailward-Original-";

/// A field that can be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub enum RepairField {
    /// Replaces the one that is there.
    #[serde(rename = "From")]
    From,
    #[serde(rename = "Date")]
    Date,
    #[serde(rename = "Message-ID")]
    MessageId,
}

impl RepairField {
    pub const fn name(self) -> &'static str {
        match self {
            Self::From => "From",
            Self::Date => "Date",
            Self::MessageId => "Message-ID",
        }
    }
}

impl Repair {
    /// The value to add, made of what only the caller has: the id and moment
    /// of acceptance and the sending account, whose domain the Message-ID takes.
    pub fn value(&self, id: MessageId, accepted: Timestamp, account: &Address) -> String {
        match (&self.value, self.field) {
            (Some(value), _) => value.clone(),
            (None, RepairField::From) => account.to_string(),
            (None, RepairField::Date) => accepted.to_rfc5322(),
            (None, RepairField::MessageId) => format!("<{id}@{}>", account.domain()),
        }
    }

    /// `Date added`, for people.
    pub fn change(&self) -> String {
        let verb = match self.field {
            RepairField::From => "replaced",
            RepairField::Date | RepairField::MessageId => "added",
        };
        format!("{} {verb}", self.field.name())
    }

    /// The whole field with its line end, ready to stand on top.
    pub fn line(&self, id: MessageId, accepted: Timestamp, account: &Address) -> String {
        let value = self.value(id, accepted, account);
        format!("{}: {value}\r\n", self.field.name())
    }

    /// Where in `message`, which starts with its header section, to put
    /// [`ORIGINAL_PREFIX`], so that the field is no longer what it was. `None`
    /// for a repair that replaces nothing.
    pub fn original_at(&self, message: &[u8]) -> Option<usize> {
        if self.field != RepairField::From {
            return None;
        }
        let header = Header::parse(message);
        let field = header.first(self.field.name())?;
        Some(field.name.as_ptr().addr() - message.as_ptr().addr())
    }
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.change(), self.rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_one_whole_line() {
        let id = "01JD4Q0V8Z5N3T7KX2M9".parse().expect("an id");
        let account = Address::parse("alerts@northmoor.example").expect("an address");
        let accepted = Timestamp::from_millis(0);
        for (field, line) in [
            (
                RepairField::MessageId,
                "Message-ID: <01JD4Q0V8Z5N3T7KX2M9@northmoor.example>\r\n",
            ),
            (
                RepairField::Date,
                "Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n",
            ),
        ] {
            let repair = Repair {
                rule: "some-rule",
                field,
                value: None,
            };
            assert_eq!(repair.line(id, accepted, &account), line);
            assert_eq!(repair.original_at(b"From: a\r\n\r\n"), None);
        }
    }

    #[test]
    fn a_replaced_field_is_found_and_no_other() {
        let repair = Repair {
            rule: "some-rule",
            field: RepairField::From,
            value: Some("\"A, B (C)\" <a@b.example>".to_owned()),
        };
        for (message, at) in [
            ("From: a\r\n\r\n", Some(0)),
            ("To: From: b\r\n from: c\r\nfrom: a\r\n\r\n", Some(23)),
            ("To: b\r\n\r\nFrom: a\r\n", None),
        ] {
            assert_eq!(repair.original_at(message.as_bytes()), at, "{message}");
        }
        assert_eq!(repair.to_string(), "From replaced (some-rule)");
    }
}
