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
const BROWSER: &str = r#"
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
    def alert(self):
        try:
            return self.call("GET", "/alert/text")
        except RuntimeError as error:
            assert "no such alert" in str(error), error
            return None
"#;

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

browser = Browser(*argv)
try:
    story()
finally:
    browser.call("DELETE", "")
"##;

#[test]
fn a_person_follows_a_letter_through_the_console() {
    let running = Running::up(&[]);
    let driver = Driver::start();
    let profile = driver.dir.path().join("profile");
    python(
        &running,
        &[BROWSER, CANARY, STORY].concat(),
        &[&driver.port, profile.to_str().unwrap()],
    );
}
