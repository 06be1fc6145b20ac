use crate::clause::guide;
use crate::facts::Facts;
use crate::period::Period;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};

const PAGE: &str = manual_page! {
    /// A message that names several authors in From must say in Sender which one of them sent it, and Sender names one mailbox only.
    ///
    /// The service refuses what lacks that: `550 5.1.20 Multiple From addresses are not allowed without Sender address`.
    /// All the authors must still be addresses that the application may send as: see from-is-account.
};

pub static RULE: Rule = Rule {
    id: "from-single",
    title: "Several authors in From need one Sender",
    severity: Severity::Refuse,
    clauses: &[guide(61)],
    standards: &["RFC 5322 section 3.6.2"],
    holds: Period::ALWAYS,
    reads: &["message.from", "message.sender"],
    page: PAGE,
    answer: Answer::new(550, 1, 20),
    judge,
    examples: &[
        Example {
            title: "Two authors, and one of them as Sender.",
            header: "From: appointments@northmoor.example, rota@northmoor.example\n\
                     Sender: appointments@northmoor.example",
            change: crate::rule::unchanged,
            expected: Expected::Passes,
        },
        Example {
            title: "Two authors without Sender.",
            header: "From: appointments@northmoor.example, rota@northmoor.example",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("From in line 1 names 2 mailboxes and there is no Sender"),
        },
        Example {
            title: "Two mailboxes in Sender.",
            header: "From: appointments@northmoor.example\n\
                     Sender: appointments@northmoor.example, rota@northmoor.example",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("Sender in line 2 names 2 mailboxes"),
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    let (from, sender) = (&facts.message.from, &facts.message.sender);
    let mut problems = Vec::new();
    if let (Some(line), 2.., true) = (
        from.line(),
        from.mailboxes.len(),
        sender.mailboxes.is_empty(),
    ) {
        problems.push(Problem::new(
            Place::Field {
                name: "From",
                line: Some(line),
            },
            format!(
                "From in line {line} names {} mailboxes and there is no Sender",
                from.mailboxes.len()
            ),
            "Name the sending account alone in From, or add it as Sender.",
        ));
    }
    if let (Some(line), 2..) = (sender.line(), sender.mailboxes.len()) {
        problems.push(Problem::new(
            Place::Field {
                name: "Sender",
                line: Some(line),
            },
            format!(
                "Sender in line {line} names {} mailboxes",
                sender.mailboxes.len()
            ),
            "Name the sending account alone in Sender.",
        ));
    }
    problems
}
