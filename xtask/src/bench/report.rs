//! The result, for people and for programs.
#![allow(clippy::print_stdout, reason = "this is the result")]

use serde_json::{Value, json};

use super::idle::Idle;
use super::load::Counted;
use super::options::Options;
use super::rounds::{Cell, Pair};

pub(super) struct Report {
    disk: String,
    pairs: usize,
    seconds: f64,
    cells: Vec<(Cell, Vec<Pair>)>,
    idle: Option<Idle>,
}

impl Report {
    pub(super) fn new(options: &Options, disk: String) -> Self {
        Self {
            disk,
            pairs: options.pairs,
            seconds: options.counted.as_secs_f64(),
            cells: Vec::new(),
            idle: None,
        }
    }

    pub(super) fn add_cell(&mut self, cell: Cell, pairs: Vec<Pair>) {
        self.cells.push((cell, pairs));
    }

    pub(super) fn add_idle(&mut self, idle: Idle) {
        self.idle = Some(idle);
    }

    pub(super) fn print(&self, as_json: bool) {
        if as_json {
            println!("{}", self.to_json());
        } else {
            println!("{}", self.to_table());
        }
    }

    fn to_table(&self) -> String {
        let mut lines = vec![
            "Messages a second answered 250 over TLS with AUTH, synced before that.".to_owned(),
            format!(
                "Median of {} x {} s of each, by turns, on {}.",
                self.pairs, self.seconds, self.disk
            ),
            String::new(),
            format!(
                "{:<34}{:>44}{:>30}",
                "", "ratio, its median", "microseconds of CPU a message"
            ),
            format!(
                "{:<8}{:<26}{:>10}{:>10}{:>24}{:>12}{:>10}{:>8}",
                "octets",
                "connections",
                "Mailward",
                "Postfix",
                "(lowest highest)",
                "Mailward",
                "Postfix",
                "load"
            ),
        ];
        lines.extend(self.cells.iter().map(|(cell, pairs)| row(cell, pairs)));
        if let Some(idle) = self.idle {
            lines.push(String::new());
            lines.push(format!(
                "Resident memory of an idle signed-in connection, over {}: Mailward {:.1} KiB, Postfix {:.1} KiB, ratio 1 to {:.0}",
                idle.connections,
                idle.mailward / 1024.0,
                idle.postfix / 1024.0,
                idle.postfix / idle.mailward
            ));
        }
        lines.join("\n")
    }

    fn to_json(&self) -> Value {
        let cells: Vec<Value> = self
            .cells
            .iter()
            .map(|(cell, pairs)| cell_json(cell, pairs))
            .collect();
        let idle = self.idle.map(|idle| {
            json!({
                "connections": idle.connections,
                "mailward_octets": idle.mailward,
                "postfix_octets": idle.postfix,
            })
        });
        json!({ "disk": self.disk, "pairs": self.pairs, "seconds": self.seconds, "accept": cells, "idle": idle })
    }
}

fn row(cell: &Cell, pairs: &[Pair]) -> String {
    let ratios = sorted(pairs, Pair::ratio);
    let spread = match (ratios.first(), ratios.last()) {
        (Some(low), Some(high)) if ratios.len() > 1 => format!("({low:.2} {high:.2})"),
        _ => String::new(),
    };
    format!(
        "{:<8}{:>2} {:<23}{:>10.0}{:>10.0}{:>9.2}{:>15}{:>12.0}{:>10.0}{:>8.0}",
        cell.octets,
        cell.connections,
        if cell.kept {
            "kept"
        } else {
            "one for each message"
        },
        median(pairs, |pair| pair.mailward.per_second()),
        median(pairs, |pair| pair.postfix.per_second()),
        median(pairs, Pair::ratio),
        spread,
        median(pairs, |pair| cpu(&pair.mailward)),
        median(pairs, |pair| cpu(&pair.postfix)),
        median(pairs, |pair| load_cpu(&pair.mailward)),
    )
}

fn cell_json(cell: &Cell, pairs: &[Pair]) -> Value {
    let side = |counted: &Counted| {
        json!({
            "per_second": counted.per_second(),
            "cpu_us_per_message": cpu(counted),
            "load_cpu_us_per_message": load_cpu(counted),
        })
    };
    let each: Vec<Value> = pairs
        .iter()
        .map(|pair| json!({ "mailward": side(&pair.mailward), "postfix": side(&pair.postfix), "ratio": pair.ratio() }))
        .collect();
    json!({
        "octets": cell.octets,
        "connections": cell.connections,
        "kept": cell.kept,
        "mailward_per_second": median(pairs, |pair| pair.mailward.per_second()),
        "postfix_per_second": median(pairs, |pair| pair.postfix.per_second()),
        "ratio": median(pairs, Pair::ratio),
        "pairs": each,
    })
}

fn cpu(counted: &Counted) -> f64 {
    counted.server_cpu.as_micros() as f64 / counted.messages as f64
}

fn load_cpu(counted: &Counted) -> f64 {
    counted.load_cpu.as_micros() as f64 / counted.messages as f64
}

fn sorted(pairs: &[Pair], figure: impl Fn(&Pair) -> f64) -> Vec<f64> {
    let mut figures: Vec<f64> = pairs.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    figures
}

fn median(pairs: &[Pair], figure: impl Fn(&Pair) -> f64) -> f64 {
    median_of(pairs.iter().map(figure))
}

pub(super) fn median_of(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => figures[middle],
        _ => f64::midpoint(figures[middle - 1], figures[middle]),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn pair(mailward: u64, postfix: u64) -> Pair {
        let counted = |messages| Counted {
            messages,
            elapsed: Duration::from_secs(2),
            server_cpu: Duration::from_secs(1),
            load_cpu: Duration::from_millis(500),
        };
        Pair {
            mailward: counted(mailward),
            postfix: counted(postfix),
        }
    }

    #[test]
    fn the_ratio_is_the_median_of_ratios() {
        let pairs = [pair(800, 100), pair(100, 100), pair(300, 100)];
        assert_eq!(median(&pairs, Pair::ratio), 3.0);
        assert_eq!(median(&pairs[..2], Pair::ratio), 4.5);
        let cell = Cell {
            octets: 4096,
            connections: 10,
            kept: true,
        };
        let row = row(&cell, &pairs);
        assert!(row.contains("     3.00    (1.00 8.00)"), "{row}");
        let json = cell_json(&cell, &pairs);
        assert_eq!(json["mailward_per_second"], 150.0);
        assert_eq!(json["pairs"][0]["ratio"], 8.0);
    }
}
