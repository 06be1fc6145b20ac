//! What Postfix delivered: each file is read, written into the ledger and
//! removed, while the run goes on.
//!
//! A file is one recipient of one message. Postfix writes on top to whom it is
//! and under which id it took the message, and the id says when that began:
//! after whatever the gateway had to write down before it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::ledger::{ReplyFate, Taken};
use crate::crash::message::{self, Content};
use crate::run::Result;

const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Whoever follows the mail as it arrives.
#[derive(Debug)]
pub(super) struct Arrivals {
    enough: Arc<AtomicBool>,
    thread: JoinHandle<Result>,
    ledger: PathBuf,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Arrival {
    id: String,
    token: Option<String>,
    whole: bool,
    to: String,
}

impl Arrivals {
    /// Files in `folder`, which may not be there yet.
    pub(super) fn follow(folder: PathBuf, dir: &Path, taken: Arc<AtomicU64>) -> Result<Self> {
        let ledger = dir.join("far-end.ledger");
        let file = File::create(&ledger).map_err(|error| failed(&ledger, &error))?;
        let enough = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&enough);
        let thread = std::thread::spawn(move || {
            let mut file = BufWriter::new(file);
            loop {
                // Asked first, so that the last round sees everything.
                let is_last = told.load(Ordering::SeqCst);
                let count = round(&folder, &mut file)?;
                taken.fetch_add(count, Ordering::Relaxed);
                if is_last {
                    return Ok(());
                }
                std::thread::sleep(LOOK_AGAIN);
            }
        });
        Ok(Self {
            enough,
            thread,
            ledger,
        })
    }

    /// All of them, in the order in which Postfix took them.
    pub(super) fn end(self) -> Result<Vec<Taken>> {
        self.enough.store(true, Ordering::SeqCst);
        self.thread
            .join()
            .map_err(|_| "nobody follows the mail")??;
        let text =
            fs::read_to_string(&self.ledger).map_err(|error| failed(&self.ledger, &error))?;
        let mut by_id: BTreeMap<(i64, String), Taken> = BTreeMap::new();
        for line in text.lines() {
            let arrival: Arrival =
                serde_json::from_str(line).map_err(|error| failed(&self.ledger, &error))?;
            let micros = began(&arrival.id)
                .ok_or_else(|| format!("{} is no id of Postfix that tells a time", arrival.id))?;
            let taken = by_id
                .entry((micros, arrival.id.clone()))
                .or_insert_with(|| Taken {
                    at: micros / 1000,
                    token: arrival.token.clone(),
                    whole: true,
                    to: Vec::new(),
                    reply: ReplyFate::Said,
                });
            taken.whole &= arrival.whole && taken.token == arrival.token;
            taken.to.push(arrival.to);
        }
        Ok(by_id.into_values().collect())
    }
}

fn failed(path: &Path, error: &dyn std::fmt::Display) -> String {
    format!("{}: {error}", path.display())
}

/// Takes what is there; says how many.
fn round(folder: &Path, ledger: &mut BufWriter<File>) -> Result<u64> {
    let Ok(entries) = fs::read_dir(folder) else {
        // Made with the first message.
        return Ok(0);
    };
    let mut read = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        let octets = fs::read(&path).map_err(|error| failed(&path, &error))?;
        let arrival =
            arrival(&octets).ok_or_else(|| failed(&path, &"what Postfix delivered is not read"))?;
        let line = serde_json::to_string(&arrival).map_err(|error| error.to_string())?;
        writeln!(ledger, "{line}").map_err(|error| failed(&path, &error))?;
        read.push(path);
    }
    ledger
        .flush()
        .map_err(|error| format!("the far end's ledger: {error}"))?;
    for path in &read {
        fs::remove_file(path).map_err(|error| failed(path, &error))?;
    }
    Ok(read.len() as u64)
}

fn arrival(octets: &[u8]) -> Option<Arrival> {
    let text = String::from_utf8_lossy(octets);
    let header = text.split("\n\n").next()?;
    let to = header
        .lines()
        .find_map(|line| line.strip_prefix("Delivered-To: "))?;
    // The uppermost is that of this Postfix.
    let received = &header[header.find("Received: ")?..];
    let (_, with) = received.split_once("(Postfix) with ")?;
    let id = with
        .split_whitespace()
        .skip_while(|word| *word != "id")
        .nth(1)?;
    let (token, whole) = match message::read(octets) {
        Content::Whole(token) => (Some(token.to_string()), true),
        Content::Spoilt(token) => (Some(token.to_string()), false),
        Content::NoToken => (None, true),
    };
    Some(Arrival {
        id: id.to_owned(),
        token,
        whole,
        to: to.to_owned(),
    })
}

/// The digits of a long id: Postfix leaves out vowels.
const DIGITS: &[u8; 52] = b"0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";

/// When Postfix began with the message, in microseconds since 1970: a long id
/// is seconds, four digits of microseconds, `z`, and the file's number
/// (postconf(5), `enable_long_queue_ids`).
fn began(id: &str) -> Option<i64> {
    let (time, _inode) = id.rsplit_once('z')?;
    let (seconds, micros) = time.split_at_checked(time.len().checked_sub(4)?)?;
    let number = |text: &str| {
        text.bytes().try_fold(0_i64, |sum, digit| {
            let value = DIGITS.iter().position(|known| *known == digit)?;
            sum.checked_mul(52)?.checked_add(value as i64)
        })
    };
    number(seconds)?
        .checked_mul(1_000_000)?
        .checked_add(number(micros)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
Return-Path: <clinic.letters@northmoor.example>
X-Original-To: ward7@northmoor.example
Delivered-To: ward7@northmoor.example
Received: from gateway.northmoor.example (localhost [127.0.0.1])
\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))
\tby localhost (Postfix) with ESMTPSA id 4dDKcS1yZ5z3yTx
\tfor <ward7@northmoor.example>; Sat, 21 Nov 2026 19:30:00 +0000 (UTC)
Subject: Letter c3-n41

Token: c3-n41
End: c3-n41 0
";

    #[test]
    fn reads_what_postfix_writes_on_top() {
        let expected = Arrival {
            id: "4dDKcS1yZ5z3yTx".to_owned(),
            token: Some("c3-n41".to_owned()),
            whole: true,
            to: "ward7@northmoor.example".to_owned(),
        };
        assert_eq!(arrival(FILE.as_bytes()), Some(expected));
        assert_eq!(arrival(b"Subject: no trace\n\nx\n"), None);
    }

    #[test]
    fn an_id_tells_when() {
        for (id, micros) in [
            ("10000zB", Some(1_000_000)),
            ("100001zB", Some(52_000_001)),
            ("A", None),
            ("zB", None),
            ("10A00zB", None),
        ] {
            assert_eq!(began(id), micros, "{id}");
        }
    }
}
