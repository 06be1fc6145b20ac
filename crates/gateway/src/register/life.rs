//! Where an application stands, and how it comes to stand elsewhere.
//!
//! ```text
//!   draft ──approve──▶ approved ──go-live──▶ live
//!     │                 │    ▲                │
//!     │              suspend └──approve──┐ suspend
//!     │                 ▼                │    ▼
//!     └────retire────▶ retired ◀─retire── suspended
//! ```
//!
//! What is approved or live is retired too. A retired entry stays, and moves
//! no more. What moves an entry is written down with who, when and why.

use mailward_mail::Timestamp;
use mailward_policy::{ApplicationState, ExceptionKind};
use mailward_queue::ApplicationName;
use serde::{Deserialize, Serialize};

use crate::config::{Application, Exception, Route};

/// Who changes the register, why and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    pub who: String,
    pub why: String,
    pub at: Timestamp,
}

/// What is done to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    Add,
    Change,
    Approve,
    GoLive,
    Suspend,
    Retire,
    AddException,
    RemoveException,
    Credentials,
    Import,
}

impl Act {
    pub const ALL: [Self; 10] = [
        Self::Add,
        Self::Change,
        Self::Approve,
        Self::GoLive,
        Self::Suspend,
        Self::Retire,
        Self::AddException,
        Self::RemoveException,
        Self::Credentials,
        Self::Import,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Change => "change",
            Self::Approve => "approve",
            Self::GoLive => "go-live",
            Self::Suspend => "suspend",
            Self::Retire => "retire",
            Self::AddException => "add-exception",
            Self::RemoveException => "remove-exception",
            Self::Credentials => "credentials",
            Self::Import => "import",
        }
    }

    /// The state after this act on an entry in `state`; `None` when it may not
    /// be done.
    pub fn leads_to(self, state: ApplicationState) -> Option<ApplicationState> {
        use ApplicationState::{Approved, Draft, Live, Retired, Suspended};
        match (self, state) {
            (_, Retired) => None,
            // An approval is renewed without leaving the state.
            (Self::Approve, Draft | Suspended | Approved) => Some(Approved),
            (Self::Approve, Live) | (Self::GoLive, Approved) => Some(Live),
            (Self::Suspend, Approved | Live) => Some(Suspended),
            (Self::Retire, _) => Some(Retired),
            (Self::GoLive | Self::Suspend, _) => None,
            (_, state) => Some(state),
        }
    }
}

/// What somebody was asked to approve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalKind {
    /// By the architects (DHC-14, DHC-15). It alone moves the state.
    Architecture,
    /// By the Information Governance representative (ENG-22).
    InformationGovernance,
    /// By the clinical safety officer (GUIDE-22, GUIDE-101).
    ClinicalSafety,
    /// By the Local Administrator, of the protocols (GUIDE-6).
    LocalAdministrator,
}

impl ApprovalKind {
    pub const ALL: [Self; 4] = [
        Self::Architecture,
        Self::InformationGovernance,
        Self::ClinicalSafety,
        Self::LocalAdministrator,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Architecture => "architecture",
            Self::InformationGovernance => "information_governance",
            Self::ClinicalSafety => "clinical_safety",
            Self::LocalAdministrator => "local_administrator",
        }
    }
}

/// One approval, as it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    pub kind: ApprovalKind,
    pub reference: String,
    /// Who gave it.
    pub by: String,
    pub at: Timestamp,
    /// The first moment at which it no longer holds; `None` is without end.
    #[serde(default)]
    pub expires: Option<Timestamp>,
}

/// What commands have said of an entry, beside what it says itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Goes before the configuration's.
    pub state: Option<ApplicationState>,
    #[serde(default)]
    pub approvals: Vec<Approval>,
    #[serde(default)]
    pub exceptions: Vec<Exception>,
}

impl Standing {
    /// The architects' latest.
    pub fn approval(&self) -> Option<&Approval> {
        let mut latest = self.approvals.iter().rev();
        latest.find(|one| one.kind == ApprovalKind::Architecture)
    }

    pub(super) fn exception(&self, kind: ExceptionKind, subject: &str) -> Option<usize> {
        self.exceptions
            .iter()
            .position(|one| one.kind == kind && one.subject == subject)
    }

