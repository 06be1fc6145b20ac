//! An SMTP service with faults before and after each of its answers, those of
//! the world that the session is in.

use mailward_mail::{Address, Envelope, Recipient, Reply};
use mailward_net::TlsFacts;
use mailward_net::smtp::{Authentication, Connection, Peer, Service, Surroundings};
use mailward_wire::smtp::server::{Abort, Hello};
use mailward_wire::smtp::{Credentials, MailFrom};

use super::magic::{self, Magic};
use super::{ActionSpec, Credential, Line, Protocol, Situation, Strike, reply};
use crate::sessions::{self, Sessions};
use crate::trace::{self, MessageNumber};
use crate::worlds::{Resident, Whereabouts, Worlds};

/// Another service, and the faults of its world.
#[derive(Debug)]
pub(crate) struct Faulty<S> {
    pub(crate) service: S,
    pub(crate) protocol: Protocol,
    pub(crate) worlds: Worlds,
    pub(crate) sessions: Sessions,
}

/// What a connection needs to be struck.
#[derive(Debug)]
struct Victim {
    protocol: Protocol,
    /// Of the world that it is in.
    sessions: Sessions,
    line: Option<Line>,
    account: Option<String>,
    sender: Option<String>,
    recipients: Vec<Address>,
    /// The message whose text is under way.
    message: Option<MessageNumber>,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct FaultyConnection<C> {
    connection: C,
    victim: Victim,
    whereabouts: Whereabouts,
}

impl<S> Service for Faulty<S>
where
    S: Service,
    S::Connection: Resident,
{
    type Connection = FaultyConnection<S::Connection>;

    fn connect(&self, peer: Peer) -> Result<Self::Connection, Reply> {
        let name = peer.session.to_string();
        let line = self.sessions.name(peer.address, peer.local, &name);
        let turned_away = line.as_ref().and_then(Line::turned_away);
        if let Some(refusal) = turned_away.as_deref().and_then(reply) {
            return Err(refusal);
        }
        let connection = sessions::within(line.as_ref(), || self.service.connect(peer))?;
        Ok(FaultyConnection {
            connection,
            victim: Victim {
                protocol: self.protocol,
                sessions: self.sessions.clone(),
                line,
                account: None,
                sender: None,
                recipients: Vec::new(),
                message: None,
            },
            whereabouts: Whereabouts::new(&self.worlds, self.protocol),
        })
    }
}

/// Said into a line that is cut: nobody hears it.
fn unheard() -> Reply {
    Reply::status(421, 4, 2, "Connection dropped")
}

impl Victim {
    fn situation(&self, stage: &'static str) -> Situation<'_> {
        Situation {
            account: self.account.as_deref(),
            sender: self.sender.as_deref(),
            recipients: &self.recipients,
            ..Situation::of(self.protocol, stage)
        }
    }

    fn strike(&self, situation: &Situation<'_>) -> Option<Strike> {
        let faults = self.sessions.faults();
        if !faults.is_any() {
            return None;
        }
        let strike = || faults.strike(situation);
        sessions::within(self.line.as_ref(), || trace::within(self.message, strike))
    }

    /// Waits as long as the strike wants, breaks the line if it must, and
    /// gives the words to refuse with, if any.
    async fn suffer(&self, situation: Situation<'_>) -> Result<(), Reply> {
        let Some(mut strike) = self.strike(&situation) else {
            return Ok(());
        };
        let delay = std::mem::take(&mut strike.delay);
        if !delay.is_zero() {
            self.sessions.clock().wait(delay).await;
        }
        let action = match &self.line {
            Some(line) => line.suffer(strike),
            None => strike.action,
        };
        if self.line.as_ref().is_some_and(Line::is_cut) {
            return Err(unheard());
        }
        match action {
            Some(ActionSpec::Reply { text }) => Err(reply(&text).unwrap_or_else(unheard)),
            _ => Ok(()),
        }
    }

    /// What the recipient's own name asks for.
    async fn magic(&self, recipient: &Recipient) -> Result<(), Reply> {
        let address = recipient.forward_path.address();
        match magic::of(address) {
            Some(Magic::Rcpt(refusal)) => Err(refusal),
            Some(Magic::Wait(delay)) => {
                self.sessions.clock().wait(delay).await;
                Ok(())
            }
            Some(Magic::Close) => {
                self.cut();
                Err(unheard())
            }
            _ => Ok(()),
        }
    }

    /// The refusal at the end of the message that a recipient's name asks for.
    fn magic_dot(&self) -> Option<Reply> {
        self.recipients
            .iter()
            .find_map(|address| match magic::of(address) {
                Some(Magic::Dot(refusal)) => Some(refusal),
                _ => None,
            })
    }

    /// After the message was taken.
    fn taken(&self) {
        if self
            .recipients
            .iter()
            .any(|one| magic::of(one) == Some(Magic::LoseReply))
        {
            self.cut();
        }
        let strike = self.strike(&self.situation("taken"));
        if let (Some(strike), Some(line)) = (strike, &self.line)
            && let Some(ActionSpec::LoseReply) = line.suffer(strike)
        {
            line.cut();
        }
    }

    /// Does `work` on behalf of the session, for the message under way.
    fn during<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        sessions::during(self.line.clone(), trace::during(self.message, work))
    }

