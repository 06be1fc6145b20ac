//! One account of the twin, and what the Local Administrator can do to it.

use mailward_mail::{Secret, Timestamp};

use super::{AccountKind, AccountView, ServiceEvent};

#[derive(Clone, Debug)]
pub struct AccountDetail {
    pub account: AccountView,
    pub protocols: Vec<ProtocolView>,
    pub password_changed: Timestamp,
    pub password_expires: Timestamp,
    /// In a row, and how many lock; never when absent.
    pub wrong_passwords: u32,
    pub wrong_passwords_max: Option<u32>,
    pub sender: SenderView,
    pub auto_reply: Option<AutoReplyView>,
    /// Its holder opens each message so long after it came.
    pub reading_after_seconds: Option<u64>,
    /// The latest, newest first.
    pub events: Vec<ServiceEvent>,
}

#[derive(Clone, Debug)]
pub struct ProtocolView {
    /// `imap`.
    pub name: String,
    /// `IMAP`.
    pub label: String,
    pub is_on: bool,
    /// Why it is off.
    pub why_off: Option<String>,
}

/// What the service has set for it as a sender.
#[derive(Clone, Debug)]
pub struct SenderView {
    /// Recipients that one message may have.
    pub recipients_max: u64,
}

#[derive(Clone, Debug)]
pub struct AutoReplyView {
    pub text: String,
    /// For senders outside; the same when absent.
    pub external_text: Option<String>,
    pub organisation_only: bool,
}

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountVerb {
    Lock,
    Unlock,
    Disable,
    Enable,
    Password,
    ForceChange,
    Expire,
    Protocols,
    Convert,
    Quota,
    Recipients,
    Block,
    Unblock,
    AutoReply,
    EndAutoReply,
    Reading,
    EndReading,
}

/// One act, with what it needs.
#[derive(Clone, Debug)]
pub enum AccountAct {
    Lock,
    Unlock,
    Disable,
    Enable,
    Expire,
    ForceChange,
    Password {
        new: Secret,
        must_change: bool,
    },
    /// The names of those that are enabled from now on.
    Protocols(Vec<String>),
    Convert(AccountKind),
    /// In MB; none without.
    Quota(Option<u64>),
    Recipients(u64),
    Block,
    Unblock,
    AutoReply(AutoReplyView),
    EndAutoReply,
    Reading {
        after_seconds: u64,
    },
    EndReading,
}

