//! Reading responses. What is not known is passed over, so that an extension
//! of the server's is no error of ours; what is known must be well formed.

use super::super::date::parse_date_time;
use super::super::read::{Parsed, Reader, is_atom_char};
use super::super::structure::{Envelope, EnvelopeAddress};
use super::response::{Data, FetchData, Response, Status};

/// Parentheses within parentheses of a value that is passed over.
const DEPTH_MAX: usize = 64;
/// What an error text repeats of a line.
const SHOWN_CHARACTERS_MAX: usize = 80;

/// `Err` is the start of what can't be read, fit for a log.
pub(super) fn parse(response: &[u8]) -> Result<Response, String> {
    let mut reader = Reader::new(response);
    read(&mut reader).map_err(|error| {
        let text = String::from_utf8_lossy(response);
        let shown: String = text
            .chars()
            .filter(|char| !char.is_control())
            .take(SHOWN_CHARACTERS_MAX)
            .collect();
        format!("{shown:?}: {error}")
    })
}

fn read(reader: &mut Reader<'_>) -> Parsed<Response> {
    if reader.take(b'+') {
        reader.take(b' ');
        return Ok(Response::Continue(text(reader.rest())));
    }
    if !reader.take(b'*') {
        let tag = reader.atom()?.to_owned();
        reader.space()?;
        let Some(status) = status(reader) else {
            return reader.error("OK, NO or BAD");
        };
        let (code, text) = status_text(reader);
        return Ok(Response::Completed {
            tag,
            status,
            code,
            text,
        });
    }
    reader.space()?;
    untagged(reader).map(Response::Untagged)
}

fn untagged(reader: &mut Reader<'_>) -> Parsed<Data> {
    if let Some(status) = status(reader) {
        let (code, text) = status_text(reader);
        return Ok(Data::Status { status, code, text });
    }
    if reader.peek().is_some_and(|byte| byte.is_ascii_digit()) {
        let number = reader.number()?;
        reader.space()?;
        return Ok(match () {
            () if reader.keyword("EXISTS") => Data::Exists(number),
            () if reader.keyword("EXPUNGE") => Data::Expunge,
            () if reader.keyword("FETCH") => {
                reader.space()?;
                Data::Fetch(
                    reader
                        .parenthesised(true, fetch_item)?
                        .into_iter()
                        .flatten()
                        .collect(),
                )
            }
            () => Data::Other,
        });
    }
    Ok(match () {
        () if reader.keyword("BYE") => Data::Bye(status_text(reader).1),
        () if reader.keyword("PREAUTH") => Data::Preauth,
        () if reader.keyword("CAPABILITY") => Data::Capability(text(reader.rest())),
        () if reader.keyword("LIST") => list(reader)?,
        () if reader.keyword("SEARCH") => search(reader)?,
        () => Data::Other,
    })
}

fn status(reader: &mut Reader<'_>) -> Option<Status> {
    [("OK", Status::Ok), ("NO", Status::No), ("BAD", Status::Bad)]
        .into_iter()
        .find_map(|(word, status)| reader.keyword(word).then_some(status))
}

/// `[code] text`; both may be missing.
fn status_text(reader: &mut Reader<'_>) -> (Option<String>, String) {
    reader.take(b' ');
    if !reader.take(b'[') {
        return (None, text(reader.rest()));
    }
    let code = text(reader.take_while(|byte| byte != b']'));
    reader.take(b']');
    reader.take(b' ');
    (Some(code), text(reader.rest()))
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).trim().to_owned()
}

/// `(\HasNoChildren \Sent) "/" "Sent Items"`.
fn list(reader: &mut Reader<'_>) -> Parsed<Data> {
    reader.space()?;
    let attributes = reader.parenthesised(true, |reader| {
        let backslash = reader.take(b'\\');
        let name = reader.atom()?;
        Ok(if backslash {
            format!("\\{name}")
        } else {
            name.to_owned()
        })
    })?;
    reader.space()?;
    let delimiter = reader.nstring()?.and_then(|octets| octets.first().copied());
    reader.space()?;
    let name = reader.astring()?;
    Ok(Data::List {
        attributes,
        delimiter,
        name,
    })
}

/// `2 84 882`, or nothing; a mod-sequence in parentheses may follow.
fn search(reader: &mut Reader<'_>) -> Parsed<Data> {
    let mut uids = Vec::new();
    while reader.take(b' ') {
        if reader.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            uids.push(reader.number()?);
        } else {
            break;
        }
    }
    Ok(Data::Search(uids))
}

