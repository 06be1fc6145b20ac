//! The result, for people and for programs.
#![allow(clippy::print_stdout, reason = "this is the result")]

use std::time::Duration;

use serde_json::{Value, json};

use super::burst::Burst;
use super::memory::{Each, Memory};
use super::options::{Cell, Options};
use super::round::{Counted, Pair};
use crate::bench::report::median_of;

const KIB: f64 = 1024.0;
const MIB: f64 = 1024.0 * KIB;

pub(super) struct Report {
    disk: String,
    cores: usize,
    pairs: usize,
    cells: Vec<(Cell, Vec<Pair>)>,
    pub(super) memory: Option<Memory>,
    pub(super) burst: Option<Burst>,
}

impl Report {
    pub(super) fn new(options: &Options, disk: String) -> Self {
        Self {
            disk,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            pairs: options.pairs,
            cells: Vec::new(),
            memory: None,
            burst: None,
        }
    }

    pub(super) fn add_cell(&mut self, cell: Cell, pairs: Vec<Pair>) {
        self.cells.push((cell, pairs));
    }

    pub(super) fn print(&self, as_json: bool) {
        if as_json {
            println!("{}", self.to_json());
        } else {
            println!("{}", self.to_table());
        }
    }

    fn to_table(&self) -> String {
        let mut lines = Vec::new();
        if !self.cells.is_empty() {
            lines.push(format!(
                "Messages a second from application to far end; none lost, none twice. {} cores, {}.",
                self.cores, self.disk
            ));
            lines.push(format!(
                "Median of {} of each, by turns. CPU in microseconds a message; the sink's in parts of the machine.",
                self.pairs
            ));
            lines.push(String::new());
            lines.push(format!(
                "{:<8}{:<6}{:<14}{:>9}{:>9}{:>7}{:>15}{:>11}{:>9}{:>8}{:>7}{:>7}{:>12}{:>12}",
                "octets",
                "conn.",
                "far end",
                "Mailward",
                "Postfix",
                "ratio",
                "(low high)",
                "CPU: Mw",
                "Postfix",
                "load",
                "sink",
                "sink %",
                "accepted Mw",
                "accepted Px"
            ));
            lines.extend(
                self.cells
                    .iter()
                    .map(|(cell, pairs)| row(cell, pairs, self.cores)),
            );
        }
        if let Some(memory) = &self.memory {
            lines.push(String::new());
            lines.extend(memory_lines(memory));
        }
        if let Some(burst) = &self.burst {
            lines.push(String::new());
            lines.extend(burst_lines(burst));
        }
        lines.join("\n")
    }

    fn to_json(&self) -> Value {
        let cells: Vec<Value> = self
            .cells
            .iter()
            .map(|(cell, pairs)| cell_json(cell, pairs))
            .collect();
        json!({
            "disk": self.disk,
            "cores": self.cores,
            "relay": cells,
            "memory": self.memory.as_ref().map(memory_json),
            "burst": self.burst.as_ref().map(burst_json),
        })
    }
}

fn row(cell: &Cell, pairs: &[Pair], cores: usize) -> String {
    let of = |figure: &dyn Fn(&Pair) -> f64| median_of(pairs.iter().map(figure));
    let mut ratios: Vec<f64> = pairs.iter().map(Pair::ratio).collect();
    ratios.sort_by(f64::total_cmp);
    let spread = match (ratios.first(), ratios.last()) {
        (Some(low), Some(high)) if ratios.len() > 1 => format!("({low:.2} {high:.2})"),
        _ => String::new(),
    };
    format!(
        "{:<8}{:<6}{:<14}{:>9.0}{:>9.0}{:>7.2}{:>15}{:>11.0}{:>9.0}{:>8.0}{:>7.0}{:>7.0}{:>12.0}{:>12.0}",
        cell.octets,
        cell.connections,
        cell.kind.as_str(),
        of(&|pair| pair.mailward.per_second()),
        of(&|pair| pair.postfix.per_second()),
        of(&Pair::ratio),
        spread,
        of(&|pair| each(pair.mailward.hop_cpu, &pair.mailward)),
        of(&|pair| each(pair.postfix.hop_cpu, &pair.postfix)),
        of(&|pair| each(pair.mailward.load_cpu, &pair.mailward)),
        of(&|pair| each(pair.mailward.sink_cpu, &pair.mailward)),
        of(&|pair| share(&pair.mailward, cores)),
        of(&|pair| accepted(&pair.mailward)),
        of(&|pair| accepted(&pair.postfix)),
    )
}

