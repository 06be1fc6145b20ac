//! The twin: NHSmail to test against, on this machine.
//!
//! ```text
//!   submission ── sign-in ── checks at end of DATA ── deliver ── mailboxes
//!   relay ── address, sender ──────┼─────────────────────┤           │
//!   catch ── anybody, as it came ─┼─────────────────────┼───────────┤
//!   oauth ── tokens ──┘            │                     │           │
//!   imap, pop ── sign-in ──────────┼─────────────────────┼───────────┘
//!   control ── accounts, clock     └── events: why       └── NDRs
//! ```
//!
//! Clients see only what the service would say; the event log says why.
//!
//! This crate does not know the gateway and shares none of its deciding code:
//! what a rule of the gateway avoids, a behaviour here punishes, and the two
//! agree only because both cite the same clause. It makes no outbound
//! connection at all.

mod accounts;
mod api;
mod asof;
pub mod behaviour;
mod catch;
mod common;
mod conduct;
mod control;
mod deeds;
mod deliver;
mod dns;
mod door;
mod due;
mod error;
mod events;
pub mod faults;
pub mod figures;
mod imap;
mod kept;
mod listen;
pub mod manners;
mod message;
mod names;
mod ndr;
pub mod oauth;
mod openapi;
mod own;
mod pace;
mod pop;
pub mod portal;
mod relay;
mod remedy;
mod reshape;
mod scan;
mod schema;
pub mod seed;
mod senders;
mod service;
mod sessions;
mod shelf;
mod submission;
mod tally;
mod trace;
pub mod transcripts;
mod world;
mod worlds;

pub use accounts::{Account, Accounts, Change};
pub use asof::{AsOf, CHANGES};
pub use behaviour::{BEHAVIOURS, Behaviour, Standing};
pub use deliver::{Audience, AutoReply, HELD, OUTSIDE, QUARANTINE, Reading};
pub use error::TwinError;
pub use events::{Event, EventLog};
pub use faults::{FaultSpec, Faults};
pub use oauth::AppRegistration;
pub use pace::Rates;
pub use service::{Endpoints, OAuthClient, Population, Throttling, Twin, TwinOptions};
pub use trace::MessageNumber;
pub use worlds::WorldLimits;
