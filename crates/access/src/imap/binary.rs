//! FETCH BINARY: a part with its transfer encoding undone (RFC 3516).

use mailward_mailbox::{Item, MailboxError};
use mailward_wire::imap::Partial;
use mailward_wire::imap::write::put;
use tokio::io::AsyncWrite;

use crate::imap::body::{BodyCursor, narrow};
use crate::imap::host::Host;
use crate::imap::section::{Known, cut_short};
use crate::imap::serve::End;
use crate::imap::session::Session;
use crate::mime::TransferDecoder;

/// Encoded octets that are decoded at a time.
const WINDOW_OCTETS: u64 = 64 * 1024;

/// What a part comes to when it is decoded. It is gone through twice, once for
/// its size and once to send it, so that a large one is never held.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Decoded {
    /// There is such a part.
    found: bool,
    /// Its encoding is one that is not known (`UNKNOWN-CTE`).
    pub(crate) unknown: bool,
    octets: u64,
    has_nul: bool,
}

impl Known {
    pub(crate) fn decoded_octets(&self, part: &[u32]) -> u64 {
        self.decoded_part(part).octets
    }

    pub(crate) fn decoded_part(&self, part: &[u32]) -> Decoded {
        self.decoded
            .iter()
            .find(|(own, _)| own == part)
            .map(|(_, decoded)| *decoded)
            .unwrap_or_default()
    }

    /// Where the part is and how it is encoded; multipart and message parts
    /// are as they are.
    fn encoded(&self, item: &Item, part: &[u32]) -> Option<(std::ops::Range<u64>, Vec<u8>)> {
        if part.is_empty() {
            return Some((0..item.octets(), Vec::new()));
        }
        let located = self.structure.as_ref()?.locate(part)?;
        let encoding = match located.part.is_leaf() {
            true => located.part.encoding.clone(),
            false => Vec::new(),
        };
        Some((located.part.body.clone(), encoding))
    }
}

impl<H: Host, W: AsyncWrite + Unpin + Send> Session<'_, H, W> {
    /// Finds out what a part comes to.
    pub(crate) async fn measure(
        &self,
        item: &Item,
        part: &[u32],
        known: &mut Known,
    ) -> Result<(), MailboxError> {
        if known.decoded.iter().any(|(own, _)| own == part) {
            return Ok(());
        }
        let mut decoded = Decoded::default();
        if let Some((range, encoding)) = known.encoded(item, part) {
            decoded.found = true;
            decoded.unknown = !is_known(&encoding);
            let mut left = range.end - range.start;
            let mailboxes = &self.imap.mailboxes;
            let mut cursor = BodyCursor::at(None, mailboxes, &item.body, range.start).await?;
            let mut decoder = TransferDecoder::named(&encoding);
            let mut window = Vec::new();
            while left > 0 {
                let Some(piece) = cursor.next(left.min(WINDOW_OCTETS)).await? else {
                    break;
                };
                left -= piece.len() as u64;
                decoder.feed(&piece, &mut window);
                decoded.add(&window);
                window.clear();
            }
            decoder.finish(&mut window);
            decoded.add(&window);
        }
        known.decoded.push((part.to_vec(), decoded));
        Ok(())
    }

    /// Sends the part that was measured: NIL, a literal, or with NUL in it a
    /// `~` literal.
    pub(crate) async fn put_binary(
        &mut self,
        item: &Item,
        part: &[u32],
        partial: Option<Partial>,
        known: &Known,
    ) -> Result<(), End> {
        let decoded = known.decoded_part(part);
        let Some((range, encoding)) = known.encoded(item, part).filter(|_| decoded.found) else {
            put(&mut self.out.buffer, "NIL");
            return Ok(());
        };
        let wanted = narrow(0..decoded.octets, partial);
        let tilde = if decoded.has_nul { "~" } else { "" };
        let octets = wanted.end - wanted.start;
        put(&mut self.out.buffer, &format!("{tilde}{{{octets}}}\r\n"));
        let mut left = range.end - range.start;
        let mut cursor = BodyCursor::at(None, &self.imap.mailboxes, &item.body, range.start)
            .await
            .map_err(cut_short)?;
        let mut decoder = Some(TransferDecoder::named(&encoding));
        let (mut window, mut position) = (Vec::new(), 0);
        while position < wanted.end {
            let piece = match left {
                0 => None,
                _ => cursor
                    .next(left.min(WINDOW_OCTETS))
                    .await
                    .map_err(cut_short)?,
            };
            match (piece, &mut decoder) {
                (Some(piece), Some(decoder)) => {
                    left -= piece.len() as u64;
                    decoder.feed(&piece, &mut window);
                }
                (_, decoder) => match decoder.take() {
                    Some(decoder) => decoder.finish(&mut window),
                    None => return Err(cut_short(MailboxError::NoItem)),
                },
            }
            let end = position + window.len() as u64;
            let (from, to) = (wanted.start.max(position), wanted.end.min(end));
            if from < to {
                let place = |octet: u64| usize::try_from(octet - position).unwrap_or(usize::MAX);
                let piece = window.get(place(from)..place(to)).unwrap_or_default();
                self.out.octets(piece).await?;
            }
            position = end;
            window.clear();
        }
        Ok(())
    }
}

impl Decoded {
    fn add(&mut self, octets: &[u8]) {
        self.octets += octets.len() as u64;
        self.has_nul |= memchr::memchr(0, octets).is_some();
    }
}

fn is_known(encoding: &[u8]) -> bool {
    const KNOWN: [&[u8]; 6] = [
        b"",
        b"7bit",
        b"8bit",
        b"binary",
        b"base64",
        b"quoted-printable",
    ];
    KNOWN
        .iter()
        .any(|known| known.eq_ignore_ascii_case(encoding))
}

/// `1.2`
pub(crate) fn part_name(part: &[u32]) -> String {
    let numbers: Vec<String> = part.iter().map(u32::to_string).collect();
    numbers.join(".")
}
