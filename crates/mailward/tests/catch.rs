//! The catcher: any client's mail for anybody, as it came.

mod support;

use support::{Running, python};

const CATCH: &str = r#"
import urllib.request
host, port = ready["twin"]["catch"].rsplit(":", 1)
def api(path):
    with urllib.request.urlopen(ready["twin"]["test_api"] + "/api/v1" + path, timeout=60) as answer:
        return answer.read()
person = ready["accounts"][0]["address"]
text = "From: shop@anywhere.example\r\nTo: %s\r\nSubject: Your order\r\n\r\n.one\r\n\r\ntwo\r\n" % person
with smtplib.SMTP(host, int(port), timeout=60) as smtp:
    smtp.ehlo("client.example")
    assert not smtp.has_extn("starttls"), smtp.esmtp_features
    # Whoever signs in may.
    smtp.login("anybody", "any password")
    assert smtp.sendmail("shop@anywhere.example", [person, "hidden@elsewhere.example"], text) == {}
    # Nothing of the service's is applied: no report, no junk, no limit.
    for number in range(60):
        smtp.sendmail("", ["nobody@northmoor.example"], "Subject: %d\r\n\r\nx\r\n" % number)
page = json.loads(api("/messages?limit=100"))
assert page["total"] == 61, page["total"]
found = json.loads(api("/search?query=subject:order"))["messages"]
assert len(found) == 1, found
assert found[0]["To"][0]["Address"] == person
assert [one["Address"] for one in found[0]["Bcc"]] == ["hidden@elsewhere.example"], found
raw = api("/message/%s/raw" % found[0]["ID"]).decode()
assert raw.startswith("X-Mailward-Twin: "), raw
assert raw.endswith(text), raw
assert json.loads(api("/message/%s" % found[0]["ID"]))["ReturnPath"] == "shop@anywhere.example"
# An account's copy is in its mailbox.
box = imap(ready["accounts"][0])
box.select("INBOX")
assert box.fetch("1", "(BODY.PEEK[])")[1][0][1].decode() == raw
"#;

#[test]
fn takes_mail_for_anybody_as_it_came() {
    let running = Running::start(&["twin", "--json", "--ports", "auto", "--catch", "0"]);
    python(&running, CATCH, &[]);
}

#[test]
fn listens_only_where_asked() {
    let running = Running::start(&["twin", "--json", "--ports", "auto"]);
    assert!(running.ready["twin"]["catch"].is_null());
}
