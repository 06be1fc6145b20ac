//! From a framed command to a value.

use mailward_mail::Secret;
use zeroize::Zeroize as _;

use super::command::{Append, Command, IdField, StoreMode, Tagged};
use super::credentials::Mechanism;
use super::date::parse_date_time;
use super::extended::Dialect;
use super::parse_extended::{
    fetch_modifiers, listing, opening, search, sort, status_item, store_modifier, thread,
};
use super::parse_fetch::fetch_items;
use super::read::{Parsed, Reader, SyntaxError, is_atom_char};

/// Tags longer than this are refused: every response repeats them.
pub(super) const TAG_OCTETS_MAX: usize = 64;

/// Why a command can't be read, with its tag when that could be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    #[error("the command has no tag")]
    NoTag,
    #[error("there is no command {name:?}")]
    UnknownCommand { tag: String, name: String },
    #[error("{name}: {error}")]
    Arguments {
        tag: String,
        name: String,
        error: SyntaxError,
    },
}

/// Reads one whole command: its lines joined, each literal after its
/// announcement, without the final line end.
pub fn parse_command(bytes: &[u8], dialect: Dialect) -> Result<Tagged, ParseError> {
    let mut reader = Reader::with(bytes, dialect);
    let tag = tag(&mut reader).ok_or(ParseError::NoTag)?;
    let mut name = command_name(&mut reader);
    let by_uid = name == "UID";
    if by_uid {
        if reader.space().is_err() {
            name.clear();
        } else {
            name = command_name(&mut reader);
        }
    }
    match arguments(&mut reader, &name, by_uid) {
        Ok(Some(command)) => Ok(Tagged { tag, command }),
        Ok(None) => Err(ParseError::UnknownCommand { tag, name }),
        Err(error) => Err(ParseError::Arguments { tag, name, error }),
    }
}

/// Reads an APPEND as far as the announcement of its message, which `bytes`
/// ends with. `None` when this is no APPEND, or not yet at its message.
pub fn parse_append(bytes: &[u8], octets: u64, dialect: Dialect) -> Option<Append> {
    let mut reader = Reader::with(bytes, dialect);
    let tag = tag(&mut reader)?;
    if command_name(&mut reader) != "APPEND" {
        return None;
    }
    append_arguments(&mut reader, tag, octets).ok()
}

/// The tag of a command that was cut off, if it can be told.
pub(super) fn tag_of(bytes: &[u8]) -> Option<String> {
    tag(&mut Reader::new(bytes))
}

fn tag(reader: &mut Reader<'_>) -> Option<String> {
    let tag = reader
        .take_while(|byte| byte.is_ascii() && byte != b'+' && (is_atom_char(byte) || byte == b']'));
    if tag.is_empty() || tag.len() > TAG_OCTETS_MAX || reader.space().is_err() {
        return None;
    }
    String::from_utf8(tag.to_vec()).ok()
}

fn command_name(reader: &mut Reader<'_>) -> String {
    let name = reader.take_while(|byte| byte.is_ascii_alphanumeric());
    String::from_utf8_lossy(name).to_ascii_uppercase()
}

/// What follows the name; `None` for a name that is no command.
fn arguments(reader: &mut Reader<'_>, name: &str, by_uid: bool) -> Parsed<Option<Command>> {
    let command = match name {
        "SEARCH" => {
            let search = search(reader)?;
            Command::Search { by_uid, search }
        }
        "SORT" if reader.dialect.extended => sort(reader, by_uid)?,
        "THREAD" if reader.dialect.extended => thread(reader, by_uid)?,
        "FETCH" => {
            reader.space()?;
            let set = reader.sequence_set()?;
            reader.space()?;
            let items = fetch_items(reader)?;
            let (changed_since, vanished) = fetch_modifiers(reader, by_uid)?;
            Command::Fetch {
                by_uid,
                set,
                items,
                changed_since,
                vanished,
            }
        }
        "STORE" => store(reader, by_uid)?,
        "COPY" | "MOVE" => {
            reader.space()?;
            let set = reader.sequence_set()?;
            reader.space()?;
            let mailbox = reader.mailbox()?;
            if name == "COPY" {
                Command::Copy {
                    by_uid,
                    set,
                    mailbox,
                }
            } else {
                Command::Move {
                    by_uid,
                    set,
                    mailbox,
                }
            }
        }
        "EXPUNGE" if by_uid => {
            reader.space()?;
            Command::Expunge(Some(reader.sequence_set()?))
        }
        _ if by_uid => return Ok(None),
        _ => return plain_arguments(reader, name),
    };
    reader.end()?;
    Ok(Some(command))
}

