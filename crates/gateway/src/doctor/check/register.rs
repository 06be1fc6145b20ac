use mailward_policy::clause::{dhc, eng, guide};
use mailward_policy::{ApplicationState, ClauseId, DataClass};

use super::{Check, DAYS_WARNING, Findings, Seen};
use crate::config::{Application, References};

pub(in crate::doctor) const CHECK: Check = Check {
    id: "register",
    title: "Every application is registered, approved and documented",
    clauses: &[eng(14), eng(16), dhc(1), dhc(2)],
    about: "Each application may send, its approval and review dates lie ahead, and the papers \
            that the documents ask for have references. Without an IAMS entry a confidential \
            interface is an error.",
    looks: &[],
    judge,
};

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// A paper: its key, what asks for it, of whom.
struct Paper {
    key: &'static str,
    clause: ClauseId,
    is_there: fn(&References) -> bool,
    binds: fn(&Application) -> bool,
}

const PAPERS: &[Paper] = &[
    Paper {
        key: "la_request",
        clause: guide(6),
        is_there: |papers| papers.la_request.is_some(),
        binds: |_| true,
    },
    Paper {
        key: "application_documentation",
        clause: dhc(1),
        is_there: |papers| papers.application_documentation.is_some(),
        binds: |_| true,
    },
    Paper {
        key: "architecture_documentation or cmdb",
        clause: eng(14),
        is_there: |papers| papers.architecture_documentation.is_some() || papers.cmdb.is_some(),
        binds: |_| true,
    },
    Paper {
        key: "architecture_approval",
        clause: dhc(14),
        is_there: |papers| papers.architecture_approval.is_some(),
        binds: |_| true,
    },
    Paper {
        key: "clinical_safety_case",
        clause: guide(22),
        is_there: |papers| papers.clinical_safety_case.is_some(),
        binds: |application| application.patient_data || application.clinical,
    },
];

fn judge(seen: &Seen, findings: &mut Findings<'_>) {
    if seen.applications.is_empty() {
        findings.note(
            "register",
            "no application is registered, so nobody can send",
        );
    }
    for application in &seen.applications {
        let subject = format!("application {}", application.name);
        standing(findings, &subject, application);
        dates(seen, findings, &subject, application);
        papers(findings, &subject, application);
    }
}

fn standing(findings: &mut Findings<'_>, subject: &str, application: &Application) {
    let state = application.state.as_str();
    match application.state {
        ApplicationState::Live => findings.ok(subject, "it is live"),
        ApplicationState::Approved => findings.note(subject, "it is approved, and not live yet"),
        ApplicationState::Draft => {
            findings.note(subject, "it is a draft: it sends nowhere but to a twin")
        }
        _ => findings.warning(
            subject,
            format!("it is {state}: what it submits is refused"),
            "Resume it, or take its credentials away.",
        ),
    };
}

fn dates(seen: &Seen, findings: &mut Findings<'_>, subject: &str, application: &Application) {
    if let Some(expires) = application.approval_expires {
        let days = (expires.as_millis() - seen.at.as_millis()).div_euclid(DAY_MILLIS);
        let remedy = "Have the approval renewed.";
        let day = expires.to_date();
        let finding = match days {
            ..0 => findings.error(subject, format!("its approval ended on {day}"), remedy),
            0..DAYS_WARNING => {
                findings.warning(subject, format!("its approval ends in {days} days"), remedy)
            }
            _ => findings.ok(subject, format!("it is approved until {day}")),
        };
        finding.with("days_left", days);
    }
    match application.review_date {
        Some(review) if review <= seen.at => {
            findings.warning(
                subject,
                format!("its entry was to be reviewed on {}", review.to_date()),
                "Review the entry and set the next date.",
            );
        }
        Some(_) => {}
        None => {
            findings.note(subject, "it has no review date");
        }
    }
}

fn papers(findings: &mut Findings<'_>, subject: &str, application: &Application) {
    let is_sensitive = application.patient_data || application.data_class > DataClass::Official;
    if is_sensitive && application.references.iams.is_none() {
        findings
            .error(
                subject,
                "it carries confidential mail and has no IAMS entry",
                "Register the asset in IAMS and write its number as references.iams.",
            )
            .citing(&[eng(21)]);
    }
    let missing: Vec<&Paper> = PAPERS
        .iter()
        .filter(|paper| (paper.binds)(application) && !(paper.is_there)(&application.references))
        .collect();
    if missing.is_empty() {
        findings.ok(subject, "its papers have references");
        return;
    }
    let keys: Vec<&str> = missing.iter().map(|paper| paper.key).collect();
    let clauses: Vec<ClauseId> = missing.iter().map(|paper| paper.clause).collect();
    findings
        .warning(
            subject,
            format!("no reference for {}", keys.join(", ")),
            "Write the numbers of these papers into its references.",
        )
        .citing(&clauses);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;
    use crate::doctor::testing::{Fixture, check, day};

    const SUBJECT: &str = "application letters";

    #[test]
    fn a_whole_entry_is_well() {
        let expected = [
            (Severity::Ok, SUBJECT, "live"),
            (Severity::Ok, SUBJECT, "approved until 2027-12-31"),
            (Severity::Ok, SUBJECT, "papers"),
        ];
        check(&CHECK, &Fixture::healthy(), &expected);
    }

    #[test]
    fn what_is_missing_or_over_is_told() {
        let found = |change: fn(&mut Application)| {
            let mut seen = Fixture::healthy();
            change(&mut seen.applications[0]);
            let mut findings = Findings::of(&CHECK);
            judge(&seen, &mut findings);
            let worst = findings
                .into_vec()
                .into_iter()
                .max_by_key(|one| one.severity);
            let worst = worst.expect("a finding");
            (worst.severity, worst.seen)
        };
        for (change, severity, text) in [
            (
                (|one| one.state = ApplicationState::Draft) as fn(&mut Application),
                Severity::Note,
                "draft",
            ),
            (
                |one| one.state = ApplicationState::Suspended,
                Severity::Warning,
                "suspended",
            ),
            (
                |one| one.approval_expires = Some(day("2026-11-20")),
                Severity::Error,
                "ended on 2026-11-20",
            ),
            (
                |one| one.approval_expires = Some(day("2026-11-30")),
                Severity::Warning,
                "ends in 9 days",
            ),
            (
                |one| one.review_date = Some(day("2026-11-21")),
                Severity::Warning,
                "reviewed on 2026-11-21",
            ),
            (
                |one| one.review_date = None,
                Severity::Note,
                "no review date",
            ),
            (
                |one| one.references.iams = None,
                Severity::Error,
                "no IAMS entry",
            ),
            (
                |one| one.references.la_request = None,
                Severity::Warning,
                "no reference for la_request",
            ),
            (
                |one| one.references.clinical_safety_case = None,
                Severity::Warning,
                "clinical_safety_case",
            ),
        ] {
            let (found, seen) = found(change);
            assert_eq!(found, severity, "{seen}");
            assert!(seen.contains(text), "{seen:?} should say {text:?}");
        }
    }

    #[test]
    fn an_empty_register_is_told() {
        let mut seen = Fixture::healthy();
        seen.applications.clear();
        check(
            &CHECK,
            &seen,
            &[(Severity::Note, "register", "no application")],
        );
    }
}
