//! What travels to the writer thread: a change, its bodies, and whom to tell.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

use crate::body::BodyRef;
use crate::error::{TxError, WriteError};
use crate::new_body::{Content, NewBody};
use crate::tx::Tx;

/// A message to the writer.
pub(crate) enum Message {
    Job(Job),
    /// Finish what came before, refuse what comes after.
    Close,
}

/// One call of [`crate::Store::write`].
pub(crate) struct Job {
    pub(crate) bodies: Vec<NewBody>,
    pub(crate) refs: Vec<BodyRef>,
    change: Box<dyn Change>,
    /// Why this change alone is refused while its group goes on.
    pub(crate) refused: Option<WriteError>,
    told: Told,
}

/// When the caller is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Once it is on stable storage.
    Stored,
    /// Once its rows are written, ahead of the commit.
    Made,
}

impl Job {
    pub(crate) fn new<T, F>(
        bodies: Vec<NewBody>,
        change: F,
        reply: oneshot::Sender<Result<T, WriteError>>,
        told: Told,
    ) -> Self
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>, &[BodyRef]) -> Result<T, TxError> + Send + 'static,
    {
        Self {
            refs: bodies.iter().map(|body| body.body).collect(),
            bodies,
            change: Box::new(Pending {
                change: Some(change),
                value: None,
                reply: Some(reply),
            }),
            refused: None,
            told,
        }
    }

    /// Octets of its small bodies.
    pub(crate) fn octets(&self) -> u64 {
        self.bodies.iter().map(NewBody::record_octets).sum()
    }

    /// Stores nothing new: it makes room rather than takes it.
    pub(crate) fn only_moves(&self) -> bool {
        let moved = |body: &NewBody| matches!(body.content, Content::Moved { .. });
        self.bodies.iter().all(moved)
    }

    /// Runs the change. A panic in it is its own refusal, not the writer's end.
    pub(crate) fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), TxError> {
        let (change, refs) = (&mut self.change, &self.refs);
        catch_unwind(AssertUnwindSafe(|| change.run(tx, refs)))
            .unwrap_or_else(|_| Err(TxError::Sql("the change panicked".to_owned())))
    }

    /// Whether it is worth nothing without one that is still to come, so that
    /// its group had better wait for that.
    pub(crate) fn is_patient(&self) -> bool {
        self.told == Told::Made
    }

    /// The change is made, for itself. Tells a caller who need not wait for
    /// the disk.
    pub(crate) fn made(&mut self) {
        if self.told == Told::Made {
            self.change.tell();
        }
    }

    /// Tells the caller what became of it.
    pub(crate) fn answer(self, fate: Result<(), WriteError>) {
        // Files of bodies that were refused are gone before anybody is told.
        drop(self.bodies);
        self.change.answer(match self.refused {
            Some(refusal) => Err(refusal),
            None => fate,
        });
    }
}

/// A change whose result type the writer need not know.
trait Change: Send {
    fn run(&mut self, tx: &mut Tx<'_>, bodies: &[BodyRef]) -> Result<(), TxError>;

    /// Gives the value away before anybody knows what becomes of the group.
    fn tell(&mut self);

    fn answer(self: Box<Self>, fate: Result<(), WriteError>);
}

struct Pending<T, F> {
    change: Option<F>,
    value: Option<T>,
    /// None once the caller was told.
    reply: Option<oneshot::Sender<Result<T, WriteError>>>,
}

impl<T, F> Change for Pending<T, F>
where
    T: Send,
    F: FnOnce(&mut Tx<'_>, &[BodyRef]) -> Result<T, TxError> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>, bodies: &[BodyRef]) -> Result<(), TxError> {
        if let Some(change) = self.change.take() {
            self.value = Some(change(tx, bodies)?);
        }
        Ok(())
    }

    fn tell(&mut self) {
        if let Some(value) = self.value.take()
            && let Some(reply) = self.reply.take()
        {
            let _ = reply.send(Ok(value));
        }
    }

    fn answer(self: Box<Self>, fate: Result<(), WriteError>) {
        let Some(reply) = self.reply else {
            return;
        };
        let answer = match (fate, self.value) {
            (Ok(()), Some(value)) => Ok(value),
            (Ok(()), None) => Err(WriteError::Closed),
            (Err(error), _) => Err(error),
        };
        // Nobody may be waiting any more: what is stored is stored.
        let _ = reply.send(answer);
    }
}
