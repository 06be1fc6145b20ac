//! What operations see: figures, the log, traces.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

/// Where monitoring asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metrics {
    pub listen: SocketAddr,
    /// With the gateway's own certificate; plain only on the loopback.
    pub tls: bool,
}

/// What is written to standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    pub level: LogLevel,
    pub format: LogFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    Error,
    Warn,
    /// A line for each message that is accepted or refused, and each attempt.
    #[default]
    Info,
    /// Connections and refused handshakes too.
    Debug,
}

impl LogLevel {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    #[default]
    Text,
    /// One JSON object on each line.
    Json,
}

/// Where traces go: a collector that speaks OTLP over HTTP.
#[derive(Clone, Debug, PartialEq)]
pub struct Traces {
    /// Its base, to which `/v1/traces` is added.
    pub endpoint: String,
    pub ca_file: Option<PathBuf>,
    /// The share of messages that are traced, 0 to 1.
    pub sample: f64,
}
