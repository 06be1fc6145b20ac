//! `gateway --config FILE`: the gateway alone, against the service that its
//! configuration names.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use mailward_console::{PasswordHash, Role, User, Users};
use mailward_gateway::GatewayOptions;
use mailward_gateway::config::{Config, ConsoleUser};

use mailward_net::tasks;

use super::standing::{self, ConsoleSettings};
use super::{Surroundings, announce};
use crate::cli::GatewayArguments;
use crate::log;
use crate::ready::Ready;

pub(crate) async fn gateway(arguments: GatewayArguments) -> Result<ExitCode, String> {
    let config = Config::read(&arguments.config).map_err(|errors| errors.to_string())?;
    log::start(config.log);
    log::own_addresses(config.accounts.iter().map(|account| account.address.key()));
    let surroundings = Surroundings::new()?;
    log_level_by_signal(&arguments.config, &surroundings)?;
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
        metrics_url: standing.metrics_url.clone(),
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

/// SIGHUP reads `[log] level` anew; nothing else of the configuration.
fn log_level_by_signal(file: &Path, surroundings: &Surroundings) -> Result<(), String> {
    let mut hangups =
        tasks::hangups().map_err(|error| format!("SIGHUP can't be waited for: {error}"))?;
    let (file, shutdown) = (file.to_owned(), surroundings.tasks.shutdown().clone());
    surroundings.tasks.spawn("log level", async move {
        loop {
            tokio::select! {
                () = hangups.next() => {}
                () = shutdown.begun() => return,
            }
            match Config::read(&file) {
                Ok(config) => {
                    log::change_level(config.log.level);
                    let level = config.log.level.as_str();
                    tracing::warn!(level, "SIGHUP: the log's level was read anew");
                }
                Err(errors) => {
                    let faults = errors.0.len();
                    tracing::error!(
                        faults,
                        "SIGHUP: the configuration has faults; the log stays as it is"
                    );
                }
            }
        }
    });
    Ok(())
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
