//! What a rule may mend. A repair only ever puts a header field on top: not a
//! byte of what the application wrote changes.

use std::fmt;

use mailward_mail::{Address, MessageId, Timestamp};

/// One repair, and the rule that asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Repair {
    pub rule: &'static str,
    /// The field to add.
    pub field: RepairField,
}

/// A field that can be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub enum RepairField {
    #[serde(rename = "Date")]
    Date,
    #[serde(rename = "Message-ID")]
    MessageId,
}

impl RepairField {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Date => "Date",
            Self::MessageId => "Message-ID",
        }
    }
}

impl Repair {
    /// The value to add, made of what only the caller has: the id and moment
    /// of acceptance and the sending account, whose domain the Message-ID takes.
    pub fn value(self, id: MessageId, accepted: Timestamp, account: &Address) -> String {
        match self.field {
            RepairField::Date => accepted.to_rfc5322(),
            RepairField::MessageId => format!("<{id}@{}>", account.domain()),
        }
    }

    /// The whole field with its line end, ready to stand on top.
    pub fn line(self, id: MessageId, accepted: Timestamp, account: &Address) -> String {
        let value = self.value(id, accepted, account);
        format!("{}: {value}\r\n", self.field.name())
    }
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} added ({})", self.field.name(), self.rule)
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
            };
            assert_eq!(repair.line(id, accepted, &account), line);
        }
    }
}
