//! Other people's programs over TLS: Python's poplib, curl, getmail,
//! fetchmail, mutt.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use mailward_access::Peer;
use mailward_net::tls::server_config;
use mailward_net::{DevAuthority, Listener, SystemClock};

use crate::support::Bench;

const LETTER: &str =
    "From: Asha <asha@northmoor.example>\r\nSubject: by post\r\n\r\nHello\r\n.\r\n..dots\r\n";

/// Listens with TLS on a free port of loopback.
struct Service {
    bench: Bench,
    port: u16,
    ca_file: PathBuf,
}

impl Service {
    async fn start() -> Self {
        let bench = Bench::new().await;
        let names = ["localhost", "127.0.0.1"];
        let tls_dir = bench.dir.path().join("tls");
        let authority =
            DevAuthority::load_or_create(&tls_dir, &names, &SystemClock).expect("an authority");
        let config = server_config(authority.identity());
        let listener = Listener::bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
        let port = listener.address().port();
        let (pop3, tasks) = (Arc::clone(&bench.pop3), bench.tasks.clone());
        bench.tasks.spawn("pop listener", async move {
            loop {
                let stream = listener.accept().await;
                let (pop3, config) = (Arc::clone(&pop3), Arc::clone(&config));
                let shutdown = tasks.shutdown().clone();
                tasks.spawn("pop session", async move {
                    let peer = Peer {
                        remote: stream.peer(),
                        local: stream.local(),
                    };
                    if let Ok(stream) = stream.upgrade_server(config).await {
                        pop3.serve(stream, peer, shutdown.begun()).await;
                    }
                });
            }
        });
        for number in 1..=3 {
            let letter = LETTER.replace("by post", &format!("by post {number}"));
            bench.deliver(letter.as_bytes()).await;
        }
        Self {
            bench,
            port,
            ca_file: authority.ca_file().to_owned(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.bench.dir.path().join(name)
    }

    /// A file that others may not read: some clients insist.
    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("private");
        path
    }
}

/// Runs a program to its end beside the service.
async fn run(mut command: Command, package: &str) -> Output {
    let program = command.get_program().to_string_lossy().into_owned();
    let package = package.to_owned();
    tokio::task::spawn_blocking(move || {
        command
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| {
                panic!("{program} does not run ({error}): install the Debian package {package}")
            })
    })
    .await
    .expect("ran")
}

