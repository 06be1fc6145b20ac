use std::collections::BTreeSet;

use super::ADDRESSES_REPORTED_MAX;
use crate::clause::eng;
use crate::data_class::DataClass;
use crate::facts::Facts;
use crate::period::Period;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};
use crate::sample::address;

const PAGE: &str = manual_page! {
    /// OFFICIAL-SENSITIVE mail to a domain that is not accredited needs `[secure]` in its subject.
    ///
    /// Accredited are nhs.net and the domains of services certified to DCB1596, as far as the configuration lists them (`accredited_domains`).
    /// To any other the service encrypts a message whose subject holds `[secure]`, in any case of letters; without it the message would go as it is, so it is refused.
    /// Where the guide alone binds this is not judged: it asks only that the mail go by NHSmail.
};

pub static RULE: Rule = Rule {
    id: "recipient-domain",
    title: "OFFICIAL-SENSITIVE mail to a domain that is not accredited must be marked [secure]",
    severity: Severity::Refuse,
    clauses: &[eng(19), eng(20)],
    standards: &[],
    holds: Period::ALWAYS,
    reads: &[
        "envelope.recipients",
        "recipients.accredited",
        "content.secure_tag",
        "data_class",
        "message.data_class",
        "application.patient_data",
        "content.identifiers",
        "content.marking",
    ],
    page: PAGE,
    answer: Answer::POLICY,
    judge,
    examples: &[
        Example {
            title: "To an accredited domain.",
            header: "",
            change: |facts| facts.data_class = DataClass::OfficialSensitive,
            expected: Expected::Passes,
        },
        Example {
            title: "To another, not marked.",
            header: "",
            change: |facts| {
                facts.data_class = DataClass::OfficialSensitive;
                outside(facts);
            },
            expected: Expected::Breaks("gp.southmoor.example is not accredited"),
        },
        Example {
            title: "To another, marked.",
            header: "",
            change: |facts| {
                facts.data_class = DataClass::OfficialSensitive;
                outside(facts);
                facts.content.secure_tag = true;
            },
            expected: Expected::Passes,
        },
        Example {
            title: "OFFICIAL mail to another.",
            header: "",
            change: outside,
            expected: Expected::Passes,
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    let class = facts.strictest_class();
    if class != DataClass::OfficialSensitive || facts.content.secure_tag {
        return Vec::new();
    }
    let domains: BTreeSet<String> = facts
        .envelope
        .recipients
        .iter()
        .filter(|recipient| !recipient.accredited)
        .map(|recipient| recipient.address.domain().to_ascii_lowercase())
        .collect();
    domains
        .iter()
        .take(ADDRESSES_REPORTED_MAX)
        .map(|domain| {
            Problem::new(
                Place::Recipients,
                format!(
                    "the message is {class}{}, and {domain} is not accredited",
                    super::origin(facts, class)
                ),
                "Write [secure] in the subject, so that the service encrypts it, or send it to an accredited address.",
            )
        })
        .collect()
}

fn outside(facts: &mut Facts) {
    facts.envelope.recipients = vec![address("reception@gp.southmoor.example").into()];
}
