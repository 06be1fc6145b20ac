//! The rounds of fail-over: looks at each account's own routes, decides
//! ([`decide`]), moves what is due in bounded batches, and tries a route that
//! was left without putting a message at risk: it signs in and hangs up.
//!
//! Which lane is diverted is kept in the queue, so that a restart goes on with
//! it; how far a walk over a lane has come is not: it begins anew.

mod look;
mod too_much;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use mailward_queue::{Cause, Diversion, Lane, QueueError, RerouteJudge, Walk};

use super::connection::What;
use super::gate::{Gate, MayBegin};
use super::mailbox::{Asked, Start};
use super::reply::Action;
use super::{Alarm, DeliverOptions, attempt, connection, trouble};
use crate::route::fail_over::{Act, Facts, decide};
use crate::route::reroute::{self, RerouteFacts};
use look::Look;
pub(super) use too_much::{TooMuch, is_day_used_up};

/// How often it looks.
const PERIOD: Duration = Duration::from_secs(10);

/// Between two tries of a route that was left.
const PROBE_PERIOD: Duration = Duration::from_secs(60);

/// Batches of one lane in one round; the rest is the next one's.
const BATCHES_MAX: usize = 100;

/// A lane whose mail may not go another way is walked over again after this,
/// and after twice as long each time that nothing was moved.
const WALK_PAUSE: Duration = PERIOD;
const WALK_PAUSE_MAX: Duration = Duration::from_secs(600);

/// The alarm's kind.
const ALARM: &str = "failed_over";

pub(super) async fn run(options: Arc<DeliverOptions>) {
    let judge = reroute::judge_unattended(RerouteFacts {
        register: Arc::clone(&options.register),
        profile: options.profile,
        clock: Arc::clone(&options.clock),
    });
    let mut rounds = Rounds {
        options,
        judge,
        walks: HashMap::new(),
        probed: HashMap::new(),
    };
    loop {
        if let Err(error) = rounds.round().await {
            tracing::error!(%error, "fail-over can't do its round");
        }
        rounds.options.clock.wait(PERIOD).await;
    }
}

struct Rounds {
    options: Arc<DeliverOptions>,
    judge: RerouteJudge,
    /// Of lanes that are diverted.
    walks: HashMap<Lane, Progress>,
    /// When a route that was left was tried last; in steady time.
    probed: HashMap<Lane, Duration>,
}

/// How far a lane was walked over.
#[derive(Clone, Copy, Debug)]
struct Progress {
    next: Walk,
    /// In steady time.
    not_before: Duration,
    pause: Duration,
    moved: u64,
}

impl Progress {
    const START: Self = Self {
        next: Walk::START,
        not_before: Duration::ZERO,
        pause: WALK_PAUSE,
        moved: 0,
    };
}

impl Rounds {
    async fn round(&mut self) -> Result<(), QueueError> {
        let options = Arc::clone(&self.options);
        let look = Look::take(&options).await?;
        for lane in look.lanes(&options) {
            let standing = look.standing(&lane);
            let trouble = look.trouble(&options, &lane).await?;
            let candidates = look
                .candidates(&options, &lane, trouble.as_ref(), standing)
                .await?;
            let act = decide(&Facts {
                now: options.clock.now(),
                lane: &lane,
                terms: look.terms(&lane),
                standing,
                trouble: trouble.as_ref(),
                candidates: &candidates,
            });
            let standing = self.act(&lane, standing.cloned(), act).await?;
            if let Some(standing) = standing {
                self.probe(&lane, &standing).await?;
                self.carry_over(&standing).await?;
            }
        }
        Ok(())
    }

    /// Writes the decision down. Gives what stands now.
    async fn act(
        &mut self,
        lane: &Lane,
        standing: Option<Diversion>,
        act: Act,
    ) -> Result<Option<Diversion>, QueueError> {
        let options = &self.options;
        match act {
            Act::Nothing => {
                if let Some(standing) = &standing {
                    options.alarms.keep(alarm(standing));
                }
                Ok(standing)
            }
            Act::Note(diversion) => {
                options.queue.divert(diversion.clone()).await?;
                Ok(Some(diversion))
            }
            Act::Divert(diversion) => {
                options.queue.divert(diversion.clone()).await?;
                tracing::warn!(
                    from = %lane.route, to = %diversion.to, account = %lane.account,
                    cause = diversion.cause.as_str(), "mail goes another way"
                );
                options.alarms.renew(alarm(&diversion));
                self.walks.insert(lane.clone(), Progress::START);
                Ok(Some(diversion))
            }
            Act::End => {
                options.queue.end_diversion(lane).await?;
                tracing::info!(route = %lane.route, account = %lane.account, "mail goes its own way again");
                options.alarms.clear(ALARM, lane.account.as_str());
                self.walks.remove(lane);
                self.probed.remove(lane);
                Ok(None)
            }
        }
    }