    /// The entry as it counts.
    pub(super) fn over(&self, entry: &Application) -> Application {
        let mut effective = entry.clone();
        if let Some(state) = self.state {
            effective.state = state;
        }
        for approval in &self.approvals {
            let references = &mut effective.references;
            let reference = || Some(approval.reference.clone());
            match approval.kind {
                ApprovalKind::Architecture => {
                    references.architecture_approval = reference();
                    effective.approval_expires = approval.expires;
                }
                ApprovalKind::ClinicalSafety => {
                    references.clinical_safety_case =
                        references.clinical_safety_case.take().or_else(reference);
                }
                ApprovalKind::LocalAdministrator => {
                    references.la_request = references.la_request.take().or_else(reference);
                }
                ApprovalKind::InformationGovernance => {
                    let contact = &mut effective.information_governance_contact;
                    *contact = contact.take().or_else(|| Some(approval.by.clone()));
                }
            }
        }
        effective.exceptions.extend(self.exceptions.iter().cloned());
        effective
    }
}

/// One line of an entry's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub at: Timestamp,
    pub act: Act,
    pub who: String,
    pub why: String,
    /// What was done, in words.
    pub detail: String,
}

/// Why an entry may not be approved for its route, or go live on it; `None`
/// when it may. What ends in the twin needs no papers.
pub(super) fn lacks(
    act: Act,
    entry: &Application,
    route: &Route,
    now: Timestamp,
) -> Option<String> {
    if route.twin {
        return None;
    }
    let name = &entry.name;
    let references = &entry.references;
    let sensitive = entry.data_class.is_confidential() || entry.patient_data;
    let lack = |what: &str, flag: &str, clauses: &str| {
        Some(format!(
            "{name} lacks {what} ({clauses}); give it with `mailward register change {name} --{flag} ...`"
        ))
    };
    if sensitive && references.iams.is_none() {
        return lack(
            "its entry in the Information Asset Management System",
            "iams",
            "ENG-21",
        );
    }
    if act != Act::GoLive {
        return None;
    }
    if references.application_documentation.is_none() {
        return lack(
            "the documentation with the application",
            "application-documentation",
            "ENG-14, ENG-16, DHC-1, DHC-3",
        );
    }
    if references.architecture_documentation.is_none() && references.cmdb.is_none() {
        return lack(
            "the documentation in the architecture",
            "architecture-documentation",
            "ENG-14, ENG-16, DHC-2, DHC-3",
        );
    }
    let patients = entry.clinical || entry.patient_data;
    if patients && references.clinical_safety_case.is_none() {
        return lack(
            "a clinical safety case",
            "clinical-safety-case",
            "GUIDE-22, GUIDE-101",
        );
    }
    let lapsed = entry.approval_expires.filter(|expires| now >= *expires);
    lapsed.map(|expires| {
        format!(
            "the approval of {name} lapsed on {} (DHC-14, DHC-15, ENG-16); have it renewed with `mailward register approve {name}`",
            expires.to_date()
        )
    })
}

/// Says what may be done instead of an act that may not.
pub(super) fn illegal(name: &ApplicationName, act: Act, state: ApplicationState) -> String {
    use ApplicationState::{Approved, Draft, Live, Retired, Suspended};
    let instead = match state {
        Draft => "it can be approved or retired",
        Approved => "it can go live, be suspended or be retired",
        Live => "it can be suspended or retired",
        Suspended => "it can be approved again or retired",
        Retired => "it stays so; register another name",
    };
    format!(
        "{name} is {}: `{}` is no move from there; {instead}",
        state.as_str(),
        act.as_str()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_legal_moves() {
        use ApplicationState::{Approved, Draft, Live, Retired, Suspended};
        let moves = [
            (
                Act::Approve,
                [
                    Some(Approved),
                    Some(Approved),
                    Some(Live),
                    Some(Approved),
                    None,
                ],
            ),
            (Act::GoLive, [None, Some(Live), None, None, None]),
            (
                Act::Suspend,
                [None, Some(Suspended), Some(Suspended), None, None],
            ),
            (
                Act::Retire,
                [
                    Some(Retired),
                    Some(Retired),
                    Some(Retired),
                    Some(Retired),
                    None,
                ],
            ),
            (
                Act::Change,
                [
                    Some(Draft),
                    Some(Approved),
                    Some(Live),
                    Some(Suspended),
                    None,
                ],
            ),
        ];
        for (act, expected) in moves {
            for (state, expected) in [Draft, Approved, Live, Suspended, Retired]
                .into_iter()
                .zip(expected)
            {
                assert_eq!(act.leads_to(state), expected, "{act:?} from {state:?}");
            }
        }
    }
}
