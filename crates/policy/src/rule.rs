//! What a rule is made of, and what it says when it is broken.

use std::fmt;

use crate::clause::ClauseId;
use crate::facts::Facts;
use crate::period::Period;
use crate::profile::Profile;
use crate::repair::RepairField;
use crate::sample;

/// One rule of the catalogue: a pure function from facts to problems, with all
/// that a reader needs to know about it.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// As configuration, replies and `mailward explain` name it.
    pub id: &'static str,
    /// What must be, as one sentence without full stop. Replies begin with it.
    pub title: &'static str,
    /// What breaking it leads to, unless set otherwise.
    pub severity: Severity,
    /// The clauses it rests on; replies name the first.
    pub clauses: &'static [ClauseId],
    /// Standards it rests on beside them, `RFC 5322 section 3.6`.
    pub standards: &'static [&'static str],
    /// The days through which it is judged.
    pub holds: Period,
    /// The facts it looks at, by the names of [`crate::facts::NAMES`].
    pub reads: &'static [&'static str],
    /// The manual page: why it is, what it looks at, what to do.
    pub page: &'static str,
    pub answer: Answer,
    pub judge: fn(&Facts) -> Vec<Problem>,
    pub examples: &'static [Example],
}

impl Rule {
    /// Whether it is judged for an organisation of this profile: it rests on a
    /// clause of a document that binds there, or on a standard, which binds
    /// everybody.
    pub fn binds(&self, profile: Profile) -> bool {
        !self.standards.is_empty() || any_binds(self.clauses, profile)
    }
}

fn any_binds(clauses: &[ClauseId], profile: Profile) -> bool {
    clauses.iter().any(|id| profile.binds(id.document))
}

/// The comment above a rule, as its manual page.
macro_rules! manual_page {
    ($(#[doc = $line:literal])+) => {
        concat!($($line, "\n"),+)
    };
}
pub(crate) use manual_page;

/// Ordered: the later, the stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Said, and nothing more.
    Warn,
    /// Mended by adding or replacing a field, and said.
    Repair,
    /// Kept until a person decides.
    Hold,
    Refuse,
}

impl Severity {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Repair => "repair",
            Self::Hold => "hold",
            Self::Refuse => "refuse",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The reply code and enhanced status code of a refusal (RFC 5321, RFC 3463).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    pub code: u16,
    pub subject: u16,
    pub detail: u16,
}

impl Answer {
    /// `550 5.7.1`: not allowed, whatever the reason.
    pub const POLICY: Self = Self::new(550, 7, 1);

    pub const fn new(code: u16, subject: u16, detail: u16) -> Self {
        Self {
            code,
            subject,
            detail,
        }
    }
}

/// One way in which the facts break the rule.
#[derive(Clone, Debug)]
pub struct Problem {
    pub place: Place,
    /// What was found and where: goes on from the rule's title and a colon.
    pub explanation: String,
    /// What to do about it: one or more whole sentences.
    pub remedy: String,
    /// Those of the rule's clauses that this problem breaks; all, if `None`.
    pub clauses: Option<&'static [ClauseId]>,
    /// The rule's standards forbid it as well, so that it stands where none of
    /// its clauses binds.
    pub by_standard: bool,
    /// At least this severe, whatever the rule is set to (unless it is off).
    pub raised_to: Option<Severity>,
    /// What would mend it.
    pub repair: Option<RepairField>,
    /// What to write there, where the rule knows.
    pub repair_value: Option<String>,
}

impl Problem {
    pub fn new(place: Place, explanation: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            place,
            explanation: explanation.into(),
            remedy: remedy.into(),
            clauses: None,
            by_standard: false,
            raised_to: None,
            repair: None,
            repair_value: None,
        }
    }

    /// Whether it is one for an organisation of this profile: a problem that
    /// cites nothing of its own rests on all that its rule rests on.
    pub(crate) fn binds(&self, rule: &Rule, profile: Profile) -> bool {
        match self.clauses {
            None => rule.binds(profile),
            Some(clauses) => self.by_standard || any_binds(clauses, profile),
        }
    }

    #[must_use]
    pub fn citing(mut self, clauses: &'static [ClauseId]) -> Self {
        self.clauses = Some(clauses);
        self
    }

    /// After [`Self::citing`]: the rule's standards forbid it too.
    #[must_use]
    pub fn by_standard(mut self) -> Self {
        self.by_standard = true;
        self
    }

    #[must_use]
    pub fn raised_to(mut self, severity: Severity) -> Self {
        self.raised_to = Some(severity);
        self
    }

    #[must_use]
    pub fn mended_by(mut self, field: RepairField) -> Self {
        self.repair = Some(field);
        self
    }

    /// What to write in the field that mends it.
    #[must_use]
    pub fn writing(mut self, value: String) -> Self {
        self.repair_value = Some(value);
        self
    }
}

/// Where the problem lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Place {
    Application,
    Route,
    DataClass,
    ReversePath,
    Recipients,
    /// The message as a whole.
    Message,
    /// The header section as a whole, or one line of it.
    Header {
        line: Option<usize>,
    },
    /// One header field, by name and by the number of its first line.
    Field {
        name: &'static str,
        line: Option<usize>,
    },
}

impl Place {
    /// The field of a JSON submission that holds it, where there is one.
    pub fn json_field(self) -> Option<&'static str> {
        match self {
            Self::ReversePath => Some("from"),
            Self::Recipients => Some("to"),
            Self::DataClass => Some("data_class"),
            Self::Field { name, .. } => match name {
                "From" => Some("from"),
                "Sender" => Some("sender"),
                "Reply-To" => Some("reply_to"),
                "To" => Some("to"),
                "Cc" => Some("cc"),
                "Bcc" => Some("bcc"),
                "Subject" => Some("subject"),
                "Date" => Some("date"),
                "Message-ID" => Some("message_id"),
                crate::message_facts::DATA_CLASS_FIELD => Some("data_class"),
                _ => Some("headers"),
            },
            Self::Application | Self::Route | Self::Message | Self::Header { .. } => None,
        }
    }
}

/// A message that keeps the rule or breaks it: documentation and test at once.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// What is shown, as one sentence.
    pub title: &'static str,
    /// The header section without its empty line, lines parted by `\n`; the
    /// sample's own when empty.
    pub header: &'static str,
    /// What differs from the sample otherwise.
    pub change: fn(&mut Facts),
    pub expected: Expected,
}

impl Example {
    pub fn facts(&self) -> Facts {
        let mut facts = if self.header.is_empty() {
            sample::facts()
        } else {
            sample::facts_of(self.header)
        };
        (self.change)(&mut facts);
        facts
    }
}

#[derive(Clone, Copy, Debug)]
pub enum Expected {
    Passes,
    /// Breaks the rule, and the explanation or remedy says this.
    Breaks(&'static str),
}

/// For examples that differ from the sample in their header alone.
pub(crate) fn unchanged(_: &mut Facts) {}
