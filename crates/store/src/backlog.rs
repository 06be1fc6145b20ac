//! The way to the writer thread: bounded, and with a wait that ends.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::group::{Job, Message};
use crate::options::Limits;

/// A message, and its room in the backlog until it is taken out. Only the
/// background has none: it hands over one change at a time, for which there is
/// a place of its own.
type Queued = (Message, Option<OwnedSemaphorePermit>);
const BACKGROUND_PLACES: usize = 1;

/// Where changes are handed over.
#[derive(Debug)]
pub(crate) struct Backlog {
    sender: Arc<SyncSender<Queued>>,
    room: Arc<Semaphore>,
}

/// The background's way, which does not keep the store open.
#[derive(Debug)]
pub(crate) struct WeakBacklog(Weak<SyncSender<Queued>>);

/// Where the writer takes them.
#[derive(Debug)]
pub(crate) struct Waiting {
    receiver: Receiver<Queued>,
    room: Arc<Semaphore>,
    /// Nothing more will come.
    ended: bool,
}

/// The writer takes nothing any more.
#[derive(Debug)]
pub(crate) struct Ended;

pub(crate) fn backlog(changes_max: usize) -> (Backlog, Waiting) {
    let changes_max = changes_max.max(1);
    let (sender, receiver) = sync_channel(changes_max + BACKGROUND_PLACES);
    let room = Arc::new(Semaphore::new(changes_max));
    let waiting = Waiting {
        receiver,
        room: Arc::clone(&room),
        ended: false,
    };
    let sender = Arc::new(sender);
    (Backlog { sender, room }, waiting)
}

impl Backlog {
    /// Waits while the backlog is full.
    pub(crate) async fn send(&self, message: Message) -> Result<(), Ended> {
        let room = Arc::clone(&self.room);
        let place = room.acquire_owned().await.map_err(|_| Ended)?;
        // There are as many places as the channel holds.
        let queued = (message, Some(place));
        self.sender.try_send(queued).map_err(|_| Ended)
    }

    pub(crate) fn downgrade(&self) -> WeakBacklog {
        WeakBacklog(Arc::downgrade(&self.sender))
    }
}

impl WeakBacklog {
    /// For the background alone, whose thread may block: one change, and then
    /// its answer before the next.
    pub(crate) fn send(&self, message: Message) -> Result<(), Ended> {
        let sender = self.0.upgrade().ok_or(Ended)?;
        sender.send((message, None)).map_err(|_| Ended)
    }
}

impl Waiting {
    /// Waits for a first job and takes whatever else waits by then. False
    /// once nothing more will come.
    pub(crate) fn gather(&mut self, limits: &Limits, group: &mut Vec<Job>) -> bool {
        if !self.ended {
            match self.receiver.recv() {
                Ok(first) => self.take(first, limits, group),
                Err(_) => self.ended = true,
            }
        }
        !self.ended
    }

    /// As [`Waiting::gather`], but gives up after a while.
    pub(crate) fn gather_within(&mut self, limit: Duration, limits: &Limits, group: &mut Vec<Job>) {
        if self.ended {
            return;
        }
        match self.receiver.recv_timeout(limit) {
            Ok(first) => self.take(first, limits, group),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => self.ended = true,
        }
    }

    fn take(&mut self, first: Queued, limits: &Limits, group: &mut Vec<Job>) {
        let mut octets = 0;
        let mut next = first;
        loop {
            match next {
                (Message::Job(job), _place) => {
                    octets += job.octets();
                    group.push(job);
                }
                (Message::Close, _place) => {
                    self.ended = true;
                    self.room.close();
                    return;
                }
            }
            if group.len() >= limits.group_changes_max || octets >= limits.group_octets_max {
                return;
            }
            next = match self.receiver.try_recv() {
                Ok(next) => next,
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {
                    self.ended = true;
                    return;
                }
            };
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // Whoever waits for room is told, however the writer ended.
        self.room.close();
    }
}
