//! What a message says, and to whom, reaches no log, no figure and no trace.
//!
//! Marked messages go through everything that can happen to one, against a
//! server and a callback that repeat addresses and subjects in what they
//! answer; then all that the gateway let out is searched for the marks.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

#[path = "support/stranger.rs"]
mod stranger;

use stranger::{Heard, Stranger};
use support::{mailward, python_with, run, signal};

/// One mark for each thing that is private. Local parts keep their letters in
/// every form in which they may be written.
const MARKS: [&str; 9] = [
    "zqsubject",
    "zqbody",
    "zqrecipient",
    "zqdisplay",
    "zqhidden",
    "zqattached",
    "zqheader",
    "zqreply",
    "zqsequence",
];

/// Sends marked messages by both doors, good, bad and broken.
const SCRIPT: &str = r#"
import socket, base64, urllib.error, urllib.request
from email.message import EmailMessage
app = application()
def letter(to, subject="zqsubject one", sender=None):
    message = EmailMessage()
    message["From"] = sender or app["from"]
    message["To"] = '"zqdisplay of a patient" <%s>' % to
    message["X-Ward"] = "zqheader"
    message["Subject"] = subject
    message["Message-ID"] = "<zqheader.%s@northmoor.example>" % time.time_ns()
    message.set_content("Dear zqbody,\n\nthe results are zqbody.\n")
    message.add_attachment(b"zqbody in a file", maintype="application", subtype="octet-stream", filename="zqattached.pdf")
    return message.as_bytes().replace(b"\n", b"\r\n")
def send(to, index=0, **more):
    who = application(index)
    smtp = submit(index)
    try:
        refused = smtp.sendmail(who["from"], to, letter(to[0], sender=more.pop("sender", who["from"]), **more),
            mail_options=["SMTPUTF8"] if not to[0].isascii() else [])
        return 250
    except smtplib.SMTPResponseException as error:
        return error.smtp_code
    except smtplib.SMTPRecipientsRefused:
        return 550
    finally:
        smtp.close()
# Taken, refused, put off, unknown, refused at the end, denied, broken off.
for act in ["taken", "gone", "busy", "odd", "end", "held", "cut"]:
    assert send([act + "-zqrecipient@northmoor.example", act + "-zqhidden.bcc@northmoor.example"]) == 250, act
assert send(['"taken-zqrecipient with blanks"@northmoor.example']) == 250
# By rules: a From that is not the account, and a subject that is no subject.
assert send(["taken-zqrecipient@northmoor.example"], sender="zqheader.other@northmoor.example") == 550
assert send(["taken-zqrecipient@northmoor.example"], index=1) == 250
# Words that are no commands, addresses that are none, a message that ends early.
def talk(lines):
    raw = socket.create_connection(place(ready["gateway"]["submission"]), timeout=20)
    stream = raw.makefile("rb")
    stream.readline()
    raw.sendall(b"EHLO zqheader.northmoor.example\r\n")
    while stream.readline()[3:4] == b"-": pass
    raw.sendall(b"STARTTLS\r\n"); stream.readline()
    tls = context.wrap_socket(raw, server_hostname="localhost")
    stream = tls.makefile("rb")
    tls.sendall(b"EHLO zqheader.northmoor.example\r\n")
    while stream.readline()[3:4] == b"-": pass
    token = base64.b64encode(("\0%s\0%s" % (app["username"], app["password"])).encode())
    for line in [b"AUTH PLAIN " + token] + lines[:-1]:
        tls.sendall(line + b"\r\n")
        stream.readline()
    # The last is cut short.
    tls.sendall(lines[-1])
    tls.close()
sender = ("MAIL FROM:<%s>" % app["from"]).encode()
talk([b"VRFY zqrecipient", b"EXPN zqrecipient@northmoor.example", b"MAIL FROM:<zqrecipient@",
    sender, b"RCPT TO:<zqrecipient@>", b"RCPT TO:<zqrecipient@northmoor.example>", b"DATA", b"Subject: zqsubject\r\n\r\nzqbody"])
talk([sender, b"RCPT TO:<zqrecipient@northmoor.example>", b"BDAT 50\r\nzqbody"])
wrong = smtplib.SMTP(*place(ready["gateway"]["submission"]), timeout=20)
wrong.starttls(context=context)
try:
    wrong.login("zqrecipient@northmoor.example", "zqbody")
    raise AssertionError("signed in")
except smtplib.SMTPAuthenticationError:
    wrong.close()
