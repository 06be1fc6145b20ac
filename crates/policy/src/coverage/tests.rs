use std::collections::BTreeSet;

use super::*;
use crate::conflict::CONFLICTS;
use crate::rule::Severity;
use crate::{catalogue, clause, limits};

#[test]
fn every_clause_stands_somewhere_and_nothing_else_does() {
    for document in Document::ALL {
        let clauses: Vec<u16> = clause::table(document)
            .iter()
            .map(|clause| clause.id.number)
            .collect();
        let lines: Vec<u16> = table(document).iter().map(|(number, _)| *number).collect();
        assert_eq!(lines, clauses, "{}", document.title());
        for clause in clause::table(document) {
            assert!(!standings(clause.id).is_empty(), "{}", clause.id);
        }
    }
}

#[test]
fn what_cannot_be_held_is_not_held_and_nothing_is_said_twice() {
    for document in Document::ALL {
        for (number, standings) in table(document) {
            let texts: BTreeSet<String> = standings.iter().map(ToString::to_string).collect();
            let place = format!("{}-{number}", document.prefix());
            assert_eq!(texts.len(), standings.len(), "{place}");
            let cannot = |one: &Standing| matches!(one, Standing::Cannot(_));
            assert!(
                standings.len() == 1 || !standings.iter().any(cannot),
                "{place}"
            );
        }
    }
}

/// Those of the tables, and those of the conflicts.
fn everywhere() -> impl Iterator<Item = (String, &'static Standing)> {
    let conflicts = CONFLICTS.iter().flat_map(|conflict| {
        let place = format!("C{}", conflict.number);
        let named = move |standing| (place.clone(), standing);
        conflict.carried_out.iter().map(named)
    });
    all()
        .map(|(id, standing)| (id.to_string(), standing))
        .chain(conflicts)
}

#[test]
fn every_rule_and_limit_that_is_named_is_there() {
    let limit_names: BTreeSet<&str> = limits::ALL.iter().map(|limit| limit.name).collect();
    for (place, standing) in everywhere() {
        match *standing {
            Standing::Rule(id) => assert!(catalogue::find(id).is_some(), "{place}: {id}"),
            Standing::Repair(id) => {
                let rule = catalogue::find(id);
                let mends = rule.is_some_and(|rule| rule.severity == Severity::Repair);
                assert!(mends, "{place}: {id}");
            }
            Standing::Limit(name) => assert!(limit_names.contains(name), "{place}: {name}"),
            Standing::Preflight(text)
            | Standing::Register(text)
            | Standing::Twin(text)
            | Standing::Later(text)
            | Standing::Cannot(text)
            | Standing::Gateway(text, _)
            | Standing::Plays(text, _) => assert!(!text.is_empty(), "{place}"),
        }
    }
}

/// The other way round: a clause that a rule cites is held by that rule.
#[test]
fn every_citation_of_a_rule_is_in_the_tables() {
    let mut missing = Vec::new();
    for rule in catalogue::RULES {
        for id in rule.clauses {
            let named = standings(*id).iter().any(|standing| {
                matches!(standing, Standing::Rule(name) | Standing::Repair(name) if *name == rule.id)
            });
            if !named {
                missing.push(format!("{id}: {}", rule.id));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn receiving_and_the_hazard_log_are_marked_as_later() {
    let receiving = (7..=13)
        .map(clause::eng)
        .chain((16..=22).map(clause::dhc))
        .chain([clause::guide(4), clause::guide(101)]);
    for id in receiving {
        let later = |one: &Standing| matches!(one, Standing::Later(_));
        assert!(standings(id).iter().any(later), "{id}");
    }
}
