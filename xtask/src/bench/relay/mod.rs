//! `cargo xtask bench relay`: how many messages a second go all the way, in by
//! TLS and AUTH and out by STARTTLS and AUTH, Mailward beside Postfix.
//!
//! ```text
//!   load ──TLS AUTH──▶ mailward ──STARTTLS AUTH──▶ door: Postfix smtpd ──▶ smtp-sink
//!    ×1, 10, 50        postfix                     + dovecot               counts
//!                      + dovecot ──plain, for the relay's kind──────────▶
//! ```
//!
//! **One figure for the whole hop.** So many messages are sent as fast as they
//! are answered; the clock stops when the sink has the last of them. What
//! counts is the ratio of a pair taken one after the other on one disk, and of
//! the ratios the median. The turn changes from pair to pair. Nothing here is
//! asserted but one thing: what was answered 250 arrives, all of it and
//! nothing twice.
//!
//! **The sink is nobody's of ours.** `smtp-sink` of Postfix counts and throws
//! away. It knows neither TLS nor AUTH, so a Postfix stands before it that
//! does (`smtpd_proxy_filter`): it hands each message on while it comes and
//! keeps none, so no file and no sync of it is in anybody's way. What the
//! sink takes of the machine is printed; both sides pay it alike. The second
//! route, a relay without sign-in, goes to `smtp-sink` straight.
//!
//! **Postfix is not held back.** See `bench accept`; here its client keeps
//! connections over TLS (`smtp_tls_connection_reuse`), begins with as many at
//! once as Mailward is given, checks no certificate, and logs as it does by
//! default.
//!
//! **Mailward is as it ships,** by the high sending route, for which the
//! service publishes no limits. On a submission route the limits of a mailbox
//! can not be raised, so there is nothing to measure.

mod burst;
mod hop;
mod memory;
mod options;
mod report;
mod round;
mod sink;

use super::{disk, interrupt, peer};
use crate::run::{Result, is_installed};
use hop::Bench;
use options::Options;
use report::Report;

pub(crate) fn relay(words: &[&str]) -> Result {
    let options = Options::read(words)?;
    let disk = disk::of(&options.dir)?;
    peer::require_components()?;
    if !is_installed("smtp-sink") {
        return Err("smtp-sink is not here; it comes with Debian's postfix".to_owned());
    }
    interrupt::install()?;
    let bench = Bench::start(&options)?;
    let mut report = Report::new(&options, disk);
    for cell in options.cells() {
        let pairs = round::measure(&bench, cell, &options)?;
        report.add_cell(cell, pairs);
    }
    if options.memory {
        report.memory = Some(memory::measure(&bench, &options)?);
    }
    if options.burst > 0 {
        report.burst = Some(burst::measure(&bench, &options)?);
    }
    drop(bench);
    report.print(options.json);
    Ok(())
}
