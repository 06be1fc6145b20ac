//! The keys of SEARCH.

use super::command::Flag;
use super::date::Date;
use super::extended::Search;
use super::read::{Parsed, Reader};
use super::search::{Charset, SEARCH_DEPTH_MAX, SearchKey};

/// The character set, if it is named, and the keys, which must all hold.
pub(super) fn search_keys(reader: &mut Reader<'_>) -> Parsed<Search> {
    let mut charset = Charset::Unnamed;
    if reader.keyword("CHARSET") {
        reader.space()?;
        charset = Charset::named(&reader.text()?);
        reader.space()?;
    }
    let mut keys = vec![key(reader, 0)?];
    while reader.peek() == Some(b' ') && !reader.rest().iter().all(|byte| *byte == b' ') {
        reader.space()?;
        keys.push(key(reader, 0)?);
    }
    Ok(Search {
        charset,
        key: all_of(keys),
        returns: None,
    })
}

fn all_of(mut keys: Vec<SearchKey>) -> SearchKey {
    match (keys.len(), keys.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            keys.extend(last);
            SearchKey::And(keys)
        }
    }
}

fn key(reader: &mut Reader<'_>, depth: usize) -> Parsed<SearchKey> {
    if depth == SEARCH_DEPTH_MAX {
        return reader.error("fewer keys within keys");
    }
    match reader.peek() {
        Some(b'(') => {
            let keys = reader.parenthesised(false, |reader| key(reader, depth + 1))?;
            return Ok(all_of(keys));
        }
        Some(b'0'..=b'9' | b'*') => return Ok(SearchKey::Sequence(reader.sequence_set()?)),
        Some(b'$') if reader.dialect.extended => {
            return Ok(SearchKey::Sequence(reader.sequence_set()?));
        }
        _ => {}
    }
    let name = reader.atom()?.to_ascii_uppercase();
    if let Some(key) = flag_key(&name) {
        return Ok(key);
    }
    reader.space()?;
    Ok(match name.as_str() {
        "KEYWORD" => SearchKey::Has(keyword(reader)?),
        "UNKEYWORD" => SearchKey::HasNot(keyword(reader)?),
        "BCC" => SearchKey::Bcc(reader.astring()?),
        "CC" => SearchKey::Cc(reader.astring()?),
        "FROM" => SearchKey::From(reader.astring()?),
        "TO" => SearchKey::To(reader.astring()?),
        "SUBJECT" => SearchKey::Subject(reader.astring()?),
        "BODY" => SearchKey::Body(reader.astring()?),
        "TEXT" => SearchKey::Text(reader.astring()?),
        "HEADER" => {
            let name = reader.astring()?;
            reader.space()?;
            let value = reader.astring()?;
            SearchKey::Header { name, value }
        }
        "BEFORE" => SearchKey::Before(date(reader)?),
        "ON" => SearchKey::On(date(reader)?),
        "SINCE" => SearchKey::Since(date(reader)?),
        "SENTBEFORE" => SearchKey::SentBefore(date(reader)?),
        "SENTON" => SearchKey::SentOn(date(reader)?),
        "SENTSINCE" => SearchKey::SentSince(date(reader)?),
        "LARGER" => SearchKey::Larger(reader.number()?),
        "SMALLER" => SearchKey::Smaller(reader.number()?),
        "MODSEQ" if reader.dialect.extended => {
            if reader.peek() == Some(b'"') {
                // The flag whose change is meant, which we do not tell apart.
                reader.string()?;
                reader.space()?;
                if !["all", "priv", "shared"]
                    .iter()
                    .any(|kind| reader.keyword(kind))
                {
                    return reader.error("all, priv or shared");
                }
                reader.space()?;
            }
            SearchKey::ModSeq(reader.number64()?)
        }
        "UID" => SearchKey::Uid(reader.sequence_set()?),
        "NOT" => SearchKey::Not(Box::new(key(reader, depth + 1)?)),
        "OR" => {
            let first = key(reader, depth + 1)?;
            reader.space()?;
            let second = key(reader, depth + 1)?;
            SearchKey::Or(Box::new(first), Box::new(second))
        }
        _ => return reader.error("a search key"),
    })
}

/// The keys without argument.
fn flag_key(name: &str) -> Option<SearchKey> {
    Some(match name {
        "ALL" => SearchKey::All,
        "NEW" => SearchKey::New,
        "OLD" => SearchKey::HasNot(Flag::Recent),
        "RECENT" => SearchKey::Has(Flag::Recent),
        "ANSWERED" => SearchKey::Has(Flag::Answered),
        "DELETED" => SearchKey::Has(Flag::Deleted),
        "DRAFT" => SearchKey::Has(Flag::Draft),
        "FLAGGED" => SearchKey::Has(Flag::Flagged),
        "SEEN" => SearchKey::Has(Flag::Seen),
        "UNANSWERED" => SearchKey::HasNot(Flag::Answered),
        "UNDELETED" => SearchKey::HasNot(Flag::Deleted),
        "UNDRAFT" => SearchKey::HasNot(Flag::Draft),
        "UNFLAGGED" => SearchKey::HasNot(Flag::Flagged),
        "UNSEEN" => SearchKey::HasNot(Flag::Seen),
        _ => return None,
    })
}

fn keyword(reader: &mut Reader<'_>) -> Parsed<Flag> {
    Ok(Flag::Other(reader.atom()?.to_owned()))
}

/// A date, in quotes or without.
fn date(reader: &mut Reader<'_>) -> Parsed<Date> {
    let text = reader.text()?;
    match Date::parse(&text) {
        Some(date) => Ok(date),
        None => reader.error("a date"),
    }
}
