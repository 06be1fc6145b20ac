//! What the extensions add to commands, as bytes.

use super::command::StatusItem;
use super::encode::{put, put_arguments};
use super::extended::{Listing, Opening, SearchReturns, SortCriterion, SortKey};

pub(super) fn put_opening(out: &mut Vec<u8>, opening: &Opening) {
    put_arguments(out, &[opening.mailbox.to_wire().as_bytes()]);
    let mut parameters = Vec::new();
    if opening.condstore {
        parameters.push("CONDSTORE".to_owned());
    }
    if let Some(resync) = &opening.resync {
        let mut text = format!("QRESYNC ({} {}", resync.uid_validity, resync.modseq);
        if let Some(known) = &resync.known_uids {
            text.push_str(&format!(" {known}"));
        }
        if let Some((numbers, uids)) = &resync.matched {
            text.push_str(&format!(" ({numbers} {uids})"));
        }
        text.push(')');
        parameters.push(text);
    }
    if !parameters.is_empty() {
        put(out, &format!(" ({})", parameters.join(" ")));
    }
}

pub(super) fn put_listing(out: &mut Vec<u8>, listing: &Listing) {
    let select = &listing.select;
    let options = chosen(&[
        (select.subscribed, "SUBSCRIBED"),
        (select.remote, "REMOTE"),
        (select.recursive_match, "RECURSIVEMATCH"),
        (select.special_use, "SPECIAL-USE"),
    ]);
    if !options.is_empty() {
        put(out, &format!(" ({options})"));
    }
    put_arguments(out, &[listing.reference.to_wire().as_bytes()]);
    let patterns: Vec<String> = listing
        .patterns
        .iter()
        .map(|pattern| super::mailbox::encode(pattern))
        .collect();
    match patterns.as_slice() {
        [one] => put_arguments(out, &[one.as_bytes()]),
        several => {
            let mut inner = Vec::new();
            for pattern in several {
                put_arguments(&mut inner, &[pattern.as_bytes()]);
            }
            put(out, " (");
            out.extend_from_slice(inner.trim_ascii_start());
            put(out, ")");
        }
    }
    let returns = &listing.returns;
    let mut options = chosen(&[
        (returns.subscribed, "SUBSCRIBED"),
        (returns.children, "CHILDREN"),
        (returns.special_use, "SPECIAL-USE"),
    ]);
    if !returns.status.is_empty() {
        let gap = if options.is_empty() { "" } else { " " };
        options.push_str(&format!("{gap}STATUS ({})", status_names(&returns.status)));
    }
    if !options.is_empty() {
        put(out, &format!(" RETURN ({options})"));
    }
}

pub(super) fn status_names(items: &[StatusItem]) -> String {
    let names: Vec<&str> = items.iter().map(|item| item.name()).collect();
    names.join(" ")
}

pub(super) fn put_returns(out: &mut Vec<u8>, returns: Option<SearchReturns>) {
    if let Some(returns) = returns {
        let options = chosen(&[
            (returns.min, "MIN"),
            (returns.max, "MAX"),
            (returns.all, "ALL"),
            (returns.count, "COUNT"),
            (returns.save, "SAVE"),
        ]);
        put(out, &format!(" RETURN ({options})"));
    }
}

pub(super) fn put_criteria(out: &mut Vec<u8>, criteria: &[SortCriterion]) {
    let names: Vec<String> = criteria
        .iter()
        .map(|criterion| {
            let name = SortKey::NAMES
                .iter()
                .find(|(key, _)| *key == criterion.key)
                .map_or("", |(_, name)| name);
            format!("{}{name}", if criterion.reverse { "REVERSE " } else { "" })
        })
        .collect();
    put(out, &format!(" ({})", names.join(" ")));
}

fn chosen(options: &[(bool, &str)]) -> String {
    let names: Vec<&str> = options
        .iter()
        .filter(|(chosen, _)| *chosen)
        .map(|(_, name)| *name)
        .collect();
    names.join(" ")
}
