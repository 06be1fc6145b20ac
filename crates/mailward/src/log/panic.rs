//! Panics in the log: where, and not what they say.

use std::panic;

/// With this set to `message` what a panic says is logged too.
const SAYS: &str = "MAILWARD_PANIC";

/// A panic's message may quote what was being worked on (a slice that is no
/// whole letter, a value that was not expected), and that may be mail. So the
/// log of a running gateway has its place alone.
pub(crate) fn keep_panics_quiet() {
    let says = std::env::var(SAYS).is_ok_and(|says| says == "message");
    panic::set_hook(Box::new(move |panic| {
        let at = panic.location().map(ToString::to_string);
        let thread = std::thread::current();
        let thread = thread.name().unwrap_or("unnamed");
        let text = panic.payload_as_str().filter(|_| says);
        tracing::error!(
            at,
            thread,
            text,
            "a mistake of ours: a part of the program panicked"
        );
    }));
}
