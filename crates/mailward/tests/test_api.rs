//! The twin's test API beyond Mailpit's: assertions, worlds by path and by
//! header, its description, and the helpers for Python and JavaScript.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Running, interop, packaged_python, python, succeed};

/// The sample organisation, without the rates that these tests would run into.
fn twin() -> Running {
    Running::start(&["twin", "--json", "--ports", "auto", "--limits", "off"])
}

const COMMON: &str = r##"
import json, threading, urllib.error, urllib.request
base, token = ready["twin"]["test_api"], ready["control"]["token"]
https = "https://" + ready["twin"]["https"]
def call(method, path, body=None, headers={}, at=base):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(at + path, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60, context=context if at == https else None) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if "json" in answer.headers.get("Content-Type", "") else text
    except urllib.error.HTTPError as error:
        text = error.read()
        return error.code, json.loads(text) if "json" in error.headers.get("Content-Type", "") else text
bearer = {"Authorization": "Bearer " + token}
reader = account("user")["address"]
def send(subject, at="", **more):
    wish = {"From": {"Email": "lab@elsewhere.example"}, "To": [{"Email": reader}], "Subject": subject} | more
    status, answer = call("POST", at + "/api/v1/send", wish)
    assert status == 200, answer
def judge(*assertions, at=""):
    return call("POST", at + "/api/v1/assert", {"assertions": list(assertions)})
"##;

const CONTENT: &str = r##"
send("Clinic on Tuesday", Text="At ten.\n", HTML="<p>At <b>ten</b>.</p>", Headers={"X-Kind": "letter"},
     Attachments=[{"Content": "JVBERg==", "Filename": "map.pdf", "ContentType": "application/pdf"}])
send("Clinic on Friday", Text="At nine.\n")
def fits(**wish):
    status, answer = judge({"message": wish})
    assert (status == 200) == answer["holds"] and status in (200, 417), (status, answer)
    assert answer["holds"] == (answer["says"] == ""), answer
    return answer["holds"]
for wish, holds in [
    ({}, True), ({"count": 2}, True), ({"count": 1}, False), ({"count": 0}, False),
    ({"to": reader.upper(), "subject": "Tuesday", "count": 1}, True),
    ({"to": "nobody@northmoor.example"}, False),
    ({"from": "LAB@", "count": 2}, True),
    ({"subject": {"is": "Clinic on Friday"}}, True), ({"subject": {"is": "Clinic"}}, False),
    ({"body": "At ten."}, True), ({"body": "<b>ten</b>", "count": 1}, True), ({"body": {"is": "At nine."}}, True),
    ({"headers": {"x-kind": {"is": "letter"}}, "count": 1}, True), ({"headers": {"X-None": ""}}, False),
    ({"attachment": {}, "count": 1}, True),
    ({"attachment": {"name": "map.pdf", "content_type": "application/pdf", "contains": "%PDF", "octets": 4}}, True),
    ({"attachment": {"name": "map.pdf", "octets": 5}}, False),
    ({"query": "has:attachment", "count": 1}, True), ({"query": "subject:monday"}, False),
    ({"within_seconds": 600, "count": 2}, True),
]:
    assert fits(**wish) == holds, wish
# What came long ago by the twin's clock does not count.
assert call("POST", "/control/v1/clock/advance", {"seconds": 3600}, bearer)[0] == 200
assert not fits(within_seconds=600) and fits(within_seconds=7200)
# A failure says what was there, and what came nearest.
status, answer = judge({"message": {"to": reader, "subject": "Clinic on Friday", "body": "At ten."}})
nearest = answer["results"][0]["nearest"]
assert nearest["message"]["Subject"] == "Clinic on Friday", answer
assert nearest["differs"] == [{"in": "body", "wanted": 'contains "At ten."', "was": '"At nine."'}], nearest
assert 'body contains "At ten.", was "At nine."' in answer["says"], answer["says"]
assert len(answer["results"][0]["seen"]) == 2 and "there was: " in answer["says"]
# Several at once: all that fail are told.
status, answer = judge({"message": {}}, {"message": {"subject": "a"*500}}, {"message": {"subject": "Zzz"}})
assert [one["holds"] for one in answer["results"]] == [True, False, False], answer
assert answer["says"].count("no message fits") == 2
# Waiting: it is there in time, and more than asked is too much.
late = {}
cursor = call("GET", "/api/v1/wait?timeout=0")[1]["cursor"]
def wait():
    late["answer"] = judge({"message": {"subject": "third", "after": cursor, "count": 1, "timeout_seconds": 60}})