# The same by HTTP, with a caller's trace.
def post(body, kind="application/json", **more):
    request = urllib.request.Request("https://" + ready["gateway"]["https"] + more.pop("path", "/v1/messages"), data=body,
        headers={"Authorization": "Bearer " + app["api_key"], "Content-Type": kind,
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", **more})
    try:
        return urllib.request.urlopen(request, context=context, timeout=20).status
    except urllib.error.HTTPError as error:
        return error.code
fields = {"to": ["taken-zqrecipient@northmoor.example"], "bcc": ["gone-zqhidden@northmoor.example"], "subject": "zqsubject",
    "text": "zqbody", "html": "<p>zqbody</p>", "attachments": [{"filename": "zqattached.txt", "content_type": "text/plain",
    "content": base64.b64encode(b"zqbody").decode()}]}
first = post(json.dumps(fields).encode(), **{"Idempotency-Key": "k1"})
assert first == 202, first
assert post(json.dumps({**fields, "subject": "zqsubject two"}).encode(), **{"Idempotency-Key": "k1"}) == 409
for wrong in [{"from": "zqheader@northmoor.example"}, {"to": ["zqrecipient"]}, {"zqheader": "zqbody"}]:
    code = post(json.dumps({**fields, **wrong}).encode())
    assert code in (400, 422), (wrong, code)
assert post(b'{"to": ["zqrecipient@northmoor.example"], "subject": "zqsubject') == 400
assert post(b'{"zqbody": 1}') in (400, 422)
assert post(letter("taken-zqrecipient@northmoor.example"), "message/rfc822") in (202, 400, 422)
assert post(b"zqbody", "text/zqbody") == 415
assert post(b"{}", path="/v1/messages/zqrecipient/cancel") in (400, 404, 422)
def figures():
    return urllib.request.urlopen(ready["metrics_url"]).read().decode()
def over():
    text = figures()
    wanted = ['result="%s"}' % word for word in ["relayed", "failed", "deferred", "held", "in_doubt"]]
    wanted += ['mailward_notices_total{kind="report",result="done"}', 'mailward_notices_total{kind="callback",result="failed"}',
        'mailward_alarms{kind="authentication_refused"} 1']
    lines = [line for line in text.splitlines() if not line.endswith(" 0")]
    enough = all(any(word in line for line in lines) for word in wanted)
    return text if enough and 'mailward_queue_recipients{state="active"} 0' in text else None
print(wait_for(over, "an end of everything"))
print(urllib.request.urlopen(ready["metrics_url"].replace("/metrics", "/readyz")).read().decode())
"#;

fn assert_clean(what: &str, text: &[u8]) {
    let lower = text.to_ascii_lowercase();
    for mark in MARKS {
        let found = lower
            .windows(mark.len())
            .position(|window| window == mark.as_bytes());
        if let Some(place) = found {
            let around = place.saturating_sub(300)..(place + 200).min(lower.len());
            panic!(
                "{mark} is in the {what}: …{}…",
                String::from_utf8_lossy(&text[around])
            );
        }
    }
}

/// Runs the whole story with these settings of the log; gives what was logged.
fn story(variables: &[(&str, &str)], log: &str) -> String {
    let stranger = Stranger::start();
    let traces = format!(
        "[traces]\nendpoint = \"http://127.0.0.1:{}\"\n",
        stranger.ports["collector"]
    );
    let configuration = stranger.configuration(&format!("{log}{traces}"));
    let gateway = Heard::start(&stranger, &configuration, variables);
    let figures = python_with(&gateway.ready, SCRIPT, &[]);
    // What is kept from the log is there for those who may see it.
    let listed = run(mailward()
        .args(["queue", "list", "--json", "--dir"])
        .arg(stranger.path("store")));
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    for mark in ["zqsubject", "zqrecipient", "zqhidden"] {
        assert!(listed.contains(mark), "{mark} is not in {listed}");
    }
    let (output, errors) = gateway.stop();
    let spans = stranger.spans();
    assert!(spans.len() > 1000, "{} octets of spans", spans.len());
    assert_clean("figures", figures.as_bytes());
    assert_clean("standard output", output.as_bytes());
    assert_clean("traces", &spans);
    assert_clean("log", errors.as_bytes());
    errors
}

#[test]
fn nothing_private_is_logged_at_the_usual_level() {
    let log = story(&[], "[log]\nformat = \"json\"\n");
    // One line for each thing that operations ask about, with its names.
    let lines: Vec<serde_json::Value> = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    for (message, fields) in [
        (
            "accepted",
            &["id", "application", "account", "route", "door"][..],
        ),
        ("refused", &["id", "application", "door", "rules"]),
        (
            "attempt ended",
            &["id", "application", "account", "route", "stage", "reply"],
        ),
        ("told the sender", &["id", "application", "kind", "result"]),
    ] {
        let told = lines.iter().filter(|line| line["message"] == message);
        let whole = told
            .clone()
            .any(|line| fields.iter().all(|field| !line[*field].is_null()));
        assert!(whole, "no {message:?} with {fields:?} in\n{log}");
    }
    assert!(
        lines
            .iter()
            .any(|line| line["alarm"] == "authentication_refused")
    );
    let gone = lines
        .iter()
        .any(|line| line["message"] == "attempt ended" && line["reply"] == "550 5.1.1");
    assert!(gone, "no code of a refusal in\n{log}");
}

#[test]
fn nothing_private_is_logged_at_debug_level() {
    let debug = "debug,hyper=info,h2=info,reqwest=info,rustls=info";
    let log = story(&[("MAILWARD_LOG", debug)], "");
    assert!(log.contains("DEBUG"), "{log}");
}

const SEND: &str = r#"
app = application()
smtp = submit()
for _ in range(int(argv[0])):
    smtp.sendmail(app["from"], ["taken-1@northmoor.example"], "From: %s\r\nTo: taken-1@northmoor.example\r\nSubject: s\r\n\r\nx\r\n" % app["from"])
smtp.quit()
"#;

/// The level changes while the gateway runs.
#[test]
fn a_hangup_reads_the_level_anew() {
    let stranger = Stranger::start();
    let configuration = stranger.configuration("[log]\nlevel = \"error\"\n");
    let gateway = Heard::start(&stranger, &configuration, &[]);
    python_with(&gateway.ready, SEND, &["3"]);
    let text = std::fs::read_to_string(&configuration).unwrap();
    std::fs::write(&configuration, text.replace("\"error\"", "\"info\"")).unwrap();
    signal(gateway.pid(), "HUP");
    gateway.wait_for("read anew");
    python_with(&gateway.ready, SEND, &["2"]);
    let (_, log) = gateway.stop();
    let accepted = log.lines().filter(|line| line.contains(" accepted "));
    assert_eq!(accepted.count(), 2, "{log}");
}
