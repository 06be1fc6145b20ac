//! Figures about the running program: counters and histograms that cost an
//! atomic addition or two, and their text for Prometheus.
//!
//! ```text
//!   table of definitions ──┬──▶ Registry ── counter, histogram ──▶ counted where it happens
//!                          │                                        │
//!                          ├──▶ Exposition ◀── figures read when asked ── /metrics
//!                          └──▶ the reference page
//! ```
//!
//! A name that is in no table cannot be counted. Label values come from the
//! configuration or from closed lists; each family holds [`SERIES_MAX`] of them
//! at most, and what is beyond counts as `other`, so that nothing from outside
//! can make the program grow.

mod exposition;
pub mod process;
mod registry;

pub use exposition::Exposition;
pub use registry::{Counter, Gauge, Held, Histogram, Registry, SERIES_MAX};

/// One figure as all its readers know it.
#[derive(Debug)]
pub struct Definition {
    /// By the conventions of Prometheus: the unit last, `_total` on counters.
    pub name: &'static str,
    pub kind: Kind,
    pub labels: &'static [&'static str],
    /// One sentence: what is counted.
    pub help: &'static str,
    /// What an operator makes of it, for the reference page.
    pub watch: &'static str,
}

/// How its values behave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only ever grows, from 0 at the start of the program.
    Counter,
    /// May go either way.
    Gauge,
    /// Durations, with the upper bounds of the buckets in seconds.
    Histogram(&'static [f64]),
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// The content type of [`Exposition::into_text`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
