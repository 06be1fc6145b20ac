//! `mailward queue`: looks into the queue and acts on what waits in it.

use std::path::Path;

use mailward_mail::MessageId;
use mailward_queue::{AccountName, Actor, ApplicationName, MessageClass, RouteName, StateWord};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{CommandError, Report, queue_act, queue_text};
use crate::cli::QueueCommand;
use crate::operator::{OperatorError, Request, ask};

pub(super) async fn run(command: QueueCommand) -> Result<Report, CommandError> {
    match command {
        QueueCommand::List {
            target,
            state,
            application,
            account,
            route,
            class,
            text,
            cursor,
            limit,
        } => {
            let request = Request::List {
                state: state.map(|word| state_word(&word)).transpose()?,
                application: application.map(ApplicationName::from),
                account: account.map(|one| AccountName::from(one.to_lowercase())),
                route: route.map(RouteName::from),
                class: class.map(|word| class_word(&word)).transpose()?,
                text,
                cursor,
                limit,
            };
            show(&target.dir, request, target.json, queue_text::list).await
        }
        QueueCommand::Show { target, id } => {
            let request = Request::Show { id: id_of(&id)? };
            show(&target.dir, request, target.json, queue_text::message).await
        }
        QueueCommand::Explain { target, id } => {
            let request = Request::Explain { id: id_of(&id)? };
            show(&target.dir, request, target.json, queue_text::explained).await
        }
        QueueCommand::Summary { target } => {
            show(
                &target.dir,
                Request::Summary,
                target.json,
                queue_text::summary,
            )
            .await
        }
        command => queue_act::run(command).await,
    }
}

/// Asks, and prints the answer as it came or as `text` puts it.
pub(super) async fn show<T: DeserializeOwned>(
    dir: &Path,
    request: Request,
    as_json: bool,
    text: impl FnOnce(T) -> String,
) -> Result<Report, CommandError> {
    let value: Value = match ask(dir, request).await {
        Ok(value) => value,
        Err(OperatorError::NotFound(why) | OperatorError::Refused(why)) => {
            return refused(&why, as_json);
        }
        Err(error) => return Err(CommandError::new(error)),
    };
    if as_json {
        return Report::json(&value, true);
    }
    let shape = serde_json::from_value(value).map_err(|error| {
        CommandError::new(format!(
            "the running gateway's answer is not understood ({error}); use the program of the same version"
        ))
    })?;
    Ok(Report::yes(text(shape)))
}

/// The answer is no: not an error of the command.
pub(super) fn refused(why: &str, as_json: bool) -> Result<Report, CommandError> {
    if as_json {
        return Report::json(&serde_json::json!({ "refused": why }), false);
    }
    Ok(Report::new(format!("{why}\n"), false))
}

pub(super) fn id_of(text: &str) -> Result<MessageId, CommandError> {
    text.parse()
        .map_err(|error| CommandError::new(format!("{text:?}: {error}")))
}

fn state_word(text: &str) -> Result<StateWord, CommandError> {
    text.replace('-', "_")
        .parse()
        .map_err(|error| CommandError::new(format!("--state: {error}")))
}

fn class_word(text: &str) -> Result<MessageClass, CommandError> {
    text.parse()
        .map_err(|error| CommandError::new(format!("--class: {error}")))
}

/// Who sits at the terminal, as far as it is known.
pub(super) fn operator() -> Actor {
    let named = ["SUDO_USER", "USER", "LOGNAME"];
    let name = named.iter().find_map(|name| std::env::var(name).ok());
    Actor::from(
        name.filter(|name| !name.is_empty())
            .unwrap_or_else(|| "operator".to_owned()),
    )
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::cli::{ActArguments, OnArguments, TargetArguments};
    use crate::commands::Answer;
    use crate::operator::testing::Fixture;

    fn target(dir: PathBuf, json: bool) -> TargetArguments {
        TargetArguments { dir, json }
    }

    #[tokio::test]
    async fn a_no_is_an_answer_and_a_bad_question_an_error() {
        let fixture = Fixture::new().await;
        let dir = || fixture.dir.path().to_owned();
        fixture.queue.clone().close().await;
        let show = |id: &str, json| QueueCommand::Show {
            target: target(dir(), json),
            id: id.to_owned(),
        };
        let tried = fixture.tried.to_string().to_lowercase();
        let report = run(show(&tried, false)).await.expect("a report");
        assert_eq!(report.answer, Answer::Yes);

        let unknown = "0".repeat(20);
        let report = run(show(&unknown, true)).await.expect("a report");
        let said = format!("{{\"refused\":\"there is no message {unknown}\"}}\n");
        assert_eq!((report.text, report.answer), (said, Answer::No));

        let error = run(show("12", false)).await.expect_err("no id");
        assert!(
            error.to_string().starts_with("\"12\": a message id is"),
            "{error}"
        );
        let list = QueueCommand::List {
            target: target(dir(), false),
            state: Some("lost".to_owned()),
            application: None,
            account: None,
            route: None,
            class: None,
            text: None,
            cursor: None,
            limit: 5,
        };
        let error = run(list).await.expect_err("no state");
        assert!(
            error
                .to_string()
                .starts_with("--state: \"lost\" is no state"),
            "{error}"
        );

        let cancel = QueueCommand::Cancel(ActArguments {
            target: target(dir(), false),
            on: OnArguments {
                id: Some(fixture.fresh.to_string()),
                ..OnArguments::default()
            },
            recipient: None,
            why: "not needed".to_owned(),
        });
        let report = run(cancel).await.expect("a report");
        assert_eq!(
            report.text,
            format!("{}: 1 recipient cancelled\n", fixture.fresh)
        );
    }
}
