//! What is suspended, what people did, and acts on many messages, for the
//! console.

use std::time::Duration;

use mailward_console::SourceError;
use mailward_console::view::{
    ActView, ControlAct, ControlDone, ControlVerb, ControlView, RefusedView, Scope as ShownScope,
    SuspensionView,
};
use mailward_queue::{
    ActName, ActRecord, Actor, BreakerState, BulkAct, Pause, PauseCause, PauseKey, Resumption,
    Scope,
};

use super::GatewayPart;
use super::gateway::trouble;
use crate::operator::control::resume;

/// Refused sign-ins and pauses that are shown.
const REFUSED_SHOWN: usize = 50;

/// Acts that are shown.
const ACTS_SHOWN: usize = 20;

/// How long a page waits for an act; the watchdog does the rest.
const WORK_TIME: Duration = Duration::from_secs(5);

impl GatewayPart {
    pub(super) async fn control(&self) -> Result<ControlView, SourceError> {
        let by_person = self.queue.suspensions_by_people().await.map_err(trouble)?;
        let all = self.queue.suspensions().await.map_err(trouble)?;
        let acts = self.queue.acts(ACTS_SHOWN).await.map_err(trouble)?;
        Ok(ControlView {
            refused: self.refused().await?,
            suspended: all
                .into_iter()
                .map(|one| SuspensionView {
                    can_resume: by_person.contains(&one),
                    scope: shown(&one.scope),
                    name: one.scope.name().to_owned(),
                    since: one.since,
                    by: one.by.to_string(),
                    why: one.why,
                })
                .collect(),
            acts: latest(
                acts,
                self.queue.resumptions(ACTS_SHOWN).await.map_err(trouble)?,
            ),
            applications: self
                .register
                .entries()
                .iter()
                .map(|one| one.application.name.to_string())
                .collect(),
            accounts: self
                .config
                .accounts
                .iter()
                .map(|one| one.name().to_string())
                .collect(),
            routes: self
                .config
                .routes
                .iter()
                .map(|one| one.name.to_string())
                .collect(),
        })
    }

    /// Refused sign-ins and pauses.
    async fn refused(&self) -> Result<Vec<RefusedView>, SourceError> {
        let breakers = self.queue.open_breakers().await.map_err(trouble)?;
        let breakers = breakers.into_iter().filter_map(|one| match one.state {
            BreakerState::Open { since, reply } => Some(RefusedView {
                scope: ShownScope::Account,
                name: one.credential.account.into(),
                what: "Sign-in refused".to_owned(),
                since,
                until: None,
                reply,
            }),
            BreakerState::Closed => None,
        });
        let pauses = self.queue.pauses().await.map_err(trouble)?;
        let pauses = pauses.into_iter().filter_map(pause_view);
        Ok(breakers.chain(pauses).take(REFUSED_SHOWN).collect())
    }

    pub(super) async fn control_act(
        &self,
        act: ControlAct,
        who: &str,
    ) -> Result<ControlDone, SourceError> {
        let (by, why) = (Actor::new(who), act.why.as_str());
        let on = match act.scope {
            ShownScope::Application => Scope::Application(act.name.into()),
            ShownScope::Account => Scope::Account(act.name.into()),
            ShownScope::Route => Scope::Route(act.name.into()),
        };
        let bulk = match (act.verb, act.to_route) {
            (ControlVerb::Suspend, _) => {
                let changed = self.queue.suspend(on, &by, why).await.map_err(trouble)?;
                return Ok(switched(changed, "It was suspended before."));
            }
            (ControlVerb::Resume, _) => {
                let resumed = resume(&self.queue, &on, &by, why).await.map_err(trouble)?;
                return Ok(switched(
                    resumed.changed(),
                    "Nothing of it was suspended here, refused or paused.",
                ));
            }
            (ControlVerb::Reroute, Some(to)) => BulkAct::Reroute { to: to.into() },
            (ControlVerb::Reroute, None) => {
                return Err(SourceError::Conflict("Choose a route.".to_owned()));
            }
            (ControlVerb::Hold, _) => BulkAct::Hold,
            (ControlVerb::Release, _) => BulkAct::Release,
            (ControlVerb::Retry, _) => BulkAct::Retry,
            (ControlVerb::Cancel, _) => BulkAct::Cancel,
        };
        let id = self.queue.begin_act(bulk, on, &by, why).await;
        let id = id.map_err(trouble)?;
        let end = self.queue.clock().now().plus(WORK_TIME);
        loop {
            let record = self
                .queue
                .step_act(id, &self.judge)
                .await
                .map_err(trouble)?;
            if record.ended_at.is_some() || self.queue.clock().now() >= end {
                return Ok(ControlDone {
                    moved: Some(record.moved),
                    refused: record.refused,
                    goes_on: record.ended_at.is_none(),
                    remark: record.refusal,
                });
            }
        }
    }
}

