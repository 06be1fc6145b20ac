//! What may have been sent is looked for among sent mail.
//!
//! ```text
//!   queue: doubts_due ─▶ one session for each lane ─▶ search by Message-ID
//!        ▲                 (breaker, folder)              │
//!        │                                          judge: is it ours?
//!        └────────── doubt_looked: found, absent, … ◀─────┘
//! ```
//!
//! | what a look comes to | then |
//! | --- | --- |
//! | a copy with our mark, or alone in its time | relayed, with the evidence |
//! | nothing, at every look, and sent mail is filed there | sent again |
//! | the folder can't be read now | another look, later; after a while the class decides, and a person is told |
//! | nobody will be able to tell | the message's class decides: held, or sent again |
//!
//! The times and the tally are the queue's; a restart goes on where they stand.

pub(crate) mod folder;
mod judge;
mod look;
pub(super) mod mark;

use std::collections::HashMap;
use std::sync::Arc;

use mailward_net::Shutdown;
use mailward_queue::{DueDoubt, Lane, QueueError};
use tokio::task::{Id, JoinSet};

use super::{DeliverOptions, STORE_PAUSE};

/// Doubts taken from the queue at a time; the rest stay where they are.
const DUE_MAX: usize = 200;
/// Accounts whose folders are looked into at one time, with one connection
/// each: far fewer than a service allows a mailbox for reading.
const AT_ONCE_MAX: usize = 4;

/// Looks when it is time to, until shutdown begins.
pub(super) async fn run(options: Arc<DeliverOptions>, shutdown: Shutdown) {
    let mut worker = Worker {
        options,
        under_way: JoinSet::new(),
        busy: HashMap::new(),
    };
    tokio::select! {
        () = shutdown.begun() => {}
        () = worker.work() => {}
    }
    // What is under way is a look that nobody has told of: it is made again.
    worker.under_way.shutdown().await;
}

struct Worker {
    options: Arc<DeliverOptions>,
    under_way: JoinSet<Result<(), QueueError>>,
    /// The lanes that are looked for, by task.
    busy: HashMap<Id, Lane>,
}

impl Worker {
    async fn work(&mut self) {
        let queue = self.options.queue.clone();
        let clock = Arc::clone(&self.options.clock);
        let mut changes = queue.doubt_changes();
        loop {
            changes.mark_unchanged();
            let now = clock.now();
            let next = match self.begin(now).await {
                Ok(()) => queue.next_look_after(now).await,
                Err(error) => Err(error),
            };
            let next = match next {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(%error, "mail in doubt can't be read from the queue");
                    Some(now.plus(STORE_PAUSE))
                }
            };
            let alarm = async {
                match next {
                    Some(moment) => clock.wait_until(moment).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(ended) = self.under_way.join_next_with_id() => {
                    let (id, result) = match ended {
                        Ok((id, result)) => (id, result.map_err(|error| error.to_string())),
                        Err(error) => (error.id(), Err(error.to_string())),
                    };
                    self.busy.remove(&id);
                    if let Err(error) = result {
                        tracing::error!(error, "a look for mail in doubt broke off");
                        clock.wait(STORE_PAUSE).await;
                    }
                }
                _ = changes.changed() => {}
                () = alarm => {}
            }
        }
    }

    /// Starts a look for every lane that has something due and none under way.
    async fn begin(&mut self, now: mailward_mail::Timestamp) -> Result<(), QueueError> {
        if self.busy.len() >= AT_ONCE_MAX {
            return Ok(());
        }
        let mut lanes: HashMap<Lane, Vec<DueDoubt>> = HashMap::new();
        for doubt in self.options.queue.doubts_due(now, DUE_MAX).await? {
            if !self.busy.values().any(|lane| *lane == doubt.lane) {
                lanes.entry(doubt.lane.clone()).or_default().push(doubt);
            }
        }
        for (lane, doubts) in lanes {
            if self.busy.len() >= AT_ONCE_MAX {
                break;
            }
            let (options, of) = (Arc::clone(&self.options), lane.clone());
            let task = self
                .under_way
                .spawn(async move { look::run(&options, &of, doubts).await });
            self.busy.insert(task.id(), lane);
        }
        Ok(())
    }
}
