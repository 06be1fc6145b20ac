"""The test API as a client of Mailpit uses it; its address is given."""

import base64
import json
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request

base = "http://" + sys.argv[1]


def call(method, path, body=None, headers={}):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            content = answer.read()
            kind = answer.headers.get("Content-Type", "")
            return answer.status, json.loads(content) if "json" in kind else content.decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def search(query):
    return call("GET", "/api/v1/search?" + urllib.parse.urlencode({"query": query}))[1]


def send(subject, to="asha@northmoor.example", **more):
    wish = {"From": {"Email": "ben@elsewhere.example", "Name": "Bén"}, "To": [{"Email": to}], "Subject": subject}
    status, answer = call("POST", "/api/v1/send", wish | more)
    assert status == 200, answer
    return answer["ID"]


status, empty = call("GET", "/api/v1/messages")
assert status == 200 and empty["total"] == 0 and empty["messages"] == [], empty
assert call("GET", "/api/v1/message/latest")[0] == 404

first = send("Appointment", Text="Come on Monday.\n", Tags=["letters", "a<b"])
second = send(
    "Ergebnis für Sie",
    to="out@elsewhere.example",
    HTML="<p>See <b>this</b></p>",
    Bcc=["asha@northmoor.example"],
    Attachments=[{"Content": base64.b64encode(b"%PDF-").decode(), "Filename": "r.pdf", "ContentType": "application/pdf"}],
    Headers={"X-Kind": "result"},
)
listed = call("GET", "/api/v1/messages?limit=1")[1]
assert listed["total"] == 2 and listed["unread"] == 2 and listed["messages_count"] == 2, listed
assert [m["ID"] for m in listed["messages"]] == [second], listed
assert listed["messages"][0]["Attachments"] == 1
assert listed["messages"][0]["Bcc"] == [{"Name": "", "Address": "asha@northmoor.example"}], listed
assert listed["tags"] == ["ab", "letters"], listed

message = call("GET", "/api/v1/message/" + second)[1]
assert message["Subject"] == "Ergebnis für Sie" and message["HTML"] == "<p>See <b>this</b></p>", message
assert message["From"] == {"Name": "Bén", "Address": "ben@elsewhere.example"}, message
assert message["To"][0]["Address"] == "out@elsewhere.example"
(attachment,) = message["Attachments"]
assert attachment["FileName"] == "r.pdf" and attachment["Size"] == 5, attachment
part = call("GET", "/api/v1/message/%s/part/%s" % (second, attachment["PartID"]))
assert part == (200, "%PDF-"), part
assert call("GET", "/api/v1/message/latest/headers")[1]["X-Kind"] == ["result"]
raw = call("GET", "/api/v1/message/%s/raw" % first)[1]
assert raw.startswith("X-Mailward-Twin:") and "Subject: Appointment" in raw, raw
assert call("GET", "/view/%s.txt" % first)[1].strip() == "Come on Monday."
assert call("GET", "/view/%s.html" % first)[0] == 404
assert call("GET", "/api/v1/messages")[1]["unread"] == 1, "what was shown is read"

both = send("both", Text="plain", HTML="<i>rich</i>")
assert call("GET", "/view/latest.html")[1] == "<i>rich</i>"
assert call("GET", "/view/latest.txt")[1].strip() == "plain"
assert call("DELETE", "/api/v1/messages", {"IDs": [both]}) == (200, "ok")

for query, expected in [
    ("monday", [first]),
    ("from:ben", [second, first]),
    ("to:asha", [first]),
    ("bcc:asha", [second]),
    ("addressed:asha -subject:ergebnis", [first]),
    ("subject:\"ergebnis für\"", [second]),
    ("has:attachment", [second]),
    ("!has:attachment", [first]),
    ("is:unread", [first]),
    ("tag:letters", [first]),
    ("before:2001-01-01", []),
    ("after:2001-01-01 smaller:1m", [second, first]),
    ("nobody", []),
]:
    found = search(query)
    assert [m["ID"] for m in found["messages"]] == expected, (query, found)
    assert found["messages_count"] == len(expected) and found["total"] == 2, (query, found)
assert call("GET", "/api/v1/search?query=")[0] == 400

assert call("PUT", "/api/v1/messages", {"IDs": [second], "Read": False}) == (200, "ok")
assert call("GET", "/api/v1/messages")[1]["unread"] == 2
# curl's way: JSON under the name of a form. A real form with a slip deletes nothing.
form = {"Content-Type": "application/x-www-form-urlencoded"}
assert call("PUT", "/api/v1/messages", {"IDs": [second], "Read": True}, form) == (200, "ok")
request = urllib.request.Request(base + "/api/v1/messages", data=b"id=1", method="DELETE", headers=form)
try:
    urllib.request.urlopen(request, timeout=60)
    raise SystemExit("a form with an unknown field was taken")
except urllib.error.HTTPError as error:
    assert error.code == 400 and b"there is no field id" in error.read()
assert call("GET", "/api/v1/messages")[1]["unread"] == 1
assert call("PUT", "/api/v1/tags", {"IDs": [second], "Tags": ["results"]}) == (200, "ok")
assert call("PUT", "/api/v1/tags/letters", {"Name": "post"}) == (200, "ok")
assert call("DELETE", "/api/v1/tags/ab") == (200, "ok")
assert call("GET", "/api/v1/tags")[1] == ["post", "results"]
assert call("GET", "/api/v1/info")[1]["Messages"] == 2

# Waiting: what is there already, what comes, and the end of one's patience.
waited = call("GET", "/api/v1/wait?query=subject:appointment")[1]
assert [m["ID"] for m in waited["messages"]] == [first] and waited["cursor"] >= 2, waited
cursor = waited["cursor"]
late = {}


def wait():
    late["answer"] = call("GET", "/api/v1/wait?query=subject:third&after=%d" % cursor)[1]


waiting = threading.Thread(target=wait)
waiting.start()
send("not the one")
third = send("third")
waiting.join(60)
assert [m["ID"] for m in late["answer"]["messages"]] == [third], late
assert call("GET", "/api/v1/wait?query=fourth&timeout=0")[1]["messages"] == []

# A web site reaches none of it.
for headers in ({"Host": "rebound.example"}, {"Origin": "https://elsewhere.example"}):
    assert call("GET", "/api/v1/messages", headers=headers)[0] == 403, headers

assert call("POST", "/api/v1/send", {"From": {"Email": "nobody"}})[0] == 400
assert call("POST", "/api/v1/send", {"From": {"Email": "a@b.example"}})[0] == 400
assert call("DELETE", "/api/v1/search?query=subject:third") == (200, "ok")
assert call("DELETE", "/api/v1/messages", {"IDs": [first]}) == (200, "ok")
assert call("GET", "/api/v1/message/" + first)[0] == 404
assert call("GET", "/api/v1/messages")[1]["total"] == 2
assert call("DELETE", "/api/v1/messages") == (200, "ok")
assert call("GET", "/api/v1/messages")[1]["total"] == 0
print("done")
