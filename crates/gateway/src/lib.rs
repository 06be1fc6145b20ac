//! The application's side: takes mail from applications, checks it, keeps it
//! safe, sends it by whatever the service accepts, and follows each recipient
//! to a named outcome. One message's way is the list of folders:
//!
//! ```text
//!   application
//!       │ SMTP, HTTP
//!       ▼
//!   accept ──▶ check ──▶ queue ──▶ route ──▶ deliver ──▶ outcome
//!   who may    every     a crate   which     over SMTP,  report, callback,
//!   speak,     rule,     of its    way out,  within the  timeline
//!   what came  verdict   own       and why   limits
//! ```
//!
//! Beside the way stand [`config`] (what the gateway is told), [`register`]
//! (who the applications are), [`keystore`] and [`secrets`] (what proves us to
//! the service), and [`observe`] (what operations see).
//!
//! [`doctor`] looks at all of it before mail depends on it.
//!
//! This crate knows nothing of the twin: to it the twin is one more server.

pub mod accept;
pub mod check;

pub mod config;
pub mod deliver;
pub mod doctor;
pub mod gateway;
pub mod keystore;
pub mod observe;
pub mod outcome;
pub mod password;
mod records;
pub mod register;
pub mod route;
pub mod secrets;
pub mod workers;

pub use config::{Config, ConfigErrors};
pub use gateway::{Addresses, Gateway, GatewayError, GatewayOptions, MIGRATIONS, SCHEMA, gates};
pub use keystore::{Keystore, KeystoreError, VersionedSecret};
pub use register::Register;
pub use secrets::{SecretError, Secrets};
