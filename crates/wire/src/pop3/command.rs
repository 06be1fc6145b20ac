//! What a client may say.

use mailward_mail::Secret;

use crate::imap::Mechanism;

/// One command line.
#[derive(Clone, Debug)]
pub enum Command {
    User(String),
    /// All after `PASS `: a password may hold spaces (RFC 1939 section 7).
    Pass(Secret),
    /// Without a mechanism the client asks for their list.
    Auth {
        mechanism: Option<Mechanism>,
        initial_response: Option<Secret>,
    },
    Capa,
    Stat,
    /// Of one message by its number, or of all.
    List(Option<u32>),
    Uidl(Option<u32>),
    Retr(u32),
    Top {
        number: u32,
        lines: u32,
    },
    Dele(u32),
    Rset,
    Noop,
    Quit,
}

impl Command {
    pub fn name(&self) -> &'static str {
        match self {
            Self::User(_) => "USER",
            Self::Pass(_) => "PASS",
            Self::Auth { .. } => "AUTH",
            Self::Capa => "CAPA",
            Self::Stat => "STAT",
            Self::List(_) => "LIST",
            Self::Uidl(_) => "UIDL",
            Self::Retr(_) => "RETR",
            Self::Top { .. } => "TOP",
            Self::Dele(_) => "DELE",
            Self::Rset => "RSET",
            Self::Noop => "NOOP",
            Self::Quit => "QUIT",
        }
    }
}

/// Why a line is no command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    #[error("there is no such command")]
    UnknownCommand,
    #[error("the command's arguments can't be read")]
    Arguments,
}

/// Reads a line without its end.
pub fn parse_command(line: &[u8]) -> Result<Command, ParseError> {
    let (name, rest) = match memchr::memchr(b' ', line) {
        Some(space) => (&line[..space], Some(&line[space + 1..])),
        None => (line, None),
    };
    let mut keyword = [0; KEYWORD_OCTETS_MAX];
    let keyword = match keyword.get_mut(..name.len()) {
        Some(keyword) => {
            keyword.copy_from_slice(name);
            keyword.make_ascii_uppercase();
            &*keyword
        }
        None => return Err(ParseError::UnknownCommand),
    };
    if keyword == b"PASS" {
        return Ok(Command::Pass(Secret::new(text(rest.unwrap_or_default())?)));
    }
    let rest = text(rest.unwrap_or_default())?.trim_matches(' ');
    let arguments: Vec<&str> = rest
        .split(' ')
        .filter(|word| !word.is_empty())
        .take(ARGUMENTS_MAX + 1)
        .collect();
    match (keyword, arguments.as_slice()) {
        // A name with spaces in it is passed on as it came.
        (b"USER", [_, ..]) => Ok(Command::User(rest.to_owned())),
        (b"AUTH", []) => Ok(auth(None, None)),
        (b"AUTH", [mechanism]) => Ok(auth(Some(mechanism), None)),
        (b"AUTH", [mechanism, response]) => Ok(auth(Some(mechanism), Some(response))),
        (b"CAPA", []) => Ok(Command::Capa),
        (b"STAT", []) => Ok(Command::Stat),
        (b"LIST", []) => Ok(Command::List(None)),
        (b"LIST", [number]) => Ok(Command::List(Some(parse_number(number)?))),
        (b"UIDL", []) => Ok(Command::Uidl(None)),
        (b"UIDL", [number]) => Ok(Command::Uidl(Some(parse_number(number)?))),
        (b"RETR", [number]) => Ok(Command::Retr(parse_number(number)?)),
        (b"TOP", [number, lines]) => Ok(Command::Top {
            number: parse_number(number)?,
            lines: parse_number(lines)?,
        }),
        (b"DELE", [number]) => Ok(Command::Dele(parse_number(number)?)),
        (b"RSET", []) => Ok(Command::Rset),
        (b"NOOP", []) => Ok(Command::Noop),
        (b"QUIT", []) => Ok(Command::Quit),
        (
            b"USER" | b"AUTH" | b"CAPA" | b"STAT" | b"LIST" | b"UIDL" | b"RETR" | b"TOP" | b"DELE"
            | b"RSET" | b"NOOP" | b"QUIT",
            _,
        ) => Err(ParseError::Arguments),
        _ => Err(ParseError::UnknownCommand),
    }
}

