# The twin's pages as people with other eyes, screens and hands have them.
import smtplib, urllib.parse
console = ready["console_url"]
user = account("user")
# Everything that can be focused, in the order of Tab, with whether it shows.
TABS = """
const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")];
return all.filter(e => e.tabIndex >= 0 && e.getClientRects().length && !e.closest("[hidden]")).length"""
FOCUSED = """
const e = document.activeElement, s = getComputedStyle(e);
const same = e === window.last, again = !same && (window.seen?.has(e) || e === document.body);
window.last = e;
(window.seen ??= new Set()).add(e);
const shows = s.outlineStyle !== "none" && s.outlineWidth !== "0px" || s.boxShadow !== "none";
return [same, again, shows, e.tagName + " " + e.id + " " + e.textContent.trim().slice(0, 30), e.matches(".nhsuk-skip-link")]"""
def devtools(command, **parameters):
    return browser.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})
def look(page, heading):
    for scheme in ["dark", "light"]:
        devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        for width in [1280, 375]:
            devtools("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
            browser.go(console + page)
            seen = browser.script(LOOK)
            assert seen == {"faint": [], "wide": []}, (page, scheme, width, seen)
            shown = browser.texts("main h1")
            assert shown and heading in shown[0], (page, shown)
def tab_through(page):
    devtools("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)
    browser.go(console + page)
    count, place, last = browser.script(TABS), 0, 0
    while place < count:
        browser.call("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": [
            {"type": "keyDown", "value": "\ue004"}, {"type": "keyUp", "value": "\ue004"}]}]})
        same, again, shows, what, is_skip_link = browser.script(FOCUSED)
        assert not again, "%s: Tab %d of %d leads to %s" % (page, place + 1, count, what)
        assert shows, "%s: nothing shows that %s has the focus" % (page, what)
        # A date has places of its own, a few.
        last = last + 1 if same else 0
        assert last < 10, "%s: Tab does not leave %s" % (page, what)
        if not same:
            assert is_skip_link == (place == 0), (page, what)
            place += 1
def story():
    browser.log_in()
    empty = [
        ("", "Overview"), ("/mailboxes", "Mailboxes"), ("/mailboxes/" + user["address"], user["address"]),
        ("/accounts/" + user["address"], user["address"]), ("/events", "Events"), ("/sessions", "Sessions"),
        ("/traces", "What became"), ("/traces?message=none", "What became"), ("/rehearsal", "Rehearsal"), ("/worlds", "Worlds"),
        ("/mailboxes?search=nobody", "Mailboxes"), ("/nowhere", "not found"),
    ]
    for page, heading in empty:
        look(page, heading)
    # Addresses, subjects and names as long as they may be, without a gap.
    long = "l" * 64 + "@" + ".".join(["d" * 50] * 3) + ".northmoor.example"
    subject = "s" * 400
    name = "w" * 60
    control("POST", "/accounts", {"address": long, "password": "right", "kind": "user", "display_name": "n" * 200, "quota_mb": 1})
    smtp = smtplib.SMTP(*place(ready["twin"]["submission"]), timeout=60)
    smtp.ehlo("client.example"), smtp.starttls(context=context), smtp.ehlo("client.example")
    smtp.login(user["address"], user["password"])
    smtp.sendmail(user["address"], [long, "n" * 64 + "@northmoor.example"], "From: %s\r\nTo: %s\r\nMessage-ID: <%s@client.example>\r\nSubject: %s\r\n\r\n%s\r\n" % (user["address"], long, "i" * 400, subject, "t" * 900))
    smtp.quit()
    control("POST", "/worlds", {"name": name})
    control("POST", "/worlds/%s/snapshots" % name, {"name": "s" * 60})
    control("POST", "/faults", [{"id": "f" * 60, "note": "n" * 200, "match": {"protocol": "submission", "stage": "mail", "sender": long}, "action": {"kind": "reply", "text": "451 4.3.2 " + "r" * 300}}])
    session = [e for e in control("GET", "/events") if e["kind"] == "accepted"][0]["session"]
    full = [
        ("", "Overview"), ("/mailboxes", "Mailboxes"), ("/mailboxes/" + long, long), ("/mailboxes/%s/items/1?folder=INBOX" % long, subject),
        ("/mailboxes/%s/items/1?folder=INBOX&view=source" % long, subject), ("/accounts/" + long, long), ("/accounts/%s/quota" % long, "large"),
        ("/accounts/%s/password" % long, ""), ("/events", "Events"), ("/sessions", "Sessions"), ("/sessions/" + session, "Session"),
        ("/traces?message=1", "What became"), ("/rehearsal", "Rehearsal"), ("/worlds", "Worlds"), ("/worlds/" + name, "World"),
        ("/worlds/%s/delete" % name, ""), ("/mailboxes?world=" + name, "Mailboxes"),
    ]
    for page, heading in full:
        look(page, heading)
    # A form with what is wrong with it.
    browser.go(console + "/accounts/%s/quota" % long)
    browser.type("#quota_mb", "much")
    browser.script("document.querySelector('main form').noValidate = true")
    browser.click("main form button")
    wait_for(lambda: browser.texts("[role=alert]"), "what is wrong")
    browser.click("[role=alert] a")
    told = browser.script("const e = document.activeElement; return [e.id, document.getElementById(e.getAttribute('aria-describedby').split(' ').pop()).innerText]")
    assert told[0] == "quota_mb" and "whole number" in told[1], told
    for scheme in ["dark", "light"]:
        devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        seen = browser.script(LOOK)
        assert seen == {"faint": [], "wide": []}, (scheme, seen)
    browser.go(console + "/rehearsal")
    browser.click(".nhsuk-inset-text button")
    wait_for(lambda: "REHEARSAL" in " ".join(browser.texts("#strip strong")).upper(), "the banner")
    look("/rehearsal", "Rehearsal")
    for page in ["", "/events", "/mailboxes", "/mailboxes/%s/items/1?folder=INBOX" % long, "/accounts/" + long, "/accounts/%s/protocols" % long, "/rehearsal", "/worlds", "/traces?message=1"]:
        tab_through(page)