    /// Moves what is due, as far as one round goes.
    async fn carry_over(&mut self, diversion: &Diversion) -> Result<(), QueueError> {
        // It is coming back: what is here may as well go from here.
        if diversion.good_since.is_some() {
            return Ok(());
        }
        let clock = &self.options.clock;
        let walk = self.walks.entry(diversion.from.clone());
        let walk = walk.or_insert(Progress::START);
        if clock.steady() < walk.not_before {
            return Ok(());
        }
        for _ in 0..BATCHES_MAX {
            let queue = &self.options.queue;
            let done = queue
                .move_diverted(diversion, walk.next, &self.judge)
                .await?;
            walk.moved += done.moved;
            let (from, to) = (diversion.from.route.as_str(), diversion.to.as_str());
            self.options.observe.diverted(from, to, done.moved);
            match done.next {
                Some(next) => walk.next = next,
                None => {
                    let pause = match walk.moved {
                        0 => (walk.pause * 2).min(WALK_PAUSE_MAX),
                        _ => WALK_PAUSE,
                    };
                    *walk = Progress {
                        not_before: clock.steady() + pause,
                        pause,
                        ..Progress::START
                    };
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Tries the route that was left: a name, a connection, TLS, a sign-in.
    async fn probe(&mut self, lane: &Lane, diversion: &Diversion) -> Result<(), QueueError> {
        if matches!(
            diversion.cause,
            Cause::Retired | Cause::SignIn | Cause::Limits
        ) {
            return Ok(());
        }
        let options = &self.options;
        let now = options.clock.steady();
        let last = self.probed.get(lane).copied();
        if last.is_some_and(|last| now.saturating_sub(last) < PROBE_PERIOD) {
            return Ok(());
        }
        let Some((route, account)) = options.routes.of_lane(lane) else {
            return Ok(());
        };
        let mut gate = Gate::default();
        match gate.may_begin(options, lane, options.clock.now()).await? {
            MayBegin::Until(_) | MayBegin::AfterAnother => return Ok(()),
            MayBegin::Yes | MayBegin::One => {}
        }
        let mailbox = options.sending_limits.of_lane(lane);
        mailbox.restore().await?;
        // Within the mailbox's connections, as a message would be.
        let (leave, start) = match mailbox.leases.ask(lane) {
            Asked::Go(leave, start) => (leave, start),
            Asked::Wait(_) => {
                mailbox.leases.withdraw(lane);
                return Ok(());
            }
        };
        self.probed.insert(lane.clone(), now);
        if let Start::Kept(session) | Start::Replace(session) = start {
            session.quit().await;
        }
        let opened = connection::open(options, route, account).await;
        match opened {
            Ok(session) => {
                session.quit().await;
                leave.end(false, None);
                gate.passed(options).await;
            }
            Err(problem) => {
                leave.end(false, None);
                let is_refused = match &problem.what {
                    What::Refused => true,
                    What::Said(meaning) => meaning.action == Action::OpenBreaker,
                    What::Certificate | What::Silent => false,
                };
                if !is_refused {
                    let found =
                        attempt::opening_trouble(problem.stage, &problem.reply, &problem.what);
                    trouble::record(options, route, lane, &found).await?;
                }
                gate.give_up();
            }
        }
        Ok(())
    }
}

fn alarm(diversion: &Diversion) -> Alarm {
    let Diversion { from, to, why, .. } = diversion;
    let text = format!(
        "{why}: mail of {} goes by {to} until {} is well again. What may not take {to} waits; see \
         `mailward queue explain ID`",
        from.account, from.route
    );
    Alarm::new(ALARM, text).account(from.account.as_str())
}