/// Keywords have three or four letters (RFC 1939 section 3).
const KEYWORD_OCTETS_MAX: usize = 4;
/// No command has more.
const ARGUMENTS_MAX: usize = 2;

fn auth(mechanism: Option<&str>, initial_response: Option<&str>) -> Command {
    Command::Auth {
        mechanism: mechanism.map(Mechanism::named),
        initial_response: initial_response.map(Secret::new),
    }
}

fn text(octets: &[u8]) -> Result<&str, ParseError> {
    std::str::from_utf8(octets).map_err(|_| ParseError::Arguments)
}

/// Decimal digits alone; more than any mailbox holds reads as the largest.
fn parse_number(word: &str) -> Result<u32, ParseError> {
    if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ParseError::Arguments);
    }
    Ok(word.parse().unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &[u8]) -> String {
        match parse_command(line) {
            Ok(Command::Pass(password)) => format!("Pass({})", password.expose()),
            Ok(Command::Auth {
                mechanism,
                initial_response,
            }) => format!(
                "Auth({}, {})",
                mechanism.as_ref().map_or("-", Mechanism::name),
                initial_response.as_ref().map_or("-", Secret::expose)
            ),
            Ok(command) => format!("{command:?}"),
            Err(error) => format!("{error:?}"),
        }
    }

    #[test]
    fn reads_commands() {
        for (line, expected) in [
            (
                &b"USER asha@northmoor.example"[..],
                "User(\"asha@northmoor.example\")",
            ),
            (b"user Asha Sample ", "User(\"Asha Sample\")"),
            (b"PASS  two words ", "Pass( two words )"),
            (b"PASS", "Pass()"),
            (b"AUTH", "Auth(-, -)"),
            (b"auth xoauth2", "Auth(XOAUTH2, -)"),
            (b"AUTH PLAIN AGEAYg==", "Auth(PLAIN, AGEAYg==)"),
            (b"AUTH CRAM-MD5", "Auth(CRAM-MD5, -)"),
            (b"CAPA", "Capa"),
            (b"stat ", "Stat"),
            (b"LIST", "List(None)"),
            (b"LIST  7", "List(Some(7))"),
            (b"UIDL 1", "Uidl(Some(1))"),
            (b"RETR 4294967296", "Retr(4294967295)"),
            (b"TOP 1 0", "Top { number: 1, lines: 0 }"),
            (
                b"TOP 1 99999999999999",
                "Top { number: 1, lines: 4294967295 }",
            ),
            (b"DELE 0", "Dele(0)"),
            (b"Rset", "Rset"),
            (b"NOOP", "Noop"),
            (b"QUIT", "Quit"),
        ] {
            assert_eq!(shown(line), expected, "{}", line.escape_ascii());
        }
    }

    #[test]
    fn refuses_what_is_none() {
        for (line, expected) in [
            (&b""[..], "UnknownCommand"),
            (b" STAT", "UnknownCommand"),
            (b"LAST", "UnknownCommand"),
            (
                b"APOP asha c4c9334bac560ecc979e58001b3e22fb",
                "UnknownCommand",
            ),
            (b"STLS", "UnknownCommand"),
            (b"STATUS", "UnknownCommand"),
            (b"\xff\xfe\x00", "UnknownCommand"),
            (b"USER", "Arguments"),
            (b"USER \xff", "Arguments"),
            (b"RETR", "Arguments"),
            (b"RETR x", "Arguments"),
            (b"RETR -1", "Arguments"),
            (b"RETR +1", "Arguments"),
            (b"RETR 1 2", "Arguments"),
            (b"TOP 1", "Arguments"),
            (b"TOP 1 2 3", "Arguments"),
            (b"STAT 1", "Arguments"),
            (b"AUTH a b c", "Arguments"),
        ] {
            assert_eq!(shown(line), expected, "{}", line.escape_ascii());
        }
    }
}
