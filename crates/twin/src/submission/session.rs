//! One client at an endpoint with sign-in: who signs in, and the way of a
//! message. What the service checks at the end of DATA is in `checks`.

use std::borrow::Cow;
use std::sync::Arc;

use mailward_mail::{Address, Clock, Dice, Envelope, Recipient, Reply, Secret};
use mailward_net::TlsFacts;
use mailward_net::smtp::{Authentication, Connection, Peer, Service};
use mailward_wire::smtp::server::{Abort, Hello, SessionId};
use mailward_wire::smtp::{Credentials, MailFrom};

use crate::accounts::{Account, Accounts, Entrance, Refusal, SignIn};
use crate::asof::BehaviourDay;
use crate::behaviour::{self, Behaviour};
use crate::deliver::{Deliveries, TWIN_FIELD};
use crate::events::EventLog;
use crate::manners::Manners;
use crate::message::{Message, client_name, out_of_order};
use crate::names::{BACK_END, FRONT_END, refusal_bracket};
use crate::oauth::{Access, Grant, Tokens};
use crate::pace::{Connected, Pace};
use crate::reshape::Reshaper;
use crate::seed::Protocol;
use crate::trace::Traces;
use crate::world::World;
use crate::worlds::Resident;

/// What all connections share.
#[derive(Clone, Debug)]
pub(crate) struct SubmissionDoor {
    pub(crate) accounts: Accounts,
    pub(crate) deliveries: Deliveries,
    pub(crate) tokens: Tokens,
    pub(crate) events: EventLog,
    pub(crate) pace: Pace,
    pub(crate) manners: Manners,
    pub(crate) kind: DoorKind,
    /// False lifts the day's recipients too.
    pub(crate) rates: bool,
    pub(crate) day: BehaviourDay,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) dice: Arc<dyn Dice>,
}

/// Which of the two endpoints with sign-in it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DoorKind {
    Submission,
    /// The high sending service, with limits of its own (GUIDE-81, DHC-7).
    HighSending,
}

impl DoorKind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Submission => "submission",
            Self::HighSending => "high_sending",
        }
    }
}

impl Service for SubmissionDoor {
    type Connection = Submission;

