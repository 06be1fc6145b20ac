use crate::clause::guide;
use crate::facts::Facts;
use crate::limits;
use crate::message_facts::AddressFieldError;
use crate::period::Period;
use crate::reply::lines;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};

const PAGE: &str = manual_page! {
    /// The header section must be one that every reader reads alike.
    ///
    /// Refused are:
    ///
    /// - lines before the first empty line that are neither a field (`Name: value`) nor the continuation of one, such as a `From ` line of a mailbox file, or a name with a space before its colon;
    /// - lines that hold NUL, or a CR that ends no line;
    /// - address fields (From, Sender, Reply-To) whose value is no list of addresses, each named with line and character;
    /// - a header section longer than the published limit, or one that never ends.
    ///
    /// A display name that holds a comma, a full stop beside a space, or parentheses must stand in quotes.
    /// Such messages are not mended: what cannot be read for certain cannot be put right for certain.
    /// To, Cc and Bcc are recipients-readable's matter; bodies and MIME are not looked at.
};

pub static RULE: Rule = Rule {
    id: "header-readable",
    title: "The header section must be readable",
    severity: Severity::Refuse,
    clauses: &[guide(61), guide(79)],
    standards: &["RFC 5322 section 2.2", "RFC 5322 section 3.4"],
    holds: Period::ALWAYS,
    reads: &[
        "message.header",
        "message.from",
        "message.sender",
        "message.reply_to",
    ],
    page: PAGE,
    answer: Answer::new(550, 6, 0),
    judge,
    examples: &[
        Example {
            title: "Folded fields, groups, comments and encoded words.",
            header: "From: =?utf-8?q?K=C3=A4the?= (on call) <appointments@northmoor.example>\n\
                     To: Team: a@b.example,\n\t\"B, C\" <c@d.example>;\nCc: undisclosed-recipients:;",
            change: crate::rule::unchanged,
            expected: Expected::Passes,
        },
        Example {
            title: "A line from a mailbox file.",
            header: "From appointments@northmoor.example Sat Nov 21 09:30:00 2026\n\
                     From: appointments@northmoor.example",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("line 1 is neither a field nor a continuation"),
        },
        Example {
            title: "A space before the colon.",
            header: "To: a@b.example\nFrom : appointments@northmoor.example\nX y: z",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("lines 2 and 3 are neither a field nor a continuation"),
        },
        Example {
            title: "A display name that needs quotes.",
            header: "To: a@b.example\nFrom: Patel, Asha (NORTHMOOR TRUST) <appointments@northmoor.example>",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("From in line 2 is no list of addresses: at character 5"),
        },
        Example {
            title: "A CR that ends no line.",
            header: "From: appointments@northmoor.example\nSubject: x\rBcc: y",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("line 2 holds NUL or a CR that ends no line"),
        },
        Example {
            title: "A header section that goes on and on.",
            header: "",
            change: |facts| {
                facts.message.header_ends = false;
                facts.message.octets = 1_000_000;
            },
            expected: Expected::Breaks("does not end within 262144 octets"),
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    let message = &facts.message;
    let mut problems = Vec::new();
    if !message.header_ends {
        problems.push(
            Problem::new(
                Place::Header { line: None },
                format!(
                    "it does not end within {} octets",
                    limits::HEADER_OCTETS.figure
                ),
                "End it with an empty line, and keep it short.",
            )
            .citing(const { &[guide(79)] }),
        );
    }
    if let Some(first) = message.stray_lines.first() {
        let are = if message.stray_lines.len() == 1 {
            "is"
        } else {
            "are"
        };
        problems.push(Problem::new(
            Place::Header { line: Some(*first) },
            format!(
                "{} {are} neither a field nor a continuation",
                lines(&message.stray_lines)
            ),
            "Write each field as Name: value, and an empty line before the text.",
        ));
    }
    if let Some(first) = message.forbidden_lines.first() {
        let hold = if message.forbidden_lines.len() == 1 {
            "holds"
        } else {
            "hold"
        };
        problems.push(Problem::new(
            Place::Header { line: Some(*first) },
            format!(
                "{} {hold} NUL or a CR that ends no line",
                lines(&message.forbidden_lines)
            ),
            "End lines with CR LF, and leave control characters out.",
        ));
    }
    for field in [&message.from, &message.sender, &message.reply_to] {
        let Some(AddressFieldError { line, error }) = &field.error else {
            continue;
        };
        let name = field.name;
        problems.push(Problem::new(
            Place::Field { name, line: Some(*line) },
            format!("{name} in line {line} is no list of addresses: {error}"),
            "Write \"Display name\" <local-part@domain>, with a comma between addresses and quotes around the name.",
        ));
    }
    problems
}