    fn cut(&self) {
        if let Some(line) = &self.line {
            line.cut();
        }
    }
}

impl<C: Resident> FaultyConnection<C> {
    /// Goes where its client has named a world.
    fn follow(&mut self) {
        let gone = self
            .whereabouts
            .follow(&mut self.connection, self.victim.line.as_ref());
        if let Some(sessions) = gone {
            self.victim.sessions = sessions;
        }
    }
}

impl<C: Resident> Connection for FaultyConnection<C> {
    fn tls_established(&mut self, facts: &TlsFacts) {
        self.victim.account = None;
        self.connection.tls_established(facts);
        self.whereabouts.server_name(facts.server_name.as_deref());
        self.follow();
    }

    fn moved(&mut self) -> Option<Surroundings> {
        self.whereabouts.moved()
    }

    fn hello(&mut self, hello: &Hello) {
        self.connection.hello(hello);
    }

    async fn authenticate(&mut self, mut credentials: Credentials) -> Authentication {
        let (username, credential) = match &mut credentials {
            Credentials::Password { username, .. } => (username, Credential::Password),
            Credentials::Bearer { username, .. } => (username, Credential::Token),
        };
        self.whereabouts.user_name(username);
        let user = username.clone();
        self.follow();
        let situation = Situation {
            account: Some(&user),
            credential: Some(credential),
            ..self.victim.situation("auth")
        };
        if let Err(refusal) = self.victim.suffer(situation).await {
            return Authentication::Refused(refusal);
        }
        let line = self.victim.line.clone();
        let answer = sessions::during(line, self.connection.authenticate(credentials)).await;
        if matches!(answer, Authentication::Accepted) {
            self.victim.account = Some(user);
        }
        answer
    }

    async fn mail_from(&mut self, mail: &MailFrom) -> Result<Reply, Reply> {
        self.victim.message = None;
        self.victim.recipients.clear();
        self.victim.sender = Some(mail.reverse_path.as_str().to_owned());
        self.victim.suffer(self.victim.situation("mail")).await?;
        let line = self.victim.line.clone();
        sessions::during(line, self.connection.mail_from(mail)).await
    }

    async fn rcpt_to(&mut self, recipient: &Recipient) -> Result<Reply, Reply> {
        let address = recipient.forward_path.address();
        let situation = Situation {
            recipients: std::slice::from_ref(address),
            ..self.victim.situation("rcpt")
        };
        self.victim.suffer(situation).await?;
        self.victim.magic(recipient).await?;
        let line = self.victim.line.clone();
        let taken = sessions::during(line, self.connection.rcpt_to(recipient)).await?;
        self.victim.recipients.push(address.clone());
        Ok(taken)
    }

    async fn body_start(&mut self, envelope: &Envelope) -> Result<(), Reply> {
        self.victim.message = self.connection.traces().begin();
        self.victim.suffer(self.victim.situation("data")).await?;
        let start = self.connection.body_start(envelope);
        self.victim.during(start).await
    }

    async fn body_chunk(&mut self, octets: &[u8]) -> Result<(), Reply> {
        let chunk = self.connection.body_chunk(octets);
        self.victim.during(chunk).await
    }

    async fn body_end(&mut self) -> Reply {
        let refused = match self.victim.suffer(self.victim.situation("dot")).await {
            Ok(()) => self.victim.magic_dot(),
            Err(refusal) => Some(refusal),
        };
        if let Some(refusal) = refused {
            self.connection.body_abort(Abort::Refused);
            self.victim.message = None;
            return refusal;
        }
        let end = self.connection.body_end();
        let reply = self.victim.during(end).await;
        if reply.is_positive() {
            self.victim.taken();
        }
        self.victim.message = None;
        reply
    }

    fn body_abort(&mut self, abort: Abort) {
        let connection = &mut self.connection;
        sessions::within(self.victim.line.as_ref(), || connection.body_abort(abort));
        self.victim.message = None;
    }
}
