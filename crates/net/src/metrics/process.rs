//! The process itself, as Linux tells it under `/proc/self`, by the names that
//! Prometheus' own client libraries use.

use std::fs;

use mailward_mail::Timestamp;

use super::{Definition, Exposition, Kind};

macro_rules! gauge {
    ($name:ident, $text:literal, $help:literal, $watch:literal) => {
        pub static $name: Definition = Definition {
            name: $text,
            kind: Kind::Gauge,
            labels: &[],
            help: $help,
            watch: $watch,
        };
    };
}

pub static CPU: Definition = Definition {
    name: "process_cpu_seconds_total",
    kind: Kind::Counter,
    labels: &[],
    help: "Processor time used, user and system together.",
    watch: "",
};
gauge!(
    MEMORY,
    "process_resident_memory_bytes",
    "Memory held in RAM.",
    "Growth that does not end: it stays flat however deep the queue is."
);
gauge!(
    OPEN_FILES,
    "process_open_fds",
    "Open files and sockets.",
    "Above 80 % of `process_max_fds`."
);
gauge!(
    OPEN_FILES_MAX,
    "process_max_fds",
    "The most files and sockets it may open.",
    ""
);
gauge!(
    STARTED,
    "process_start_time_seconds",
    "When the process started, in seconds since 1970.",
    "More than two changes within an hour: it restarts again and again."
);

/// What [`write`] tells.
pub static TABLE: &[&Definition] = &[&CPU, &MEMORY, &OPEN_FILES, &OPEN_FILES_MAX, &STARTED];

/// Writes what can be read; `started` is the caller's, on the system's clock.
pub fn write(exposition: &mut Exposition, started: Timestamp) {
    let none: [&str; 0] = [];
    let mut put = |definition, value: Option<f64>| {
        if let Some(value) = value {
            exposition.put(definition, &none, value);
        }
    };
    put(&CPU, cpu_seconds());
    put(&MEMORY, resident_octets());
    let open = fs::read_dir("/proc/self/fd").ok();
    // The listing itself holds one open.
    put(
        &OPEN_FILES,
        open.map(|open| open.count().saturating_sub(1) as f64),
    );
    put(&OPEN_FILES_MAX, open_files_max());
    put(&STARTED, Some(started.as_millis() as f64 / 1000.0));
}

fn resident_octets() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kibibytes * 1024.0)
}

/// Fields 14 and 15 of `/proc/self/stat`, in ticks of which Linux shows 100 a
/// second to every program.
fn cpu_seconds() -> Option<f64> {
    const TICKS_PER_SECOND: f64 = 100.0;
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    // The name in brackets may hold spaces.
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let ticks = |place: usize| fields.get(place)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
}

fn open_files_max() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/limits").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_of_this_very_process() {
        let mut exposition = Exposition::new(TABLE);
        write(&mut exposition, Timestamp::from_millis(1500));
        let text = exposition.into_text();
        for definition in TABLE {
            let line = text.lines().find(|line| line.starts_with(definition.name));
            let value: f64 = line
                .and_then(|line| line.split(' ').nth(1))
                .and_then(|value| value.parse().ok())
                .unwrap_or_else(|| panic!("no {} in\n{text}", definition.name));
            assert!(value >= 0.0, "{}", definition.name);
        }
        assert!(text.contains("process_start_time_seconds 1.5\n"));
        assert!(resident_octets().expect("memory") > 100_000.0);
    }
}
