//! The way of lines to standard error: a bounded queue and a thread of its
//! own, so that whoever reads the log and stops reading holds no mail up.
//!
//! ```text
//!   event ─▶ line ─▶ queue ─▶ mask ─▶ standard error
//!                      └─ full: the line is lost, and how many were is said
//! ```

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

use super::mask;

/// Lines that wait: some seconds of a busy gateway, a few megabytes.
const LINES_MAX: usize = 16_384;

/// How long the end of the program waits for the last lines.
const FLUSH_MAX: Duration = Duration::from_secs(2);

enum Entry {
    Line(Vec<u8>),
    /// To be answered once everything before it is written.
    Flush(SyncSender<()>),
}

/// Hands lines over; never waits.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    queue: SyncSender<Entry>,
    lost: Arc<AtomicU64>,
}

static LINES: OnceLock<Lines> = OnceLock::new();

impl Lines {
    /// Starts the thread; without one, lines are lost.
    pub(super) fn start() -> Self {
        let (queue, entries) = sync_channel(LINES_MAX);
        let lost = Arc::new(AtomicU64::new(0));
        let lines = Self {
            queue,
            lost: Arc::clone(&lost),
        };
        let writing = std::thread::Builder::new().name("log".to_owned());
        let started = writing.spawn(move || write(&entries, &lost, &mut io::stderr()));
        if started.is_ok() {
            let _ = LINES.set(lines.clone());
        }
        lines
    }
}

/// Waits a moment until what was logged is written.
pub(crate) fn flush() {
    let Some(lines) = LINES.get() else {
        return;
    };
    let (done, written) = sync_channel(1);
    if lines.queue.try_send(Entry::Flush(done)).is_ok() {
        // Nobody reads: the rest is lost.
        let _ = written.recv_timeout(FLUSH_MAX);
    }
}

fn write(entries: &Receiver<Entry>, lost: &AtomicU64, out: &mut impl Write) {
    for entry in entries {
        match entry {
            Entry::Line(line) => {
                let before = lost.swap(0, Ordering::Relaxed);
                if before > 0 {
                    let _ = writeln!(
                        out,
                        "{{\"level\":\"WARN\",\"message\":\"lines of the log were lost, since nobody read them in time\",\"lines\":{before}}}"
                    );
                }
                // There is nowhere to say that it failed.
                let _ = out.write_all(&mask::mask(&line));
            }
            Entry::Flush(done) => {
                let _ = done.try_send(());
            }
        }
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> &'a Self {
        self
    }
}

impl Write for &Lines {
    /// A whole line at a time, as the subscriber writes them.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.queue.try_send(Entry::Line(line.to_vec())).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_beyond_the_queue_are_lost_and_counted() {
        let (queue, entries) = sync_channel(2);
        let lost = Arc::new(AtomicU64::new(0));
        let lines = Lines {
            queue,
            lost: Arc::clone(&lost),
        };
        for line in ["one\n", "two\n", "three to jo@a.example\n"] {
            assert_eq!(
                (&lines).write(line.as_bytes()).expect("no error"),
                line.len()
            );
        }
        assert_eq!(lost.load(Ordering::Relaxed), 1);
        drop(lines);
        let mut out = Vec::new();
        write(&entries, &lost, &mut out);
        let text = String::from_utf8(out).expect("text");
        assert!(text.starts_with("{\"level\":\"WARN\""), "{text}");
        assert!(text.contains("\"lines\":1}\none\ntwo\n"), "{text}");
    }
}
