//! Writes a [`Letter`] as a message (RFC 5322, RFC 2045), piece by piece, so
//! that an attachment is never whole in memory.
//!
//! ```text
//!   text, html       ─▶ quoted-printable, multipart/alternative if both
//!   attachments      ─▶ base64, after them in multipart/mixed
//! ```

mod encode;

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mailward_mail::{MessageId, Timestamp};

use self::encode::{Base64Lines, lines, mailbox_field, parameter, quoted_printable, text_field};
use super::letter::{Attachment, Content, Letter};
use super::problem::Problem;

/// How much of an attachment is in memory at a time; a multiple of four, so
/// that no group of base64 is torn.
const PIECE_OCTETS: usize = 48 * 1024;

/// RFC 5321 section 4.5.3.1.6 without the line end.
const PLAIN_LINE_OCTETS_MAX: usize = 998;

/// Where the message goes, in order.
pub(super) type Sink<'a> = &'a mut dyn FnMut(&[u8]) -> Result<(), Problem>;

/// Writes the whole message.
pub(super) fn compose(
    letter: &Letter,
    spool: Option<&File>,
    id: MessageId,
    date: Timestamp,
    sink: Sink<'_>,
) -> Result<(), Problem> {
    let composer = Composer { letter, spool, id };
    sink(composer.header(date).as_bytes())?;
    if letter.attachments.is_empty() {
        return composer.texts(sink);
    }
    let boundary = composer.boundary(0);
    sink(
        format!("Content-Type: multipart/mixed;\r\n\tboundary=\"{boundary}\"\r\n\r\n").as_bytes(),
    )?;
    if letter.text.is_some() || letter.html.is_some() {
        sink(format!("--{boundary}\r\n").as_bytes())?;
        composer.texts(sink)?;
    }
    for (index, attachment) in letter.attachments.iter().enumerate() {
        sink(format!("--{boundary}\r\n").as_bytes())?;
        composer.attachment(index, attachment, sink)?;
    }
    sink(format!("--{boundary}--\r\n").as_bytes())
}

struct Composer<'a> {
    letter: &'a Letter,
    spool: Option<&'a File>,
    id: MessageId,
}

