//! The console as a person sees it: Chromium, driven over WebDriver.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use support::{Running, python};

/// A running chromedriver. It leads a process group, so that a browser which a
/// failed script left open ends with it.
struct Driver {
    child: Child,
    port: String,
    /// Whatever it and the browser write, the profile as well.
    dir: tempfile::TempDir,
}

impl Driver {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new("chromedriver")
            .arg("--port=0")
            .env("TMPDIR", dir.path())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("chromedriver does not start ({error}): `cargo xtask test` installs it")
            });
        let stdout = BufReader::new(child.stdout.take().unwrap());
        // "ChromeDriver was started successfully on port 40123."
        let port = stdout.lines().map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        // Owned before anything can fail, so that it is stopped in any case.
        let mut driver = Self {
            child,
            port: String::new(),
            dir,
        };
        driver.port = port.expect("chromedriver names its port");
        driver
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.child.wait();
    }
}

/// A browser in a fresh profile, and what a person does with it. Pages are read
/// in one script each, so no element can go stale between two looks.
const BROWSER: &str = r##"
import urllib.error, urllib.request

class Browser:
    def __init__(self, port, profile):
        self.base = "http://127.0.0.1:%s" % port
        self.session = self.call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "acceptInsecureCerts": True,
            "goog:chromeOptions": {"args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
                "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
                "--window-size=1280,1600", "--user-data-dir=" + profile]},
        }}})["sessionId"]
        self.base += "/session/" + self.session
    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            value = json.load(error)["value"]
            raise RuntimeError("%s: %s" % (value["error"], value["message"].split("\n")[0])) from None
    def go(self, url):
        self.call("POST", "/url", {"url": url})
    def url(self):
        return self.call("GET", "/url")
    def path(self):
        return self.url().split("/", 3)[3].split("?")[0]
    def script(self, text, *arguments):
        return self.call("POST", "/execute/sync", {"script": text, "args": list(arguments)})
    def texts(self, css):
        return self.script("return [...document.querySelectorAll(arguments[0])].map(e => e.innerText.trim())", css)
    def find(self, how, what):
        found = self.call("POST", "/elements", {"using": how, "value": what})
        assert found, "%r is not on %s, which says %r" % (what, self.url(), self.texts("body"))
        return "/element/" + found[0]["element-6066-11e4-a52e-4f735466cecf"]
    def click(self, css):
        self.call("POST", self.find("css selector", css) + "/click", {})
    def follow(self, text):
        link = "//main//a[normalize-space()='%s']" % text
        self.call("POST", self.find("xpath", link) + "/click", {})
    def type(self, css, text):
        field = self.find("css selector", css)
        self.call("POST", field + "/clear", {})
        self.call("POST", field + "/value", {"text": text})
    def lands_on(self, path, heading):
        "Waits for a page by its path and its heading, without the caption."
        def there():
            shown = self.script("""
                const h1 = document.querySelector('main h1');
                if (document.readyState !== 'complete' || !h1) return null;
                return (h1.querySelector(':scope > bdi') ?? h1).innerText.trim();""")
            self.seen = (self.path(), shown)
            return shown == heading and self.path().startswith(path)
        try:
            wait_for(there, heading)
        except AssertionError:
            raise AssertionError("expected %r, not %r" % ((path, heading), self.seen)) from None
        assert self.alert() is None, "an alert is open: %r" % self.alert()
    def log_in(self):
        self.go(ready["console_url"])
        self.lands_on("console/sign-in", "Sign in")
        self.type("#name", ready["console"]["username"])
        self.type("#password", ready["console"]["password"])
        self.click("main form button")
        self.lands_on("console", "Overview")
    def alert(self):
        try:
            return self.call("GET", "/alert/text")
        except RuntimeError as error:
            assert "no such alert" in str(error), error
            return None
"##;

/// Takes note of whatever calls, which is what the HTML letter tries to make
/// the browser do; serves the same letter unguarded.
const CANARY: &str = r##"
import http.server, threading

