//! `mailward gateway` against a server that nobody here wrote: Postfix, with
//! Dovecot to sign in. Both run in folders of their own on high ports.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::{Running, free_port, mailward, python, run, succeed};

const ACCOUNT: &str = "clinic@northmoor.example";
const PASSWORD: &str = "far-end-password-1234";

/// A private Postfix and Dovecot, stopped by their own commands.
struct FarEnd {
    dir: tempfile::TempDir,
    port: u16,
}

impl FarEnd {
    fn start() -> Self {
        assert_eq!(
            succeed(Command::new("id").arg("-u")).trim(),
            "0",
            "Postfix starts only as root: run the tests as root"
        );
        let far = Self {
            dir: tempfile::Builder::new().prefix("mw-").tempdir().unwrap(),
            port: free_port(),
        };
        far.write();
        daemon("dovecot", &["-c", &far.path("dovecot.conf")]);
        daemon("postfix", &["-c", &far.path("etc"), "start"]);
        far
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self) {
        for folder in ["etc", "queue", "queue/private", "data", "mail", "dovecot"] {
            fs::create_dir_all(self.dir.path().join(folder)).unwrap();
        }
        succeed(Command::new("chmod").args(["755", self.dir.path().to_str().unwrap()]));
        succeed(Command::new("chown").args([
            "postfix",
            &self.path("data"),
            &self.path("queue/private"),
        ]));
        succeed(Command::new("chown").args(["65534:65534", &self.path("mail")]));
        certificate(self.dir.path());
        let dir = self.dir.path().display();
        fs::write(
            self.path("users"),
            format!("{ACCOUNT}:{{PLAIN}}{PASSWORD}\n"),
        )
        .unwrap();
        fs::write(
            self.path("dovecot.conf"),
            format!(
                "base_dir = {dir}/dovecot/run\nstate_dir = {dir}/dovecot/run\nlog_path = {dir}/dovecot/log\n\
                 protocols =\nssl = no\nlisten = 127.0.0.1\nauth_mechanisms = plain login\ndisable_plaintext_auth = no\n\
                 passdb {{\n driver = passwd-file\n args = scheme=PLAIN username_format=%u {dir}/users\n}}\n\
                 userdb {{\n driver = static\n args = uid=65534 gid=65534 home={dir}\n}}\n\
                 service auth {{\n unix_listener {dir}/queue/private/auth {{\n  mode = 0660\n  user = postfix\n  group = postfix\n }}\n}}\n\
                 service anvil {{\n chroot =\n}}\nservice stats {{\n chroot =\n}}\n"
            ),
        )
        .unwrap();
        fs::write(
            self.path("etc/main.cf"),
            format!(
                "compatibility_level = 3.6\nqueue_directory = {dir}/queue\ndata_directory = {dir}/data\n\
                 command_directory = /usr/sbin\ndaemon_directory = /usr/lib/postfix/sbin\n\
                 mail_owner = postfix\nsetgid_group = postdrop\nmyhostname = localhost\nmydestination =\n\
                 inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nalias_maps =\nalias_database =\nmynetworks =\n\
                 smtpd_relay_restrictions = permit_sasl_authenticated, reject\n\
                 smtpd_recipient_restrictions = permit_sasl_authenticated, reject\n\
                 smtpd_tls_security_level = may\nsmtpd_tls_auth_only = yes\n\
                 smtpd_tls_cert_file = {dir}/leaf.pem\nsmtpd_tls_key_file = {dir}/leaf.key\n\
                 smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = private/auth\n\
                 virtual_mailbox_domains = northmoor.example\nvirtual_mailbox_base = {dir}/mail\n\
                 virtual_mailbox_maps = inline:{{{{someone@northmoor.example = inbox/}}, {{{ACCOUNT} = clinic/}}}}\n\
                 virtual_uid_maps = static:65534\nvirtual_gid_maps = static:65534\n\
                 maillog_file = {dir}/postfix.log\nmaillog_file_prefixes = {dir}\n"
            ),
        )
        .unwrap();
        let services = "pickup unix n - n 60 1 pickup\ncleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n\
             rewrite unix - - n - - trivial-rewrite\nbounce unix - - n - 0 bounce\ndefer unix - - n - 0 bounce\n\
             trace unix - - n - 0 bounce\nverify unix - - n - 1 verify\nproxymap unix - - n - - proxymap\n\
             smtp unix - - n - - smtp\nshowq unix n - n - - showq\nerror unix - - n - - error\nretry unix - - n - - error\n\
             discard unix - - n - - discard\nvirtual unix - n n - - virtual\nanvil unix - - n - 1 anvil\n\
             scache unix - - n - 1 scache\ntlsmgr unix - - n 1000? 1 tlsmgr\npostlog unix-dgram n - n - 1 postlogd\n";
        fs::write(
            self.path("etc/master.cf"),
            format!("127.0.0.1:{} inet n - n - - smtpd\n{services}", self.port),
        )
        .unwrap();
    }

