//! The figures, for people and for programs.
#![allow(clippy::print_stdout, reason = "this is the result")]

use std::time::Duration;

use serde_json::{Value, json};

/// One figure, and the same of a peer where there is one.
#[derive(Debug)]
struct Figure {
    step: &'static str,
    what: String,
    unit: &'static str,
    twin: f64,
    peer: Option<(&'static str, f64)>,
}

impl Figure {
    /// How many times better the twin is: more where more is better.
    fn ratio(&self) -> Option<f64> {
        let (_, peer) = self.peer?;
        Some(if self.unit.ends_with("/s") {
            self.twin / peer
        } else {
            peer / self.twin
        })
    }
}

#[derive(Debug, Default)]
pub(super) struct Report(Vec<Figure>);

impl Report {
    pub(super) fn add(
        &mut self,
        step: &'static str,
        what: impl Into<String>,
        twin: f64,
        unit: &'static str,
        peer: Option<(&'static str, f64)>,
    ) {
        let figure = Figure {
            step,
            what: what.into(),
            unit,
            twin,
            peer,
        };
        eprintln!("{}", line(&figure));
        self.0.push(figure);
    }

    /// Median, 99th percentile and worst of some times.
    pub(super) fn add_times(&mut self, step: &'static str, what: &str, times: &mut [Duration]) {
        for (name, part) in [("median", 50), ("p99", 99), ("worst", 100)] {
            let millis = percentile(times, part).as_secs_f64() * 1000.0;
            self.add(step, format!("{what}, {name}"), millis, "ms", None);
        }
    }

    pub(super) fn print(&self, as_json: bool) {
        if as_json {
            let figures: Vec<Value> = self.0.iter().map(json_of).collect();
            println!("{}", Value::from(figures));
        } else {
            for figure in &self.0 {
                println!("{}", line(figure));
            }
        }
    }
}

/// Sorts them. Nothing of nothing.
pub(super) fn percentile(times: &mut [Duration], part: usize) -> Duration {
    times.sort_unstable();
    let last = times.len().saturating_sub(1);
    times.get(last * part / 100).copied().unwrap_or_default()
}

fn line(figure: &Figure) -> String {
    let mut line = format!(
        "{:<7} {:<58} {:>10.2} {:<5}",
        figure.step, figure.what, figure.twin, figure.unit
    );
    if let (Some((name, peer)), Some(ratio)) = (figure.peer, figure.ratio()) {
        line.push_str(&format!(" {name} {peer:.2}, ratio {ratio:.1}"));
    }
    line
}

fn json_of(figure: &Figure) -> Value {
    json!({
        "step": figure.step,
        "what": figure.what,
        "unit": figure.unit,
        "twin": figure.twin,
        "peer": figure.peer.map(|(name, value)| json!({"name": name, "value": value})),
        "ratio": figure.ratio(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_is_better_of_rates_and_less_of_the_rest() {
        let figure = |unit| Figure {
            step: "start",
            what: String::new(),
            unit,
            twin: 10.0,
            peer: Some(("another", 5.0)),
        };
        assert_eq!(figure("/s").ratio(), Some(2.0));
        assert_eq!(figure("ms").ratio(), Some(0.5));
        let mut times: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(percentile(&mut times, 50), Duration::from_millis(100));
        assert_eq!(percentile(&mut times, 99), Duration::from_millis(198));
        assert_eq!(percentile(&mut [], 99), Duration::ZERO);
    }
}
