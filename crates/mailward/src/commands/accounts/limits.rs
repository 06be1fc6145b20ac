//! `mailward accounts limits`.

use std::path::Path;

use mailward_gateway::deliver::{LimitLine, Limits};
use mailward_mail::Timestamp;

use super::super::table::Table;
use super::{CommandError, Report};
use crate::operator::{self, Request};

pub(super) async fn run(
    account: Option<String>,
    dir: &Path,
    json: bool,
) -> Result<Report, CommandError> {
    let answer = operator::ask(dir, Request::Limits { account }).await;
    let value = answer.map_err(CommandError::new)?;
    if json {
        return Report::json(&value, true);
    }
    let limits: Limits = serde_json::from_value(value).map_err(CommandError::new)?;
    Ok(Report::yes(text(&limits)))
}

fn text(limits: &Limits) -> String {
    let mut table = Table::new([
        "ADDRESS", "ROUTES", "LIMIT", "MOST", "USED", "LEFT", "FREE AT", "LEARNT",
    ]);
    for mailbox in &limits.mailboxes {
        for line in &mailbox.limits {
            table.row([
                mailbox.account.clone(),
                mailbox.routes.join(", "),
                line.limit.clone(),
                figure(line.most),
                line.used.to_string(),
                figure(line.left),
                moment(line.free_at),
                learnt(line),
            ]);
        }
    }
    let mut text = table.text();
    if !limits.lists.is_empty() {
        let mut table = Table::new(["LIST", "LAST MESSAGE", "FREE AT", "WAITING"]);
        for line in &limits.lists {
            table.row([
                line.list.clone(),
                moment(line.last_at),
                moment(line.free_at),
                line.waiting.to_string(),
            ]);
        }
        text.push('\n');
        text.push_str(&table.text());
    }
    text
}

fn figure(figure: Option<u64>) -> String {
    figure.map_or_else(|| "none".to_owned(), |figure| figure.to_string())
}

fn moment(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), |at| at.to_string())
}

fn learnt(line: &LimitLine) -> String {
    match &line.learnt {
        None => "-".to_owned(),
        Some(learnt) => {
            let since = learnt.since.map(|since| format!(" since {since}"));
            format!(
                "{} allowed{}: {}",
                learnt.allowed,
                since.unwrap_or_default(),
                learnt.reply
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use mailward_gateway::deliver::{LearntLine, ListLine, MailboxLimits};

    use super::*;

    #[test]
    fn limits_read_well() {
        let at = |text: &str| Timestamp::parse(text).expect("a time");
        let line = |limit: &str, most, used, left, free_at, learnt| LimitLine {
            limit: limit.to_owned(),
            most,
            used,
            left,
            free_at,
            learnt,
        };
        let learnt = LearntLine {
            allowed: 2,
            since: Some(at("2026-11-21T09:00:00Z")),
            reply: "432 4.3.2 Concurrent connections limit exceeded.".to_owned(),
        };
        let free = Some(at("2026-11-21T09:31:00Z"));
        let limits = Limits {
            at: at("2026-11-21T09:30:00Z"),
            mailboxes: vec![MailboxLimits {
                account: "rota@northmoor.example".to_owned(),
                routes: vec!["by_token".to_owned(), "by_password".to_owned()],
                limits: vec![
                    line("connections", Some(3), 1, Some(1), None, Some(learnt)),
                    line("messages_per_minute", Some(30), 30, Some(0), free, None),
                    line("recipients_per_day", None, 7, None, None, None),
                ],
            }],
            lists: vec![ListLine {
                list: "staff@northmoor.example".to_owned(),
                last_at: free,
                free_at: None,
                waiting: 2,
            }],
        };
        let text = text(&limits);
        let lines: Vec<String> = text
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(
            lines,
            [
                "ADDRESS ROUTES LIMIT MOST USED LEFT FREE AT LEARNT",
                "rota@northmoor.example by_token, by_password connections 3 1 1 - 2 allowed since \
                 2026-11-21T09:00:00.000Z: 432 4.3.2 Concurrent connections limit exceeded.",
                "rota@northmoor.example by_token, by_password messages_per_minute 30 30 0 \
                 2026-11-21T09:31:00.000Z -",
                "rota@northmoor.example by_token, by_password recipients_per_day none 7 none - -",
                "",
                "LIST LAST MESSAGE FREE AT WAITING",
                "staff@northmoor.example 2026-11-21T09:31:00.000Z - 2",
            ]
        );
    }
}
