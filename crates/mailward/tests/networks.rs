//! The relay by its name, whose addresses change, and from its own network
//! alone, as `dig` and Python's smtplib see it.

mod support;

use std::process::Command;

use support::{Running, data, python};

fn twin() -> Running {
    let seed = data("networks.toml");
    let seed = seed.to_str().expect("a path");
    Running::start(&["twin", "--json", "--ports", "auto", "--seed", seed])
}

/// What `dig` prints in short, with the answer's code before it.
fn dig(running: &Running, arguments: &[&str]) -> String {
    let place = running.ready["twin"]["dns"].as_str().expect("an address");
    let (host, port) = place.rsplit_once(':').expect("a port");
    let output = Command::new("dig")
        .args([&format!("@{host}"), "-p", port, "+tries=1", "+time=20"])
        .args(arguments)
        .output()
        .expect("dig runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let code = text
        .split("status: ")
        .nth(1)
        .and_then(|rest| rest.split(',').next());
    let answers = text
        .lines()
        .filter(|line| !line.starts_with(';') && !line.contains("\tSOA\t"))
        .filter_map(|line| line.split_ascii_whitespace().nth(4));
    let told: Vec<&str> = code.into_iter().chain(answers).collect();
    told.join(" ")
}

#[test]
fn the_name_server_tells_the_relays_addresses_by_turn() {
    let running = twin();
    let turns = ["NOERROR 127.0.0.1 127.0.0.2", "NOERROR 127.0.0.2 127.0.0.1"];
    for (arguments, expected) in [
        (&["relay.nhs.uk"][..], turns[0]),
        (&["RELAY.NHS.UK"][..], turns[1]),
        (&["relay.nhs.uk", "+tcp"][..], turns[0]),
        (&["relay.nhs.uk", "+noedns"][..], turns[1]),
        (&["relay.nhs.uk", "AAAA"][..], "NOERROR"),
        (
            &["-x", "127.0.0.3"][..],
            "NOERROR mail.northmoor-trust.example.",
        ),
        (&["-x", "127.0.0.4"][..], "NXDOMAIN"),
        (&["elsewhere.example"][..], "NXDOMAIN"),
        (&["elsewhere.example", "AXFR"][..], ""),
        (&["smtp.office365.com"][..], "NOERROR 127.0.0.1"),
    ] {
        assert_eq!(dig(&running, arguments), expected, "{arguments:?}");
    }
    assert!(running.stop().success());
}

#[test]
fn the_relay_is_reached_at_each_address_and_from_hscn_alone() {
    let running = twin();
    let script = r#"
import urllib.request
host, port = place(ready["twin"]["relay"])
def control(path, body=None, method=None):
    request = urllib.request.Request(ready["control"]["url"] + path, method=method, headers={"Authorization": "Bearer " + ready["control"]["token"]})
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, context=context, timeout=60) as answer:
        return json.load(answer)
def greeted(at, source):
    try:
        smtp = smtplib.SMTP(at, port, source_address=(source, 0), timeout=60)
    except smtplib.SMTPConnectError as refusal:
        return refusal.smtp_code
    except (smtplib.SMTPServerDisconnected, ConnectionResetError):
        return None
    smtp.quit()
    return 220
for at, source, expected in [
    ("127.0.0.1", "127.0.0.1", 220),
    ("127.0.0.2", "127.0.0.1", 220),
    ("127.0.0.2", "127.0.0.3", 220),
    ("127.0.0.2", "127.0.0.4", 554),
    ("127.0.0.1", "127.0.0.8", None),
]:
    assert greeted(at, source) == expected, (at, source, greeted(at, source))
acts = [event.get("behaviour") for event in control("/events?after=0")]
assert "relay-off-network" in acts and "relay-unregistered" in acts, acts
control("/service", {"hscn_networks": ["10.0.0.0/8"]}, "PUT")
assert greeted("127.0.0.1", "127.0.0.1") is None
"#;
    python(&running, script, &[]);
    assert!(running.stop().success());
}
