//! What the clients did and were told: the laboratory's side of the promise.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::crash::message::Token;
use crate::crash::scene::{self, REFUSED};
use crate::run::Result;

/// One message that was handed in.
#[derive(Clone, Debug)]
pub(in crate::crash) struct Sent {
    pub(in crate::crash) token: Token,
    /// Numbers of wards, see [`scene::address`].
    pub(in crate::crash) wards: Box<[u8]>,
    /// Whether it belongs to its client's sequence, which has the order of
    /// the tokens' numbers.
    pub(in crate::crash) in_sequence: bool,
    /// The queue's id, if 250 or 202 came.
    pub(in crate::crash) id: Option<Box<str>>,
}

/// Everything that was handed in, and what was refused. Clones share it.
#[derive(Clone, Debug)]
pub(in crate::crash) struct Record {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    sent: Mutex<Vec<Sent>>,
    log: Mutex<BufWriter<File>>,
    /// Recipients acknowledged that the far end will take.
    expected: AtomicU64,
    acknowledged: AtomicU64,
    /// Requests made again after their answer.
    repeated: AtomicU64,
    /// What is wrong already, in words.
    breaches: Mutex<Vec<String>>,
}

impl Record {
    /// Each acknowledgement is a line of `log` too.
    pub(in crate::crash) fn new(log: &Path) -> Result<Self> {
        let file = File::create(log).map_err(|error| format!("{}: {error}", log.display()))?;
        Ok(Self {
            shared: Arc::new(Shared {
                sent: Mutex::default(),
                log: Mutex::new(BufWriter::new(file)),
                expected: AtomicU64::new(0),
                acknowledged: AtomicU64::new(0),
                repeated: AtomicU64::new(0),
                breaches: Mutex::default(),
            }),
        })
    }

    pub(super) fn add(&self, sent: Sent) {
        let shared = &self.shared;
        if let Some(id) = &sent.id {
            let to: Vec<String> = sent
                .wards
                .iter()
                .map(|ward| scene::address(*ward))
                .collect();
            let good = to.iter().filter(|one| !one.starts_with(REFUSED)).count();
            shared.expected.fetch_add(good as u64, Ordering::Relaxed);
            shared.acknowledged.fetch_add(1, Ordering::Relaxed);
            let mut log = shared.log.lock().unwrap_or_else(PoisonError::into_inner);
            // For a person who looks into a breach; the audit has the list.
            let _ = writeln!(log, "{} {id} {}", sent.token, to.join(" "));
        }
        self.list().push(sent);
    }

    pub(super) fn repeated(&self) {
        self.shared.repeated.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn breach(&self, what: String) {
        let breaches = &self.shared.breaches;
        let mut breaches = breaches.lock().unwrap_or_else(PoisonError::into_inner);
        breaches.push(what);
    }

    /// Recipients that are acknowledged and that the far end is to take.
    pub(in crate::crash) fn expected(&self) -> u64 {
        self.shared.expected.load(Ordering::Relaxed)
    }

    pub(in crate::crash) fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    pub(in crate::crash) fn repeats(&self) -> u64 {
        self.shared.repeated.load(Ordering::Relaxed)
    }

    /// All of it, once nobody adds any more.
    pub(in crate::crash) fn take(&self) -> (Vec<Sent>, Vec<String>) {
        let breaches = &self.shared.breaches;
        let mut breaches = breaches.lock().unwrap_or_else(PoisonError::into_inner);
        let log = &self.shared.log;
        let _ = log.lock().unwrap_or_else(PoisonError::into_inner).flush();
        (
            std::mem::take(&mut *self.list()),
            std::mem::take(&mut *breaches),
        )
    }

    fn list(&self) -> std::sync::MutexGuard<'_, Vec<Sent>> {
        self.shared
            .sent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
