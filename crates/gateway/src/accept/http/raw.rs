//! A submission that is a message already: message/rfc822.
//!
//! The header section is read first, for it says to whom the message goes;
//! what follows streams through. Two things are changed, each by its name:
//!
//! | repair | what |
//! | --- | --- |
//! | `http-bcc` | the Bcc fields are taken out, as they are told to nobody |
//! | `http-line-ends` | LF alone becomes CRLF, as files on Unix have it |

use axum::body::{Body, Bytes};
use axum::extract::Query;
use axum::http::Uri;
use mailward_mail::header::{HEADER_OCTETS_MAX, Header, parse_address_list};
use mailward_mail::{Address, BodyType};
use mailward_policy::DataClass;
use mailward_queue::Repair;
use memchr::{memchr3, memmem};
use utoipa::IntoParams;

use super::super::{Incoming, Rejection};
use super::problem::Problem;
use super::submit::{Context, Parcel, next_piece};
use super::wishes::Asked;

/// Query parameters of a message/rfc822 submission.
#[derive(Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RawQuery {
    /// message/rfc822 only: a recipient; may stand several times. Without any
    /// the message goes to everybody in To, Cc and Bcc.
    #[allow(dead_code, reason = "for the description of the API")]
    to: Option<String>,
    /// message/rfc822 only: `OFFICIAL` or `OFFICIAL-SENSITIVE`.
    #[allow(dead_code, reason = "for the description of the API")]
    data_class: Option<String>,
    /// message/rfc822 only: `urgent`, `routine` or `bulk`.
    #[allow(dead_code, reason = "for the description of the API")]
    message_class: Option<String>,
    /// message/rfc822 only: 9 to -9 within the class.
    #[allow(dead_code, reason = "for the description of the API")]
    priority: Option<i64>,
    /// message/rfc822 only: not to be sent earlier (RFC 3339).
    #[allow(dead_code, reason = "for the description of the API")]
    send_at: Option<String>,
    /// message/rfc822 only: given up then (RFC 3339).
    #[allow(dead_code, reason = "for the description of the API")]
    deadline_at: Option<String>,
    /// message/rfc822 only: those with the same leave in order.
    #[allow(dead_code, reason = "for the description of the API")]
    sequence_key: Option<String>,
}

#[derive(Debug, Default)]
struct Given {
    to: Vec<Address>,
    data_class: Option<DataClass>,
    asked: Asked,
}

pub(super) async fn take(
    context: &mut Context,
    query: &str,
    length: Option<u64>,
    mut body: Body,
) -> Result<Parcel, Problem> {
    let mut given = given(query)?;
    let now = context.http.intake.clock.now();
    let wishes = std::mem::take(&mut given.asked).wishes(now, context.limits())?;
    let octets_max = context.limits().message_octets_max;
    if length.is_some_and(|length| length > octets_max) {
        return Err(Rejection::TooLarge { octets_max }.into());
    }
    let mut lines = LineEnds::default();
    let mut start = Vec::new();
    let end = loop {
        if let Some(end) = Header::end_of(&start) {
            break end;
        }
        if start.len() >= HEADER_OCTETS_MAX {
            return Err(Problem::too_large(
                "The header section",
                HEADER_OCTETS_MAX as u64,
            ));
        }
        match next(context, &mut body, &mut lines).await? {
            Some(octets) => start.extend_from_slice(&octets),
            None => break start.len(),
        }
    };
    let (section, hidden) = without_bcc(&start[..end]);
    let recipients = if given.to.is_empty() {
        recipients(&start[..end])?
    } else {
        given.to
    };
    if recipients.is_empty() {
        return Err(Problem::invalid("to", "The message has no recipient.")
            .remedy("Name one in To, Cc or Bcc, or with the query parameter to."));
    }
    let mut envelope = context.envelope(recipients);
    let beyond_ascii = envelope
        .recipients
        .iter()
        .any(|one| !one.forward_path.address().is_ascii());
    envelope.smtputf8 = beyond_ascii || !section.is_ascii();

    let http = std::sync::Arc::clone(&context.http);
    let mut incoming = Incoming::new(&http.intake);
    let mut eight_bit = !start.is_ascii();
    let mut rest = Some(Bytes::copy_from_slice(&start[end..]));
    drop(start);
    let mut piece = Some(Bytes::from(section));
    while let Some(octets) = piece {
        eight_bit |= !octets.is_ascii();
        let submission = context.submission(&envelope, given.data_class);
        if let Err(rejection) = incoming.write(&http.intake, &submission, &octets) {
            context.note(incoming.id(), &rejection);
            return Err(rejection.into());
        }
        piece = match rest.take() {
            Some(rest) => Some(rest),
            None => next(context, &mut body, &mut lines).await?,
        };
    }
    if eight_bit {
        envelope.body = BodyType::EightBitMime;
    }
    Ok(Parcel {
        incoming,
        envelope,
        data_class: given.data_class,
        wishes,
        repairs: repairs(hidden, &lines),
    })
}