/// The commands that have no UID form.
fn plain_arguments(reader: &mut Reader<'_>, name: &str) -> Parsed<Option<Command>> {
    let command = match name {
        "CAPABILITY" => Command::Capability,
        "NOOP" => Command::Noop,
        "LOGOUT" => Command::Logout,
        "NAMESPACE" => Command::Namespace,
        "IDLE" => Command::Idle,
        "CHECK" => Command::Check,
        "CLOSE" => Command::Close,
        "UNSELECT" => Command::Unselect,
        "EXPUNGE" => Command::Expunge(None),
        "ID" => {
            reader.space()?;
            Command::Id(id_fields(reader)?)
        }
        "LOGIN" => login(reader)?,
        "AUTHENTICATE" => authenticate(reader)?,
        "ENABLE" => {
            let mut names = Vec::new();
            while reader.take(b' ') {
                names.push(reader.atom()?.to_ascii_uppercase());
            }
            if names.is_empty() {
                return reader.error("a capability");
            }
            Command::Enable(names)
        }
        "SELECT" | "EXAMINE" => {
            reader.space()?;
            let opening = opening(reader)?;
            match name {
                "SELECT" => Command::Select(opening),
                _ => Command::Examine(opening),
            }
        }
        "GETQUOTA" | "SETQUOTA" if reader.dialect.extended => {
            reader.space()?;
            let root = reader.text()?;
            if name == "GETQUOTA" {
                Command::GetQuota(root)
            } else {
                reader.space()?;
                reader.parenthesised(true, Reader::astring)?;
                Command::SetQuota(root)
            }
        }
        "GETQUOTAROOT" if reader.dialect.extended => {
            reader.space()?;
            Command::GetQuotaRoot(reader.mailbox()?)
        }
        "CREATE" | "DELETE" | "SUBSCRIBE" | "UNSUBSCRIBE" => {
            reader.space()?;
            let mailbox = reader.mailbox()?;
            match name {
                "CREATE" => Command::Create(mailbox),
                "DELETE" => Command::Delete(mailbox),
                "SUBSCRIBE" => Command::Subscribe(mailbox),
                _ => Command::Unsubscribe(mailbox),
            }
        }
        "RENAME" => {
            reader.space()?;
            let from = reader.mailbox()?;
            reader.space()?;
            let to = reader.mailbox()?;
            Command::Rename { from, to }
        }
        "LIST" => {
            reader.space()?;
            Command::List(listing(reader)?)
        }
        "LSUB" => {
            reader.space()?;
            let reference = reader.mailbox()?;
            reader.space()?;
            let pattern = reader.list_pattern()?;
            Command::Lsub { reference, pattern }
        }
        "STATUS" => {
            reader.space()?;
            let mailbox = reader.mailbox()?;
            reader.space()?;
            let items = reader.parenthesised(false, status_item)?;
            Command::Status { mailbox, items }
        }
        // An APPEND that gets here never announced a message.
        "APPEND" => return reader.error("a literal with the message"),
        _ => return Ok(None),
    };
    reader.end()?;
    Ok(Some(command))
}

