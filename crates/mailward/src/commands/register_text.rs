//! What `mailward register` says to people.

use std::fmt::Write as _;

use mailward_gateway::register::FIELDS;
use serde_json::Value;

use super::table::{Table, cut, plain};

/// Characters of an owner or a reason in a table.
const CELL_CHARS_MAX: usize = 48;

pub(super) fn list(value: Value) -> String {
    let mut table = Table::new([
        "NAME",
        "STATE",
        "ACCOUNT",
        "DATA CLASS",
        "OWNER",
        "APPROVED UNTIL",
    ]);
    for one in value["applications"].as_array().into_iter().flatten() {
        let overlaid =
            !one["configured_state"].is_null() && one["configured_state"] != one["state"];
        let state = text(&one["state"]) + if overlaid { " (by command)" } else { "" };
        table.row([
            text(&one["name"]),
            state,
            text(&one["account"]),
            text(&one["data_class"]),
            cut(&text(&one["owner"]), CELL_CHARS_MAX),
            moment(&one["approval_expires"]),
        ]);
    }
    table.text()
}

pub(super) fn show(value: Value) -> String {
    let mut said = String::new();
    for field in FIELDS {
        let pointer = format!("/{}", field.name.replace('.', "/"));
        let shown = match value.pointer(&pointer) {
            None | Some(Value::Null) => continue,
            Some(Value::Array(_)) if matches!(field.name, "approvals" | "exceptions") => continue,
            Some(Value::Array(list)) if list.is_empty() => continue,
            Some(Value::Array(list)) => list.iter().map(text).collect::<Vec<_>>().join("; "),
            Some(found) if field.name.ends_with("_date") || field.name.ends_with("_expires") => {
                moment(found)
            }
            Some(found) => text(found),
        };
        line(&mut said, field.name, &shown);
        if field.name == "state" {
            line(&mut said, "kept in", &kept_in(&value));
        }
    }
    let usernames = value["usernames"].as_array().into_iter().flatten();
    let usernames: Vec<String> = usernames.map(text).collect();
    line(&mut said, "usernames", &usernames.join(", "));
    line(&mut said, "api keys", &text(&value["api_keys"]));
    match value["account_shared_with"].as_array() {
        None => line(
            &mut said,
            "cannot send",
            "its account or route is not configured",
        ),
        Some(others) if !others.is_empty() => {
            let others: Vec<String> = others.iter().map(text).collect();
            line(
                &mut said,
                "account shared with",
                &format!("{} (GUIDE-70)", others.join(", ")),
            );
        }
        Some(_) => {}
    }
    section(&mut said, "approvals", &value["approvals"], |one| {
        let until = moment(&one["expires"]);
        let until = if until.is_empty() {
            "without end".to_owned()
        } else {
            format!("until {until}")
        };
        format!(
            "{} {} by {} on {}, {until}",
            text(&one["kind"]),
            text(&one["reference"]),
            text(&one["by"]),
            moment(&one["at"]),
        )
    });
    section(&mut said, "exceptions", &value["exceptions"], |one| {
        let subject = text(&one["subject"]);
        let subject = if subject.is_empty() {
            String::new()
        } else {
            format!(" for {subject}")
        };
        format!(
            "{} {}{subject}, until {}",
            text(&one["kind"]),
            text(&one["reference"]),
            moment(&one["expires"])
        )
    });
    said.push('\n');
    said.push_str(&history(value));
    said
}

pub(super) fn history(value: Value) -> String {
    let Some(events) = value["history"].as_array().filter(|list| !list.is_empty()) else {
        return "no history: nothing was done to it by command\n".to_owned();
    };
    let mut table = Table::new(["WHEN", "WHAT", "WHO", "WHY", "DETAIL"]);
    for event in events {
        table.row([
            text(&event["at"]),
            text(&event["act"]),
            text(&event["who"]),
            cut(&text(&event["why"]), CELL_CHARS_MAX),
            text(&event["detail"]),
        ]);
    }
    table.text()
}

pub(super) fn added(value: Value) -> String {
    let mut said = format!(
        "{} is registered as a {}\n",
        plain(&text(&value["name"])),
        text(&value["state"])
    );
    if !value["credentials"].is_null() {
        said.push_str(&credentials(value));
    }
    said
}

/// The one time that they are shown.
pub(super) fn credentials(value: Value) -> String {
    let made = &value["credentials"];
    let mut said = String::from("Keep these now; they are not shown again.\n");
    for (label, key) in [
        ("username", "username"),
        ("password", "password"),
        ("api key", "api_key"),
    ] {
        line(&mut said, label, &text(&made[key]));
    }
    said
}

pub(super) fn changed(value: Value) -> String {
    format!("{}: changed\n", plain(&text(&value["name"])))
}

pub(super) fn moved(value: Value) -> String {
    let until = moment(&value["approval_expires"]);
    let until = if until.is_empty() {
        String::new()
    } else {
        format!(", approved until {until}")
    };
    format!(
        "{} is {}{until}\n",
        plain(&text(&value["name"])),
        text(&value["state"])
    )
}

pub(super) fn imported(value: Value) -> String {
    let mut said = String::new();
    if value["checked_only"] == Value::Bool(true) {
        said.push_str("Checked only; nothing was changed.\n");
    }
    for (word, list) in [
        ("added", "added"),
        ("changed", "changed"),
        ("unchanged", "unchanged"),
    ] {
        let names = value["imported"][list].as_array().into_iter().flatten();
        let names: Vec<String> = names.map(text).collect();
        let _ = writeln!(said, "{word}: {} {}", names.len(), plain(&names.join(" ")));
    }
    said
}

pub(super) fn document(value: Value) -> String {
    text(&value["text"])
}

fn kept_in(value: &Value) -> String {
    let configured = text(&value["configured_state"]);
    if configured.is_empty() {
        return "the register".to_owned();
    }
    if configured == text(&value["state"]) {
        return "the configuration".to_owned();
    }
    format!("the configuration, which says {configured}; a command said otherwise and counts")
}

fn section(said: &mut String, title: &str, list: &Value, one: impl Fn(&Value) -> String) {
    let Some(list) = list.as_array().filter(|list| !list.is_empty()) else {
        return;
    };
    let _ = writeln!(said, "{title}");
    for value in list {
        let _ = writeln!(said, "  {}", plain(&one(value)));
    }
}

fn line(said: &mut String, label: &str, value: &str) {
    let _ = writeln!(said, "{label:42} {}", plain(value));
}

/// A scalar without its quotes; nothing for null.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A day where it is one.
fn moment(value: &Value) -> String {
    let whole = text(value);
    match whole.strip_suffix("T00:00:00.000Z") {
        Some(day) => day.to_owned(),
        None => whole,
    }
}
