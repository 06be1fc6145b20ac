//! Acts on all that waits of an application, an account or a route.
//!
//! ```text
//!   begin_act ─ one row: what, on what, who, why, up to which message
//!      │
//!   step_act ─ a bounded batch of messages, and how far it came, in one write
//!      │  again, until nothing is left; killed in between: continue_acts
//!      ▼
//!   ended: the count
//! ```
//!
//! What comes after an act has begun is not its business: to stop that too,
//! suspend. Repeating an act does no harm.

use mailward_mail::Timestamp;
use mailward_store::{ReadTx, TxError};

use crate::control::{Mover, act_on};
use crate::error::QueueError;
use crate::ledger::messages::Number;
use crate::ledger::{acts, lanes, messages, recipients};
use crate::names::{Actor, RouteName};
use crate::queue::Queue;
use crate::reroute::RerouteJudge;
use crate::schedule::MessageClass;
use crate::state::State;
use crate::suspend::Scope;

/// Messages that one step looks at, and recipients that it moves: what holds
/// the writer for some milliseconds.
const LOOKED_AT_MAX: usize = 5_000;
const MOVED_MAX: usize = 500;

/// Acts that one round continues, and that a list gives.
const ACTS_MAX: usize = 100;

/// Names one act.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct ActId(pub i64);

/// What people do to mail that is here already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActName {
    Hold,
    Release,
    Cancel,
    Retry,
    Reroute,
    ConfirmSent,
    Suspend,
    Resume,
}

impl ActName {
    pub const ALL: [Self; 8] = [
        Self::Hold,
        Self::Release,
        Self::Cancel,
        Self::Retry,
        Self::Reroute,
        Self::ConfirmSent,
        Self::Suspend,
        Self::Resume,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Cancel => "cancel",
            Self::Retry => "retry",
            Self::Reroute => "reroute",
            Self::ConfirmSent => "confirm_sent",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == text)
    }
}

/// An act on many messages.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum BulkAct {
    Hold,
    Release,
    Cancel,
    Retry,
    Reroute { to: RouteName },
}

impl BulkAct {
    fn name(&self) -> ActName {
        match self {
            Self::Hold => ActName::Hold,
            Self::Release => ActName::Release,
            Self::Cancel => ActName::Cancel,
            Self::Retry => ActName::Retry,
            Self::Reroute { .. } => ActName::Reroute,
        }
    }

    /// Whether it may concern a recipient in this state.
    fn wants(&self, state: State) -> bool {
        match self {
            Self::Hold => matches!(state, State::Incoming | State::Deferred { .. }),
            Self::Release => matches!(state, State::Hold { .. }),
            Self::Cancel => state.waits() || matches!(state, State::InDoubt { .. }),
            Self::Retry => matches!(state, State::Deferred { .. }),
            Self::Reroute { .. } => state.waits(),
        }
    }
}

/// One act as it is written down: for whoever asks later who did what.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ActRecord {
    pub id: ActId,
    pub at: Timestamp,
    pub act: ActName,
    /// `message`, `application`, `account` or `route`.
    pub scope: String,
    /// The message's id, or the name.
    pub name: String,
    pub by: Actor,
    pub why: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_route: Option<RouteName>,
    /// Recipients moved so far.
    pub moved: u64,
    /// Recipients that it could not move.
    pub refused: u64,
    /// Why the first of those was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// Missing while there is more to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    #[serde(skip)]
    pub(crate) before: Number,
    #[serde(skip)]
    pub(crate) done: Done,
}

/// How far an act has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) class: MessageClassOrNone,
    pub(crate) number: Number,
}

/// The class under way; an act goes through them in the order of
/// [`MessageClass::ALL`].
pub(crate) type MessageClassOrNone = Option<MessageClass>;

impl ActRecord {
    /// A record without a place yet, over with.
    pub(crate) fn new(act: ActName, at: Timestamp, by: &Actor, why: &str) -> Self {
        Self {
            id: ActId(0),
            at,
            act,
            scope: String::new(),
            name: String::new(),
            by: by.clone(),
            why: why.to_owned(),
            to_route: None,
            moved: 0,
            refused: 0,
            refusal: None,
            ended_at: Some(at),
            before: 0,
            done: Done::default(),
        }
    }

    fn bulk(&self) -> Option<(BulkAct, Scope)> {
        let scope = Scope::parse(&self.scope, &self.name)?;
        let act = match (self.act, &self.to_route) {
            (ActName::Hold, _) => BulkAct::Hold,
            (ActName::Release, _) => BulkAct::Release,
            (ActName::Cancel, _) => BulkAct::Cancel,
            (ActName::Retry, _) => BulkAct::Retry,
            (ActName::Reroute, Some(to)) => BulkAct::Reroute { to: to.clone() },
            _ => return None,
        };
        Some((act, scope))
    }
}

impl Queue {
    /// Writes down that the act is to be done; nothing is moved yet. The same
    /// act that is still under way is not begun twice.
    pub async fn begin_act(
        &self,
        act: BulkAct,
        scope: Scope,
        by: &Actor,
        why: &str,
    ) -> Result<ActId, QueueError> {
        let mut record = ActRecord::new(act.name(), self.now(), by, why);
        record.scope = scope.kind().to_owned();
        record.name = scope.name().to_owned();
        record.ended_at = None;
        if let BulkAct::Reroute { to } = act {
            record.to_route = Some(to);
        }
        self.write(move |tx| {
            if let Some(same) = acts::open(tx, ACTS_MAX)?
                .into_iter()
                .find(|one| one.bulk() == record.bulk())
            {
                return Ok(Ok(same.id));
            }
            record.before = crate::ledger::listing::end(tx)?;
            acts::insert(tx, &record).map(Ok)
        })
        .await
    }

