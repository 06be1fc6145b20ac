//! A message as it comes to the queue, and as the queue hands it out to be sent.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mailward_mail::{Envelope, MessageId, Recipient, ReversePath, Timestamp};
use mailward_store::BodyRef;

use crate::names::{Actor, ApplicationName, Lane};
use crate::schedule::MessageClass;
use crate::state::HoldReason;
use crate::turn::Priority;

/// More recipients than this is no message but a mailing: the intake's own
/// limits (published ones, per route) lie far below.
pub const RECIPIENTS_MAX: usize = 5_000;

/// The longest idempotency key, in octets.
pub const IDEMPOTENCY_KEY_OCTETS_MAX: usize = 255;

/// How much of a subject or Message-ID the ledger keeps, in octets. The
/// message itself is not touched.
pub(crate) const HEADER_TEXT_OCTETS_MAX: usize = 1_000;

/// A checked message, ready to be kept.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// From [`Queue::new_id`](crate::Queue::new_id), taken early because the
    /// Received line carries it.
    pub id: MessageId,
    pub application: ApplicationName,
    pub lane: Lane,
    pub envelope: Envelope,
    /// The Message-ID header field, as it stands.
    pub message_id: Option<String>,
    pub subject: Option<String>,
    pub message_class: MessageClass,
    /// Kept for the record; the queue reads no meaning into it.
    pub data_class: String,
    /// Its place among those of its class.
    pub priority: Priority,
    /// Not to be sent earlier; what is past is at once. The class's deadline
    /// counts from here.
    pub not_before: Option<Timestamp>,
    /// Instead of the class's deadline.
    pub deadline_at: Option<Timestamp>,
    /// What the sender asked with BY=.
    pub deliver_by: Option<DeliverBy>,
    /// Messages of one application with the same key leave in the order of
    /// their acceptance, each only after the one before has ended.
    pub sequence_key: Option<String>,
    /// Whether the application is to be called back with every outcome.
    pub wants_callback: bool,
    pub idempotency: Option<Idempotency>,
    /// Kept, but not sent before somebody releases it.
    pub hold: Option<Hold>,
    /// What rules changed in the message.
    pub repairs: Vec<Repair>,
    /// What rules say of it without refusing.
    pub found: Vec<Found>,
    /// Why the lane's route is not the application's own, where it is not.
    pub routed: Option<String>,
    /// How its text is counted; `None` for a message without one.
    pub same_text: Option<SameText>,
}

impl NewMessage {
    /// A routine message with nothing special about it.
    pub fn new(
        id: MessageId,
        application: impl Into<ApplicationName>,
        lane: Lane,
        envelope: Envelope,
    ) -> Self {
        Self {
            id,
            application: application.into(),
            lane,
            envelope,
            message_id: None,
            subject: None,
            message_class: MessageClass::default(),
            data_class: String::new(),
            priority: Priority::NORMAL,
            not_before: None,
            deadline_at: None,
            deliver_by: None,
            sequence_key: None,
            wants_callback: false,
            idempotency: None,
            hold: None,
            repairs: Vec::new(),
            found: Vec::new(),
            routed: None,
            same_text: None,
        }
    }
}

/// When a message is to be delivered, in the sender's words (RFC 2852).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DeliverBy {
    pub at: Timestamp,
    /// By-mode N: the sender is told at that moment that it still waits, and
    /// it goes on. With R the moment is the message's deadline.
    pub tells: bool,
    /// By-trace: the sender is told of a hand-over to a server without
    /// DELIVERBY.
    pub traced: bool,
}

/// The application's own name for a request, so that it may ask twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    pub key: String,
    /// A digest of the whole request, not only of the message.
    pub body_hash: [u8; 32],
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub reason: HoldReason,
    pub by: Actor,
    pub why: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    pub rule: String,
    pub change: String,
}

/// One finding, in the words of its rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub rule: String,
    /// `warn`, `repair` or `hold`.
    pub severity: String,
    pub text: String,
}

