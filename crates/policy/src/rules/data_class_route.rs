use crate::clause::{eng, guide};
use crate::content::{ContentPlace, Identifier, IdentifierKind};
use crate::data_class::DataClass;
use crate::facts::{Facts, RouteFacts, RouteKind};
use crate::message_facts::DATA_CLASS_FIELD;
use crate::period::Period;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};

const PAGE: &str = manual_page! {
    /// What a message holds decides by which way it may leave.
    ///
    /// - SECRET and above is refused on every route.
    /// - OFFICIAL-SENSITIVE goes only by an authenticated route to a mail service certified to DCB1596, and never through the relay.
    /// - OFFICIAL goes by any route.
    ///
    /// The class is what the submission says of itself, else the application's default.
    /// A header field `X-Mailward-Data-Class` can raise it, never lower it; one that cannot be read is refused, since it may have said SECRET.
    /// What identifies a patient raises it to OFFICIAL-SENSITIVE (see patient-identifiers), and a marking in the message to what the marking says (see marking-kept).
    /// Mail of an application that is registered as carrying patient data counts as OFFICIAL-SENSITIVE at least.
};

pub static RULE: Rule = Rule {
    id: "data-class-route",
    title: "The route must be fit for the data class",
    severity: Severity::Refuse,
    clauses: &[guide(15), guide(16), eng(18), eng(19), eng(20), eng(23)],
    standards: &["Government Security Classifications Policy"],
    holds: Period::ALWAYS,
    reads: &[
        "data_class",
        "message.data_class",
        "application.patient_data",
        "content.identifiers",
        "content.marking",
        "route.kind",
        "route.security",
    ],
    page: PAGE,
    answer: Answer::POLICY,
    judge,
    examples: &[
        Example {
            title: "OFFICIAL-SENSITIVE by submission to NHSmail.",
            header: "",
            change: |facts| facts.data_class = DataClass::OfficialSensitive,
            expected: Expected::Passes,
        },
        Example {
            title: "An OFFICIAL alert through the relay.",
            header: "",
            change: |facts| facts.route = RouteFacts::nhsmail(RouteKind::Relay),
            expected: Expected::Passes,
        },
        Example {
            title: "OFFICIAL-SENSITIVE through the relay.",
            header: "",
            change: |facts| {
                facts.data_class = DataClass::OfficialSensitive;
                facts.route = RouteFacts::nhsmail(RouteKind::Relay);
            },
            expected: Expected::Breaks("OFFICIAL-SENSITIVE may not go through the relay"),
        },
        Example {
            title: "Patient data through the relay, though nobody marked it.",
            header: "",
            change: |facts| {
                facts.route = RouteFacts::nhsmail(RouteKind::Relay);
                if let Some(application) = &mut facts.application {
                    application.patient_data = true;
                }
            },
            expected: Expected::Breaks("registered as carrying patient data"),
        },
        Example {
            title: "An NHS number through the relay.",
            header: "",
            change: |facts| {
                facts.route = RouteFacts::nhsmail(RouteKind::Relay);
                facts.content.identifiers = vec![Identifier {
                    kind: IdentifierKind::NhsNumber,
                    place: ContentPlace::Subject,
                    shown: "******0018".to_owned(),
                }];
            },
            expected: Expected::Breaks("(it holds an NHS number (******0018) in the subject)"),
        },
        Example {
            title: "The text is marked SECRET.",
            header: "",
            change: |facts| facts.content.marking = Some(DataClass::Secret),
            expected: Expected::Breaks("the message is SECRET (it is marked so)"),
        },
        Example {
            title: "OFFICIAL-SENSITIVE to a service without certificate.",
            header: "",
            change: |facts| {
                facts.data_class = DataClass::OfficialSensitive;
                facts.route.dcb1596 = false;
            },
            expected: Expected::Breaks("not certified to DCB1596"),
        },
        Example {
            title: "OFFICIAL-SENSITIVE by a route that does not sign in.",
            header: "",
            change: |facts| {
                facts.data_class = DataClass::OfficialSensitive;
                facts.route.authenticated = false;
            },
            expected: Expected::Breaks("route submission does not authenticate"),
        },
        Example {
            title: "The header raises the class.",
            header: "X-Mailward-Data-Class: SECRET\nFrom: appointments@northmoor.example",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("the message is SECRET"),
        },
        Example {
            title: "The header's class cannot be read.",
            header: "X-Mailward-Data-Class: hush-hush\nFrom: appointments@northmoor.example",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("X-Mailward-Data-Class in line 1 is no data class"),
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(label) = &facts.message.data_class
        && label.class.is_err()
    {
        let place = Place::Field {
            name: DATA_CLASS_FIELD,
            line: Some(label.line),
        };
        problems.push(Problem::new(
            place,
            format!("{DATA_CLASS_FIELD} in line {} is no data class", label.line),
            "Write OFFICIAL or OFFICIAL-SENSITIVE.",
        ));
    }
    let class = facts.strictest_class();
    if !class.is_confidential() {
        return problems;
    }
    let origin = super::origin(facts, class);
    let route = &facts.route;
    if class >= DataClass::Secret {
        problems.push(
            Problem::new(
                Place::DataClass,
                format!("the message is {class}{origin}, which no route may carry"),
                "Do not send it by mail; ask IT or Cyber Security how to handle it.",
            )
            .citing(const { &[eng(23)] })
            .by_standard(),
        );
        return problems;
    }
    if route.kind == RouteKind::Relay {
        problems.push(
            Problem::new(
                Place::Route,
                format!("{class} may not go through the relay{origin}"),
                "Send it by an authenticated route to NHSmail.",
            )
            .citing(const { &[guide(15), guide(16), eng(20)] }),
        );
        return problems;
    }
    if !route.dcb1596 {
        problems.push(
            Problem::new(
                Place::Route,
                format!(
                    "the message is {class}{origin}, and route {} ends at a service not certified to DCB1596",
                    route.name
                ),
                "Choose a route to a certified service.",
            )
            .citing(const { &[eng(19), eng(20), guide(15)] }),
        );
    }
    if !route.authenticated {
        problems.push(
            Problem::new(
                Place::Route,
                format!(
                    "the message is {class}{origin}, and route {} does not authenticate",
                    route.name
                ),
                "Choose an authenticated route.",
            )
            .citing(const { &[guide(15), eng(18)] }),
        );
    }
    problems
}
