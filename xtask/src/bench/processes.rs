//! What the system says of processes: their time, their memory, their
//! children. From /proc, as proc(5) describes it.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use crate::run::Result;

/// The unit of times in /proc/PID/stat; Linux shows it as 100 everywhere.
const TICKS_PER_SECOND: u64 = 100;

/// CPU time of `roots` and all below them, the ended ones included.
pub(super) fn cpu(roots: &[u32]) -> Result<Duration> {
    let table = table()?;
    let ticks = family(roots, &table)
        .iter()
        .filter_map(|pid| table.get(pid))
        .map(|stat| stat.ticks)
        .sum::<u64>();
    Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}

/// CPU time of this process.
pub(super) fn cpu_of_self() -> Result<Duration> {
    let stat = read_stat(std::process::id()).ok_or("/proc/self/stat can't be read")?;
    Ok(Duration::from_millis(stat.ticks * 1000 / TICKS_PER_SECOND))
}

/// Resident memory in octets of `roots` and all below them. A page that
/// several processes share is counted once (`Pss`).
pub(super) fn resident(roots: &[u32]) -> Result<u64> {
    let mut octets = 0;
    for pid in family(roots, &table()?) {
        let path = format!("/proc/{pid}/smaps_rollup");
        // A process may have ended since; then it holds nothing.
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
        let kibibytes =
            line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
        octets += 1024 * kibibytes.ok_or_else(|| format!("{path} has no Pss"))?;
    }
    Ok(octets)
}

struct Stat {
    parent: u32,
    /// In user and system mode, its own and that of children waited for.
    ticks: u64,
}

fn table() -> Result<HashMap<u32, Stat>> {
    let entries = fs::read_dir("/proc").map_err(|error| format!("/proc can't be read: {error}"))?;
    Ok(entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, read_stat(pid)?)))
        .collect())
}

fn read_stat(pid: u32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The second field is a name in parentheses that may hold anything.
fn parse_stat(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text[text.rfind(')')? + 1..]
        .split_ascii_whitespace()
        .collect();
    // proc(5) counts from 1 and the first field here is its third: 14 to 17
    // are utime, stime, cutime, cstime.
    let times = fields.get(11..15)?.iter().map(|field| field.parse::<u64>());
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        ticks: times.sum::<std::result::Result<u64, _>>().ok()?,
    })
}

fn family(roots: &[u32], table: &HashMap<u32, Stat>) -> Vec<u32> {
    let mut found = roots.to_vec();
    let mut looked_at = 0;
    while let Some(parent) = found.get(looked_at).copied() {
        found.extend(
            table
                .iter()
                .filter(|(_, stat)| stat.parent == parent)
                .map(|(pid, _)| *pid),
        );
        looked_at += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_line_whatever_the_name() {
        let line = "7 (a) b) S 3 7 7 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 1 0 100 200 300";
        let stat = parse_stat(line).expect("a line of proc(5)");
        assert_eq!((stat.parent, stat.ticks), (3, 100));
        assert!(parse_stat("7 (a) S 3").is_none());
    }

    #[test]
    fn sees_itself() {
        let own = std::process::id();
        assert!(resident(&[own]).expect("readable") > 100 * 1024);
    }
}
