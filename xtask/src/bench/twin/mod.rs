//! `cargo xtask bench twin`: the twin as a test mail server, beside others of
//! its kind in the same run.
//!
//! ```text
//!   load ── SMTP ──▶ mailward twin   (the program as it ships, in memory)
//!     │  ── SMTP ──▶ MailDev         catching
//!     ├─── HTTP ───▶ twin            wait, list, search, worlds
//!     └─── IMAPS ──▶ twin, Dovecot   mixed work; ten thousand that idle
//! ```
//!
//! Every server is a child on the loopback, and the load shares the machine
//! with it. What was accepted is counted and hashed, and compared with what
//! the mailboxes give back: one message lost or changed ends the run with an
//! error. Times and rates are never asserted.
//!
//! **The peers are at their best.** MailDev keeps its mail in a folder in
//! memory; Dovecot has its maildirs there too and syncs nothing.

mod catch;
mod http;
mod idle;
mod imap;
mod letter;
mod list;
mod mixed;
mod options;
mod peers;
mod report;
mod server;
mod smtp;
mod start;
mod wait;
mod worlds;

use super::interrupt;
use super::load::runtime;
use super::peer::mailward;
use crate::run::Result;
use options::{Options, Step};
use report::Report;

pub(crate) fn twin(words: &[&str]) -> Result {
    let options = Options::read(words)?;
    interrupt::install()?;
    mailward::build()?;
    let runtime = runtime()?;
    let mut report = Report::default();
    for step in &options.steps {
        eprintln!("{}", step.name());
        runtime.block_on(async {
            match step {
                Step::Start => start::measure(&options, &mut report).await,
                Step::Catch => catch::measure(&options, &mut report).await,
                Step::Wait => wait::measure(&options, &mut report).await,
                Step::List => list::measure(&options, &mut report).await,
                Step::Idle => idle::measure(&options, &mut report).await,
                Step::Worlds => worlds::measure(&options, &mut report).await,
                Step::Imap => mixed::measure(&options, &mut report).await,
            }
        })?;
    }
    report.print(options.json);
    Ok(())
}
