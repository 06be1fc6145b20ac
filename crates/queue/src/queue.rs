//! The queue itself: a store, a clock, dice, the classes' terms, and what
//! wakes those who wait for work.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use mailward_mail::{Clock, Dice, MessageId, Timestamp};
use mailward_store::{BodyWriter, Disk, Limits, ReadError, ReadTx, Schema, Store, Tx, TxError};
use tokio::sync::watch;

use crate::divert::{Diversions, SharedWayOut};
use crate::error::{QueueError, QueueOpenError};
use crate::explain::WayOut;
use crate::gates::Gates;
use crate::ledger::MIGRATIONS;
use crate::ledger::same_text::Place;
use crate::looks::LookTable;
use crate::names::{ApplicationName, Lane};
use crate::pause::Pauses;
use crate::schedule::Terms;
use crate::step::Drift;
use crate::suspend::Suspension;
use crate::usage::Usages;

/// What a queue is opened with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder; made if absent, held by one process.
    pub dir: PathBuf,
    pub disk: Arc<dyn Disk>,
    pub limits: Limits,
    pub clock: Arc<dyn Clock>,
    pub dice: Arc<dyn Dice>,
    pub terms: Terms,
    pub gates: Gates,
}

/// The durable queue. Clones are handles to the same one.
#[derive(Clone, Debug)]
pub struct Queue {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    clock: Arc<dyn Clock>,
    dice: Arc<dyn Dice>,
    terms: Terms,
    gates: Arc<Gates>,
    drift: Drift,
    usages: Mutex<Usages>,
    /// None until they were read.
    pauses: Mutex<Option<Pauses>>,
    /// None until they were read.
    diversions: Mutex<Option<Diversions>>,
    way_out: OnceLock<SharedWayOut>,
    /// Where the sweep of counted texts goes on.
    swept: Mutex<Place>,
    /// Numbers of lanes known to be committed. One entry for each account and
    /// route ever used, as in the ledger.
    lanes: Mutex<HashMap<Lane, i64>>,
    /// The same of applications.
    sources: Mutex<HashMap<ApplicationName, i64>>,
    /// Applications that send nothing by the register's word.
    stopped: Mutex<Arc<HashMap<ApplicationName, Suspension>>>,
    /// Where the watchdog's search goes on.
    searched: Mutex<(i64, u32)>,
    work: watch::Sender<u64>,
    notices: watch::Sender<u64>,
    doubts: watch::Sender<u64>,
    looks: OnceLock<Arc<LookTable>>,
}

impl Queue {
    /// Opens the folder. Blocks while the store checks it. What an earlier
    /// process left unfinished is settled by [`Queue::recover`], which is to be
    /// called before anything is sent.
    pub fn open(options: Options) -> Result<Self, QueueOpenError> {
        let store = Store::open(mailward_store::Options {
            dir: options.dir,
            schema: Schema {
                name: "queue",
                migrations: MIGRATIONS,
            },
            limits: options.limits,
            disk: options.disk,
        })?;
        Ok(Self::over(
            store,
            options.clock,
            options.dice,
            options.terms,
            options.gates,
        ))
    }

    /// A queue over a store that was opened with [`MIGRATIONS`] among its own.
    pub fn over(
        store: Store,
        clock: Arc<dyn Clock>,
        dice: Arc<dyn Dice>,
        terms: Terms,
        gates: Gates,
    ) -> Self {
        let drift = Drift::new(drift_of(&*clock));
        Self {
            inner: Arc::new(Inner {
                drift,
                store,
                clock,
                dice,
                terms,
                gates: Arc::new(gates),
                usages: Mutex::default(),
                pauses: Mutex::default(),
                diversions: Mutex::default(),
                way_out: OnceLock::new(),
                swept: Mutex::new(Place::START),
                lanes: Mutex::new(HashMap::new()),
                sources: Mutex::default(),
                stopped: Mutex::default(),
                searched: Mutex::new((0, 0)),
                work: watch::Sender::new(0),
                notices: watch::Sender::new(0),
                doubts: watch::Sender::new(0),
                looks: OnceLock::new(),
            }),
        }
    }

    /// A name for a message about to come in.
    pub fn new_id(&self) -> MessageId {
        MessageId::new(self.now(), self.dice())
    }

    /// Takes the message's octets while they arrive.
    pub fn new_body(&self) -> BodyWriter {
        self.inner.store.new_body()
    }

    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// Changes whenever there may be something new to send. Wait for it and
    /// for [`Queue::next_due_at`], whichever comes first, then ask again.
    pub fn work_changes(&self) -> watch::Receiver<u64> {
        self.inner.work.subscribe()
    }

    /// Has whoever waits for work look again: something that the queue does
    /// not know of has changed, a secret say.
    pub fn wake(&self) {
        drop(self.alarm());
    }

    /// Changes whenever there may be a new notice to deliver.
    pub fn notice_changes(&self) -> watch::Receiver<u64> {
        self.inner.notices.subscribe()
    }

    /// Changes whenever there may be something new to look for. Wait for it
    /// and for [`Queue::next_look_after`], whichever comes first.
    pub fn doubt_changes(&self) -> watch::Receiver<u64> {
        self.inner.doubts.subscribe()
    }

