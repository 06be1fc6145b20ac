//! The catcher: SMTP as test mail servers offer it (RFC 5321), without TLS,
//! limits or rules, for applications whose tests have nothing to do with
//! NHSmail. It takes mail for anybody, and any sign-in.
//!
//! ```text
//!   recipient ── an account ─▶ its INBOX
//!        └────── anybody ────▶ INBOX of the mailbox "outside"
//! ```
//!
//! What was said is filed as it came, below the fields on top. On loopback
//! alone, and only where it was asked for.

use std::collections::BTreeSet;
use std::sync::Arc;

use mailward_mail::{Clock, Dice, Envelope, Recipient, Reply};
use mailward_mailbox::{
    Content, Flags, FolderName, MailboxError, Mailboxes, MessageWriter, NewMessage, Target,
};
use mailward_net::TlsFacts;
use mailward_net::smtp::{Authentication, Connection, Peer, Service};
use mailward_wire::smtp::server::{Abort, Extension, Hello, PlainDialect, SessionId, Settings};
use mailward_wire::smtp::{Credentials, MailFrom};

use crate::accounts::{Accounts, Addressee};
use crate::deliver::{OUTSIDE, TWIN_FIELD};
use crate::events::EventLog;
use crate::message::{client_name, out_of_order, trouble};
use crate::trace::Traces;
use crate::world::World;
use crate::worlds::Resident;

const CATCH: &str = "catch";
const HOST: &str = "catch.twin.test";

/// Names the recipients of the envelope, as far as they fit: a copy for
/// somebody whom the header does not name is found by it.
pub(crate) const ENVELOPE_TO: &str = "X-Envelope-To";
const ENVELOPE_TO_MAX: usize = 100;

pub(crate) fn settings() -> Arc<Settings> {
    use Extension::*;
    let mut settings = Settings::submission();
    settings.extensions = vec![
        Pipelining,
        Size,
        Auth,
        EightBitMime,
        SmtpUtf8,
        Chunking,
        Dsn,
        EnhancedStatusCodes,
    ];
    settings.tls_required = false;
    settings.auth_required = false;
    settings.auth_without_tls = true;
    Arc::new(settings)
}

pub(crate) fn dialect() -> PlainDialect {
    PlainDialect::new(HOST)
}

/// What all connections share.
#[derive(Clone, Debug)]
pub(crate) struct CatchDoor {
    accounts: Accounts,
    mailboxes: Mailboxes,
    traces: Traces,
    events: EventLog,
    clock: Arc<dyn Clock>,
    dice: Arc<dyn Dice>,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Catching {
    door: CatchDoor,
    peer: Peer,
    client_name: String,
    /// Why the world that the client named is none.
    no_world: Option<String>,
    message: Option<Caught>,
}

#[derive(Debug)]
struct Caught {
    writer: MessageWriter,
    owners: BTreeSet<String>,
}

impl CatchDoor {
    pub(crate) fn new(world: &World) -> Self {
        Self {
            accounts: world.accounts.clone(),
            mailboxes: world.deliveries.mailboxes.clone(),
            traces: world.deliveries.traces.clone(),
            events: world.events.clone(),
            clock: world.clock(),
            dice: Arc::clone(&world.dice),
        }
    }

    fn owner(&self, recipient: &Recipient) -> String {
        match self.accounts.addressee(recipient.forward_path.address()) {
            Some(Addressee::Account(account)) => account.address.key(),
            Some(Addressee::List(_)) | None => OUTSIDE.to_owned(),
        }
    }

    /// Taken once it is in one mailbox at least.
    async fn file(
        &self,
        owners: BTreeSet<String>,
        message: NewMessage,
    ) -> Result<(), MailboxError> {
        let to = |owner| Target {
            owner,
            folder: FolderName::inbox(),
            flags: Flags::NONE,
            beyond_quota: true,
        };
        let targets = owners.into_iter().map(to).collect();
        let content = Content::New(message);
        let now = self.clock.now();
        let filed = self.mailboxes.append_to_many(targets, content, now).await?;
        let mut refused = Err(MailboxError::NoMailbox);
        for one in filed {
            match one {
                Ok(one) => {
                    self.traces.filed(one.body);
                    return Ok(());
                }
                Err(error) => refused = Err(error),
            }
        }
        refused
    }
}

impl Service for CatchDoor {
    type Connection = Catching;

