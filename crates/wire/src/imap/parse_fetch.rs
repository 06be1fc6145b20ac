//! The items of FETCH.

use super::fetch::{FetchItem, Partial, SECTION_DEPTH_MAX, Section, SectionText};
use super::read::{Parsed, Reader};

/// One item, a list of them, or one of the macros ALL, FAST, FULL.
pub(super) fn fetch_items(reader: &mut Reader<'_>) -> Parsed<Vec<FetchItem>> {
    use FetchItem::{Body, Envelope, Flags, InternalDate, Rfc822Size};
    if reader.peek() == Some(b'(') {
        return reader.parenthesised(false, fetch_item);
    }
    let fast = [Flags, InternalDate, Rfc822Size];
    if reader.keyword("ALL") {
        return Ok([&fast[..], &[Envelope]].concat());
    }
    if reader.keyword("FULL") {
        return Ok([&fast[..], &[Envelope, Body]].concat());
    }
    if reader.keyword("FAST") {
        return Ok(fast.to_vec());
    }
    Ok(vec![fetch_item(reader)?])
}

fn fetch_item(reader: &mut Reader<'_>) -> Parsed<FetchItem> {
    // An atom may hold `[`, so that the name is read up to it.
    let name = reader.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    let name = String::from_utf8_lossy(name).to_ascii_uppercase();
    match name.as_str() {
        "BODY" | "BODY.PEEK" if reader.take(b'[') => {
            let section = section(reader)?;
            reader.expect(b']', "a closing bracket")?;
            Ok(FetchItem::Section {
                peek: name == "BODY.PEEK",
                section,
                partial: partial(reader)?,
            })
        }
        "BODY" => Ok(FetchItem::Body),
        "ENVELOPE" => Ok(FetchItem::Envelope),
        "FLAGS" => Ok(FetchItem::Flags),
        "INTERNALDATE" => Ok(FetchItem::InternalDate),
        "RFC822" => Ok(FetchItem::Rfc822),
        "RFC822.HEADER" => Ok(FetchItem::Rfc822Header),
        "RFC822.SIZE" => Ok(FetchItem::Rfc822Size),
        "RFC822.TEXT" => Ok(FetchItem::Rfc822Text),
        "BODYSTRUCTURE" => Ok(FetchItem::BodyStructure),
        "UID" => Ok(FetchItem::Uid),
        "MODSEQ" if reader.dialect.extended => Ok(FetchItem::ModSeq),
        "BINARY" | "BINARY.PEEK" if reader.dialect.extended => Ok(FetchItem::Binary {
            peek: name == "BINARY.PEEK",
            part: binary_part(reader)?,
            partial: partial(reader)?,
        }),
        "BINARY.SIZE" if reader.dialect.extended => Ok(FetchItem::BinarySize(binary_part(reader)?)),
        _ => reader.error("an item to fetch"),
    }
}

/// `[1.2]`; nothing between the brackets is the message itself.
fn binary_part(reader: &mut Reader<'_>) -> Parsed<Vec<u32>> {
    reader.expect(b'[', "an opening bracket")?;
    let section = section(reader)?;
    reader.expect(b']', "a closing bracket")?;
    if section.text.is_some() {
        return reader.error("a part number alone");
    }
    Ok(section.part)
}

fn section(reader: &mut Reader<'_>) -> Parsed<Section> {
    let mut part = Vec::new();
    while reader.peek().is_some_and(|byte| byte.is_ascii_digit()) {
        let number = reader.number()?;
        if number == 0 || part.len() == SECTION_DEPTH_MAX {
            return reader.error("a part number");
        }
        part.push(number);
        if !reader.take(b'.') {
            return Ok(Section { part, text: None });
        }
    }
    if part.is_empty() && reader.peek() == Some(b']') {
        return Ok(Section::default());
    }
    let name = reader.take_while(|byte| byte.is_ascii_alphabetic() || byte == b'.');
    let text = match String::from_utf8_lossy(name).to_ascii_uppercase().as_str() {
        "HEADER" => SectionText::Header,
        "TEXT" => SectionText::Text,
        "MIME" if !part.is_empty() => SectionText::Mime,
        "HEADER.FIELDS" => SectionText::HeaderFields(field_names(reader)?),
        "HEADER.FIELDS.NOT" => SectionText::HeaderFieldsNot(field_names(reader)?),
        _ => return reader.error("a section"),
    };
    Ok(Section {
        part,
        text: Some(text),
    })
}

fn field_names(reader: &mut Reader<'_>) -> Parsed<Vec<Vec<u8>>> {
    reader.space()?;
    reader.parenthesised(false, Reader::astring)
}

fn partial(reader: &mut Reader<'_>) -> Parsed<Option<Partial>> {
    if !reader.take(b'<') {
        return Ok(None);
    }
    let start = reader.number()?;
    reader.expect(b'.', "a full stop")?;
    let count = reader.number()?;
    if count == 0 {
        return reader.error("a count of at least 1");
    }
    reader.expect(b'>', "a closing angle bracket")?;
    Ok(Some(Partial { start, count }))
}