/// The next octets, their line ends put right; the last gives the end.
async fn next(
    context: &mut Context,
    body: &mut Body,
    lines: &mut LineEnds,
) -> Result<Option<Bytes>, Problem> {
    match next_piece(body).await? {
        Some(octets) => {
            context.digest.update(&octets);
            lines
                .correct(octets)
                .map(Some)
                .map_err(LineDefect::into_problem)
        }
        None => lines.finish().map_err(LineDefect::into_problem),
    }
}

fn repairs(hidden: bool, lines: &LineEnds) -> Vec<Repair> {
    let repair = |rule: &str, change: &str| Repair {
        rule: rule.to_owned(),
        change: change.to_owned(),
    };
    let mut repairs = Vec::new();
    if hidden {
        repairs.push(repair("http-bcc", "Bcc taken out"));
    }
    if lines.corrected {
        repairs.push(repair("http-line-ends", "line ends made CRLF"));
    }
    repairs
}

fn given(query: &str) -> Result<Given, Problem> {
    let mut given = Given::default();
    let pairs: Vec<(String, String)> = format!("/?{query}")
        .parse::<Uri>()
        .ok()
        .and_then(|uri| Query::try_from_uri(&uri).ok())
        .map(|Query(pairs)| pairs)
        .ok_or_else(|| Problem::malformed("The query cannot be read.").field("query"))?;
    for (name, value) in pairs {
        match name.as_str() {
            "to" => given.to.push(Address::parse(&value).map_err(|error| {
                Problem::invalid("to", format!("This is no address: {error}."))
            })?),
            "data_class" => {
                given.data_class = Some(value.parse().map_err(|error| {
                    Problem::invalid("data_class", format!("{value:?}: {error}."))
                })?);
            }
            "message_class" => {
                let class = value
                    .parse()
                    .map_err(|error| Problem::invalid("message_class", format!("{error}.")))?;
                given.asked.message_class = Some(class);
            }
            "priority" => {
                let number = value.parse().map_err(|_| {
                    Problem::invalid("priority", format!("{value:?} is no number."))
                })?;
                given.asked.priority = Some(number);
            }
            "send_at" => given.asked.send_at = Some(value),
            "deadline_at" => given.asked.deadline_at = Some(value),
            "sequence_key" => given.asked.sequence_key = Some(value),
            _ => {
                let detail = format!("There is no query parameter {name:?}.");
                return Err(Problem::invalid("query", detail).remedy(
                    "The parameters are to, data_class, message_class, priority, send_at, \
                     deadline_at and sequence_key.",
                ));
            }
        }
    }
    Ok(given)
}

/// Everybody in To, Cc and Bcc, each once.
fn recipients(section: &[u8]) -> Result<Vec<Address>, Problem> {
    let header = Header::parse(section);
    let mut seen = std::collections::HashSet::new();
    let mut recipients = Vec::new();
    for name in ["To", "Cc", "Bcc"] {
        for field in header.all(name) {
            let mailboxes = parse_address_list(&field.value()).map_err(|error| {
                Problem::invalid(
                    name,
                    format!("The field in line {} cannot be read: {error}.", field.line),
                )
            })?;
            let addresses = mailboxes.into_iter().map(|mailbox| mailbox.address);
            recipients.extend(addresses.filter(|address| seen.insert(address.key())));
        }
    }
    Ok(recipients)
}

/// The header section without its Bcc fields, and whether there were any.
fn without_bcc(section: &[u8]) -> (Vec<u8>, bool) {
    let mut kept = Vec::with_capacity(section.len());
    let (mut hidden, mut within) = (false, false);
    let mut at = 0;
    while at < section.len() {
        let end =
            memmem::find(&section[at..], b"\r\n").map_or(section.len(), |found| at + found + 2);
        let line = &section[at..end];
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            within = line.len() >= 4 && line[..4].eq_ignore_ascii_case(b"Bcc:");
        }
        if within {
            hidden = true;
        } else {
            kept.extend_from_slice(line);
        }
        at = end;
    }
    (kept, hidden)
}