/// Microseconds for each message.
fn each(time: Duration, counted: &Counted) -> f64 {
    time.as_micros() as f64 / counted.messages as f64
}

/// Hundredths of the machine that the sink took.
fn share(counted: &Counted, cores: usize) -> f64 {
    100.0 * counted.sink_cpu.as_secs_f64() / (counted.through_in.as_secs_f64() * cores as f64)
}

/// Messages a second answered 250, while others were relayed.
fn accepted(counted: &Counted) -> f64 {
    counted.messages as f64 / counted.accepted_in.as_secs_f64()
}

fn memory_lines(memory: &Memory) -> Vec<String> {
    let line = |what: String, figure: fn(&Each) -> f64| {
        let (ours, theirs) = (figure(&memory.mailward), figure(&memory.postfix));
        format!(
            "Resident memory of {what}: Mailward {:.1} KiB, Postfix {:.1} KiB",
            ours / KIB,
            theirs / KIB
        )
    };
    vec![
        line(
            format!("an idle signed-in connection, over {}", memory.connections),
            |each| each.connection,
        ),
        line(
            format!(
                "a queued message while the far end is silent, over {}",
                memory.queued
            ),
            |each| each.message,
        ),
    ]
}

fn burst_lines(burst: &Burst) -> Vec<String> {
    let tenths: Vec<String> = burst
        .tenths
        .iter()
        .map(|rate| format!("{rate:.0}"))
        .collect();
    let in_mib = |octets: Option<&u64>| octets.copied().unwrap_or_default() as f64 / MIB;
    let most = in_mib(burst.resident.iter().max());
    let last = in_mib(burst.resident.last());
    vec![
        format!(
            "Burst of {} messages over {} s: accepted in {:.1} s ({:.0}/s), {} queued then; none lost, none twice",
            burst.messages,
            burst.through_in.as_secs(),
            burst.accepted_in.as_secs_f64(),
            burst.messages as f64 / burst.accepted_in.as_secs_f64(),
            burst.queued,
        ),
        format!("  relayed a second, by tenths: {}", tenths.join(" ")),
        format!(
            "  resident memory: {:.1} MiB before, {most:.1} MiB at most, {last:.1} MiB at the end ({} samples)",
            burst.resident_before as f64 / MIB,
            burst.resident.len()
        ),
    ]
}

fn cell_json(cell: &Cell, pairs: &[Pair]) -> Value {
    let side = |counted: &Counted| {
        json!({
            "per_second": counted.per_second(),
            "accepted_per_second": accepted(counted),
            "relayed_meanwhile": counted.relayed_meanwhile,
            "cpu_us_per_message": each(counted.hop_cpu, counted),
            "sink_cpu_us_per_message": each(counted.sink_cpu, counted),
            "load_cpu_us_per_message": each(counted.load_cpu, counted),
        })
    };
    let pairs_json: Vec<Value> = pairs
        .iter()
        .map(|pair| json!({ "mailward": side(&pair.mailward), "postfix": side(&pair.postfix), "ratio": pair.ratio() }))
        .collect();
    json!({
        "octets": cell.octets,
        "connections": cell.connections,
        "far_end": cell.kind.as_str(),
        "ratio": median_of(pairs.iter().map(Pair::ratio)),
        "pairs": pairs_json,
    })
}

fn memory_json(memory: &Memory) -> Value {
    let side = |each: &Each| json!({ "idle_connection_octets": each.connection, "queued_message_octets": each.message });
    json!({
        "connections": memory.connections,
        "queued": memory.queued,
        "mailward": side(&memory.mailward),
        "postfix": side(&memory.postfix),
    })
}

fn burst_json(burst: &Burst) -> Value {
    json!({
        "messages": burst.messages,
        "accepted_seconds": burst.accepted_in.as_secs_f64(),
        "through_seconds": burst.through_in.as_secs_f64(),
        "relayed_per_second_by_tenths": burst.tenths,
        "queued_at_the_last_250": burst.queued,
        "resident_before_octets": burst.resident_before,
        "resident_octets": burst.resident,
    })
}
