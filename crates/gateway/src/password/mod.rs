//! The passwords of the accounts we send as: how old they are, whether two
//! accounts share one, and larger lists of breached ones.
//!
//! ```text
//!   configuration, keystore ─▶ age ─▶ watch ─▶ alarms at 18, 10, 5, 2, 1 and 0 days
//!                           └▶ shared: refused at the start
//! ```

mod age;
mod breached;
mod shared;
mod watch;

pub use age::{AccountAge, SignsInBy, account_ages};
pub use breached::BreachedFile;
pub use shared::{SharedSecret, shared_secret};
pub(crate) use watch::{MIGRATION, Watch};