    /// Does the next batch of an act, and says how far it has come.
    pub async fn step_act(&self, id: ActId, judge: &RerouteJudge) -> Result<ActRecord, QueueError> {
        let found = self
            .read(move |tx| {
                let Some(record) = acts::get(tx, id)? else {
                    return Ok(None);
                };
                let batch = match (record.ended_at, record.bulk()) {
                    (None, Some((act, scope))) => Some(next_batch(tx, &record, &act, &scope)?),
                    _ => None,
                };
                Ok(Some((record, batch)))
            })
            .await?;
        let (record, batch) = found.ok_or(QueueError::NoSuchAct(id))?;
        let (Some(batch), Some((act, scope))) = (batch, record.bulk()) else {
            return Ok(record);
        };
        let (now, judge) = (self.now(), judge.clone());
        self.write_and_wake(move |tx| {
            // Another may have stepped meanwhile.
            let Some(mut record) = acts::get(tx, id)?.filter(|now| now.done == record.done) else {
                return match acts::get(tx, id)? {
                    Some(record) => Ok(Ok(record)),
                    None => Ok(Err(QueueError::NoSuchAct(id))),
                };
            };
            let lanes = lanes_of(tx, &scope)?;
            let mover = Mover {
                act: record.act,
                by: &record.by.clone(),
                why: &record.why.clone(),
                to: match &act {
                    BulkAct::Reroute { to } => Some(to),
                    _ => None,
                },
                judge: &judge,
                now,
            };
            for number in &batch.messages {
                let message = messages::by_number(tx, *number)?;
                let rows = recipients::of(tx, *number)?;
                let rows = rows.into_iter().filter(|row| {
                    act.wants(row.state) && lanes.as_ref().is_none_or(|of| of.contains(&row.lane))
                });
                let done = act_on(tx, message, rows.collect(), &mover)?;
                record.moved += u64::from(done.moved);
                record.refused += u64::from(done.refused);
                if let (None, Some(refusal)) = (&record.refusal, done.refusal) {
                    record.refusal = Some(refusal.to_string());
                }
            }
            record.done = batch.done;
            record.ended_at = batch.is_last.then_some(now);
            acts::update(tx, &record)?;
            Ok(Ok(record))
        })
        .await
    }

    /// Does an act to its end.
    pub async fn finish_act(
        &self,
        id: ActId,
        judge: &RerouteJudge,
    ) -> Result<ActRecord, QueueError> {
        loop {
            let record = self.step_act(id, judge).await?;
            if record.ended_at.is_some() {
                return Ok(record);
            }
        }
    }

    /// Does one batch of each act that an earlier process, or an asker who
    /// went away, left half done. Says whether there is more.
    pub async fn continue_acts(&self, judge: &RerouteJudge) -> Result<bool, QueueError> {
        let open = self.read(|tx| acts::open(tx, ACTS_MAX)).await?;
        let mut more = false;
        for record in open {
            more |= self.step_act(record.id, judge).await?.ended_at.is_none();
        }
        Ok(more)
    }

    /// The latest acts, the last one first.
    pub async fn acts(&self, limit: usize) -> Result<Vec<ActRecord>, QueueError> {
        let limit = limit.clamp(1, ACTS_MAX);
        Ok(self.read(move |tx| acts::latest(tx, limit)).await?)
    }
}

/// What one step does.
struct Batch {
    messages: Vec<Number>,
    done: Done,
    is_last: bool,
}

/// Looks at open messages, by class and number, from where the act has come to.
fn next_batch(
    tx: &ReadTx<'_>,
    record: &ActRecord,
    act: &BulkAct,
    scope: &Scope,
) -> Result<Batch, TxError> {
    let lanes = lanes_of(tx, scope)?;
    let mut batch = Batch {
        messages: Vec::new(),
        done: record.done,
        is_last: false,
    };
    let (mut looked_at, mut moves) = (0, 0);
    let first = record.done.class.unwrap_or(MessageClass::ALL[0]);
    let classes = MessageClass::ALL.into_iter();
    for class in classes.skip_while(|class| *class != first) {
        if batch.done.class != Some(class) {
            batch.done = Done {
                class: Some(class),
                number: 0,
            };
        }
        loop {
            let left = LOOKED_AT_MAX - looked_at;
            let open = messages::open_of_class(tx, class, batch.done.number, record.before, left)?;
            let all_seen = open.len() < left;
            for (number, application) in open {
                looked_at += 1;
                batch.done.number = number;
                if matches!(scope, Scope::Application(name) if name.as_str() != application) {
                    continue;
                }
                let wanted = recipients::of(tx, number)?.into_iter().filter(|row| {
                    act.wants(row.state) && lanes.as_ref().is_none_or(|of| of.contains(&row.lane))
                });
                let wanted = wanted.count();
                if wanted > 0 {
                    batch.messages.push(number);
                    moves += wanted;
                }
                if moves >= MOVED_MAX {
                    return Ok(batch);
                }
            }
            if looked_at >= LOOKED_AT_MAX {
                return Ok(batch);
            }
            if all_seen {
                break;
            }
        }
    }
    batch.is_last = true;
    Ok(batch)
}

/// The lanes that a scope means; `None` for all.
fn lanes_of(tx: &ReadTx<'_>, scope: &Scope) -> Result<Option<Vec<i64>>, TxError> {
    if matches!(scope, Scope::Application(_)) {
        return Ok(None);
    }
    let of_scope = lanes::all(tx)?.into_iter().filter(|(_, lane)| match scope {
        Scope::Account(account) => lane.account == *account,
        Scope::Route(route) => lane.route == *route,
        Scope::Application(_) => true,
    });
    Ok(Some(of_scope.map(|(number, _)| number).collect()))
}
