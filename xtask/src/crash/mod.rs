//! `cargo xtask crash`: kills the gateway at random moments under load, starts
//! it again on the same folder, and audits what became of every message.
//!
//! ```text
//!   load ──SMTP, HTTP──▶ mailward gateway ──STARTTLS, AUTH──▶ far end
//!    │                     SIGKILL, again                        │
//!    │                     and again                             │
//!    └─ what it was told ──────────▶ audit ◀───── what it took ──┘
//!                                      ▲
//!                        the queue's rows, at rest
//! ```
//!
//! The far end is the laboratory's own, or a Postfix with a Dovecot, whose
//! deliveries are audited in the same way and whose sent mail settles doubts.
//!
//! Three processes, each with a memory of its own: the load is this program
//! and writes down every 250 and 202; the gateway is the release build with a
//! store folder; the far end syncs a ledger before each of its 250s. The far
//! end also loses replies on purpose, before and after it took the message.
//!
//! **A breach** is anything that the [promise](../../../docs/explanation/durability.md)
//! excludes. Then the exit status is not 0, and folder and seed are left. The
//! seed repeats every choice of load, far end and killer; when each of them
//! gets its turn is the machine's.
#![allow(
    clippy::disallowed_methods,
    reason = "the laboratory kills real processes at real moments, over real sockets"
)]

mod audit;
mod chance;
mod clock;
mod far_end;
mod full;
mod gateway;
mod load;
mod message;
mod options;
mod person;
mod power;
mod report;
mod run;
mod scene;
mod tls;

use crate::run::Result;
use options::Options;

pub(crate) fn crash(words: &[&str]) -> Result {
    if let [far_end::COMMAND, rest @ ..] = words {
        return far_end::run(rest);
    }
    let options = Options::read(words)?;
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| format!("no runtime: {error}"))?
        .block_on(run::run(&options))
}
