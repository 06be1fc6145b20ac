//! What `/metrics` tells in a real run, and that it tells all of the table.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

#[path = "support/stranger.rs"]
mod stranger;

use std::collections::{BTreeMap, BTreeSet};

use mailward_gateway::observe;
use mailward_net::metrics::Kind;
use stranger::{Heard, Stranger};
use support::{Running, python_with};

/// Sends one message for each thing that can happen, and prints the figures
/// once they show it.
const SCRIPT: &str = r#"
import urllib.request
def figures():
    return urllib.request.urlopen(ready["metrics_url"]).read().decode()
def send(to, index=0, sender=None):
    app = application(index)
    smtp = submit(index)
    letter = "From: %s\r\nTo: %s\r\nSubject: figures\r\n\r\nx\r\n" % (sender or app["from"], to)
    try:
        smtp.sendmail(app["from"], [to], letter)
    except smtplib.SMTPDataError as error:
        assert error.smtp_code == 550, error
    smtp.close()
for act in ["taken", "gone", "busy", "held", "cut"]:
    send(act + "-1@northmoor.example")
send("taken-2@northmoor.example", sender="somebody.else@northmoor.example")
send("taken-3@northmoor.example", index=1)
def all_seen():
    text = figures()
    wanted = ['mailward_recipient_results_total{route="stranger",result="%s"}' % result
        for result in ["relayed", "failed", "deferred", "held", "in_doubt"]]
    wanted += ['mailward_deferrals_total{party="service_busy"} 1',
        'mailward_breaker_open{account="locked@northmoor.example"} 1',
        'mailward_alarms{kind="authentication_refused"} 1',
        'mailward_notices_total{kind="report",result="done"}',
        'mailward_notices_total{kind="callback",result="failed"}']
    told = [line for line in text.splitlines() if not line.endswith(" 0")]
    return text if all(any(word in line for line in told) for word in wanted) else None
print(wait_for(all_seen, "every result"), end="")
health = json.load(urllib.request.urlopen(ready["metrics_url"].replace("/metrics", "/readyz")))
assert health["ready"] and {"reason": "breakers_open", "count": 1} in health["degraded"], health
assert urllib.request.urlopen(ready["metrics_url"].replace("/metrics", "/livez")).read() == b"ok\n"
"#;

/// Told only while, or once, mail goes another way, which takes a route that
/// is down for longer than a test may.
const OF_DIVERSIONS: [&str; 2] = [
    "mailward_lane_diverted",
    "mailward_diverted_recipients_total",
];

/// One scrape: the type of each family, and the value of each series.
#[derive(Debug, Default)]
struct Scrape {
    kinds: BTreeMap<String, String>,
    series: BTreeMap<String, f64>,
}

/// Reads the exposition format strictly: a family's HELP and TYPE come before
/// its samples and once, no series comes twice, every value is a number.
fn read(text: &str) -> Scrape {
    let mut scrape = Scrape::default();
    let mut family = String::new();
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            family = help.split(' ').next().unwrap().to_owned();
            continue;
        }
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert_eq!(name, family, "TYPE follows HELP");
            let before = scrape.kinds.insert(name.to_owned(), kind.to_owned());
            assert_eq!(before, None, "{name} twice");
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let value: f64 = value.parse().unwrap();
        let name = series.split('{').next().unwrap();
        let suffixes = ["_bucket", "_sum", "_count"];
        let base = suffixes.iter().find_map(|suffix| name.strip_suffix(suffix));
        assert!(name == family || base == Some(family.as_str()), "{line}");
        let before = scrape.series.insert(series.to_owned(), value);
        assert_eq!(before, None, "{series} twice");
    }
    scrape
}

fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram(_) => "histogram",
    }
}

#[test]
fn every_figure_of_the_table_is_told_in_a_real_run() {
    let stranger = Stranger::start();
    let configuration = stranger.configuration("");
    let gateway = Heard::start(&stranger, &configuration, &[]);
    let text = python_with(&gateway.ready, SCRIPT, &[]);
    let (_, log) = gateway.stop();
    let scrape = read(&text);

    let mut missing = BTreeSet::new();
    for definition in observe::definitions() {
        match scrape.kinds.get(definition.name) {
            Some(kind) => assert_eq!(kind, kind_word(definition.kind), "{}", definition.name),
            None if OF_DIVERSIONS.contains(&definition.name) => {}
            None => {
                missing.insert(definition.name);
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?} not in\n{text}\n{log}");
    let known: BTreeSet<&str> = observe::definitions().iter().map(|one| one.name).collect();
    for name in scrape.kinds.keys() {
        assert!(known.contains(name.as_str()), "{name} is in no table");
    }

    let value = |series: &str| {
        let found = scrape.series.get(series);
        *found.unwrap_or_else(|| panic!("no {series} in\n{text}"))
    };
    for (series, expected) in [
        (
            r#"mailward_messages_accepted_total{door="smtp",application="clinic"}"#,
            5.0,
        ),
        (
            r#"mailward_messages_refused_total{door="smtp",application="clinic"}"#,
            1.0,
        ),
        (r#"mailward_refusals_total{rule="from-is-account"}"#, 1.0),
        (
            r#"mailward_replies_total{party="recipient",action="fail",class="5xx"}"#,
            1.0,
        ),
        (r#"mailward_deferrals_total{party="service_busy"}"#, 1.0),
        (
            r#"mailward_attempts_total{route="stranger",account="locked@northmoor.example",stage="authenticate"}"#,
            1.0,
        ),
        (r#"mailward_store_refusing{why="full"}"#, 0.0),
        ("mailward_ready", 1.0),
    ] {
        assert_eq!(value(series), expected, "{series}\n{text}");
    }
    assert!(value("mailward_store_free_bytes") > value("mailward_store_free_floor_bytes"));
    assert!(!text.contains("-1@"), "a recipient is in\n{text}");
}

#[test]
fn a_development_start_tells_the_twins_figures_too() {
    let running = Running::up(&[]);
    assert!(
        running
            .text("/metrics_url")
            .starts_with("http://127.0.0.1:")
    );
    let text = python_with(
        &running.ready,
        r#"
import urllib.request
smtp = submit()
app = application()
smtp.sendmail(app["from"], [app["from"]], "From: %s\r\nTo: %s\r\nSubject: s\r\n\r\nx\r\n" % (app["from"], app["from"]))
def figures():
    text = urllib.request.urlopen(ready["metrics_url"]).read().decode()
    return text if 'result="relayed"} 1' in text else None
print(wait_for(figures, "a relayed message"), end="")
"#,
        &[],
    );
    let scrape = read(&text);
    for definition in mailward_twin::figures::TABLE {
        assert!(
            scrape.kinds.contains_key(definition.name),
            "no {} in\n{text}",
            definition.name
        );
    }
}