waiting = threading.Thread(target=wait)
waiting.start()
send("not the one")
send("third")
waiting.join(60)
assert late["answer"][0] == 200, late
assert judge({"message": {"subject": "none", "count": 0, "timeout_seconds": 1}})[0] == 200
# What can not be meant is refused by name.
for wrong, words in [
    ({"assertions": []}, "1 to 100"),
    ({"assertions": [{"message": {"subjct": "x"}}]}, "assertion 1: unknown field `subjct`"),
    ({"assertions": [{"message": {}}, {"say": 1}]}, "assertion 2: it has neither message nor conduct"),
    ({"conduct": "uses-tls", "domains": []}, "uses-tls takes no domains"),
    ({"conduct": "flies"}, "there is no conduct flies; there are no-refused"),
]:
    status, answer = call("POST", "/api/v1/assert", wrong)
    assert status == 422 and words in answer["detail"], (wrong, answer)
"##;

const WORLDS: &str = r##"
for name in ("one", "two"):
    assert call("POST", "/control/v1/worlds", {"name": name}, bearer)[0] == 201
def subjects(path="", headers={}, at=base):
    status, answer = call("GET", path + "/api/v1/messages", None, headers, at)
    assert status == 200, answer
    return [one["Subject"] for one in answer["messages"]]
send("in one", at="/world/one")
send("in default")
# By path, by header and by host; the same over HTTPS with the token.
assert subjects("/world/one") == subjects("", {"X-Mailward-World": "one"}) == ["in one"]
assert subjects("", {"Host": "one.twin.test"}) == ["in one"]
assert subjects("/world/two") == [] and subjects() == subjects("/world/default") == ["in default"]
assert subjects("/world/one", bearer, https) == subjects("", bearer | {"X-Mailward-World": "one"}, https) == ["in one"]
assert call("GET", "/api/v1/messages", at=https)[0] == 401
import base64
basic = {"Authorization": "Basic " + base64.b64encode(("anybody:" + token).encode()).decode()}
assert subjects("/world/one", basic, https) == ["in one"]
assert call("GET", "/api/v1/messages", None, {"Authorization": "Basic eDp5"}, https)[0] == 401
status, answer = call("GET", "/world/nine/api/v1/messages")
assert status == 404 and "there is no world nine" in answer["detail"], answer
assert call("GET", "/world/one")[0] == 404
# Reading, tags and cursors are each world's own, and all other calls are there.
id = call("GET", "/world/one/api/v1/messages")[1]["messages"][0]["ID"]
assert call("GET", "/world/one/api/v1/message/" + id)[1]["Subject"] == "in one"
assert call("GET", "/world/one/view/%s.txt" % id)[0] == 200
assert call("GET", "/world/one/api/v1/info")[1]["Unread"] == 0 and call("GET", "/api/v1/info")[1]["Unread"] == 1
assert judge({"message": {"subject": "in one", "count": 1}}, at="/world/one")[0] == 200
assert judge({"message": {"subject": "in one"}}, at="/world/two")[0] == 417
late = {}
def wait():
    late["answer"] = call("GET", "/world/two/api/v1/wait?timeout=60")[1]
