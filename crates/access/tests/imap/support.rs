//! A host with one user, and a client that speaks line by line.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mailward_access::imap::{Host, Imap, Profile};
use mailward_access::{Authenticator, Entry, Peer};
use mailward_mail::{Clock, Secret, Timestamp};
use mailward_mailbox::{
    Content, Flags, FolderName, GONE_SCHEMA, KEYWORDS_SCHEMA, Mailboxes, MemoryLimit, NewFolder,
    NewMailbox, SCHEMA, Target,
};
use mailward_net::{ShiftedClock, SystemClock, Tasks};
use mailward_store::{Options, Schema, Store};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::watch;

/// What a client may read at once; small, so that answers are cut anywhere.
const PIPE_OCTETS: usize = 1500;

pub(crate) struct TestHost {
    pub(crate) profile: Arc<Profile>,
    /// Permits that are out.
    pub(crate) inside: Arc<AtomicUsize>,
    /// Nobody may go on.
    pub(crate) locked: watch::Sender<bool>,
}

struct Permit(Arc<AtomicUsize>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Host for TestHost {
    type Authenticator = Self;

    fn authenticator(&self) -> &Self {
        self
    }

    fn profile(&self) -> Arc<Profile> {
        Arc::clone(&self.profile)
    }
}

impl Authenticator for TestHost {
    async fn login(&self, _: &Peer, user: &str, password: &Secret) -> Entry {
        self.judge(user, password.matches(b"secret"))
    }

    async fn authenticate_xoauth2(&self, _: &Peer, user: &str, token: &Secret) -> Entry {
        self.judge(user, token.matches(b"good.token"))
    }

    fn still_open(&self, _: &str) -> bool {
        !*self.locked.borrow()
    }

    async fn shut(&self, _: &str) {
        let mut locked = self.locked.subscribe();
        locked.wait_for(|locked| *locked).await.expect("a host");
    }
}

impl TestHost {
    fn judge(&self, user: &str, right: bool) -> Entry {
        match user {
            _ if !right => Entry::Refused { text: None },
            "asha@northmoor.example" => {
                self.inside.fetch_add(1, Ordering::Relaxed);
                Entry::Open {
                    mailbox: "asha".to_owned(),
                    permit: Box::new(Permit(Arc::clone(&self.inside))),
                }
            }
            "blocked@northmoor.example" => Entry::Refused {
                text: Some("Basic authentication is disabled.".to_owned()),
            },
            _ => Entry::NotConnected,
        }
    }
}

fn clock() -> Arc<ShiftedClock> {
    let start = Timestamp::parse("2022-03-01T09:00:00Z").expect("a time");
    Arc::new(ShiftedClock::starting_at(Arc::new(SystemClock), start))
}

/// A service with one mailbox.
pub(crate) struct Bench {
    pub(crate) dir: TempDir,
    pub(crate) mailboxes: Mailboxes,
    pub(crate) imap: Arc<Imap<TestHost>>,
    pub(crate) clock: Arc<ShiftedClock>,
    pub(crate) inside: Arc<AtomicUsize>,
    pub(crate) tasks: Tasks,
}

pub(crate) fn profile() -> Profile {
    let mut profile = Profile::plain();
    profile.greeting = "The Microsoft Exchange IMAP4 service is ready. [QQ==]".to_owned();
    profile.limits.command_octets_max = 10_240;
    profile
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(profile()).await
    }

    pub(crate) async fn with(profile: Profile) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let clock = clock();
        let schema = Schema {
            name: "mailboxes",
            migrations: &[SCHEMA, KEYWORDS_SCHEMA, GONE_SCHEMA],
        };
        let store = Store::open(Options::new(dir.path(), schema)).expect("a store");
        let mailboxes = Mailboxes::open(store, clock.clone() as Arc<dyn Clock>);
        Self::over(mailboxes, dir, clock, profile).await
    }

    /// The same without a store.
    pub(crate) async fn in_memory(profile: Profile) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let clock = clock();
        let limit = MemoryLimit::new(256 * 1024 * 1024);
        let mailboxes = Mailboxes::in_memory(limit, clock.clone() as Arc<dyn Clock>);
        Self::over(mailboxes, dir, clock, profile).await
    }

    async fn over(
        mailboxes: Mailboxes,
        dir: TempDir,
        clock: Arc<ShiftedClock>,
        profile: Profile,
    ) -> Self {
        let folder = |name: &str| NewFolder {
            name: FolderName::parse(name).expect("a name"),
            permanent: true,
            subscribed: true,
        };
        let mailbox = NewMailbox {
            owner: "asha".to_owned(),
            quota_octets: None,
            folders: ["Sent Items", "Junk Email", "Drafts", "Deleted Items"]
                .map(folder)
                .into(),
        };
        mailboxes.create(vec![mailbox]).await.expect("a mailbox");
        let inside = Arc::new(AtomicUsize::new(0));
        let host = TestHost {
            profile: Arc::new(profile),
            inside: Arc::clone(&inside),
            locked: watch::Sender::new(false),
        };
        let imap = Imap::new(Arc::new(host), mailboxes.clone(), clock.clone());
        Self {
            dir,
            mailboxes,
            imap: Arc::new(imap),
            clock,
            inside,
            tasks: Tasks::new(),
        }
    }

    /// A client that has read the greeting.
    pub(crate) async fn connect(&self) -> Client {
        let (near, far) = tokio::io::duplex(PIPE_OCTETS);
        let imap = Arc::clone(&self.imap);
        let shutdown = self.tasks.shutdown().clone();
        let peer = Peer {
            remote: "127.0.0.1:40000".parse().expect("an address"),
            local: "127.0.0.1:993".parse().expect("an address"),
        };
        self.tasks.spawn("imap session", async move {
            imap.serve(far, peer, shutdown.begun()).await;
        });
        let mut client = Client {
            stream: near,
            buffer: Vec::new(),
        };
        assert_eq!(
            client.line().await,
            "* OK The Microsoft Exchange IMAP4 service is ready. [QQ==]"
        );
        client
    }

    /// A client that has signed in.
    pub(crate) async fn enter(&self) -> Client {
        let mut client = self.connect().await;
        client
            .expect(
                "x1 LOGIN asha@northmoor.example secret",
                &["x1 OK LOGIN completed."],
            )
            .await;
        client
    }

    /// A client that has INBOX selected, in which are these messages.
    pub(crate) async fn select(&self, messages: &[&str]) -> Client {
        for message in messages {
            self.deliver("INBOX", message.as_bytes()).await;
        }
        let mut client = self.enter().await;
        client.command("x2 SELECT INBOX").await;
        client
    }

    pub(crate) async fn deliver(&self, folder: &str, message: &[u8]) {
        let mut writer = self.mailboxes.new_message();
        writer.write(message).expect("written");
        let target = Target {
            owner: "asha".to_owned(),
            folder: FolderName::parse(folder).expect("a name"),
            flags: Flags::NONE,
            beyond_quota: false,
        };
        let content = Content::New(writer.finish().expect("finished"));
        self.mailboxes
            .append(target, content, self.clock.now())
            .await
            .expect("delivered");
    }
}

