//! Finds the register that `check` judges by: a configuration's, a seed's, or
//! the sample organisation's.

use std::path::Path;
use std::sync::Arc;

use mailward_gateway::Config;
use mailward_gateway::config::{Account, Mechanism, Route, Timeouts};
use mailward_policy::{AccountKind, MailService, RouteKind};
use mailward_queue::{ApplicationName, RouteName};
use mailward_twin::seed::AccountKind as TwinKind;

use super::CommandError;
use crate::cli::CheckArguments;
use crate::seed::Seed;

/// What a seed's applications would send by: the twin's submission port.
const ROUTE: &str = "nhsmail";

/// The configuration that names the application.
pub(super) fn config(arguments: &CheckArguments) -> Result<Arc<Config>, CommandError> {
    let config = match &arguments.config {
        Some(path) => Config::read(path).map_err(CommandError::new)?,
        None => of_seed(arguments.seed.as_deref())?,
    };
    let name = ApplicationName::new(&arguments.app);
    if config.application(&name).is_none() {
        return Err(unknown(&arguments.app, &config));
    }
    Ok(Arc::new(config))
}

fn unknown(name: &str, config: &Config) -> CommandError {
    let names: Vec<&str> = config
        .applications
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    let known = match names.as_slice() {
        [] => "none is registered there".to_owned(),
        _ => format!("there are {}", names.join(", ")),
    };
    CommandError::new(format!(
        "no application {name:?} is registered; {known}; name the register with --config or --seed"
    ))
}

/// The seed as `up` would register it, as far as rules look at it.
fn of_seed(path: Option<&Path>) -> Result<Config, CommandError> {
    let seed = Seed::load(path).map_err(CommandError::new)?;
    let mut config = Config::new("localhost", "");
    seed.apply(&mut config).map_err(CommandError::new)?;
    config.routes.push(Route {
        name: RouteName::new(ROUTE),
        kind: RouteKind::Submission,
        server: "localhost".to_owned(),
        port: 0,
        ca_file: None,
        mechanism: Mechanism::Login,
        fail_over: Default::default(),
        source_address: None,
        connections_max: 1,
        messages_per_minute: None,
        recipients_max: None,
        dcb1596: true,
        service: MailService::Nhsmail,
        on_premise: false,
        twin: true,
        retirements: Vec::new(),
        sent_items: None,
        timeouts: Timeouts::default(),
    });
    for account in &seed.account {
        config.accounts.push(Account {
            address: account.address.clone(),
            kind: match account.kind {
                TwinKind::User => AccountKind::User,
                TwinKind::Application => AccountKind::Application,
                TwinKind::Shared => AccountKind::Shared,
            },
            display_name: account.display_name.clone(),
            repair_display_name: seed.repairs_name_of(&account.address),
            route: RouteName::new(ROUTE),
            secret: None,
            password_changed: None,
        });
    }
    config.applications = seed
        .application
        .iter()
        .map(|application| application.registered(RouteName::new(ROUTE)))
        .collect();
    Ok(config)
}