impl Composer<'_> {
    /// Everything up to the content's own fields.
    fn header(&self, date: Timestamp) -> String {
        let letter = self.letter;
        let mut header = mailbox_field("From", std::slice::from_ref(&letter.from));
        for (name, mailboxes) in [
            ("To", &letter.to),
            ("Cc", &letter.cc),
            ("Reply-To", &letter.reply_to),
        ] {
            if !mailboxes.is_empty() {
                header.push_str(&mailbox_field(name, mailboxes));
            }
        }
        if letter.to.is_empty() && letter.cc.is_empty() {
            // An empty group (RFC 5322 section 3.4) says that there are some.
            header.push_str("To: undisclosed-recipients:;\r\n");
        }
        header.push_str(&text_field("Subject", &letter.subject));
        header.push_str(&format!("Date: {}\r\n", date.to_rfc5322()));
        let domain = letter.from.address.domain();
        header.push_str(&format!("Message-ID: <{}@{domain}>\r\n", self.id));
        for (name, value) in &letter.headers {
            header.push_str(&text_field(name, value));
        }
        header.push_str("MIME-Version: 1.0\r\n");
        header
    }

    /// Cannot occur in any part: quoted-printable and base64 never have `=_`.
    fn boundary(&self, level: u8) -> String {
        format!("=_{}_{level}", self.id)
    }

    fn texts(&self, sink: Sink<'_>) -> Result<(), Problem> {
        match (&self.letter.text, &self.letter.html) {
            (Some(text), Some(html)) => {
                let boundary = self.boundary(1);
                let start = format!(
                    "Content-Type: multipart/alternative;\r\n\tboundary=\"{boundary}\"\r\n\r\n--{boundary}\r\n"
                );
                sink(start.as_bytes())?;
                self.text("plain", "text", text, sink)?;
                sink(format!("--{boundary}\r\n").as_bytes())?;
                self.text("html", "html", html, sink)?;
                sink(format!("--{boundary}--\r\n").as_bytes())
            }
            (Some(text), None) => self.text("plain", "text", text, sink),
            (None, Some(html)) => self.text("html", "html", html, sink),
            (None, None) => Ok(()),
        }
    }

    fn text(
        &self,
        subtype: &str,
        field: &str,
        content: &Content,
        sink: Sink<'_>,
    ) -> Result<(), Problem> {
        let text = self.text_of(content, field)?;
        let plain = text.is_ascii()
            && lines(&text).all(|line| {
                line.len() <= PLAIN_LINE_OCTETS_MAX
                    && !line.starts_with("--")
                    && !line.contains(|char: char| char.is_control() && char != '\t')
            });
        let (encoding, body) = if plain {
            let body = lines(&text)
                .flat_map(|line| [line, "\r\n"])
                .collect::<String>()
                .into_bytes();
            ("7bit", body)
        } else {
            ("quoted-printable", quoted_printable(&text))
        };
        let charset = if text.is_ascii() { "us-ascii" } else { "utf-8" };
        let head = format!(
            "Content-Type: text/{subtype}; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
        );
        sink(head.as_bytes())?;
        sink(&body)
    }

    /// The text as it is; bounded by the limit on texts.
    fn text_of<'c>(
        &self,
        content: &'c Content,
        field: &str,
    ) -> Result<std::borrow::Cow<'c, str>, Problem> {
        match content {
            Content::Here(text) => Ok(text.as_str().into()),
            Content::Spooled(_) => {
                let mut octets = Vec::new();
                self.each_piece(content, &mut |piece| {
                    octets.extend_from_slice(piece);
                    Ok(())
                })?;
                let text = String::from_utf8(octets)
                    .map_err(|_| Problem::invalid(field, "It is not UTF-8."))?;
                Ok(text.into())
            }
        }
    }

    fn attachment(
        &self,
        index: usize,
        attachment: &Attachment,
        sink: Sink<'_>,
    ) -> Result<(), Problem> {
        let head = format!(
            "Content-Type: {}\r\nContent-Disposition: attachment{}\r\nContent-Transfer-Encoding: base64\r\n\r\n",
            attachment.content_type,
            parameter("filename", &attachment.filename)
        );
        sink(head.as_bytes())?;
        let invalid = || {
            Problem::invalid(format!("attachments[{index}].content"), "It is not base64.")
                .remedy("Write it in standard base64 with padding (RFC 4648 section 4).")
        };
        let mut encoder = Base64Lines::default();
        let mut symbols = Vec::with_capacity(PIECE_OCTETS + 4);
        let mut ended = false;
        let (mut decoded, mut out) = (Vec::new(), Vec::new());
        self.each_piece(&attachment.content, &mut |piece| {
            symbols.extend(
                piece
                    .iter()
                    .copied()
                    .filter(|byte| !byte.is_ascii_whitespace()),
            );
            let whole = symbols.len() / 4 * 4;
            if whole == 0 {
                return Ok(());
            }
            // Padding ends it: nothing may follow.
            if ended {
                return Err(invalid());
            }
            ended = symbols[whole - 1] == b'=';
            decoded.clear();
            out.clear();
            STANDARD
                .decode_vec(&symbols[..whole], &mut decoded)
                .map_err(|_| invalid())?;
            symbols.drain(..whole);
            encoder.push(&decoded, &mut out);
            sink(&out)
        })?;
        if !symbols.is_empty() {
            return Err(invalid());
        }
        out.clear();
        encoder.finish(&mut out);
        sink(&out)
    }

    /// The octets of a string of the request, a piece at a time.
    fn each_piece(
        &self,
        content: &Content,
        each: &mut dyn FnMut(&[u8]) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let range = match content {
            Content::Here(text) => return text.as_bytes().chunks(PIECE_OCTETS).try_for_each(each),
            Content::Spooled(range) => range,
        };
        let lost = || Problem::unavailable("The request could not be read back.");
        let spool = self.spool.ok_or_else(lost)?;
        let mut piece = vec![0; PIECE_OCTETS];
        let mut at = range.start;
        while at < range.end {
            let wanted = usize::try_from(range.end - at)
                .unwrap_or(PIECE_OCTETS)
                .min(PIECE_OCTETS);
            spool
                .read_exact_at(&mut piece[..wanted], at)
                .map_err(|_| lost())?;
            each(&piece[..wanted])?;
            at += wanted as u64;
        }
        Ok(())
    }
}
