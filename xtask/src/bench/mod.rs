//! `cargo xtask bench accept`: how many messages a second are answered 250,
//! Mailward beside Postfix, on one machine, on one disk, in one run.
//!
//! ```text
//!   load ─── client ×1, 10, 50 ──TLS──▶ mailward   peer/ starts them, on
//!            EHLO STARTTLS EHLO AUTH    postfix    ports of their own, in
//!            MAIL RCPT DATA body .      + dovecot  one temporary folder
//! ```
//!
//! A figure alone says more of the machine than of the program, so each is
//! taken in pairs: Mailward and Postfix by turns, the turn changing from pair
//! to pair. What counts is the ratio, and of the ratios the median. Nothing
//! here is asserted.
//!
//! **What is alike.** The message, its one recipient, the certificate (ECDSA
//! P-256), key exchange (X25519) and cipher; both sign in by AUTH PLAIN and
//! sync to the disk before they say 250; neither is asked to resume a TLS
//! session. Both begin every round with an empty queue, a settled disk, and
//! memory for their files that the host of a virtual machine has handed over.
//!
//! **What is measured is acceptance alone.** Postfix puts the mail on hold
//! (`check_recipient_access static:HOLD`): it is synced, and its queue manager
//! never looks at it. Mailward is given a route to a closed port: the first
//! message is tried, the lane pauses, the rest waits. So Mailward still does
//! what a queue does with new mail, and Postfix less than that.
//!
//! **Postfix is not held back.** No limit of its anvil applies, as many
//! processes may run as there are connections, they live for many sessions,
//! and `in_flow_delay`, which slows the intake down while nothing is
//! delivered, is off. Its sign-ins go to Dovecot with the password in plain
//! text, the cheapest there is. With a connection per message it speaks
//! TLS 1.2: with 1.3 every handshake waits 40 ms for a delayed
//! acknowledgement, which says nothing of its speed. Mailward speaks 1.3.
//!
//! **The load shares the machine.** It is one thread, sends each message from
//! one buffer and checks no certificate; it pipelines nothing, as the mail
//! libraries of applications do not. What it costs is printed with the rest.
#![allow(
    clippy::disallowed_methods,
    reason = "a benchmark reads the real clock and opens sockets to the servers it started"
)]

mod backlog;
mod client;
mod disk;
mod idle;
mod interrupt;
mod load;
mod message;
mod options;
mod peer;
mod processes;
mod relay;
mod report;
mod rounds;
mod rules;
mod tls;
mod twin;

pub(crate) use backlog::backlog;

use crate::run::Result;
use options::Options;
use peer::Peers;
pub(crate) use relay::relay;
use report::Report;
pub(crate) use rules::rules;
pub(crate) use twin::twin;

pub(crate) fn accept(words: &[&str]) -> Result {
    let options = Options::read(words)?;
    let disk = disk::of(&options.dir)?;
    peer::require_components()?;
    interrupt::install()?;
    let mut peers = Peers::start(&options)?;
    let mut report = Report::new(&options, disk);
    for cell in rounds::CELLS {
        let measured = rounds::measure(&mut peers, cell, &options)?;
        report.add_cell(cell, measured);
    }
    report.add_idle(idle::measure(&mut peers, &options)?);
    drop(peers);
    report.print(options.json);
    Ok(())
}
