//! The store as callers hold it.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{oneshot, watch};

use crate::background::Background;
use crate::backlog::{Backlog, backlog};
use crate::backup::{self, Backup};
use crate::body::BodyRef;
use crate::copy::CopyError;
use crate::error::{Damage, OpenError, ReadError, TxError, WriteError};
use crate::figures::Commits;
use crate::group::{Job, Message, Told};
use crate::health::Health;
use crate::keeper::Keeper;
use crate::new_body::{BodyWriter, Content, NewBody};
use crate::options::Options;
use crate::read_body::BodyReader;
use crate::recover::{Recovered, recover};
use crate::shared::Shared;
use crate::space::StoreSpace;
use crate::tx::{ReadTx, Tx};
use crate::writer::Writer;

/// An open store. Clones share it.
///
/// Close it with [`Store::close`]; dropping the last handle does the same but
/// blocks until the writer has ended.
#[derive(Clone)]
pub struct Store {
    handle: Arc<Handle>,
}

impl Store {
    /// Takes the folder, recovers it from a crash if there was one, checks it
    /// and brings its tables up to date. Blocks.
    pub fn open(options: Options) -> Result<Self, OpenError> {
        let Recovered {
            folder,
            lock,
            connection,
            segment,
            live,
            next_body,
            checked_from,
            rows_checked,
        } = recover(&options)?;
        let dir = options.dir;
        let no_thread = |source| OpenError::Folder { path: dir, source };
        let (backlog, waiting) = backlog(options.limits.backlog_changes_max);
        let shared = Arc::new(Shared::new(
            folder,
            options.disk,
            options.limits,
            next_body,
            live,
        ));
        let spawn = || -> std::io::Result<JoinHandle<()>> {
            let keeper = Keeper::start(Arc::clone(&shared))?;
            shared.active.store(segment.number(), Ordering::Release);
            let background = Background::start(
                Arc::clone(&shared),
                backlog.downgrade(),
                checked_from,
                rows_checked,
            )?;
            let writer = Writer::new(
                Arc::clone(&shared),
                connection,
                segment,
                keeper,
                background,
                lock,
            );
            std::thread::Builder::new()
                .name("store-writer".to_owned())
                .spawn(move || writer.run(waiting))
        };
        let writer = spawn().map_err(no_thread)?;
        Ok(Self {
            handle: Arc::new(Handle {
                shared,
                backlog: Some(backlog),
                writer: Mutex::new(Some(writer)),
            }),
        })
    }

    /// Begins a new body.
    pub fn new_body(&self) -> BodyWriter {
        BodyWriter::new(Arc::clone(&self.handle.shared))
    }

    /// Commits `bodies` together with the rows `change` writes.
    ///
    /// Ok means that both are on stable storage. `change` is given the names
    /// of the bodies, in order, and runs on the writer's thread: it must be
    /// quick and must not wait for anything. Its error, or its panic, undoes
    /// this change only. Once handed over it goes ahead even if the caller no
    /// longer waits.
    pub async fn write<T: Send + 'static>(
        &self,
        bodies: Vec<NewBody>,
        change: impl FnOnce(&mut Tx<'_>, &[BodyRef]) -> Result<T, TxError> + Send + 'static,
    ) -> Result<T, WriteError> {
        let bodies = settle(bodies).await?;
        self.hand_over(bodies, change, Told::Stored).await
    }