/// One item and its value; nothing for one that is not known.
fn fetch_item(reader: &mut Reader<'_>) -> Parsed<Option<FetchData>> {
    let name = reader
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    let name = text(name).to_ascii_uppercase();
    if name.is_empty() {
        return reader.error("the name of a fetched item");
    }
    if reader.take(b'[') {
        let section = section(reader)?;
        reader.space()?;
        let octets = reader.octets()?.unwrap_or_default();
        return Ok(Some(FetchData::Section {
            name: section,
            octets,
        }));
    }
    reader.space()?;
    Ok(match name.as_str() {
        "UID" => Some(FetchData::Uid(reader.number()?)),
        "RFC822.SIZE" => Some(FetchData::Size(reader.number()?)),
        "FLAGS" => Some(FetchData::Flags(reader.flag_list()?)),
        "INTERNALDATE" => {
            let date = reader.string()?;
            let date = std::str::from_utf8(&date).ok().and_then(parse_date_time);
            Some(FetchData::InternalDate(date))
        }
        "ENVELOPE" => Some(FetchData::Envelope(Box::new(envelope(reader)?))),
        "RFC822" | "RFC822.HEADER" | "RFC822.TEXT" => {
            let octets = reader.octets()?.unwrap_or_default();
            Some(FetchData::Section { name, octets })
        }
        _ => {
            skip(reader)?;
            None
        }
    })
}

/// `HEADER.FIELDS (MESSAGE-ID)]<0>`, after the opening bracket.
fn section(reader: &mut Reader<'_>) -> Parsed<String> {
    let mut name = Vec::new();
    loop {
        match reader.peek() {
            Some(b'"') => {
                name.extend(reader.string()?);
            }
            Some(b']') => break,
            Some(byte) => {
                reader.take(byte);
                name.push(byte);
            }
            None => return reader.error("a closing bracket"),
        }
    }
    reader.take(b']');
    if reader.take(b'<') {
        reader.number()?;
        reader.expect(b'>', "a closing angle bracket")?;
    }
    Ok(text(&name))
}

/// Passes over a value of any shape.
fn skip(reader: &mut Reader<'_>) -> Parsed<()> {
    let mut depth = 0;
    loop {
        match reader.peek() {
            Some(b'(') => {
                reader.take(b'(');
                depth += 1;
                if depth > DEPTH_MAX {
                    return reader.error("fewer parentheses");
                }
            }
            Some(b')') if depth > 0 => {
                reader.take(b')');
                depth -= 1;
            }
            Some(b'"' | b'{') => {
                reader.octets()?;
            }
            Some(b' ') if depth > 0 => {
                reader.take(b' ');
            }
            Some(b'\\') => {
                reader.take(b'\\');
                continue;
            }
            _ => {
                let word = reader
                    .take_while(|byte| is_atom_char(byte) || matches!(byte, b']' | b'*' | b'%'));
                if word.is_empty() {
                    return reader.error("a value");
                }
            }
        }
        if depth == 0 {
            return Ok(());
        }
    }
}

fn envelope(reader: &mut Reader<'_>) -> Parsed<Envelope> {
    reader.expect(b'(', "an envelope")?;
    let date = reader.nstring()?;
    reader.space()?;
    let subject = reader.octets()?;
    let mut lists = Vec::with_capacity(6);
    for _ in 0..6 {
        reader.space()?;
        lists.push(addresses(reader)?);
    }
    reader.space()?;
    let in_reply_to = reader.octets()?;
    reader.space()?;
    let message_id = reader.octets()?;
    reader.expect(b')', "the end of the envelope")?;
    let mut lists = lists.into_iter();
    let mut next = || lists.next().unwrap_or_default();
    Ok(Envelope {
        date,
        subject,
        from: next(),
        sender: next(),
        reply_to: next(),
        to: next(),
        cc: next(),
        bcc: next(),
        in_reply_to,
        message_id,
    })
}

fn addresses(reader: &mut Reader<'_>) -> Parsed<Vec<EnvelopeAddress>> {
    if reader.keyword("NIL") {
        return Ok(Vec::new());
    }
    reader.expect(b'(', "addresses")?;
    let mut addresses = Vec::new();
    while !reader.take(b')') {
        // Some servers put spaces between addresses.
        if reader.take(b' ') {
            continue;
        }
        reader.expect(b'(', "an address")?;
        let name = reader.octets()?;
        reader.space()?;
        let route = reader.octets()?;
        reader.space()?;
        let mailbox = reader.octets()?;
        reader.space()?;
        let host = reader.octets()?;
        reader.expect(b')', "the end of an address")?;
        addresses.push(EnvelopeAddress {
            name,
            mailbox,
            host,
            route,
        });
    }
    Ok(addresses)
}
