//! The base subject by which messages are sorted and threaded (RFC 5256
//! section 2.1).

/// What is kept of a subject; longer ones are told apart no further.
const SUBJECT_CHARS_MAX: usize = 512;

/// A subject without what replies and forwards put around it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BaseSubject {
    /// In capitals, as i;unicode-casemap has it.
    pub(crate) base: String,
    /// Something was taken off that says reply or forward.
    pub(crate) is_reply: bool,
}

impl BaseSubject {
    /// Takes a decoded subject.
    pub(crate) fn of(subject: &str) -> Self {
        let mut is_reply = false;
        // 1. White space is one space each.
        let text: Vec<&str> = subject.split_whitespace().collect();
        let text: String = text.join(" ").chars().take(SUBJECT_CHARS_MAX).collect();
        let mut rest = text.as_str();
        loop {
            // 2. Trailers: (fwd) and white space.
            loop {
                rest = rest.trim_end();
                match ends_in(rest, "(fwd)") {
                    Some(shorter) => (rest, is_reply) = (shorter, true),
                    None => break,
                }
            }
            // 3 to 5. Leaders, and blobs where something is left after them.
            loop {
                rest = rest.trim_start();
                if let Some(shorter) = without_leader(rest) {
                    (rest, is_reply) = (shorter, true);
                } else if let Some(shorter) = without_blob(rest).filter(|left| !left.is_empty()) {
                    rest = shorter;
                } else {
                    break;
                }
            }
            // 6. [fwd: …] around all of it.
            match starts_with(rest, "[fwd:").and_then(|inner| inner.strip_suffix(']')) {
                Some(inner) => (rest, is_reply) = (inner, true),
                None => break,
            }
        }
        Self {
            base: rest.to_uppercase(),
            is_reply,
        }
    }
}

/// `Re:`, `Fw [list]:` and the like, with blobs before them.
fn without_leader(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some(shorter) = without_blob(rest) {
        rest = shorter;
    }
    let rest = ["fwd", "re", "fw"]
        .iter()
        .find_map(|word| starts_with(rest, word))?
        .trim_start();
    let rest = without_blob(rest).unwrap_or(rest);
    rest.strip_prefix(':').map(str::trim_start)
}

/// `[anything without brackets] `
fn without_blob(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('[')?;
    let end = inner.find(['[', ']'])?;
    inner[end..].strip_prefix(']').map(str::trim_start)
}

fn starts_with<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let start = text.get(..word.len())?;
    start
        .eq_ignore_ascii_case(word)
        .then(|| &text[word.len()..])
}

fn ends_in<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let place = text.len().checked_sub(word.len())?;
    let end = text.get(place..)?;
    end.eq_ignore_ascii_case(word).then(|| &text[..place])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_off_what_replies_add() {
        for (subject, base, is_reply) in [
            ("Clinic letter", "CLINIC LETTER", false),
            ("  Re:  clinic\t letter ", "CLINIC LETTER", true),
            ("re: Fwd: FW: a", "A", true),
            ("[ward 7] Re: [list] a", "A", true),
            ("Re [2]: a", "A", true),
            ("a (fwd) (FWD)", "A", true),
            ("[Fwd: Re: a]", "A", true),
            ("[only]", "[ONLY]", false),
            ("[tag] a", "A", false),
            ("Results: a", "RESULTS: A", false),
            ("Re:", "", true),
            ("", "", false),
            ("é", "É", false),
        ] {
            let base = BaseSubject {
                base: base.to_owned(),
                is_reply,
            };
            assert_eq!(BaseSubject::of(subject), base, "{subject:?}");
        }
    }
}
