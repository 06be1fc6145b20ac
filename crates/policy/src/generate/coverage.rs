//! `docs/reference/coverage.md`.

use std::fmt::Write as _;

use crate::clause::{self, Clause, Document};
use crate::coverage::{Standing, standings};

/// The whole page.
pub fn reference() -> String {
    let mut page = String::from(
        "# Coverage\n\n\
         Generated from the code by `cargo xtask docs`; do not edit.\n\n\
         Every clause of the three documents, in our words, and what holds it here.\n\
         The documents themselves bind.\n\n\
         | Standing | Means |\n\
         | --- | --- |\n\
         | rule | a [rule](rules.md) refuses it, holds it or warns of it |\n\
         | repaired by | a rule mends it |\n\
         | limit | a [published figure](rules.md#published-limits) that rules or queue keep |\n\
         | preflight | a check of `mailward doctor` finds it |\n\
         | register | a field of the [interface register](register.md) holds the evidence |\n\
         | gateway | the gateway or one of its commands sees to it otherwise |\n\
         | twin | the [twin](twin.md) punishes the breach, or plays what is described |\n\
         | later | not built yet |\n\
         | cannot | nothing that software could do or see |\n",
    );
    page.push_str(&counts());
    for document in Document::ALL {
        let _ = writeln!(
            page,
            "\n## {}\n\n| Clause | Section | Strength | Says | Standing |\n| --- | --- | --- | --- | --- |",
            document.title()
        );
        for clause in clause::table(document) {
            page.push_str(&line(clause));
        }
    }
    page
}

fn line(clause: &Clause) -> String {
    let stands: Vec<String> = standings(clause.id).iter().map(cell).collect();
    format!(
        "| <a id=\"{}\"></a>{} | {} | {} | {} | {} |\n",
        clause.id.to_string().to_lowercase(),
        clause.id,
        clause.section,
        clause.strength.as_str(),
        clause.paraphrase,
        stands.join("<br>")
    )
}

/// A bar would end the cell.
fn cell(standing: &Standing) -> String {
    standing.to_string().replace('|', "\\|")
}

/// How much of each document stands today.
fn counts() -> String {
    let mut text = String::from(
        "\n| Document | Clauses | Held today | Of these in part | Later | Cannot |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    for document in Document::ALL {
        let table = clause::table(document);
        let count = |wanted: fn(&[Standing]) -> bool| {
            let stands = table.iter().map(|clause| standings(clause.id));
            stands.filter(|one| wanted(one)).count()
        };
        let held = |all: &[Standing]| all.iter().any(|one| one.stands());
        let in_part = |all: &[Standing]| {
            all.iter().any(|one| one.stands())
                && all.iter().any(|one| matches!(one, Standing::Later(_)))
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            document.prefix(),
            table.len(),
            count(held),
            count(in_part),
            count(|all| all.iter().all(|one| matches!(one, Standing::Later(_)))),
            count(|all| all.iter().all(|one| matches!(one, Standing::Cannot(_)))),
        );
    }
    text
}
