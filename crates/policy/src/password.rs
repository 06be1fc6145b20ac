//! The password policy of NHSmail (GUIDE-19 to 33), as whoever makes or
//! changes a password must keep it.
//!
//! ```text
//!   check ── password, account, former passwords, breached list ─▶ every fault
//!   generate ── dice, account, breached list ─▶ a password without faults
//!   age ── when it was changed ─▶ when it expires, which warning is due
//! ```
//!
//! Where sources differ the stricter holds: C4 (guide: no mix of characters;
//! page of 7 July 2023: application accounts need one), C5 (guide: not the
//! address prefix; page: neither first nor last name, no spaces), C10 (365
//! days or 12 calendar months: the earlier day).

mod age;
mod breached;
mod check;
mod fault;
mod generate;

pub use age::{Standing, days_left, expires_at, standing};
pub use breached::{BreachedList, BreachedListError, CommonPasswords};
pub use check::{PasswordAccount, check};
pub use fault::PasswordFault;
pub use generate::{GenerateError, generate};