    fn connect(&self, peer: Peer) -> Result<Submission, Reply> {
        Ok(Submission {
            door: self.clone(),
            peer,
            tls: String::new(),
            no_world: None,
            client_name: String::new(),
            signed_in: None,
            message: None,
        })
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Submission {
    pub(super) door: SubmissionDoor,
    peer: Peer,
    tls: String,
    /// Why the world that the client named is none.
    no_world: Option<String>,
    client_name: String,
    signed_in: Option<SignedIn>,
    message: Option<Message>,
}

#[derive(Debug)]
pub(super) struct SignedIn {
    pub(super) account: Arc<Account>,
    pub(super) connected: Connected,
}

/// Why sign-in failed: for the client, and for the event log.
struct Failure {
    words: Option<Cow<'static, str>>,
    why: String,
    behaviour: &'static Behaviour,
}

impl Failure {
    fn generic(why: impl Into<String>) -> Self {
        Self {
            words: None,
            why: why.into(),
            behaviour: behaviour::TOKEN,
        }
    }

    fn worded(
        words: impl Into<Cow<'static, str>>,
        why: impl Into<String>,
        behaviour: &'static Behaviour,
    ) -> Self {
        Self {
            words: Some(words.into()),
            why: why.into(),
            behaviour,
        }
    }
}

impl Submission {
    async fn judge(&mut self, credentials: &Credentials) -> Result<Arc<Account>, Failure> {
        let (Credentials::Password { username, .. } | Credentials::Bearer { username, .. }) =
            credentials;
        if let Some(why) = &self.no_world {
            return Err(Failure::worded(
                why.clone(),
                why.as_str(),
                behaviour::USER_NAME,
            ));
        }
        match credentials {
            Credentials::Password { password, .. } => self.password(username, password).await,
            Credentials::Bearer { token, .. } => self.token(username, token).await,
        }
    }

    async fn password(&self, username: &str, password: &Secret) -> Result<Arc<Account>, Failure> {
        if !self.door.day.today().smtp_password() {
            let why = "password sign-in for SMTP is off by default on this day";
            return Err(Failure::worded(
                "basic authentication is disabled.",
                why,
                behaviour::PASSWORD_ENDED,
            ));
        }
        let address = Address::parse(username).map_err(|_| {
            let why = "the user name is not the full address of an account";
            Failure::worded(
                "the user credentials were incorrect.",
                why,
                behaviour::USER_NAME,
            )
        })?;
        match self.door.accounts.sign_in(&address, password).await {
            SignIn::Accepted(account) => self.enabled(account).await,
            SignIn::Refused(refusal) => Err(self.barred(refusal)),
        }
    }

    async fn token(&self, username: &str, token: &Secret) -> Result<Arc<Account>, Failure> {
        let address = Address::parse(username)
            .map_err(|_| Failure::generic("the user name is not the full address of an account"))?;
        let account = self
            .door
            .accounts
            .usable(&address)
            .map_err(|refusal| match refusal {
                Refusal::NoSuchAccount => Failure::generic(refusal.why()),
                _ => self.barred(refusal),
            })?;
        let grant = self
            .door
            .tokens
            .verify(token.expose(), Access::Smtp, &address, &account.full_access)
            .map_err(|error| Failure::generic(error.to_string()))?;
        if let Grant::User { address, .. } = grant
            && let Err(refusal) = self.door.accounts.usable(&address)
        {
            return Err(self.barred(refusal));
        }
        self.enabled(account).await
    }

    fn barred(&self, refusal: Refusal) -> Failure {
        let words = self.door.accounts.words(refusal);
        Failure::worded(words, refusal.why(), refusal.behaviour())
    }

    /// The account may have been locked or disabled since sign-in: the service
    /// then says what it says after a refused AUTH.
    fn still_usable(&self) -> Result<(), Reply> {
        let Some(signed_in) = &self.signed_in else {
            return Ok(());
        };
        let address = &signed_in.account.address;
        let Err(refusal) = self.door.accounts.usable(address) else {
            return Ok(());
        };
        self.door.events.punish(
            self.door.kind.as_str(),
            "refused",
            Some(address.as_str()),
            refusal.why(),
            refusal.behaviour(),
        );
        let earlier = self.refusal(&self.barred(refusal));
        let words = format!("Client not authenticated to send mail. Error: {earlier}");
        Err(Reply::status(530, 7, 57, words))
    }

    async fn enabled(&self, account: Arc<Account>) -> Result<Arc<Account>, Failure> {
        let (why, behaviour) = match self.door.accounts.enter(&account, Protocol::Smtp).await {
            Entrance::Open => return Ok(account),
            Entrance::Off => (
                "SMTP is not enabled for the account",
                behaviour::PROTOCOL_DISABLED,
            ),
            Entrance::Disused => (
                "SMTP is switched off, as nobody has used it for so long",
                behaviour::PROTOCOL_DISUSED,
            ),
        };
        Err(Failure::worded(
            "SmtpClientAuthentication is disabled for the Mailbox. Visit https://aka.ms/smtp_auth_disabled for more information.",
            why,
            behaviour,
        ))
    }

    fn refusal(&self, failure: &Failure) -> Reply {
        let bracket = self.bracket();
        match &failure.words {
            Some(words) => Reply::status(
                535,
                7,
                139,
                format!("Authentication unsuccessful, {words} {bracket}"),
            ),
            None => Reply::status(535, 7, 3, format!("Authentication unsuccessful {bracket}")),
        }
    }

    fn bracket(&self) -> String {
        let detailed = self.door.day.today().refusal_has_detail();
        refusal_bracket(detailed, self.door.clock.now(), self.peer.session)
    }

    /// The fields that the service puts on top.
    fn trace_fields(&self) -> String {
        let with = if self.tls.is_empty() {
            String::new()
        } else {
            format!(" ({})", self.tls)
        };
        format!(
            "{TWIN_FIELD}Received: from {} ([{}])\r\n by {BACK_END} with Microsoft SMTP Server{with};\r\n {}\r\n",
            self.client_name,
            self.peer.address.ip(),
            self.door.clock.now().to_rfc5322()
        )
    }
}

impl Resident for Submission {
    fn go_to(&mut self, world: &World, session: SessionId) {
        self.door = world.submission_door(self.door.kind);
        self.peer.session = session;
    }

    fn traces(&self) -> &Traces {
        &self.door.deliveries.traces
    }

    fn lead_nowhere(&mut self, why: Option<String>) {
        self.no_world = why;
    }
}

impl Connection for Submission {
    fn tls_established(&mut self, facts: &TlsFacts) {
        self.tls = format!("version={}, cipher={}", facts.version, facts.cipher);
        self.signed_in = None;
        self.message = None;
    }

    fn hello(&mut self, hello: &Hello) {
        self.client_name = client_name(hello);
        self.message = None;
    }

    async fn authenticate(&mut self, credentials: Credentials) -> Authentication {
        match self.judge(&credentials).await {
            Ok(account) => {
                let address = account.address.as_str();
                let protocol = self.door.kind.as_str();
                self.door
                    .events
                    .add(protocol, "signed_in", Some(address), "signed in", None);
                let connected = self.door.pace.connect(&account.address);
                self.signed_in = Some(SignedIn { account, connected });
                Authentication::Accepted
            }
            Err(failure) => {
                let user = match &credentials {
                    Credentials::Password { username, .. }
                    | Credentials::Bearer { username, .. } => username,
                };
                self.door.events.punish(
                    self.door.kind.as_str(),
                    "refused",
                    Some(user),
                    failure.why.as_str(),
                    failure.behaviour,
                );
                self.door.clock.wait(self.door.pace.refusal_delay()).await;
                Authentication::Refused(self.refusal(&failure))
            }
        }
    }

    async fn mail_from(&mut self, _mail: &MailFrom) -> Result<Reply, Reply> {
        self.message = None;
        self.still_usable()?;
        if let Some(signed_in) = &self.signed_in {
            self.check_blocked(&signed_in.account)?;
        }
        Ok(Reply::status(250, 1, 0, "Sender OK"))
    }

    async fn rcpt_to(&mut self, _recipient: &Recipient) -> Result<Reply, Reply> {
        // Unknown recipients are taken here and reported later, as the service does.
        Ok(Reply::status(250, 1, 5, "Recipient OK"))
    }

    async fn body_start(&mut self, envelope: &Envelope) -> Result<(), Reply> {
        let mut message = Message::new(&self.door.deliveries.mailboxes, envelope);
        let reshaper = Reshaper::new(self.door.manners.now(), None);
        message.start(&self.trace_fields(), reshaper)?;
        self.message = Some(message);
        Ok(())
    }

    async fn body_chunk(&mut self, octets: &[u8]) -> Result<(), Reply> {
        match &mut self.message {
            Some(message) => message.write(octets),
            None => Err(out_of_order()),
        }
    }

    async fn body_end(&mut self) -> Reply {
        let (Some(mut message), Some(signed_in)) = (self.message.take(), &self.signed_in) else {
            return out_of_order();
        };
        if let Err(reply) = message.complete() {
            let address = signed_in.account.address.as_str();
            let why = format!("the content could not be kept: {reply}");
            let events = &self.door.events;
            events.add(self.door.kind.as_str(), "refused", Some(address), why, None);
            return reply;
        }
        if let Err(reply) = self.still_usable() {
            return reply;
        }
        let passed = match self.check(signed_in, &message).await {
            Ok(passed) => passed,
            Err(reply) => return reply,
        };
        self.keep_pace(&signed_in.account).await;
        let octets = message.octets;
        match self.file(&signed_in.account, message, passed).await {
            Ok(()) => accepted(&*self.door.dice, self.peer.session, octets),
            Err(error) => self.not_filed(&signed_in.account, &error),
        }
    }

    fn body_abort(&mut self, _abort: Abort) {
        self.message = None;
    }
}

/// `250 2.0.0 OK <…> [Hostname=…] 4096 bytes in 0.1 … Queued mail for delivery`:
/// the shape observed, without its timing.
fn accepted(dice: &dyn Dice, session: SessionId, octets: u64) -> Reply {
    Reply::status(
        250,
        0,
        0,
        format!(
            "OK <{:016x}{session}@{FRONT_END}> [Hostname={BACK_END}] {octets} bytes Queued mail for delivery",
            dice.next_u64()
        ),
    )
}
