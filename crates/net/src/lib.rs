//! The machine underneath: the only sockets, TLS, name lookups, clock, chance
//! and spawned tasks of the program.
//!
//! ```text
//!   listen ─┐                        ┌─ smtp   (drives the SMTP conversation)
//!           ├─ stream ── tls ────────┼─ imap   (a client's side)
//!   connect ┘     │                  └─ http   (axum in, reqwest out)
//!     │        authority (the development CA)
//!    dns
//!   local: lines over a socket file, for the operator
//!   datagrams: by which a name server is asked
//!   metrics: counters, histograms and their text
//!   clock   dice   tasks: passed to everything above
//! ```
//!
//! This crate knows no mail rule: not who may send, what a message may hold,
//! when to retry, nor what any reply means. It knows no queue, no store and no
//! configuration file; limits and timeouts come from the caller, and each has
//! a name.

pub mod authority;
pub mod certificate;
pub mod clock;
pub mod connect;
mod datagrams;
pub mod dice;
pub mod dns;
mod files;
pub mod http;
pub mod imap;
pub mod listen;
pub mod local;
pub mod metrics;
pub mod smtp;
pub mod stream;
pub mod tap;
pub mod tasks;
pub mod tls;

pub use authority::DevAuthority;
pub use certificate::Certificate;
pub use clock::{HeldClock, ShiftedClock, SystemClock};
pub use connect::{ConnectError, connect};
pub use datagrams::Datagrams;
pub use dice::{SeededDice, SystemDice};
pub use dns::{Resolver, StaticResolver, SystemResolver};
pub use listen::{BindError, Listener};
pub use stream::Stream;
pub use tasks::{Shutdown, Tasks};
pub use tls::{ServerIdentity, TlsFacts, Trust};
