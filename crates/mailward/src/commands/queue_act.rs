//! `mailward queue hold`, `release`, `cancel`, `reroute`, `suspend` …: acts on
//! one message, or on all that waits of an application, account or route.

use mailward_queue::{AccountName, ActRecord, BulkAct, Resumption, RouteName, Scope, Suspension};
use serde::Deserialize;

use super::queue::{id_of, operator, refused, show};
use super::table::Table;
use super::{CommandError, Report};
use crate::cli::{ActArguments, OnArguments, QueueCommand, TargetArguments};
use crate::operator::control::Changed;
use crate::operator::sentences::counted;
use crate::operator::shapes::Acted;
use crate::operator::{Act, ControlRequest, OperatorError, Request, ask};

/// All commands but those that look.
pub(super) async fn run(command: QueueCommand) -> Result<Report, CommandError> {
    match command {
        QueueCommand::Retry(arguments) => {
            act(
                Act::Retry,
                BulkAct::Retry,
                arguments,
                "to be tried again now",
            )
            .await
        }
        QueueCommand::Cancel(arguments) => {
            act(Act::Cancel, BulkAct::Cancel, arguments, "cancelled").await
        }
        QueueCommand::Hold(arguments) => act(Act::Hold, BulkAct::Hold, arguments, "held").await,
        QueueCommand::Release(arguments) => {
            act(Act::Release, BulkAct::Release, arguments, "released").await
        }
        QueueCommand::Reroute { act: arguments, to } => {
            let done = format!("to go by {to}");
            let to = RouteName::from(to);
            let bulk = BulkAct::Reroute { to: to.clone() };
            act(Act::Reroute { to }, bulk, arguments, &done).await
        }
        QueueCommand::ConfirmSent {
            target,
            id,
            recipient,
            why,
        } => {
            one(
                Act::ConfirmSent,
                target,
                &id,
                recipient,
                why,
                "confirmed as sent",
            )
            .await
        }
        QueueCommand::Suspend(arguments) => suspend(arguments, true).await,
        QueueCommand::Resume(arguments) => suspend(arguments, false).await,
        QueueCommand::Suspensions { target } => {
            let request = Request::Control(ControlRequest::Suspensions);
            show(&target.dir, request, target.json, suspensions).await
        }
        QueueCommand::Acts { target, limit } => {
            let request = Request::Control(ControlRequest::Acts { limit });
            show(&target.dir, request, target.json, acts).await
        }
        QueueCommand::List { .. }
        | QueueCommand::Show { .. }
        | QueueCommand::Explain { .. }
        | QueueCommand::Summary { .. } => Err(CommandError::new("this command only looks")),
    }
}

async fn act(
    act: Act,
    bulk: BulkAct,
    arguments: ActArguments,
    done: &str,
) -> Result<Report, CommandError> {
    let ActArguments {
        target,
        on,
        recipient,
        why,
    } = arguments;
    match meant(on)? {
        Meant::Message(id) => one(act, target, &id, recipient, why, done).await,
        Meant::Scope(on) => {
            let who = operator();
            many(ControlRequest::Begin { bulk, on, who, why }, target, done).await
        }
    }
}

/// What an act is to concern.
enum Meant {
    Message(String),
    Scope(Scope),
}

fn meant(on: OnArguments) -> Result<Meant, CommandError> {
    let OnArguments {
        id,
        application,
        account,
        route,
    } = on;
    let account = account.map(|one| AccountName::from(one.to_lowercase()));
    let scopes = [
        application.map(|name| Scope::Application(name.into())),
        account.map(Scope::Account),
        route.map(|name| Scope::Route(name.into())),
    ];
    let scope = scopes.into_iter().flatten().map(Meant::Scope).next();
    id.map(Meant::Message)
        .or(scope)
        .ok_or_else(|| CommandError::new("name a message, or --application, --account or --route"))
}

async fn one(
    act: Act,
    target: TargetArguments,
    id: &str,
    recipient: Option<String>,
    why: String,
    done: &str,
) -> Result<Report, CommandError> {
    let request = Request::Act {
        act,
        id: id_of(id)?,
        recipient,
        who: operator(),
        why,
    };
    let text = |acted: Acted| {
        let count = counted(acted.recipients as usize, "recipient");
        format!("{}: {count} {done}\n", acted.id)
    };
    show(&target.dir, request, target.json, text).await
}

