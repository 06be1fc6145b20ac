//! Everything the rules may know about one submission. Plain data: fetched
//! beforehand, by others. A rule that needs a new fact adds a field.

use mailward_mail::{Address, ReversePath, Timestamp};

use crate::conflict::MailService;
use crate::content::ContentFacts;
use crate::data_class::DataClass;
use crate::history::HistoryFacts;
use crate::message_facts::MessageFacts;
use crate::profile::Profile;

/// One message, by one application, for one route, at one moment.
#[derive(Clone, Debug)]
pub struct Facts {
    pub at: Timestamp,
    /// Which documents bind the organisation.
    pub profile: Profile,
    /// The register's entry; `None` when nobody registered the sender.
    pub application: Option<ApplicationFacts>,
    /// The mail account to send from; `None` only with `application`.
    pub account: Option<AccountFacts>,
    pub envelope: EnvelopeFacts,
    pub message: MessageFacts,
    pub content: ContentFacts,
    pub history: HistoryFacts,
    pub route: RouteFacts,
    /// What the submission says of itself, else the application's default. A
    /// label in the header can raise it: see [`Facts::strictest_class`].
    pub data_class: DataClass,
}

impl Facts {
    /// The class to treat the message by: the strictest of what was said with
    /// the submission, what the header's label says, what the content shows,
    /// and what the application is registered to carry when that is patient
    /// data (ENG-20).
    pub fn strictest_class(&self) -> DataClass {
        let stated = self.stated_class();
        self.content
            .class()
            .map_or(stated, |found| found.max(stated))
    }

    /// The class that somebody stated: with the submission, in the header, or
    /// in the register.
    pub fn stated_class(&self) -> DataClass {
        let patient_data = self
            .application
            .as_ref()
            .is_some_and(|application| application.patient_data)
            .then_some(DataClass::OfficialSensitive);
        patient_data.map_or(self.submitted_class(), |class| {
            class.max(self.submitted_class())
        })
    }

    /// The class that the submission bears, by itself or by its header.
    pub fn submitted_class(&self) -> DataClass {
        let label = self.message.data_class.as_ref();
        let labelled = label.and_then(|label| label.class.ok());
        labelled.map_or(self.data_class, |class| class.max(self.data_class))
    }

    /// Whether `address` is the account or one it may send as (GUIDE-10).
    pub fn may_send_as(&self, address: &Address) -> bool {
        self.account
            .as_ref()
            .is_some_and(|account| account.address == *address)
            || self
                .application
                .as_ref()
                .is_some_and(|application| application.send_as.contains(address))
    }
}

/// What the interface register says of the application.
#[derive(Clone, Debug)]
pub struct ApplicationFacts {
    pub name: String,
    pub state: ApplicationState,
    /// The moment the approval lapses, where it has one.
    pub approval_expires: Option<Timestamp>,
    /// Addresses other than the account's that it was granted to send as.
    pub send_as: Vec<Address>,
    pub patient_data: bool,
    pub display_name: DisplayNameDuty,
    /// Names of services, without organisation, that may stand in place of
    /// `Lastname, Firstname`: `Appointment Reminders`.
    pub service_names: Vec<String>,
    /// Other applications that send from the same account (GUIDE-70).
    pub account_shared_with: Vec<String>,
    pub references: ReferenceFacts,
    /// Departures from the rules that somebody approved, in force or not.
    pub exceptions: Vec<ExceptionFacts>,
    /// People whom one text may reach before it is a mass mailing, where set
    /// otherwise than [`crate::limits::MASS_MAILING_RECIPIENTS`].
    pub mass_mailing_recipients_max: Option<u64>,
    /// It may send by the high sending service too.
    pub high_sending: bool,
}

impl ApplicationFacts {
    /// The exceptions of this kind that are in force at `at`.
    pub fn exceptions_in_force(
        &self,
        kind: ExceptionKind,
        at: Timestamp,
    ) -> impl Iterator<Item = &ExceptionFacts> {
        self.exceptions
            .iter()
            .filter(move |one| one.kind == kind && at < one.expires)
    }
}

