//! Acts on all that waits of an application, an account or a route; what is
//! suspended; and who did what.

use std::time::Duration;

use mailward_queue::{
    ActId, ActRecord, Actor, BulkAct, Queue, QueueError, Resumed, Resumption, Scope, Suspension,
};
use serde::{Deserialize, Serialize};

use super::{Known, OperatorError};

/// How long one answer works on an act; the asker asks again for the rest.
const WORK_TIME: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "control", rename_all = "snake_case")]
pub(crate) enum ControlRequest {
    Begin {
        bulk: BulkAct,
        on: Scope,
        who: Actor,
        why: String,
    },
    Continue {
        act: ActId,
    },
    Suspend {
        on: Scope,
        who: Actor,
        why: String,
    },
    Resume {
        on: Scope,
        who: Actor,
        why: String,
    },
    Suspensions,
    Acts {
        limit: u32,
    },
}

/// The answer, by the question.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum ControlAnswer {
    Act(ActRecord),
    Acts {
        acts: Vec<ActRecord>,
        /// Breakers closed and pauses ended.
        resumed: Vec<Resumption>,
    },
    Suspensions {
        suspended: Vec<Suspension>,
    },
    Changed(Changed),
}

/// What became of a suspension or its end.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Changed {
    #[serde(flatten)]
    pub(crate) on: Scope,
    pub(crate) suspended: bool,
    /// False where it was so before.
    pub(crate) changed: bool,
}

pub(super) async fn answer(
    queue: &Queue,
    known: &Known,
    request: ControlRequest,
) -> Result<ControlAnswer, OperatorError> {
    match request {
        ControlRequest::Begin { bulk, on, who, why } => {
            must_be_there(queue, known, &on).await?;
            let act = queue.begin_act(bulk, on, &who, &why).await?;
            work(queue, known, act).await
        }
        ControlRequest::Continue { act } => work(queue, known, act).await,
        ControlRequest::Suspend { on, who, why } => {
            must_be_there(queue, known, &on).await?;
            let changed = queue.suspend(on.clone(), &who, &why).await?;
            Ok(ControlAnswer::Changed(Changed {
                on,
                suspended: true,
                changed,
            }))
        }
        ControlRequest::Resume { on, who, why } => {
            let resumed = resume(queue, &on, &who, &why).await?;
            if !resumed.changed() {
                must_be_there(queue, known, &on).await?;
            }
            let left = queue.suspensions().await?;
            Ok(ControlAnswer::Changed(Changed {
                suspended: left.iter().any(|one| one.scope == on),
                on,
                changed: resumed.changed(),
            }))
        }
        ControlRequest::Suspensions => Ok(ControlAnswer::Suspensions {
            suspended: queue.suspensions().await?,
        }),
        ControlRequest::Acts { limit } => {
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            Ok(ControlAnswer::Acts {
                acts: queue.acts(limit).await?,
                resumed: queue.resumptions(limit).await?,
            })
        }
    }
}

/// A name that nobody knows and that never had mail is a slip.
async fn must_be_there(queue: &Queue, known: &Known, on: &Scope) -> Result<(), OperatorError> {
    let is_registered = known.register.as_ref().is_some_and(|register| match on {
        Scope::Application(name) => register.entry(name).is_some(),
        Scope::Account(name) => register.config().account(name).is_some(),
        Scope::Route(name) => register.config().route(name).is_some(),
    });
    if is_registered || queue.has_seen(on).await? {
        return Ok(());
    }
    let look = match on {
        Scope::Application(_) => "`mailward register list` names those there are",
        Scope::Account(_) => "`mailward accounts list` names those there are",
        Scope::Route(_) => "the configuration names those there are",
    };
    Err(OperatorError::NotFound(format!("there is no {on}; {look}")))
}

/// What there was to resume.
pub(crate) struct WasResumed {
    /// A person had suspended it.
    suspended: bool,
    /// The service made it wait.
    waits: Resumed,
}

impl WasResumed {
    pub(crate) fn changed(&self) -> bool {
        self.suspended || self.waits != Resumed::default()
    }
}

/// Ends what a person suspended. What the service made wait goes on too: one
/// message tries first.
pub(crate) async fn resume(
    queue: &Queue,
    on: &Scope,
    who: &Actor,
    why: &str,
) -> Result<WasResumed, QueueError> {
    let suspended = queue.resume(on.clone(), who, why).await?;
    let waits = match on {
        Scope::Route(route) => queue.resume_route(route, who, why).await?,
        Scope::Account(account) => queue.resume_account(account, who, why).await?,
        Scope::Application(_) => Resumed::default(),
    };
    Ok(WasResumed { suspended, waits })
}

async fn work(queue: &Queue, known: &Known, act: ActId) -> Result<ControlAnswer, OperatorError> {
    let end = queue.clock().now().plus(WORK_TIME);
    loop {
        let record = queue.step_act(act, &known.judge).await?;
        if record.ended_at.is_some() || queue.clock().now() >= end {
            return Ok(ControlAnswer::Act(record));
        }
    }
}