class Canary(http.server.BaseHTTPRequestHandler):
    calls = []
    def do_GET(self):
        self.calls.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(HOSTILE.encode())
    do_POST = do_GET
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Canary)
threading.Thread(target=server.serve_forever, daemon=True).start()
canary = "http://127.0.0.1:%d" % server.server_port
HOSTILE = """<html><body><p id="letter">Your results, in colour.</p>
<script>
  document.getElementById("letter").textContent = "Changed";
  document.title = "Changed"; top.document.title = "Changed";
  new Image().src = "%(canary)s/script"; alert("Changed");
</script>
<img src="%(canary)s/picture.png" onerror="alert('Changed')">
<form action="%(canary)s/form" method="post" target="_top"><input name="a"><button id="send">Send</button></form>
</body></html>""" % {"canary": canary}
"##;

const STORY: &str = r##"
PLAIN, HTML = "Clinic on Tuesday", "Results with pictures"
user = account("user")["address"]
def letter(subject, text):
    message = email.message.EmailMessage()
    message["From"] = application()["from"]
    message["To"] = user
    message["Subject"] = subject
    message.set_content(text)
    return message
hostile = letter(HTML, "Your results, in plain words.\n")
hostile.add_alternative(HOSTILE, subtype="html")
smtp = submit()
smtp.send_message(letter(PLAIN, "At ten o'clock.\n"))
smtp.send_message(hostile)
smtp.quit()

console = ready["console_url"]
def rows():
    return browser.texts("main tbody tr td:nth-child(2) a")

def story():
    # Nobody is shown anything before signing in.
    browser.go(console)
    browser.lands_on("console/sign-in", "Sign in")
    for password, problems in [("wrong", 1), (ready["console"]["password"], 0)]:
        browser.type("#name", ready["console"]["username"])
        browser.type("#password", password)
        browser.click("main form button")
        if problems:
            wait_for(lambda: len(browser.texts("[role=alert] li")) == problems, "an error about a wrong password")
            browser.lands_on("console/sign-in", "Sign in")
            assert browser.texts("#name-error")[0] != "", "the error does not stand at the field"
    browser.lands_on("console", "Overview")
    assert browser.texts(".nhsuk-header__account bdi") == [ready["console"]["username"]]

    # The messages, once both have arrived; then by status, then by subject.
    def relayed():
        browser.go(console + "/messages")
        browser.lands_on("console/messages", "Messages")
        return browser.texts("main tbody .nhsuk-tag") == ["Relayed", "Relayed"]
    wait_for(relayed, "two relayed messages")
    assert rows() == [HTML, PLAIN], rows()
    for status, subjects in [("relayed", [HTML, PLAIN]), ("held", []), ("", [HTML, PLAIN])]:
        browser.click("#status option[value='%s']" % status)
        browser.click("form[role=search] button")
        wait_for(lambda: browser.url().endswith("status=" + status), "the filter " + status)
        browser.lands_on("console/messages", "Messages")
        assert rows() == subjects, "filter %r shows %r" % (status, rows())
    browser.type("#search", "tuesday")
    browser.click("form[role=search] button")
    wait_for(lambda: "search=tuesday" in browser.url(), "the search")
    browser.lands_on("console/messages", "Messages")
    assert rows() == [PLAIN], "the search shows %r" % rows()

    # One message.
    browser.follow(PLAIN)
    browser.lands_on("console/messages/", PLAIN)
    recipients = browser.texts("#recipients + table tbody td")
    assert user in recipients[0], recipients
    assert "Relayed" in recipients[1], recipients
    assert "250 " in recipients[2], recipients
    events = browser.texts(".mailward-timeline__title")
    assert len(events) >= 3, "the timeline says %r" % events

    # Its counts and the way to the mailbox it went to.
    browser.go(console)
    browser.lands_on("console", "Overview")
    counts = browser.texts("[aria-labelledby=counts] a")
    assert "2 Relayed : see their messages" in [" ".join(count.split()) for count in counts], counts
    browser.go(console + "/mailboxes")
    browser.lands_on("console/mailboxes", "Mailboxes of the twin")
    browser.follow(user)
    browser.lands_on("console/mailboxes/", user)
    assert rows() == [HTML, PLAIN], rows()
    browser.follow(HTML)
    browser.lands_on("console/mailboxes/", HTML)

    # The HTML part is a hostile document in a locked room.
    browser.follow("HTML")
    wait_for(lambda: browser.texts("iframe"), "the frame")
    title = browser.call("GET", "/title")
    assert browser.script("return document.querySelector('iframe').getAttribute('sandbox')") == "", "the sandbox allows something"
    page = browser.url()
    browser.call("POST", "/frame", {"id": 0})
    shown = wait_for(lambda: browser.texts("#letter"), "the letter in its frame")
    assert shown == ["Your results, in colour."], shown
    browser.click("#send")
    browser.call("POST", "/frame", {"id": None})
    assert browser.alert() is None, "a script of the letter opened an alert"
    assert browser.url() == page, "the form led to " + browser.url()
    assert HTML in title and browser.call("GET", "/title") == title, "a script of the letter changed the title"
    assert Canary.calls == [], "the letter reached %r" % Canary.calls

    # And nothing is shown after signing out.
    browser.click("form[action$='/sign-out'] button")
    browser.lands_on("console/sign-in", "Sign in")
    browser.go(page)
    browser.lands_on("console/sign-in", "Sign in")
    # Unguarded the same letter does all it tries, so the checks above can fail.
    browser.go(canary + "/unguarded")
    assert wait_for(browser.alert, "an alert of the unguarded letter") == "Changed"
    browser.call("POST", "/alert/dismiss", {})
    for call in ["/script", "/picture.png"]:
        wait_for(lambda: call in Canary.calls, "the unguarded letter's call of " + call)