/// Which papers the register names for the application.
#[derive(Clone, Debug, Default)]
pub struct ReferenceFacts {
    /// Where the integration is documented with the application (ENG-14, DHC-1).
    pub application_documentation: Option<String>,
    /// Where it is documented with the service or the organisation's
    /// architecture (ENG-14, DHC-2).
    pub architecture_documentation: Option<String>,
    /// The Information Asset Management System's entry (ENG-21).
    pub iams: Option<String>,
    /// The architects' approval (DHC-14, DHC-15).
    pub architecture_approval: Option<String>,
}

/// One approved departure, with an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExceptionFacts {
    pub kind: ExceptionKind,
    /// The approval's own reference.
    pub reference: String,
    /// The first moment at which it no longer holds.
    pub expires: Timestamp,
    /// What it is for: a device's source address, a service's name; empty for
    /// the relay.
    pub subject: String,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionKind {
    /// Mail may leave through the relay (DHC-8, DHC-15).
    Relay,
    /// A device may hand over mail without TLS or without signing in.
    PlaintextDevice,
    /// A service's name may stand in place of a person's (GUIDE-78).
    ServiceName,
}

impl ExceptionKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::PlaintextDevice => "plaintext_device",
            Self::ServiceName => "service_name",
        }
    }
}

/// Where an application stands in the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApplicationState {
    Draft,
    Approved,
    Live,
    Suspended,
    Retired,
}

impl ApplicationState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Approved => "approved",
            Self::Live => "live",
            Self::Suspended => "suspended",
            Self::Retired => "retired",
        }
    }
}

/// How strictly the form of the display name is asked of an application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DisplayNameDuty {
    /// As severe as the rule is set.
    #[default]
    Advised,
    /// Refused whenever it is wrong.
    Required,
}

/// The account at the mail service.
#[derive(Clone, Debug)]
pub struct AccountFacts {
    pub address: Address,
    pub kind: AccountKind,
    /// The name that its mail bears, as the account's record has it.
    pub display_name: Option<String>,
    /// Whether that name may be put in place of one that breaks the form.
    pub repair_display_name: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountKind {
    Application,
    User,
    Shared,
}

/// What SMTP, or the API, was told.
#[derive(Clone, Debug)]
pub struct EnvelopeFacts {
    pub reverse_path: ReversePath,
    pub recipients: Vec<RecipientFacts>,
}

#[derive(Clone, Debug)]
pub struct RecipientFacts {
    pub address: Address,
    /// Known as a distribution list of the service.
    pub distribution_list: bool,
    /// Its domain is the service's own or certified to DCB1596 (ENG-19).
    pub accredited: bool,
}

impl From<Address> for RecipientFacts {
    /// One person, at a domain that nobody has certified.
    fn from(address: Address) -> Self {
        Self {
            address,
            distribution_list: false,
            accredited: false,
        }
    }
}

/// The way out that the message would take.
#[derive(Clone, Debug)]
pub struct RouteFacts {
    pub name: String,
    pub kind: RouteKind,
    /// It ends in the twin: nothing leaves, and nothing real is touched.
    pub twin: bool,
    /// Ends at a mail service that is certified to DCB1596.
    pub dcb1596: bool,
    /// Whose mail service it ends at.
    pub service: MailService,
    /// We prove who we are to the next server.
    pub authenticated: bool,
    /// The least version it will speak; `None` when it may fall back to plain text.
    pub tls: Option<TlsVersion>,
    /// Recipients that its account may address at once, where set.
    pub recipients_max: Option<u64>,
    /// Octets that it takes, where it takes less than the published limit.
    pub octets_max: Option<u64>,
    /// It ends at a server of the organisation's own (ENG-24).
    pub on_premise: bool,
    pub retirements: Vec<RetirementFacts>,
}

/// Something that a route rests on and that the service takes away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetirementFacts {
    /// The first moment without it.
    pub date: Timestamp,
    /// `password sign-in`.
    pub what: String,
}

impl RouteFacts {
    /// A route of this kind as NHSmail offers it.
    pub fn nhsmail(kind: RouteKind) -> Self {
        let relay = kind == RouteKind::Relay;
        Self {
            name: kind.as_str().to_owned(),
            kind,
            twin: false,
            dcb1596: !relay,
            service: MailService::Nhsmail,
            authenticated: !relay,
            tls: (!relay).then_some(TlsVersion::Tls12),
            recipients_max: None,
            octets_max: None,
            on_premise: false,
            retirements: Vec::new(),
        }
    }

