//! Delivery: one worker a lane, a few connections each, inside the limits that
//! the service sets the mailbox.
//!
//! ```text
//!   queue: due ──▶ lane (mailbox, breaker, pause) ──▶ attempt ──▶ connection
//!                    ▲                                │
//!                    └────── what it learnt ──────────┘
//!   attempt: begin ─ MAIL RCPT DATA body ─ record the dot ─ dot ─ finish
//! ```
//!
//! | trouble | what is done |
//! | --- | --- |
//! | the recipient or message is refused | that recipient fails, the sender is told |
//! | 4xx | deferred by the schedule |
//! | the service is down | the lane or the route pauses; one message tries later; after a while mail goes another way, where there is one |
//! | the account's day is used up, the route takes no password | account or route pauses ([`reply`]) |
//! | signing in is refused | breaker opens, the owner is told, the queue keeps the mail |
//! | the reply to the dot is lost | in doubt: looked for among sent mail ([`doubt`]), else by the message's class |

mod alarm;
mod attempt;
mod conclude;
mod connection;
mod doors;
pub(crate) mod doubt;
mod fail_over;
mod foresight;
mod gate;
mod lane;
mod mailbox;
pub mod oauth;
pub mod reply;
mod trouble;
mod verdicts;
mod watchdog;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use mailward_mail::{Clock, Dice};
use mailward_net::{Resolver, Tasks};
use mailward_policy::Profile;
use mailward_queue::{Lane, Queue, QueueError};

use crate::check::same_text_window;
use crate::observe::Observe;
use crate::register::Register;
use crate::route::Routes;
pub use alarm::{Alarm, Alarms};
pub use doors::Doors;
pub use mailbox::{Budgets, LearntLine, LimitLine, Limits, ListLine, MailboxLimits, SendingLimits};
pub use reply::{Action, Meaning, Party, ReplyTable};

/// How long to wait after the store refused, before asking it again.
const STORE_PAUSE: Duration = Duration::from_secs(5);

/// What delivery needs.
#[derive(Clone, Debug)]
pub struct DeliverOptions {
    pub queue: Queue,
    pub routes: Routes,
    /// What the accounts' mailboxes may do.
    pub sending_limits: SendingLimits,
    /// For what may change while a message waits.
    pub register: Arc<Register>,
    pub profile: Profile,
    /// What replies mean.
    pub replies: ReplyTable,
    pub resolver: Arc<dyn Resolver>,
    pub clock: Arc<dyn Clock>,
    pub dice: Arc<dyn Dice>,
    pub alarms: Alarms,
    /// What the lanes share.
    pub doors: Doors,
    pub observe: Observe,
}

/// Settles what an earlier process left, then starts delivering. To be called
/// once, after [`Queue::recover`].
pub fn start(options: DeliverOptions, tasks: &Tasks) {
    let options = Arc::new(options);
    let (dispatcher, spawner) = (Arc::clone(&options), tasks.clone());
    let shutdown = tasks.shutdown().clone();
    tasks.spawn("deliver", async move {
        tokio::select! {
            () = shutdown.begun() => {}
            () = dispatch(dispatcher, spawner) => {}
        }
    });
    let looking = doubt::run(Arc::clone(&options), tasks.shutdown().clone());
    tasks.spawn("doubt", looking);
    let (shutdown, failing_over) = (tasks.shutdown().clone(), Arc::clone(&options));
    tasks.spawn("fail-over", async move {
        tokio::select! {
            () = shutdown.begun() => {}
            () = fail_over::run(failing_over) => {}
        }
    });
    let shutdown = tasks.shutdown().clone();
    tasks.spawn("watchdog", async move {
        tokio::select! {
            () = shutdown.begun() => {}
            () = watchdog::watch(options) => {}
        }
    });
}

/// Starts a worker for every lane that has work. Workers stay: a lane is one
/// account on one route, of which there are few.
async fn dispatch(options: Arc<DeliverOptions>, tasks: Tasks) {
    let mut changes = options.queue.work_changes();
    let mut started: HashSet<Lane> = HashSet::new();
    loop {
        changes.mark_unchanged();
        match options.queue.lanes_with_work().await {
            Ok(lanes) => {
                for (lane, _) in lanes {
                    if started.insert(lane.clone()) {
                        start_lane(&options, &tasks, lane);
                    }
                }
            }
            Err(error) => {
                tracing::error!(%error, "the queue's lanes can't be read");
                options.clock.wait(STORE_PAUSE).await;
                continue;
            }
        }
        // Lanes known already wake by themselves; only a new one matters here.
        if changes.changed().await.is_err() {
            return;
        }
        options.clock.wait(DISPATCH_PAUSE).await;
    }
}

/// Between two looks for new lanes, however much comes in.
const DISPATCH_PAUSE: Duration = Duration::from_millis(20);

fn start_lane(options: &Arc<DeliverOptions>, tasks: &Tasks, lane: Lane) {
    match options.routes.of_lane(&lane) {
        Some((route, account)) => {
            let worker = lane::LaneWorker::new(
                Arc::clone(options),
                lane,
                route.clone(),
                account.clone(),
                tasks.shutdown().clone(),
            );
            tasks.spawn("lane", worker.run());
        }
        None => options.alarms.raise(
            Alarm::new(
                "lane_without_route",
                format!("mail waits for {lane}, which the configuration no longer has"),
            )
            .account(lane.account.as_str()),
        ),
    }
}

/// Takes away what is kept for a time alone.
async fn forget(queue: &Queue) -> Result<(), QueueError> {
    queue.forget_idempotency_keys().await?;
    queue.forget_texts(same_text_window()).await
}
