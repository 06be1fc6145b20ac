//! The second wall: whatever looks like an address of mail and is none of our
//! own accounts is written as `<masked>`.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

static OWN: RwLock<Option<HashSet<String>>> = RwLock::new(None);

const MASK: &[u8] = b"<masked>";

/// These may be written: the accounts of the configuration, lower case.
pub(crate) fn own_addresses(addresses: impl IntoIterator<Item = String>) {
    let mut own = OWN.write().unwrap_or_else(PoisonError::into_inner);
    *own = Some(addresses.into_iter().collect());
}

/// The line with addresses masked. Cheap where there is no `@`.
pub(super) fn mask(line: &[u8]) -> Cow<'_, [u8]> {
    if !line.contains(&b'@') {
        return Cow::Borrowed(line);
    }
    let own = OWN.read().unwrap_or_else(PoisonError::into_inner);
    let known = |address: &[u8]| {
        let text = String::from_utf8_lossy(address).to_lowercase();
        own.as_ref().is_some_and(|own| own.contains(&text))
    };
    mask_but(line, known)
}

fn mask_but(line: &[u8], known: impl Fn(&[u8]) -> bool) -> Cow<'_, [u8]> {
    let mut masked: Option<Vec<u8>> = None;
    let (mut written, mut from) = (0, 0);
    while let Some(at) = line[from..].iter().position(|one| *one == b'@') {
        let at = from + at;
        let (start, end) = (local_start(line, written, at), domain_end(line, at + 1));
        from = end;
        if start == at || end == at + 1 || known(&line[start..end]) {
            continue;
        }
        let out = masked.get_or_insert_with(|| Vec::with_capacity(line.len()));
        out.extend_from_slice(&line[written..start]);
        out.extend_from_slice(MASK);
        written = end;
    }
    match masked {
        None => Cow::Borrowed(line),
        Some(mut out) => {
            out.extend_from_slice(&line[written..]);
            Cow::Owned(out)
        }
    }
}

/// Where the local part before `at` begins: a quoted string goes back to its
/// opening quote, anything else as far as its characters may stand there.
fn local_start(line: &[u8], floor: usize, at: usize) -> usize {
    let before = &line[floor..at];
    if before.last() == Some(&b'"') {
        let inner = &before[..before.len() - 1];
        let opening = inner.iter().rposition(|one| *one == b'"');
        return opening.map_or(at, |opening| floor + opening);
    }
    let letters = before.iter().rev().take_while(|one| in_local_part(**one));
    at - letters.count()
}

/// `=` is left out: the log writes `account=NAME`.
fn in_local_part(one: u8) -> bool {
    one.is_ascii_alphanumeric() || !one.is_ascii() || b"!#$%&'*+-/?^_`{|}~.".contains(&one)
}

fn domain_end(line: &[u8], start: usize) -> usize {
    if line.get(start) == Some(&b'[') {
        let close = line[start..].iter().position(|one| *one == b']');
        return close.map_or(start, |close| start + close + 1);
    }
    let letters = line[start..]
        .iter()
        .take_while(|one| one.is_ascii_alphanumeric() || !one.is_ascii() || b"-.".contains(one));
    start + letters.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_others_are_masked() {
        for (line, expected) in [
            ("nothing here", "nothing here"),
            (
                "account=clinic@northmoor.example ok",
                "account=clinic@northmoor.example ok",
            ),
            (
                "account=Clinic@Northmoor.example",
                "account=Clinic@Northmoor.example",
            ),
            (
                "550 5.1.1 <jo.bloggs+x@other.example> User unknown",
                "550 5.1.1 <<masked>> User unknown",
            ),
            (
                r#"{"text":"to jo@a.example, ann@b.example."}"#,
                r#"{"text":"to <masked>, <masked>"}"#,
            ),
            (r#"<"jo bloggs"@a.example>"#, "<<masked>>"),
            (r#"{"t":"\"jo b\"@a.example"}"#, r#"{"t":"\<masked>"}"#),
            ("jörg@bücher.example!", "<masked>!"),
            ("jo@[192.0.2.1] said", "<masked> said"),
            ("a@@b.example @ c@", "a@@b.example @ c@"),
            ("x@clinic@northmoor.example", "<masked>@northmoor.example"),
        ] {
            let own = |address: &[u8]| address.eq_ignore_ascii_case(b"clinic@northmoor.example");
            let masked = mask_but(line.as_bytes(), own);
            assert_eq!(String::from_utf8_lossy(&masked), expected, "{line}");
        }
    }
}
