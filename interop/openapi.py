"""The description of the twin's HTTP APIs: sound, and true of real answers.

The ready object comes on standard input.
"""

import json
import sys
import urllib.error
import urllib.request

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

ready = json.load(sys.stdin)
base, token = ready["twin"]["test_api"], ready["control"]["token"]


def call(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": "Bearer " + token}
    request = urllib.request.Request(base + path, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get_content_type(), error.read()


document = json.loads(call("GET", "/api/v1/openapi.json")[2])
OpenAPIV31SpecValidator(document).validate()


def described(method, path):
    """The operation of a path, with its template."""
    path = path.split("?")[0].split("/")
    for template, operations in document["paths"].items():
        parts = template.split("/")
        fits = len(parts) == len(path) and all(a.startswith("{") or a == b for a, b in zip(parts, path))
        if fits and method.lower() in operations and (path[-1] == parts[-1] or parts[-1].startswith("{")):
            return operations[method.lower()]
    raise AssertionError("%s %s is not described" % (method, path))


def check(method, path, body=None, status=200):
    operation = described(method, path)
    if body is not None:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        validate(body, schema, "the body of %s %s" % (method, path))
    code, kind, content = call(method, path, body)
    assert code == status, (method, path, code, content)
    answers = operation["responses"]
    answer = answers.get(str(code), answers["default"])
    kinds = answer.get("content", {})
    if not kinds:
        assert content == b"", (method, path, content)
        return None
    assert kind in kinds or "*/*" in kinds, (method, path, kind, list(kinds))
    if "json" not in kind:
        return content.decode()
    value = json.loads(content)
    validate(value, kinds[kind]["schema"], "the answer to %s %s" % (method, path))
    return value


def validate(value, schema, what):
    schema = {**schema, "components": document["components"]}
    errors = sorted(Draft202012Validator(schema).iter_errors(value), key=lambda error: list(error.path))
    assert not errors, "%s: %s at %s" % (what, errors[0].message, list(errors[0].path))


user = next(account for account in ready["accounts"] if account["kind"] == "user")["address"]
letter = {
    "From": {"Email": "lab@elsewhere.example", "Name": "Lab"},
    "To": [{"Email": user}],
    "Subject": "Result",
    "Text": "Well.",
    "Tags": ["lab"],
    "Attachments": [{"Content": "JVBERg==", "Filename": "r.pdf"}],
}
id = check("POST", "/api/v1/send", letter)["ID"]
check("GET", "/api/v1/messages?limit=5")
check("GET", "/api/v1/search?query=subject:result")
check("GET", "/api/v1/wait?timeout=0")
for tail in ("", "/headers", "/raw", "/part/2"):
    check("GET", "/api/v1/message/" + id + tail)
check("GET", "/api/v1/message/0", status=404)
check("GET", "/view/%s.txt" % id)
check("PUT", "/api/v1/messages", {"IDs": [id], "Read": False})
check("PUT", "/api/v1/tags", {"IDs": [id], "Tags": ["post"]})
check("GET", "/api/v1/tags")
check("DELETE", "/api/v1/tags/post")
check("PUT", "/api/v1/chaos", {"Sender": {"ErrorCode": 451, "Probability": 5}})
check("PUT", "/api/v1/chaos")
for path in ("info", "webui", "conduct", "chaos"):
    check("GET", "/api/v1/" + path)
holds = {"message": {"to": user, "subject": {"is": "Result"}, "attachment": {"name": "r.pdf"}, "count": 1}}
check("POST", "/api/v1/assert", {"assertions": [holds, {"conduct": "no-offences"}]})
check("POST", "/api/v1/assert", {"message": {"subject": "Resilt", "to": user}}, status=417)
check("POST", "/api/v1/assert", {"conduct": "uses-tls"}, status=417)
check("DELETE", "/api/v1/messages")

control = "/control/v1"
check("POST", control + "/worlds", {"name": "one", "clock_held": True}, 201)
check("POST", control + "/worlds/one/fork", {"name": "two"}, 201)
for path in ("/worlds", "/worlds/one", "/worlds/one/snapshots"):
    check("GET", control + path)
check("POST", control + "/worlds/one/snapshots", {"name": "now"}, 201)
check("POST", control + "/worlds/one/restore", {"snapshot": "now"}, 204)
check("POST", control + "/worlds/one/reset", status=204)
check("POST", control + "/worlds/one/listeners", status=201)
check("DELETE", control + "/worlds/one/snapshots/now", status=204)
check("DELETE", control + "/worlds/one", status=204)
check("GET", control + "/worlds/one", status=404)
one = control + "/accounts/" + user
check("POST", control + "/accounts", {"address": "new@northmoor.example", "kind": "application"}, 201)
check("GET", control + "/accounts")
check("GET", one)
for act in ("lock", "unlock", "disable", "enable", "expire", "force-change"):
    check("POST", one + "/" + act)
check("POST", one + "/password", {"new": "a-long-passphrase-7"})
check("PUT", one + "/protocols", {"protocols": ["smtp", "imap"]})
check("POST", one + "/convert", {"kind": "user"})
check("PUT", one + "/quota", {"quota_mb": None})
check("PUT", one + "/auto-reply", {"text": "Away."})
check("PUT", one + "/reading", {"after_seconds": 5})
check("GET", one + "/reading")
check("DELETE", one + "/auto-reply")
check("POST", control + "/distribution-lists", {"address": "ward@northmoor.example", "members": [user]}, 201)
check("POST", control + "/applications", {"client_id": "c", "client_secret": "s", "mailboxes": [user]}, 201)
check("PUT", control + "/senders", {"address": user, "blocked": False})
check("POST", control + "/relay-registrations", {"address": "127.0.0.1"}, 201)
check("PUT", control + "/service", {})
check("POST", control + "/clock/advance", {"seconds": 1})
check("PUT", control + "/clock", {"now": "2026-03-02T09:00:00Z"})
fault = {"id": "busy", "match": {"protocol": "submission", "stage": "connect"}, "action": {"kind": "reply", "text": "421 4.3.2 no"}}
check("POST", control + "/faults", fault, 201)
check("POST", control + "/faults", [{**fault, "id": "busy-too"}], 201)
check("GET", control + "/faults/busy")
check("PUT", control + "/faults/busy", fault, 201)
check("DELETE", control + "/faults/busy", status=204)
check("DELETE", control + "/faults/busy", status=404)
check("PUT", control + "/modes/degraded", {"delay_seconds": 1})
for path in ("faults", "modes", "modes/degraded", "status", "behaviours", "magic-recipients", "service", "clock", "events", "sessions"):
    check("GET", control + "/" + path)
check("DELETE", control + "/modes/degraded")
check("DELETE", control + "/faults")
check("DELETE", control + "/sessions", status=204)
check("GET", "/metrics")
print("done")
