//! What a listener offers, insists on and puts up with.

use std::time::Duration;

use super::super::sasl::Mechanism;

/// One listener's settings, shared by all its sessions.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What EHLO lists, in this order. STARTTLS is listed only before TLS and
    /// AUTH only where it may be used, so one list serves both states.
    pub extensions: Vec<Extension>,
    /// What `AUTH` lists, in this order.
    pub mechanisms: Vec<Mechanism>,
    /// MAIL before TLS is refused.
    pub tls_required: bool,
    /// MAIL before AUTH is refused.
    pub auth_required: bool,
    /// AUTH is offered and taken in plain text. For tests and closed networks
    /// alone.
    pub auth_without_tls: bool,
    pub limits: Limits,
    pub times: Times,
    pub quirks: Quirks,
}

impl Settings {
    /// A submission listener (RFC 6409) that insists on TLS and AUTH.
    pub fn submission() -> Self {
        use Extension::*;
        Self {
            extensions: vec![
                Pipelining,
                Size,
                StartTls,
                Auth,
                EightBitMime,
                SmtpUtf8,
                Chunking,
                Dsn,
                EnhancedStatusCodes,
            ],
            mechanisms: vec![Mechanism::Plain, Mechanism::Login],
            tls_required: true,
            auth_required: true,
            auth_without_tls: false,
            limits: Limits::default(),
            times: Times::default(),
            quirks: Quirks::default(),
        }
    }

    pub fn offers(&self, extension: Extension) -> bool {
        self.extensions.contains(&extension)
    }
}

/// A line of the EHLO reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extension {
    /// With [`Limits::message_octets_max`] as its value.
    Size,
    Pipelining,
    Dsn,
    EnhancedStatusCodes,
    StartTls,
    Auth,
    EightBitMime,
    BinaryMime,
    Chunking,
    SmtpUtf8,
    /// RFC 6710.
    MtPriority,
    /// RFC 4865, with [`Limits::future_release_max`] as its values.
    FutureRelease,
    /// RFC 2852, with [`Limits::deliver_by_min`] as its value.
    DeliverBy,
}

impl Extension {
    pub const ALL: [Self; 13] = [
        Self::Size,
        Self::Pipelining,
        Self::Dsn,
        Self::EnhancedStatusCodes,
        Self::StartTls,
        Self::Auth,
        Self::EightBitMime,
        Self::BinaryMime,
        Self::Chunking,
        Self::SmtpUtf8,
        Self::MtPriority,
        Self::FutureRelease,
        Self::DeliverBy,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Size => "SIZE",
            Self::Pipelining => "PIPELINING",
            Self::Dsn => "DSN",
            Self::EnhancedStatusCodes => "ENHANCEDSTATUSCODES",
            Self::StartTls => "STARTTLS",
            Self::Auth => "AUTH",
            Self::EightBitMime => "8BITMIME",
            Self::BinaryMime => "BINARYMIME",
            Self::Chunking => "CHUNKING",
            Self::SmtpUtf8 => "SMTPUTF8",
            Self::MtPriority => "MT-PRIORITY",
            Self::FutureRelease => "FUTURERELEASE",
            Self::DeliverBy => "DELIVERBY",
        }
    }
}

/// How much of anything a session takes.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Octets of a message, as sent after dot-unstuffing.
    pub message_octets_max: u64,
    /// RCPT commands taken for one message.
    pub recipients_max: usize,
    /// How long a message may be kept before it is sent.
    pub future_release_max: Duration,
    /// The shortest time that BY= with R may give.
    pub deliver_by_min: Duration,
    /// Octets of a command line with its CRLF. RFC 5321 section 4.5.3.1.4 has
    /// 512; EHLO names and NOOP arguments fit in that.
    pub command_octets_max: usize,
    /// The same for MAIL and RCPT, whose parameters add to it: 26 for SIZE,
    /// 16 for BODY, 110 for ENVID, 500 for AUTH=, 28 for NOTIFY, 508 for
    /// ORCPT, 10 for SMTPUTF8, 15 for MT-PRIORITY, 34 for HOLDFOR or HOLDUNTIL,
    /// 17 for BY.
    pub path_command_octets_max: usize,
    /// The same for AUTH and its responses (RFC 4954 section 4).
    pub auth_octets_max: usize,
    /// Octets of one line of a message with its CRLF. RFC 5322 section 2.1.1
    /// has 1000, which real mail often exceeds: whole HTML pages on one line,
    /// PEM and JSON without breaks. Since a line is never held in memory the
    /// limit only bounds what later readers meet.
    pub body_line_octets_max: u64,
    /// AUTH refusals until the connection is closed.
    pub auth_refusals_max: u16,
    /// Malformed, unknown and out-of-order commands until it is closed.
    pub errors_max: u16,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_octets_max: 50 * 1024 * 1024,
            recipients_max: 1000,
            future_release_max: Duration::from_secs(31 * 24 * 3600),
            deliver_by_min: Duration::from_secs(1),
            command_octets_max: 512,
            path_command_octets_max: 2048,
            auth_octets_max: 12_288,
            body_line_octets_max: 1024 * 1024,
            auth_refusals_max: 3,
            errors_max: 20,
        }
    }
}

/// How long a session waits for its client. RFC 5321 section 4.5.3.2 gives
/// the minima: five minutes for a command, three between blocks of a body.
#[derive(Clone, Debug)]
pub struct Times {
    /// From the last reply to the end of the next command.
    pub command: Duration,
    /// From connecting until the client has signed in, or, where it need not,
    /// until its first MAIL is taken.
    pub before_authentication: Duration,
    /// Between two pieces of a body.
    pub body_block: Duration,
    /// For a whole body: this long, and a second more for every
    /// `body_octets_per_second_min` octets received.
    pub body_grace: Duration,
    pub body_octets_per_second_min: u64,
    /// For the whole connection, where the service has such a limit.
    pub connection: Option<Duration>,
    /// For the client to take what is sent to it.
    pub send: Duration,
    pub tls_handshake: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            command: Duration::from_secs(300),
            before_authentication: Duration::from_secs(300),
            body_block: Duration::from_secs(180),
            body_grace: Duration::from_secs(600),
            body_octets_per_second_min: 1000,
            connection: None,
            send: Duration::from_secs(300),
            tls_handshake: Duration::from_secs(30),
        }
    }
}

/// Tolerated oddities, each with the peer that needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirks {
    /// `MAIL FROM: <a@b.example>`: hand-written clients in scanners and
    /// scripts; Postfix and Exchange take it too.
    pub space_before_path: bool,
    /// `DATA ` and `RSET ` with spaces at the end: the same clients.
    pub trailing_space: bool,
    /// EHLO names that are no domain, such as `my_scanner` or `WARD 3`:
    /// Windows clients send their computer's name. The name decides nothing.
    pub any_client_name: bool,
    /// EHLO without a name: Exchange takes it.
    pub no_client_name: bool,
}

impl Quirks {
    pub const NONE: Self = Self {
        space_before_path: false,
        trailing_space: false,
        any_client_name: false,
        no_client_name: false,
    };
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            space_before_path: true,
            trailing_space: true,
            any_client_name: true,
            no_client_name: false,
        }
    }
}
