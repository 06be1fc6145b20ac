//! Other people's programs over TLS: Python's imaplib, curl, mbsync, mutt.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use mailward_access::Peer;
use mailward_net::tls::server_config;
use mailward_net::{DevAuthority, Listener, SystemClock};

use crate::support::Bench;

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
        let (imap, tasks) = (Arc::clone(&bench.imap), bench.tasks.clone());
        bench.tasks.spawn("imap listener", async move {
            loop {
                let stream = listener.accept().await;
                let (imap, config) = (Arc::clone(&imap), Arc::clone(&config));
                let shutdown = tasks.shutdown().clone();
                tasks.spawn("imap session", async move {
                    let peer = Peer {
                        remote: stream.peer(),
                        local: stream.local(),
                    };
                    if let Ok(stream) = stream.upgrade_server(config).await {
                        imap.serve(stream, peer, shutdown.begun()).await;
                    }
                });
            }
        });
        Self {
            bench,
            port,
            ca_file: authority.ca_file().to_owned(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.bench.dir.path().join(name)
    }

    async fn subjects(&self, folder: &str) -> Vec<String> {
        let name = mailward_mailbox::FolderName::parse(folder).expect("a name");
        let items = self
            .bench
            .mailboxes
            .list("asha", &name, None, 100)
            .await
            .expect("items");
        items
            .into_iter()
            .rev()
            .map(|item| {
                let flags: Vec<&str> = item.flags.names().collect();
                format!("{} [{}]", item.summary.subject, flags.join(" "))
            })
            .collect()
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
    assert!(
        output.status.success(),
        "{shown}\n{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_imaplib() {
    let service = Service::start().await;
    let mut python = Command::new("python3");
    python
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/imap/imaplib_session.py"
        ))
        .arg(service.port.to_string())
        .arg(&service.ca_file);
    assert_eq!(succeed(python, "python3").await, "done\n");
}

