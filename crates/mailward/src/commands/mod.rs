//! The commands that answer and end, one file each.
//!
//! A command makes a [`Report`] and prints nothing itself: [`run`] does, and
//! turns the report into an exit code.

mod accounts;
mod application;
mod check;
mod config;
mod doctor;
mod explain;
mod queue;
mod queue_act;
mod queue_text;
mod register;
mod register_text;
mod replies;
mod secrets;
mod store;
mod store_backup;
mod store_export;
mod store_repair;
mod table;
mod tar;

use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;

use serde::Serialize;

use crate::cli::Command;

/// The answer is no: a message is refused, a store is damaged.
const EXIT_NO: u8 = 1;
/// Worse than no: a preflight with errors.
const EXIT_BAD: u8 = 2;

/// Runs a command to its end. `up`, `twin` and `gateway` are not for here.
pub(crate) async fn run(command: Command) -> Result<ExitCode, CommandError> {
    let report = match command {
        Command::Check(arguments) => check::run(&arguments)?,
        Command::Explain(arguments) => explain::run(&arguments)?,
        Command::Queue(command) => queue::run(command).await?,
        Command::Accounts(command) => accounts::run(command).await?,
        Command::Replies(command) => replies::run(command).await?,
        Command::Register(command) => register::run(*command).await?,
        Command::Secrets(command) => secrets::run(command, &mut io::stdin().lock())?,
        Command::Store(command) => store::run(&command).await?,
        Command::Config(command) => config::run(&command)?,
        Command::Doctor(arguments) => Box::pin(doctor::run(&arguments)).await?,
        Command::Up(_) | Command::Gateway(_) | Command::Twin(_) => {
            return Err(CommandError::new("this command starts a service"));
        }
    };
    print(&report.text)?;
    Ok(match report.answer {
        Answer::Yes => ExitCode::SUCCESS,
        Answer::No => ExitCode::from(EXIT_NO),
        Answer::Bad => ExitCode::from(EXIT_BAD),
    })
}

/// What a command says on standard output, and what it means for scripts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Report {
    text: String,
    answer: Answer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
    Bad,
}

impl Report {
    fn yes(text: impl Into<String>) -> Self {
        Self::new(text, true)
    }

    fn new(text: impl Into<String>, yes: bool) -> Self {
        let answer = if yes { Answer::Yes } else { Answer::No };
        let text = text.into();
        Self { text, answer }
    }

    /// The value on one line.
    fn json(value: &impl Serialize, yes: bool) -> Result<Self, CommandError> {
        let mut text = serde_json::to_string(value).map_err(CommandError::new)?;
        text.push('\n');
        Ok(Self::new(text, yes))
    }
}

/// Why a command could not be carried out: what, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct CommandError(String);

impl CommandError {
    fn new(problem: impl fmt::Display) -> Self {
        Self(problem.to_string())
    }
}

/// A reader that has gone away (`… | head`) is no error.
fn print(text: &str) -> Result<(), CommandError> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CommandError::new(format!(
            "standard output cannot be written: {error}"
        ))),
        _ => Ok(()),
    }
}