    /// The same, ending in the twin.
    pub fn twin(kind: RouteKind) -> Self {
        Self {
            twin: true,
            ..Self::nhsmail(kind)
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteKind {
    Submission,
    Graph,
    HighSending,
    Relay,
    Ews,
}

impl RouteKind {
    pub const ALL: [Self; 5] = [
        Self::Submission,
        Self::Graph,
        Self::HighSending,
        Self::Relay,
        Self::Ews,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submission => "submission",
            Self::Graph => "graph",
            Self::HighSending => "high_sending",
            Self::Relay => "relay",
            Self::Ews => "ews",
        }
    }
}

/// Ordered: the later, the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    Tls10,
    Tls11,
    Tls12,
    Tls13,
}

impl TlsVersion {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tls10 => "TLS 1.0",
            Self::Tls11 => "TLS 1.1",
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        }
    }
}

/// The facts by the names under which rules say what they read.
pub const NAMES: &[(&str, &str)] = &[
    ("at", "the moment of the submission"),
    ("profile", "which documents bind the organisation"),
    (
        "application.exceptions",
        "the application's approved exceptions that are in force",
    ),
    (
        "application.state",
        "where the application stands in the register, and until when its approval holds",
    ),
    (
        "application.send_as",
        "the addresses that the application was granted to send as",
    ),
    (
        "application.patient_data",
        "whether the application is registered to carry patient data",
    ),
    (
        "application.display_name",
        "how strictly the form of the display name is asked, and the names of services excepted from it",
    ),
    (
        "account.address",
        "the account that the application sends from",
    ),
    (
        "application.references",
        "the papers that the register names for the application",
    ),
    (
        "application.account_shared_with",
        "other applications that send from the same account",
    ),
    (
        "application.mass_mailing",
        "the application's own threshold for mass mailings",
    ),
    (
        "application.high_sending",
        "whether the application may use the high sending service",
    ),
    ("account.kind", "application, user or shared"),
    (
        "account.display_name",
        "the name that the account's mail bears, and whether it may be put in place of another",
    ),
    ("envelope.reverse_path", "MAIL FROM"),
    ("envelope.recipients", "every RCPT TO"),
    (
        "recipients.accredited",
        "whether a recipient's domain is the service's own or certified to DCB1596",
    ),
    ("message.from", "the From field"),
    ("message.sender", "the Sender field"),
    ("message.reply_to", "the Reply-To field"),
    ("message.to", "the To, Cc and Bcc fields"),
    ("message.subject", "whether there is a subject"),
    ("message.date", "whether there is a Date field"),
    ("message.message_id", "the Message-ID field"),
    ("message.data_class", "the X-Mailward-Data-Class field"),
    (
        "message.doubled",
        "fields that stand more than once and may not",
    ),
    ("message.header", "the size and form of the header section"),
    ("message.octets", "the size of the encoded message"),
    (
        "content.cut_short",
        "whether the message has more parts than are opened",
    ),
    (
        "content.identifiers",
        "identifiers of patients in subject, texts and names of attachments",
    ),
    (
        "content.marking",
        "the strictest data class marking in subject and texts",
    ),
    (
        "content.secure_tag",
        "whether [secure] stands in the subject",
    ),
    (
        "content.fingerprint",
        "what texts have in common that differ only in what is a person's own",
    ),
    (
        "history.messages",
        "messages of the account in the last minute",
    ),
    (
        "history.recipients",
        "recipients of the account in the last 24 hours",
    ),
    (
        "history.lists",
        "when distribution lists among the recipients last had a message",
    ),
    (
        "history.same_text",
        "people addressed with the same text within the window",
    ),
    ("route.kind", "which kind of route it would take"),
    ("route.twin", "whether the route ends in the twin"),
    (
        "route.security",
        "whether the route is certified to DCB1596, authenticated and encrypted",
    ),
    ("route.service", "which mail service the route ends at"),
    ("route.limits", "limits set for the route's account"),
    (
        "route.on_premise",
        "whether it ends at a server of the organisation's own",
    ),
    (
        "route.retirements",
        "what the route rests on and the service takes away, and when",
    ),
    ("data_class", "the data class given with the submission"),
];
