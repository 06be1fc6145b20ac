use crate::clause::guide;
use crate::facts::Facts;
use crate::message_facts::AddressField;
use crate::period::Period;
use crate::reply::lines;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};

const PAGE: &str = manual_page! {
    /// A message must have a From with an address in it, and no field twice that may stand only once.
    ///
    /// Readers differ on which of two From, Subject or Content-Type fields counts: one server checks the first while the reader's program shows the second.
    /// Such a message is a known way of forging mail, so it is refused and never mended.
    /// The fields meant are those of RFC 5322 section 3.6 (Date, From, Sender, Reply-To, To, Cc, Bcc, Message-ID, In-Reply-To, References, Subject) and of MIME (MIME-Version and the Content fields).
    ///
    /// A Date or Message-ID that is there must hold something; one that is missing can be mended: see date-present and message-id-present.
};

pub static RULE: Rule = Rule {
    id: "mandatory-headers",
    title: "From must be there, and no once-only field may stand twice",
    severity: Severity::Refuse,
    clauses: &[guide(61)],
    standards: &["RFC 5322 section 3.6"],
    holds: Period::ALWAYS,
    reads: &[
        "message.from",
        "message.doubled",
        "message.date",
        "message.message_id",
    ],
    page: PAGE,
    answer: Answer::new(550, 6, 0),
    judge,
    examples: &[
        Example {
            title: "Received may stand as often as it likes.",
            header: "Received: from a\nReceived: from b\nFrom: appointments@northmoor.example",
            change: crate::rule::unchanged,
            expected: Expected::Passes,
        },
        Example {
            title: "No From.",
            header: "To: a@b.example\nSubject: Your appointment",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("there is no From"),
        },
        Example {
            title: "A From without address.",
            header: "From: \nTo: a@b.example",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("From in line 1 names nobody"),
        },
        Example {
            title: "Two From fields.",
            header: "From: appointments@northmoor.example\nTo: a@b.example\n\
                     FROM: matron@northmoor.example",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("From stands in lines 1 and 3"),
        },
        Example {
            title: "A Message-ID with nothing in it.",
            header: "From: appointments@northmoor.example\nMessage-ID:",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("Message-ID in line 2 is empty"),
        },
        Example {
            title: "Three subjects.",
            header: "From: appointments@northmoor.example\nSubject: 1\nSubject: 2\nsubject: 3",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("Subject stands in lines 2, 3 and 4"),
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(explanation) = nobody(&facts.message.from) {
        let line = facts.message.from.line();
        let name = "From";
        let remedy = match &facts.account {
            Some(account) => format!("Add From with {}.", account.address),
            None => "Add From with the sending account.".to_owned(),
        };
        problems.push(Problem::new(
            Place::Field { name, line },
            explanation,
            remedy,
        ));
    }
    for empty in &facts.message.empty {
        let (name, line) = (empty.name, Some(empty.line));
        problems.push(Problem::new(
            Place::Field { name, line },
            format!("{name} in line {} is empty", empty.line),
            format!("Fill {name} in, or leave it out to have it added."),
        ));
    }
    for doubled in &facts.message.doubled {
        let name = doubled.name;
        let line = doubled.lines.get(1).copied();
        problems.push(Problem::new(
            Place::Field { name, line },
            format!("{name} stands in {}", lines(&doubled.lines)),
            format!("Send {name} once."),
        ));
    }
    problems
}

/// A From that can't be read is header-readable's to tell.
fn nobody(from: &AddressField) -> Option<String> {
    match from.line() {
        None => Some("there is no From".to_owned()),
        Some(line) if from.mailboxes.is_empty() && from.error.is_none() => {
            Some(format!("From in line {line} names nobody"))
        }
        Some(_) => None,
    }
}
