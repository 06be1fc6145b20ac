//! Spans on their way to the collector: OTLP over HTTP, in batches.
//!
//! A collector that is away costs mail nothing: spans wait in a bounded
//! buffer, a batch is tried three times, and what is lost is counted.

use std::sync::Arc;
use std::time::Duration;

use mailward_mail::Clock;
use mailward_net::http::client::Options;
use mailward_net::http::{HttpClient, HttpError};
use mailward_net::metrics::Counter;
use mailward_net::tls::client_config;
use mailward_net::{Resolver, Shutdown, SystemClock, Trust};
use tokio::sync::mpsc::Receiver;

use super::{Span, Tracer, otlp};
use crate::config::Traces;
use crate::observe::Observe;
use crate::observe::seldom::Seldom;
use crate::route::AssembleError;

/// Spans in one request.
const BATCH_MAX: usize = 512;

/// How long a span may wait for others.
const BATCH_WAIT: Duration = Duration::from_secs(2);

/// For one try; the drain at the end of the program is longer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Before the second and the third try.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

/// Takes spans from the buffer and posts them.
#[derive(Debug)]
pub(crate) struct Exporter {
    url: String,
    http: HttpClient,
    hostname: String,
    waiting: Receiver<Span>,
    sent: Counter,
    dropped: Counter,
    seldom: Seldom,
}

/// What became of one try.
enum Tried {
    Taken,
    /// The collector may take it later.
    Later(String),
    /// It will not.
    Never(String),
}

impl Exporter {
    /// From now on `observe` tells its spans to this exporter, which sends
    /// them once it runs.
    pub(crate) fn new(
        observe: &Observe,
        traces: &Traces,
        hostname: &str,
        resolver: &Arc<dyn Resolver>,
    ) -> Result<Self, AssembleError> {
        let trust = traces.ca_file.clone().map_or(Trust::System, Trust::CaFile);
        let options = Options {
            timeout: TIMEOUT,
            ..Options::new(
                client_config(&trust)?,
                Arc::clone(resolver),
                Arc::new(SystemClock),
            )
        };
        let (sent, dropped) = observe.span_counters();
        let (tracer, waiting) = Tracer::new(traces.sample, dropped.clone());
        observe.trace(tracer);
        Ok(Self {
            url: format!("{}/v1/traces", traces.endpoint),
            http: HttpClient::new(options)?,
            hostname: hostname.to_owned(),
            waiting,
            sent,
            dropped,
            seldom: Seldom::default(),
        })
    }

    /// Works until shutdown begins, then sends what waits, once.
    pub(crate) async fn run(mut self, shutdown: Shutdown) {
        // The gateway's own clock may stand on another day.
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                taken = self.waiting.recv_many(&mut batch, BATCH_MAX) => {
                    if taken == 0 {
                        return;
                    }
                }
                () = shutdown.begun() => break,
            }
            tokio::select! {
                () = clock.wait(BATCH_WAIT) => {}
                () = shutdown.begun() => {}
            }
            while batch.len() < BATCH_MAX
                && let Ok(span) = self.waiting.try_recv()
            {
                batch.push(span);
            }
            self.send(&batch, &*clock, &shutdown).await;
            batch.clear();
        }
        while let Ok(span) = self.waiting.try_recv() {
            batch.push(span);
        }
        if !batch.is_empty() {
            self.send(&batch, &*clock, &shutdown).await;
        }
    }

    async fn send(&mut self, batch: &[Span], clock: &dyn Clock, shutdown: &Shutdown) {
        let version = env!("CARGO_PKG_VERSION");
        let body = otlp::request(batch, &self.hostname, version);
        let mut pauses = PAUSES.iter();
        let why = loop {
            match self.post(body.clone()).await {
                Tried::Taken => {
                    self.sent.add(batch.len() as u64);
                    return;
                }
                Tried::Never(why) => break why,
                Tried::Later(why) => {
                    let Some(pause) = pauses.next().filter(|_| !shutdown.has_begun()) else {
                        break why;
                    };
                    tokio::select! {
                        () = clock.wait(*pause) => {}
                        () = shutdown.begun() => {}
                    }
                }
            }
        };
        self.dropped.add(batch.len() as u64);
        if let Some(before) = self.seldom.may("traces", clock.now()) {
            tracing::warn!(why, batches_before = before, "the collector took no spans");
        }
    }

    async fn post(&self, body: Vec<u8>) -> Tried {
        let headers = [("content-type", "application/x-protobuf")];
        let answer = self.http.post_bytes(&self.url, &headers, body.into()).await;
        match answer {
            Ok(answer) if answer.status.is_success() => Tried::Taken,
            Ok(answer) => {
                let code = answer.status.as_u16();
                let why = format!("it answered {code}");
                // As the protocol lists them.
                if matches!(code, 429 | 502 | 503 | 504) {
                    Tried::Later(why)
                } else {
                    Tried::Never(why)
                }
            }
            Err(error @ HttpError::BadRequest(_)) => Tried::Never(error.to_string()),
            Err(error) => Tried::Later(error.to_string()),
        }
    }
}