/// A text to be counted among an application's: in the same write that keeps
/// the message, so that of two at once the second sees the first.
#[derive(Clone)]
pub struct SameText {
    /// The same for texts that are to be counted together.
    pub fingerprint: [u8; 16],
    pub window: Duration,
    /// Above so many people `judge` is asked, for every message that adds one.
    pub people_max: u64,
    /// Given the people within the window, the message's own included. Called
    /// in the store's writer: it must not wait.
    pub judge: Arc<dyn Fn(u64) -> Ruling + Send + Sync>,
}

impl fmt::Debug for SameText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SameText")
            .field("people_max", &self.people_max)
            .finish_non_exhaustive()
    }
}

/// What becomes of a message whose text reaches too many people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// Nothing of it is kept, and it does not count.
    Refuse,
    /// Kept, with these instead of the message's own.
    Accept {
        found: Vec<Found>,
        hold: Option<Hold>,
    },
}

/// The answer to acceptance: the message is on stable storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The earlier message's id where the idempotency key was known.
    pub id: MessageId,
    /// True when nothing new was stored.
    pub repeated: bool,
}

/// A message with recipients to be tried now.
#[derive(Clone, Debug)]
pub struct DueMessage {
    pub id: MessageId,
    pub application: ApplicationName,
    pub lane: Lane,
    /// Of this attempt: the recipients are those of `recipients`, in order.
    pub envelope: Envelope,
    pub recipients: Vec<DueRecipient>,
    pub body: BodyRef,
    pub message_id: Option<String>,
    pub message_class: MessageClass,
    pub data_class: String,
    pub received_at: Timestamp,
    pub deadline_at: Timestamp,
}

impl DueMessage {
    /// Leaves the recipients of these numbers alone.
    pub fn keep_only(&mut self, numbers: &[u32]) {
        if numbers.len() == self.recipients.len() {
            return;
        }
        self.recipients
            .retain(|recipient| numbers.contains(&recipient.n));
        let kept = self.recipients.iter();
        self.envelope.recipients = kept.map(|one| one.recipient.clone()).collect();
    }

    /// The numbers to pass to [`Queue::begin_attempt`](crate::Queue::begin_attempt).
    pub fn numbers(&self) -> Vec<u32> {
        self.recipients
            .iter()
            .map(|recipient| recipient.n)
            .collect()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueRecipient {
    /// Its number in the message, counted from 1.
    pub n: u32,
    pub recipient: Recipient,
    /// How often it was tried before.
    pub attempts: u32,
}

/// MAIL FROM's parameters, as kept in the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct EnvelopeOptions {
    #[serde(default, skip_serializing_if = "is_default")]
    body: mailward_mail::BodyType,
    #[serde(default, skip_serializing_if = "is_default")]
    smtputf8: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    ret: Option<mailward_mail::Ret>,
    #[serde(default, skip_serializing_if = "is_default")]
    envid: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) deliver_by: Option<DeliverBy>,
    /// A delivery status notification of ours.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) report: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl EnvelopeOptions {
    pub(crate) fn of(envelope: &Envelope, deliver_by: Option<DeliverBy>) -> Self {
        Self {
            body: envelope.body,
            smtputf8: envelope.smtputf8,
            ret: envelope.ret,
            envid: envelope.envid.clone(),
            deliver_by,
            report: false,
        }
    }

    /// When the sender wants to hear that it still waits.
    pub(crate) fn tell_at(&self) -> Option<Timestamp> {
        let asked = self.deliver_by.filter(|by| by.tells);
        asked.map(|by| by.at)
    }

    pub(crate) fn envelope(
        self,
        reverse_path: ReversePath,
        recipients: Vec<Recipient>,
    ) -> Envelope {
        Envelope {
            recipients,
            body: self.body,
            smtputf8: self.smtputf8,
            ret: self.ret,
            envid: self.envid,
            ..Envelope::new(reverse_path)
        }
    }
}
