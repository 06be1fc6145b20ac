//! One client of the relay: its address, its sender, its message.

use std::sync::Arc;

use mailward_mail::header::Mailbox;
use mailward_mail::{Address, Clock, Dice, Envelope, Recipient, Reply, ReversePath};
use mailward_mailbox::MailboxError;
use mailward_net::TlsFacts;
use mailward_net::smtp::{Authentication, Connection, Peer, Service};
use mailward_policy::limits;
use mailward_wire::smtp::server::{Abort, Hello, SessionId};
use mailward_wire::smtp::{Credentials, MailFrom};

use super::admission::{Admissions, Admitted, NotAdmitted};
use super::dialect::HOST;
use crate::asof::BehaviourDay;
use crate::behaviour::{self, Behaviour};
use crate::deliver::{Deliveries, Filing, Letter, Origin, TWIN_FIELD};
use crate::events::EventLog;
use crate::manners::{ExternalBanner, Manners, RefusesAt, Spoofed};
use crate::message::{Message, client_name, out_of_order, taken, trouble};
use crate::reshape::{Banner, Reshaper};
use crate::sessions::Sessions;
use crate::trace::Traces;
use crate::world::World;
use crate::worlds::Resident;

const RELAY: &str = "relay";

/// Whose senders may come from within the service alone (GUIDE-50).
const NHSMAIL_DOMAIN: &str = "nhs.net";

/// On top of spoofed mail that goes to Junk Email; the words are ours.
const BANNER_FIELD: &str = "X-Spoofed-Sender-Warning: This message did not come from the service that its sender names. Do not trust it.\r\n";

/// The same above its text.
const SPOOFED_BANNER: Banner = Banner {
    plain: "Warning: this message did not come from the service that its sender\r\nnames. Do not trust it.",
    html: "<p><strong>Warning: this message did not come from the service that its\r\nsender names. Do not trust it.</strong></p>",
};

/// On mail from outside that appears to be NHSmail's; the words are ours.
const EXTERNAL_BANNER: Banner = Banner {
    plain: "Warning: this message came from outside NHSmail. Take care with its links\r\nand attachments, whatever its sender says.",
    html: "<p><strong>Warning: this message came from outside NHSmail. Take care with\r\nits links and attachments, whatever its sender says.</strong></p>",
};

/// What all connections share.
#[derive(Clone, Debug)]
pub(crate) struct RelayDoor {
    pub(crate) admissions: Admissions,
    pub(crate) deliveries: Deliveries,
    pub(crate) events: EventLog,
    pub(crate) manners: Manners,
    pub(crate) sessions: Sessions,
    pub(crate) day: BehaviourDay,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) dice: Arc<dyn Dice>,
}

impl Service for RelayDoor {
    type Connection = Relay;

    fn connect(&self, peer: Peer) -> Result<Relay, Reply> {
        let address = peer.address.ip();
        if !self.manners.now().is_on_hscn(address) {
            return Err(self.ignore(&peer));
        }
        let admitted = self.admissions.of(address);
        let early = self.manners.now().relay_refuses_at == RefusesAt::Connection;
        if let Err(why) = admitted
            && early
        {
            return Err(self.refuse(&peer, why, 421));
        }
        Ok(Relay {
            door: self.clone(),
            peer,
            admitted: admitted.ok(),
            tls: String::new(),
            client_name: String::new(),
            no_world: None,
            message: None,
            spoofed: None,
        })
    }
}

impl RelayDoor {
    /// There is no way here from the client's network: the line is cut, and
    /// the reply never leaves.
    fn ignore(&self, peer: &Peer) -> Reply {
        if let Some(line) = self.sessions.between(peer.address, peer.local) {
            line.cut();
        }
        let why = format!("{} is not on HSCN", peer.address.ip());
        let events = &self.events;
        events.punish(RELAY, "cut off", None, why, behaviour::RELAY_OFF_NETWORK);
        Reply::status(421, 4, 4, "No route")
    }