/// What people did and what they resumed, the latest first.
fn latest(acts: Vec<ActRecord>, resumptions: Vec<Resumption>) -> Vec<ActView> {
    let resumed = resumptions.into_iter().map(|one| ActView {
        at: one.at,
        by: one.by.to_string(),
        what: "Resumed".to_owned(),
        on: one.what,
        moved: None,
        refused: 0,
        is_over: true,
        why: one.why,
    });
    let mut all: Vec<_> = acts.into_iter().map(act_view).chain(resumed).collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.at));
    all.truncate(ACTS_SHOWN);
    all
}

fn switched(changed: bool, otherwise: &str) -> ControlDone {
    ControlDone {
        remark: (!changed).then(|| otherwise.to_owned()),
        ..ControlDone::default()
    }
}

/// A pause of everything has nobody to resume it; there is none.
fn pause_view(pause: Pause) -> Option<RefusedView> {
    let PauseKey { route, account } = pause.key;
    let cause = match pause.cause {
        PauseCause::Day => "the account's day is used up",
        PauseCause::Account => "the service refuses the account",
        PauseCause::Route => "the service refuses everybody",
        PauseCause::Down => "the service is away",
    };
    let (scope, name, what) = match (account, route) {
        (Some(account), None) => (
            ShownScope::Account,
            account.into(),
            format!("Paused: {cause}"),
        ),
        (Some(account), Some(route)) => (
            ShownScope::Account,
            account.into(),
            format!("Paused on {route}: {cause}"),
        ),
        (None, Some(route)) => (
            ShownScope::Route,
            route.to_string(),
            format!("Paused: {cause}"),
        ),
        (None, None) => return None,
    };
    Some(RefusedView {
        scope,
        name,
        what,
        since: pause.since,
        until: Some(pause.until),
        reply: pause.reply,
    })
}

fn shown(scope: &Scope) -> ShownScope {
    match scope {
        Scope::Application(_) => ShownScope::Application,
        Scope::Account(_) => ShownScope::Account,
        Scope::Route(_) => ShownScope::Route,
    }
}

fn act_view(record: ActRecord) -> ActView {
    let what = match record.act {
        ActName::Hold => "Held",
        ActName::Release => "Released",
        ActName::Cancel => "Cancelled",
        ActName::Retry => "Tried again",
        ActName::Reroute => "Re-routed",
        ActName::ConfirmSent => "Confirmed as sent",
        ActName::Suspend => "Suspended",
        ActName::Resume => "Resumed",
    };
    let switches = matches!(record.act, ActName::Suspend | ActName::Resume);
    ActView {
        at: record.at,
        by: record.by.to_string(),
        what: match record.to_route {
            Some(route) => format!("{what} to {route}"),
            None => what.to_owned(),
        },
        on: format!("{} {}", record.scope, record.name),
        moved: (!switches).then_some(record.moved),
        refused: record.refused,
        is_over: record.ended_at.is_some(),
        why: record.why,
    }
}
