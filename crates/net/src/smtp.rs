//! SMTP over sockets: drives the conversations of the `wire` crate.
//!
//! A server is a [`Service`] that makes a [`Connection`] for each client; the
//! gateway's intake and the twin's submission endpoint are both one.
//!
//! ```text
//! let server = Server {
//!     service: Arc::new(intake),                       // impl Service
//!     settings: Arc::new(Settings::submission()),
//!     dialect: Arc::new(PlainDialect::new("mail.northmoor.example")),
//!     security: Security::StartTls(server_config(&identity)),
//!     limits: ConnectionLimits::default(),
//!     clock, dice,
//!     tasks: tasks.clone(),
//! };
//! tasks.spawn_vital("submission", server.serve(listener));
//! ```
//!
//! A client is a [`client::ClientSession`].

mod admission;
pub mod client;
mod conversation;
mod receive;
mod serve;
mod service;

pub use admission::ConnectionLimits;
pub use serve::{Security, Server};
pub use service::{Authentication, Connection, Peer, Service, Surroundings};
