//! A gateway that stands: open, listening, with its workers, its console and
//! its operator's socket.

use std::sync::Arc;

use axum::Router;
use mailward_console::{ConsoleOptions, Credentials};
use mailward_gateway::deliver::Alarms;
use mailward_gateway::gateway::Addresses;
use mailward_gateway::password::account_ages;
use mailward_gateway::route::reroute::{self, RerouteFacts};
use mailward_gateway::workers::Workers;
use mailward_gateway::{Gateway, GatewayOptions};

use super::Surroundings;
use crate::console_source::{ConsoleSource, GatewayPart, TwinPart};
use crate::operator;
use crate::ready::GatewayEndpoints;

pub(super) struct Standing {
    pub(super) gateway: Gateway,
    pub(super) endpoints: GatewayEndpoints,
    pub(super) metrics_url: Option<String>,
}

/// Who may see the console and what it calls itself.
pub(super) struct ConsoleSettings {
    pub(super) credentials: Arc<dyn Credentials>,
    pub(super) title: String,
    pub(super) banner: Option<String>,
}

/// Opens the store, listens, and starts the workers.
pub(super) async fn start(
    surroundings: &Surroundings,
    options: GatewayOptions,
    twin: Option<TwinPart>,
    console: ConsoleSettings,
) -> Result<Standing, String> {
    let gateway = Gateway::open(options)
        .await
        .map_err(|error| error.to_string())?;
    // Ports before workers: nothing is sent by a gateway that can't stand.
    let workers = Workers::prepare(&gateway).map_err(|error| error.to_string())?;
    let part = gateway_part(&gateway, workers.alarms());
    let pages = console_pages(surroundings, Some(part), twin, console);
    let addresses = gateway.start(pages).map_err(|error| error.to_string())?;
    workers.start(&gateway);
    operator::serve(
        &gateway.config.dir,
        operator::Sources {
            queue: gateway.queue.clone(),
            sending_limits: gateway.sending_limits.clone(),
            profile: gateway.config.profile,
            doctor: Some(operator::DoctorPart {
                gateway: gateway.clone(),
                addresses,
            }),
            register: Some(register_part(&gateway)),
            accounts: accounts_now(&gateway),
            backup_octets_per_second: gateway.config.store.backup_octets_per_second(),
        },
        &surroundings.tasks,
    )
    .map_err(|error| format!("the operator's socket can't be made: {error}"))?;
    Ok(Standing {
        endpoints: endpoints(&addresses),
        metrics_url: metrics_url(&gateway, &addresses),
        gateway,
    })
}

fn accounts_now(gateway: &Gateway) -> operator::AccountsNow {
    let gateway = gateway.clone();
    Arc::new(move || account_ages(&gateway.config, Some(&gateway.secrets), gateway.clock.now()))
}

pub(super) fn console_pages(
    surroundings: &Surroundings,
    gateway: Option<GatewayPart>,
    twin: Option<TwinPart>,
    settings: ConsoleSettings,
) -> Router {
    mailward_console::router(ConsoleOptions {
        source: Arc::new(ConsoleSource::new(gateway, twin)),
        credentials: settings.credentials,
        clock: surroundings.clock(),
        time: surroundings.clock.base(),
        dice: Arc::clone(&surroundings.dice),
        title: settings.title,
        banner: settings.banner,
        secure_cookie: true,
    })
}

fn gateway_part(gateway: &Gateway, alarms: &Alarms) -> GatewayPart {
    GatewayPart {
        queue: gateway.queue.clone(),
        sending_limits: gateway.sending_limits.clone(),
        config: Arc::clone(&gateway.config),
        alarms: alarms.clone(),
        observe: gateway.observe.clone(),
        register: Arc::clone(&gateway.register),
        judge: reroute::judge(RerouteFacts {
            register: Arc::clone(&gateway.register),
            profile: gateway.config.profile,
            clock: Arc::clone(&gateway.clock),
        }),
    }
}

fn register_part(gateway: &Gateway) -> operator::RegisterPart {
    operator::RegisterPart {
        register: Arc::clone(&gateway.register),
        clock: Arc::clone(&gateway.clock),
        dice: Arc::clone(&gateway.dice),
    }
}

fn metrics_url(gateway: &Gateway, addresses: &Addresses) -> Option<String> {
    let tls = gateway.config.metrics.is_some_and(|metrics| metrics.tls);
    let scheme = if tls { "https" } else { "http" };
    let address = addresses.metrics?;
    Some(format!("{scheme}://{address}/metrics"))
}

fn endpoints(addresses: &Addresses) -> GatewayEndpoints {
    let text = |address: Option<std::net::SocketAddr>| address.map(|address| address.to_string());
    GatewayEndpoints {
        submission: text(addresses.submission),
        submissions: text(addresses.submissions),
        https: text(addresses.https),
    }
}
