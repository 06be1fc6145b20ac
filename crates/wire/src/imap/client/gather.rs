//! What the responses to one command add up to, within bounds.

use mailward_mail::Timestamp;

use super::super::command::Flag;
use super::super::mailbox::MailboxName;
use super::super::structure::Envelope;
use super::error::Violation;
use super::response::{Data, FetchData};

/// Folders of one mailbox that are looked at.
pub const FOLDERS_MAX: usize = 10_000;
/// UIDs that one SEARCH may find.
pub const UIDS_MAX: usize = 100_000;
/// Octets of text that one FETCH may bring.
pub const FETCHED_OCTETS_MAX: usize = 8 * 1024 * 1024;
/// Messages that one FETCH may tell of.
const FETCHED_MAX: usize = 10_000;

/// A folder as LIST tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    pub name: MailboxName,
    /// As the server wrote it: what it is asked for with.
    pub wire: Vec<u8>,
    /// With the backslash: `\Sent`, `\Noselect`.
    pub attributes: Vec<String>,
    pub delimiter: Option<u8>,
}

impl Folder {
    pub fn has(&self, attribute: &str) -> bool {
        let mut attributes = self.attributes.iter();
        attributes.any(|known| known.eq_ignore_ascii_case(attribute))
    }
}

/// A folder that was opened with EXAMINE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    pub messages: u32,
    pub uid_validity: Option<u32>,
    pub uid_next: Option<u32>,
}

/// What FETCH told of one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    pub uid: u32,
    pub flags: Option<Vec<Flag>>,
    pub internal_date: Option<Timestamp>,
    pub size: Option<u32>,
    pub envelope: Option<Box<Envelope>>,
    /// What stood between the brackets, in the server's spelling, and the
    /// octets.
    pub sections: Vec<(String, Vec<u8>)>,
}

/// Collects until the command completes.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) folders: Vec<Folder>,
    pub(super) opened: Opened,
    pub(super) uids: Vec<u32>,
    pub(super) fetched: Vec<Fetched>,
    octets: usize,
}

impl Gathered {
    pub(super) fn take(&mut self, data: Data) -> Result<(), Violation> {
        match data {
            Data::List {
                attributes,
                delimiter,
                name: wire,
            } => {
                if self.folders.len() == FOLDERS_MAX {
                    return Err(Violation::TooMuch("folders"));
                }
                // A name that is no modified UTF-7 can still be asked for.
                let name = MailboxName::from_wire(&wire).unwrap_or_else(|| {
                    MailboxName::new(String::from_utf8_lossy(&wire).into_owned())
                });
                self.folders.push(Folder {
                    name,
                    wire,
                    attributes,
                    delimiter,
                });
            }
            Data::Search(uids) => {
                if self.uids.len() + uids.len() > UIDS_MAX {
                    return Err(Violation::TooMuch("messages found"));
                }
                self.uids.extend(uids);
            }
            Data::Exists(messages) => self.opened.messages = messages,
            Data::Status {
                code: Some(code), ..
            } => {
                let number = |name: &str| {
                    let (word, number) = code.split_once(' ')?;
                    let number = word.eq_ignore_ascii_case(name).then_some(number)?;
                    number.trim().parse().ok()
                };
                self.opened.uid_validity = number("UIDVALIDITY").or(self.opened.uid_validity);
                self.opened.uid_next = number("UIDNEXT").or(self.opened.uid_next);
            }
            Data::Fetch(items) => self.fetch(items)?,
            _ => {}
        }
        Ok(())
    }

    /// A message may be told of in several responses. One without a UID is
    /// news that nobody asked for.
    fn fetch(&mut self, items: Vec<FetchData>) -> Result<(), Violation> {
        let uid = items.iter().find_map(|item| match item {
            FetchData::Uid(uid) => Some(*uid),
            _ => None,
        });
        let Some(uid) = uid else { return Ok(()) };
        let place = match self.fetched.iter().rposition(|known| known.uid == uid) {
            Some(place) => place,
            None if self.fetched.len() == FETCHED_MAX => {
                return Err(Violation::TooMuch("messages fetched"));
            }
            None => {
                self.fetched.push(Fetched {
                    uid,
                    ..Fetched::default()
                });
                self.fetched.len() - 1
            }
        };
        for item in items {
            let message = &mut self.fetched[place];
            match item {
                FetchData::Uid(_) => {}
                FetchData::Flags(flags) => message.flags = Some(flags),
                FetchData::InternalDate(date) => message.internal_date = date,
                FetchData::Size(size) => message.size = Some(size),
                FetchData::Envelope(envelope) => message.envelope = Some(envelope),
                FetchData::Section { name, octets } => {
                    self.octets += octets.len();
                    if self.octets > FETCHED_OCTETS_MAX {
                        return Err(Violation::TooMuch("octets fetched"));
                    }
                    message.sections.push((name, octets));
                }
            }
        }
        Ok(())
    }
}
