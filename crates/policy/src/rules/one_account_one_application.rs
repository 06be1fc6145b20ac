use crate::clause::guide;
use crate::facts::Facts;
use crate::period::Period;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};

/// More names than this are counted.
const NAMES_MAX: usize = 4;

const PAGE: &str = manual_page! {
    /// Every application has an account of its own.
    ///
    /// Quota, limits, replies and permissions are the account's: where two applications share one, neither can be told from the other when it fills the mailbox, uses up the day's recipients, or is blocked.
    /// So it is refused against the twin as well, since what is tried there would not be what happens later.
    /// An application that is retired shares nothing.
};

pub static RULE: Rule = Rule {
    id: "one-account-one-application",
    title: "An application must have an account of its own",
    severity: Severity::Refuse,
    clauses: &[guide(70)],
    standards: &[],
    holds: Period::ALWAYS,
    reads: &["application.account_shared_with", "account.address"],
    page: PAGE,
    answer: Answer::POLICY,
    judge,
    examples: &[
        Example {
            title: "An account that no other application uses.",
            header: "",
            change: crate::rule::unchanged,
            expected: Expected::Passes,
        },
        Example {
            title: "Two applications with one account, at the twin.",
            header: "",
            change: |facts| {
                facts.route.twin = true;
                share(facts, &["rota"]);
            },
            expected: Expected::Breaks(
                "appointments@northmoor.example is also the account of rota",
            ),
        },
        Example {
            title: "Many applications with one account.",
            header: "",
            change: |facts| share(facts, &["a", "b", "c", "d", "e", "f"]),
            expected: Expected::Breaks("of a, b, c, d and 2 more"),
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    let (Some(application), Some(account)) = (&facts.application, &facts.account) else {
        return Vec::new();
    };
    let others = &application.account_shared_with;
    if others.is_empty() {
        return Vec::new();
    }
    let mut names = others[..others.len().min(NAMES_MAX)].join(", ");
    if others.len() > NAMES_MAX {
        names.push_str(&format!(" and {} more", others.len() - NAMES_MAX));
    }
    vec![Problem::new(
        Place::Application,
        format!("{} is also the account of {names}", account.address),
        "Ask for an application account for each, and name it in the register.",
    )]
}

fn share(facts: &mut Facts, others: &[&str]) {
    if let Some(application) = &mut facts.application {
        application.account_shared_with = others.iter().map(|name| (*name).to_owned()).collect();
    }
}
