//! The log: lines on standard error, as text or JSON.
//!
//! ```text
//!   event ─▶ level (configuration, MAILWARD_LOG, SIGHUP) ─▶ line ─▶ queue ─▶ mask ─▶ standard error
//! ```
//!
//! What is logged names no recipient, subject or body: each place that logs
//! sees to that, and a test reads the log of a whole run for it. [`mask`] is
//! the second wall, for what libraries and servers say.

mod mask;
mod panic;
mod writer;

use std::sync::OnceLock;

use mailward_gateway::config::{Log, LogFormat, LogLevel};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::reload::Handle;

pub(crate) use mask::own_addresses;
pub(crate) use panic::keep_panics_quiet;
pub(crate) use writer::flush;

/// A full filter, as `MAILWARD_LOG=warn,mailward_net=debug`; it goes before
/// the configuration.
const FILTER: &str = "MAILWARD_LOG";
/// `json` or `text`; it goes before the configuration too.
const FORMAT: &str = "MAILWARD_LOG_FORMAT";

/// For everything but `gateway`: a terminal wants to hear of trouble alone.
pub(crate) const QUIET: Log = Log {
    level: LogLevel::Warn,
    format: LogFormat::Text,
};

/// Changes the filter of a log that has started.
type Change = Box<dyn Fn(EnvFilter) + Send + Sync>;

static CHANGE: OnceLock<Change> = OnceLock::new();

/// Starts the log. To be called once.
pub(crate) fn start(log: Log) {
    let builder = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(writer::Lines::start());
    let filter = filter(log.level);
    let json = match std::env::var(FORMAT) {
        Ok(format) => format == "json",
        Err(_) => log.format == LogFormat::Json,
    };
    if json {
        let builder = builder.json().flatten_event(true);
        let builder = builder.with_env_filter(filter).with_filter_reloading();
        remember(builder.reload_handle());
        builder.init();
    } else {
        let builder = builder.with_target(false).with_env_filter(filter);
        let builder = builder.with_filter_reloading();
        remember(builder.reload_handle());
        builder.init();
    }
}

/// From now on lines of this level and worse are written, unless the
/// environment says otherwise.
pub(crate) fn change_level(level: LogLevel) {
    if let Some(change) = CHANGE.get() {
        change(filter(level));
    }
}

fn remember<S: 'static>(handle: Handle<EnvFilter, S>) {
    // Only a second start would find it set.
    let _ = CHANGE.set(Box::new(move |filter| {
        // Refused only when the log has ended with the program.
        let _ = handle.reload(filter);
    }));
}

/// Our own crates at `level`, those of others at warnings and worse.
fn filter(level: LogLevel) -> EnvFilter {
    EnvFilter::try_from_env(FILTER).unwrap_or_else(|_| {
        let level = level.as_str();
        let others = if level == "error" { "error" } else { "warn" };
        EnvFilter::new(format!("{others},mailward={level},rustls=error"))
    })
}
