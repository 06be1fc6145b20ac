//! Generated documents are up to date, and the sample configuration parses.
//! `MAILWARD_WRITE_DOCUMENTS=1` (or `cargo xtask docs`) writes them anew.

use std::fs;
use std::path::{Path, PathBuf};

use mailward_gateway::doctor::{CHECKS, checks_table};
use mailward_gateway::register::{FIELDS, fields_table};
use mailward_policy::conflict::CONFLICTS;
use mailward_policy::coverage::{self, Standing};
use mailward_policy::generate;
use mailward_twin::BEHAVIOURS;

fn document(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(name)
}

/// A page's name below `docs/reference`, and what generates it.
type Page = (&'static str, fn() -> String);

const PAGES: &[Page] = &[
    ("behaviours.md", mailward_twin::behaviour::reference),
    ("replies.md", mailward_gateway::deliver::reply::reference),
    ("rules.md", generate::reference),
    ("conflicts.md", generate::conflicts),
    ("coverage.md", generate::coverage),
    ("metrics.md", metrics),
    (
        "../../packaging/prometheus/alerts.yaml",
        mailward_gateway::observe::alerts_file,
    ),
];

fn metrics() -> String {
    mailward_gateway::observe::reference(mailward_twin::figures::TABLE)
}

#[test]
fn every_generated_page_is_what_the_code_says() {
    let mut stale = Vec::new();
    for &(name, generated) in PAGES {
        let path = document("reference").join(name);
        let generated = generated();
        if std::env::var_os("MAILWARD_WRITE_DOCUMENTS").is_some() {
            fs::write(&path, &generated).expect("the document can be written");
        }
        if fs::read_to_string(&path).unwrap_or_default() != generated {
            stale.push(name);
        }
    }
    assert!(
        stale.is_empty(),
        "{stale:?} in docs/reference are stale: run `cargo xtask docs`"
    );
}

#[test]
fn every_conflict_names_a_record_that_is_there() {
    for conflict in CONFLICTS {
        let record = document("decisions").join(conflict.record);
        assert!(
            record.is_file(),
            "C{}: {}",
            conflict.number,
            conflict.record
        );
    }
}

/// `policy` names what lies in crates that it does not know; here they meet.
#[test]
fn what_a_clause_stands_by_is_there() {
    let of_clauses = coverage::all().map(|(id, standing)| (id.to_string(), *standing));
    let of_conflicts = CONFLICTS.iter().flat_map(|conflict| {
        let carried = conflict.carried_out.iter();
        carried.map(|standing| (format!("C{}", conflict.number), *standing))
    });
    let mut problems = Vec::new();
    for (place, standing) in of_clauses.chain(of_conflicts) {
        let there = match standing {
            Standing::Preflight(id) => CHECKS.iter().any(|check| check.id == id),
            Standing::Register(name) => FIELDS.iter().any(|field| field.name == name),
            Standing::Twin(id) => BEHAVIOURS.iter().any(|behaviour| behaviour.id == id),
            Standing::Gateway(_, page) | Standing::Plays(_, page) => document(page).is_file(),
            // `policy` knows these itself.
            Standing::Rule(_) | Standing::Repair(_) | Standing::Limit(_) => true,
            Standing::Later(_) | Standing::Cannot(_) => true,
        };
        if !there {
            problems.push(format!("{place}: {standing}"));
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

/// The other way round: what says that it is there for a clause is named there.
#[test]
fn fields_checks_and_behaviours_stand_at_the_clauses_that_they_name() {
    let fields = FIELDS
        .iter()
        .map(|field| (Standing::Register(field.name), field.clauses));
    let behaviours = BEHAVIOURS
        .iter()
        .map(|behaviour| (Standing::Twin(behaviour.id), behaviour.clauses));
    let checks = CHECKS
        .iter()
        .map(|check| (Standing::Preflight(check.id), check.clauses));
    let mut missing = Vec::new();
    for (standing, clauses) in fields.chain(behaviours).chain(checks) {
        for id in clauses {
            if !coverage::standings(*id).contains(&standing) {
                missing.push(format!("{id}: {standing}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Pages written by hand around a table that is generated: the page, what the
/// table's marks call it, and the table.
const TABLES: [Table; 2] = [
    ("register.md", "fields", fields_table),
    ("doctor.md", "checks", checks_table),
];

type Table = (&'static str, &'static str, fn() -> String);

#[test]
fn tables_within_pages_are_what_the_code_says() {
    for (name, what, table) in TABLES {
        let path = document("reference").join(name);
        let marks = [
            format!("<!-- {what} -->\n"),
            format!("<!-- end of {what} -->"),
        ];
        let found = fs::read_to_string(&path).unwrap_or_default();
        let (before, rest) = found.split_once(&marks[0]).expect("a place for the table");
        let (_, after) = rest.split_once(&marks[1]).expect("an end of the table");
        let generated = [before, &marks[0], "\n", &table(), "\n", &marks[1], after].concat();
        if std::env::var_os("MAILWARD_WRITE_DOCUMENTS").is_some() {
            fs::write(&path, &generated).expect("the document can be written");
        } else {
            assert!(
                found == generated,
                "docs/reference/{name} is stale: run `cargo xtask docs`"
            );
        }
    }
}

#[test]
fn the_sample_configuration_for_nhsmail_is_sound() {
    let path = document("nhsmail.toml");
    if let Err(errors) = mailward_gateway::Config::read(&path) {
        panic!("{errors}");
    }
}
