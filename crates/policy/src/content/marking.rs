//! Data class markings: a line of its own, or a mark in the subject. The word
//! "secret" in a sentence is none.

use crate::data_class::DataClass;

/// A longer line is a sentence.
pub(super) const MARKING_OCTETS_MAX: usize = 100;
const WORDS_MAX: usize = 10;

/// What may follow a marking (handling caveats, and national prefixes).
const CAVEATS: [&str; 14] = [
    "UK",
    "EYES",
    "ONLY",
    "PERSONAL",
    "COMMERCIAL",
    "LOCSEN",
    "CLINICAL",
    "STAFF",
    "PATIENT",
    "DATA",
    "NHS",
    "ATOMIC",
    "STRAP",
    "NATO",
];

/// What may stand before it: `Classification: OFFICIAL-SENSITIVE`.
const PREFIXES: [&str; 8] = [
    "PROTECTIVE MARKING",
    "SECURITY CLASSIFICATION",
    "DATA CLASSIFICATION",
    "CLASSIFICATION",
    "SECURITY MARKING",
    "MARKING",
    "DATA CLASS",
    "HANDLING",
];

/// The first word of every line that can be a marking.
const FIRST_WORDS: [&[u8]; 11] = [
    b"OFFICIAL",
    b"SECRET",
    b"TOP",
    b"UK",
    b"NATO",
    b"PROTECTIVE",
    b"SECURITY",
    b"DATA",
    b"CLASSIFICATION",
    b"MARKING",
    b"HANDLING",
];

/// Whether a line that starts so can be a marking: told by its first word,
/// since nearly no line is.
pub(super) fn may_start(line: &[u8]) -> bool {
    const DECORATION_OCTETS_MAX: usize = 16;
    let Some(start) = line
        .iter()
        .take(DECORATION_OCTETS_MAX)
        .position(|byte| byte.is_ascii_alphanumeric() || *byte == b'\n')
    else {
        return false;
    };
    let line = &line[start..];
    FIRST_WORDS.iter().any(|word| {
        line.get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
    })
}

/// The class that a line says, when it says nothing else. OFFICIAL-SENSITIVE
/// in any case, SECRET in capitals alone.
pub(super) fn of_line(line: &[u8]) -> Option<DataClass> {
    if line.len() > MARKING_OCTETS_MAX {
        return None;
    }
    let text = String::from_utf8_lossy(line);
    let is_sign = |char: char| !char.is_alphanumeric();
    let mut text = text.trim_matches(is_sign);
    for prefix in PREFIXES {
        if let Some(start) = text.get(..prefix.len())
            && start.eq_ignore_ascii_case(prefix)
            && text[prefix.len()..].starts_with([' ', ':', '-', '='])
        {
            text = text[prefix.len()..].trim_matches(is_sign);
            break;
        }
    }
    let words: Vec<&str> = text
        .split(is_sign)
        .filter(|word| !word.is_empty())
        .take(WORDS_MAX + 1)
        .collect();
    let national = words
        .first()
        .is_some_and(|word| *word == "UK" || *word == "NATO");
    let words = if national { &words[1..] } else { &words[..] };
    let (class, rest) = match words {
        [first, second, rest @ ..]
            if first.eq_ignore_ascii_case("official")
                && second.eq_ignore_ascii_case("sensitive") =>
        {
            (DataClass::OfficialSensitive, rest)
        }
        ["TOP", "SECRET", rest @ ..] => (DataClass::TopSecret, rest),
        ["SECRET", rest @ ..] => (DataClass::Secret, rest),
        _ => return None,
    };
    let caveats = rest.iter().all(|word| {
        CAVEATS
            .iter()
            .any(|caveat| caveat.eq_ignore_ascii_case(word))
    });
    caveats.then_some(class)
}

/// The class that a decoded subject bears. OFFICIAL-SENSITIVE wherever it
/// stands; SECRET in capitals, at the start before a sign, at the end after
/// one, or between brackets: `SECRET: plan`, `Plan [SECRET]`.
pub(super) fn of_subject(subject: &str) -> Option<DataClass> {
    if let Some(class) = of_line(subject.as_bytes()) {
        return Some(class);
    }
    let mut strictest = official_sensitive(subject).then_some(DataClass::OfficialSensitive);
    for (at, word) in subject.match_indices("SECRET") {
        let before = subject[..at].trim_end();
        let (top, before) = match before.strip_suffix("TOP") {
            Some(before) => (true, before.trim_end()),
            None => (false, before),
        };
        let before = before.strip_suffix("UK").unwrap_or(before).trim_end();
        let after = subject[at + word.len()..].trim_start();
        let opens = before.is_empty() || before.ends_with(['[', '(', '{', '|', '-', ':', '–', '*']);
        let closes =
            after.is_empty() || after.starts_with([']', ')', '}', '|', '-', ':', '–', '*', '/']);
        if opens && closes {
            let class = if top {
                DataClass::TopSecret
            } else {
                DataClass::Secret
            };
            strictest = strictest.max(Some(class));
        }
    }
    strictest
}

fn official_sensitive(subject: &str) -> bool {
    let mut previous = "";
    subject
        .split(|char: char| !char.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .any(|word| {
            let found =
                previous.eq_ignore_ascii_case("official") && word.eq_ignore_ascii_case("sensitive");
            previous = word;
            found
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OS: Option<DataClass> = Some(DataClass::OfficialSensitive);

    #[test]
    fn knows_markings_from_sentences() {
        for (line, class) in [
            ("OFFICIAL-SENSITIVE", OS),
            ("official: sensitive\r", OS),
            ("** OFFICIAL SENSITIVE - PERSONAL **", OS),
            ("[Official-Sensitive]", OS),
            ("Classification: OFFICIAL-SENSITIVE", OS),
            ("Protective marking - UK SECRET", Some(DataClass::Secret)),
            ("SECRET", Some(DataClass::Secret)),
            ("TOP SECRET // UK EYES ONLY", Some(DataClass::TopSecret)),
            ("OFFICIAL", None),
            ("secret", None),
            ("Secret", None),
            ("SECRET SANTA", None),
            ("Official-Sensitive mail needs a secure route", None),
            ("The secret is out", None),
            ("", None),
        ] {
            assert_eq!(of_line(line.as_bytes()), class, "{line:?}");
            assert!(class.is_none() || may_start(line.as_bytes()), "{line:?}");
        }
    }

    #[test]
    fn knows_marks_in_subjects() {
        for (subject, class) in [
            ("Results OFFICIAL-SENSITIVE", OS),
            ("[official sensitive] rota", OS),
            ("Official: Sensitive: rota", OS),
            ("SECRET", Some(DataClass::Secret)),
            ("SECRET: plan", Some(DataClass::Secret)),
            ("Plan [SECRET]", Some(DataClass::Secret)),
            ("Re: TOP SECRET - plan", Some(DataClass::TopSecret)),
            ("SECRET SANTA", None),
            ("The SECRET garden", None),
            ("Secret: plan", None),
            ("Your secret for the new system", None),
            ("Unofficial and sensitive", None),
        ] {
            assert_eq!(of_subject(subject), class, "{subject:?}");
        }
    }
}