impl Service {
    fn curl(&self, path: &str) -> Command {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--max-time", "20", "--cacert"])
            .arg(&self.ca_file)
            .args(["--user", "asha@northmoor.example:secret"])
            .arg(format!("imaps://localhost:{}/{path}", self.port));
        curl
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn curl() {
    const LETTER: &[u8] = b"Subject: by curl\r\n\r\nHello\r\n";
    let service = Service::start().await;
    let folders = succeed(service.curl(""), "curl").await;
    assert!(
        folders.contains("* LIST (\\HasNoChildren) \"/\" INBOX\r\n"),
        "{folders}"
    );
    let letter = service.path("letter.eml");
    fs::write(&letter, LETTER).expect("written");
    let mut upload = service.curl("Drafts");
    upload.arg("--upload-file").arg(&letter);
    succeed(upload, "curl").await;
    let fetched = succeed(service.curl("Drafts;MAILINDEX=1"), "curl").await;
    assert_eq!(fetched.as_bytes(), LETTER);
    let found = succeed(service.curl("Drafts?SUBJECT%20curl"), "curl").await;
    assert_eq!(found, "* SEARCH 1\r\n");
    let mut flag = service.curl("Drafts");
    flag.args(["--request", "STORE 1 +FLAGS (\\Flagged)"]);
    succeed(flag, "curl").await;
    assert_eq!(
        service.subjects("Drafts").await,
        ["by curl [\\Seen \\Flagged]"]
    );

    let mut token = service.curl("INBOX;UID=77");
    token.args([
        "--user",
        "asha@northmoor.example:",
        "--oauth2-bearer",
        "good.token",
    ]);
    token.args(["--login-options", "AUTH=XOAUTH2", "--request", "NOOP"]);
    succeed(token, "curl").await;
    let mut wrong = service.curl("");
    wrong.args(["--user", "asha@northmoor.example:wrong"]);
    let refused = run(wrong, "curl").await;
    assert_eq!(refused.status.code(), Some(67), "login denied: {refused:?}");
}

impl Service {
    /// Keeps INBOX, Drafts and what else there is in step with a maildir.
    async fn mbsync(&self) {
        let config = self.path("mbsyncrc");
        let maildir = self.path("maildir");
        fs::create_dir_all(&maildir).expect("a folder");
        let text = format!(
            "IMAPAccount twin\nHost localhost\nPort {port}\nUser asha@northmoor.example\n\
             Pass secret\nSSLType IMAPS\nAuthMechs LOGIN\nCertificateFile {ca}\n\n\
             IMAPStore far\nAccount twin\n\n\
             MaildirStore near\nPath {dir}/\nInbox {dir}/INBOX\nSubFolders Verbatim\n\n\
             Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nExpunge Both\n\
             SyncState *\n",
            port = self.port,
            ca = self.ca_file.display(),
            dir = maildir.display(),
        );
        fs::write(&config, text).expect("written");
        let mut mbsync = Command::new("mbsync");
        mbsync.arg("--config").arg(&config).arg("--all");
        mbsync.env("HOME", self.bench.dir.path());
        succeed(mbsync, "isync").await;
    }
}

/// The files of a maildir folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = ["cur", "new"]
        .iter()
        .filter_map(|part| fs::read_dir(folder.join(part)).ok())
        .flatten()
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mbsync() {
    let service = Service::start().await;
    for number in 1..=3 {
        let letter =
            format!("Message-ID: <{number}@northmoor.example>\r\nSubject: {number}\r\n\r\nx\r\n");
        service.bench.deliver("INBOX", letter.as_bytes()).await;
    }
    service.mbsync().await;
    let inbox = service.path("maildir/INBOX");
    let here = files(&inbox);
    assert_eq!(here.len(), 3);
    assert!(service.path("maildir/Sent Items").is_dir());

    // Here: one read, one deleted, one written. There: one comes in.
    let named = |subject: &str| {
        let line = format!("Subject: {subject}\n");
        let found = here
            .iter()
            .find(|file| fs::read_to_string(file).expect("a message").contains(&line));
        found.expect("a message").clone()
    };
    let (read, deleted) = (named("1"), named("2"));
    let stem = read
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    let stem = stem.split(":2,").next().expect("a stem").to_owned();
    fs::rename(&read, inbox.join("cur").join(format!("{stem}:2,FS"))).expect("renamed");
    fs::remove_file(deleted).expect("removed");
    fs::write(
        service.path("maildir/Drafts/new/1.1.here"),
        "Message-ID: <4@northmoor.example>\nSubject: 4\n\nwritten here\n",
    )
    .expect("written");
    service
        .bench
        .deliver("INBOX", b"Subject: 5\r\n\r\ncame later\r\n")
        .await;
    service.mbsync().await;
    assert_eq!(
        service.subjects("INBOX").await,
        ["1 [\\Seen \\Flagged]", "3 []", "5 []"]
    );
    assert_eq!(service.subjects("Drafts").await, ["4 []"]);
    assert_eq!(files(&inbox).len(), 3);
    service.mbsync().await;
    assert_eq!(service.subjects("INBOX").await.len(), 3);
}

/// On a terminal of its own, for mutt will not do without: `script` makes one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mutt() {
    let service = Service::start().await;
    for subject in ["first", "second", "third"] {
        let letter = format!(
            "From: ben@northmoor.example\r\nDate: Tue, 1 Mar 2022 09:00:00 +0000\r\n\
             Subject: {subject}\r\n\r\nread by mutt\r\n"
        );
        service.bench.deliver("INBOX", letter.as_bytes()).await;
    }
    let config = service.path("muttrc");
    let text = format!(
        "set folder=\"imaps://localhost:{port}/\"\nset spoolfile=\"+INBOX\"\n\
         set imap_user=asha@northmoor.example\nset imap_pass=secret\n\
         set ssl_force_tls=yes\nset ssl_usesystemcerts=no\n\
         set ssl_ca_certificates_file={ca}\nset certificate_file={ca}\n\
         set header_cache=\"\"\nset sort=mailbox-order\nset confirmappend=no\nset move=no\n\
         set delete=yes\nset quit=yes\nset wait_key=no\n\
         push \"<first-entry><display-message><exit><flag-message><first-entry><next-entry>\
         <copy-message>+Drafts<enter><first-entry><next-entry><delete-message><sync-mailbox>\
         <change-folder>+Drafts<enter><quit>\"\n",
        port = service.port,
        ca = service.ca_file.display(),
    );
    fs::write(&config, text).expect("written");
    let mut mutt = Command::new("timeout");
    mutt.args(["30", "script", "--quiet", "--return", "--command"])
        .arg(format!("mutt -F {}", config.display()))
        .arg("/dev/null")
        .env("HOME", service.bench.dir.path())
        .env("TERM", "xterm");
    succeed(mutt, "mutt, bsdutils").await;
    assert_eq!(
        service.subjects("INBOX").await,
        ["first [\\Seen \\Flagged]", "third []"]
    );
    assert_eq!(service.subjects("Drafts").await, ["second []"]);
}
