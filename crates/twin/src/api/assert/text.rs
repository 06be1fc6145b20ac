//! What a text should be, and how it differs.

use serde::Deserialize;

/// Characters of a text that a report quotes.
const QUOTED_CHARS_MAX: usize = 120;

/// A text within another, or the whole of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Wanted {
    Part(String),
    Whole(Whole),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Whole {
    is: String,
}

/// One thing that was asked for, beside what was there.
#[derive(Clone, Debug)]
pub(super) struct Point {
    /// `subject`, `header X-Kind`.
    pub(super) about: String,
    pub(super) wanted: String,
    pub(super) was: String,
    pub(super) holds: bool,
}

impl Wanted {
    /// Line ends count alike, and white space around the whole does not.
    pub(super) fn fits(&self, text: &str) -> bool {
        let text = text.replace("\r\n", "\n");
        match self {
            Self::Part(part) => text.contains(&part.replace("\r\n", "\n")),
            Self::Whole(whole) => text.trim() == whole.is.replace("\r\n", "\n").trim(),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Part(part) => format!("contains {}", quoted(part)),
            Self::Whole(whole) => format!("is {}", quoted(&whole.is)),
        }
    }
}

impl Point {
    pub(super) fn new(about: impl Into<String>, wanted: &Wanted, was: &str) -> Self {
        Self::any(about, wanted, &[was.to_owned()])
    }

    /// Holds if one of several texts fits.
    pub(super) fn any(about: impl Into<String>, wanted: &Wanted, were: &[String]) -> Self {
        let shown: Vec<String> = were.iter().map(|was| quoted(was)).collect();
        Self {
            about: about.into(),
            wanted: wanted.shown(),
            was: match shown.is_empty() {
                true => "absent".to_owned(),
                false => shown.join(" and "),
            },
            holds: were.iter().any(|was| wanted.fits(was)),
        }
    }

    /// An address or a name, in whatever case.
    pub(super) fn person(about: &str, wanted: &str, were: &[String]) -> Self {
        let wanted = wanted.to_lowercase();
        let mut point = Self::any(about, &Wanted::Part(wanted.clone()), were);
        point.holds = were.iter().any(|was| was.to_lowercase().contains(&wanted));
        point
    }
}

pub(super) fn quoted(text: &str) -> String {
    let text = text.trim();
    let mut shown: String = text.chars().take(QUOTED_CHARS_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_and_the_whole() {
        for (wanted, text, fits) in [
            (r#""ten""#, "at ten o'clock", true),
            (r#""Ten""#, "at ten o'clock", false),
            (r#"{"is": "at ten"}"#, "at ten\r\n", true),
            (r#"{"is": "at"}"#, "at ten", false),
            (r#""a\nb""#, "1 a\r\nb 2", true),
            (r#"{"is": "a\r\nb"}"#, "a\nb", true),
        ] {
            let read: Wanted = serde_json::from_str(wanted).expect("a text");
            assert_eq!(read.fits(text), fits, "{wanted} in {text:?}");
        }
        assert!(serde_json::from_str::<Wanted>(r#"{"matches": "."}"#).is_err());
    }

    #[test]
    fn people_are_known_in_any_case() {
        let were = ["Dr Sample <Asha@Northmoor.example>".to_owned()];
        assert!(Point::person("to", "asha@northmoor.EXAMPLE", &were).holds);
        let missing = Point::person("to", "ben@", &[]);
        assert_eq!((missing.holds, missing.was.as_str()), (false, "absent"));
    }
}
