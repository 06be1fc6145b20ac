use mailward_mail::{Address, ReversePath};

use super::ADDRESSES_REPORTED_MAX;
use crate::clause::guide;
use crate::facts::{AccountFacts, Facts};
use crate::message_facts::AddressField;
use crate::period::Period;
use crate::reply::shown;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};
use crate::sample::address;

const PAGE: &str = manual_page! {
    /// The From field, the Sender field where there is one, and the envelope's reverse-path must each be the account that the application sends from, or an address that the register grants it to send as.
    ///
    /// The service compares them at the end of the message and refuses or discards what differs, sometimes without a word; so it is found here, where the sender can be told.
    /// Addresses are compared without regard to case.
    /// A From that cannot be read cannot be compared, and breaks this rule too.
    ///
    /// The empty reverse-path `<>` is for delivery reports, which applications do not write; with it a failure could reach nobody, so it is refused.
};

pub static RULE: Rule = Rule {
    id: "from-is-account",
    title: "From must be the sending account",
    severity: Severity::Refuse,
    clauses: &[guide(10), guide(61), guide(14)],
    standards: &[],
    holds: Period::ALWAYS,
    reads: &[
        "account.address",
        "application.send_as",
        "message.from",
        "message.sender",
        "envelope.reverse_path",
    ],
    page: PAGE,
    answer: Answer::POLICY,
    judge,
    examples: &[
        Example {
            title: "The account, in another case.",
            header: "From: <Appointments@Northmoor.Example>",
            change: crate::rule::unchanged,
            expected: Expected::Passes,
        },
        Example {
            title: "An address that the application may send as.",
            header: "From: Rota <rota@northmoor.example>",
            change: |facts| {
                facts.envelope.reverse_path =
                    ReversePath::Address(address("rota@northmoor.example"));
            },
            expected: Expected::Passes,
        },
        Example {
            title: "Somebody else's address.",
            header: "To: a@b.example\nFrom: matron@northmoor.example",
            change: crate::rule::unchanged,
            expected: Expected::Breaks(
                "found matron@northmoor.example in line 2, the account is appointments@northmoor.example",
            ),
        },
        Example {
            title: "Somebody else's address beside the right one.",
            header: "From: appointments@northmoor.example, matron@northmoor.example\n\
                     Sender: appointments@northmoor.example",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("found matron@northmoor.example"),
        },
        Example {
            title: "The right From, but another Sender.",
            header: "From: appointments@northmoor.example\nSender: matron@northmoor.example",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("found matron@northmoor.example in Sender, line 2"),
        },
        Example {
            title: "The right From, but another reverse-path.",
            header: "",
            change: |facts| {
                facts.envelope.reverse_path = ReversePath::Address(address("a@elsewhere.example"));
            },
            expected: Expected::Breaks("found a@elsewhere.example in the reverse-path"),
        },
        Example {
            title: "The empty reverse-path.",
            header: "",
            change: |facts| facts.envelope.reverse_path = ReversePath::Null,
            expected: Expected::Breaks("the reverse-path is empty"),
        },
        Example {
            title: "A From that cannot be read.",
            header: "From: appointments@northmoor.example <matron@northmoor.example",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("cannot be compared"),
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    let Some(account) = &facts.account else {
        // Without an account there is nothing to compare with; that there is
        // none is application-registered's to say.
        return Vec::new();
    };
    let mut problems = Vec::new();
    for field in [&facts.message.from, &facts.message.sender] {
        judge_field(facts, account, field, &mut problems);
    }
    match &facts.envelope.reverse_path {
        ReversePath::Null => problems.push(Problem::new(
            Place::ReversePath,
            "the reverse-path is empty, so that a failure could reach nobody",
            format!("Use {} in MAIL FROM.", account.address),
        )),
        ReversePath::Address(path) if facts.may_send_as(path) => {}
        // Said already, when From holds the same.
        ReversePath::Address(path) if names(&facts.message.from, path) => {}
        ReversePath::Address(path) => problems.push(Problem::new(
            Place::ReversePath,
            format!(
                "found {} in the reverse-path, the account is {}",
                shown(path.as_str()),
                account.address
            ),
            format!("Use {} in MAIL FROM.", account.address),
        )),
    }
    problems
}

fn judge_field(
    facts: &Facts,
    account: &AccountFacts,
    field: &AddressField,
    problems: &mut Vec<Problem>,
) {
    let name = field.name;
    if let Some(error) = &field.error {
        let line = Some(error.line);
        problems.push(Problem::new(
            Place::Field { name, line },
            format!(
                "{name} in line {} cannot be read and so cannot be compared with the account {}",
                error.line, account.address
            ),
            format!("Use {} in {name}.", account.address),
        ));
        return;
    }
    let strangers = field
        .mailboxes
        .iter()
        .filter(|mailbox| !facts.may_send_as(&mailbox.address));
    for mailbox in strangers.take(ADDRESSES_REPORTED_MAX) {
        let line = field.line();
        let place = match line {
            Some(line) if name == "From" => format!("line {line}"),
            Some(line) => format!("{name}, line {line}"),
            None => name.to_owned(),
        };
        problems.push(Problem::new(
            Place::Field { name, line },
            format!(
                "found {} in {place}, the account is {}",
                shown(mailbox.address.as_str()),
                account.address
            ),
            format!(
                "Use {} in {name}, or have the application granted to send as this address.",
                account.address
            ),
        ));
    }
}

fn names(field: &AddressField, address: &Address) -> bool {
    field
        .mailboxes
        .iter()
        .any(|mailbox| mailbox.address == *address)
}