/// Makes every line end CRLF.
#[derive(Debug, Default)]
struct LineEnds {
    /// The last octet was CR.
    after_cr: bool,
    /// There was something, and it did not end its line.
    open: bool,
    corrected: bool,
    line: u64,
}

#[derive(Debug, PartialEq, Eq)]
struct LineDefect {
    line: u64,
    what: &'static str,
}

impl LineDefect {
    fn into_problem(self) -> Problem {
        Problem::invalid("body", format!("Line {} has {}.", self.line, self.what))
            .remedy("End every line in CRLF, and encode what is no text.")
    }
}

impl LineEnds {
    fn correct(&mut self, octets: Bytes) -> Result<Bytes, LineDefect> {
        let mut corrected: Option<Vec<u8>> = None;
        let (mut from, mut at) = (0, 0);
        while at < octets.len() {
            if self.after_cr && octets[at] != b'\n' {
                return Err(self.defect("a CR without LF"));
            }
            let Some(hit) = memchr3(b'\r', b'\n', 0, &octets[at..]) else {
                break;
            };
            let hit = at + hit;
            match octets[hit] {
                0 => return Err(self.defect("a NUL octet")),
                b'\r' => self.after_cr = true,
                _ => {
                    let bare = !(self.after_cr && hit == at);
                    if bare {
                        let out = corrected.get_or_insert_with(Vec::new);
                        out.extend_from_slice(&octets[from..hit]);
                        out.extend_from_slice(b"\r\n");
                        from = hit + 1;
                        self.corrected = true;
                    }
                    self.after_cr = false;
                    self.line += 1;
                }
            }
            at = hit + 1;
        }
        if let Some(last) = octets.last() {
            self.open = *last != b'\n';
        }
        Ok(match corrected {
            None => octets,
            Some(mut out) => {
                out.extend_from_slice(&octets[from..]);
                out.into()
            }
        })
    }

    /// The end of the last line, where it is missing.
    fn finish(&mut self) -> Result<Option<Bytes>, LineDefect> {
        if self.after_cr {
            return Err(self.defect("a CR without LF"));
        }
        if !std::mem::take(&mut self.open) {
            return Ok(None);
        }
        self.corrected = true;
        Ok(Some(Bytes::from_static(b"\r\n")))
    }

    fn defect(&self, what: &'static str) -> LineDefect {
        LineDefect {
            line: self.line + 1,
            what,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corrected(text: &str, piece: usize) -> Result<(String, bool), LineDefect> {
        let mut lines = LineEnds::default();
        let mut out = Vec::new();
        for part in text.as_bytes().chunks(piece) {
            out.extend_from_slice(&lines.correct(Bytes::copy_from_slice(part))?);
        }
        out.extend_from_slice(&lines.finish()?.unwrap_or_default());
        Ok((String::from_utf8(out).expect("text"), lines.corrected))
    }

    #[test]
    fn line_ends_are_made_whole_whatever_the_pieces() {
        for (text, expected, changed) in [
            ("", "", false),
            ("a\r\nb\r\n", "a\r\nb\r\n", false),
            ("a\nb\n", "a\r\nb\r\n", true),
            ("a\r\nb\nc", "a\r\nb\r\nc\r\n", true),
            ("\n\n", "\r\n\r\n", true),
        ] {
            for piece in [1, 2, 3, 100] {
                let found = corrected(text, piece).expect(text);
                assert_eq!(found, (expected.to_owned(), changed), "{text:?} by {piece}");
            }
        }
        for (text, line) in [("a\rb", 1), ("a\n\r", 2), ("a\n\r\r\n", 2), ("a\nb\0", 2)] {
            for piece in [1, 2, 100] {
                assert_eq!(
                    corrected(text, piece).expect_err(text).line,
                    line,
                    "{text:?} by {piece}"
                );
            }
        }
    }

    #[test]
    fn bcc_goes_with_its_continuation_and_nothing_else() {
        let section =
            b"To: a@b.example\r\nbcc: x@y.example,\r\n\tz@y.example\r\nX-Bcc: 1\r\nBcc:\r\n\r\n";
        let (kept, hidden) = without_bcc(section);
        assert!(hidden);
        assert_eq!(kept, b"To: a@b.example\r\nX-Bcc: 1\r\n\r\n");
        assert!(!without_bcc(b"To: a@b.example\r\n\r\n").1);
        let all: Vec<String> = recipients(section)
            .expect("read")
            .iter()
            .map(Address::to_string)
            .collect();
        assert_eq!(all, ["a@b.example", "x@y.example", "z@y.example"]);
    }
}
