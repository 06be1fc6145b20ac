//! The reference page of the table.

use std::fmt::Write as _;

use super::{Action, Party, ReplyTable, Row, SPACING_BEFORE_FAILURE, TRIES_BEFORE_FAILURE};

/// `docs/reference/replies.md`.
pub fn reference() -> String {
    let mut page = String::from(HEAD);
    page.push_str("\n## Whose move it is\n\n| party | it is |\n| --- | --- |\n");
    for party in Party::ALL {
        let _ = writeln!(page, "| `{party}` | {} |", party.whose());
    }
    page.push_str("\n## What is done\n\n| action | what it does |\n| --- | --- |\n");
    for action in Action::ALL {
        let _ = writeln!(page, "| `{action}` | {} |", what(*action));
    }
    page.push_str(ROWS);
    for (place, row) in ReplyTable::standard().rows().iter().enumerate() {
        line(&mut page, place + 1, row);
    }
    page
}

const HEAD: &str = "\
# What replies mean

Written by `cargo xtask docs` from the table that the program reads; do not edit.

When a server refuses, its reply is looked up in a table, from the top: the first row that fits decides whose move it is and what is done.
Only what is the message's own or its recipient's may end a recipient; mail is never bounced for the account, the credential, the configuration or the service.
Real replies of Exchange Online, Exchange on premises, Postfix, Exim, Google, Mimecast and others are tried against it in the tests.

`mailward replies explain 'REPLY'` says what a reply means, and `mailward replies unknown --dir DIR` lists those that came and were decided by their code alone, each with a row to add.
An organisation adds rows of its own as [`[[reply]]`](configuration.md#reply); they are asked first.
";

const ROWS: &str = "
## The rows

`stage`, `route`, `code`, `status` and `text` all have to fit; of several texts one.
Text is compared without regard to case.

| # | row | fits | party | action | means | source |
| --- | --- | --- | --- | --- | --- | --- |
";

fn what(action: Action) -> String {
    match action {
        Action::Fail => "The recipient ends as failed, and the sender is told.".to_owned(),
        Action::TryThenFail => format!(
            "Tried {TRIES_BEFORE_FAILURE} times in all, {} minutes apart; then it fails and the sender is told.",
            SPACING_BEFORE_FAILURE.as_secs() / 60
        ),
        Action::Defer => "Tried again by the schedule; before RCPT TO the whole lane waits.".to_owned(),
        Action::Hold => "Held until a person has mended it and releases it.".to_owned(),
        Action::WaitForTheDay => "All mail of the account waits until room in its 24 hours is to be expected; then one message tries.".to_owned(),
        Action::PauseAccount => "All mail of the account on this route waits; one message tries again a while later.".to_owned(),
        Action::PauseRoute => "All mail of the route waits; one message tries again a while later, or a person resumes it.".to_owned(),
        Action::OpenBreaker => "Nothing more is tried with the credential until there is a new one, or a person resumes the account.".to_owned(),
    }
}

fn line(page: &mut String, place: usize, row: &Row) {
    let mut fits = Vec::new();
    if !row.stages.is_empty() {
        let stages: Vec<&str> = row.stages.iter().map(|one| one.as_str()).collect();
        fits.push(format!("at {}", stages.join(", ")));
    }
    if !row.routes.is_empty() {
        let routes: Vec<&str> = row.routes.iter().map(|one| one.as_str()).collect();
        fits.push(format!("by {}", routes.join(", ")));
    }
    if row.code != super::row::CodePattern::Any {
        fits.push(format!("`{}`", row.code));
    }
    if let Some(status) = &row.status {
        fits.push(format!("`{status}`"));
    }
    if !row.texts.is_empty() {
        let texts: Vec<String> = row.texts.iter().map(|one| format!("“{one}”")).collect();
        fits.push(texts.join(" or "));
    }
    let source = match (row.by_code, row.source.as_str()) {
        (true, _) => "by the code alone",
        (false, source) => source,
    };
    let _ = writeln!(
        page,
        "| {place} | `{}` | {} | {} | {} | {} | {} |",
        row.name,
        cell(&fits.join("; ")),
        row.party,
        row.action,
        cell(&row.means),
        cell(source)
    );
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