    /// The messages in one of its maildirs.
    fn maildir(&self, name: &str) -> Vec<String> {
        let folder = self.dir.path().join("mail").join(name).join("new");
        let Ok(entries) = fs::read_dir(folder) else {
            return Vec::new();
        };
        entries
            .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
            .collect()
    }
}

impl Drop for FarEnd {
    fn drop(&mut self) {
        let _ = Command::new("postfix")
            .args(["-c", &self.path("etc"), "stop"])
            .output();
        let _ = Command::new("doveadm")
            .args(["-c", &self.path("dovecot.conf"), "stop"])
            .output();
    }
}

/// Starts what goes on in the background: it keeps its standard output open,
/// so nobody may wait for the end of that.
fn daemon(program: &str, arguments: &[&str]) {
    let status = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap_or_else(|error| {
            panic!("{program} does not start ({error}): `cargo xtask test` installs it")
        });
    assert!(status.success(), "{program}: {status}");
}

/// An authority and a certificate for `localhost`.
fn certificate(dir: &Path) {
    let openssl = |arguments: &str| {
        succeed(
            Command::new("openssl")
                .args(arguments.split(' '))
                .current_dir(dir),
        );
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(&format!(
        "req -x509 {key} -keyout ca.key -out ca.pem -days 30 -subj /CN=Far-end-CA"
    ));
    openssl(&format!(
        "req {key} -keyout leaf.key -out leaf.csr -subj /CN=localhost"
    ));
    fs::write(
        dir.join("names"),
        "subjectAltName=DNS:localhost,IP:127.0.0.1\n",
    )
    .unwrap();
    openssl(
        "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile names -out leaf.pem",
    );
}

/// A gateway's folder with its configuration and keystore.
fn gateway(dir: &Path, far: &FarEnd, password: &str) -> PathBuf {
    let place = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    fs::write(place("passphrase"), "a passphrase of several words\n").unwrap();
    fs::set_permissions(
        place("passphrase"),
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )
    .unwrap();
    let secrets = |words: &[&str], input: &str| {
        let mut command = mailward();
        command.args(["secrets"]).args(words);
        command.args([
            "--keystore",
            &place("keystore"),
            "--passphrase-file",
            &place("passphrase"),
        ]);
        fs::write(place("input"), input).unwrap();
        command.stdin(fs::File::open(place("input")).unwrap());
        succeed(&mut command);
    };
    secrets(&["init"], "");
    secrets(&["set", "clinic"], password);
    let hash = succeed(
        Command::new("sh").args(["-c", "printf %s intake-password-with-chance | sha256sum"]),
    );
    let hash = hash.split(' ').next().unwrap();
    let configuration = dir.join("gateway.toml");
    fs::write(
        &configuration,
        format!(
            r#"
[gateway]
hostname = "localhost"
dir = "{store}"
submission = "127.0.0.1:0"
https = "127.0.0.1:0"
[gateway.tls]
certificate = "{far}/leaf.pem"
key = "{far}/leaf.key"
[keystore]
file = "{keystore}"
passphrase = "env:FAR_END_PASSPHRASE"
[[route]]
name = "postfix"
kind = "submission"
server = "localhost"
port = {port}
ca_file = "{far}/ca.pem"
mechanism = "login"
dcb1596 = true
[[account]]
address = "{ACCOUNT}"
kind = "application"
route = "postfix"
secret = "keystore:clinic"
[[application]]
name = "letters"
owner = "Outpatients"
purpose = "Letters"
data_class = "OFFICIAL"
patient_data = false
account = "{ACCOUNT}"
state = "live"
[[application.passwords]]
username = "letters"
hash = "sha256:{hash}"
[[application.api_keys]]
hash = "sha256:{hash}"
"#,
            store = place("store"),
            keystore = place("keystore"),
            far = far.dir.path().display(),
            port = far.port,
        ),
    )
    .unwrap();
    configuration
}

fn start(configuration: &Path, far: &FarEnd) -> Running {
    let mut running = Running::start_with(
        &[
            "gateway",
            "--config",
            configuration.to_str().unwrap(),
            "--json",
        ],
        &[("FAR_END_PASSPHRASE", "a passphrase of several words")],
    );
    // What the scripts expect of `up`.
    running.ready["ca_file"] = far.path("ca.pem").into();
    running.ready["applications"] = serde_json::json!([{
        "username": "letters", "password": "intake-password-with-chance",
        "api_key": "intake-password-with-chance", "from": ACCOUNT,
    }]);
    running
}

const SEND_TWO: &str = r#"
smtp = submit()
letter = "From: %s\r\nTo: %s\r\nSubject: far end\r\nDate: Sat, 21 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@northmoor.example>\r\n\r\n.leading dot\r\nbody\r\n"
for to in ["someone@northmoor.example", "nobody@northmoor.example"]:
    code, text = smtp.mail(application()["from"])
    assert code == 250, text
    code, text = smtp.rcpt(to)
    assert code == 250, text
    code, text = smtp.data(letter % (application()["from"], to))
    assert code == 250, text
    print(text.decode().split()[-1])
smtp.quit()
"#;

const STATES: &str = r#"
import urllib.request
def get(path):
    request = urllib.request.Request("https://" + ready["gateway"]["https"] + path,
        headers={"Authorization": "Bearer " + application()["api_key"]})
    context.check_hostname = False
    return json.load(urllib.request.urlopen(request, context=context))
def states():
    return [get("/v1/messages/" + id)["recipients"][0]["state"] for id in argv[1:]]
wait_for(lambda: states() == argv[0].split(), argv[0])
"#;

#[test]
fn postfix_takes_the_mail_and_refuses_the_unknown_recipient() {
    let far = FarEnd::start();
    let dir = tempfile::tempdir().unwrap();
    let running = start(&gateway(dir.path(), &far, PASSWORD), &far);
    let printed = python(&running, SEND_TWO, &[]);
    let ids: Vec<&str> = printed.split_whitespace().collect();
    python(&running, STATES, &["relayed failed", ids[0], ids[1]]);
    wait_until(|| far.maildir("inbox").len() == 1 && far.maildir("clinic").len() == 1);
    let letter = &far.maildir("inbox")[0];
    assert!(letter.contains("\n.leading dot\nbody\n"), "{letter}");
    // The sender is told by a report in the sending account's own mailbox.
    let report = &far.maildir("clinic")[0];
    for expected in [
        "report-type=delivery-status",
        "Final-Recipient: rfc822; nobody@northmoor.example",
        "Action: failed",
        "Status: 5.",
    ] {
        assert!(
            report.contains(expected),
            "{expected:?} is missing in\n{report}"
        );
    }
    assert!(running.stop().success());
}

#[test]
fn a_refused_password_is_tried_once_and_the_mail_stays_queued() {
    let far = FarEnd::start();
    let dir = tempfile::tempdir().unwrap();
    let configuration = gateway(dir.path(), &far, "not the password");
    for _ in 0..2 {
        // The second start finds the breaker open and does not try at all.
        let running = start(&configuration, &far);
        python(&running, SEND_TWO, &[]);
        python(
            &running,
            r#"
import urllib.request
def get(path):
    request = urllib.request.Request("https://" + ready["gateway"]["https"] + path,
        headers={"Authorization": "Bearer " + application()["api_key"]})
    context.check_hostname = False
    return json.load(urllib.request.urlopen(request, context=context))
wait_for(lambda: len(get("/v1/messages?state=deferred")["messages"]) >= 1, "a deferred message")
"#,
            &[],
        );
        assert!(running.stop().success());
    }
    let log = fs::read_to_string(far.path("postfix.log")).unwrap();
    assert_eq!(log.matches("authentication failed").count(), 1, "{log}");
    let listed = succeed(mailward().args([
        "queue",
        "list",
        "--json",
        "--dir",
        dir.path().join("store").to_str().unwrap(),
    ]));
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(
        listed["messages"].as_array().map(Vec::len),
        Some(4),
        "{listed}"
    );
}

/// Looks again until `done`; the bound only matters when the test fails.
fn wait_until(done: impl Fn() -> bool) {
    for _ in 0..200 {
        if done() {
            return;
        }
        run(Command::new("sleep").arg("0.05"));
    }
    panic!("it never came to pass");
}