"##;

/// The twin at the console: what is new shows by itself, an account is
/// managed, a rehearsal led, a session read, a world entered.
const TWIN: &str = r##"
import imaplib, smtplib
console = ready["console_url"]
user = account("user")
def sign_in_to_twin(password):
    smtp = smtplib.SMTP(*place(ready["twin"]["submission"]), timeout=60)
    smtp.ehlo("client.example")
    smtp.starttls(context=context)
    smtp.ehlo("client.example")
    try:
        smtp.login(user["address"], password)
        return smtp
    except smtplib.SMTPAuthenticationError:
        return None
def strip():
    return " ".join(browser.texts("#strip strong")).upper()
def events():
    return browser.script("return document.querySelectorAll('tbody[data-rows] tr').length")
def story():
    browser.log_in()
    # Events: new ones come without a load, and wait where somebody reads.
    assert sign_in_to_twin(user["password"])
    browser.go(console + "/events")
    browser.lands_on("console/events", "Events of the twin")
    browser.script("window.loadedOnce = true")
    before = events()
    assert sign_in_to_twin("a wrong one") is None
    wait_for(lambda: events() > before, "a row that comes by itself")
    first = browser.texts("tbody[data-rows] tr:first-child .nhsuk-tag")
    assert first == ["Refused"], first
    browser.click("tbody[data-rows] tr:first-child summary")
    panel = browser.texts("tbody[data-rows] tr:first-child .nhsuk-details__text")[0]
    assert "credentials, observed" in panel and "What to do:" in panel, panel
    shown = events()
    assert sign_in_to_twin("another wrong one") is None
    wait_for(lambda: browser.texts("#news") == ["Show 1 new"], "a row that waits")
    assert events() == shown, "a row came while somebody reads"
    browser.click("#news")
    wait_for(lambda: events() == shown + 1, "the row that waited")
    assert browser.script("return window.loadedOnce") is True, "the page was loaded again"

    # Sessions and the overview hear of it, too.
    browser.go(console + "/sessions")
    browser.lands_on("console/sessions", "Sessions")
    browser.script("window.loadedOnce = true")
    shown = events()
    open_session = sign_in_to_twin(user["password"])
    ended = "tbody[data-rows] tr:first-child td:nth-child(7) > span:last-child"
    wait_for(lambda: events() > shown and browser.texts(ended) == ["Still open"], "the row of a session")
    open_session.quit()
    assert sign_in_to_twin(user["password"])
    wait_for(lambda: events() > shown + 1 and any("after" in one for one in browser.texts(ended.replace(":first-child td", ":nth-child(2) td"))), "a session that ends")
    assert browser.script("return window.loadedOnce") is True
    browser.go(console)
    browser.lands_on("console", "Overview")
    browser.script("window.loadedOnce = true")
    before = browser.texts("#twin-part")
    assert sign_in_to_twin(user["password"])
    wait_for(lambda: browser.texts("#twin-part") != before, "the twin's figures")
    assert browser.script("return window.loadedOnce") is True

    # A mailbox shows what a mail program does with its items.
    for subject in ["first", "second"]:
        smtp = sign_in_to_twin(user["password"])
        smtp.sendmail(user["address"], [user["address"]], "From: %s\r\nMessage-ID: <%s@client.example>\r\nSubject: %s\r\n\r\nx\r\n" % (user["address"], subject, subject))
        smtp.quit()
    browser.go(console + "/mailboxes/" + user["address"])
    browser.lands_on("console/mailboxes/", user["address"])
    browser.script("window.loadedOnce = true")
    items = lambda: browser.texts("tbody[data-rows] tr td:nth-child(2) > span:last-child")
    wait_for(lambda: items() == ["second Unseen", "first Unseen"], "two letters")
    program = imaplib.IMAP4_SSL(*place(ready["twin"]["imaps"]), ssl_context=context, timeout=60)
    program.login(user["address"], user["password"])
    program.select()
    program.store("2", "+FLAGS", "(\\Seen)")
    wait_for(lambda: items() == ["second", "first Unseen"], "what was read")
    program.store("1", "+FLAGS", "(\\Deleted)"), program.expunge(), program.logout()
    wait_for(lambda: items() == ["second"], "what was deleted")
    assert browser.script("return window.loadedOnce") is True
    # What became of it.
    browser.follow("second")
    browser.lands_on("console/mailboxes/", "second")
    browser.follow("What became of it")
    browser.lands_on("console/traces", "What became of a message")
    happened = browser.texts("tbody tr td:nth-child(3)")
    assert [one.split()[-1] for one in happened] == ["Accepted", "Delivered", "Marked"], happened
    browser.type("#message", "<first@client.example>")
    browser.click("main form button")
    wait_for(lambda: len(browser.texts("tbody tr")) == 4, "the story of the other")
    browser.go(console + "/events")
    browser.lands_on("console/events", "Events of the twin")
    assert sign_in_to_twin("another wrong one") is None
    wait_for(lambda: browser.texts("tbody[data-rows] tr:first-child .nhsuk-tag") == ["Refused"], "the refusal")

    # The session behind it, without its secret.
    browser.click("tbody[data-rows] tr:first-child td:last-child a")
    wait_for(lambda: "console/sessions/" in browser.url(), "the session")
    said = browser.texts("main table")[0]
    assert "AUTH LOGIN ***" in said and "535 5.7.139" in said and "Refused" in said, said
    assert "another wrong one" not in said and base64.b64encode(b"another wrong one").decode() not in said

    # The Local Administrator locks the account, and is asked first.
    browser.go(console + "/mailboxes")
    browser.lands_on("console/mailboxes", "Mailboxes of the twin")
    browser.follow(user["address"])
    browser.lands_on("console/mailboxes/", user["address"])
    browser.click("main .mailward-account a[href*='/accounts/']")
    browser.lands_on("console/accounts/", user["address"])
    browser.follow("Lock")
    browser.lands_on("console/accounts/", "Lock this account?")
    assert sign_in_to_twin(user["password"]), "it was locked unasked"
    browser.click("main form button")
    wait_for(lambda: browser.texts("[role=alert]"), "the result")
    assert browser.texts("main dl .nhsuk-tag--red") == ["Locked"]
    assert sign_in_to_twin(user["password"]) is None, "a locked account opens"
    browser.follow("Unlock")
    browser.lands_on("console/accounts/", "Unlock this account?")
    browser.click("main form button")
    wait_for(lambda: browser.texts("[role=alert]"), "the result")
    # The list of accounts patches its row.
    browser.go(console + "/mailboxes")
    browser.lands_on("console/mailboxes", "Mailboxes of the twin")
    browser.script("window.loadedOnce = true")
    control("POST", "/accounts/%s/disable" % user["address"])
    row = "tr[id='account-%s'] .nhsuk-tag" % user["address"]
    wait_for(lambda: browser.texts(row) == ["Disabled"], "the row of the account")
    control("POST", "/accounts/%s/enable" % user["address"])
    wait_for(lambda: browser.texts(row) == ["Active"], "the row of the account")
    assert browser.script("return window.loadedOnce") is True

    # A rehearsal has to be begun; then every page says so.
    browser.go(console + "/rehearsal")
    browser.lands_on("console/rehearsal", "Rehearsal")
    assert strip() == "" and browser.script("return document.querySelector('input[value=play]')") is None
    browser.click(".nhsuk-inset-text button")
    wait_for(lambda: "REHEARSAL" in strip(), "the banner")
    smtp = sign_in_to_twin(user["password"])
    browser.click("form:has(input[value='delay']) button")
    wait_for(lambda: "FAULTS ARE SET" in strip(), "the banner of the faults")
    assert smtp.mail(user["address"])[0] == 451
    wait_for(lambda: browser.texts("tr[id='fault-delay_1'] td:nth-child(4)") == ["1 of 20"], "the strike shows")
    browser.click("form:has(#advance) button")
    wait_for(lambda: "THE CLOCK WAS MOVED" in strip(), "the banner of the clock")
    browser.go(console + "/mailboxes")
    browser.lands_on("console/mailboxes", "Mailboxes of the twin")
    for text in ["REHEARSAL", "FAULTS ARE SET", "THE CLOCK WAS MOVED"]:
        assert text in strip(), strip()
    browser.go(console + "/rehearsal")
    browser.click("form:has(input[value='end-clock']) button")
    wait_for(lambda: "THE CLOCK" not in strip(), "the time")
    browser.click("form:has(input[value='end']) button")
    wait_for(lambda: strip() == "", "no banner")
    assert smtp.mail(user["address"])[0] == 250

    # Another world, named by its address.
    browser.go(console + "/worlds")
    browser.lands_on("console/worlds", "Worlds")
    browser.type("#name", "suite-7")
    browser.click("main form button")
    browser.lands_on("console/worlds/suite-7", "World suite-7")
    browser.follow("Enter this world: its mailboxes, events, sessions and rehearsal")
    browser.lands_on("console/mailboxes", "Mailboxes of the twin")
    assert "world=suite-7" in browser.url() and "WORLD SUITE-7" in strip(), strip()
    browser.follow(user["address"])
    browser.lands_on("console/mailboxes/", user["address"])
    assert "world=suite-7" in browser.url()
