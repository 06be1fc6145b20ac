use std::time::Duration;

use super::ADDRESSES_REPORTED_MAX;
use crate::clause::{eng, guide};
use crate::facts::{Facts, RetirementFacts};
use crate::period::{Date, Period};
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};

/// How long before the day it is said with every message: time enough to plan
/// a change, and not so long that nobody looks any more.
const NOTICE_DAYS: u64 = 90;
const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

const PAGE: &str = manual_page! {
    /// A route whose way of working the service takes away is replaced before the day.
    ///
    /// The days are those that the configuration gives the route (`retires`), such as the end of password sign-in.
    /// The finding is said with every message from ninety days before, and after the day, with what is taken away and when.
    /// It refuses nothing: whether the route still works the service alone can say.
};

pub static RULE: Rule = Rule {
    id: "route-retirement",
    title: "A route that is being retired should be replaced in time",
    severity: Severity::Warn,
    clauses: &[guide(109), guide(110), eng(25)],
    standards: &[],
    holds: Period::ALWAYS,
    reads: &["at", "route.retirements"],
    page: PAGE,
    answer: Answer::POLICY,
    judge,
    examples: &[
        Example {
            title: "A day that is far away.",
            header: "",
            change: |facts| retire(facts, Date::new(2027, 4, 1)),
            expected: Expected::Passes,
        },
        Example {
            title: "A day that is near.",
            header: "",
            change: |facts| retire(facts, Date::new(2026, 12, 31)),
            expected: Expected::Breaks("password sign-in ends on 2026-12-31, in 40 days"),
        },
        Example {
            title: "A day that has passed.",
            header: "",
            change: |facts| retire(facts, Date::new(2026, 11, 1)),
            expected: Expected::Breaks("password sign-in ended on 2026-11-01"),
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    let notice = Duration::from_secs(NOTICE_DAYS * SECONDS_PER_DAY);
    facts
        .route
        .retirements
        .iter()
        .filter(|one| facts.at >= one.date.minus(notice))
        .take(ADDRESSES_REPORTED_MAX)
        .map(|one| {
            let day = one.date.to_date();
            let when = if facts.at >= one.date {
                format!("ended on {day}")
            } else {
                let days = one.date.since(facts.at).as_secs().div_ceil(SECONDS_PER_DAY);
                format!("ends on {day}, in {days} days")
            };
            Problem::new(
                Place::Route,
                format!("on route {} {} {when}", facts.route.name, one.what),
                "Give the application's account another route, or this one another mechanism.",
            )
        })
        .collect()
}

fn retire(facts: &mut Facts, date: Date) {
    facts.route.retirements = vec![RetirementFacts {
        date: date.start(),
        what: "password sign-in".to_owned(),
    }];
}
