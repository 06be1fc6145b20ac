//! The record of refused credentials, which is the gateway's own: one refusal
//! is remembered by both, whoever met it (GUIDE-34, C14).
//!
//! ```text
//!   a gateway runs here          ▶ its queue
//!   a store that nobody holds    ▶ opened, and closed at the end
//!   no store yet                 ▶ made only when there is a refusal to keep
//!   another process holds it     ▶ nothing is tried: it could not be recorded
//! ```

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use mailward_mail::{Clock, Dice, Reply};
use mailward_queue::{BreakerState, Credential, Gates, Queue, Terms};
use mailward_store::{OpenError, Options, Store};
use tokio::sync::Mutex;

use super::seen::StoreState;
use crate::config::{Application, Config};
use crate::gateway::SCHEMA;
use crate::register::Register;

#[derive(Debug)]
pub(super) struct Ledger {
    config: Arc<Config>,
    clock: Arc<dyn Clock>,
    dice: Arc<dyn Dice>,
    book: Mutex<Book>,
}

enum Book {
    /// Of a gateway that goes on without us.
    Theirs(Queue),
    Ours(Queue),
    Absent,
    Unavailable(String),
}

impl std::fmt::Debug for Book {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Theirs(_) => "Theirs",
            Self::Ours(_) => "Ours",
            Self::Absent => "Absent",
            Self::Unavailable(_) => "Unavailable",
        })
    }
}

impl Ledger {
    /// That of a gateway that runs.
    pub(super) fn of(
        queue: Queue,
        config: Arc<Config>,
        clock: Arc<dyn Clock>,
        dice: Arc<dyn Dice>,
    ) -> Self {
        Self {
            config,
            clock,
            dice,
            book: Mutex::new(Book::Theirs(queue)),
        }
    }

    /// None: for a preflight that signs in nowhere.
    pub(super) fn nowhere(config: Arc<Config>, clock: Arc<dyn Clock>, dice: Arc<dyn Dice>) -> Self {
        let why = "the store was not opened".to_owned();
        Self {
            config,
            clock,
            dice,
            book: Mutex::new(Book::Unavailable(why)),
        }
    }

    /// That of the configured folder, with what the register in it holds.
    pub(super) async fn open(
        config: Arc<Config>,
        clock: Arc<dyn Clock>,
        dice: Arc<dyn Dice>,
    ) -> (Self, StoreState, Option<Vec<Application>>) {
        let (book, state, applications) = if !is_store(&config.dir) {
            (Book::Absent, StoreState::Absent, None)
        } else if let Some(why) = belongs_to_another(&config.dir) {
            (
                Book::Unavailable(why.clone()),
                StoreState::Unusable(why),
                None,
            )
        } else {
            match open_store(&config) {
                Ok(store) => {
                    let register = Register::open(Arc::clone(&config), store.clone()).await;
                    let list = |register: Register| {
                        let entries = register.list();
                        entries.iter().map(|one| one.application.clone()).collect()
                    };
                    let queue = over(store, &clock, &dice);
                    (
                        Book::Ours(queue),
                        StoreState::Sound,
                        register.ok().map(list),
                    )
                }
                Err(error @ OpenError::Locked { .. }) => {
                    let why = error.to_string();
                    (Book::Unavailable(why.clone()), StoreState::InUse(why), None)
                }
                Err(error) => {
                    let why = error.to_string();
                    (
                        Book::Unavailable(why.clone()),
                        StoreState::Unusable(why),
                        None,
                    )
                }
            }
        };
        let ledger = Self {
            config,
            clock,
            dice,
            book: Mutex::new(book),
        };
        (ledger, state, applications)
    }

    /// Whether the credential may be tried; the error says why it can't be known.
    pub(super) async fn state(&self, credential: &Credential) -> Result<BreakerState, String> {
        match &*self.book.lock().await {
            Book::Theirs(queue) | Book::Ours(queue) => queue
                .breaker_state(credential)
                .await
                .map_err(|error| error.to_string()),
            Book::Absent => Ok(BreakerState::Closed),
            Book::Unavailable(why) => Err(why.clone()),
        }
    }

    /// Records a refusal, so that neither the gateway nor another preflight
    /// tries this version of the credential again.
    pub(super) async fn refused(
        &self,
        credential: &Credential,
        reply: &Reply,
    ) -> Result<(), String> {
        let mut book = self.book.lock().await;
        if let Book::Absent = &*book {
            let store = open_store(&self.config).map_err(|error| error.to_string())?;
            *book = Book::Ours(over(store, &self.clock, &self.dice));
        }
        match &*book {
            Book::Theirs(queue) | Book::Ours(queue) => queue
                .breaker_open(credential, reply)
                .await
                .map_err(|error| error.to_string()),
            Book::Absent => Err("there is no store".to_owned()),
            Book::Unavailable(why) => Err(why.clone()),
        }
    }

    /// Lets go of a store that was opened for this.
    pub(super) async fn close(self) {
        if let Book::Ours(queue) = self.book.into_inner() {
            queue.close().await;
        }
    }
}

fn is_store(dir: &Path) -> bool {
    ["rows.sqlite", "segments"]
        .iter()
        .any(|part| dir.join(part).exists())
}

/// What another user's store would be left with files that it can't open.
fn belongs_to_another(dir: &Path) -> Option<String> {
    let owner = std::fs::metadata(dir).ok()?.uid();
    let ours = rustix::process::geteuid().as_raw();
    (owner != ours).then(|| {
        format!(
            "{} belongs to the user with the number {owner}, and this runs as {ours}: \
             run it as the gateway's user",
            dir.display()
        )
    })
}

fn open_store(config: &Config) -> Result<Store, OpenError> {
    Store::open(Options::new(&config.dir, SCHEMA))
}

fn over(store: Store, clock: &Arc<dyn Clock>, dice: &Arc<dyn Dice>) -> Queue {
    Queue::over(
        store,
        Arc::clone(clock),
        Arc::clone(dice),
        Terms::default(),
        Gates::default(),
    )
}
