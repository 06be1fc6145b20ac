//! The words that say what the number after them is.

/// What may stand between a label and its number, in octets that are no
/// letters or digits.
const GAP_OCTETS_MAX: usize = 24;
/// The same between two words of a label.
const INNER_GAP_OCTETS_MAX: usize = 3;
/// Words such as `is` between a label and its number.
const FILLERS_MAX: usize = 2;

/// The longest label with fillers and gaps: more is never looked at.
pub(super) const LABEL_OCTETS_MAX: usize = 160;

/// Written without spaces: these, hyphens, full stops and the like may stand
/// between any two letters.
pub(super) const NHS_NUMBER: [&[u8]; 7] = [
    b"nhs",
    b"nhsnumber",
    b"nhsno",
    b"nhsnum",
    b"nhsid",
    b"chi",
    b"chinumber",
];
pub(super) const DATE_OF_BIRTH: [&[u8]; 4] = [b"dob", b"dateofbirth", b"birthdate", b"born"];
pub(super) const HOSPITAL_NUMBER: [&[u8]; 14] = [
    b"mrn",
    b"hospitalnumber",
    b"hospitalno",
    b"hospitalnum",
    b"hospitalid",
    b"hospno",
    b"medicalrecordnumber",
    b"medicalrecordno",
    b"patientnumber",
    b"patientno",
    b"patientid",
    b"patientidentifier",
    b"unitnumber",
    b"casenotenumber",
];
const TELEPHONE: [&[u8]; 7] = [
    b"tel",
    b"telephone",
    b"phone",
    b"mobile",
    b"mob",
    b"fax",
    b"bleep",
];
const TELEPHONE_FILLERS: [&[u8]; 4] = [b"no", b"number", b"us", b"on"];
const FILLERS: [&[u8]; 5] = [b"is", b"was", b"on", b"value", b"of"];
const MONTHS: [&[u8]; 12] = [
    b"january",
    b"february",
    b"march",
    b"april",
    b"may",
    b"june",
    b"july",
    b"august",
    b"september",
    b"october",
    b"november",
    b"december",
];

/// Whether one of `labels` ends `before`, but for white space and signs.
pub(super) fn ends_with_any(before: &[u8], labels: &[&[u8]]) -> bool {
    ends_with(before, labels, &FILLERS)
}

pub(super) fn is_telephone(before: &[u8]) -> bool {
    ends_with(before, &TELEPHONE, &TELEPHONE_FILLERS)
}

fn ends_with(before: &[u8], labels: &[&[u8]], fillers: &[&[u8]]) -> bool {
    let mut text = without_gap(before);
    for _ in 0..=FILLERS_MAX {
        if labels
            .iter()
            .any(|label| without_word(text, label).is_some())
        {
            return true;
        }
        let Some(shorter) = fillers.iter().find_map(|filler| without_word(text, filler)) else {
            return false;
        };
        text = without_gap(shorter);
    }
    false
}

/// `before` without the month's name at its end: `born February `.
pub(super) fn without_month(before: &[u8]) -> Option<&[u8]> {
    let text = without_gap(before);
    MONTHS
        .iter()
        .find_map(|month| without_word(text, month).or_else(|| without_word(text, &month[..3])))
}

/// Where a month's name, perhaps after `st` or `of`, ends.
pub(super) fn month_at(text: &[u8], at: usize) -> Option<usize> {
    const OCTETS_MAX: usize = 16;
    let stretch = &text[at..text.len().min(at + OCTETS_MAX)];
    let lower = stretch.to_ascii_lowercase();
    let mut rest = lower.as_slice();
    for ordinal in [b"st", b"nd", b"rd", b"th"] {
        rest = rest.strip_prefix(ordinal).unwrap_or(rest);
    }
    rest = skip_gap(rest);
    rest = skip_gap(rest.strip_prefix(b"of ").unwrap_or(rest));
    let length = rest
        .iter()
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count();
    let word = &rest[..length];
    let found = length >= 3 && MONTHS.iter().any(|month| month.starts_with(word));
    found.then_some(at + lower.len() - rest.len() + length)
}

fn skip_gap(text: &[u8]) -> &[u8] {
    let gap = text
        .iter()
        .take_while(|byte| b" -/.,".contains(byte))
        .count();
    &text[gap..]
}

/// Without the signs and white space at the end; what is too far away goes
/// with it.
fn without_gap(text: &[u8]) -> &[u8] {
    let gap = text
        .iter()
        .rev()
        .take(GAP_OCTETS_MAX + 1)
        .take_while(|byte| !byte.is_ascii_alphanumeric())
        .count();
    if gap > GAP_OCTETS_MAX {
        return &[];
    }
    &text[..text.len() - gap]
}

/// `text`, which ends in a letter, without `word` at its end, where that is a
/// word of its own: no letter stands before it, but for `patientDob`.
fn without_word<'a>(text: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let mut end = text.len();
    for (index, letter) in word.iter().rev().enumerate() {
        let mut gap = 0;
        while end > 0 && !text[end - 1].is_ascii_alphanumeric() {
            gap += 1;
            end -= 1;
            if index == 0 || gap > INNER_GAP_OCTETS_MAX {
                return None;
            }
        }
        if end == 0 || text[end - 1].to_ascii_lowercase() != *letter {
            return None;
        }
        end -= 1;
    }
    let rest = &text[..end];
    let alone = match rest.last() {
        Some(previous) => {
            !previous.is_ascii_alphabetic()
                || (previous.is_ascii_lowercase() && text[end].is_ascii_uppercase())
        }
        None => true,
    };
    alone.then_some(rest)
}
