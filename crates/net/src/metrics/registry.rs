//! Where counters and histograms live while the program runs.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::{Definition, Exposition, Kind};

/// Series of one family. Accounts, routes, applications and rules together
/// stay far below it.
pub const SERIES_MAX: usize = 10_000;

/// The value of every label of what found no room.
const OTHER: &str = "other";

/// The unit separator: no name holds it.
const BETWEEN: &str = "\u{1f}";

/// All families of one table. Clones are the same registry.
#[derive(Clone, Debug)]
pub struct Registry(Arc<HashMap<&'static str, Family>>);

#[derive(Debug)]
struct Family {
    definition: &'static Definition,
    series: RwLock<BTreeMap<Box<str>, Labelled>>,
}

/// One series with the values of its labels. Its key is those values joined.
#[derive(Debug)]
struct Labelled {
    values: Box<[Box<str>]>,
    series: Series,
}

#[derive(Clone, Debug)]
enum Series {
    Counter(Counter),
    Gauge(Gauge),
    Histogram(Histogram),
}

/// A handle to one counter; adding is one atomic addition.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<AtomicU64>);

/// A handle to one gauge that its owner sets.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Arc<AtomicI64>);

/// One more in a gauge for as long as this lives.
#[derive(Debug)]
pub struct Held(Gauge);

/// A handle to one histogram; observing is three atomic additions at most.
#[derive(Clone, Debug)]
pub struct Histogram(Arc<Buckets>);

#[derive(Debug)]
struct Buckets {
    bounds: &'static [f64],
    /// One for each bound, not cumulative, and one for what is above.
    counts: Box<[AtomicU64]>,
    sum_micros: AtomicU64,
}

impl Registry {
    pub fn new(table: &'static [&'static Definition]) -> Self {
        let families = table.iter().map(|definition| {
            let family = Family {
                definition,
                series: RwLock::default(),
            };
            (definition.name, family)
        });
        Self(Arc::new(families.collect()))
    }

    /// The counter with these values of the definition's labels, in their
    /// order; from now on it is shown, even as 0.
    pub fn counter(&self, definition: &Definition, values: &[&str]) -> Counter {
        match self.series(definition, values) {
            Some(Series::Counter(counter)) => counter,
            _ => Counter::default(),
        }
    }

    pub fn gauge(&self, definition: &Definition, values: &[&str]) -> Gauge {
        match self.series(definition, values) {
            Some(Series::Gauge(gauge)) => gauge,
            _ => Gauge::default(),
        }
    }

    pub fn histogram(&self, definition: &Definition, values: &[&str]) -> Histogram {
        match self.series(definition, values) {
            Some(Series::Histogram(histogram)) => histogram,
            _ => Histogram::new(&[]),
        }
    }

    /// The series of a gauge: values of its labels, and its own.
    pub fn gauges(&self, definition: &Definition) -> Vec<(Box<[Box<str>]>, i64)> {
        let Some(family) = self.0.get(definition.name) else {
            return Vec::new();
        };
        let all = family.read();
        let gauges = all.values().filter_map(|labelled| match &labelled.series {
            Series::Gauge(gauge) => Some((labelled.values.clone(), gauge.value())),
            Series::Counter(_) | Series::Histogram(_) => None,
        });
        gauges.collect()
    }

    /// A table that lacks the definition is a mistake that a test of the table
    /// finds; mail goes on without the figure.
    fn series(&self, definition: &Definition, values: &[&str]) -> Option<Series> {
        let family = self.0.get(definition.name)?;
        debug_assert_eq!(values.len(), definition.labels.len(), "{}", definition.name);
        let wanted = values.join(BETWEEN);
        if let Some(known) = family.read().get(wanted.as_str()) {
            return Some(known.series.clone());
        }
        let mut all = family
            .series
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let full = all.len() >= SERIES_MAX && !all.contains_key(wanted.as_str());
        let others = vec![OTHER; values.len()];
        let values = if full { &others } else { values };
        let labelled = all
            .entry(values.join(BETWEEN).into())
            .or_insert_with(|| Labelled {
                values: values.iter().map(|value| Box::from(*value)).collect(),
                series: Series::new(definition.kind),
            });
        Some(labelled.series.clone())
    }

    /// Writes what is counted so far.
    pub fn write(&self, exposition: &mut Exposition) {
        for family in self.0.values() {
            let definition = family.definition;
            for labelled in family.read().values() {
                let values = &labelled.values;
                match &labelled.series {
                    Series::Counter(counter) => {
                        exposition.put(definition, values, counter.value() as f64);
                    }
                    Series::Gauge(gauge) => {
                        exposition.put(definition, values, gauge.value() as f64);
                    }
                    Series::Histogram(Histogram(buckets)) => {
                        exposition.put_histogram(
                            definition,
                            values,
                            &buckets.counts(),
                            buckets.sum_seconds(),
                        );
                    }
                }
            }
        }
    }
}

