//! Generated documents are up to date, and the sample configuration parses.
//! `MAILWARD_WRITE_DOCUMENTS=1` (or `cargo xtask docs`) writes them anew.

use std::fs;
use std::path::{Path, PathBuf};

fn document(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(name)
}

#[test]
fn the_rules_reference_is_what_the_catalogue_says() {
    let path = document("reference/rules.md");
    let generated = mailward_policy::generate::reference();
    if std::env::var_os("MAILWARD_WRITE_DOCUMENTS").is_some() {
        fs::write(&path, &generated).expect("the document can be written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == generated,
        "docs/reference/rules.md is stale: run `cargo xtask docs`"
    );
}

#[test]
fn the_sample_configuration_for_nhsmail_is_sound() {
    let path = document("nhsmail.toml");
    if let Err(errors) = mailward_gateway::Config::read(&path) {
        panic!("{errors}");
    }
}
