//! What Cargo and Clippy can't hold: the arrows between crates, the size of
//! files, words that must not land.

use std::fs;
use std::path::{Path, PathBuf};

/// Level by level as ARCHITECTURE.md draws them. A crate may depend on crates
/// of lower levels only.
const LEVELS: [(&str, u8); 13] = [
    ("mail", 1),
    ("wire", 2),
    ("policy", 2),
    ("store", 2),
    ("queue", 3),
    ("mailbox", 3),
    ("net", 3),
    ("console", 3),
    ("access", 4),
    ("gateway", 5),
    ("twin", 5),
    ("mailward", 6),
    ("testkit", 0),
];

/// Files longer than this have to be split. Lower it when the longest shrinks.
const FILE_LINES_MAX: usize = 700;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the workspace")
        .to_owned()
}

/// Every file below `folder` that is text and not built or fetched.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .expect("a readable folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            if !matches!(
                name.as_str(),
                ".git" | "target" | "node_modules" | ".venv" | "data"
            ) {
                files(&path, found);
            }
        } else if !matches!(name.as_str(), "Cargo.lock" | "tidy.rs" | ".git") {
            found.push(path);
        }
    }
}

fn texts() -> Vec<(PathBuf, String)> {
    let mut paths = Vec::new();
    files(&root(), &mut paths);
    paths
        .into_iter()
        .filter_map(|path| fs::read_to_string(&path).ok().map(|text| (path, text)))
        .collect()
}

fn assert_none(problems: Vec<String>) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn arrows_only_point_down() {
    let mut problems = Vec::new();
    for (name, level) in LEVELS {
        let manifest = root().join("crates").join(name).join("Cargo.toml");
        let text = fs::read_to_string(&manifest).expect("every level has a manifest");
        let dependencies = text.split("[dev-dependencies]").next().unwrap_or_default();
        for (other, other_level) in LEVELS {
            let points = dependencies.lines().any(|line| {
                let key = line.split(['=', '.']).next().unwrap_or_default().trim();
                key == format!("mailward-{other}") || key == other
            });
            if points && level != 0 && (other == "testkit" || other_level >= level) {
                problems.push(format!(
                    "{name} (level {level}) depends on {other} (level {other_level})"
                ));
            }
        }
    }
    assert_none(problems);
}

#[test]
fn every_crate_has_a_level() {
    for entry in fs::read_dir(root().join("crates")).expect("the crates") {
        let name = entry
            .expect("an entry")
            .file_name()
            .to_string_lossy()
            .into_owned();
        assert!(
            LEVELS.iter().any(|(known, _)| *known == name),
            "give {name} a level"
        );
    }
}

#[test]
fn no_file_outgrows_its_subject() {
    let mut problems = Vec::new();
    for (path, text) in texts() {
        let lines = text.lines().count();
        if path.extension().is_some_and(|ending| ending == "rs") && lines > FILE_LINES_MAX {
            problems.push(format!(
                "{}: {lines} lines, at most {FILE_LINES_MAX}",
                path.display()
            ));
        }
    }
    assert_none(problems);
}

#[test]
fn nothing_unfinished_or_foreign_lands() {
    // Written in halves so that this file does not find itself.
    let banned = [
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("#[", "ignore"),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
        concat!("/wo", "rk/"),
        concat!("/fa", "rm/"),
        concat!("arti", "factory"),
    ];
    let mut problems = Vec::new();
    for (path, text) in texts() {
        for (number, line) in text.lines().enumerate() {
            for word in banned {
                if line.contains(word) {
                    problems.push(format!("{}:{}: {word}", path.display(), number + 1));
                }
            }
        }
    }
    assert_none(problems);
}

#[test]
fn published_numbers_stand_once() {
    // 35 MB anywhere but in policy/limits.rs is a bug (GUIDE-67).
    let mut problems = Vec::new();
    for (path, text) in texts() {
        let place = path
            .strip_prefix(root())
            .unwrap_or(&path)
            .display()
            .to_string();
        let is_code =
            place.starts_with("crates/") && place.contains("/src/") && place.ends_with(".rs");
        if !is_code || place == "crates/policy/src/limits.rs" {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in code.lines().enumerate() {
            let line = line.split("//").next().unwrap_or_default().replace('_', "");
            for figure in ["35 * 1024 * 1024", "35*1024*1024", "36700160", "35000000"] {
                if line.contains(figure) {
                    problems.push(format!("{place}:{}: {figure}", number + 1));
                }
            }
        }
    }
    assert_none(problems);
}
