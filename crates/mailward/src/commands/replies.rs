//! `mailward replies`: what a reply of a server means, and which ones nobody
//! has put into the table yet.

use std::fmt::Write as _;

use mailward_gateway::Config;
use mailward_gateway::deliver::ReplyTable;
use mailward_mail::Reply;
use mailward_policy::RouteKind;
use mailward_queue::Stage;
use serde_json::json;

use super::queue::show;
use super::{CommandError, Report};
use crate::cli::RepliesCommand;
use crate::operator::Request;
use crate::operator::shapes::{UnknownReplies, UnknownShape};

pub(super) async fn run(command: RepliesCommand) -> Result<Report, CommandError> {
    match command {
        RepliesCommand::Explain {
            reply,
            stage,
            route,
            config,
            json,
        } => {
            let table = match config {
                None => ReplyTable::standard(),
                Some(path) => Config::read(&path).map_err(CommandError::new)?.replies,
            };
            explain(&table, &reply, &stage, &route, json)
        }
        RepliesCommand::Unknown { target } => {
            show(&target.dir, Request::UnknownReplies, target.json, unknown).await
        }
    }
}

fn explain(
    table: &ReplyTable,
    text: &str,
    stage: &str,
    route: &str,
    as_json: bool,
) -> Result<Report, CommandError> {
    let reply = read(text)?;
    let stage = one_of(&Stage::ALL, stage, "stage", |stage| stage.as_str())?;
    let route = one_of(&RouteKind::ALL, route, "kind of route", |kind| {
        kind.as_str()
    })?;
    let meaning = table.classify(route, stage, &reply);
    if as_json {
        return Report::json(&meaning, true);
    }
    let by = if meaning.known {
        format!("row {}", meaning.row)
    } else {
        "its code alone".to_owned()
    };
    Ok(Report::yes(format!(
        "whose move: {} ({})\naction:     {}\nby:         {by}\n{}\n",
        meaning.party,
        meaning.party.whose(),
        meaning.action,
        meaning.means
    )))
}

/// `550 5.1.1 No such user`; of several lines each with its code.
fn read(text: &str) -> Result<Reply, CommandError> {
    let wrong = || {
        CommandError::new(format!(
            "{text:?} is no reply: write it as it came, code first, such as '550 5.1.1 No such user'"
        ))
    };
    let mut code = None;
    let mut lines = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (digits, rest) = line.trim().split_at_checked(3).ok_or_else(wrong)?;
        let number: u16 = digits.parse().map_err(|_| wrong())?;
        if !(200..=599).contains(&number) {
            return Err(wrong());
        }
        code.get_or_insert(number);
        lines.push(rest.trim_start_matches(['-', ' ']).to_owned());
    }
    Ok(Reply::from_wire(code.ok_or_else(wrong)?, lines))
}

fn one_of<T: Copy>(
    all: &[T],
    text: &str,
    what: &str,
    word: impl Fn(&T) -> &'static str,
) -> Result<T, CommandError> {
    all.iter()
        .find(|one| word(one) == text)
        .copied()
        .ok_or_else(|| {
            let words: Vec<&str> = all.iter().map(word).collect();
            CommandError::new(format!(
                "no {what} {text:?}; there are {}",
                words.join(", ")
            ))
        })
}

fn unknown(found: UnknownReplies) -> String {
    if found.replies.is_empty() {
        return "Every reply so far was known.\n".to_owned();
    }
    let mut text = String::new();
    for one in &found.replies {
        let _ = writeln!(
            text,
            "{} times from {} to {}, at {}: {} {} {}\n{}",
            one.count,
            one.first_at,
            one.last_at,
            one.stage.as_str(),
            one.code,
            one.status,
            one.words,
            row(one)
        );
    }
    text
}

/// A row to put into the configuration, once somebody has said whose move it is.
fn row(one: &UnknownShape) -> String {
    let quoted = |text: &str| json!(text).to_string();
    let words: Vec<&str> = one
        .words
        .split_whitespace()
        .filter(|word| !word.contains("ADDRESS") && !word.contains("HOST") && *word != "N")
        .take(6)
        .collect();
    format!(
        "  [[reply]]\n  name = \"own-{}-{}\"\n  stage = {}\n  code = \"{}\"\n  text = {}\n  \
         party = \"\"   # message, recipient, account, configuration, service_busy ...\n  \
         action = \"\"  # fail, defer, hold, pause_account, pause_route ...\n  means = \"\"\n",
        one.code,
        one.stage.as_str().replace('_', "-"),
        quoted(one.stage.as_str()),
        one.code,
        quoted(&words.join(" "))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_whose_move_it_is() {
        let table = ReplyTable::standard();
        for (reply, stage, says) in [
            ("550 5.1.1 User unknown", "rcpt_to", "whose move: recipient"),
            (
                "535 5.7.139 Authentication unsuccessful, basic authentication is disabled.",
                "authenticate",
                "action:     pause_route",
            ),
            (
                "550-Verification failed\n550 Sender verify failed",
                "rcpt_to",
                "row sender-not-verified",
            ),
            ("550 Nicht heute", "rcpt_to", "its code alone"),
        ] {
            let report = explain(&table, reply, stage, "submission", false).expect("a reply");
            assert!(report.text.contains(says), "{}", report.text);
        }
        for (reply, stage) in [
            ("hello", "rcpt_to"),
            ("", "rcpt_to"),
            ("550 x", "data"),
            ("999 x", "connect"),
        ] {
            assert!(
                explain(&table, reply, stage, "submission", false).is_err(),
                "{reply}"
            );
        }
    }

    #[test]
    fn offers_a_row_without_an_address() {
        let at = mailward_mail::Timestamp::from_millis(0);
        let text = unknown(UnknownReplies {
            replies: vec![UnknownShape {
                stage: Stage::RcptTo,
                code: 550,
                status: "5.0.0".to_owned(),
                words: "<ADDRESS>: keine Lust N mal".to_owned(),
                count: 3,
                first_at: at,
                last_at: at,
            }],
        });
        assert!(
            text.contains("3 times") && text.contains("text = \"keine Lust mal\""),
            "{text}"
        );
    }
}