    /// Ends all writing; waits for what is under way.
    pub async fn close(self) {
        self.inner.store.clone().close().await;
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    pub(crate) fn drift(&self) -> &Drift {
        &self.inner.drift
    }

    /// How far the wall clock is ahead of steady time, in milliseconds.
    pub(crate) fn drift_now(&self) -> i64 {
        drift_of(&*self.inner.clock)
    }

    pub(crate) fn steady_millis(&self) -> i64 {
        steady_of(&*self.inner.clock)
    }

    pub(crate) fn dice(&self) -> &dyn Dice {
        &*self.inner.dice
    }

    pub(crate) fn terms(&self) -> Terms {
        self.inner.terms
    }

    pub(crate) fn gates(&self) -> Arc<Gates> {
        Arc::clone(&self.inner.gates)
    }

    pub(crate) fn set_look_table(&self, table: LookTable) {
        let is_first = self.inner.looks.set(Arc::new(table)).is_ok();
        debug_assert!(is_first, "said once");
    }

    pub(crate) fn look_table(&self) -> Arc<LookTable> {
        Arc::clone(self.inner.looks.get_or_init(Arc::default))
    }

    pub(crate) fn doubt_arose(&self) {
        self.inner
            .doubts
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(crate) fn usages(&self) -> std::sync::MutexGuard<'_, Usages> {
        self.inner
            .usages
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn known_pauses(&self) -> std::sync::MutexGuard<'_, Option<Pauses>> {
        lock(&self.inner.pauses)
    }

    pub(crate) fn known_diversions(&self) -> std::sync::MutexGuard<'_, Option<Diversions>> {
        lock(&self.inner.diversions)
    }

    pub(crate) fn set_way_out(&self, way_out: WayOut) {
        let is_first = self.inner.way_out.set(Arc::new(way_out)).is_ok();
        debug_assert!(is_first, "said once");
    }

    pub(crate) fn way_out(&self) -> Option<SharedWayOut> {
        self.inner.way_out.get().cloned()
    }

    pub(crate) fn swept(&self) -> std::sync::MutexGuard<'_, Place> {
        self.inner
            .swept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn known_lane(&self, lane: &Lane) -> Option<i64> {
        self.lanes().get(lane).copied()
    }

    /// To be called only once the lane's row is committed.
    pub(crate) fn learn_lane(&self, lane: Lane, number: i64) {
        self.lanes().insert(lane, number);
    }

    pub(crate) fn known_source(&self, application: &ApplicationName) -> Option<i64> {
        lock(&self.inner.sources).get(application).copied()
    }

    /// To be called only once the application's row is committed.
    pub(crate) fn learn_source(&self, application: ApplicationName, number: i64) {
        lock(&self.inner.sources).insert(application, number);
    }

    pub(crate) fn stopped(&self) -> Arc<HashMap<ApplicationName, Suspension>> {
        Arc::clone(&lock(&self.inner.stopped))
    }

    pub(crate) fn replace_stopped(&self, stopped: HashMap<ApplicationName, Suspension>) {
        *lock(&self.inner.stopped) = Arc::new(stopped);
    }

    pub(crate) fn searched(&self) -> std::sync::MutexGuard<'_, (i64, u32)> {
        lock(&self.inner.searched)
    }

    fn lanes(&self) -> std::sync::MutexGuard<'_, HashMap<Lane, i64>> {
        self.inner
            .lanes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a change of rows alone. The inner error is for refusals found
    /// before anything was written.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Tx<'_>) -> Result<Result<T, QueueError>, TxError> + Send + 'static,
    ) -> Result<T, QueueError> {
        self.heed_clock().await?;
        self.inner
            .store
            .write(Vec::new(), move |tx, _| change(tx))
            .await?
    }

    /// As [`Queue::write`], without waiting for the disk
    /// ([`Store::write_ahead`]).
    pub(crate) async fn write_ahead<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Tx<'_>) -> Result<Result<T, QueueError>, TxError> + Send + 'static,
    ) -> Result<T, QueueError> {
        self.inner.store.write_ahead(change).await?
    }

    /// As [`Queue::write`], for a change that gives others something to do.
    pub(crate) async fn write_and_wake<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Tx<'_>) -> Result<Result<T, QueueError>, TxError> + Send + 'static,
    ) -> Result<T, QueueError> {
        let alarm = self.alarm();
        self.write(move |tx| Ok(change(tx)?.map(|value| (value, alarm))))
            .await
            .map(|(value, _)| value)
    }

    /// To be part of what a change returns.
    pub(crate) fn alarm(&self) -> Alarm {
        Alarm {
            work: self.inner.work.clone(),
            notices: Some(self.inner.notices.clone()),
        }
    }

    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&ReadTx<'_>) -> Result<T, TxError> + Send + 'static,
    ) -> Result<T, ReadError> {
        self.inner.store.read(query).await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn drift_of(clock: &dyn Clock) -> i64 {
    clock.now().as_millis().saturating_sub(steady_of(clock))
}

fn steady_of(clock: &dyn Clock) -> i64 {
    i64::try_from(clock.steady().as_millis()).unwrap_or(i64::MAX)
}

/// Wakes the waiting when it is dropped: by the caller, or by the store once
/// the change is committed and the caller no longer waits for it.
#[derive(Debug)]
pub(crate) struct Alarm {
    work: watch::Sender<u64>,
    /// None where there is nothing new to tell.
    notices: Option<watch::Sender<u64>>,
}

impl Alarm {
    /// Lets those sleep who tell of outcomes: there is none.
    pub(crate) fn without_notices(&mut self) {
        self.notices = None;
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        for sender in [Some(&self.work), self.notices.as_ref()]
            .into_iter()
            .flatten()
        {
            sender.send_modify(|count| *count = count.wrapping_add(1));
        }
    }
}
