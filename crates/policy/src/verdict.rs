//! Judging: run every rule, keep every reason, let the strictest win.

use std::borrow::Cow;

use mailward_mail::Reply;

use crate::catalogue::Catalogue;
use crate::clause::ClauseId;
use crate::facts::Facts;
use crate::profile::Profile;
use crate::repair::Repair;
use crate::reply;
use crate::rule::{Answer, Place, Problem, Rule, Severity};

/// What becomes of the message. Ordered: the later, the stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    Accept,
    /// Accepted, with the verdict's repairs made.
    Repair,
    /// Accepted, repaired where it can be, and kept until a person decides.
    Hold,
    Refuse,
}

impl Decision {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Repair => "repair",
            Self::Hold => "hold",
            Self::Refuse => "refuse",
        }
    }
}

impl From<Severity> for Decision {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Warn => Self::Accept,
            Severity::Repair => Self::Repair,
            Severity::Hold => Self::Hold,
            Severity::Refuse => Self::Refuse,
        }
    }
}

/// The decision with every reason for it. The same facts give the same
/// verdict, whatever order the rules stand in.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Verdict {
    pub decision: Decision,
    /// The strictest first, then by rule and place.
    pub findings: Vec<Finding>,
    /// What to add on top before the message goes on; by field.
    pub repairs: Vec<Repair>,
    /// What else a person should know: binding rules that a setting weakens.
    pub notes: Vec<Note>,
}

impl Verdict {
    /// The answer to a refused message: one reply that names each refusing
    /// rule, its clause and remedy. `None` unless it is refused.
    pub fn refusal(&self) -> Option<Reply> {
        (self.decision == Decision::Refuse).then(|| reply::refusal(self.refusing()))
    }

    /// The findings for which the message is refused.
    pub fn refusing(&self) -> impl Iterator<Item = &Finding> + Clone {
        self.findings
            .iter()
            .filter(|finding| finding.severity == Severity::Refuse)
    }

    /// Whether the message is taken, be it to be held.
    pub fn is_accepted(&self) -> bool {
        self.decision != Decision::Refuse
    }
}

/// One broken rule: what, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    pub rule: &'static str,
    pub title: &'static str,
    pub severity: Severity,
    /// Those that it breaks, of documents that bind the organisation.
    pub clauses: Cow<'static, [ClauseId]>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub standards: &'static [&'static str],
    pub place: Place,
    /// The field of a JSON submission to look at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'static str>,
    /// May hold addresses: not for ordinary logs.
    pub explanation: String,
    pub remedy: String,
    #[serde(skip)]
    pub(crate) answer: Answer,
}

impl Finding {
    pub(crate) fn new(rule: &Rule, severity: Severity, problem: Problem, profile: Profile) -> Self {
        Self {
            rule: rule.id,
            title: rule.title,
            severity,
            clauses: profile.binding(problem.clauses.unwrap_or(rule.clauses)),
            standards: rule.standards,
            place: problem.place,
            field: problem.place.json_field(),
            explanation: problem.explanation,
            remedy: problem.remedy,
            answer: rule.answer,
        }
    }

    /// The leading clause, or the leading standard where no clause is cited.
    pub fn basis(&self) -> String {
        match (self.clauses.first(), self.standards.first()) {
            (Some(clause), _) => clause.to_string(),
            (None, Some(standard)) => (*standard).to_owned(),
            (None, None) => self.rule.to_owned(),
        }
    }

    /// `From must be the sending account (GUIDE-10): found x@y, the account is
    /// z@w. Use z@w in From. Rule: from-is-account.`
    pub fn sentence(&self) -> String {
        format!(
            "{} ({}): {}. {} Rule: {}.",
            self.title,
            self.basis(),
            self.explanation,
            self.remedy,
            self.rule
        )
    }

    /// The reply for this finding alone.
    pub fn reply(&self) -> Reply {
        reply::refusal(std::iter::once(self))
    }
}

/// A remark on the judging itself.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Note {
    pub rule: &'static str,
    pub text: String,
}

/// Judges one submission by every rule that holds at its moment and rests on
/// something that binds the organisation.
pub fn judge(facts: &Facts, catalogue: &Catalogue) -> Verdict {
    let mut findings = Vec::new();
    let mut repairs = Vec::new();
    for (rule, set) in &catalogue.active {
        if !rule.holds.contains(facts.at) || !rule.binds(facts.profile) {
            continue;
        }
        for mut problem in (rule.judge)(facts) {
            if !problem.binds(rule, facts.profile) {
                continue;
            }
            let severity = problem.raised_to.map_or(*set, |raised| raised.max(*set));
            if let (Severity::Repair, Some(field)) = (severity, problem.repair) {
                repairs.push(Repair {
                    rule: rule.id,
                    field,
                    value: problem.repair_value.take(),
                });
            }
            findings.push(Finding::new(rule, severity, problem, facts.profile));
        }
    }
    findings.sort_by(|one, other| {
        (other.severity, one.rule, one.place, &one.explanation).cmp(&(
            one.severity,
            other.rule,
            other.place,
            &other.explanation,
        ))
    });
    repairs.sort_by_key(|repair| repair.field);
    let strictest = findings.iter().map(|finding| finding.severity).max();
    Verdict {
        decision: strictest.map_or(Decision::Accept, Decision::from),
        findings,
        repairs,
        notes: weakening_notes(catalogue, facts.profile),
    }
}

/// A binding clause is never set aside in silence.
fn weakening_notes(catalogue: &Catalogue, profile: Profile) -> Vec<Note> {
    let mut notes: Vec<Note> = catalogue
        .weakened
        .iter()
        .filter_map(|(rule, level)| {
            let binding = rule.clauses.iter().find(|id| {
                profile.binds(id.document)
                    && id
                        .clause()
                        .is_some_and(|clause| clause.strength.is_binding())
            })?;
            let text = format!(
                "{} is set to {}, milder than its {}, though {binding} binds",
                rule.id,
                level.as_str(),
                rule.severity
            );
            Some(Note {
                rule: rule.id,
                text,
            })
        })
        .collect();
    notes.sort_by_key(|note| note.rule);
    notes
}

#[cfg(test)]
mod tests;
