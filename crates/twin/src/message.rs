//! A message on its way in, whichever door it came by, and the words that all
//! doors share.

use mailward_access::mime::{Armour, StrayNul};
use mailward_mail::header::{HEADER_OCTETS_MAX, Header, Mailbox, parse_address_list};
use mailward_mail::{Address, BodyType, Envelope, Reply, ReversePath};
use mailward_mailbox::{MailboxError, Mailboxes, MessageWriter, NewMessage};
use mailward_wire::smtp::server::Hello;

use crate::reshape::Reshaper;
use crate::scan::{Scanner, Verdict};

/// Octets go to the writer once the fields on top are known.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) reverse_path: ReversePath,
    pub(crate) recipients: Vec<Address>,
    /// The header section, until its empty line has come.
    pub(crate) header: Vec<u8>,
    pub(crate) header_complete: bool,
    /// As they came.
    pub(crate) octets: u64,
    writer: MessageWriter,
    /// What waits for the fields on top; `None` once they are written.
    held_back: Option<Vec<u8>>,
    /// Changes what goes to the writer, once the fields on top are known.
    reshaper: Option<Reshaper>,
    scanner: Scanner,
    /// Of a message that may be binary, until it is complete.
    armour: Option<Armour>,
}

impl Message {
    pub(crate) fn new(mailboxes: &Mailboxes, envelope: &Envelope) -> Self {
        Self {
            reverse_path: envelope.reverse_path.clone(),
            recipients: envelope
                .recipients
                .iter()
                .map(|recipient| recipient.forward_path.address().clone())
                .collect(),
            header: Vec::new(),
            header_complete: false,
            octets: 0,
            writer: mailboxes.new_message(),
            held_back: Some(Vec::new()),
            reshaper: None,
            scanner: Scanner::default(),
            armour: (envelope.body == BodyType::BinaryMime).then(Armour::default),
        }
    }

    pub(crate) fn is_held_back(&self) -> bool {
        self.held_back.is_some()
    }

    /// Writes the fields on top, then what has waited for them.
    pub(crate) fn start(&mut self, top: &str, reshaper: Reshaper) -> Result<(), Reply> {
        let written = self.writer.write(top.as_bytes());
        let held_back = self.held_back.take().unwrap_or_default();
        written
            .and_then(|()| {
                let reshaper = self.reshaper.insert(reshaper);
                self.writer.write(&reshaper.feed(&held_back))
            })
            .map_err(|error| trouble(&error))
    }

    pub(crate) fn write(&mut self, octets: &[u8]) -> Result<(), Reply> {
        self.octets += octets.len() as u64;
        let Some(armour) = &mut self.armour else {
            return self.keep(octets);
        };
        let mut settled = Vec::new();
        armour.feed(octets, &mut settled);
        self.keep(&settled)
    }

    /// All of it has come: keeps what had to wait for that.
    pub(crate) fn complete(&mut self) -> Result<(), Reply> {
        let Some(armour) = self.armour.take() else {
            return Ok(());
        };
        let mut rest = Vec::new();
        armour
            .finish(&mut rest)
            .map_err(|StrayNul| Reply::status(554, 6, 0, "Corrupt message content"))?;
        self.keep(&rest)
    }

    fn keep(&mut self, octets: &[u8]) -> Result<(), Reply> {
        self.keep_header(octets)?;
        self.scanner.read(octets);
        match &mut self.held_back {
            // No longer than a header section may be, and one piece more.
            Some(held_back) => {
                held_back.extend_from_slice(octets);
                Ok(())
            }
            None => {
                let written = match &mut self.reshaper {
                    Some(reshaper) => self.writer.write(&reshaper.feed(octets)),
                    None => self.writer.write(octets),
                };
                written.map_err(|error| trouble(&error))
            }
        }
    }

    /// The message as it is filed, and the names of the files that were taken
    /// out of it.
    pub(crate) fn finish(mut self) -> Result<(NewMessage, Vec<String>), MailboxError> {
        let mut removed = Vec::new();
        if let Some(reshaper) = self.reshaper.take() {
            let (end, names) = reshaper.finish();
            self.writer.write(&end)?;
            removed = names;
        }
        Ok((self.writer.finish()?, removed))
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.scanner.verdict()
    }

    /// The addresses of every field of this name that can be read.
    pub(crate) fn addresses(&self, name: &str) -> Vec<Address> {
        let mailboxes = self.mailboxes(name).into_iter();
        mailboxes.map(|mailbox| mailbox.address).collect()
    }

    /// The same with their names.
    pub(crate) fn mailboxes(&self, name: &str) -> Vec<Mailbox> {
        Header::parse(&self.header)
            .all(name)
            .filter_map(|field| parse_address_list(&field.value()).ok())
            .flatten()
            .collect()
    }

    /// Collects the header section, which is all that the checks read.
    fn keep_header(&mut self, octets: &[u8]) -> Result<(), Reply> {
        if self.header_complete {
            return Ok(());
        }
        self.header.extend_from_slice(octets);
        if let Some(end) = Header::end_of(&self.header) {
            self.header.truncate(end);
            self.header_complete = true;
        } else if self.header.len() > HEADER_OCTETS_MAX {
            return Err(Reply::status(
                552,
                3,
                4,
                "Header size exceeds fixed maximum size",
            ));
        }
        Ok(())
    }
}

/// What is written down of a message that was accepted.
pub(crate) fn taken(octets: u64, recipients: usize) -> String {
    let recipients = match recipients {
        1 => "1 recipient".to_owned(),
        count => format!("{count} recipients"),
    };
    format!("{octets} octets for {recipients}")
}

/// What the client calls itself, fit for a Received field.
pub(crate) fn client_name(hello: &Hello) -> String {
    hello
        .name
        .chars()
        .filter(|char| char.is_ascii_graphic())
        .collect()
}

pub(crate) fn out_of_order() -> Reply {
    Reply::status(503, 5, 1, "Bad sequence of commands")
}

/// The service's answer when its own store fails.
pub(crate) fn trouble(error: &MailboxError) -> Reply {
    match error {
        MailboxError::OverQuota { .. } => Reply::status(
            554,
            2,
            2,
            "mailbox full; STOREDRV.Submission.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded",
        ),
        MailboxError::Full => Reply::status(452, 3, 1, "Insufficient system resources"),
        _ => Reply::status(
            451,
            3,
            2,
            "STOREDRV.ClientSubmit; mailbox server is temporarily unavailable",
        ),
    }
}