fn append_arguments(reader: &mut Reader<'_>, tag: String, octets: u64) -> Parsed<Append> {
    reader.space()?;
    let mailbox = reader.mailbox()?;
    reader.space()?;
    let mut flags = Vec::new();
    if reader.peek() == Some(b'(') {
        flags = reader.flag_list()?;
        reader.space()?;
    }
    let mut internal_date = None;
    if reader.peek() == Some(b'"') {
        let text = reader.text()?;
        internal_date = match parse_date_time(&text) {
            Some(date) => Some(date),
            None => return reader.error("a date and time"),
        };
        reader.space()?;
    }
    let extended = reader.dialect.extended;
    let utf8 = extended && reader.keyword("UTF8");
    if utf8 {
        reader.space()?;
        reader.expect(b'(', "an opening parenthesis")?;
    }
    let binary = extended && reader.take(b'~');
    if utf8 && !binary {
        return reader.error("a binary literal");
    }
    reader.expect(b'{', "a literal")?;
    reader.take_while(|byte| byte.is_ascii_digit());
    reader.take(b'+');
    reader.expect(b'}', "a closing brace")?;
    reader.take(b'\r');
    reader.take(b'\n');
    if !reader.rest().is_empty() {
        return reader.error("the announcement to be the last");
    }
    Ok(Append {
        tag,
        mailbox,
        flags,
        internal_date,
        octets,
        binary,
        utf8,
    })
}

fn store(reader: &mut Reader<'_>, by_uid: bool) -> Parsed<Command> {
    reader.space()?;
    let set = reader.sequence_set()?;
    reader.space()?;
    let unchanged_since = store_modifier(reader)?;
    let mode = if reader.take(b'+') {
        StoreMode::Add
    } else if reader.take(b'-') {
        StoreMode::Remove
    } else {
        StoreMode::Replace
    };
    let silent = match reader.atom()?.to_ascii_uppercase().as_str() {
        "FLAGS" => false,
        "FLAGS.SILENT" => true,
        _ => return reader.error("FLAGS or FLAGS.SILENT"),
    };
    reader.space()?;
    let flags = if reader.peek() == Some(b'(') {
        reader.flag_list()?
    } else {
        let mut flags = vec![reader.flag()?];
        while reader.peek() == Some(b' ') && reader.rest().len() > 1 {
            reader.space()?;
            flags.push(reader.flag()?);
        }
        flags
    };
    Ok(Command::Store {
        by_uid,
        set,
        mode,
        silent,
        flags,
        unchanged_since,
    })
}

fn login(reader: &mut Reader<'_>) -> Parsed<Command> {
    reader.space()?;
    let user = reader.text()?;
    reader.space()?;
    let mut octets = reader.astring()?;
    let password = std::str::from_utf8(&octets).map(Secret::new);
    octets.zeroize();
    match password {
        Ok(password) => Ok(Command::Login { user, password }),
        Err(_) => reader.error("a password in UTF-8"),
    }
}

fn authenticate(reader: &mut Reader<'_>) -> Parsed<Command> {
    reader.space()?;
    let mechanism = Mechanism::named(reader.atom()?);
    let initial_response = if reader.take(b' ') {
        let response = reader.take_while(
            |byte| matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' | b'='),
        );
        (!response.is_empty()).then(|| Secret::new(String::from_utf8_lossy(response)))
    } else {
        None
    };
    Ok(Command::Authenticate {
        mechanism,
        initial_response,
    })
}

/// Fields and values of ID; RFC 2971 section 3.3 allows thirty.
const ID_FIELDS_MAX: usize = 30;

fn id_fields(reader: &mut Reader<'_>) -> Parsed<Vec<IdField>> {
    if reader.keyword("NIL") {
        return Ok(Vec::new());
    }
    let fields = reader.parenthesised(true, |reader| {
        let name = reader.string()?;
        reader.space()?;
        Ok((name, reader.nstring()?))
    })?;
    if fields.len() > ID_FIELDS_MAX {
        return reader.error("at most thirty fields");
    }
    Ok(fields)
}
