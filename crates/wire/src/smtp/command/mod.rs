//! Commands as values (RFC 5321 section 4.1), and how a line becomes one.

mod mail;
mod path;

use std::fmt;

use mailward_mail::{AddressError, Recipient};

pub use mail::{ByMode, DeliverBy, MailFrom, ParameterError, Release};

use super::server::{Extension, Quirks};

/// The words a client may begin a line with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    Ehlo,
    Helo,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    Bdat,
    Rset,
    Noop,
    Vrfy,
    Expn,
    Help,
    Quit,
    /// RFC 821's SEND, SOML, SAML and TURN, which RFC 5321 retired.
    Retired,
}

impl Verb {
    const WORDS: [(&'static str, Self); 18] = [
        ("EHLO", Self::Ehlo),
        ("HELO", Self::Helo),
        ("STARTTLS", Self::StartTls),
        ("AUTH", Self::Auth),
        ("MAIL", Self::Mail),
        ("RCPT", Self::Rcpt),
        ("DATA", Self::Data),
        ("BDAT", Self::Bdat),
        ("RSET", Self::Rset),
        ("NOOP", Self::Noop),
        ("VRFY", Self::Vrfy),
        ("EXPN", Self::Expn),
        ("HELP", Self::Help),
        ("QUIT", Self::Quit),
        ("SEND", Self::Retired),
        ("SOML", Self::Retired),
        ("SAML", Self::Retired),
        ("TURN", Self::Retired),
    ];

    /// The verb a line starts with, without regard to case.
    pub fn of(line: &[u8]) -> Option<Self> {
        let word = line.split(|byte| *byte == b' ').next()?;
        Self::WORDS
            .iter()
            .find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(word))
            .map(|(_, verb)| *verb)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retired => "this command",
            _ => Self::WORDS
                .iter()
                .find(|(_, verb)| *verb == self)
                .map_or("", |(name, _)| name),
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a command came at the wrong moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    HelloFirst,
    MailFirst,
    RecipientFirst,
    /// MAIL, AUTH or STARTTLS while a transaction is open.
    InTransaction,
    AlreadyTls,
    AlreadyAuthenticated,
    /// Anything but BDAT, RSET, NOOP and QUIT after the first BDAT.
    ChunksBegun,
    /// DATA for a message declared BODY=BINARYMIME (RFC 3030 section 3).
    BinaryNeedsChunks,
}

/// One command, as far as it can be read without knowing the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// The argument may be empty.
    Ehlo(&'a str),
    Helo(&'a str),
    StartTls,
    Auth {
        mechanism: &'a str,
        initial: Option<&'a str>,
    },
    Mail(MailFrom),
    Rcpt(Recipient),
    Data,
    Bdat {
        octets: u64,
        last: bool,
    },
    Rset,
    Noop,
    Vrfy,
    Expn,
    Help,
    Quit,
}

/// Why a line is no command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandError {
    Unknown,
    /// Known, but not offered here: EXPN, SEND, or an extension left out.
    NotImplemented(Verb),
    NotUtf8,
    /// Arguments missing, superfluous or misshapen.
    Arguments(Verb),
    Address(Verb, AddressError),
    Parameter(Verb, ParameterError),
    Bdat(BdatError),
}

/// Why a BDAT line cannot say how many octets follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BdatError {
    /// No number, or not `LAST` after it.
    Form,
    /// A number that no message can have: what follows cannot be skipped.
    Overflow,
}

impl<'a> Command<'a> {
    /// Reads a line without its CRLF. `offered` are the extensions whose
    /// commands and parameters may be used.
    pub fn parse(
        line: &'a [u8],
        offered: &[Extension],
        quirks: &Quirks,
    ) -> Result<Self, CommandError> {
        let verb = Verb::of(line).ok_or(CommandError::Unknown)?;
        let text = std::str::from_utf8(line).map_err(|_| CommandError::NotUtf8)?;
        let text = if quirks.trailing_space {
            text.trim_end_matches(' ')
        } else {
            text
        };
        let (word, argument) = text.split_once(' ').unwrap_or((text, ""));
        debug_assert!(word.is_ascii());
        let none = |command: Self| {
            if argument.is_empty() {
                Ok(command)
            } else {
                Err(CommandError::Arguments(verb))
            }
        };
        let known = |extension: Extension| {
            if offered.contains(&extension) {
                Ok(())
            } else {
                Err(CommandError::NotImplemented(verb))
            }
        };
        match verb {
            Verb::Ehlo => Ok(Self::Ehlo(argument)),
            Verb::Helo => Ok(Self::Helo(argument)),
            Verb::StartTls => known(Extension::StartTls).and(none(Self::StartTls)),
            Verb::Auth => known(Extension::Auth).and_then(|()| auth(argument)),
            Verb::Mail => mail::parse_mail(argument, offered, quirks).map(Self::Mail),
            Verb::Rcpt => mail::parse_rcpt(argument, offered, quirks).map(Self::Rcpt),
            Verb::Data => none(Self::Data),
            Verb::Bdat => known(Extension::Chunking).and_then(|()| bdat(argument)),
            Verb::Rset => none(Self::Rset),
            Verb::Noop => Ok(Self::Noop),
            Verb::Vrfy if argument.is_empty() => Err(CommandError::Arguments(verb)),
            Verb::Vrfy => Ok(Self::Vrfy),
            Verb::Expn => Ok(Self::Expn),
            Verb::Help => Ok(Self::Help),
            Verb::Quit => none(Self::Quit),
            Verb::Retired => Err(CommandError::NotImplemented(verb)),
        }
    }
}

