//! Identifiers of patients in a stretch of text: NHS numbers by their check
//! digit, dates of birth and hospital numbers by the word before them.

use super::IdentifierKind;
use super::label;

/// No identifier, with the octets that end it, is longer than this.
pub(super) const IDENTIFIER_OCTETS_MAX: usize = 64;

const NHS_DIGITS: usize = 10;

/// One identifier, by its place in the stretch.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) kind: IdentifierKind,
    pub(super) at: usize,
    /// Masked.
    pub(super) shown: String,
}

/// Looks for identifiers whose first digit stands at `from` or later and
/// before `to`; what lies around is looked at too. Tells each to `found`,
/// until that says no.
pub(super) fn find(text: &[u8], from: usize, to: usize, found: &mut impl FnMut(Found) -> bool) {
    let mut at = from;
    while at < to {
        let Some(next) = text[at..to].iter().position(u8::is_ascii_digit) else {
            return;
        };
        let start = at + next;
        let end = start + digits_at(text, start);
        at = end;
        if start > 0 && text[start - 1].is_ascii_digit() {
            continue;
        }
        let identifier = nhs_number(text, start)
            .or_else(|| date_of_birth(text, start, end))
            .or_else(|| hospital_number(text, start, end));
        if let Some((identifier, end)) = identifier {
            at = end;
            if !found(identifier) {
                return;
            }
        }
    }
}

