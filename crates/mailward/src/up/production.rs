//! `gateway --config FILE`: the gateway alone, against the service that its
//! configuration names.

use std::process::ExitCode;
use std::sync::Arc;

use mailward_console::{PasswordHash, Role, User, Users};
use mailward_gateway::GatewayOptions;
use mailward_gateway::config::{Config, ConsoleUser};

use super::standing::{self, ConsoleSettings};
use super::{Surroundings, announce};
use crate::cli::GatewayArguments;
use crate::ready::Ready;

pub(crate) async fn gateway(arguments: GatewayArguments) -> Result<ExitCode, String> {
    let config = Config::read(&arguments.config).map_err(|errors| errors.to_string())?;
    let surroundings = Surroundings::new()?;
    let console = ConsoleSettings {
        credentials: Arc::new(users(&config.console_users, &surroundings)?),
        title: "Mailward".to_owned(),
        banner: None,
    };
    let has_console = !config.console_users.is_empty() && config.listen.https.is_some();
    let (dir, ca_file) = (config.dir.clone(), None);
    let options = GatewayOptions::new(
        config,
        surroundings.clock(),
        Arc::clone(&surroundings.dice),
        Arc::clone(&surroundings.resolver),
        surroundings.tasks.clone(),
    );
    let standing = standing::start(&surroundings, options, None, console).await?;
    let console_url = standing
        .endpoints
        .https
        .as_ref()
        .filter(|_| has_console)
        .map(|address| format!("https://{address}/console"));
    let ready = Ready {
        ready: true,
        pid: std::process::id(),
        dir,
        ca_file,
        console_url,
        console: None,
        gateway: Some(standing.endpoints.clone()),
        twin: None,
        applications: Vec::new(),
        accounts: Vec::new(),
        control: None,
    };
    announce(&ready, arguments.json)?;
    let stopped = surroundings
        .until_stopped(Some(&standing.gateway.queue))
        .await;
    surroundings.drain().await;
    standing.gateway.queue.close().await;
    stopped.map(|()| ExitCode::SUCCESS)
}

fn users(configured: &[ConsoleUser], surroundings: &Surroundings) -> Result<Users, String> {
    let mut users = Vec::with_capacity(configured.len());
    for user in configured {
        users.push(User {
            name: user.name.clone(),
            password: PasswordHash::parse(&user.password_hash)
                .map_err(|error| format!("console user {}: {error}", user.name))?,
            role: Role::parse(&user.role)
                .ok_or_else(|| format!("console user {}: {} is no role", user.name, user.role))?,
        });
    }
    Users::new(users, &*surroundings.dice).map_err(|error| error.to_string())
}
