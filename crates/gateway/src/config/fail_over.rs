//! Where a route's mail goes while the route itself can't be used.

use mailward_queue::{Cause, RouteName};
use serde::{Deserialize, Serialize};

/// What a route says of fail-over. Without another route there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailOver {
    /// Other routes, the first that can be used first.
    pub to: Vec<RouteName>,
    /// How long connections must have failed.
    pub after_minutes: u64,
    /// How long the route must have been well again before new mail comes
    /// back to it.
    pub back_after_minutes: u64,
    pub on: Vec<Cause>,
}

impl FailOver {
    pub const AFTER_MINUTES: u64 = 15;
    pub const BACK_AFTER_MINUTES: u64 = 10;
    /// A refused credential is its account's own fault, which another route
    /// would only hide.
    pub const ON: [Cause; 3] = [Cause::Down, Cause::Refused, Cause::Retired];
    /// What may be named. Too much mail is not a fault of the route.
    pub const CAUSES: [Cause; 4] = [Cause::Down, Cause::Refused, Cause::Retired, Cause::SignIn];
}

impl Default for FailOver {
    fn default() -> Self {
        Self {
            to: Vec::new(),
            after_minutes: Self::AFTER_MINUTES,
            back_after_minutes: Self::BACK_AFTER_MINUTES,
            on: Self::ON.to_vec(),
        }
    }
}
