//! What the far end took: one line for each message, on the disk before its
//! 250 leaves. Whoever has to wait for one sync shares it.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::run::Result;

/// Lines that may wait for the disk.
const WAITING_MAX: usize = 256;

/// One message that was taken, for these recipients.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::crash) struct Taken {
    /// Milliseconds since 1970.
    pub(in crate::crash) at: i64,
    /// Missing on reports of the gateway's own.
    pub(in crate::crash) token: Option<String>,
    pub(in crate::crash) whole: bool,
    pub(in crate::crash) to: Vec<String>,
    /// What became of its 250.
    pub(in crate::crash) reply: ReplyFate,
}

impl Taken {
    /// The far end itself made the reply's fate unknown.
    pub(in crate::crash) fn was_cut_off(&self) -> bool {
        matches!(self.reply, ReplyFate::Lost | ReplyFate::NotTaken)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::crash) enum ReplyFate {
    Said,
    Delayed,
    /// The message was taken, and the connection cut instead of a reply.
    Lost,
    /// The connection was cut, and the message forgotten.
    NotTaken,
}

struct Entry {
    line: String,
    recipients: u64,
    written: oneshot::Sender<()>,
}

/// Clones write to the same ledger.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    entries: SyncSender<Entry>,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.line)
    }
}

impl Ledger {
    /// `tell` is called after each sync with all recipients taken so far.
    pub(super) fn open(path: &Path, tell: impl Fn(u64) + Send + 'static) -> Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let (entries, receiver) = sync_channel(WAITING_MAX);
        std::thread::spawn(move || write(file, &receiver, &tell));
        Ok(Self { entries })
    }

    /// On stable storage when it returns; an error means that it may not be.
    pub(super) async fn record(&self, taken: &Taken) -> Result {
        let (written, done) = oneshot::channel();
        let line = serde_json::to_string(taken).map_err(|error| error.to_string())?;
        let entry = Entry {
            line,
            recipients: if taken.reply == ReplyFate::NotTaken {
                0
            } else {
                taken.to.len() as u64
            },
            written,
        };
        self.entries
            .try_send(entry)
            .map_err(|error| format!("the ledger takes no more: {error}"))?;
        done.await.map_err(|_| "the ledger is gone".to_owned())
    }
}

/// Ends with the last sender, or at the first failure: then nobody gets an
/// answer any more, and so no 250 leaves.
fn write(mut file: File, entries: &Receiver<Entry>, tell: &dyn Fn(u64)) {
    let mut total = 0;
    while let Ok(first) = entries.recv() {
        let mut batch = vec![first];
        batch.extend(entries.try_iter().take(WAITING_MAX));
        let mut lines = String::new();
        for entry in &batch {
            lines.push_str(&entry.line);
            lines.push('\n');
        }
        let synced = file
            .write_all(lines.as_bytes())
            .and_then(|()| file.sync_data());
        if let Err(error) = synced {
            eprintln!("the far end's ledger: {error}");
            return;
        }
        total += batch.iter().map(|entry| entry.recipients).sum::<u64>();
        tell(total);
        for entry in batch {
            // Whoever asked may have been cut off; the line stands all the same.
            let _ = entry.written.send(());
        }
    }
}

/// Everything in a ledger. A torn last line was never answered.
pub(in crate::crash) fn read(path: &Path) -> Result<Vec<Taken>> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole
        .lines()
        .map(|line| {
            serde_json::from_str(line).map_err(|error| format!("{}: {error}", path.display()))
        })
        .collect()
}
