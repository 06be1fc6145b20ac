# The four hazards of GUIDE-101, through gateway and twin.
reader = account("user")
writer = [one for one in ready["accounts"] if one["address"] == application()["from"].split("<")[-1].strip(">")][0]
def api(method, path, body=None):
    link = http.client.HTTPSConnection(*place(ready["gateway"]["https"]), context=context, timeout=60)
    headers = {"Authorization": "Bearer " + application()["api_key"], "Content-Type": "application/json"}
    link.request(method, "/v1" + path, None if body is None else json.dumps(body), headers)
    answer = link.getresponse()
    text = answer.read().decode()
    assert answer.status < 300, (path, answer.status, text)
    return json.loads(text)
def hand_in(subject, to=None, **more):
    return api("POST", "/messages", {"to": [to or reader["address"]], "subject": subject, "text": "x", **more})["id"]
def magic(what):
    name, domain = reader["address"].split("@")
    return f"{name}+fault-{what}@{domain}"
def state(id):
    return api("GET", "/messages/" + id)["recipients"][0]["state"]
def becomes(id, wanted):
    wait_for(lambda: state(id) == wanted, f"{wanted}, not {state(id)}: {api('GET', '/messages/' + id)}")
def busy(id, **match):
    control("POST", "/faults", {"id": id, "match": {"protocol": "submission", **match},
        "action": {"kind": "reply", "text": "451 4.3.2 System not accepting network messages"}})
def alarms():
    import urllib.request
    with urllib.request.urlopen(ready["metrics_url"], context=context) as answer:
        lines = answer.read().decode().splitlines()
    return [line for line in lines if line.startswith("mailward_alarms{") and not line.endswith(" 0")]

def non_delivery():
    refused = hand_in("refused", magic("551"))
    becomes(refused, "failed")
    wait_for(lambda: len(subjects(writer)) == 1, "the report to the sender")
    late = hand_in("bounced", magic("bounce-late-600"))
    becomes(late, "relayed")
    assert len(subjects(writer)) == 1
    advance(601)
    wait_for(lambda: "Undeliverable: bounced" in subjects(writer), "the late report")
    # A reply that is lost leads to a look in Sent Items, not to a second copy.
    control("POST", "/faults", {"id": "lost", "match": {"protocol": "submission", "stage": "taken"},
        "action": {"kind": "lose_reply"}, "lifetime": {"times": 1}})
    doubt = hand_in("doubted")
    for _ in range(40):
        if state(doubt) in ("relayed", "delivered"):
            break
        advance(60)
        time.sleep(0.1)
    assert state(doubt) in ("relayed", "delivered"), api("GET", "/messages/" + doubt)
    assert subjects(reader).count("doubted") == 1

def delay():
    busy("delay", stage="mail")
    id = hand_in("delayed", deadline_at=later(8 * 3600))
    becomes(id, "deferred")
    # With a quarter of its time left, people are told that it still waits.
    for _ in range(7):
        advance(3600)
        time.sleep(0.2)
    wait_for(lambda: any("deadline" in json.dumps(step) for step in api("GET", "/messages/" + id)["timeline"]), "a warning")
    assert state(id) == "deferred" and "delayed" not in subjects(reader)
    control("DELETE", "/faults/delay")
    api("POST", f"/messages/{id}/retry")
    becomes(id, "relayed")
    assert subjects(reader).count("delayed") == 1

def later(seconds):
    import datetime
    now = datetime.datetime.fromisoformat(control("GET", "/clock")["now"].replace("Z", "+00:00"))
    return (now + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")

def out_of_sequence():
    control("POST", "/faults", {"id": "first", "match": {"protocol": "submission", "stage": "dot"},
        "action": {"kind": "reply", "text": "451 4.3.2 System not accepting network messages"}, "lifetime": {"times": 1}})
    ids = [hand_in(f"dose {number}", sequence_key="patient-1") for number in range(3)]
    for _ in range(60):
        if all(state(id) == "relayed" for id in ids):
            break
        advance(60)
        time.sleep(0.1)
    for id in ids:
        becomes(id, "relayed")
    doses = [one for one in subjects(reader) if one.startswith("dose")]
    assert doses == ["dose 0", "dose 1", "dose 2"], doses
    # Beyond the service's own door the order is nobody's: still each arrives once.
    control("POST", "/faults", {"id": "overtaken", "match": {"protocol": "delivery", "nth": 1}, "action": {"kind": "reorder"}})
    for number in range(3):
        becomes(hand_in(f"late dose {number}", sequence_key="patient-1"), "relayed")
    wait_for(lambda: sum(one.startswith("late dose") for one in subjects(reader)) == 3, "all doses")
    doses = [one for one in subjects(reader) if one.startswith("late dose")]
    assert sorted(doses) == [f"late dose {number}" for number in range(3)] and doses[0] != "late dose 0", doses
    control("DELETE", "/faults")

def unavailability():
    control("PUT", "/scenarios/unavailability")
    ids = [hand_in(f"outage {number}") for number in range(3)]
    for _ in range(60):
        if alarms() and all(state(id) != "relayed" for id in ids):
            break
        advance(120)
        time.sleep(0.1)
    assert alarms(), "nobody is told"
    assert all(state(id) in ("deferred", "incoming", "active") for id in ids), [state(id) for id in ids]
    control("DELETE", "/scenarios/unavailability")
    for _ in range(60):
        if all(state(id) == "relayed" for id in ids):
            break
        advance(600)
        time.sleep(0.1)
    for id in ids:
        becomes(id, "relayed")
    found = sorted(one for one in subjects(reader) if one.startswith("outage"))
    assert found == [f"outage {number}" for number in range(3)], found

for hazard in [non_delivery, delay, out_of_sequence, unavailability]:
    hazard()
