//! Real input: every message of the corpus either arrives byte for byte or is
//! refused by a named rule.

mod support;

use support::{Running, data, python};

/// For each file: a proper From takes the place of the old one, then the
/// message goes in by SMTP and is looked for in the recipient's mailbox.
const SCRIPT: &str = r#"
import glob, os, re
app, user = application(), account("user")
files = sorted(glob.glob(os.path.join(argv[0], "*", "*.eml")))
assert len(files) >= 50, files
sender = app["from"]
field = b"From: \"Northmoor Appointments (NORTHMOOR TRUST)\" <" + sender.encode() + b">\r\n"

def prepared(path):
    raw = re.sub(rb"\r\n|\r|\n", b"\r\n", open(path, "rb").read())
    if not raw.endswith(b"\r\n"):
        raw += b"\r\n"
    head, separator, body = raw.partition(b"\r\n\r\n")
    pattern = rb"(?im)^From:.*\r\n(?:[ \t].*\r\n)*"
    head, count = re.subn(pattern, field, head + b"\r\n", count=1)
    return (b"" if count else field) + head + (b"\r\n" if separator else b"") + body

accepted, refused = {}, {}
smtp = submit()
for path in files:
    name = os.path.relpath(path, argv[0])
    message = prepared(path)
    try:
        smtp.sendmail(sender, [user["address"]], message, mail_options=["BODY=8BITMIME"])
        accepted[name] = message
    except smtplib.SMTPResponseException as error:
        text = error.smtp_error.decode()
        assert 500 <= error.smtp_code < 600, (name, error.smtp_code, text)
        assert re.search(r"\((GUIDE|ENG|DHC|RFC)[- ]?\d", text), (name, text)
        refused[name] = text
    assert smtp.noop()[0] == 250, name
smtp.quit()
assert accepted, refused

box = imap(user)
def arrived():
    box.select("INBOX")
    _, found = box.search(None, "ALL")
    return found[0].split() if len(found[0].split()) == len(accepted) else None
numbers = wait_for(arrived, "%d messages in the mailbox" % len(accepted))
bodies = []
for number in numbers:
    _, parts = box.fetch(number, "(BODY.PEEK[])")
    bodies.append(parts[0][1])
for name, message in accepted.items():
    matching = [body for body in bodies if body.endswith(message)]
    assert matching, name
    above = matching[0][: -len(message)]
    assert above.startswith(b"X-Mailward-Twin:"), (name, above)
print(json.dumps({"accepted": len(accepted), "refused": refused}))
"#;

#[test]
fn every_message_arrives_unchanged_or_is_refused_by_a_rule() {
    let running = Running::up(&["--limits", "off"]);
    let printed = python(
        &running,
        SCRIPT,
        &[data("corpus").to_str().expect("a path in UTF-8")],
    );
    let result: serde_json::Value = serde_json::from_str(&printed).expect("the script prints JSON");
    let refused = result["refused"].as_object().expect("an object").len() as u64;
    let accepted = result["accepted"].as_u64().expect("a number");
    assert!(accepted > refused, "most real mail must pass: {result}");
}