"##;

/// Every page of the twin, by day and by night, wide and narrow, with nothing
/// in it and with more than fits, and by keyboard alone.
const LOOKS: &str = include_str!("support/looks.py");

/// Runs the story that was told before it, whatever becomes of it.
const TOLD: &str = r"
browser = Browser(*argv)
try:
    story()
finally:
    browser.call('DELETE', '')
";

fn tell(running: &Running, parts: &[&str]) {
    let driver = Driver::start();
    let profile = driver.dir.path().join("profile");
    let script = [BROWSER, &parts.concat(), TOLD].concat();
    python(running, &script, &[&driver.port, profile.to_str().unwrap()]);
}

#[test]
fn a_person_follows_a_letter_through_the_console() {
    tell(&Running::up(&[]), &[CANARY, STORY]);
}

#[test]
fn a_person_leads_the_twin_at_the_console() {
    let running = Running::start(&["twin", "--json", "--ports", "auto", "--limits", "off"]);
    let control = include_str!("support/faults.py");
    tell(&running, &[control, TWIN]);
}

#[test]
fn every_page_is_legible_narrow_at_night_and_by_keyboard() {
    let running = Running::start(&["twin", "--json", "--ports", "auto", "--limits", "off"]);
    let control = include_str!("support/faults.py");
    // Raw in Python: the script has backslashes of its own.
    let look = format!("LOOK = r'''{}'''\n", include_str!("support/looks.js"));
    tell(&running, &[control, &look, LOOKS]);
}
