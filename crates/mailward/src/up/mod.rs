//! `up`, `twin` and `gateway`: putting the halves together, saying when they
//! are ready, and stopping them.
//!
//! ```text
//!   seed ──▶ twin ──▶ its ports ──▶ gateway configuration ──▶ gateway ──▶ ready
//!                                                               │
//!                       signal ──▶ drain ──▶ stores closed ◀────┘
//! ```

mod development;
mod once;
mod production;
mod secrets;
mod standing;

pub(crate) use development::{twin, up};
pub(crate) use production::gateway;

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use mailward_mail::{Clock, Dice};
use mailward_net::tasks::{Drained, Signal, Signals};
use mailward_net::{Resolver, ShiftedClock, SystemClock, SystemDice, SystemResolver, Tasks};
use mailward_queue::Queue;

use crate::ready::Ready;

/// How long what is under way may take to end after a signal.
const DRAIN: Duration = Duration::from_secs(20);

/// What everything is started with: one clock, one dice, one resolver.
#[derive(Debug)]
pub(crate) struct Surroundings {
    pub(crate) clock: Arc<ShiftedClock>,
    pub(crate) dice: Arc<dyn Dice>,
    pub(crate) resolver: Arc<dyn Resolver>,
    pub(crate) tasks: Tasks,
    /// Caught from the very start, so that a signal right after the ready
    /// object drains as any other does.
    signals: tokio::sync::Mutex<Signals>,
}

impl Drop for Surroundings {
    /// A start that failed half-way takes back what it had begun, quietly.
    fn drop(&mut self) {
        self.tasks.shutdown().begin();
    }
}

impl Surroundings {
    fn new() -> Result<Self, String> {
        let signals = mailward_net::tasks::signals()
            .map_err(|error| format!("signals can't be waited for: {error}"))?;
        Ok(Self {
            signals: tokio::sync::Mutex::new(signals),
            clock: Arc::new(ShiftedClock::new(Arc::new(SystemClock))),
            dice: Arc::new(SystemDice),
            resolver: Arc::new(SystemResolver::default()),
            tasks: Tasks::new(),
        })
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock) as Arc<dyn Clock>
    }

    /// Waits for a signal or the end of something vital. SIGHUP has the lanes
    /// look again: each finds the secrets as they are then.
    async fn until_stopped(&self, queue: Option<&Queue>) -> Result<(), String> {
        let mut signals = self.signals.lock().await;
        loop {
            tokio::select! {
                signal = signals.next() => match (signal, queue) {
                    (Signal::Reload, Some(queue)) => queue.wake(),
                    (Signal::Reload, None) => {}
                    (Signal::Interrupt | Signal::Terminate, _) => return Ok(()),
                },
                () = self.tasks.shutdown().begun() => {
                    return Err("a part that must run has ended; see the log".to_owned());
                }
            }
        }
    }

    /// Lets what is under way end.
    async fn drain(&self) {
        // On the system's clock: the twin's may be moved.
        let deadline = SystemClock.now().plus(DRAIN);
        if let Drained::CutOff(names) = self.tasks.drain(&SystemClock, deadline).await {
            tracing::warn!(?names, "cut off at the end of the drain");
        }
    }
}

/// One line of JSON, or the table for a person.
fn announce(ready: &Ready, json: bool) -> Result<(), String> {
    let text = if json {
        ready.to_json() + "\n"
    } else {
        ready.to_table()
    };
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| format!("standard output is closed: {error}"))
}