/// The same, which must succeed; gives what it printed.
async fn succeed(command: Command, package: &str) -> String {
    let shown = format!("{command:?}");
    let output = run(command, package).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{shown}\n{text}\n{errors}");
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_poplib() {
    let service = Service::start().await;
    let mut python = Command::new("python3");
    python
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/pop3/poplib_session.py"
        ))
        .arg(service.port.to_string())
        .arg(&service.ca_file);
    assert_eq!(succeed(python, "python3").await, "done\n");
    assert_eq!(
        service.bench.inbox().await,
        ["by post 2 []", "by post 3 []"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn curl() {
    let service = Service::start().await;
    let curl = |path: &str| {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--max-time", "20", "--cacert"])
            .arg(&service.ca_file)
            .args(["--user", "asha@northmoor.example:secret"])
            .arg(format!("pop3s://localhost:{}/{path}", service.port));
        curl
    };
    let listed = succeed(curl(""), "curl").await;
    assert_eq!(listed.lines().count(), 3, "{listed}");
    let fetched = succeed(curl("1"), "curl").await;
    assert_eq!(fetched, LETTER.replace("by post", "by post 1"));
    let mut by_token = curl("2");
    by_token.args([
        "--oauth2-bearer",
        "good.token",
        "--user",
        "asha@northmoor.example:",
    ]);
    by_token.args(["--login-options", "AUTH=XOAUTH2"]);
    let fetched = succeed(by_token, "curl").await;
    assert_eq!(fetched, LETTER.replace("by post", "by post 2"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn getmail() {
    let service = Service::start().await;
    let taken = service.path("taken");
    // As root it delivers by a command alone.
    let rc = format!(
        "[retriever]\ntype = SimplePOP3SSLRetriever\nserver = localhost\nport = {}\n\
         username = asha@northmoor.example\npassword = secret\nca_certs = {}\n\
         [destination]\ntype = MDA_external\npath = /bin/sh\n\
         arguments = (\"-c\", \"cat >> {}\")\nallow_root_commands = true\n\
         [options]\ndelete = true\nread_all = false\n",
        service.port,
        service.ca_file.display(),
        taken.display()
    );
    service.write("getmailrc", &rc);
    let mut getmail = Command::new("getmail");
    getmail
        .arg("--getmaildir")
        .arg(service.bench.dir.path())
        .args(["--rcfile", "getmailrc"])
        .env("HOME", service.bench.dir.path());
    succeed(getmail, "getmail6").await;
    let text = fs::read_to_string(&taken).expect("mail");
    assert_eq!(text.matches("Subject: by post").count(), 3, "{text}");
    assert_eq!(service.bench.inbox().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fetchmail() {
    let service = Service::start().await;
    let taken = service.path("taken");
    let rc = format!(
        "poll localhost service {} protocol pop3 uidl user \"asha@northmoor.example\" \
         password \"secret\" ssl sslproto \"tls1.2+\" sslcertck sslcertfile {} keep \
         mda \"cat >> {}\"\n",
        service.port,
        service.ca_file.display(),
        taken.display()
    );
    let rc = service.write("fetchmailrc", &rc);
    let fetch = || {
        let mut fetchmail = Command::new("fetchmail");
        fetchmail
            .arg("--fetchmailrc")
            .arg(&rc)
            .arg("--pidfile")
            .arg(service.path("fetchmail.pid"))
            .arg("--idfile")
            .arg(service.path("fetchids"))
            .env("FETCHMAILHOME", service.bench.dir.path())
            .env("HOME", service.bench.dir.path());
        fetchmail
    };
    succeed(fetch(), "fetchmail").await;
    let text = fs::read_to_string(&taken).expect("mail");
    assert_eq!(text.matches("Subject: by post").count(), 3, "{text}");
    assert!(text.contains("\n.\n..dots\n"), "{text}");
    // What it has by its unique id it does not fetch again: 1 is "no mail".
    let again = run(fetch(), "fetchmail").await;
    let errors = String::from_utf8_lossy(&again.stderr).into_owned();
    assert_eq!(again.status.code(), Some(1), "{errors}");
    assert_eq!(fs::read_to_string(&taken).expect("mail"), text);
}

/// On a terminal of its own, for mutt will not do without: `script` makes one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mutt() {
    let service = Service::start().await;
    let copied = service.path("copied");
    let config = format!(
        "set spoolfile=\"pops://localhost:{port}/\"\n\
         set pop_user=asha@northmoor.example\nset pop_pass=secret\n\
         set ssl_force_tls=yes\nset folder={folder}\n\
         set ssl_ca_certificates_file={ca}\nset certificate_file={ca}\n\
         set header_cache=\"\"\nset message_cachedir=\"\"\nset sort=mailbox-order\n\
         set confirmcreate=no\nset confirmappend=no\nset move=no\nset mbox_type=mbox\n\
         set delete=yes\nset quit=yes\nset wait_key=no\n\
         push \"<first-entry><copy-message>+copied<enter><first-entry><next-entry>\
         <delete-message><sync-mailbox><quit>\"\n",
        port = service.port,
        ca = service.ca_file.display(),
        folder = service.bench.dir.path().display(),
    );
    let config = service.write("muttrc", &config);
    let mut mutt = Command::new("timeout");
    mutt.args(["30", "script", "--quiet", "--return", "--command"])
        .arg(format!("mutt -F {}", config.display()))
        .arg("/dev/null")
        .env("HOME", service.bench.dir.path())
        .env("TERM", "xterm");
    let shown = succeed(mutt, "mutt, bsdutils").await;
    let text = fs::read_to_string(copied).expect(&shown);
    assert!(text.contains("\nSubject: by post 1\n"), "{text}");
    assert_eq!(
        service.bench.inbox().await,
        ["by post 1 []", "by post 3 []"]
    );
}
