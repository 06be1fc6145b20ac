//! `mailward register`: the interface register, of a running gateway or of a
//! store that stands still.

use std::fs;
use std::path::Path;

use mailward_gateway::config::KeyKind;
use mailward_gateway::register::{Act, DocumentFormat, ImportFormat};
use mailward_mail::Timestamp;
use mailward_queue::ApplicationName;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::queue::{operator, refused};
use super::register_text as text;
use super::{CommandError, Report};
use crate::cli::TargetArguments;
use crate::cli_register::{EntryArguments, ExceptionCommand, RegisterCommand};
use crate::operator::{OperatorError, RegisterRequest, Request, ask};

/// The largest file that is imported, in octets: with what JSON adds to it, a
/// question that a running gateway takes.
const IMPORT_OCTETS_MAX: u64 = 4 * 1024 * 1024;

const LOOKED_AT: &str = "looked at on the command line";

pub(super) async fn run(command: RegisterCommand) -> Result<Report, CommandError> {
    match command {
        RegisterCommand::Add {
            entry,
            fields,
            credentials,
            username,
        } => {
            let request = RegisterRequest::Add {
                name: name(&entry),
                fields: fields.fields,
                credentials: key_kind(&credentials),
                username,
            };
            act(entry, request, text::added).await
        }
        RegisterCommand::Change { entry, fields } => {
            if fields.fields.is_empty() {
                return Err(CommandError::new(
                    "nothing to change: give a field, such as --owner TEXT",
                ));
            }
            let request = RegisterRequest::Change {
                name: name(&entry),
                fields: fields.fields,
            };
            act(entry, request, text::changed).await
        }
        RegisterCommand::Show {
            target,
            name,
            format,
        } => show(&target, ApplicationName::from(name), &format).await,
        RegisterCommand::List { target, state } => {
            let state = state.map(|word| read("--state", &word)).transpose()?;
            look(&target, RegisterRequest::List { state }, text::list).await
        }
        RegisterCommand::History { target, name } => {
            let name = ApplicationName::from(name);
            look(&target, RegisterRequest::History { name }, text::history).await
        }
        RegisterCommand::Approve {
            entry,
            reference,
            by,
            kind,
            expires,
        } => {
            let request = RegisterRequest::Approve {
                name: name(&entry),
                kind: read("--kind", &kind)?,
                reference,
                by: by.unwrap_or_else(|| operator().as_str().to_owned()),
                expires: day(expires.as_deref())?,
            };
            act(entry, request, text::moved).await
        }
        RegisterCommand::GoLive(entry) => moved(entry, Act::GoLive).await,
        RegisterCommand::Suspend(entry) => moved(entry, Act::Suspend).await,
        RegisterCommand::Retire(entry) => moved(entry, Act::Retire).await,
        RegisterCommand::Exception(command) => exception(command).await,
        RegisterCommand::Credentials {
            entry,
            username,
            kind,
        } => {
            let request = RegisterRequest::Credentials {
                name: name(&entry),
                kind: key_kind(&kind).unwrap_or_default(),
                username,
            };
            act(entry, request, text::credentials).await
        }
        RegisterCommand::Import {
            target,
            file,
            format,
            check,
            why,
        } => {
            let request = RegisterRequest::Import {
                format: import_format(format.as_deref(), &file)?,
                text: import_text(&file)?,
                check,
            };
            answered(&target, request, &why, text::imported).await
        }
        RegisterCommand::Export { target, format, to } => {
            export(&target, &format, to.as_deref()).await
        }
    }
}

async fn show(
    target: &TargetArguments,
    name: ApplicationName,
    format: &str,
) -> Result<Report, CommandError> {
    let Some(format) = document_format(format) else {
        return look(target, RegisterRequest::Show { name }, text::show).await;
    };
    let request = RegisterRequest::Document { name, format };
    look(target, request, text::document).await
}

async fn moved(entry: EntryArguments, to: Act) -> Result<Report, CommandError> {
    let request = RegisterRequest::Move {
        name: name(&entry),
        act: to,
    };
    act(entry, request, text::moved).await
}

async fn exception(command: ExceptionCommand) -> Result<Report, CommandError> {
    match command {
        ExceptionCommand::Add {
            entry,
            kind,
            reference,
            expires,
            subject,
        } => {
            let request = RegisterRequest::AddException {
                name: name(&entry),
                kind: read("--kind", &kind)?,
                reference: reference.unwrap_or_default(),
                expires: day(expires.as_deref())?,
                subject: subject.unwrap_or_default(),
            };
            act(entry, request, text::changed).await
        }
        ExceptionCommand::Remove {
            entry,
            kind,
            subject,
        } => {
            let request = RegisterRequest::RemoveException {
                name: name(&entry),
                kind: read("--kind", &kind)?,
                subject: subject.unwrap_or_default(),
            };
            act(entry, request, text::changed).await
        }
    }
}

async fn export(
    target: &TargetArguments,
    format: &str,
    to: Option<&Path>,
) -> Result<Report, CommandError> {
    if let Some(format) = document_format(format) {
        let Some(folder) = to else {
            return Err(CommandError::new(
                "interface records are a file each: name a folder with --to DIR, or use `mailward register show NAME --format`",
            ));
        };
        return records(target, format, folder).await;
    }
    let format = if format == "csv" {
        ImportFormat::Csv
    } else {
        ImportFormat::Json
    };
    let value = match question(target, RegisterRequest::Export { format }, LOOKED_AT).await? {
        Ok(value) => value,
        Err(why) => return refused(&why, target.json),
    };
    let text = text::document(value);
    match to {
        None => Ok(Report::yes(text)),
        Some(file) => {
            write(file, &text)?;
            let done = json!({ "written": [file] });
            written(target, &done, format!("written {}\n", file.display()))
        }
    }
}

