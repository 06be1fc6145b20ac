use mailward_mail::Timestamp;

use crate::clause::{ClauseId, dhc, eng, guide};
use crate::facts::{ApplicationFacts, ApplicationState, Facts, ReferenceFacts};
use crate::period::Period;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};

const PAGE: &str = manual_page! {
    /// Only an application that stands in the interface register, approved and with its approval unexpired, may send outside the twin.
    ///
    /// The standards want every integration documented and approved, and reserve the right to switch off what is not.
    /// So the register decides: an application that is *approved* or *live* may send by any route, one that is not registered or still a *draft* may only send to the twin.
    /// One that is *suspended* or *retired* sends nowhere, because a person took that decision about it.
    /// An interface that is not documented may be switched off at any time, so outside the twin the register must name where it is documented: with the application, and with the mail service or in the organisation's architecture (`references`).
    /// An approval that carries a date lapses at the first moment of that date.
    /// Under the guide alone nobody has to approve (GUIDE-108), but the register is where its considerations are seen to (GUIDE-8), so it decides there too.
};

pub static RULE: Rule = Rule {
    id: "application-registered",
    title: "The application must be registered and approved",
    severity: Severity::Refuse,
    clauses: &[
        eng(14),
        eng(16),
        dhc(1),
        dhc(2),
        dhc(3),
        dhc(14),
        dhc(15),
        guide(8),
    ],
    standards: &[],
    holds: Period::ALWAYS,
    reads: &[
        "at",
        "application.state",
        "application.references",
        "route.twin",
    ],
    page: PAGE,
    answer: Answer::POLICY,
    judge,
    examples: &[
        Example {
            title: "A live application sends by the real service.",
            header: "",
            change: crate::rule::unchanged,
            expected: Expected::Passes,
        },
        Example {
            title: "A draft may try itself against the twin.",
            header: "",
            change: |facts| {
                facts.route.twin = true;
                state(facts, ApplicationState::Draft);
            },
            expected: Expected::Passes,
        },
        Example {
            title: "A draft sends by the real service.",
            header: "",
            change: |facts| state(facts, ApplicationState::Draft),
            expected: Expected::Breaks("clinic-letters is a draft"),
        },
        Example {
            title: "Nobody registered the sender.",
            header: "",
            change: |facts| {
                facts.application = None;
                facts.account = None;
            },
            expected: Expected::Breaks("it is not in the register"),
        },
        Example {
            title: "A suspended application sends, even to the twin.",
            header: "",
            change: |facts| {
                facts.route.twin = true;
                state(facts, ApplicationState::Suspended);
            },
            expected: Expected::Breaks("clinic-letters is suspended"),
        },
        Example {
            title: "A retired application sends.",
            header: "",
            change: |facts| state(facts, ApplicationState::Retired),
            expected: Expected::Breaks("clinic-letters is retired"),
        },
        Example {
            title: "The approval lapses at this very moment.",
            header: "",
            change: |facts| {
                let at = facts.at;
                if let Some(application) = &mut facts.application {
                    application.approval_expires = Some(at);
                }
            },
            expected: Expected::Breaks("its approval lapsed on 2026-11-21"),
        },
        Example {
            title: "It is documented nowhere.",
            header: "",
            change: |facts| {
                if let Some(application) = &mut facts.application {
                    application.references = ReferenceFacts::default();
                }
            },
            expected: Expected::Breaks("clinic-letters names no documentation"),
        },
        Example {
            title: "The same, against the twin.",
            header: "",
            change: |facts| {
                facts.route.twin = true;
                if let Some(application) = &mut facts.application {
                    application.references = ReferenceFacts::default();
                }
            },
            expected: Expected::Passes,
        },
        Example {
            title: "It is documented with the application alone.",
            header: "",
            change: |facts| {
                if let Some(application) = &mut facts.application {
                    application.references.architecture_documentation = None;
                }
            },
            expected: Expected::Breaks("no documentation with the mail service"),
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    let problem = |explanation: String, remedy: &str| {
        vec![Problem::new(Place::Application, explanation, remedy)]
    };
    let Some(application) = &facts.application else {
        if facts.route.twin {
            return Vec::new();
        }
        return problem(
            "it is not in the register".to_owned(),
            "Register it and have it approved; until then it can send to the twin.",
        );
    };
    let name = &application.name;
    match application.state {
        ApplicationState::Suspended => problem(
            format!("{name} is suspended"),
            "Ask the operator why, and have it approved again.",
        ),
        ApplicationState::Retired => problem(
            format!("{name} is retired"),
            "Stop it, or register it anew.",
        ),
        _ if facts.route.twin => Vec::new(),
        ApplicationState::Draft => problem(
            format!("{name} is a draft"),
            "Have it approved; until then it can send to the twin.",
        ),
        ApplicationState::Approved | ApplicationState::Live => {
            approved(application, facts.at).into_iter().collect()
        }
    }
}

/// What is amiss with an application that a person has approved.
fn approved(application: &ApplicationFacts, at: Timestamp) -> Option<Problem> {
    let name = &application.name;
    let references = &application.references;
    let (explanation, remedy, clauses): (_, _, Option<&'static [ClauseId]>) = match application
        .approval_expires
    {
        Some(expires) if at >= expires => (
            format!(
                "{name} may not send: its approval lapsed on {}",
                expires.to_date()
            ),
            "Have the approval renewed.",
            None,
        ),
        _ if references.application_documentation.is_none() => (
            format!("{name} names no documentation with the application"),
            "Put where it is documented into the register: references, application_documentation.",
            Some(const { &[eng(14), eng(16), dhc(1), dhc(3)] }),
        ),
        _ if references.architecture_documentation.is_none() => (
            format!("{name} names no documentation with the mail service or in the architecture"),
            "Put where it is documented into the register: references, architecture_documentation.",
            Some(const { &[eng(14), eng(16), dhc(2), dhc(3)] }),
        ),
        _ => return None,
    };
    let problem = Problem::new(Place::Application, explanation, remedy);
    Some(match clauses {
        Some(clauses) => problem.citing(clauses),
        None => problem,
    })
}

fn state(facts: &mut Facts, state: ApplicationState) {
    if let Some(application) = &mut facts.application {
        application.state = state;
    }
}
