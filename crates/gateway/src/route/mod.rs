//! The ways out, one file for each kind; today there is the submission route.
//!
//! A message takes its application's route, or the high sending one that the
//! register names beside it ([`choose`]). What else is here
//! turns the names of a lane into a server, an account and its proof.

mod assemble;
pub mod choose;
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

/// Every route and account of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    routes: HashMap<String, SubmissionRoute>,
    accounts: HashMap<String, SendingAccount>,
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

    /// The account and route of a lane, unless the configuration has changed
    /// since the lane's messages were accepted.
    pub fn of_lane(&self, lane: &Lane) -> Option<(&SubmissionRoute, &SendingAccount)> {
        let account = self.accounts.get(lane.account.as_str())?;
        Some((self.routes.get(lane.route.as_str())?, account))
    }
}