fn auth(argument: &str) -> Result<Command<'_>, CommandError> {
    let mut words = argument.split(' ');
    match (words.next(), words.next(), words.next()) {
        (Some(mechanism), initial, None) if !mechanism.is_empty() => {
            Ok(Command::Auth { mechanism, initial })
        }
        _ => Err(CommandError::Arguments(Verb::Auth)),
    }
}

/// `chunk-size [LAST]` (RFC 3030 section 2).
fn bdat(argument: &str) -> Result<Command<'_>, CommandError> {
    let (number, end) = match argument.split_once(' ') {
        Some((number, end)) => (number, Some(end)),
        None => (argument, None),
    };
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(CommandError::Bdat(BdatError::Form));
    }
    let octets = number
        .parse()
        .map_err(|_| CommandError::Bdat(BdatError::Overflow))?;
    match end {
        None => Ok(Command::Bdat {
            octets,
            last: false,
        }),
        Some(word) if word.eq_ignore_ascii_case("LAST") => Ok(Command::Bdat { octets, last: true }),
        Some(_) => Err(CommandError::Bdat(BdatError::Form)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Result<Command<'_>, CommandError>) {
        let found = Command::parse(line.as_bytes(), &Extension::ALL, &Quirks::default());
        assert_eq!(found, expected, "{line:?}");
    }

    #[test]
    fn reads_commands() {
        for (line, command) in [
            ("EHLO client.example", Command::Ehlo("client.example")),
            ("ehlo [192.0.2.1]", Command::Ehlo("[192.0.2.1]")),
            ("EHLO", Command::Ehlo("")),
            ("HeLo x", Command::Helo("x")),
            ("STARTTLS", Command::StartTls),
            ("starttls  ", Command::StartTls),
            ("DATA", Command::Data),
            ("data ", Command::Data),
            ("RSET", Command::Rset),
            ("NOOP", Command::Noop),
            ("NOOP anything at all", Command::Noop),
            ("VRFY pat", Command::Vrfy),
            ("HELP", Command::Help),
            ("HELP MAIL", Command::Help),
            ("QUIT", Command::Quit),
            (
                "AUTH LOGIN",
                Command::Auth {
                    mechanism: "LOGIN",
                    initial: None,
                },
            ),
            (
                "AUTH PLAIN =",
                Command::Auth {
                    mechanism: "PLAIN",
                    initial: Some("="),
                },
            ),
            (
                "BDAT 0 LAST",
                Command::Bdat {
                    octets: 0,
                    last: true,
                },
            ),
            (
                "bdat 86 last",
                Command::Bdat {
                    octets: 86,
                    last: true,
                },
            ),
            (
                "BDAT 1000000",
                Command::Bdat {
                    octets: 1_000_000,
                    last: false,
                },
            ),
        ] {
            check(line, Ok(command));
        }
    }

    #[test]
    fn refuses_what_is_none() {
        use CommandError::*;
        for (line, error) in [
            ("", Unknown),
            (" NOOP", Unknown),
            ("NOOPS", Unknown),
            ("MAILFROM:<a@b.example>", Unknown),
            ("GET / HTTP/1.1", Unknown),
            ("TURN", NotImplemented(Verb::Retired)),
            ("DATA now", Arguments(Verb::Data)),
            ("QUIT please", Arguments(Verb::Quit)),
            ("VRFY", Arguments(Verb::Vrfy)),
            ("AUTH", Arguments(Verb::Auth)),
            ("AUTH PLAIN a b", Arguments(Verb::Auth)),
            ("BDAT", Bdat(BdatError::Form)),
            ("BDAT LAST", Bdat(BdatError::Form)),
            ("BDAT -1", Bdat(BdatError::Form)),
            ("BDAT +1", Bdat(BdatError::Form)),
            ("BDAT 1x", Bdat(BdatError::Form)),
            ("BDAT 0x10", Bdat(BdatError::Form)),
            ("BDAT 1 FIRST", Bdat(BdatError::Form)),
            ("BDAT 99999999999999999999", Bdat(BdatError::Overflow)),
        ] {
            check(line, Err(error));
        }
        let found = Command::parse(b"NOOP \xff", &Extension::ALL, &Quirks::default());
        assert_eq!(found, Err(NotUtf8));
    }

    #[test]
    fn extensions_left_out_are_not_implemented() {
        for (line, verb) in [
            ("STARTTLS", Verb::StartTls),
            ("AUTH PLAIN", Verb::Auth),
            ("BDAT 1", Verb::Bdat),
        ] {
            let found = Command::parse(line.as_bytes(), &[], &Quirks::default());
            assert_eq!(found, Err(CommandError::NotImplemented(verb)));
        }
    }

    #[test]
    fn without_the_quirk_a_trailing_space_is_an_argument() {
        let found = Command::parse(b"DATA ", &[], &Quirks::NONE);
        assert_eq!(found, Ok(Command::Data), "an empty argument is none");
        let found = Command::parse(b"DATA  ", &[], &Quirks::NONE);
        assert_eq!(found, Err(CommandError::Arguments(Verb::Data)));
    }
}
