//! How far a session had come.

use std::fmt;

/// The stages in their order. Whatever goes wrong is told with the stage it
/// went wrong at: before [`Stage::FinalDot`] the message is certainly not
/// taken, from there on an answer that does not come leaves it in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    Connect,
    Greeting,
    Ehlo,
    StartTls,
    /// The handshake itself.
    Tls,
    Auth,
    /// RSET between messages.
    Reset,
    MailFrom,
    RcptTo,
    Data,
    Body,
    /// The final dot is, perhaps, sent; its reply has not come.
    FinalDot,
    Quit,
}

impl Stage {
    pub const ALL: [Self; 13] = [
        Self::Connect,
        Self::Greeting,
        Self::Ehlo,
        Self::StartTls,
        Self::Tls,
        Self::Auth,
        Self::Reset,
        Self::MailFrom,
        Self::RcptTo,
        Self::Data,
        Self::Body,
        Self::FinalDot,
        Self::Quit,
    ];

    /// As logs and timelines write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Greeting => "greeting",
            Self::Ehlo => "EHLO",
            Self::StartTls => "STARTTLS",
            Self::Tls => "TLS handshake",
            Self::Auth => "AUTH",
            Self::Reset => "RSET",
            Self::MailFrom => "MAIL FROM",
            Self::RcptTo => "RCPT TO",
            Self::Data => "DATA",
            Self::Body => "message body",
            Self::FinalDot => "end of message",
            Self::Quit => "QUIT",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == text)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
