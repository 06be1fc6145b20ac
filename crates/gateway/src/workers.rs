//! What works in the background once a gateway is open: delivery, the
//! watchdog, and the outbox of reports and callbacks.

use std::collections::BTreeMap;
use std::sync::Arc;

use mailward_queue::ApplicationName;

use crate::deliver::{self, Alarms, DeliverOptions, Doors};
use crate::gateway::Gateway;
use crate::observe::Exporter;
use crate::outcome::{self, OutcomeOptions};
use crate::password::Watch;
use crate::records;
use crate::route::{self, AssembleError};

/// Workers that are ready to start.
#[derive(Debug)]
pub struct Workers {
    deliver: DeliverOptions,
    outcome: OutcomeOptions,
    password_watch: Watch,
    /// Where traces are configured.
    exporter: Option<Exporter>,
}

impl Workers {
    /// Reads secrets and authorities; starts nothing yet.
    pub fn prepare(gateway: &Gateway) -> Result<Self, AssembleError> {
        let Gateway {
            config,
            secrets,
            resolver,
            clock,
            dice,
            tasks,
            queue,
            sending_limits,
            register,
            observe,
            ..
        } = gateway;
        let routes = route::routes(config, secrets, resolver, clock)?;
        let callbacks = route::callbacks(config, secrets, resolver, clock)?;
        let mut owners: BTreeMap<String, Vec<ApplicationName>> = BTreeMap::new();
        for application in &config.applications {
            let account = application.account.as_str().to_owned();
            owners
                .entry(account)
                .or_default()
                .push(application.name.clone());
        }
        let alarms = Alarms::new(callbacks.clone(), owners, Arc::clone(clock), tasks.clone());
        observe.watch(alarms.clone());
        let exporter = match &config.traces {
            None => None,
            Some(traces) => Some(Exporter::new(observe, traces, &config.hostname, resolver)?),
        };
        Ok(Self {
            exporter,
            password_watch: Watch {
                config: Arc::clone(config),
                secrets: Arc::clone(secrets),
                store: queue.store().clone(),
                alarms: alarms.clone(),
                clock: Arc::clone(clock),
            },
            deliver: DeliverOptions {
                queue: queue.clone(),
                sending_limits: sending_limits.clone(),
                routes,
                register: Arc::clone(register),
                profile: config.profile,
                replies: config.replies.clone(),
                resolver: Arc::clone(resolver),
                clock: Arc::clone(clock),
                dice: Arc::clone(dice),
                alarms,
                doors: Doors::new(queue.clone()),
                observe: observe.clone(),
            },
            outcome: OutcomeOptions {
                queue: queue.clone(),
                callbacks,
                clock: Arc::clone(clock),
                dice: Arc::clone(dice),
                hostname: config.hostname.clone(),
                observe: observe.clone(),
            },
        })
    }

    /// The alarms that the workers raise.
    pub fn alarms(&self) -> &Alarms {
        &self.deliver.alarms
    }

    /// Starts them all.
    pub fn start(self, gateway: &Gateway) {
        deliver::start(self.deliver, &gateway.tasks);
        outcome::start(self.outcome, &gateway.tasks);
        if let Some(exporter) = self.exporter {
            let shutdown = gateway.tasks.shutdown().clone();
            gateway.tasks.spawn("traces", exporter.run(shutdown));
        }
        self.password_watch.start(&gateway.tasks);
        records::start(
            gateway.queue.clone(),
            gateway.config.store.records_kept(),
            Arc::clone(&gateway.clock),
            &gateway.tasks,
        );
    }
}
