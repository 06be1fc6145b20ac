//! Reading what the extensions add, see [`super::extended`].

use super::command::{Command, StatusItem};
use super::extended::{
    LIST_PATTERNS_MAX, ListReturns, ListSelection, Listing, Opening, Resync, SORT_CRITERIA_MAX,
    Search, SearchReturns, SortCriterion, SortKey,
};
use super::parse_search::search_keys;
use super::read::{Parsed, Reader};

/// SELECT and EXAMINE after their space.
pub(super) fn opening(reader: &mut Reader<'_>) -> Parsed<Opening> {
    let mut opening = Opening::plain(reader.mailbox()?);
    if !(reader.dialect.extended && reader.take_both(b" (")) {
        return Ok(opening);
    }
    loop {
        if reader.keyword("CONDSTORE") {
            opening.condstore = true;
        } else if reader.keyword("QRESYNC") {
            reader.space()?;
            opening.resync = Some(resync(reader)?);
        } else {
            return reader.error("CONDSTORE or QRESYNC");
        }
        if reader.take(b')') {
            return Ok(opening);
        }
        reader.space()?;
    }
}

/// `(uidvalidity modseq [known-uids] [(numbers uids)])`
fn resync(reader: &mut Reader<'_>) -> Parsed<Resync> {
    reader.expect(b'(', "an opening parenthesis")?;
    let uid_validity = reader.number()?;
    reader.space()?;
    let mut resync = Resync {
        uid_validity,
        modseq: reader.number64()?,
        known_uids: None,
        matched: None,
    };
    while reader.take(b' ') {
        if reader.take(b'(') {
            let numbers = reader.sequence_set()?;
            reader.space()?;
            resync.matched = Some((numbers, reader.sequence_set()?));
            reader.expect(b')', "a closing parenthesis")?;
        } else if resync.known_uids.is_none() {
            resync.known_uids = Some(reader.sequence_set()?);
        } else {
            return reader.error("a closing parenthesis");
        }
    }
    reader.expect(b')', "a closing parenthesis")?;
    Ok(resync)
}

/// LIST after its space.
pub(super) fn listing(reader: &mut Reader<'_>) -> Parsed<Listing> {
    let extended = reader.dialect.extended;
    let mut listing = Listing::default();
    if extended && reader.peek() == Some(b'(') {
        listing.extended = true;
        listing.select = selection(reader)?;
        reader.space()?;
    }
    listing.reference = reader.mailbox()?;
    reader.space()?;
    if extended && reader.peek() == Some(b'(') {
        listing.extended = true;
        listing.patterns = reader.parenthesised(false, Reader::list_pattern)?;
        if listing.patterns.len() > LIST_PATTERNS_MAX {
            return reader.error("fewer patterns");
        }
    } else {
        listing.patterns = vec![reader.list_pattern()?];
    }
    if extended && reader.take_both(b" R") {
        if !reader.keyword("ETURN") {
            return reader.error("RETURN");
        }
        reader.space()?;
        listing.extended = true;
        listing.returns = list_returns(reader)?;
    }
    Ok(listing)
}

fn selection(reader: &mut Reader<'_>) -> Parsed<ListSelection> {
    let mut select = ListSelection::default();
    reader.parenthesised(true, |reader| {
        match reader.atom()?.to_ascii_uppercase().as_str() {
            "SUBSCRIBED" => select.subscribed = true,
            "REMOTE" => select.remote = true,
            "RECURSIVEMATCH" => select.recursive_match = true,
            "SPECIAL-USE" => select.special_use = true,
            _ => return reader.error("an option of LIST"),
        }
        Ok(())
    })?;
    // RECURSIVEMATCH alone says nothing (RFC 5258 section 3.1).
    if select.recursive_match && !(select.subscribed || select.special_use) {
        return reader.error("something to match with RECURSIVEMATCH");
    }
    Ok(select)
}

fn list_returns(reader: &mut Reader<'_>) -> Parsed<ListReturns> {
    let mut returns = ListReturns::default();
    reader.parenthesised(true, |reader| {
        match reader.atom()?.to_ascii_uppercase().as_str() {
            "SUBSCRIBED" => returns.subscribed = true,
            "CHILDREN" => returns.children = true,
            "SPECIAL-USE" => returns.special_use = true,
            "STATUS" => {
                reader.space()?;
                returns.status = reader.parenthesised(false, status_item)?;
            }
            _ => return reader.error("a return option of LIST"),
        }
        Ok(())
    })?;
    Ok(returns)
}

