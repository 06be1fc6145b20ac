//! IMAP in the clear on loopback, for protocol testers that speak no TLS:
//! `cargo run --release -p mailward-access --example imap_plain -- PORT USERS`.
//! Users are `u1` to `uN` with the password `secret`; every extension is on.
//! The mail lies in a temporary folder and goes with the program.

use std::sync::Arc;

use mailward_access::imap::{Host, Imap, Profile};
use mailward_access::{Authenticator, Entry, Peer};
use mailward_mail::Secret;
use mailward_mailbox::{GONE_SCHEMA, KEYWORDS_SCHEMA, Mailboxes, NewMailbox, SCHEMA};
use mailward_net::{Listener, SystemClock, Tasks};
use mailward_store::{Options, Schema, Store};

struct Open(Arc<Profile>);

impl Host for Open {
    type Authenticator = Self;

    fn authenticator(&self) -> &Self {
        self
    }

    fn profile(&self) -> Arc<Profile> {
        Arc::clone(&self.0)
    }
}

impl Authenticator for Open {
    async fn login(&self, _: &Peer, user: &str, password: &Secret) -> Entry {
        if !password.matches(b"secret") {
            return Entry::Refused { text: None };
        }
        Entry::Open {
            mailbox: user.to_owned(),
            permit: Box::new(()),
        }
    }

    async fn authenticate_xoauth2(&self, peer: &Peer, user: &str, token: &Secret) -> Entry {
        self.login(peer, user, token).await
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().unwrap_or_else(|| "11143".to_owned());
    let users: usize = arguments.next().unwrap_or_else(|| "1".to_owned()).parse()?;
    let dir = tempfile::tempdir()?;
    let schema = Schema {
        name: "mailboxes",
        migrations: &[SCHEMA, KEYWORDS_SCHEMA, GONE_SCHEMA],
    };
    let store = Store::open(Options::new(dir.path(), schema))?;
    let clock = Arc::new(SystemClock);
    let mailboxes = Mailboxes::open(store, clock.clone());
    let made = (1..=users).map(|number| NewMailbox {
        owner: format!("u{number}"),
        quota_octets: None,
        folders: Vec::new(),
    });
    mailboxes.create(made.collect()).await?;
    let mut profile = Profile::plain().full();
    profile.limits.errors_max = 10_000;
    let imap = Arc::new(Imap::new(
        Arc::new(Open(Arc::new(profile))),
        mailboxes,
        clock,
    ));
    let listener = Listener::bind(format!("127.0.0.1:{port}").parse()?)?;
    let tasks = Tasks::new();
    loop {
        let stream = listener.accept().await;
        let peer = Peer {
            remote: stream.peer(),
            local: stream.local(),
        };
        let (imap, shutdown) = (Arc::clone(&imap), tasks.shutdown().clone());
        tasks.spawn("imap session", async move {
            imap.serve(stream, peer, shutdown.begun()).await;
        });
    }
}
