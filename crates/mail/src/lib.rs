//! The nouns of mail: addresses, envelopes, header fields, replies, outcomes,
//! secrets and time. Everything above speaks in these types.
//!
//! This crate knows no I/O: no socket, no disk, no runtime, and no clock or
//! dice but those passed in.

pub mod address;
pub mod envelope;
pub mod header;
pub mod id;
pub mod mime;
pub mod outcome;
pub mod reply;
pub mod report;
pub mod secret;
pub mod time;

pub use address::{Address, AddressError, Domain, ForwardPath, ReversePath};
pub use envelope::{BodyType, Envelope, Notify, Recipient, Ret};
pub use id::MessageId;
pub use outcome::Outcome;
pub use reply::{EnhancedCode, Reply};
pub use secret::Secret;
pub use time::{Clock, Dice, Timestamp};
