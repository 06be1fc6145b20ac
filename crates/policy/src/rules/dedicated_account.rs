use crate::clause::{dhc, eng, guide};
use crate::facts::{AccountKind, Facts};
use crate::period::Period;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};

const PAGE: &str = manual_page! {
    /// An application sends from an application account, not from a person's mailbox.
    ///
    /// A person's password reaches further than an application's should, changes by other rules, and goes when the person goes.
    /// The standards say must, so outside the twin it is refused; against the twin it is a warning, because accounts there are made up anyway.
    /// A shared mailbox is a warning everywhere: nobody signs in to it as itself, but it belongs to no person either.
    /// The kind is what the configuration says of the account.
};

pub static RULE: Rule = Rule {
    id: "dedicated-account",
    title: "The sending account must be an application account",
    severity: Severity::Warn,
    clauses: &[dhc(12), eng(12), guide(70)],
    standards: &[],
    holds: Period::ALWAYS,
    reads: &["account.kind", "account.address", "route.twin"],
    page: PAGE,
    answer: Answer::POLICY,
    judge,
    examples: &[
        Example {
            title: "An application account.",
            header: "",
            change: crate::rule::unchanged,
            expected: Expected::Passes,
        },
        Example {
            title: "A person's mailbox.",
            header: "",
            change: |facts| kind(facts, AccountKind::User),
            expected: Expected::Breaks("appointments@northmoor.example is a person's mailbox"),
        },
        Example {
            title: "A shared mailbox.",
            header: "",
            change: |facts| kind(facts, AccountKind::Shared),
            expected: Expected::Breaks("appointments@northmoor.example is a shared mailbox"),
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    let Some(account) = &facts.account else {
        return Vec::new();
    };
    let (what, severity) = match account.kind {
        AccountKind::Application => return Vec::new(),
        AccountKind::User if facts.route.twin => ("a person's mailbox", Severity::Warn),
        AccountKind::User => ("a person's mailbox", Severity::Refuse),
        AccountKind::Shared => ("a shared mailbox", Severity::Warn),
    };
    vec![
        Problem::new(
            Place::Application,
            format!("{} is {what}", account.address),
            "Have it changed to an application account by Helpdesk Self Service, or ask for one.",
        )
        .raised_to(severity),
    ]
}

fn kind(facts: &mut Facts, kind: AccountKind) {
    if let Some(account) = &mut facts.account {
        account.kind = kind;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_twin_only_warns() {
        let mut facts = crate::sample::facts();
        kind(&mut facts, AccountKind::User);
        assert_eq!(judge(&facts)[0].raised_to, Some(Severity::Refuse));
        facts.route.twin = true;
        assert_eq!(judge(&facts)[0].raised_to, Some(Severity::Warn));
    }
}
