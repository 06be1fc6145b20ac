use super::ADDRESSES_REPORTED_MAX;
use crate::clause::guide;
use crate::facts::Facts;
use crate::period::Period;
use crate::reply::shown;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};

/// Names that never lead anywhere, below or as the last label (RFC 6761,
/// RFC 6762; `internal` is set aside for private use).
const NOWHERE: [&str; 4] = ["invalid", "localhost", "local", "internal"];

/// Names kept for documents and tests (RFC 2606). The twin's organisations
/// live there.
const FOR_EXAMPLES: [&str; 5] = [
    "example",
    "test",
    "example.com",
    "example.net",
    "example.org",
];

const PAGE: &str = manual_page! {
    /// Where a message has a Reply-To, it must name at least one address, and every address in it must be one that mail can reach.
    ///
    /// An address is refused when its domain is an address literal such as `[192.0.2.1]`, a name of one part such as `intranet`, or a name that leads nowhere: below `invalid`, `localhost`, `local` and `internal`.
    /// Names kept for examples and tests (`example`, `test`, `example.com`) are refused too, unless the route ends in the twin or the account itself lives in that domain.
    ///
    /// Without Reply-To, replies go to From, which is the sending account: see from-is-account.
    /// Addresses at which nobody reads are no-non-delivery-address's matter.
    /// Whether the mailbox exists is not looked up here.
};

pub static RULE: Rule = Rule {
    id: "reply-to-real",
    title: "Reply-To must be a real address",
    severity: Severity::Refuse,
    clauses: &[guide(71)],
    standards: &[],
    holds: Period::ALWAYS,
    reads: &["message.reply_to", "account.address", "route.twin"],
    page: PAGE,
    answer: Answer::POLICY,
    judge,
    examples: &[
        Example {
            title: "An address in the account's own domain, and one outside.",
            header: "From: appointments@northmoor.example\n\
                     Reply-To: bookings@northmoor.example, Team <team@clinic.nhs.uk>",
            change: crate::rule::unchanged,
            expected: Expected::Passes,
        },
        Example {
            title: "No Reply-To.",
            header: "From: appointments@northmoor.example",
            change: crate::rule::unchanged,
            expected: Expected::Passes,
        },
        Example {
            title: "A name for examples, in the twin.",
            header: "Reply-To: a@elsewhere.example",
            change: |facts| facts.route.twin = true,
            expected: Expected::Passes,
        },
        Example {
            title: "A name for examples, to the real service.",
            header: "Reply-To: a@elsewhere.example",
            change: crate::rule::unchanged,
            expected: Expected::Breaks(
                "a@elsewhere.example in line 1: its domain is kept for examples",
            ),
        },
        Example {
            title: "A name that leads nowhere.",
            header: "From: appointments@northmoor.example\nReply-To: bookings@northmoor.invalid",
            change: crate::rule::unchanged,
            expected: Expected::Breaks(
                "bookings@northmoor.invalid in line 2: its domain leads nowhere",
            ),
        },
        Example {
            title: "A name of one part.",
            header: "Reply-To: bookings@intranet",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("not a full name"),
        },
        Example {
            title: "An address literal.",
            header: "Reply-To: bookings@[192.0.2.1]",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("an address and not a name"),
        },
        Example {
            title: "An empty Reply-To.",
            header: "From: appointments@northmoor.example\nReply-To: undisclosed:;",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("Reply-To in line 2 names nobody"),
        },
        Example {
            title: "A Reply-To that cannot be read.",
            header: "Reply-To: bookings at northmoor",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("cannot be read"),
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    let field = &facts.message.reply_to;
    let Some(line) = field.line() else {
        return Vec::new();
    };
    let place = |line| Place::Field {
        name: "Reply-To",
        line: Some(line),
    };
    const REMEDY: &str = "Use the address of a mailbox that somebody reads, or leave Reply-To out.";
    if let Some(error) = &field.error {
        return vec![Problem::new(
            place(error.line),
            format!(
                "Reply-To in line {} cannot be read: {}",
                error.line, error.error
            ),
            REMEDY,
        )];
    }
    if field.mailboxes.is_empty() {
        return vec![Problem::new(
            place(line),
            format!("Reply-To in line {line} names nobody"),
            REMEDY,
        )];
    }
    let own = facts
        .account
        .as_ref()
        .map(|account| account.address.domain());
    field
        .mailboxes
        .iter()
        .filter_map(|mailbox| {
            let fault = unreachable(mailbox.address.domain(), own, facts.route.twin)?;
            let address = shown(mailbox.address.as_str());
            let explanation = format!("found {address} in line {line}: its domain {fault}");
            Some(Problem::new(place(line), explanation, REMEDY))
        })
        .take(ADDRESSES_REPORTED_MAX)
        .collect()
}

/// Why no mail can reach this domain.
fn unreachable(domain: &str, own: Option<&str>, twin: bool) -> Option<&'static str> {
    if domain.starts_with('[') {
        return Some("is an address and not a name");
    }
    if !domain.contains('.') {
        return Some("is not a full name");
    }
    if own.is_some_and(|own| is_within(domain, own)) {
        return None;
    }
    let last = domain.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some("is an address and not a name");
    }
    if NOWHERE.iter().any(|name| is_within(domain, name)) {
        return Some("leads nowhere");
    }
    if !twin && FOR_EXAMPLES.iter().any(|name| is_within(domain, name)) {
        return Some("is kept for examples");
    }
    None
}

/// Whether `domain` is `parent` or below it.
fn is_within(domain: &str, parent: &str) -> bool {
    let Some(start) = domain.len().checked_sub(parent.len()) else {
        return false;
    };
    domain
        .get(start..)
        .is_some_and(|end| end.eq_ignore_ascii_case(parent))
        && (start == 0 || domain.as_bytes()[start - 1] == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_names_that_lead_nowhere() {
        for (domain, reachable) in [
            ("clinic.nhs.uk", true),
            ("sub.northmoor.example", true),
            ("NORTHMOOR.EXAMPLE", true),
            ("müller.de", true),
            ("notexample.com", true),
            ("invalid.nhs.uk", true),
            ("localhost", false),
            ("mail.localhost", false),
            ("printer.local", false),
            ("x.INVALID", false),
            ("www.example.com", false),
            ("example.org", false),
            ("x.test", false),
            ("192.0.2.1", false),
            ("[IPv6:2001:db8::1]", false),
        ] {
            let fault = unreachable(domain, Some("northmoor.example"), false);
            assert_eq!(fault.is_none(), reachable, "{domain}: {fault:?}");
        }
    }
}
