//! `mailward explain`: what a rule asks, why, and what to do about it.

use mailward_policy::Profile;
use mailward_policy::catalogue::{RULES, find};
use mailward_policy::generate;
use mailward_policy::rule::Rule;
use serde_json::{Value, json};

use super::table::Table;
use super::{CommandError, Report};
use crate::cli::ExplainArguments;

pub(super) fn run(arguments: &ExplainArguments) -> Result<Report, CommandError> {
    match &arguments.rule {
        None if arguments.json => {
            let rules: Vec<Value> = RULES.iter().map(|rule| facts(rule)).collect();
            Report::json(&json!({ "rules": rules }), true)
        }
        None => Ok(Report::yes(all())),
        Some(id) => one(id, arguments.json),
    }
}

fn all() -> String {
    let mut table = Table::new(["RULE", "SEVERITY", "SAYS"]);
    for rule in RULES {
        table.row([rule.id, rule.severity.as_str(), rule.title]);
    }
    table.text()
}

fn one(id: &str, as_json: bool) -> Result<Report, CommandError> {
    let (Some(rule), Some(text)) = (find(id), generate::explain(id)) else {
        let near = nearest(id).map(|near| format!("did you mean {near}? "));
        return Err(CommandError::new(format!(
            "there is no rule {id:?}; {}see all with `mailward explain`",
            near.unwrap_or_default()
        )));
    };
    if !as_json {
        return Ok(Report::yes(text));
    }
    let mut facts = facts(rule);
    facts["text"] = text.into();
    Report::json(&facts, true)
}

fn facts(rule: &Rule) -> Value {
    let clauses = rule.clauses.iter().filter_map(|id| id.clause());
    let clauses: Vec<Value> = clauses
        .map(|clause| {
            json!({
                "id": clause.id.to_string(),
                "section": clause.section,
                "strength": clause.strength.as_str(),
                "says": clause.paraphrase,
            })
        })
        .collect();
    let profiles: Vec<Profile> = Profile::ALL
        .into_iter()
        .filter(|profile| rule.binds(*profile))
        .collect();
    json!({
        "rule": rule.id,
        "title": rule.title,
        "severity": rule.severity.as_str(),
        "in_force": rule.holds.to_string(),
        "profiles": profiles,
        "reads": rule.reads,
        "clauses": clauses,
        "standards": rule.standards,
    })
}

/// The rule whose name shares the most words with what was typed.
fn nearest(typed: &str) -> Option<&'static str> {
    let typed = typed.to_lowercase();
    let words: Vec<&str> = typed.split(['-', '_', ' ']).collect();
    let shared = |rule: &Rule| {
        let parts = rule.id.split('-');
        parts.filter(|part| words.contains(part)).count()
    };
    let best = RULES.iter().max_by_key(|rule| shared(rule))?;
    (shared(best) > 0).then_some(best.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::Answer;

    fn explain(rule: Option<&str>, json: bool) -> Result<Report, CommandError> {
        let rule = rule.map(str::to_owned);
        run(&ExplainArguments { rule, json })
    }

    #[test]
    fn explains_one_rule() {
        let report = explain(Some("from-is-account"), false).expect("a rule");
        assert_eq!(report.answer, Answer::Yes);
        assert!(
            report
                .text
                .starts_with("# from-is-account\n\nFrom must be the sending account.\n"),
            "{}",
            report.text
        );
        assert!(report.text.contains("GUIDE-10"), "{}", report.text);
        let report = explain(Some("from-is-account"), true).expect("a rule");
        let value: Value = serde_json::from_str(&report.text).expect("JSON");
        assert_eq!(value["rule"], "from-is-account");
        assert_eq!(value["severity"], "refuse");
        assert_eq!(value["profiles"][0], "guide-2022");
        assert_eq!(value["clauses"][0]["id"], "GUIDE-10");
    }

    #[test]
    fn lists_all_rules() {
        let report = explain(None, false).expect("all");
        assert!(report.text.starts_with("RULE "), "{}", report.text);
        assert_eq!(report.text.lines().count(), RULES.len() + 1);
        let report = explain(None, true).expect("all");
        let value: Value = serde_json::from_str(&report.text).expect("JSON");
        assert_eq!(value["rules"].as_array().map(Vec::len), Some(RULES.len()));
    }

    #[test]
    fn an_unknown_rule_is_said_with_its_neighbour() {
        for (typed, expected) in [
            (
                "from-account",
                "there is no rule \"from-account\"; did you mean from-is-account? see all with `mailward explain`",
            ),
            (
                "xyz",
                "there is no rule \"xyz\"; see all with `mailward explain`",
            ),
        ] {
            assert_eq!(
                explain(Some(typed), false).expect_err(typed).to_string(),
                expected
            );
        }
    }
}