waiting = threading.Thread(target=wait)
waiting.start()
send("elsewhere")
send("in two", at="/world/two")
waiting.join(60)
assert [one["Subject"] for one in late["answer"]["messages"]] == ["in two"], late
# The control API stands beside it, with its token, and says which world's clock it is.
assert call("GET", "/world/one/control/v1/clock")[0] == 401
before = call("GET", "/control/v1/clock", None, bearer)[1]["now"]
assert call("PUT", "/world/one/control/v1/clock", {"now": "2031-01-01T00:00:00Z"}, bearer)[0] == 200
assert call("GET", "/world/one/control/v1/clock", None, bearer)[1]["now"].startswith("2031-01-01")
assert call("GET", "/control/v1/clock", None, bearer)[1]["now"][:4] == before[:4]
# Put back, it shows what it began with; deleted, nothing.
assert call("POST", "/control/v1/worlds/one/reset", None, bearer)[0] == 204
assert subjects("/world/one") == []
assert call("DELETE", "/control/v1/worlds/one", None, bearer)[0] == 204
assert call("GET", "/world/one/api/v1/messages")[0] == 404
# A session that came by the port of all worlds counts for the one that its user named.
host, port = ready["twin"]["submission"].rsplit(":", 1)
sender = account("application")
smtp = smtplib.SMTP(host, int(port), timeout=60)
smtp.starttls(context=context)
smtp.login(sender["address"] + "#two", sender["password"])
smtp.sendmail(sender["address"], [reader], "From: %s\r\nSubject: by suffix\r\n\r\nx\r\n" % sender["address"])
smtp.quit()
assert judge({"message": {"subject": "by suffix", "count": 1}}, {"conduct": "uses-tls"}, {"conduct": "says-goodbye"},
    {"conduct": "sends-only-to", "domains": ["northmoor.example"], "account": sender["address"]}, at="/world/two")[0] == 200
assert judge({"conduct": "signs-in-by-token"}, at="/world/two")[0] == 417
"##;

#[test]
fn assertions_on_content_say_what_came_nearest() {
    python(&twin(), &format!("{COMMON}{CONTENT}"), &[]);
}

#[test]
fn every_world_has_the_whole_api_by_path_header_and_https() {
    python(&twin(), &format!("{COMMON}{WORLDS}"), &[]);
}

#[test]
fn the_description_is_sound_and_true_of_answers() {
    assert_eq!(packaged_python("openapi.py", &twin().ready), "done\n");
}

/// What Mailpit has beside its API, and what clients of the TLS ports trust.
#[test]
fn asks_for_no_token_to_say_that_it_is_well_and_whom_to_trust() {
    python(
        &twin(),
        &format!(
            r#"{COMMON}
assert b"/api/v1/messages" in call("GET", "/")[1]
for wrong, words in [
    ({{"Sendr": {{"ErrorCode": 451, "Probability": 5}}}}, b"there is no trigger Sendr; there are"),
    ({{"Sender": {{"ErrorCode": 451, "Probability": 101}}}}, b"Probability from 0 to 100"),
    ({{"Sender": {{"ErrorCode": 451}}}}, b"missing field `Probability`"),
]:
    status, text = call("PUT", "/api/v1/chaos", wrong)
    assert status == 400 and words in text, (wrong, status, text)
for path in ("/livez", "/readyz"):
    assert call("GET", path) == (200, b"ok"), path
assert call("GET", "/ca.pem")[1] == open(ready["ca_file"], "rb").read()
assert "BEGIN CERTIFICATE" in open(ready["ca_file"]).read()
for path in ("/api/v1/nothing", "/none", "/control/v1/nothing"):
    status, text = call("GET", path, None, bearer)
    assert status == 404 and b"openapi.json" in text, (path, status, text)
assert call("PUT", "/control/v1/accounts", None, bearer)[0] == 405
# A member that nobody knows must not leave the wish to delete all.
send("kept")
id = call("GET", "/api/v1/messages")[1]["messages"][0]["ID"]
for wish in ({{"ID": [id]}}, {{"ids": [id], "foo": 1}}, {{"IDs": "x"}}, [id]):
    status, text = call("DELETE", "/api/v1/messages", wish)
    assert status == 400 and b"the body is not what it should be" in text, (wish, status, text)
assert call("DELETE", "/api/v1/messages", {{"Ids": ["none"]}})[0] == 200
assert call("GET", "/api/v1/info")[1]["Messages"] == 1
assert call("DELETE", "/api/v1/messages", {{"iDS": [id]}})[0] == 200
assert call("GET", "/api/v1/info")[1]["Messages"] == 0
"#
        ),
        &[],
    );
}

