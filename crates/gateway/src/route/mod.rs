//! Which way out a message takes, and why.
//!
//! A choice is a pure function of facts; its reason is kept with the message.
//! One file for each kind of route. Today there is one kind, the submission
//! route; the choice is the account's own route.

mod assemble;
pub mod submission;

use std::collections::HashMap;

use mailward_mail::Address;
use mailward_queue::Lane;

pub use assemble::{AssembleError, callbacks, routes};
pub use submission::{Mechanism, SubmissionRoute};

/// An account that mail is sent as, and the route it uses.
#[derive(Clone, Debug)]
pub struct SendingAccount {
    pub address: Address,
    /// The name of its route.
    pub route: String,
    pub mechanism: Mechanism,
}

impl SendingAccount {
    /// What shares this account's limits: the account on its route.
    pub fn lane(&self) -> Lane {
        Lane::new(self.route.as_str(), self.address.key())
    }
}

/// Every route and account of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    routes: HashMap<String, SubmissionRoute>,
    accounts: HashMap<String, SendingAccount>,
}

/// The lane chosen for a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub lane: Lane,
    /// In a sentence, for the timeline.
    pub reason: String,
}

/// Why no way leads out. A configuration that was checked has none of these.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRoute {
    #[error("the account {0} is not configured")]
    Account(Address),
    #[error("the route {0} is not configured")]
    Route(String),
}

impl Routes {
    pub fn new(
        routes: impl IntoIterator<Item = SubmissionRoute>,
        accounts: impl IntoIterator<Item = SendingAccount>,
    ) -> Self {
        Self {
            routes: routes
                .into_iter()
                .map(|route| (route.name.clone(), route))
                .collect(),
            accounts: accounts
                .into_iter()
                .map(|account| (account.address.key(), account))
                .collect(),
        }
    }

    /// The way for mail of `account`.
    pub fn choose(&self, account: &Address) -> Result<Choice, NoRoute> {
        let found = self
            .account(account)
            .ok_or_else(|| NoRoute::Account(account.clone()))?;
        let route = self
            .route(&found.route)
            .ok_or_else(|| NoRoute::Route(found.route.clone()))?;
        Ok(Choice {
            lane: found.lane(),
            reason: format!("{} is the route of {}", route.name, found.address),
        })
    }

    pub fn route(&self, name: &str) -> Option<&SubmissionRoute> {
        self.routes.get(name)
    }

    pub fn account(&self, address: &Address) -> Option<&SendingAccount> {
        self.accounts.get(&address.key())
    }

    /// The account and route of a lane, unless the configuration has changed
    /// since the lane's messages were accepted.
    pub fn of_lane(&self, lane: &Lane) -> Option<(&SubmissionRoute, &SendingAccount)> {
        let account = self.accounts.get(lane.account.as_str())?;
        Some((self.routes.get(lane.route.as_str())?, account))
    }

    pub fn accounts(&self) -> impl Iterator<Item = &SendingAccount> {
        self.accounts.values()
    }
}
