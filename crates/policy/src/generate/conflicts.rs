//! `docs/reference/conflicts.md`.

use std::fmt::Write as _;

use crate::clause::ClauseId;
use crate::conflict::{CONFLICTS, Conflict, Ruling};
use crate::period::Period;
use crate::profile::Profile;

/// The whole page.
pub fn reference() -> String {
    let mut page = String::from(
        "# Conflicts\n\n\
         Generated from the code by `cargo xtask docs`; do not edit.\n\n\
         Where the documents differ among themselves, or from the service as it is, one reading is decided for each profile and day.\n\
         Where two documents bind, the stricter wins.\n\
         What the service itself does on a day holds under every profile.\n\n\
         | Profile | Binding |\n\
         | --- | --- |\n\
         | `guide-2022` | the guide alone |\n\
         | `nhs-england` | the guide and NHS England's standard |\n\
         | `dorset` | the guide and Dorset's standard |\n\
         | `current` | all three |\n\n\
         | Conflict | About | Clauses |\n\
         | --- | --- | --- |\n",
    );
    for conflict in CONFLICTS {
        let number = conflict.number;
        let clauses = clauses(conflict);
        let _ = writeln!(
            page,
            "| [C{number}](#c{number}) | {} | {clauses} |",
            conflict.title
        );
    }
    for conflict in CONFLICTS {
        page.push_str(&section(conflict));
    }
    page
}

fn section(conflict: &Conflict) -> String {
    let mut text = format!("\n## C{}\n\n{}.\n\n", conflict.number, conflict.title);
    for sentence in conflict.differ.split_inclusive(". ") {
        let _ = writeln!(text, "{}", sentence.trim_end());
    }
    text.push_str("\n| Profile | When | Decided |\n| --- | --- | --- |\n");
    for ruling in conflict.rulings {
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            profiles(ruling),
            days(ruling.holds),
            ruling.decides
        );
    }
    let carried: Vec<String> = conflict
        .carried_out
        .iter()
        .map(ToString::to_string)
        .collect();
    let record = conflict.record;
    let name = record.split('-').next().unwrap_or(record);
    let _ = writeln!(
        text,
        "\n- Clauses: {}\n- Carried out by {}\n- Record: [{name}](../decisions/{record})",
        clauses(conflict),
        carried.join("; ")
    );
    text
}

fn clauses(conflict: &Conflict) -> String {
    let clauses: Vec<String> = conflict.clauses.iter().map(ClauseId::to_string).collect();
    clauses.join(", ")
}

fn profiles(ruling: &Ruling) -> String {
    if ruling.profiles == Profile::ALL {
        return "all".to_owned();
    }
    let names: Vec<&str> = ruling.profiles.iter().map(|one| one.as_str()).collect();
    names.join(", ")
}

/// Days are inclusive in words, exclusive at their end in [`Period`].
fn days(holds: Period) -> String {
    match (holds.from, holds.until) {
        (None, None) => "always".to_owned(),
        (Some(from), None) => format!("from {from}"),
        (None, Some(until)) => format!("before {until}"),
        (Some(from), Some(until)) => format!("from {from}, before {until}"),
    }
}
