//! One client's connection: who signed in, and the message under way.

use std::sync::Arc;

use mailward_mail::{Envelope, Recipient, Reply};
use mailward_net::TlsFacts;
use mailward_net::metrics::Held;
use mailward_net::smtp::{Authentication, Connection, Peer};
use mailward_policy::limits::recipients_per_message;
use mailward_wire::smtp::server::{Abort, Hello};
use mailward_wire::smtp::{Credentials, MailFrom};

use super::super::wishes::Wishes;
use super::super::{Extras, Incoming, Intake, Protocol, Received, Submission};
use super::replies;
use crate::observe::Door;
use crate::register::{Principal, Registered};

/// The state of one connection. Small while idle.
#[derive(Debug)]
pub(crate) struct IntakeConnection {
    intake: Arc<Intake>,
    peer: Peer,
    client_name: Option<Box<str>>,
    cipher: Option<Box<str>>,
    principal: Option<Principal>,
    /// The start of its Received fields, made with the first message.
    received: Option<Arc<Received>>,
    recipients: u64,
    /// Of the message under way, as MAIL asked.
    wishes: Wishes,
    under_way: Option<Box<UnderWay>>,
    _counted: Held,
}

#[derive(Debug)]
struct UnderWay {
    registered: Arc<Registered>,
    received: Arc<Received>,
    envelope: Envelope,
    incoming: Incoming,
}

impl IntakeConnection {
    pub(super) fn new(intake: Arc<Intake>, peer: Peer) -> Self {
        Self {
            _counted: intake.observe.connection(Door::Smtp),
            intake,
            peer,
            client_name: None,
            cipher: None,
            principal: None,
            received: None,
            recipients: 0,
            wishes: Wishes::default(),
            under_way: None,
        }
    }

    fn registered(&self) -> Result<Arc<Registered>, Reply> {
        match &self.principal {
            Some(principal) => Ok(Arc::clone(&principal.registered)),
            // The driver asks for AUTH first; this is the second lock.
            None => Err(replies::authentication_required()),
        }
    }

    fn received(&mut self) -> Arc<Received> {
        let (peer, hostname) = (self.peer.address.ip(), &self.intake.hostname);
        let (name, cipher) = (self.client_name.as_deref(), self.cipher.as_deref());
        let received = self.received.get_or_insert_with(|| {
            Arc::new(Received::new(Protocol::Smtp, name, peer, hostname, cipher))
        });
        Arc::clone(received)
    }
}

impl Connection for IntakeConnection {
    fn tls_established(&mut self, facts: &TlsFacts) {
        let cipher = format!("{} with cipher {}", facts.version, facts.cipher);
        self.cipher = Some(cipher.into());
        self.client_name = None;
        self.principal = None;
        self.received = None;
        self.under_way = None;
    }

    fn hello(&mut self, hello: &Hello) {
        self.client_name = Some(hello.name.clone());
        self.received = None;
        self.under_way = None;
    }

    async fn authenticate(&mut self, credentials: Credentials) -> Authentication {
        let Credentials::Password {
            authorization,
            username,
            password,
            ..
        } = credentials
        else {
            return Authentication::Refused(replies::authentication_failed());
        };
        let peer = self.peer.address.ip();
        let answer = self
            .intake
            .sign_in
            .password(peer, &username, &password)
            .await;
        // Acting for somebody else is not offered, and not told apart.
        let for_another =
            !authorization.is_empty() && !authorization.eq_ignore_ascii_case(&username);
        match answer {
            Ok(_) if for_another => Authentication::Refused(replies::authentication_failed()),
            Ok(principal) => {
                self.principal = Some(principal);
                Authentication::Accepted
            }
            Err(denied) => {
                self.intake.observe.sign_in_refused(Door::Smtp, &denied);
                tracing::info!(session = %self.peer.session, %peer, ?denied, "sign-in refused");
                Authentication::Refused(replies::denied(&denied))
            }
        }
    }

    async fn mail_from(&mut self, mail: &MailFrom) -> Result<Reply, Reply> {
        self.under_way = None;
        self.recipients = 0;
        self.wishes = Wishes::default();
        let Some(principal) = &mut self.principal else {
            return Err(replies::authentication_required());
        };
        // The register may have changed since this connection signed in.
        match self.intake.sign_in.current(principal) {
            Some(registered) if registered.application.direction.sends() => {
                principal.registered = registered;
                let now = self.intake.clock.now();
                self.wishes =
                    Wishes::of_mail(mail, now, &self.intake.limits).map_err(|reply| *reply)?;
                Ok(replies::sender_ok())
            }
            Some(_) => Err(replies::may_not_send()),
            None => Err(replies::no_longer_registered()),
        }
    }

    async fn rcpt_to(&mut self, _recipient: &Recipient) -> Result<Reply, Reply> {
        let registered = self.registered()?;
        let recipients_max = recipients_per_message(registered.route.recipients_max);
        let refuses = self.intake.checker.refuses("recipients-per-message");
        if self.recipients >= recipients_max && refuses {
            return Err(replies::too_many_recipients(recipients_max));
        }
        self.recipients += 1;
        Ok(replies::recipient_ok())
    }

    async fn body_start(&mut self, envelope: &Envelope) -> Result<(), Reply> {
        self.under_way = Some(Box::new(UnderWay {
            registered: self.registered()?,
            received: self.received(),
            envelope: envelope.clone(),
            incoming: Incoming::new(&self.intake),
        }));
        Ok(())
    }

    async fn body_chunk(&mut self, octets: &[u8]) -> Result<(), Reply> {
        let Some(under_way) = &mut self.under_way else {
            return Err(replies::local_error());
        };
        let UnderWay {
            registered,
            received,
            envelope,
            incoming,
        } = &mut **under_way;
        let submission = Submission {
            registered,
            envelope,
            received,
            data_class: None,
        };
        incoming
            .write(&self.intake, &submission, octets)
            .map_err(|rejection| {
                let application = &registered.application.name;
                replies::rejected(&rejection, incoming.id(), application, &self.intake)
            })
    }

    async fn body_end(&mut self) -> Reply {
        let Some(under_way) = self.under_way.take() else {
            return replies::local_error();
        };
        let UnderWay {
            registered,
            received,
            envelope,
            incoming,
        } = *under_way;
        let id = incoming.id();
        let submission = Submission {
            registered: &registered,
            envelope: &envelope,
            received: &received,
            data_class: None,
        };
        let extras = Extras {
            wishes: std::mem::take(&mut self.wishes),
            ..Extras::default()
        };
        match incoming.finish(&self.intake, &submission, extras).await {
            Ok(acceptance) => replies::accepted(&acceptance),
            Err(rejection) => {
                let application = &registered.application.name;
                replies::rejected(&rejection, id, application, &self.intake)
            }
        }
    }

    fn body_abort(&mut self, abort: Abort) {
        if let Some(under_way) = self.under_way.take() {
            tracing::debug!(id = %under_way.incoming.id(), ?abort, "given up before its end");
        }
    }
}
