//! Mailpit's search language: words, phrases in quotes, filters, and `-` or
//! `!` before what must not be.

use mailward_mail::Timestamp;
use serde_json::Value;

use super::index::Listed;
use super::letter::shown;

/// Terms of one query; later ones are not looked at.
const TERMS_MAX: usize = 50;

/// All its terms must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query(Vec<Term>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    wanted: bool,
    test: Test,
}

/// Texts are in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Words(String),
    From(String),
    To(String),
    Cc(String),
    Bcc(String),
    ReplyTo(String),
    Addressed(String),
    Subject(String),
    MessageId(String),
    Tag(String),
    Read,
    Tagged,
    Attachment,
    Inline,
    Before(Timestamp),
    After(Timestamp),
    /// Octets.
    Larger(u64),
    Smaller(u64),
}

impl Query {
    /// Reads any text: what is no filter is looked for as it stands.
    pub(super) fn parse(text: &str) -> Self {
        let words = words(text);
        Self(
            words
                .iter()
                .take(TERMS_MAX)
                .filter_map(|word| term(word))
                .collect(),
        )
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn finds(&self, listed: &Listed) -> bool {
        self.0
            .iter()
            .all(|term| term.test.holds(listed) == term.wanted)
    }
}

impl Test {
    fn holds(&self, listed: &Listed) -> bool {
        let (entry, digest) = (&listed.entry, &*listed.digest);
        let one = |address: &Value, text: &str| shown(address).to_lowercase().contains(text);
        let any = |list: &[Value], text: &str| list.iter().any(|address| one(address, text));
        match self {
            Self::Words(text) => digest.words.contains(text),
            Self::From(text) => one(&digest.from, text),
            Self::To(text) => any(&digest.to, text),
            Self::Cc(text) => any(&digest.cc, text),
            Self::Bcc(text) => any(&digest.bcc, text),
            Self::ReplyTo(text) => any(&digest.reply_to, text),
            Self::Addressed(text) => {
                one(&digest.from, text)
                    || [&digest.to, &digest.cc, &digest.bcc, &digest.reply_to]
                        .iter()
                        .any(|list| any(list, text))
            }
            Self::Subject(text) => digest.subject.to_lowercase().contains(text),
            Self::MessageId(text) => digest.message_id.to_lowercase().contains(text),
            Self::Tag(text) => entry.tags.iter().any(|tag| tag.to_lowercase() == *text),
            Self::Read => entry.read,
            Self::Tagged => !entry.tags.is_empty(),
            Self::Attachment => digest.attachments > 0,
            Self::Inline => digest.inline > 0,
            Self::Before(moment) => entry.arrival.at < *moment,
            Self::After(moment) => entry.arrival.at >= *moment,
            Self::Larger(octets) => entry.arrival.octets > *octets,
            Self::Smaller(octets) => entry.arrival.octets < *octets,
        }
    }
}

/// Cuts at white space outside quotes, which are taken away.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for char in text.chars() {
        match char {
            '"' => quoted = !quoted,
            char if char.is_whitespace() && !quoted => words.push(std::mem::take(&mut word)),
            char => word.push(char),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

fn term(word: &str) -> Option<Term> {
    let bare = word.strip_prefix(['-', '!']);
    let wanted = bare.is_none();
    let bare = bare.unwrap_or(word).to_lowercase();
    if bare.is_empty() {
        return None;
    }
    let of = |test| Some(Term { wanted, test });
    if let Some((filter, value)) = bare.split_once(':') {
        let text = value.to_owned();
        let test = match (filter, value) {
            (_, "") => None,
            ("from", _) => Some(Test::From(text)),
            ("to", _) => Some(Test::To(text)),
            ("cc", _) => Some(Test::Cc(text)),
            ("bcc", _) => Some(Test::Bcc(text)),
            ("reply-to", _) => Some(Test::ReplyTo(text)),
            ("addressed", _) => Some(Test::Addressed(text)),
            ("subject", _) => Some(Test::Subject(text)),
            ("message-id", _) => Some(Test::MessageId(text)),
            ("tag", _) => Some(Test::Tag(text)),
            ("is", "read") => Some(Test::Read),
            ("is", "unread") => {
                return Some(Term {
                    wanted: !wanted,
                    test: Test::Read,
                });
            }
            ("is", "tagged") => Some(Test::Tagged),
            ("has", "attachment" | "attachments") => Some(Test::Attachment),
            ("has", "inline") => Some(Test::Inline),
            ("before", _) => moment(value).map(Test::Before),
            ("after", _) => moment(value).map(Test::After),
            ("larger", _) => octets(value).map(Test::Larger),
            ("smaller", _) => octets(value).map(Test::Smaller),
            _ => None,
        };
        if let Some(test) = test {
            return of(test);
        }
    }
    of(Test::Words(bare))
}

/// A day, or a moment, in UTC.
fn moment(text: &str) -> Option<Timestamp> {
    Timestamp::parse(&text.to_uppercase().replace('/', "-")).ok()
}

/// `500`, `10k`, `2m`, in units of 1024.
fn octets(text: &str) -> Option<u64> {
    let text = text.trim_end_matches('b');
    let (digits, factor) = match text.char_indices().next_back()? {
        (end, 'k') => (&text[..end], 1024),
        (end, 'm') => (&text[..end], 1024 * 1024),
        _ => (text, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_search_language() {
        let text = |text: &str| text.to_owned();
        for (query, wanted, test) in [
            ("Hello", true, Test::Words(text("hello"))),
            ("-\"two words\"", false, Test::Words(text("two words"))),
            ("from:\"Asha S\"", true, Test::From(text("asha s"))),
            ("!to:a@b", false, Test::To(text("a@b"))),
            ("is:unread", false, Test::Read),
            ("-is:unread", true, Test::Read),
            ("has:attachment", true, Test::Attachment),
            ("larger:2mb", true, Test::Larger(2 * 1024 * 1024)),
            ("smaller:10", true, Test::Smaller(10)),
            ("http://x", true, Test::Words(text("http://x"))),
            ("from:", true, Test::Words(text("from:"))),
            ("before:soon", true, Test::Words(text("before:soon"))),
            (
                "after:2026-03-01",
                true,
                Test::After(Timestamp::parse("2026-03-01").expect("a day")),
            ),
        ] {
            assert_eq!(
                Query::parse(query),
                Query(vec![Term { wanted, test }]),
                "{query}"
            );
        }
        assert!(Query::parse(" - \"\" ").is_empty());
        assert_eq!(Query::parse("a b  c").0.len(), 3);
        assert_eq!(Query::parse(&"a ".repeat(1000)).0.len(), TERMS_MAX);
    }
}
