use mailward_mail::Address;

use super::ADDRESSES_REPORTED_MAX;
use crate::clause::guide;
use crate::facts::{Facts, RouteFacts, RouteKind};
use crate::period::Period;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};
use crate::sample::address;

const PAGE: &str = manual_page! {
    /// Mail through the relay comes from an nhs.uk address of the organisation that sends it, in the envelope and in From, and never from nhs.net.
    ///
    /// The relay asks nobody who they are, so the sender's domain is all that it goes by: an nhs.net sender counts as spoofed, and the mail is deleted without a word.
    /// That the address is the organisation's own is asked by from-is-account, which compares it with what the register grants.
    /// Against the twin the domains kept for examples and tests (RFC 2606) do as well, since nobody can own an nhs.uk domain to test with.
};

pub static RULE: Rule = Rule {
    id: "relay-sender",
    title: "Mail through the relay must come from the organisation's nhs.uk domain",
    severity: Severity::Refuse,
    clauses: &[guide(13), guide(50), guide(11), guide(12), guide(49)],
    standards: &[],
    holds: Period::ALWAYS,
    reads: &[
        "route.kind",
        "route.twin",
        "envelope.reverse_path",
        "message.from",
    ],
    page: PAGE,
    answer: Answer::POLICY,
    judge,
    examples: &[
        Example {
            title: "An address of a trust.",
            header: "From: alerts@northmoor.nhs.uk",
            change: |facts| by_relay(facts, "alerts@northmoor.nhs.uk"),
            expected: Expected::Passes,
        },
        Example {
            title: "Any other route.",
            header: "From: alerts@nhs.net",
            change: crate::rule::unchanged,
            expected: Expected::Passes,
        },
        Example {
            title: "An NHSmail address.",
            header: "From: alerts@nhs.net",
            change: |facts| by_relay(facts, "alerts@nhs.net"),
            expected: Expected::Breaks("MAIL FROM alerts@nhs.net is an NHSmail address"),
        },
        Example {
            title: "From differs from the envelope.",
            header: "From: alerts@nhs.net",
            change: |facts| by_relay(facts, "alerts@northmoor.nhs.uk"),
            expected: Expected::Breaks("From alerts@nhs.net is an NHSmail address"),
        },
        Example {
            title: "A domain outside the NHS.",
            header: "From: alerts@northmoor.example",
            change: |facts| by_relay(facts, "alerts@northmoor.example"),
            expected: Expected::Breaks("alerts@northmoor.example is not in an nhs.uk domain"),
        },
        Example {
            title: "The same, to try the twin.",
            header: "From: alerts@northmoor.example",
            change: |facts| {
                by_relay(facts, "alerts@northmoor.example");
                facts.route.twin = true;
            },
            expected: Expected::Passes,
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    if facts.route.kind != RouteKind::Relay {
        return Vec::new();
    }
    let reverse_path = facts.envelope.reverse_path.address();
    let envelope = reverse_path
        .into_iter()
        .map(|address| (address, Place::ReversePath, "MAIL FROM"));
    let from = &facts.message.from;
    let place = Place::Field {
        name: "From",
        line: from.line(),
    };
    let mailboxes = from.mailboxes.iter().take(ADDRESSES_REPORTED_MAX);
    envelope
        .chain(mailboxes.map(|mailbox| (&mailbox.address, place, "From")))
        .filter_map(|(address, place, name)| {
            let fault = fault(address, facts.route.twin)?;
            Some(Problem::new(
                place,
                format!("{name} {address} {fault}"),
                "Send from an address in the organisation's own nhs.uk domain, or by an authenticated route.",
            ))
        })
        .collect()
}

/// Why the relay takes nothing from this address.
pub fn fault(address: &Address, twin: bool) -> Option<&'static str> {
    /// Kept for documentation and tests (RFC 2606 section 2).
    const RESERVED: [&str; 2] = ["example", "test"];
    let domain = address.domain().to_ascii_lowercase();
    let within = |parent: &str| {
        domain
            .strip_suffix(parent)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    if within("nhs.net") {
        Some("is an NHSmail address")
    } else if within("nhs.uk") || (twin && RESERVED.into_iter().any(within)) {
        None
    } else {
        Some("is not in an nhs.uk domain")
    }
}

fn by_relay(facts: &mut Facts, sender: &str) {
    facts.route = RouteFacts::nhsmail(RouteKind::Relay);
    facts.envelope.reverse_path = mailward_mail::ReversePath::Address(address(sender));
}