/// By the program, by the reference and by the types for JavaScript.
#[test]
fn the_checks_of_conduct_are_the_same_wherever_they_are_listed() {
    let names = python(
        &twin(),
        &format!(
            "{COMMON}\nfor one in call('GET', '/api/v1/conduct')[1]: print(one['id'], ', '.join(one['clauses']))"
        ),
        &[],
    );
    let read = |path: PathBuf| fs::read_to_string(path).expect("a file of the workspace");
    let types = read(client("javascript/index.d.ts"));
    let reference = read(client("../docs/reference/test-api.md"));
    let mut count = 0;
    for line in names.lines() {
        let (name, clauses) = line.split_once(' ').expect("a name and its clauses");
        assert!(types.contains(&format!("| \"{name}\"")), "{name}");
        let row = reference
            .lines()
            .find(|row| row.starts_with(&format!("| `{name}` |")));
        assert!(
            row.is_some_and(|row| row.contains(clauses)),
            "{line}: {row:?}"
        );
        count += 1;
    }
    assert_eq!(count, types.matches("\n  | \"").count());
}

/// Test runners for JavaScript, with what each is given: two workers, each test
/// in a world of its own. Their set-up fails when a world is left.
const RUNNERS: [&[&str]; 4] = [
    &["vitest", "run", "--root", "vitest"],
    &[
        "jest",
        "--rootDir",
        "jest",
        "--config",
        "jest/jest.config.cjs",
    ],
    &["playwright", "test", "--config", "playwright"],
    // The same tests, and who requires the package, by their types.
    &["tsc", "--project", "."],
];

#[test]
fn the_helpers_for_javascript_serve_the_usual_test_runners() {
    for runner in RUNNERS {
        let program = interop("node_modules/.bin").join(runner[0]);
        succeed(
            Command::new(program)
                .args(&runner[1..])
                .current_dir(interop("runners"))
                .env("CI", "1")
                .env("MAILWARD_PROGRAM", env!("CARGO_BIN_EXE_mailward")),
        );
    }
}

/// The package, and a test of somebody else's that uses it.
#[test]
fn the_helpers_for_python_are_typed() {
    for what in [&["-p", "mailward_testing"][..], &["../../interop/typed.py"]] {
        succeed(
            Command::new(interop(".venv/bin/python"))
                .args(["-m", "mypy", "--strict", "--cache-dir", "/dev/null"])
                .args(what)
                .current_dir(client("python"))
                .env("MYPYPATH", client("python")),
        );
    }
}

fn client(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../clients")
        .join(name)
}

/// The package is not installed: it is found beside the tests, as its plugin is.
#[test]
fn the_helpers_for_python_pass_their_own_tests_in_parallel() {
    let folder = client("python");
    succeed(
        Command::new(interop(".venv/bin/python"))
            .args(["-m", "pytest", "-q", "-n", "2"])
            .current_dir(&folder)
            .env("PYTHONPATH", &folder)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env(
                "PYTEST_ADDOPTS",
                "-p mailward_testing.plugin -p no:cacheprovider",
            )
            .env("MAILWARD_PROGRAM", env!("CARGO_BIN_EXE_mailward")),
    );
}

#[test]
fn the_helpers_for_javascript_pass_their_own_tests() {
    succeed(
        Command::new("node")
            .args(["--test", "test/"])
            .current_dir(client("javascript"))
            .env("MAILWARD_PROGRAM", env!("CARGO_BIN_EXE_mailward")),
    );
}