async fn records(
    target: &TargetArguments,
    format: DocumentFormat,
    folder: &Path,
) -> Result<Report, CommandError> {
    let value = match question(target, RegisterRequest::Documents { format }, LOOKED_AT).await? {
        Ok(value) => value,
        Err(why) => return refused(&why, target.json),
    };
    fs::create_dir_all(folder)
        .map_err(|error| CommandError::new(format!("--to {}: {error}", folder.display())))?;
    let mut files = Vec::new();
    for document in value["documents"].as_array().into_iter().flatten() {
        let (name, text) = (document["name"].as_str(), document["text"].as_str());
        if let (Some(name), Some(text)) = (name, text) {
            // A name that begins with a dot would hide its file.
            let file = folder.join(format!("interface-{name}.{}", format.ending()));
            write(&file, text)?;
            files.push(file);
        }
    }
    let text = format!(
        "written {} interface records to {}\n",
        files.len(),
        folder.display()
    );
    written(target, &json!({ "written": files }), text)
}

fn written(target: &TargetArguments, done: &Value, text: String) -> Result<Report, CommandError> {
    if target.json {
        Report::json(done, true)
    } else {
        Ok(Report::yes(text))
    }
}

fn write(file: &Path, text: &str) -> Result<(), CommandError> {
    fs::write(file, text)
        .map_err(|error| CommandError::new(format!("--to {}: {error}", file.display())))
}

async fn act(
    entry: EntryArguments,
    request: RegisterRequest,
    text: impl FnOnce(Value) -> String,
) -> Result<Report, CommandError> {
    answered(&entry.target, request, &entry.why, text).await
}

async fn look(
    target: &TargetArguments,
    request: RegisterRequest,
    text: impl FnOnce(Value) -> String,
) -> Result<Report, CommandError> {
    answered(target, request, LOOKED_AT, text).await
}

/// Asks, and prints the answer as it came or as `text` puts it.
async fn answered(
    target: &TargetArguments,
    request: RegisterRequest,
    why: &str,
    text: impl FnOnce(Value) -> String,
) -> Result<Report, CommandError> {
    match question(target, request, why).await? {
        Ok(value) if target.json => Report::json(&value, true),
        Ok(value) => Ok(Report::yes(text(value))),
        Err(why) => refused(&why, target.json),
    }
}

/// The answer, or why it is no.
async fn question(
    target: &TargetArguments,
    request: RegisterRequest,
    why: &str,
) -> Result<Result<Value, String>, CommandError> {
    let request = Request::Register {
        who: operator(),
        why: why.to_owned(),
        request,
    };
    match ask(&target.dir, request).await {
        Ok(value) => Ok(Ok(value)),
        Err(OperatorError::NotFound(why) | OperatorError::Refused(why)) => Ok(Err(why)),
        Err(error) => Err(CommandError::new(error)),
    }
}

fn name(entry: &EntryArguments) -> ApplicationName {
    ApplicationName::new(&entry.name)
}

/// A word of a closed list.
fn read<T: DeserializeOwned>(flag: &str, word: &str) -> Result<T, CommandError> {
    serde_json::from_value(Value::String(word.to_owned()))
        .map_err(|error| CommandError::new(format!("{flag} {word:?}: {error}")))
}

fn day(text: Option<&str>) -> Result<Option<Timestamp>, CommandError> {
    text.map(|text| {
        Timestamp::parse(text).map_err(|_| {
            CommandError::new(format!(
                "--expires {text:?} is no day; write it as 2026-12-31"
            ))
        })
    })
    .transpose()
}

fn key_kind(word: &str) -> Option<KeyKind> {
    match word {
        "live" => Some(KeyKind::Live),
        "test" => Some(KeyKind::Test),
        _ => None,
    }
}

fn document_format(word: &str) -> Option<DocumentFormat> {
    match word {
        "markdown" => Some(DocumentFormat::Markdown),
        "html" => Some(DocumentFormat::Html),
        _ => None,
    }
}

fn import_format(word: Option<&str>, file: &Path) -> Result<ImportFormat, CommandError> {
    let ending = file.extension().and_then(|ending| ending.to_str());
    match word.or(ending) {
        Some("json") => Ok(ImportFormat::Json),
        Some("csv") => Ok(ImportFormat::Csv),
        _ => Err(CommandError::new(format!(
            "{}: neither .json nor .csv; say which with --format",
            file.display()
        ))),
    }
}

fn import_text(file: &Path) -> Result<String, CommandError> {
    let fail = |problem: String| CommandError::new(format!("{}: {problem}", file.display()));
    let octets = fs::metadata(file)
        .map_err(|error| fail(error.to_string()))?
        .len();
    if octets > IMPORT_OCTETS_MAX {
        return Err(fail(format!(
            "it is larger than {IMPORT_OCTETS_MAX} octets; import it in parts"
        )));
    }
    fs::read_to_string(file).map_err(|error| fail(error.to_string()))
}
