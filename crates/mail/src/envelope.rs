//! What SMTP was told about a message, as against what its headers say.

use crate::address::{ForwardPath, ReversePath};

/// BODY= of RFC 6152 and RFC 3030.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BodyType {
    #[default]
    SevenBit,
    EightBitMime,
    BinaryMime,
}

/// RET= of RFC 3461: how much of the message a report should return.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ret {
    Full,
    Headers,
}

/// NOTIFY= of RFC 3461. Without any, the sender is told of failure, and of
/// delay if the server likes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Notify {
    /// NOTIFY=NEVER; the others are false then.
    pub never: bool,
    pub success: bool,
    pub failure: bool,
    pub delay: bool,
}

impl Notify {
    /// Whether the sender wants to hear of failure. Unless told NEVER or a
    /// list without FAILURE, yes (RFC 3461 section 4.1).
    pub fn wants_failure(notify: Option<Self>) -> bool {
        notify.is_none_or(|notify| notify.failure)
    }
}

/// One RCPT TO.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Recipient {
    pub forward_path: ForwardPath,
    pub notify: Option<Notify>,
    /// ORCPT= as given, in xtext form: `rfc822;someone@clinic.example`.
    pub orcpt: Option<String>,
}

impl Recipient {
    pub fn new(forward_path: ForwardPath) -> Self {
        Self {
            forward_path,
            notify: None,
            orcpt: None,
        }
    }
}

/// MAIL FROM and all RCPT TO of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    pub reverse_path: ReversePath,
    pub recipients: Vec<Recipient>,
    pub body: BodyType,
    pub smtputf8: bool,
    /// SIZE= as declared, in octets.
    pub declared_size: Option<u64>,
    pub ret: Option<Ret>,
    /// ENVID= as given, in xtext form.
    pub envid: Option<String>,
}

impl Envelope {
    pub fn new(reverse_path: ReversePath) -> Self {
        Self {
            reverse_path,
            recipients: Vec::new(),
            body: BodyType::default(),
            smtputf8: false,
            declared_size: None,
            ret: None,
            envid: None,
        }
    }
}
