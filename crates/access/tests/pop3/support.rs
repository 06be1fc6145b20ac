//! A host with one user, and a client that speaks line by line.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use mailward_access::pop3::{Host, Pop3, Profile};
use mailward_access::{Authenticator, Entry, Peer};
use mailward_mail::{Clock, Secret, Timestamp};
use mailward_mailbox::{
    Content, Flags, FolderName, GONE_SCHEMA, KEYWORDS_SCHEMA, Mailboxes, NewMailbox, SCHEMA, Target,
};
use mailward_net::{ShiftedClock, SystemClock, Tasks};
use mailward_store::{Options, Schema, Store};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

/// What a client may read at once; small, so that answers are cut anywhere.
const PIPE_OCTETS: usize = 1500;

pub(crate) struct TestHost {
    profile: Arc<Profile>,
    pub(crate) is_open: AtomicBool,
    pub(crate) in_use: AtomicUsize,
}

impl Host for TestHost {
    type Authenticator = Self;

    fn authenticator(&self) -> &Self {
        self
    }

    fn profile(&self) -> Arc<Profile> {
        Arc::clone(&self.profile)
    }

    fn in_use(&self, _: &str) {
        self.in_use.fetch_add(1, Ordering::Relaxed);
    }
}

impl Authenticator for TestHost {
    async fn login(&self, _: &Peer, user: &str, password: &Secret) -> Entry {
        judge(user, password.matches(b"secret"))
    }

    async fn authenticate_xoauth2(&self, _: &Peer, user: &str, token: &Secret) -> Entry {
        judge(user, token.matches(b"good.token"))
    }

    fn still_open(&self, _: &str) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }
}

fn judge(user: &str, right: bool) -> Entry {
    match user {
        "asha@northmoor.example" if right => Entry::Open {
            mailbox: "asha".to_owned(),
            permit: Box::new(()),
        },
        "blocked@northmoor.example" => Entry::Refused {
            text: Some("Basic authentication is disabled".to_owned()),
        },
        "off@northmoor.example" => Entry::NotConnected,
        _ => Entry::Refused { text: None },
    }
}

