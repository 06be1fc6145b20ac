//! How the sender learns what became of a message.
//!
//! ```text
//!   queue ── notice ──┬── report: a DSN, queued like any message (RFC 3464)
//!                     └── callback: a signed request (Standard Webhooks)
//! ```
//!
//! Notices are written in the same transaction as the outcome, so none is
//! forgotten; each is handed out again until it is finished.

pub mod callback;
mod report;

use std::sync::Arc;
use std::time::Duration;

use mailward_mail::{Clock, Dice};
use mailward_net::Tasks;
use mailward_queue::{Notice, NoticeKind, Queue, QueueError};

use crate::observe::Observe;

pub use callback::{CallbackTarget, Callbacks};

/// Notices worked on between two looks at the outbox.
const NOTICES_AT_ONCE_MAX: usize = 32;

/// How long to wait after the store refused, before asking it again.
const STORE_PAUSE: Duration = Duration::from_secs(5);

/// What the outcome worker needs.
#[derive(Clone, Debug)]
pub struct OutcomeOptions {
    pub queue: Queue,
    pub callbacks: Callbacks,
    pub clock: Arc<dyn Clock>,
    pub dice: Arc<dyn Dice>,
    /// Our own name, for `Reporting-MTA` and Message-ID.
    pub hostname: String,
    pub observe: Observe,
}

/// Starts the worker that empties the outbox.
pub fn start(options: OutcomeOptions, tasks: &Tasks) {
    let shutdown = tasks.shutdown().clone();
    tasks.spawn("outcome", async move {
        let worker = Worker { options };
        tokio::select! {
            () = shutdown.begun() => {}
            () = worker.run() => {}
        }
    });
}

struct Worker {
    options: OutcomeOptions,
}

/// What one look at the outbox came to.
struct Round {
    notices: usize,
    /// Of these, how many the store could not be told of.
    failed: usize,
}

impl Worker {
    async fn run(&self) {
        let mut changes = self.options.queue.notice_changes();
        loop {
            changes.mark_unchanged();
            match self.round().await {
                Ok(Round { notices: 0, .. }) => self.wait(&mut changes).await,
                // What the store does not take now would fail again at once.
                Ok(Round { failed: 1.., .. }) => self.options.clock.wait(STORE_PAUSE).await,
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(%error, "the outbox can't be read");
                    self.options.clock.wait(STORE_PAUSE).await;
                }
            }
        }
    }

    /// Works off what is due and says how much that was.
    async fn round(&self) -> Result<Round, QueueError> {
        let now = self.options.clock.now();
        let notices = self
            .options
            .queue
            .notices_due(now, NOTICES_AT_ONCE_MAX)
            .await?;
        let mut round = Round {
            notices: notices.len(),
            failed: 0,
        };
        for notice in notices {
            let (id, message) = (notice.id, notice.message);
            if let Err(error) = self.deliver(notice).await {
                round.failed += 1;
                tracing::error!(%message, notice = id.0, %error, "a notice could not be dealt with");
            }
        }
        Ok(round)
    }

    async fn deliver(&self, notice: Notice) -> Result<(), QueueError> {
        match notice.kind {
            NoticeKind::Report | NoticeKind::Delay => report::send(&self.options, notice).await,
            NoticeKind::Callback | NoticeKind::CallbackDelay => {
                callback::send(&self.options, notice).await
            }
        }
    }

    /// Until something new is in the outbox, or what is there falls due.
    async fn wait(&self, changes: &mut tokio::sync::watch::Receiver<u64>) {
        let due = match self.options.queue.next_notice_at().await {
            Ok(Some(next)) => self.options.clock.wait_until(next),
            Ok(None) => Box::pin(std::future::pending()),
            Err(_) => self.options.clock.wait(STORE_PAUSE),
        };
        tokio::select! {
            _ = changes.changed() => {}
            () = due => {}
        }
    }
}