pub(crate) struct Client {
    stream: DuplexStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) async fn send(&mut self, text: &str) {
        self.send_octets(text.as_bytes()).await;
    }

    pub(crate) async fn send_octets(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).await.expect("sent");
    }

    /// Sends a command and gives the lines up to its completion, which is the
    /// last. Literals stay within their lines, after a line break.
    pub(crate) async fn command(&mut self, command: &str) -> Vec<String> {
        self.send(&format!("{command}\r\n")).await;
        let tag = command.split(' ').next().expect("a tag").to_owned();
        self.until(&tag).await
    }

    pub(crate) async fn until(&mut self, tag: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.line().await;
            assert!(
                !line.is_empty(),
                "closed before {tag} was answered: {lines:?}"
            );
            let last = line.starts_with(&format!("{tag} "));
            lines.push(line);
            if last {
                return lines;
            }
        }
    }

    /// Sends a command and compares what comes.
    #[track_caller]
    pub(crate) fn expect<'a>(
        &'a mut self,
        command: &'a str,
        expected: &'a [&'a str],
    ) -> impl Future<Output = ()> + 'a {
        let place = std::panic::Location::caller();
        async move {
            let lines = self.command(command).await;
            assert_eq!(lines, expected, "{command} at {place}");
        }
    }

    /// One response, literals included; empty at the end of the stream.
    pub(crate) async fn line(&mut self) -> String {
        String::from_utf8_lossy(&self.octets().await).into_owned()
    }

    /// The same as octets.
    pub(crate) async fn octets(&mut self) -> Vec<u8> {
        let mut line = Vec::new();
        loop {
            let end = loop {
                if let Some(newline) = self.buffer.iter().position(|byte| *byte == b'\n') {
                    break newline + 1;
                }
                if !self.fill().await {
                    return Vec::new();
                }
            };
            line.extend(self.buffer.drain(..end));
            let text = String::from_utf8_lossy(&line);
            let announced = text
                .strip_suffix("}\r\n")
                .and_then(|text| text.rsplit_once('{'))
                .and_then(|(_, octets)| octets.parse::<usize>().ok());
            let Some(octets) = announced else {
                assert!(text.ends_with("\r\n"), "lines end in CRLF");
                line.truncate(line.len() - 2);
                return line;
            };
            while self.buffer.len() < octets {
                assert!(self.fill().await, "the literal ends early");
            }
            line.extend(self.buffer.drain(..octets));
        }
    }

    /// True when the server has closed and everything was read.
    pub(crate) async fn is_closed(&mut self) -> bool {
        self.buffer.is_empty() && !self.fill().await
    }

    /// Reads `octets` octets and forgets them.
    pub(crate) async fn skip(&mut self, mut octets: usize) {
        while octets > 0 {
            if self.buffer.is_empty() {
                assert!(self.fill().await, "more was announced");
            }
            let taken = octets.min(self.buffer.len());
            self.buffer.drain(..taken);
            octets -= taken;
        }
    }

    async fn fill(&mut self) -> bool {
        let mut piece = [0; 4096];
        let octets = self.stream.read(&mut piece).await.expect("readable");
        self.buffer.extend_from_slice(&piece[..octets]);
        octets > 0
    }
}