pub(super) fn status_item(reader: &mut Reader<'_>) -> Parsed<StatusItem> {
    let name = reader.atom()?;
    match StatusItem::NAMES
        .iter()
        .find(|(_, own)| own.eq_ignore_ascii_case(name))
    {
        Some((item, _)) if reader.dialect.extended || !item.is_extended() => Ok(*item),
        _ => reader.error("a status item"),
    }
}

/// SEARCH after its name.
pub(super) fn search(reader: &mut Reader<'_>) -> Parsed<Search> {
    reader.space()?;
    let mut returns = None;
    if reader.dialect.extended && reader.keyword("RETURN") {
        reader.space()?;
        returns = Some(search_returns(reader)?);
        reader.space()?;
    }
    let mut search = search_keys(reader)?;
    search.returns = returns;
    Ok(search)
}

fn search_returns(reader: &mut Reader<'_>) -> Parsed<SearchReturns> {
    let mut returns = SearchReturns::default();
    reader.parenthesised(true, |reader| {
        match reader.atom()?.to_ascii_uppercase().as_str() {
            "MIN" => returns.min = true,
            "MAX" => returns.max = true,
            "ALL" => returns.all = true,
            "COUNT" => returns.count = true,
            "SAVE" => returns.save = true,
            _ => return reader.error("MIN, MAX, ALL, COUNT or SAVE"),
        }
        Ok(())
    })?;
    if returns == SearchReturns::default() {
        returns.all = true;
    }
    Ok(returns)
}

/// SORT after its name: criteria, charset, keys.
pub(super) fn sort(reader: &mut Reader<'_>, by_uid: bool) -> Parsed<Command> {
    reader.space()?;
    let criteria = reader.parenthesised(false, |reader| {
        let mut name = reader.atom()?;
        let reverse = name.eq_ignore_ascii_case("REVERSE");
        if reverse {
            reader.space()?;
            name = reader.atom()?;
        }
        match SortKey::NAMES
            .iter()
            .find(|(_, own)| own.eq_ignore_ascii_case(name))
        {
            Some((key, _)) => Ok(SortCriterion { reverse, key: *key }),
            None => reader.error("a sort criterion"),
        }
    })?;
    if criteria.len() > SORT_CRITERIA_MAX {
        return reader.error("fewer criteria");
    }
    let search = in_charset(reader)?;
    Ok(Command::Sort {
        by_uid,
        criteria,
        search,
    })
}

/// THREAD after its name. REFERENCES is the one algorithm that is known.
pub(super) fn thread(reader: &mut Reader<'_>, by_uid: bool) -> Parsed<Command> {
    reader.space()?;
    if !reader.keyword("REFERENCES") {
        return reader.error("REFERENCES");
    }
    let search = in_charset(reader)?;
    Ok(Command::Thread { by_uid, search })
}

/// The charset, which is not optional here, and the keys.
fn in_charset(reader: &mut Reader<'_>) -> Parsed<Search> {
    reader.space()?;
    let charset = super::search::Charset::named(&reader.text()?);
    reader.space()?;
    let mut search = search_keys(reader)?;
    search.charset = charset;
    Ok(search)
}

/// ` (CHANGEDSINCE n VANISHED)` after the items of FETCH.
pub(super) fn fetch_modifiers(
    reader: &mut Reader<'_>,
    by_uid: bool,
) -> Parsed<(Option<u64>, bool)> {
    let (mut changed_since, mut vanished) = (None, false);
    if !(reader.dialect.extended && reader.take_both(b" (")) {
        return Ok((None, false));
    }
    loop {
        if reader.keyword("CHANGEDSINCE") {
            reader.space()?;
            changed_since = Some(reader.number64()?);
        } else if by_uid && reader.keyword("VANISHED") {
            vanished = true;
        } else {
            return reader.error("CHANGEDSINCE or VANISHED");
        }
        if reader.take(b')') {
            break;
        }
        reader.space()?;
    }
    if vanished && changed_since.is_none() {
        return reader.error("CHANGEDSINCE with VANISHED");
    }
    Ok((changed_since, vanished))
}

/// `(UNCHANGEDSINCE n) ` before the action of STORE.
pub(super) fn store_modifier(reader: &mut Reader<'_>) -> Parsed<Option<u64>> {
    if !(reader.dialect.extended && reader.take(b'(')) {
        return Ok(None);
    }
    if !reader.keyword("UNCHANGEDSINCE") {
        return reader.error("UNCHANGEDSINCE");
    }
    reader.space()?;
    let since = reader.number64()?;
    reader.expect(b')', "a closing parenthesis")?;
    reader.space()?;
    Ok(Some(since))
}