    fn connect(&self, peer: Peer) -> Result<Catching, Reply> {
        Ok(Catching {
            door: self.clone(),
            peer,
            client_name: String::new(),
            no_world: None,
            message: None,
        })
    }
}

impl Catching {
    fn fields_on_top(&self, envelope: &Envelope) -> String {
        let mut fields = format!(
            "{TWIN_FIELD}Return-Path: {}\r\nReceived: from {} ([{}])\r\n by {HOST} with SMTP;\r\n {}\r\n",
            envelope.reverse_path,
            self.client_name,
            self.peer.address.ip(),
            self.door.clock.now().to_rfc5322(),
        );
        let named = envelope.recipients.iter().take(ENVELOPE_TO_MAX);
        let named: Vec<&str> = named
            .map(|recipient| recipient.forward_path.address().as_str())
            .collect();
        fields.push_str(&format!("{ENVELOPE_TO}: {}\r\n", named.join(",\r\n ")));
        fields
    }
}

impl Resident for Catching {
    fn go_to(&mut self, world: &World, session: SessionId) {
        self.door = CatchDoor::new(world);
        self.peer.session = session;
    }

    fn traces(&self) -> &Traces {
        &self.door.traces
    }

    fn lead_nowhere(&mut self, why: Option<String>) {
        self.no_world = why;
    }
}

impl Connection for Catching {
    fn tls_established(&mut self, _facts: &TlsFacts) {
        self.message = None;
    }

    fn hello(&mut self, hello: &Hello) {
        self.client_name = client_name(hello);
        self.message = None;
    }

    async fn authenticate(&mut self, _credentials: Credentials) -> Authentication {
        match &self.no_world {
            Some(why) => Authentication::Refused(Reply::status(535, 7, 8, why.as_str())),
            None => Authentication::Accepted,
        }
    }

    async fn mail_from(&mut self, _mail: &MailFrom) -> Result<Reply, Reply> {
        self.message = None;
        Ok(Reply::status(250, 1, 0, "Sender OK"))
    }

    async fn rcpt_to(&mut self, _recipient: &Recipient) -> Result<Reply, Reply> {
        Ok(Reply::status(250, 1, 5, "Recipient OK"))
    }

    async fn body_start(&mut self, envelope: &Envelope) -> Result<(), Reply> {
        let mut writer = self.door.mailboxes.new_message();
        let fields = self.fields_on_top(envelope);
        let written = writer.write(fields.as_bytes());
        written.map_err(|error| trouble(&error))?;
        let owners = envelope.recipients.iter();
        let owners = owners.map(|recipient| self.door.owner(recipient)).collect();
        self.message = Some(Caught { writer, owners });
        Ok(())
    }

    async fn body_chunk(&mut self, octets: &[u8]) -> Result<(), Reply> {
        let message = self.message.as_mut().ok_or_else(out_of_order)?;
        let written = message.writer.write(octets);
        written.map_err(|error| trouble(&error))
    }

    async fn body_end(&mut self) -> Reply {
        let Some(Caught { writer, owners }) = self.message.take() else {
            return out_of_order();
        };
        let filed = match writer.finish() {
            Ok(message) => {
                let message_id = message.summary().message_id.clone();
                let filed = self.door.file(owners, message).await;
                filed.map(|()| message_id)
            }
            Err(error) => Err(error),
        };
        match filed {
            Ok(message_id) => {
                let (events, why) = (&self.door.events, "taken for whoever it names");
                events.accept(CATCH, "caught", None, why, &message_id);
                let number = self.door.dice.next_u64();
                Reply::status(250, 0, 0, format!("OK {number:016X} queued"))
            }
            Err(error) => {
                tracing::warn!(%error, "a caught message could not be filed");
                trouble(&error)
            }
        }
    }

    fn body_abort(&mut self, _abort: Abort) {
        self.message = None;
    }
}
