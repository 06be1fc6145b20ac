//! Where the documents differ among themselves, or from the service as it is:
//! C1 to C16, each decided by profile and date.
//!
//! ```text
//!   clauses that differ ─▶ Conflict ─▶ Ruling (profiles, days) ─▶ what carries it out
//! ```
//!
//! The table is for readers and tests. Code asks the small functions and the
//! dates beside it, [`relay()`], [`mail_services`] and so on, which the tests
//! hold against the table. Where two documents bind, the stricter wins; what the service
//! itself does on a day holds under every profile.

mod dates;
mod link;
mod relay;
mod services;
mod table;

use mailward_mail::Timestamp;

use crate::clause::ClauseId;
use crate::coverage::Standing;
use crate::period::Period;
use crate::profile::Profile;

pub use dates::{
    APPLICATION_PASSWORDS_MIXED, EWS_BY_ALLOW_LIST, EWS_ENDED, IMAP_POP_EWS_PASSWORDS_ENDED,
    SUBMISSION_PASSWORDS_OFF,
};
pub use link::TLS_LEAST;
pub use relay::{Relay, RelayGround, relay, relay_ground};
pub use services::{MailService, mail_services};
pub use table::CONFLICTS;

/// One disagreement, and how it is settled.
#[derive(Clone, Copy, Debug)]
pub struct Conflict {
    /// Shown as `C1`.
    pub number: u8,
    pub title: &'static str,
    pub clauses: &'static [ClauseId],
    /// What differs, as whole sentences.
    pub differ: &'static str,
    /// Just one of them applies to a profile at a moment.
    pub rulings: &'static [Ruling],
    pub carried_out: &'static [Standing],
    /// The record's file in `docs/decisions`.
    pub record: &'static str,
}

/// What is decided for some profiles through some days.
#[derive(Clone, Copy, Debug)]
pub struct Ruling {
    pub profiles: &'static [Profile],
    pub holds: Period,
    pub decides: &'static str,
}

impl Conflict {
    /// How it is settled for an organisation of this profile at this moment.
    pub fn ruling(&self, profile: Profile, at: Timestamp) -> Option<&'static Ruling> {
        self.rulings
            .iter()
            .find(|ruling| ruling.profiles.contains(&profile) && ruling.holds.contains(at))
    }
}

#[cfg(test)]
mod tests;
