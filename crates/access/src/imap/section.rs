//! Sections of a message (RFC 3501 section 6.4.5): which octets they are, and
//! how they go out.

use std::ops::Range;
use std::sync::Arc;

use mailward_mailbox::{Item, MailboxError};
use mailward_wire::imap::write::{put, put_string};
use mailward_wire::imap::{Partial, Section, SectionText};
use tokio::io::AsyncWrite;

use crate::imap::binary::Decoded;
use crate::imap::body::{BodyCursor, narrow};
use crate::imap::host::Host;
use crate::imap::serve::End;
use crate::imap::session::Session;
use crate::mime::{HEADER_OCTETS_MAX, Structure, select_fields};

/// What has been found out about the message that is being fetched.
#[derive(Default)]
pub(crate) struct Known {
    /// Where the header ends, unless it is too long to hold, and its start.
    pub(crate) header: Option<(Option<u64>, Vec<u8>)>,
    pub(crate) structure: Option<Arc<Structure>>,
    /// Of each part that is wanted decoded.
    pub(crate) decoded: Vec<(Vec<u32>, Decoded)>,
}

/// The octets that a section names.
pub(crate) enum Octets {
    /// There is no such part.
    None,
    Range(Range<u64>),
    /// Put together from several fields.
    Made(Vec<u8>),
}

impl Known {
    pub(crate) fn header_start(&self) -> &[u8] {
        self.header
            .as_ref()
            .map_or(&[], |(_, header)| header.as_slice())
    }

    /// Where the body starts.
    pub(crate) fn header_end(&self) -> u64 {
        match (&self.header, &self.structure) {
            (Some((Some(end), _)), _) => *end,
            (_, Some(structure)) => structure
                .locate(&[])
                .map_or(0, |located| located.part.header.end),
            _ => 0,
        }
    }
}

impl<H: Host, W: AsyncWrite + Unpin + Send> Session<'_, H, W> {
    /// The octets of a section (RFC 3501 section 6.4.5).
    pub(crate) async fn section(
        &mut self,
        item: &Item,
        section: &Section,
        known: &Known,
    ) -> Result<Octets, End> {
        if section.part.is_empty() {
            return Ok(match &section.text {
                None => Octets::Range(0..item.octets()),
                Some(SectionText::Header | SectionText::Mime) => {
                    Octets::Range(0..known.header_end())
                }
                Some(SectionText::Text) => Octets::Range(known.header_end()..item.octets()),
                Some(SectionText::HeaderFields(names)) => {
                    Octets::Made(select_fields(known.header_start(), names, true))
                }
                Some(SectionText::HeaderFieldsNot(names)) => {
                    Octets::Made(select_fields(known.header_start(), names, false))
                }
            });
        }
        let located = known
            .structure
            .as_ref()
            .and_then(|structure| structure.locate(&section.part));
        let Some(located) = located else {
            return Ok(Octets::None);
        };
        let message = located.message.map(|message| message.header.clone());
        Ok(match (&section.text, message) {
            (None, _) => Octets::Range(located.part.body.clone()),
            (Some(SectionText::Mime), _) => Octets::Range(located.part.header.clone()),
            (Some(SectionText::Header), Some(header)) => Octets::Range(header),
            (Some(SectionText::Text), Some(_)) => {
                Octets::Range(located.message.map_or(0..0, |message| message.body.clone()))
            }
            (Some(SectionText::HeaderFields(names)), Some(header)) => {
                let header = self.read(item, header).await?;
                Octets::Made(select_fields(&header, names, true))
            }
            (Some(SectionText::HeaderFieldsNot(names)), Some(header)) => {
                let header = self.read(item, header).await?;
                Octets::Made(select_fields(&header, names, false))
            }
            // Only messages have a header and a text.
            (Some(_), None) => Octets::None,
        })
    }

    /// Writes octets as a literal, or the part of them that is wanted.
    pub(crate) async fn put_octets(
        &mut self,
        item: &Item,
        octets: Octets,
        partial: Option<Partial>,
    ) -> Result<(), End> {
        let range = match octets {
            Octets::None => {
                put(&mut self.out.buffer, "NIL");
                return Ok(());
            }
            Octets::Made(octets) => {
                let range = narrow(0..octets.len() as u64, partial);
                let place = |octet: u64| usize::try_from(octet).unwrap_or(usize::MAX);
                let piece = octets.get(place(range.start)..place(range.end));
                let piece = piece.unwrap_or_default();
                put(&mut self.out.buffer, &format!("{{{}}}\r\n", piece.len()));
                return Ok(self.out.octets(piece).await?);
            }
            Octets::Range(range) => narrow(range, partial),
        };
        let mut left = range.end - range.start;
        if left == 0 {
            put_string(&mut self.out.buffer, b"");
            return Ok(());
        }
        put(&mut self.out.buffer, &format!("{{{left}}}\r\n"));
        let held = self.cursor.take();
        let mut cursor = BodyCursor::at(held, &self.imap.mailboxes, &item.body, range.start)
            .await
            .map_err(cut_short)?;
        while left > 0 {
            let Some(piece) = cursor.next(left).await.map_err(cut_short)? else {
                return Err(cut_short(MailboxError::NoItem));
            };
            left -= piece.len() as u64;
            self.out.octets(&piece).await?;
        }
        if range.end < item.octets() {
            self.cursor = Some(cursor);
        }
        Ok(())
    }

    /// A header section, as far as headers are looked at.
    async fn read(&mut self, item: &Item, range: Range<u64>) -> Result<Vec<u8>, End> {
        let mut left = (range.end - range.start).min(HEADER_OCTETS_MAX as u64);
        let mut octets = Vec::new();
        let mut cursor = BodyCursor::at(None, &self.imap.mailboxes, &item.body, range.start)
            .await
            .map_err(cut_short)?;
        while left > 0 {
            let Some(piece) = cursor.next(left).await.map_err(cut_short)? else {
                break;
            };
            left -= piece.len() as u64;
            octets.extend_from_slice(&piece);
        }
        Ok(octets)
    }
}

/// After a literal's size was told there is no way to say that it won't come.
pub(crate) fn cut_short(error: MailboxError) -> End {
    End::Unreadable(error.to_string())
}
