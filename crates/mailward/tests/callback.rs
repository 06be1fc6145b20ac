//! The application is told of an outcome by a signed callback (Standard
//! Webhooks), again until it answers 2xx.

mod support;

use std::fs;

use support::{Running, free_port, python};

const SCRIPT: &str = r#"
import base64, hashlib, hmac, http.server, threading
got = []
class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        got.append((dict(self.headers), body))
        self.send_response(500 if len(got) == 1 else 204)
        self.end_headers()
    def log_message(self, *words):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(argv[0])), Hook)
threading.Thread(target=server.serve_forever, daemon=True).start()
app = application()
smtp = submit()
smtp.sendmail(app["from"], ["user@northmoor.example"], "From: %s\r\nTo: user@northmoor.example\r\nSubject: told\r\n\r\nx\r\n" % app["from"])
wait_for(lambda: len(got) >= 2, "a callback and its repetition")
ids = set()
for headers, body in got:
    ids.add(headers["webhook-id"])
    signed = ("%s.%s." % (headers["webhook-id"], headers["webhook-timestamp"])).encode() + body
    expected = "v1," + base64.b64encode(hmac.new(b"k" * 24, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == expected, headers
    event = json.loads(body)
    assert event["type"] == "message.relayed", event
    assert event["data"]["recipients"][0]["recipient"] == "user@northmoor.example", event
assert len(ids) == 1, "a repetition carries the same id"
"#;

#[test]
fn a_callback_is_signed_and_repeated_until_it_is_taken() {
    let dir = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let seed = dir.path().join("seed.toml");
    fs::write(
        &seed,
        format!(
            "[organisation]\nname = \"NORTHMOOR HOSPITALS TRUST\"\ndomain = \"northmoor.example\"\n\
             [[account]]\naddress = \"letters@northmoor.example\"\nkind = \"application\"\n\
             [[account]]\naddress = \"user@northmoor.example\"\n\
             [[application]]\nname = \"letters\"\naccount = \"letters@northmoor.example\"\n\
             [application.callback]\nurl = \"http://127.0.0.1:{port}/hook\"\nsecret = \"whsec_a2tra2tra2tra2tra2tra2tra2tra2tr\"\n"
        ),
    )
    .expect("a seed");
    let running = Running::up_in(dir.path(), &["--seed", seed.to_str().expect("UTF-8")]);
    python(&running, SCRIPT, &[&port.to_string()]);
}
