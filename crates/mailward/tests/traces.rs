//! Spans as a collector gets them: read by a decoder of their own, field by
//! field as the protocol's definition numbers them.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

#[path = "support/stranger.rs"]
mod stranger;

use std::collections::BTreeMap;
use std::fs;

use stranger::{Heard, Stranger};
use support::{python_with, succeed};

/// Sends one message that is taken and one that is refused, with a caller's
/// trace; prints their ids once spans for both are sent.
const SCRIPT: &str = r#"
import urllib.request
context.check_hostname = False
app = application()
ids = []
for act in argv:
    body = json.dumps({"to": [act + "-1@northmoor.example"], "subject": "s", "text": "x"}).encode()
    request = urllib.request.Request("https://" + ready["gateway"]["https"] + "/v1/messages", data=body, headers={
        "Authorization": "Bearer " + app["api_key"], "Content-Type": "application/json",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
    ids.append(json.load(urllib.request.urlopen(request, context=context))["id"])
def figures():
    return urllib.request.urlopen(ready["metrics_url"]).read().decode()
def told(word):
    return any(word in line and not line.endswith(" 0") for line in figures().splitlines())
for word in ['result="relayed"', '_results_total{route="stranger",result="failed"', 'kind="report",result="done"', 'kind="callback",result="failed"']:
    wait_for(lambda: told(word), word)
print("\n".join(ids))
"#;

/// A field of a message: its number, and what stands there.
#[derive(Debug)]
enum Field<'a> {
    Number(u64),
    Octets(&'a [u8]),
}

fn varint(octets: &mut &[u8]) -> u64 {
    let mut number = 0;
    for place in 0.. {
        let (first, rest) = octets.split_first().unwrap();
        *octets = rest;
        number |= u64::from(first & 0x7f) << (7 * place);
        if first & 0x80 == 0 {
            break;
        }
    }
    number
}

fn fields(mut octets: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut fields = Vec::new();
    while !octets.is_empty() {
        let key = varint(&mut octets);
        let field = match key & 7 {
            0 => Field::Number(varint(&mut octets)),
            1 => {
                let (number, rest) = octets.split_at(8);
                octets = rest;
                Field::Number(u64::from_le_bytes(number.try_into().unwrap()))
            }
            2 => {
                let length = varint(&mut octets) as usize;
                let (inner, rest) = octets.split_at(length);
                octets = rest;
                Field::Octets(inner)
            }
            other => panic!("wire type {other}"),
        };
        fields.push((key >> 3, field));
    }
    fields
}

fn inner(octets: &[u8], number: u64) -> Vec<&[u8]> {
    let all = fields(octets).into_iter();
    all.filter_map(|(one, field)| match field {
        Field::Octets(octets) if one == number => Some(octets),
        _ => None,
    })
    .collect()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[derive(Debug)]
struct Span {
    trace: String,
    id: String,
    parent: Option<String>,
    name: String,
    from: u64,
    to: u64,
    attributes: BTreeMap<String, String>,
    links: Vec<String>,
    failed: bool,
}

fn span(octets: &[u8]) -> Span {
    let one = |number| inner(octets, number).first().copied();
    let time = |number| {
        let all = fields(octets);
        let found = all.iter().find(|(one, _)| *one == number);
        match found {
            Some((_, Field::Number(nanos))) => *nanos,
            other => panic!("no time {number}: {other:?}"),
        }
    };
    Span {
        trace: hex(one(1).unwrap()),
        id: hex(one(2).unwrap()),
        parent: one(4).map(hex),
        name: String::from_utf8(one(5).unwrap().to_vec()).unwrap(),
        from: time(7),
        to: time(8),
        attributes: inner(octets, 9).into_iter().map(attribute).collect(),
        links: inner(octets, 13)
            .into_iter()
            .map(|link| hex(inner(link, 1)[0]))
            .collect(),
        failed: one(15).is_some(),
    }
}

fn attribute(octets: &[u8]) -> (String, String) {
    let name = String::from_utf8(inner(octets, 1)[0].to_vec()).unwrap();
    let value = match fields(inner(octets, 2)[0]).remove(0) {
        (1, Field::Octets(text)) => String::from_utf8(text.to_vec()).unwrap(),
        (2 | 3, Field::Number(number)) => number.to_string(),
        other => panic!("{other:?}"),
    };
    (name, value)
}

/// Every span in what the collector wrote down, each request after its length.
fn spans(mut file: &[u8]) -> Vec<Span> {
    let mut spans = Vec::new();
    while !file.is_empty() {
        let (length, rest) = file.split_at(4);
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let (request, rest) = rest.split_at(length);
        file = rest;
        for resource in inner(request, 1) {
            let named: BTreeMap<_, _> = inner(inner(resource, 1)[0], 1)
                .into_iter()
                .map(attribute)
                .collect();
            assert_eq!(named["service.name"], "mailward");
            for scope in inner(resource, 2) {
                spans.extend(inner(scope, 2).into_iter().map(span));
            }
        }
    }
    spans
}

fn sha256_start(text: &str) -> String {
    let digest = succeed(
        std::process::Command::new("sh").args(["-c", &format!("printf %s '{text}' | sha256sum")]),
    );
    digest[..32].to_owned()
}

#[test]
fn a_message_is_one_trace_over_queue_and_restart() {
    let stranger = Stranger::start();
    let traces = format!(
        "[traces]\nendpoint = \"http://127.0.0.1:{}\"\n",
        stranger.ports["collector"]
    );
    let configuration = stranger.configuration(&traces);
    let gateway = Heard::start(&stranger, &configuration, &[]);
    let ids = python_with(&gateway.ready, SCRIPT, &["taken", "gone"]);
    let ids: Vec<&str> = ids.lines().collect();
    // What waits is sent before the end.
    let (_, log) = gateway.stop();
    let all = spans(&stranger.spans());
    let of = |id: &str| {
        let trace = sha256_start(&format!("mailward trace {id} 0"));
        let found: Vec<&Span> = all.iter().filter(|span| span.trace == trace).collect();
        assert!(!found.is_empty(), "no trace of {id} in {all:#?}\n{log}");
        found
    };
    for (id, failed) in [(ids[0], false), (ids[1], true)] {
        let trace = of(id);
        let named = |name: &str| {
            let found = trace.iter().find(|span| span.name == name);
            *found.unwrap_or_else(|| panic!("no {name} in {trace:#?}"))
        };
        let accept = named("accept");
        assert_eq!(accept.parent, None);
        assert_eq!(accept.links, ["0af7651916cd43dd8448eb211c80319c"]);
        assert_eq!(accept.attributes["mailward.id"], id);
        assert_eq!(accept.attributes["mailward.door"], "http");
        for name in ["check", "queue", "attempt"] {
            let child = named(name);
            assert_eq!(child.parent.as_ref(), Some(&accept.id), "{name}");
            assert!(
                child.to >= child.from && child.from >= accept.from,
                "{name}"
            );
        }
        let attempt = named("attempt");
        assert_eq!(attempt.failed, failed);
        assert_eq!(attempt.attributes["mailward.route"], "stranger");
        let reply = if failed { "550 5.1.1" } else { "250 2.0.0" };
        assert_eq!(attempt.attributes["mailward.reply"], reply);
    }
    let report = of(ids[1]).iter().any(|span| span.name == "report");
    let told = of(ids[1]).iter().any(|span| span.name == "callback");
    assert!(report && told, "{all:#?}");

    // A later process goes on with the same trace: the callback, which the
    // stranger refuses, is tried again.
    let before = of(ids[1])
        .iter()
        .filter(|one| one.name == "callback")
        .count();
    fs::remove_file(stranger.path("spans.bin")).unwrap();
    let gateway = Heard::start(&stranger, &configuration, &[]);
    python_with(
        &gateway.ready,
        "import urllib.request\nwait_for(lambda: 'kind=\"callback\",result=\"failed\"} 0' not in urllib.request.urlopen(ready['metrics_url']).read().decode(), 'another try')\n",
        &[],
    );
    gateway.stop();
    let again = spans(&stranger.spans());
    let trace = sha256_start(&format!("mailward trace {} 0", ids[1]));
    let ours = sha256_start(&format!("mailward trace {} 0", ids[0]));
    assert!(before > 0);
    assert!(
        again
            .iter()
            .any(|span| span.name == "callback" && (span.trace == trace || span.trace == ours)),
        "{again:#?}"
    );
}