/// A service with one mailbox.
pub(crate) struct Bench {
    pub(crate) dir: TempDir,
    pub(crate) mailboxes: Mailboxes,
    pub(crate) host: Arc<TestHost>,
    pub(crate) pop3: Arc<Pop3<TestHost>>,
    pub(crate) clock: Arc<ShiftedClock>,
    pub(crate) tasks: Tasks,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(Profile::plain()).await
    }

    pub(crate) async fn with(profile: Profile) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let schema = Schema {
            name: "mailboxes",
            migrations: &[SCHEMA, KEYWORDS_SCHEMA, GONE_SCHEMA],
        };
        let store = Store::open(Options::new(dir.path(), schema)).expect("a store");
        let start = Timestamp::parse("2022-03-01T09:00:00Z").expect("a time");
        let clock = Arc::new(ShiftedClock::starting_at(Arc::new(SystemClock), start));
        let mailboxes = Mailboxes::open(store, clock.clone() as Arc<dyn Clock>);
        let mailbox = NewMailbox {
            owner: "asha".to_owned(),
            quota_octets: None,
            folders: Vec::new(),
        };
        mailboxes.create(vec![mailbox]).await.expect("a mailbox");
        let host = Arc::new(TestHost {
            profile: Arc::new(profile),
            is_open: AtomicBool::new(true),
            in_use: AtomicUsize::new(0),
        });
        let pop3 = Pop3::new(Arc::clone(&host), mailboxes.clone(), clock.clone());
        Self {
            dir,
            mailboxes,
            host,
            pop3: Arc::new(pop3),
            clock,
            tasks: Tasks::new(),
        }
    }

    /// A client that has read the greeting.
    pub(crate) async fn connect(&self) -> Client {
        let (near, far) = tokio::io::duplex(PIPE_OCTETS);
        let pop3 = Arc::clone(&self.pop3);
        let shutdown = self.tasks.shutdown().clone();
        let peer = Peer {
            remote: "127.0.0.1:40000".parse().expect("an address"),
            local: "127.0.0.1:995".parse().expect("an address"),
        };
        self.tasks.spawn("pop session", async move {
            pop3.serve(far, peer, shutdown.begun()).await;
        });
        let mut client = Client {
            stream: near,
            buffer: Vec::new(),
        };
        assert_eq!(client.line().await, "+OK POP3 service ready");
        client
    }

    /// A client that has signed in, to an inbox with these messages.
    pub(crate) async fn enter(&self, messages: &[&str]) -> Client {
        for message in messages {
            self.deliver(message.as_bytes()).await;
        }
        let mut client = self.connect().await;
        client.expect("USER asha@northmoor.example", &["+OK"]).await;
        client
            .expect("PASS secret", &["+OK User successfully logged on."])
            .await;
        client
    }

    pub(crate) async fn deliver(&self, message: &[u8]) {
        let mut writer = self.mailboxes.new_message();
        for piece in message.chunks(1024 * 1024) {
            writer.write(piece).expect("written");
        }
        let target = Target {
            owner: "asha".to_owned(),
            folder: FolderName::inbox(),
            flags: Flags::NONE,
            beyond_quota: false,
        };
        let content = Content::New(writer.finish().expect("finished"));
        let now = self.clock.now();
        let appended = self.mailboxes.append(target, content, now).await;
        appended.expect("delivered");
    }

    /// Subjects and flags of what is in the inbox, oldest first.
    pub(crate) async fn inbox(&self) -> Vec<String> {
        let inbox = FolderName::inbox();
        let listed = self.mailboxes.list("asha", &inbox, None, 100);
        let items = listed.await.expect("items").into_iter().rev();
        items
            .map(|item| {
                let flags: Vec<&str> = item.flags.names().collect();
                format!("{} [{}]", item.summary.subject, flags.join(" "))
            })
            .collect()
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

    /// Sends a line, or several, and compares the lines that come.
    #[track_caller]
    pub(crate) fn expect<'a>(
        &'a mut self,
        line: &'a str,
        expected: &'a [&'a str],
    ) -> impl Future<Output = ()> + 'a {
        let place = std::panic::Location::caller();
        async move {
            self.send(&format!("{line}\r\n")).await;
            for expected in expected {
                assert_eq!(self.line().await, *expected, "{line} at {place}");
            }
        }
    }

    /// One line without its end; empty at the end of the stream.
    pub(crate) async fn line(&mut self) -> String {
        let end = loop {
            if let Some(newline) = memchr::memchr(b'\n', &self.buffer) {
                break newline + 1;
            }
            if !self.fill().await {
                return String::new();
            }
        };
        let line: Vec<u8> = self.buffer.drain(..end).collect();
        let line = String::from_utf8_lossy(&line);
        line.strip_suffix("\r\n").expect("CRLF").to_owned()
    }

    /// Reads up to the line with the dot; gives how many octets came before.
    pub(crate) async fn skip_to_dot(&mut self) -> usize {
        let mut octets = 0;
        loop {
            if let Some(place) = memchr::memmem::find(&self.buffer, b"\r\n.\r\n") {
                self.buffer.drain(..place + 5);
                return octets + place + 2;
            }
            let kept = self.buffer.len().min(4);
            octets += self.buffer.len() - kept;
            self.buffer.drain(..self.buffer.len() - kept);
            assert!(self.fill().await, "the response ends");
        }
    }

    /// True when the server has closed and everything was read.
    pub(crate) async fn is_closed(&mut self) -> bool {
        self.buffer.is_empty() && !self.fill().await
    }

    async fn fill(&mut self) -> bool {
        let mut piece = [0; 4096];
        let octets = self.stream.read(&mut piece).await.expect("readable");
        self.buffer.extend_from_slice(&piece[..octets]);
        octets > 0
    }
}
