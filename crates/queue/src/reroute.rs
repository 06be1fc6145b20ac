//! Another way out for what waits. The queue knows no routes: whether there is
//! one of that name, and whether a message may take it, the asker says.

use std::fmt;
use std::sync::Arc;

use mailward_mail::{MessageId, ReversePath};
use mailward_store::{Tx, TxError};

use crate::control::{Done, Mover};
use crate::error::QueueError;
use crate::ledger::change::Change;
use crate::ledger::messages::MessageRow;
use crate::ledger::recipients::RecipientRow;
use crate::ledger::{lanes, messages, recipients};
use crate::names::{ApplicationName, Lane};
use crate::timeline::TimelineEvent;

/// One message, and the lane that it is to wait in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rerouting {
    pub message: MessageId,
    pub application: ApplicationName,
    pub data_class: String,
    pub reverse_path: ReversePath,
    /// Of the whole message.
    pub recipients: usize,
    pub from: Lane,
    pub to: Lane,
}

type Judge = dyn Fn(&Rerouting) -> Result<(), String> + Send + Sync;

/// Says why a message may not take another way. Called in the store's writer:
/// it must not wait.
#[derive(Clone)]
pub struct RerouteJudge(Arc<Judge>);

impl RerouteJudge {
    pub fn new(judge: impl Fn(&Rerouting) -> Result<(), String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(judge))
    }

    /// For an asker who knows no routes: nothing is moved.
    pub fn none() -> Self {
        Self::new(|_| {
            Err("only a running gateway knows its routes; start it, then move the mail".to_owned())
        })
    }

    /// Why it may not, if so.
    pub fn ask(&self, rerouting: &Rerouting) -> Result<(), String> {
        (self.0)(rerouting)
    }
}

impl fmt::Debug for RerouteJudge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RerouteJudge")
    }
}

/// Moves those of `rows` that wait and may go that way.
pub(crate) fn move_rows(
    tx: &mut Tx<'_>,
    message: MessageRow,
    rows: Vec<RecipientRow>,
    mover: &Mover<'_>,
) -> Result<Done, TxError> {
    let Some(route) = mover.to else {
        return Ok(Done::default());
    };
    let mut done = Done::default();
    let (id, number) = (message.id, message.number);
    let of_message = recipients::count(tx, number)?;
    let mut change = Change::new(tx, mover.now, message);
    for mut row in rows {
        let from = lanes::get(change.tx(), row.lane)?;
        let to = Lane::new(route.clone(), from.account.clone());
        if from == to {
            // It is where it is wanted: asking twice does no harm.
            continue;
        }
        let moved = if !row.state.waits() {
            Err(format!(
                "it is {} and can not take another way",
                row.state.word()
            ))
        } else {
            mover.judge.ask(&Rerouting {
                message: id,
                application: change.message().application.clone(),
                data_class: change.message().data_class.clone(),
                reverse_path: change.message().reverse_path.clone(),
                recipients: of_message,
                from: from.clone(),
                to: to.clone(),
            })
        };
        match moved {
            Err(reason) => done.count(Err(QueueError::NotThatWay {
                message: id,
                n: row.n,
                reason,
            })),
            Ok(()) => {
                let lane = lanes::find_or_add(change.tx(), &to)?;
                let note = TimelineEvent::Rerouted {
                    from: from.route,
                    to: to.route,
                    by: mover.by.clone(),
                    why: mover.why.to_owned(),
                };
                change.move_to(&mut row, lane, &note)?;
                done.count(Ok(()));
            }
        }
    }
    change.finish()?;
    if done.moved > 0 {
        messages::follow_recipients(tx, number)?;
    }
    Ok(done)
}
