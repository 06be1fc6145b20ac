//! `mailward config check`: reads a configuration and names every fault.

use std::path::Path;

use mailward_gateway::config::{ConfigError, ConfigErrors};
use mailward_gateway::password::shared_secret;
use mailward_gateway::{Config, Secrets};
use serde_json::json;

use super::{CommandError, Report};
use crate::cli::ConfigCommand;
use crate::operator::sentences::counted;

pub(super) fn run(command: &ConfigCommand) -> Result<Report, CommandError> {
    let ConfigCommand::Check { config, json } = command;
    // A file that is not there is no bad configuration but a bad command.
    let text = std::fs::read_to_string(config).map_err(|error| {
        CommandError::new(format!(
            "cannot read {}: {error}; name a readable file with --config",
            config.display()
        ))
    })?;
    check(&text, config, *json)
}

fn check(text: &str, path: &Path, as_json: bool) -> Result<Report, CommandError> {
    let checked = Config::parse(text, path).and_then(|config| match shared(&config, text, path) {
        None => Ok(config),
        Some(error) => Err(ConfigErrors(vec![error])),
    });
    let errors = match checked {
        Ok(config) if !as_json => return Ok(Report::yes(good(&config, path))),
        Ok(_) => Vec::new(),
        Err(errors) if !as_json => return Ok(Report::new(format!("{errors}\n"), false)),
        Err(errors) => errors.0,
    };
    let good = errors.is_empty();
    let errors: Vec<_> = errors
        .iter()
        .map(|error| {
            json!({
                "file": error.file,
                "line": error.line,
                "value": error.value,
                "problem": error.problem,
                "remedy": error.remedy,
            })
        })
        .collect();
    Report::json(
        &json!({ "file": path, "good": good, "errors": errors }),
        good,
    )
}

/// Two accounts with one password under two names: seen where the keystore
/// can be opened here, and by the gateway when it starts.
fn shared(config: &Config, text: &str, path: &Path) -> Option<ConfigError> {
    let secrets = Secrets::open(config.keystore.as_ref()).ok()?;
    let shared = shared_secret(config, &secrets).ok()??;
    let address = shared.second.to_lowercase();
    let line = text
        .lines()
        .position(|line| line.to_lowercase().contains(&address));
    Some(ConfigError {
        file: path.to_owned(),
        line: line.map(|line| line + 1),
        value: "***".to_owned(),
        problem: shared.to_string(),
        remedy: "Give each account a password of its own: `mailward accounts new-password`."
            .to_owned(),
    })
}

fn good(config: &Config, path: &Path) -> String {
    format!(
        "{}: good: {}, {}, {}\n",
        path.display(),
        counted(config.routes.len(), "route"),
        counted(config.accounts.len(), "account"),
        counted(config.applications.len(), "application"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::Answer;

    const GOOD: &str = "[gateway]\nhostname = \"mail.northmoor.example\"\ndir = \"data\"\n";

    fn config_check(text: &str, json: bool) -> Report {
        check(text, Path::new("gateway.toml"), json).expect("a report")
    }

    #[test]
    fn says_good_and_counts() {
        let report = config_check(GOOD, false);
        assert_eq!(
            (report.text.as_str(), report.answer),
            (
                "gateway.toml: good: 0 routes, 0 accounts, 0 applications\n",
                Answer::Yes
            )
        );
        let value: serde_json::Value =
            serde_json::from_str(&config_check(GOOD, true).text).expect("JSON");
        assert_eq!(value["good"], true);
    }

    #[test]
    fn names_the_line_of_a_fault() {
        let bad = format!("{GOOD}colour = \"red\"\n");
        let report = config_check(&bad, false);
        assert_eq!(report.answer, Answer::No);
        assert!(
            report.text.starts_with("gateway.toml:4: "),
            "{}",
            report.text
        );
        let report = config_check(&bad, true);
        assert_eq!(report.answer, Answer::No);
        let value: serde_json::Value = serde_json::from_str(&report.text).expect("JSON");
        assert_eq!(value["good"], false);
        assert_eq!(value["errors"][0]["line"], 4);
    }

    #[test]
    fn a_missing_file_is_an_error_of_the_command() {
        let config = Path::new("/nowhere/gateway.toml").to_owned();
        let error = run(&ConfigCommand::Check { config, json: true }).expect_err("no file");
        assert!(
            error
                .to_string()
                .starts_with("cannot read /nowhere/gateway.toml: ")
        );
    }
}
