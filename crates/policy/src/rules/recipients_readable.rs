use crate::facts::Facts;
use crate::period::Period;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};

const PAGE: &str = manual_page! {
    /// To, Cc and Bcc should be lists of addresses, or empty groups such as `undisclosed-recipients:;`.
    ///
    /// Mail is delivered by its envelope, so that nothing goes astray when they are not; but who answers to all will not reach them, and spam filters count it against the sender.
    /// It is only a warning: no other rule reads these fields.
};

pub static RULE: Rule = Rule {
    id: "recipients-readable",
    title: "To, Cc and Bcc should be lists of addresses",
    severity: Severity::Warn,
    clauses: &[],
    standards: &["RFC 5322 section 3.6.3"],
    holds: Period::ALWAYS,
    reads: &["message.to"],
    page: PAGE,
    answer: Answer::new(550, 6, 0),
    judge,
    examples: &[
        Example {
            title: "Names, groups and a list without members.",
            header: "To: Team: a@b.example,\n\t\"B, C\" <c@d.example>;\nCc: undisclosed-recipients:;",
            change: crate::rule::unchanged,
            expected: Expected::Passes,
        },
        Example {
            title: "A To that is no address.",
            header: "From: appointments@northmoor.example\nTo: <undisclosed recipients>",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("To in line 2 cannot be read: at character"),
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    let message = &facts.message;
    [&message.to, &message.cc, &message.bcc]
        .into_iter()
        .filter_map(|field| {
            let error = field.error.as_ref()?;
            let (name, line) = (field.name, Some(error.line));
            Some(Problem::new(
                Place::Field { name, line },
                format!("{name} in line {} cannot be read: {}", error.line, error.error),
                "Write addresses with commas between them, or undisclosed-recipients:; where nobody is to be named.",
            ))
        })
        .collect()
}
