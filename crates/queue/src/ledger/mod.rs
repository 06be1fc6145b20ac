//! The rows: one file for each subject, and the schema beside them.
//!
//! Nothing here decides: what may happen to a recipient is `state`'s, when is
//! `schedule`'s. Statements are constant texts, so that each is prepared once.

pub(crate) mod acts;
pub(crate) mod attempts;
pub(crate) mod breakers;
pub(crate) mod change;
pub(crate) mod columns;
pub(crate) mod diversions;
pub(crate) mod doubts;
pub(crate) mod due;
pub(crate) mod events;
pub(crate) mod idempotency;
pub(crate) mod lanes;
pub(crate) mod learnt;
pub(crate) mod list_turns;
pub(crate) mod listing;
pub(crate) mod messages;
pub(crate) mod notices;
pub(crate) mod pauses;
pub(crate) mod recipients;
pub(crate) mod resumptions;
pub(crate) mod retention;
pub(crate) mod same_text;
pub(crate) mod shares;
pub(crate) mod sources;
pub(crate) mod step;
pub(crate) mod summary;
pub(crate) mod suspensions;
pub(crate) mod told;
pub(crate) mod unknown;

/// The queue's tables, for a store that holds others too.
pub const MIGRATIONS: &[&str] = &[
    include_str!("0001_first.sql"),
    include_str!("0002_limits.sql"),
    include_str!("0003_tallies.sql"),
    include_str!("0004_control.sql"),
    include_str!("0005_pauses.sql"),
    include_str!("0006_doubts.sql"),
    include_str!("0007_mailboxes.sql"),
    include_str!("0008_routes.sql"),
    include_str!("0009_clock_steps.sql"),
    include_str!("0010_known_clock.sql"),
];

#[cfg(test)]
mod plans;
