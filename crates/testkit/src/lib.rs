//! What many tests need: a clock that moves only when told, seeded dice,
//! throwaway TLS, free ports and a scripted line client.
//!
//! A dev-dependency only. Its helpers panic, with the story so far, instead
//! of returning errors, and give up after [`PATIENCE`] instead of hanging.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests fails the test"
)]

use std::time::Duration;

pub mod clock;
pub mod disk;
pub mod lines;
pub mod ports;
pub mod tls;

pub use clock::SimulatedClock;
pub use disk::FaultyDisk;
pub use lines::Lines;
pub use mailward_net::SeededDice;
pub use tls::TestTls;

/// How long, in real time, a helper waits for the other side before it fails
/// the test. Only ever reached when something is broken.
pub const PATIENCE: Duration = Duration::from_secs(20);
