//! Everything done to the project rather than by it: tests with the programs
//! they need, tidiness, generated documents, benchmarks.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "xtask talks to a person"
)]

mod bench;
mod components;
mod crash;
mod packages;
mod run;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask COMMAND

  test [--quick]     install what the tests need (as root), then run every check:
                     format, lints, tests, generated documents, a minute of
                     kills, a short benchmark of the twin, licences.
                     --quick leaves out what needs programs of others
  install            no more than the first of it
  docs               write the generated documents anew (docs/reference)
  bench accept [--quick] [--json] [--dir DIR]
                     accepted messages a second, and memory of idle connections,
                     beside Postfix in the same run (as root; ten minutes, or
                     one with --quick). DIR is on the disk to measure [/var/tmp]
  bench relay [--quick] [--json] [--dir DIR] [--messages N] [--pairs N]
              [--only cells|memory|burst] [--connections 1|10|50] [--burst N]
                     messages a second from application to far end beside
                     Postfix doing the same hop, memory of connections and queued
                     messages, and a burst of 100,000 (as root; a quarter of an
                     hour, or two minutes with --quick)
  bench backlog [--messages N] [--dir DIR]
                     what a scheduling step, a restart and memory cost with
                     1,000, 100,000 and N messages waiting [1,000,000]
  bench rules        what judging a message costs, beside plain passes over
                     the same octets (a minute; run it by --release)
  bench twin [start|catch|wait|list|idle|worlds|imap ...] [--quick] [--json]
             [--messages N] [--peers on|off]
                     the twin as a test mail server: its start, messages caught
                     a second beside MailDev, waits, lists and searches over N
                     messages [1,000,000], idle connections, worlds, and mixed
                     work over IMAP beside Dovecot (as root, for Dovecot)
  crash [power|full|clock] [--far-end own|postfix] [--kills N] [--minutes M]
        [--seed S] [--json] [--dir DIR] [--program FILE]
                     kills the gateway under load and audits its queue; with
                     power, takes its disk away instead; with full, fills it
                     first (both as root); with clock, sets its clock back and
                     forth; with postfix, Postfix and Dovecot are the far end
                     (as root)
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["test"] => test::everything(),
        ["test", "--quick"] => test::quick(),
        ["install"] => test::install(),
        ["docs"] => test::write_documents(),
        ["bench", "accept", rest @ ..] => bench::accept(rest),
        ["bench", "backlog", rest @ ..] => bench::backlog(rest),
        ["bench", "relay", rest @ ..] => bench::relay(rest),
        ["bench", "rules", rest @ ..] => bench::rules(rest),
        ["bench", "twin", rest @ ..] => bench::twin(rest),
        ["crash", rest @ ..] => crash::crash(rest),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("xtask: {problem}");
            ExitCode::FAILURE
        }
    }
}