impl AccountVerb {
    pub const ALL: [Self; 17] = [
        Self::Lock,
        Self::Unlock,
        Self::Disable,
        Self::Enable,
        Self::Password,
        Self::ForceChange,
        Self::Expire,
        Self::Protocols,
        Self::Convert,
        Self::Quota,
        Self::Recipients,
        Self::Block,
        Self::Unblock,
        Self::AutoReply,
        Self::EndAutoReply,
        Self::Reading,
        Self::EndReading,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::Unlock => "unlock",
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Password => "password",
            Self::ForceChange => "force-change",
            Self::Expire => "expire",
            Self::Protocols => "protocols",
            Self::Convert => "convert",
            Self::Quota => "quota",
            Self::Recipients => "recipients",
            Self::Block => "block",
            Self::Unblock => "unblock",
            Self::AutoReply => "auto-reply",
            Self::EndAutoReply => "end-auto-reply",
            Self::Reading => "reading",
            Self::EndReading => "end-reading",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// Its link.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Lock => "Lock",
            Self::Unlock => "Unlock",
            Self::Disable => "Disable",
            Self::Enable => "Enable",
            Self::Password => "Set a password",
            Self::ForceChange => "Force a change of password",
            Self::Expire => "Let the password expire",
            Self::Protocols => "Enable protocols",
            Self::Convert => "Convert to another type",
            Self::Quota => "Set the quota",
            Self::Recipients => "Set recipients a message",
            Self::Block => "Block as a sender",
            Self::Unblock => "Let it send again",
            Self::AutoReply => "Set an automatic reply",
            Self::EndAutoReply => "End the automatic reply",
            Self::Reading => "Let its holder read",
            Self::EndReading => "Let its holder read nothing",
        }
    }

    /// The heading of the page that asks.
    pub(crate) fn question(self) -> &'static str {
        match self {
            Self::Lock => "Lock this account?",
            Self::Unlock => "Unlock this account?",
            Self::Disable => "Disable this account?",
            Self::Enable => "Enable this account?",
            Self::Password => "Set a password",
            Self::ForceChange => "Force a change of password?",
            Self::Expire => "Let the password expire?",
            Self::Protocols => "Which protocols may it use?",
            Self::Convert => "Convert to another type of account?",
            Self::Quota => "How large may its mailbox be?",
            Self::Recipients => "How many recipients may a message have?",
            Self::Block => "Block this account as a sender?",
            Self::Unblock => "Let this account send again?",
            Self::AutoReply => "Set an automatic reply",
            Self::EndAutoReply => "End the automatic reply?",
            Self::Reading => "Let its holder read what comes?",
            Self::EndReading => "Let its holder read nothing?",
        }
    }

    /// What will happen.
    pub(crate) fn effect(self) -> &'static str {
        match self {
            Self::Lock => {
                "Nobody signs in, by password or token, until a Local Administrator unlocks it. Sessions under way are refused at their next command. Mail still arrives."
            }
            Self::Unlock => "It opens again, and its wrong passwords are forgotten.",
            Self::Disable => {
                "Nobody signs in, by password or token, until it is enabled. Sessions under way are refused at their next command."
            }
            Self::Enable => "It opens again.",
            Self::Password => {
                "The password holds at once, if the policy takes it. Whoever uses the old one is refused, and counts towards the lock."
            }
            Self::ForceChange => {
                "The password opens nothing until its holder has changed it. Tokens open as ever."
            }
            Self::Expire => {
                "The password counts as older than a password may be and opens nothing until it is changed. Tokens open as ever."
            }
            Self::Protocols => {
                "A protocol that is not enabled refuses the account in the words of the service. Disuse switches protocols off, and only a Local Administrator switches them on."
            }
            Self::Convert => {
                "Other rules hold for it from now on: quota and password policy go by the type."
            }
            Self::Quota => {
                "From 90 percent on its holder is warned, near the quota nothing is sent, and at the quota nothing is received either, unless the seed says otherwise."
            }
            Self::Recipients => "A message with more is taken and reported as too large a list.",
            Self::Block => {
                "MAIL FROM is refused as from a sender that sent spam, until it is let send again."
            }
            Self::Unblock => "Its mail is taken again.",
            Self::AutoReply => {
                "Each sender is answered once in this absence. Setting it again begins another absence."
            }
            Self::EndAutoReply => "Nobody is answered any more.",
            Self::Reading => {
                "Each message of the inbox is opened so long after it came, on the twin's clock, and a receipt is sent where one is asked for."
            }
            Self::EndReading => "What comes stays unseen.",
        }
    }

    /// What it says once it is done.
    pub(crate) fn done(self) -> &'static str {
        match self {
            Self::Lock => "The account is locked",
            Self::Unlock => "The account is unlocked",
            Self::Disable => "The account is disabled",
            Self::Enable => "The account is enabled",
            Self::Password => "The password is set",
            Self::ForceChange => "The password must be changed",
            Self::Expire => "The password has expired",
            Self::Protocols => "The protocols are set",
            Self::Convert => "The account is converted",
            Self::Quota => "The quota is set",
            Self::Recipients => "The recipients of a message are set",
            Self::Block => "The account is blocked as a sender",
            Self::Unblock => "The account may send again",
            Self::AutoReply => "The automatic reply is set",
            Self::EndAutoReply => "The automatic reply has ended",
            Self::Reading => "Its holder reads",
            Self::EndReading => "Its holder reads nothing",
        }
    }

    pub(crate) fn is_harsh(self) -> bool {
        matches!(
            self,
            Self::Lock | Self::Disable | Self::Expire | Self::Block
        )
    }
}