impl Family {
    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<Box<str>, Labelled>> {
        self.series.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Series {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Counter => Self::Counter(Counter::default()),
            Kind::Gauge => Self::Gauge(Gauge::default()),
            Kind::Histogram(bounds) => Self::Histogram(Histogram::new(bounds)),
        }
    }
}

impl Counter {
    pub fn one(&self) {
        self.add(1);
    }

    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Gauge {
    pub fn set(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub fn value(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts one until what is returned is dropped.
    pub fn hold(&self) -> Held {
        self.0.fetch_add(1, Ordering::Relaxed);
        Held(self.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Histogram {
    fn new(bounds: &'static [f64]) -> Self {
        Self(Arc::new(Buckets {
            bounds,
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum_micros: AtomicU64::new(0),
        }))
    }

    pub fn observe(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let place = self.0.bounds.partition_point(|bound| *bound < seconds);
        self.0.counts[place].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.0.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }
}

impl Buckets {
    fn counts(&self) -> Vec<u64> {
        let counts = self.counts.iter();
        counts.map(|count| count.load(Ordering::Relaxed)).collect()
    }

    fn sum_seconds(&self) -> f64 {
        self.sum_micros.load(Ordering::Relaxed) as f64 / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static SENT: Definition = Definition {
        name: "sent_total",
        kind: Kind::Counter,
        labels: &["route"],
        help: "What was sent.",
        watch: "",
    };
    static OPEN: Definition = Definition {
        name: "open",
        kind: Kind::Gauge,
        labels: &[],
        help: "What is open.",
        watch: "",
    };
    static TOOK: Definition = Definition {
        name: "took_seconds",
        kind: Kind::Histogram(&[0.1, 1.0]),
        labels: &[],
        help: "How long it took.",
        watch: "",
    };
    static TABLE: &[&Definition] = &[&SENT, &OPEN, &TOOK];

    fn text(registry: &Registry) -> String {
        let mut exposition = Exposition::new(TABLE);
        registry.write(&mut exposition);
        exposition.into_text()
    }

    #[test]
    fn counts_and_tells() {
        let registry = Registry::new(TABLE);
        registry.counter(&SENT, &["a"]).one();
        registry.counter(&SENT, &["a"]).add(2);
        registry.counter(&SENT, &["b\"\\\n"]);
        let held = registry.gauge(&OPEN, &[]).hold();
        let took = registry.histogram(&TOOK, &[]);
        for millis in [50, 100, 200, 5000] {
            took.observe(Duration::from_millis(millis));
        }
        assert_eq!(
            text(&registry),
            "# HELP sent_total What was sent.\n\
             # TYPE sent_total counter\n\
             sent_total{route=\"a\"} 3\n\
             sent_total{route=\"b\\\"\\\\\\n\"} 0\n\
             # HELP open What is open.\n\
             # TYPE open gauge\n\
             open 1\n\
             # HELP took_seconds How long it took.\n\
             # TYPE took_seconds histogram\n\
             took_seconds_bucket{le=\"0.1\"} 2\n\
             took_seconds_bucket{le=\"1\"} 3\n\
             took_seconds_bucket{le=\"+Inf\"} 4\n\
             took_seconds_sum 5.35\n\
             took_seconds_count 4\n"
        );
        drop(held);
        assert!(text(&registry).contains("\nopen 0\n"));
    }

    #[test]
    fn a_flood_of_labels_ends_in_one() {
        let registry = Registry::new(TABLE);
        for n in 0..SERIES_MAX + 5 {
            registry.counter(&SENT, &[&n.to_string()]).one();
        }
        let text = text(&registry);
        assert!(text.contains("sent_total{route=\"other\"} 5\n"));
        assert!(text.lines().count() < SERIES_MAX + 20);
    }
}
