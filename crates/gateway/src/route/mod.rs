//! The ways out, one file for each kind.
//!
//! | kind | signs in | TLS | limits |
//! | --- | --- | --- | --- |
//! | submission | yes | STARTTLS, verified | connections, messages a minute |
//! | high_sending | yes | STARTTLS, verified | as configured |
//! | relay | no | where offered | connections; an exception in force |
//!
//! A message takes its application's route, or the high sending one that the
//! register names beside it ([`choose`]); while that can't be used, one that
//! the configuration names in its place ([`fail_over`]).
//!
//! A message waits in the lane of an account on a route. What is here turns
//! the names of a lane into a server, an account and its proof.

pub mod advice;
mod assemble;
pub mod choose;
pub mod fail_over;
pub mod high_sending;
pub mod relay;
pub mod reroute;
pub mod retirement;
pub mod sent_items;
pub mod submission;
pub mod way_out;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use mailward_mail::Address;
use mailward_net::smtp::client::ClientSecurity;
use mailward_policy::RouteKind;
use mailward_queue::{Lane, LaneLimits};

pub use assemble::{AssembleError, callbacks, routes};
pub use high_sending::HighSendingRoute;
pub use relay::RelayRoute;
pub use sent_items::SentItems;
pub use submission::{Mechanism, SubmissionRoute, Times};

/// A way out, by its kind.
#[derive(Clone, Debug)]
pub enum Route {
    Submission(SubmissionRoute),
    HighSending(HighSendingRoute),
    Relay(RelayRoute),
}

impl Route {
    pub fn kind(&self) -> RouteKind {
        match self {
            Self::Submission(_) => RouteKind::Submission,
            Self::HighSending(_) => RouteKind::HighSending,
            Self::Relay(_) => RouteKind::Relay,
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Self::Submission(route) | Self::HighSending(HighSendingRoute(route)) => &route.name,
            Self::Relay(route) => &route.name,
        }
    }

    pub fn server(&self) -> &str {
        match self {
            Self::Submission(route) | Self::HighSending(HighSendingRoute(route)) => &route.server,
            Self::Relay(route) => &route.server,
        }
    }

    pub fn port(&self) -> u16 {
        match self {
            Self::Submission(route) | Self::HighSending(HighSendingRoute(route)) => route.port,
            Self::Relay(route) => route.port,
        }
    }

    /// How a connection is protected.
    pub fn security(&self) -> ClientSecurity {
        match self {
            Self::Submission(route) | Self::HighSending(HighSendingRoute(route)) => {
                ClientSecurity::StartTls(Arc::clone(&route.tls))
            }
            Self::Relay(route) => ClientSecurity::Opportunistic(Arc::clone(&route.tls)),
        }
    }

    /// The address of ours to call from, where it matters.
    pub fn source(&self) -> Option<IpAddr> {
        match self {
            Self::Submission(_) | Self::HighSending(_) => None,
            Self::Relay(route) => route.source,
        }
    }

    /// Where what was sent is kept, if it is.
    pub fn sent_items(&self) -> Option<&SentItems> {
        match self {
            Self::Submission(route) | Self::HighSending(HighSendingRoute(route)) => {
                route.sent_items.as_ref()
            }
            Self::Relay(_) => None,
        }
    }

    pub fn limits(&self) -> LaneLimits {
        match self {
            Self::Submission(route) | Self::HighSending(HighSendingRoute(route)) => route.limits,
            Self::Relay(route) => route.limits,
        }
    }

    pub fn times(&self) -> Times {
        match self {
            Self::Submission(route) | Self::HighSending(HighSendingRoute(route)) => route.times,
            Self::Relay(route) => route.times,
        }
    }

    pub fn client_name(&self) -> &str {
        match self {
            Self::Submission(route) | Self::HighSending(HighSendingRoute(route)) => {
                &route.client_name
            }
            Self::Relay(route) => &route.client_name,
        }
    }
}

/// An account that mail is sent as, on one route.
#[derive(Clone, Debug)]
pub struct SendingAccount {
    pub address: Address,
    /// The name of the route.
    pub route: String,
    /// `None` on a route that asks for no sign-in.
    pub mechanism: Option<Mechanism>,
    /// To read its sent mail with, where the route says where that is.
    pub sent_items: Option<Mechanism>,
}

/// Every route and account of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    routes: HashMap<String, Route>,
    /// By route, then by account: an account may have several routes, with a
    /// mechanism on each.
    accounts: HashMap<String, HashMap<String, SendingAccount>>,
}

impl Routes {
    pub fn new(
        routes: impl IntoIterator<Item = Route>,
        accounts: impl IntoIterator<Item = SendingAccount>,
    ) -> Self {
        let mut of_routes: HashMap<String, HashMap<String, SendingAccount>> = HashMap::new();
        for account in accounts {
            of_routes
                .entry(account.route.clone())
                .or_default()
                .insert(account.address.key(), account);
        }
        Self {
            routes: routes
                .into_iter()
                .map(|route| (route.name().to_owned(), route))
                .collect(),
            accounts: of_routes,
        }
    }

    /// The account and route of a lane, unless the configuration has changed
    /// since the lane's messages were accepted.
    pub fn of_lane(&self, lane: &Lane) -> Option<(&Route, &SendingAccount)> {
        let route = self.routes.get(lane.route.as_str())?;
        let account = self
            .accounts
            .get(lane.route.as_str())?
            .get(lane.account.as_str())?;
        Some((route, account))
    }
}