/// How many digits stand there, up to more than any identifier has.
fn digits_at(text: &[u8], start: usize) -> usize {
    text[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count()
}

/// Ten digits with their check digit, alone, in groups of 3, 3 and 4, or
/// grouped anyhow after a word such as `NHS number`.
///
/// One number in eleven has a fitting check digit by chance, so what is plainly
/// something else does not count: more digits around it, a decimal fraction, a
/// telephone number with its plus sign or the word for it, ten equal digits.
/// Ten digits in a row without any word count all the same, because systems
/// write them so, and a patient missed weighs more than a class raised for
/// nothing; except where they begin with 0, 1 or 2 and then no day and month
/// follow, as in every NHS number of that range (Scotland's), but not in a
/// moment counted in seconds.
fn nhs_number(text: &[u8], start: usize) -> Option<(Found, usize)> {
    let (digits, groups, end) = ten_digits(text, start)?;
    if !has_check_digit(&digits) || digits.iter().all(|digit| *digit == digits[0]) {
        return None;
    }
    let before = &text[..start];
    let labelled = label::ends_with_any(before, &label::NHS_NUMBER);
    let in_form = matches!(groups, Groups::None | Groups::Form);
    if !labelled {
        let previous = before.last().copied().unwrap_or(b' ');
        let within_word = previous.is_ascii_alphanumeric() || previous == b'_';
        if !in_form || within_word || goes_on(before) || label::is_telephone(before) {
            return None;
        }
        let first = digits[0];
        if groups == Groups::None && first < 3 && !starts_with_day_and_month(&digits) {
            return None;
        }
    }
    let last: String = digits[6..]
        .iter()
        .map(|digit| char::from(b'0' + digit))
        .collect();
    let found = Found {
        kind: IdentifierKind::NhsNumber,
        at: start,
        shown: format!("******{last}"),
    };
    Some((found, end))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Groups {
    None,
    /// 3, 3 and 4.
    Form,
    Other,
}

/// Ten digits from `start`, with single separators at most, and where they end.
fn ten_digits(text: &[u8], start: usize) -> Option<([u8; NHS_DIGITS], Groups, usize)> {
    let mut digits = [0; NHS_DIGITS];
    let mut count = 0;
    let mut at = start;
    let mut lengths = [0_usize; NHS_DIGITS];
    let mut groups = 0;
    let mut line_ends = 0;
    loop {
        let length = digits_at(text, at);
        if count + length > NHS_DIGITS {
            return None;
        }
        for byte in &text[at..at + length] {
            digits[count] = byte - b'0';
            count += 1;
        }
        lengths[groups] = length;
        groups += 1;
        at += length;
        if count == NHS_DIGITS {
            break;
        }
        let gap = separator(&text[at..])?;
        line_ends += usize::from(gap.line_end);
        at += gap.octets;
        if !text.get(at).is_some_and(u8::is_ascii_digit) {
            return None;
        }
    }
    let after = &text[at..];
    let joined = match after {
        [b'-' | b'.' | b',', digit, ..] => digit.is_ascii_digit(),
        [byte, ..] => byte.is_ascii_alphanumeric() || *byte == b'_',
        [] => false,
    };
    let groups = match &lengths[..groups] {
        [NHS_DIGITS] => Groups::None,
        // A column of figures is no number that was wrapped.
        [3, 3, 4] if line_ends < 2 => Groups::Form,
        _ if line_ends > 0 => return None,
        _ => Groups::Other,
    };
    (!joined).then_some((digits, groups, at))
}

struct Separator {
    octets: usize,
    line_end: bool,
}

/// What may stand between two groups: a space of any kind, a hyphen of any
/// kind, a full stop, a line end with what white space there is around it, or
/// something of no width.
fn separator(text: &[u8]) -> Option<Separator> {
    let octets = match text {
        [b'-' | b'.', ..] => 1,
        [0xc2, 0xa0 | 0xad, ..] => 2,
        // U+2000 to U+200D and U+2010 to U+2015; U+202F; U+2060; U+2212; U+FEFF.
        [0xe2, 0x80, 0x80..=0x8d | 0x90..=0x95 | 0xaf, ..]
        | [0xe2, 0x81, 0xa0, ..]
        | [0xe2, 0x88, 0x92, ..]
        | [0xef, 0xbb, 0xbf, ..] => 3,
        [b' ' | b'\t' | b'\r' | b'\n', ..] => {
            const WHITE_OCTETS_MAX: usize = 12;
            let white = text
                .iter()
                .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
                .count();
            let line_end = text[..white].contains(&b'\n');
            let fits = white == 1 || (line_end && white <= WHITE_OCTETS_MAX);
            return fits.then_some(Separator {
                octets: white,
                line_end,
            });
        }
        _ => return None,
    };
    Some(Separator {
        octets,
        line_end: false,
    })
}

/// Whether what stands before belongs to a longer number: `1-`, `3.`, `+44 `.
fn goes_on(before: &[u8]) -> bool {
    match before {
        [.., digit, b'-' | b'.' | b','] if digit.is_ascii_digit() => return true,
        [.., b'+'] => return true,
        _ => {}
    }
    let before = before.strip_suffix(b" ").unwrap_or(before);
    let before = before.strip_suffix(b"(0)").unwrap_or(before);
    let before = before.strip_suffix(b" ").unwrap_or(before);
    let digits = before
        .iter()
        .rev()
        .take(3)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    digits > 0 && before[..before.len() - digits].ends_with(b"+")
}

/// Modulus 11: weights 10 to 2, and what is missing to a multiple of 11.
fn has_check_digit(digits: &[u8; NHS_DIGITS]) -> bool {
    let sum: u32 = digits[..9]
        .iter()
        .zip((2..=10).rev())
        .map(|(digit, weight)| u32::from(*digit) * weight)
        .sum();
    (11 - sum % 11) % 11 == u32::from(digits[9])
}

fn starts_with_day_and_month(digits: &[u8; NHS_DIGITS]) -> bool {
    let day = digits[0] * 10 + digits[1];
    let month = digits[2] * 10 + digits[3];
    (1..=31).contains(&day) && (1..=12).contains(&month)
}

fn date_of_birth(text: &[u8], start: usize, end: usize) -> Option<(Found, usize)> {
    let (year, end) = date(text, start, end)?;
    let before = &text[..start];
    let before = label::without_month(before).unwrap_or(before);
    let found = Found {
        kind: IdentifierKind::DateOfBirth,
        at: start,
        shown: format!("**/**/**{:02}", year % 100),
    };
    label::ends_with_any(before, &label::DATE_OF_BIRTH).then_some((found, end))
}

/// A date that begins with the digits from `start` to `end`: its year, and
/// where it ends. Day before month, year before month, or all in one.
fn date(text: &[u8], start: usize, end: usize) -> Option<(u32, usize)> {
    let first = number(&text[start..end])?;
    match end - start {
        8 => {
            let year_first = first / 10_000;
            let year_last = first % 10_000;
            let year = if (1800..2200).contains(&year_first) {
                year_first
            } else {
                year_last
            };
            (1800..2200).contains(&year).then_some((year, end))
        }
        4 => {
            let (_, next) = part_of_date(text, end)?;
            let (_, next) = part_of_date(text, next)?;
            Some((first, next))
        }
        1 | 2 if first <= 31 => {
            let (middle, next) = match part_of_date(text, end) {
                Some(found) => found,
                None => {
                    let next = label::month_at(text, end)?;
                    (1, next)
                }
            };
            // `January 1, 1980`: the second number is the year.
            if middle > 31 {
                return (1800..2200).contains(&middle).then_some((middle, next));
            }
            let (year, next) = part_of_date(text, next)?;
            Some((year, next))
        }
        _ => None,
    }
}

/// A separator and a number of at most four digits.
fn part_of_date(text: &[u8], at: usize) -> Option<(u32, usize)> {
    let gap = text[at..]
        .iter()
        .take(2)
        .take_while(|byte| b"/.-, ".contains(byte))
        .count();
    let start = at + gap;
    let length = text.get(start..).map(|rest| digits_at(rest, 0))?;
    if gap == 0 || !(1..=4).contains(&length) || length == 3 {
        return None;
    }
    Some((number(&text[start..start + length])?, start + length))
}

fn number(digits: &[u8]) -> Option<u32> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// A word of letters and digits, at least four of these, after its label.
fn hospital_number(text: &[u8], start: usize, end: usize) -> Option<(Found, usize)> {
    const DIGITS_MIN: usize = 4;
    const OCTETS_MAX: usize = 14;
    if end - start < DIGITS_MIN {
        return None;
    }
    // A telephone number of this country.
    let spaced = matches!(&text[end..], [b' ' | b'-', digit, ..] if digit.is_ascii_digit());
    if text[start] == b'0' && spaced {
        return None;
    }
    let letters = text[..start]
        .iter()
        .rev()
        .take(OCTETS_MAX)
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    let word = start - letters;
    let labelled = label::ends_with_any(&text[..word], &label::HOSPITAL_NUMBER)
        || (letters > 0 && label::ends_with_any(&text[..start], &label::HOSPITAL_NUMBER));
    if !labelled || end - word > OCTETS_MAX {
        return None;
    }
    let shown = end - start;
    let kept = &text[end - 2..end];
    let found = Found {
        kind: IdentifierKind::HospitalNumber,
        at: start,
        shown: "*".repeat(shown - 2) + &String::from_utf8_lossy(kept),
    };
    Some((found, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let mut shown = Vec::new();
        find(text.as_bytes(), 0, text.len(), &mut |found| {
            shown.push(format!("{} {}", found.kind.as_str(), found.shown));
            true
        });
        assert_eq!(shown, expected, "{text:?}");
    }

    #[test]
    fn finds_nhs_numbers_as_people_write_them() {
        for text in [
            "9990000018",
            "999 000 0018",
            "999-000-0018",
            "(9990000018)",
            "NHS:999 000 0018.",
            "NHS9990000018",
            "nhsNo=9990000018&x",
            "999\u{a0}000\u{2011}0018",
            "999 000\r\n  0018",
            "Ward 4, 999 000 0018",
            "NHS no. 99 9000 0018",
            "NHS number is 9-9-9-0-0-0-0-0-1-8",
            "tel 01632 960001, 9990000018",
            "-9990000018-",
        ] {
            check(text, &["NHS number ******0018"]);
        }
        check(
            "999 000 0018 and 999 000 0026",
            &["NHS number ******0018", "NHS number ******0026"],
        );
    }

    #[test]
    fn passes_over_what_is_no_nhs_number() {
        for text in [
            "9990000019",
            "99900000181",
            "19990000018",
            "1-999-000-0018",
            "999-000-0018-3",
            "9990000018.5",
            "0.9990000018",
            "A9990000018",
            "9990000018Z",
            "id_9990000018",
            "+9990000018",
            "+1 999 000 0018",
            "+44 (0)9990000018",
            "Tel: 999 000 0018",
            "phone no. 9990000018",
            "99 9000 0018",
            "999\n000\n0018",
            "999  000 0018",
            "999 | 000 | 0018",
            "1111111111 0000000000",
            "999 000",
            "01632 960001",
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn seconds_since_1970_are_no_patient() {
        let mut fitting = 0;
        for second in 1_766_000_000..1_766_000_110_u64 {
            check(&second.to_string(), &[]);
            let mut digits = [0; NHS_DIGITS];
            for (digit, byte) in digits.iter_mut().zip(second.to_string().bytes()) {
                *digit = byte - b'0';
            }
            fitting += usize::from(has_check_digit(&digits));
        }
        assert!(fitting > 5);
    }

    #[test]
    fn finds_dates_of_birth_beside_their_word() {
        for text in [
            "DOB 01/02/1980",
            "D.O.B.: 1-2-80",
            "Date of birth:\r\n1980-02-01",
            "dateOfBirth\": \"1980-02-01",
            "<birthDate value=\"1980-02-01\"",
            "born on 1 February 1980",
            "DoB 1st Feb 1980",
            "date_of_birth=19800201",
            "Born February 1, 1980",
            "dob\u{b}01.02.1980",
        ] {
            check(text, &["date of birth **/**/**80"]);
        }
        for text in [
            "01/02/1980",
            "adob 01/02/1980",
            "DOB unknown, seen 01/02/1980",
            "born in 1980",
            "dob 99/99",
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn finds_hospital_numbers_beside_their_word() {
        for (text, shown) in [
            ("MRN: 123456", "****56"),
            ("mrn123456", "****56"),
            ("Hospital No. A123456", "****56"),
            ("hospital number is RXA1234567", "*****67"),
            ("\"patientId\":\"1234\"", "**34"),
        ] {
            check(text, &[&format!("hospital number {shown}")]);
        }
        for text in [
            "123456",
            "the hospital 123456",
            "hospital number 01632 960001",
            "MRN pending, room 1234",
            "MRN 123",
        ] {
            check(text, &[]);
        }
    }
}
