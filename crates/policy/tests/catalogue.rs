//! What holds for every rule: its examples, and what it says of itself.

use std::collections::BTreeSet;

use mailward_policy::catalogue::RULES;
use mailward_policy::facts;
use mailward_policy::rule::Expected;

#[test]
fn every_example_is_judged_as_it_says() {
    for rule in RULES {
        for example in rule.examples {
            let problems = (rule.judge)(&example.facts());
            let texts: Vec<String> = problems
                .iter()
                .map(|problem| format!("{}. {}", problem.explanation, problem.remedy))
                .collect();
            let place = format!("{}: {} {texts:?}", rule.id, example.title);
            match example.expected {
                Expected::Passes => assert!(problems.is_empty(), "{place}"),
                Expected::Breaks(words) => {
                    assert!(texts.iter().any(|text| text.contains(words)), "{place}");
                }
            }
        }
    }
}

#[test]
fn every_rule_has_examples_of_both_kinds() {
    for rule in RULES {
        let passes = rule
            .examples
            .iter()
            .filter(|example| matches!(example.expected, Expected::Passes))
            .count();
        assert!(passes > 0, "{} has no example that passes", rule.id);
        assert!(
            passes < rule.examples.len(),
            "{} has no example that breaks it",
            rule.id
        );
        assert!(
            rule.examples
                .iter()
                .all(|example| example.title.ends_with('.')),
            "{}",
            rule.id
        );
    }
}

#[test]
fn ids_are_unique_sorted_and_plain() {
    assert!(RULES.windows(2).all(|pair| pair[0].id < pair[1].id));
    for rule in RULES {
        assert!(
            rule.id
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-'),
            "{}",
            rule.id
        );
    }
}

#[test]
fn every_rule_explains_itself() {
    let known: BTreeSet<&str> = facts::NAMES.iter().map(|(name, _)| *name).collect();
    for rule in RULES {
        let id = rule.id;
        assert!(!rule.title.is_empty() && !rule.title.ends_with('.'), "{id}");
        assert!(rule.title.is_ascii(), "{id}: replies are ASCII");
        assert!(rule.page.len() > 80, "{id} has no page");
        assert!(!rule.reads.is_empty(), "{id} reads nothing");
        for name in rule.reads {
            assert!(known.contains(name), "{id} reads {name}, which is no fact");
        }
    }
}

#[test]
fn every_fact_is_read_by_a_rule() {
    for (name, _) in facts::NAMES {
        assert!(
            RULES.iter().any(|rule| rule.reads.contains(name)),
            "no rule reads {name}"
        );
    }
}

#[test]
fn every_citation_is_in_the_tables() {
    for rule in RULES {
        assert!(
            !rule.clauses.is_empty() || !rule.standards.is_empty(),
            "{} rests on nothing",
            rule.id
        );
        for id in rule.clauses {
            assert!(id.clause().is_some(), "{}: {id}", rule.id);
        }
        let problems = rule
            .examples
            .iter()
            .flat_map(|example| (rule.judge)(&example.facts()));
        for id in problems.filter_map(|problem| problem.clauses).flatten() {
            assert!(rule.clauses.contains(id), "{} does not cite {id}", rule.id);
        }
    }
}

#[test]
fn a_repair_is_offered_by_just_the_rules_that_mend() {
    for rule in RULES {
        let mends = rule.severity == mailward_policy::Severity::Repair;
        let problems = rule
            .examples
            .iter()
            .flat_map(|example| (rule.judge)(&example.facts()));
        for problem in problems {
            // A rule of another severity may mend where a record allows it.
            let raised = problem.raised_to == Some(mailward_policy::Severity::Repair);
            assert_eq!(problem.repair.is_some(), mends || raised, "{}", rule.id);
        }
    }
}
