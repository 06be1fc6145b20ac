//! Delivery against a far end that follows a script: what each refusal does
//! to the message, the account, the route, and how often it is tried.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod fail_over;
mod far;
mod foresight;
mod pauses;
mod setting;
mod sign_in;