    /// The mail is not routed (GUIDE-55).
    ///
    /// `later` is the code for a client of whom nobody knows at the moment.
    fn refuse(&self, peer: &Peer, why: NotAdmitted, later: u16) -> Reply {
        if let NotAdmitted::NoAnswer(how) = why {
            let why = format!(
                "the reverse zone did not say who {} is: {how}",
                peer.address.ip()
            );
            self.events
                .add(RELAY, "put_off", None, why, Some("GUIDE-54"));
            return Reply::status(
                later,
                7,
                0,
                "Temporary server error. Please try again later.",
            );
        }
        let why = format!(
            "{} is neither registered nor in the reverse zone",
            peer.address.ip()
        );
        self.events
            .punish(RELAY, "refused", None, why, behaviour::RELAY_UNREGISTERED);
        Reply::status(554, 7, 1, self.manners.now().relay_refusal())
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Relay {
    door: RelayDoor,
    peer: Peer,
    /// `None` while refusal waits for RCPT.
    admitted: Option<Admitted>,
    tls: String,
    client_name: String,
    /// Why the world that the TLS server name stands for is none.
    no_world: Option<String>,
    message: Option<Message>,
    /// What becomes of the message under way because of its sender.
    spoofed: Option<Spoofed>,
}

impl Relay {
    fn trace_fields(&self) -> String {
        let with = if self.tls.is_empty() {
            String::new()
        } else {
            format!(" ({})", self.tls)
        };
        format!(
            "{TWIN_FIELD}Received: from {} ([{}])\r\n by {HOST} with ESMTP{with};\r\n {}\r\n",
            self.client_name,
            self.peer.address.ip(),
            self.door.clock.now().to_rfc5322()
        )
    }

    /// The first sender that the client may not use, and what that offends.
    fn offence<'m>(
        &self,
        senders: &'m [Address],
        reverse_path: &'m ReversePath,
    ) -> Option<(&'m Address, &'static Behaviour)> {
        let admitted = self.admitted.as_ref()?;
        let mut all = senders.iter().chain(reverse_path.address());
        if let Some(spoofed) = all.clone().find(|one| one.is_within(NHSMAIL_DOMAIN)) {
            return Some((spoofed, behaviour::RELAY_SPOOFED));
        }
        all.find(|one| !admitted.may_send_from(one))
            .map(|one| (one, behaviour::RELAY_DOMAIN))
    }

    /// Looks at the sender once the header section is there, and writes the
    /// fields on top.
    fn start(&mut self) -> Result<(), Reply> {
        let Some(message) = self.message.take() else {
            return Err(out_of_order());
        };
        let senders = message.addresses("From");
        self.spoofed = self
            .offence(&senders, &message.reverse_path)
            .map(|(other, behaviour)| {
                let outcome = self.door.manners.now().spoofed(self.door.day.today());
                let why = format!("{other} may not be sent from here: {}", outcome.as_str());
                let sender = Some(other.as_str());
                let events = &self.door.events;
                events.punish(RELAY, "spoofed", sender, why, behaviour);
                outcome
            });
        let mut top = self.trace_fields();
        if self.spoofed == Some(Spoofed::Junk) {
            top.push_str(BANNER_FIELD);
        }
        let banner = self.banner(&message);
        let reshaper = Reshaper::new(self.door.manners.now(), banner);
        self.message.insert(message).start(&top, reshaper)
    }

    /// What stands above the text of this message.
    fn banner(&self, message: &Message) -> Option<Banner> {
        if self.spoofed == Some(Spoofed::Junk) {
            return Some(SPOOFED_BANNER);
        }
        let domain = &self.door.deliveries.domain;
        let bears = match self.door.manners.now().mail.external_banner {
            ExternalBanner::Off => false,
            ExternalBanner::All => true,
            ExternalBanner::Lookalike => message
                .mailboxes("From")
                .iter()
                .any(|mailbox| looks_like_nhsmail(mailbox, domain)),
        };
        let from = message.reverse_path.address().map(Address::as_str);
        bears.then(|| {
            let why = "the message came from outside and bears a banner";
            let events = &self.door.events;
            events.punish(RELAY, "banner", from, why, behaviour::EXTERNAL_BANNER);
            EXTERNAL_BANNER
        })
    }

    fn filing(&self, message: &Message) -> Filing {
        let events = &self.door.events;
        match (self.spoofed, message.verdict()) {
            (Some(Spoofed::Drop), _) => Filing::Deleted,
            (Some(Spoofed::Junk), _) => Filing::Junk,
            (Some(Spoofed::Quarantine), _) => Filing::Quarantine,
            (None, verdict) => {
                let late = self.door.manners.now().mail.verdict_after_seconds > 0;
                verdict.filing(RELAY, None, events, late)
            }
        }
    }

    async fn file(&self, message: Message) -> Result<(), MailboxError> {
        let reverse_path = message.reverse_path.clone();
        let recipients = message.recipients.clone();
        let header = message.header.clone();
        let letter = Letter {
            protocol: RELAY,
            origin: Origin::Relay(&reverse_path),
            recipients: &recipients,
            header: &header,
            filing: self.filing(&message),
            scanned: self.spoofed.is_none(),
        };
        let octets = message.octets;
        let (body, removed) = message.finish()?;
        if let Some(admitted) = &self.admitted {
            let (by, taken) = (admitted.by.as_str(), taken(octets, recipients.len()));
            let why = format!("{by}; {taken}");
            let from = reverse_path.address().map(Address::as_str);
            let message_id = &body.summary().message_id;
            let events = &self.door.events;
            events.accept(RELAY, "accepted", from, why, message_id);
        }
        self.door.deliveries.note_removed(&letter, &removed);
        self.door.deliveries.deliver(&letter, body, None).await
    }
}

impl Resident for Relay {
    fn go_to(&mut self, world: &World, session: SessionId) {
        self.door = world.relay_door();
        self.admitted = self.door.admissions.of(self.peer.address.ip()).ok();
        self.peer.session = session;
    }

