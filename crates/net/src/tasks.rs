//! Spawned work that is known by name, told to stop, and waited for.
//!
//! ```text
//!   running ── Shutdown::begin ──▶ draining ── all ended, or the deadline ──▶ drained
//! ```

use std::borrow::Cow;
use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mailward_mail::time::{Clock, Timestamp};
use tokio::signal::unix::{self, SignalKind};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::clock::until;

/// The wish to stop, shared by everything that should heed it.
#[derive(Clone, Debug)]
pub struct Shutdown {
    own: Arc<watch::Sender<bool>>,
    /// Of the whole that this is a part of.
    whole: Option<Arc<watch::Sender<bool>>>,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self {
            own: Arc::new(watch::Sender::new(false)),
            whole: None,
        }
    }
}

impl Shutdown {
    pub fn new() -> Self {
        Self::default()
    }

    /// Of a part that may stop before the whole does. A part of a part is one
    /// of the whole.
    pub fn of_part(&self) -> Self {
        let whole = self.whole.as_ref().unwrap_or(&self.own);
        Self {
            own: Arc::new(watch::Sender::new(false)),
            whole: Some(Arc::clone(whole)),
        }
    }

    /// Asks everybody to finish. Asking again changes nothing.
    pub fn begin(&self) {
        self.own.send_replace(true);
    }

    pub fn has_begun(&self) -> bool {
        *self.own.borrow() || self.whole.as_ref().is_some_and(|whole| *whole.borrow())
    }

    /// Completes once [`Self::begin`] has been called, here or for the whole.
    pub async fn begun(&self) {
        let begun = async |wish: &watch::Sender<bool>| {
            // Cannot fail: this very value keeps the sender.
            let _ = wish.subscribe().wait_for(|begun| *begun).await;
        };
        match &self.whole {
            None => begun(&self.own).await,
            Some(whole) => tokio::select! {
                () = begun(&self.own) => {}
                () = begun(whole) => {}
            },
        }
    }
}

/// The tasks of a program or of one part of it.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    shutdown: Shutdown,
    registry: Arc<Registry>,
}

#[derive(Debug, Default)]
struct Registry {
    next: AtomicU64,
    running: Mutex<HashMap<u64, Running>>,
    count: watch::Sender<usize>,
}

#[derive(Debug)]
struct Running {
    name: Cow<'static, str>,
    /// Absent for the short time between registering and spawning.
    handle: Option<AbortHandle>,
}

/// What became of the tasks at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drained {
    /// All ended by themselves.
    Clean,
    /// These were still busy at the deadline and were cut off.
    CutOff(Vec<String>),
}

impl Tasks {
    /// No tasks yet, and a shutdown of their own.
    pub fn new() -> Self {
        Self::default()
    }

    /// No tasks yet; they heed `shutdown`, which others heed as well.
    pub fn with_shutdown(shutdown: Shutdown) -> Self {
        Self {
            shutdown,
            registry: Arc::default(),
        }
    }

    pub fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// The same tasks; those that are started here heed `shutdown`, for a part
    /// that may stop before the rest.
    pub fn heeding(&self, shutdown: Shutdown) -> Self {
        Self {
            shutdown,
            registry: Arc::clone(&self.registry),
        }
    }

    /// Runs `work` beside its caller. A panic in it is logged with its name
    /// and ends only this task.
    #[allow(clippy::disallowed_methods, reason = "the one place that spawns")]
    pub fn spawn(
        &self,
        name: impl Into<Cow<'static, str>>,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        let ticket = self.registry.register(name.into());
        let id = ticket.id;
        let task = tokio::spawn(async move {
            let _ticket = ticket;
            work.await;
        });
        if let Some(running) = self.registry.lock().get_mut(&id) {
            running.handle = Some(task.abort_handle());
        }
    }

    /// Like [`Self::spawn`], for work without which the program is of no use:
    /// when it ends or panics, shutdown begins.
    pub fn spawn_vital(
        &self,
        name: impl Into<Cow<'static, str>>,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        let vital = Vital {
            name: name.into(),
            shutdown: self.shutdown.clone(),
        };
        self.spawn(vital.name.clone(), async move {
            let _vital = vital;
            work.await;
        });
    }

    /// How many are running.
    pub fn count(&self) -> usize {
        *self.registry.count.borrow()
    }

    /// Begins shutdown, waits for all tasks until `deadline` on `clock`, and
    /// cuts off the rest.
    pub async fn drain(&self, clock: &dyn Clock, deadline: Timestamp) -> Drained {
        self.shutdown.begin();
        let mut count = self.registry.count.subscribe();
        let all_ended = async {
            // Cannot fail: the registry keeps the sender.
            let _ = count.wait_for(|running| *running == 0).await;
        };
        if until(clock, deadline, all_ended).await.is_ok() {
            return Drained::Clean;
        }
        let mut names = Vec::new();
        for running in self.registry.lock().values() {
            names.push(running.name.clone().into_owned());
            if let Some(handle) = &running.handle {
                handle.abort();
            }
        }
        names.sort();
        tracing::warn!(tasks = ?names, "cut off tasks that did not end in time");
        Drained::CutOff(names)
    }
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn register(self: &Arc<Self>, name: Cow<'static, str>) -> Ticket {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut running = self.lock();
        running.insert(id, Running { name, handle: None });
        self.count.send_replace(running.len());
        Ticket {
            id,
            registry: Arc::clone(self),
        }
    }
}

/// Stands in the registry while its task lives, however that ends.
struct Ticket {
    id: u64,
    registry: Arc<Registry>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut running = self.registry.lock();
        let ended = running.remove(&self.id);
        self.registry.count.send_replace(running.len());
        drop(running);
        if std::thread::panicking() {
            let name = ended.map_or(Cow::Borrowed("unknown"), |task| task.name);
            tracing::error!(task = %name, "a task panicked");
        }
    }
}

/// Begins shutdown when its task ends, however that ends.
struct Vital {
    name: Cow<'static, str>,
    shutdown: Shutdown,
}

impl Drop for Vital {
    fn drop(&mut self) {
        if !self.shutdown.has_begun() {
            tracing::error!(task = %self.name, "a vital task ended; shutting down");
            self.shutdown.begin();
        }
    }
}

/// What the operating system asks of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT, Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP: look again at what may have been replaced.
    Reload,
}

/// Catches SIGINT, SIGTERM and SIGHUP from the moment it is made.
#[derive(Debug)]
pub struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    reload: unix::Signal,
}

/// Catches SIGHUP for others than [`Signals`], from the moment it is made.
#[derive(Debug)]
pub struct Hangups(unix::Signal);

/// From here on SIGHUP no longer ends the process.
pub fn hangups() -> io::Result<Hangups> {
    unix::signal(SignalKind::hangup()).map(Hangups)
}

impl Hangups {
    /// The next one.
    pub async fn next(&mut self) {
        self.0.recv().await;
    }
}

/// From here on SIGINT, SIGTERM and SIGHUP no longer end the process by
/// themselves.
pub fn signals() -> io::Result<Signals> {
    Ok(Signals {
        interrupt: unix::signal(SignalKind::interrupt())?,
        terminate: unix::signal(SignalKind::terminate())?,
        reload: unix::signal(SignalKind::hangup())?,
    })
}

impl Signals {
    /// The next signal; a second one may mean that the drain takes too long.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.reload.recv() => Signal::Reload,
        }
    }
}
