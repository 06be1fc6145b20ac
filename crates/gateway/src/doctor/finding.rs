//! What a check found, in a form for people and programs.

use std::collections::BTreeMap;

use mailward_mail::Timestamp;
use mailward_policy::ClauseId;
use serde::{Deserialize, Serialize};

use super::Check;

/// How much it matters. Ordered: the later, the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Worth knowing; nothing to do now.
    Note,
    /// It works today, and will not, or should not, for ever.
    Warning,
    /// Mail will not go, or must not.
    Error,
}

impl Severity {
    pub const ALL: [Self; 4] = [Self::Ok, Self::Note, Self::Warning, Self::Error];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One sentence about one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The check's id.
    pub check: String,
    pub severity: Severity,
    /// False when the check could not be made: `seen` says why.
    pub ran: bool,
    /// What it is about: `route nhsmail`, `account a@b.example`, `gateway`.
    pub subject: String,
    pub seen: String,
    /// Figures and names as they were measured.
    #[serde(default)]
    pub measured: BTreeMap<String, String>,
    /// Ids of the clauses that it rests on.
    pub clauses: Vec<String>,
    /// What to do; absent where nothing is to be done.
    pub remedy: Option<String>,
}

/// Everything that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The day that dates were measured against.
    pub at: Timestamp,
    pub worst: Severity,
    /// In the order of [`super::CHECKS`].
    pub findings: Vec<Finding>,
}

impl Report {
    pub(super) fn new(at: Timestamp, findings: Vec<Finding>) -> Self {
        let worst = findings.iter().map(|one| one.severity).max();
        Self {
            at,
            worst: worst.unwrap_or(Severity::Ok),
            findings,
        }
    }

    pub fn count(&self, severity: Severity) -> usize {
        let same = |one: &&Finding| one.severity == severity;
        self.findings.iter().filter(same).count()
    }
}

/// Takes the findings of one check.
#[derive(Debug)]
pub(super) struct Findings<'a> {
    check: &'a Check,
    found: Vec<Finding>,
}

impl<'a> Findings<'a> {
    pub(super) fn of(check: &'a Check) -> Self {
        Self {
            check,
            found: Vec::new(),
        }
    }

    pub(super) fn into_vec(self) -> Vec<Finding> {
        self.found
    }

    pub(super) fn ok(&mut self, subject: &str, seen: impl Into<String>) -> &mut Finding {
        self.add(Severity::Ok, subject, seen.into(), None)
    }

    pub(super) fn note(&mut self, subject: &str, seen: impl Into<String>) -> &mut Finding {
        self.add(Severity::Note, subject, seen.into(), None)
    }

    pub(super) fn warning(
        &mut self,
        subject: &str,
        seen: impl Into<String>,
        remedy: impl Into<String>,
    ) -> &mut Finding {
        self.add(Severity::Warning, subject, seen.into(), Some(remedy.into()))
    }

    pub(super) fn error(
        &mut self,
        subject: &str,
        seen: impl Into<String>,
        remedy: impl Into<String>,
    ) -> &mut Finding {
        self.add(Severity::Error, subject, seen.into(), Some(remedy.into()))
    }

    /// The check could not be made, and that is nobody's fault but one that
    /// another check tells.
    pub(super) fn not_run(&mut self, subject: &str, why: impl Into<String>) -> &mut Finding {
        let finding = self.add(Severity::Note, subject, why.into(), None);
        finding.ran = false;
        finding
    }

    fn add(
        &mut self,
        severity: Severity,
        subject: &str,
        seen: String,
        remedy: Option<String>,
    ) -> &mut Finding {
        let index = self.found.len();
        self.found.push(Finding {
            check: self.check.id.to_owned(),
            severity,
            ran: true,
            subject: subject.to_owned(),
            seen,
            measured: BTreeMap::new(),
            clauses: self.check.clauses.iter().map(ClauseId::to_string).collect(),
            remedy,
        });
        &mut self.found[index]
    }
}

impl Finding {
    /// Adds a measured value.
    pub(super) fn with(&mut self, name: &str, value: impl ToString) -> &mut Self {
        self.measured.insert(name.to_owned(), value.to_string());
        self
    }

    /// Rests on these clauses too.
    pub(super) fn citing(&mut self, clauses: &[ClauseId]) -> &mut Self {
        for clause in clauses {
            let id = clause.to_string();
            if !self.clauses.contains(&id) {
                self.clauses.push(id);
            }
        }
        self
    }
}