    fn traces(&self) -> &Traces {
        &self.door.deliveries.traces
    }

    fn lead_nowhere(&mut self, why: Option<String>) {
        self.no_world = why;
    }
}

impl Connection for Relay {
    fn tls_established(&mut self, facts: &TlsFacts) {
        self.tls = format!("version={}, cipher={}", facts.version, facts.cipher);
        self.message = None;
    }

    fn hello(&mut self, hello: &Hello) {
        self.client_name = client_name(hello);
        self.message = None;
    }

    async fn authenticate(&mut self, _credentials: Credentials) -> Authentication {
        // No mechanism is offered, so nothing gets here but by our mistake.
        Authentication::Refused(Reply::status(503, 5, 1, "Bad sequence of commands"))
    }

    async fn mail_from(&mut self, _mail: &MailFrom) -> Result<Reply, Reply> {
        self.message = None;
        if let Some(why) = &self.no_world {
            return Err(Reply::status(554, 7, 1, why.as_str()));
        }
        Ok(Reply::status(250, 1, 0, "Sender OK"))
    }

    async fn rcpt_to(&mut self, _recipient: &Recipient) -> Result<Reply, Reply> {
        // It may have been registered since it connected.
        if self.admitted.is_none() {
            let admitted = self.door.admissions.of(self.peer.address.ip());
            let admitted = admitted.map_err(|why| self.door.refuse(&self.peer, why, 451))?;
            self.admitted = Some(admitted);
        }
        Ok(Reply::status(250, 1, 5, "Recipient OK"))
    }

    async fn body_start(&mut self, envelope: &Envelope) -> Result<(), Reply> {
        self.message = Some(Message::new(&self.door.deliveries.mailboxes, envelope));
        Ok(())
    }

    async fn body_chunk(&mut self, octets: &[u8]) -> Result<(), Reply> {
        let message = self.message.as_mut().ok_or_else(out_of_order)?;
        message.write(octets)?;
        if message.header_complete && message.is_held_back() {
            self.start()?;
        }
        Ok(())
    }

    async fn body_end(&mut self) -> Reply {
        if self.message.as_ref().is_some_and(Message::is_held_back)
            && let Err(reply) = self.start()
        {
            return reply;
        }
        let Some(message) = self.message.take() else {
            return out_of_order();
        };
        if message.octets > limits::MESSAGE_OCTETS.figure {
            let why = "the message is larger than a single message may be";
            let events = &self.door.events;
            events.punish(RELAY, "refused", None, why, behaviour::MESSAGE_SIZE);
            return Reply::status(552, 3, 4, "Message size exceeds fixed maximum message size");
        }
        match self.file(message).await {
            Ok(()) => Reply::status(
                250,
                0,
                0,
                format!("OK {:016X} queued", self.door.dice.next_u64()),
            ),
            Err(error) => {
                tracing::warn!(%error, "a relayed message could not be filed");
                trouble(&error)
            }
        }
    }

    fn body_abort(&mut self, _abort: Abort) {
        self.message = None;
    }
}

/// A name or domain that sounds like NHSmail and is not within the NHS.
fn looks_like_nhsmail(mailbox: &Mailbox, own_domain: &str) -> bool {
    let address = &mailbox.address;
    let within = [NHSMAIL_DOMAIN, "nhs.uk", own_domain];
    let within = within.iter().any(|domain| address.is_within(domain));
    let name = mailbox.display_name.as_deref().unwrap_or_default();
    let name = name.to_ascii_lowercase();
    let domain = address.domain().to_ascii_lowercase();
    !within && (domain.contains("nhs") || name.contains("nhsmail") || name.contains(NHSMAIL_DOMAIN))
}

#[cfg(test)]
mod tests {
    use mailward_mail::header::parse_address_list;

    use super::*;

    #[test]
    fn knows_who_only_sounds_like_nhsmail() {
        for (from, expected) in [
            ("NHSmail Helpdesk <help@elsewhere.example>", true),
            ("help@nhs-mail.example", true),
            ("someone@nhs.net.example", true),
            ("Clinic <clinic@elsewhere.example>", false),
            ("NHSmail <help@trust.nhs.uk>", false),
            ("NHSmail <help@northmoor.example>", false),
        ] {
            let list = parse_address_list(from).expect("a list");
            let looks = looks_like_nhsmail(&list[0], "northmoor.example");
            assert_eq!(looks, expected, "{from}");
        }
    }
}
