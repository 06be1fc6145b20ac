//! The preflight of a gateway that runs, made inside it: it has the secrets,
//! the record of refused credentials and the listeners at hand.

use std::sync::Arc;
use std::time::Duration;

use mailward_gateway::Gateway;
use mailward_gateway::doctor::{Doctor, Scope, Standing, Times};
use mailward_gateway::gateway::Addresses;
use mailward_mail::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::OperatorError;

/// The caller waits for a minute; all of it has to end before.
const WHOLE: Duration = Duration::from_secs(55);
/// Four steps follow each other at the most.
const STEP_MAX: Duration = Duration::from_secs(13);

/// What is asked of the preflight.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DoctorRequest {
    pub(crate) account: Option<String>,
    pub(crate) route: Option<String>,
    pub(crate) check: Option<String>,
    pub(crate) step_seconds: u64,
    pub(crate) at: Option<Timestamp>,
}

impl DoctorRequest {
    pub(crate) fn scope(&self) -> Scope {
        Scope {
            account: self.account.clone(),
            route: self.route.clone(),
            check: self.check.clone(),
        }
    }

    pub(crate) fn step(&self) -> Duration {
        Duration::from_secs(self.step_seconds)
    }
}

/// The gateway that is looked at, and where it listens.
#[derive(Clone)]
pub(crate) struct DoctorPart {
    pub(crate) gateway: Gateway,
    pub(crate) addresses: Addresses,
}

impl DoctorPart {
    pub(super) async fn answer(self, request: DoctorRequest) -> Result<Value, OperatorError> {
        let Self { gateway, addresses } = self;
        let entries = gateway.register.list();
        let standing = Standing {
            queue: gateway.queue.clone(),
            applications: entries.iter().map(|one| one.application.clone()).collect(),
            addresses,
            identity: gateway.identity().cloned(),
        };
        let doctor = Doctor {
            config: Arc::clone(&gateway.config),
            clock: Arc::clone(&gateway.clock),
            dice: Arc::clone(&gateway.dice),
            resolver: Arc::clone(&gateway.resolver),
            secrets: Ok(Arc::clone(&gateway.secrets)),
            standing: Some(standing),
            times: Times {
                step: request.step().min(STEP_MAX),
                whole: WHOLE,
            },
            at: request.at,
        };
        let report = doctor
            .examine(&request.scope())
            .await
            .map_err(|error| OperatorError::Invalid(error.to_string()))?;
        serde_json::to_value(report).map_err(|error| OperatorError::Unavailable(error.to_string()))
    }
}
