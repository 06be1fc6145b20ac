//! What is suspended, what people did, and acts on many messages, for the
//! console.

use std::time::Duration;

use mailward_console::SourceError;
use mailward_console::view::{
    ActView, ControlAct, ControlDone, ControlVerb, ControlView, Scope as ShownScope, SuspensionView,
};
use mailward_queue::{ActName, ActRecord, Actor, BulkAct, Scope};

use super::GatewayPart;
use super::gateway::trouble;

/// Acts that are shown.
const ACTS_SHOWN: usize = 20;

/// How long a page waits for an act; the watchdog does the rest.
const WORK_TIME: Duration = Duration::from_secs(5);

impl GatewayPart {
    pub(super) async fn control(&self) -> Result<ControlView, SourceError> {
        let by_person = self.queue.suspensions_by_people().await.map_err(trouble)?;
        let all = self.queue.suspensions().await.map_err(trouble)?;
        let acts = self.queue.acts(ACTS_SHOWN).await.map_err(trouble)?;
        let names = self.register.list();
        Ok(ControlView {
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
            acts: acts.into_iter().map(act_view).collect(),
            applications: names
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
                let changed = self.queue.resume(on, &by, why).await.map_err(trouble)?;
                return Ok(switched(changed, "Nobody had suspended it here."));
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

fn switched(changed: bool, otherwise: &str) -> ControlDone {
    ControlDone {
        remark: (!changed).then(|| otherwise.to_owned()),
        ..ControlDone::default()
    }
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
    ActView {
        at: record.at,
        by: record.by.to_string(),
        what: match record.to_route {
            Some(route) => format!("{what} to {route}"),
            None => what.to_owned(),
        },
        on: format!("{} {}", record.scope, record.name),
        moved: record.moved,
        refused: record.refused,
        is_over: record.ended_at.is_some(),
        why: record.why,
    }
}
