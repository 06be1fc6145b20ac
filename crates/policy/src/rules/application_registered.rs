use crate::clause::{dhc, eng, guide};
use crate::facts::{ApplicationState, Facts};
use crate::period::Period;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};

const PAGE: &str = manual_page! {
    /// Only an application that stands in the interface register, approved and with its approval unexpired, may send outside the twin.
    ///
    /// The standards want every integration documented and approved, and reserve the right to switch off what is not.
    /// So the register decides: an application that is *approved* or *live* may send by any route, one that is not registered or still a *draft* may only send to the twin.
    /// One that is *suspended* or *retired* sends nowhere, because a person took that decision about it.
    /// An approval that carries a date lapses at the first moment of that date.
    /// Under the guide alone nobody has to approve (GUIDE-108), but the register is where its considerations are seen to (GUIDE-8), so it decides there too.
};

pub static RULE: Rule = Rule {
    id: "application-registered",
    title: "The application must be registered and approved",
    severity: Severity::Refuse,
    clauses: &[eng(14), eng(16), dhc(1), dhc(3), dhc(14), dhc(15), guide(8)],
    standards: &[],
    holds: Period::ALWAYS,
    reads: &["at", "application.state", "route.twin"],
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
        ApplicationState::Approved | ApplicationState::Live => match application.approval_expires {
            Some(expires) if facts.at >= expires => problem(
                format!(
                    "{name} may not send: its approval lapsed on {}",
                    expires.to_date()
                ),
                "Have the approval renewed.",
            ),
            _ => Vec::new(),
        },
    }
}

fn state(facts: &mut Facts, state: ApplicationState) {
    if let Some(application) = &mut facts.application {
        application.state = state;
    }
}