    /// As [`Store::write`] without bodies, but does not wait for the disk: Ok
    /// means that the rows are written and will be committed before, or
    /// together with, whatever is handed over from now on. For what is worth
    /// nothing without a later write. A crash or a full disk can undo it still,
    /// and numbers that it was given may be given again then.
    pub async fn write_ahead<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Tx<'_>) -> Result<T, TxError> + Send + 'static,
    ) -> Result<T, WriteError> {
        let change = move |tx: &mut Tx<'_>, _: &[BodyRef]| change(tx);
        self.hand_over(Vec::new(), change, Told::Made).await
    }

    async fn hand_over<T: Send + 'static>(
        &self,
        bodies: Vec<NewBody>,
        change: impl FnOnce(&mut Tx<'_>, &[BodyRef]) -> Result<T, TxError> + Send + 'static,
        told: Told,
    ) -> Result<T, WriteError> {
        let (reply, answer) = oneshot::channel();
        let job = Job::new(bodies, change, reply, told);
        let backlog = self.handle.backlog.as_ref().ok_or(WriteError::Closed)?;
        backlog
            .send(Message::Job(job))
            .await
            .map_err(|_| self.gone())?;
        answer.await.unwrap_or_else(|_| Err(self.gone()))
    }

    /// Runs `query` over one consistent view of the rows, on a blocking
    /// thread. At most `readers_max` run at once; others wait their turn.
    pub async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&ReadTx<'_>) -> Result<T, TxError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let permit = self.handle.shared.readers.permit().await?;
        let shared = Arc::clone(&self.handle.shared);
        let run = move || {
            shared.readers.run(&permit, |connection| {
                query(&ReadTx::new(connection)).map_err(ReadError::from)
            })
        };
        match tokio::task::spawn_blocking(run).await {
            Ok(result) => result,
            Err(error) if error.is_panic() => Err(ReadError::Sql("the query panicked".to_owned())),
            Err(_) => Err(ReadError::Closed),
        }
    }

    /// Begins to read a body. Whether it is there shows with the first chunk.
    pub fn read_body(&self, body: &BodyRef) -> Result<BodyReader, ReadError> {
        Ok(BodyReader::new(Arc::clone(&self.handle.shared), *body))
    }

    /// Copies the rows and bodies of this moment to `to`, a new folder, and reads
    /// the copy back. The store goes on meanwhile; space that is released is
    /// given back after. `rest` is called with the octets copied since it last
    /// was, and may wait.
    pub async fn backup(
        &self,
        to: PathBuf,
        now_millis: i64,
        rest: impl FnMut(u64) + Send + 'static,
    ) -> Result<Backup, CopyError> {
        let shared = Arc::clone(&self.handle.shared);
        let work = move || backup::of_running(&shared, &to, now_millis, rest);
        tokio::task::spawn_blocking(work)
            .await
            .unwrap_or_else(|_| Err(CopyError::GivenUp("the program is stopping".to_owned())))
    }

    /// When the store was copied, in milliseconds since 1970, if it is a copy
    /// of which nobody has said [`Tx::forget_copy`] yet.
    pub async fn copied_at(&self) -> Result<Option<i64>, ReadError> {
        let value: Option<String> = self
            .read(|tx| {
                tx.query_one(
                    "SELECT value FROM store_about WHERE name = ?1",
                    &[backup::COPIED_AT.into()],
                    |row| row.get(0),
                )
            })
            .await?;
        Ok(value.map(|value| value.parse().unwrap_or_default()))
    }

    /// Damage that was found while the store runs, the first hundred of it.
    /// Each was an alarm in the log.
    pub fn damages(&self) -> Vec<Damage> {
        self.handle.shared.damages()
    }

    /// How much room there is, and what takes it. Asks the file system, so
    /// for a look now and then.
    pub fn space(&self) -> StoreSpace {
        self.handle.shared.space()
    }

    pub fn health(&self) -> Health {
        self.handle.shared.health()
    }

    /// How much was committed since the store was opened, and how long that
    /// took.
    pub fn commits(&self) -> Commits {
        self.handle.shared.counts.read()
    }

    /// Every change of health, for alarms.
    pub fn watch_health(&self) -> watch::Receiver<Health> {
        self.handle.shared.watch_health()
    }

    /// Commits what was handed over before, then closes. Other handles get
    /// [`WriteError::Closed`] from then on.
    pub async fn close(self) {
        if let Some(backlog) = &self.handle.backlog {
            // Refused if it is closed already, which is as good.
            let _ = backlog.send(Message::Close).await;
        }
        if let Some(writer) = self.handle.take_writer() {
            // A writer that panicked has poisoned the store and said so.
            let _ = tokio::task::spawn_blocking(move || writer.join()).await;
        }
    }

    /// Why nobody answers.
    fn gone(&self) -> WriteError {
        match self.handle.shared.refuse_if_poisoned() {
            Err(poisoned) => poisoned,
            Ok(()) => WriteError::Closed,
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("dir", &self.handle.shared.folder.dir())
            .finish_non_exhaustive()
    }
}

/// Shared by the clones; the last one to go ends the writer.
struct Handle {
    shared: Arc<Shared>,
    backlog: Option<Backlog>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Handle {
    fn take_writer(&self) -> Option<JoinHandle<()>> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.take()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // Without a sender the writer ends once it has done what waits.
        self.backlog = None;
        let Some(writer) = self.take_writer() else {
            return;
        };
        // A change may hold the last handle; its thread cannot wait for itself.
        if writer.thread().id() != std::thread::current().id() {
            let _ = writer.join();
        }
    }
}

/// Makes large bodies durable, on a blocking thread, ahead of the commit that
/// names them: the writer's groups do not wait for their size.
async fn settle(mut bodies: Vec<NewBody>) -> Result<Vec<NewBody>, WriteError> {
    let is_file = |body: &NewBody| matches!(body.content, Content::File(_));
    if !bodies.iter().any(is_file) {
        return Ok(bodies);
    }
    let work = move || {
        for body in &mut bodies {
            if let Content::File(file) = &mut body.content {
                file.settle()?;
            }
        }
        Ok(bodies)
    };
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(WriteError::Closed))
}