/// Asks until the act is done; each answer does a part.
async fn many(
    first: ControlRequest,
    target: TargetArguments,
    done: &str,
) -> Result<Report, CommandError> {
    let mut request = first;
    loop {
        let value = match ask(&target.dir, Request::Control(request)).await {
            Ok(value) => value,
            Err(OperatorError::NotFound(why) | OperatorError::Refused(why)) => {
                return refused(&why, target.json);
            }
            Err(error) => return Err(CommandError::new(error)),
        };
        let record = ActRecord::deserialize(&value).map_err(CommandError::new)?;
        if record.ended_at.is_none() {
            request = ControlRequest::Continue { act: record.id };
            continue;
        }
        // Nothing moved and something refused is a no.
        let yes = record.moved > 0 || record.refused == 0;
        if target.json {
            return Report::json(&value, yes);
        }
        return Ok(Report::new(many_text(&record, done), yes));
    }
}

fn many_text(record: &ActRecord, done: &str) -> String {
    let count = |count: u64| counted(usize::try_from(count).unwrap_or(usize::MAX), "recipient");
    let mut text = format!(
        "{} {}: {} {done}\n",
        record.scope,
        record.name,
        count(record.moved)
    );
    if record.refused > 0 {
        let why = record.refusal.as_deref().unwrap_or("it may not be");
        text.push_str(&format!("{} not: {why}\n", count(record.refused)));
    }
    text
}

async fn suspend(arguments: ActArguments, stops: bool) -> Result<Report, CommandError> {
    let ActArguments {
        target,
        on,
        recipient,
        why,
    } = arguments;
    let on = match meant(on)? {
        // A message is suspended by holding it.
        Meant::Message(id) if stops => {
            return one(Act::Hold, target, &id, recipient, why, "held").await;
        }
        Meant::Message(id) => {
            return one(Act::Release, target, &id, recipient, why, "released").await;
        }
        Meant::Scope(on) => on,
    };
    let who = operator();
    let request = if stops {
        ControlRequest::Suspend { on, who, why }
    } else {
        ControlRequest::Resume { on, who, why }
    };
    let text = |answer| changed(answer, stops);
    show(&target.dir, Request::Control(request), target.json, text).await
}

fn changed(changed: Changed, stops: bool) -> String {
    let Changed {
        on,
        suspended,
        changed,
    } = changed;
    match (suspended, changed) {
        (true, true) => format!("{on}: suspended; nothing of it is sent until it is resumed\n"),
        (false, true) => format!("{on}: resumed\n"),
        (false, false) => format!("{on}: was not suspended\n"),
        (true, false) if stops => format!("{on}: was suspended before\n"),
        (true, false) => format!(
            "{on}: still suspended; `mailward queue suspensions` says by whom, and what the \
             register suspends is resumed by `mailward register approve` and `go-live`\n"
        ),
    }
}

#[derive(Deserialize)]
struct Suspensions {
    suspended: Vec<Suspension>,
}

fn suspensions(all: Suspensions) -> String {
    if all.suspended.is_empty() {
        return "nothing is suspended\n".to_owned();
    }
    let mut table = Table::new(["SUSPENDED", "SINCE", "BY", "WHY"]);
    for one in &all.suspended {
        table.row([
            one.scope.to_string(),
            one.since.to_string(),
            one.by.to_string(),
            one.why.clone(),
        ]);
    }
    table.text()
}

#[derive(Deserialize)]
struct Acts {
    acts: Vec<ActRecord>,
    resumed: Vec<Resumption>,
}

fn acts(all: Acts) -> String {
    if all.acts.is_empty() && all.resumed.is_empty() {
        return "nobody did anything yet\n".to_owned();
    }
    let mut rows = Vec::new();
    for one in all.resumed {
        let (at, by) = (one.at.to_string(), one.by.to_string());
        let (act, moved) = ("resume".to_owned(), "-".to_owned());
        rows.push((one.at, [at, by, act, one.what, moved, one.why]));
    }
    for one in &all.acts {
        let state = if one.ended_at.is_none() {
            format!("{} so far", one.moved)
        } else {
            one.moved.to_string()
        };
        let act = match &one.to_route {
            Some(route) => format!("{} to {route}", one.act.as_str()),
            None => one.act.as_str().to_owned(),
        };
        let cells = [
            one.at.to_string(),
            one.by.to_string(),
            act,
            format!("{} {}", one.scope, one.name),
            state,
            one.why.clone(),
        ];
        rows.push((one.at, cells));
    }
    // The latest first.
    rows.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let mut table = Table::new(["AT", "BY", "ACT", "ON", "MOVED", "WHY"]);
    for (_, cells) in rows {
        table.row(cells);
    }
    table.text()
}
