//! Records leave the store once they are older than the configuration wants.

use std::sync::Arc;
use std::time::Duration;

use mailward_mail::Clock;
use mailward_net::Tasks;
use mailward_queue::{Queue, QueueError};

/// Between two looks; records are days old before they leave.
const LOOK_EVERY: Duration = Duration::from_secs(3600);

/// Between two rounds while there is more, so that mail goes first.
const ROUND_PAUSE: Duration = Duration::from_millis(200);

/// Starts the worker, unless records are kept for ever.
pub(crate) fn start(queue: Queue, kept: Option<Duration>, clock: Arc<dyn Clock>, tasks: &Tasks) {
    let Some(kept) = kept else {
        return;
    };
    let shutdown = tasks.shutdown().clone();
    tasks.spawn("records", async move {
        loop {
            let wait = match round(&queue, kept).await {
                Ok(true) => ROUND_PAUSE,
                Ok(false) => LOOK_EVERY,
                Err(error) => {
                    tracing::warn!(%error, "old records cannot be removed");
                    LOOK_EVERY
                }
            };
            tokio::select! {
                () = shutdown.begun() => return,
                () = clock.wait(wait) => {}
            }
        }
    });
}

/// True if there is more to remove.
async fn round(queue: &Queue, kept: Duration) -> Result<bool, QueueError> {
    let forgotten = queue.forget_ended(kept).await?;
    if forgotten.messages > 0 {
        tracing::info!(
            messages = forgotten.messages,
            rows = forgotten.rows,
            "records of messages that ended long ago were removed"
        );
    }
    Ok(forgotten.more)
}
