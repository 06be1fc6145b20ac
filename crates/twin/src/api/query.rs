//! Mailpit's search language: words, phrases in quotes, filters, and `-` or
//! `!` before what must not be.

use mailward_mail::Timestamp;
use serde_json::Value;

use super::bits::Bits;
use super::index::Listed;
use super::letter::shown;
use super::segment::Segment;

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

    /// The messages of a segment that it finds.
    pub(super) fn find(&self, segment: &Segment) -> Candidates {
        let mut candidates = Candidates {
            found: segment.live.clone(),
            doubtful: Bits::default(),
        };
        for term in &self.0 {
            if candidates.found.is_empty() {
                break;
            }
            let mut holds = Bits::default();
            term.test.find(segment, &candidates.found, &mut holds);
            let is_sure = !term.test.is_phrase();
            if !is_sure {
                candidates.doubtful.add_all(&holds);
            }
            match (term.wanted, is_sure) {
                (true, _) => candidates.found.keep(&holds),
                (false, true) => candidates.found.remove_all(&holds),
                (false, false) => {}
            }
        }
        candidates.doubtful.keep(&candidates.found);
        candidates
    }

    /// Whether it finds this one.
    pub(super) fn finds(&self, listed: &Listed) -> bool {
        self.0
            .iter()
            .all(|term| term.test.holds(listed) == term.wanted)
    }
}

/// What a query finds in a segment.
#[derive(Debug)]
pub(super) struct Candidates {
    pub(super) found: Bits,
    /// Those of them that have the words of a phrase, in whatever order.
    pub(super) doubtful: Bits,
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

    /// Of several words: they are kept one by one.
    fn is_phrase(&self) -> bool {
        matches!(self, Self::Words(text) if text.contains(char::is_whitespace))
    }

    /// The messages for which it holds, or for a phrase may hold; of the others
    /// than `among` nobody asks.
    fn find(&self, segment: &Segment, among: &Bits, holds: &mut Bits) {
        let fields = &segment.fields;
        let mut each = |test: &dyn Fn(u16) -> bool| {
            for place in among.descending() {
                holds.put(place, test(place));
            }
        };
        let at = |place: u16| segment.at.get(usize::from(place)).copied();
        let octets = |place: u16| segment.octets.get(usize::from(place)).copied();
        match self {
            Self::Words(text) if self.is_phrase() => {
                *holds = among.clone();
                for word in text.split_whitespace() {
                    let mut has = Bits::default();
                    fields.words.find(word, &mut has);
                    holds.keep(&has);
                }
            }
            Self::Words(text) => fields.words.find(text, holds),
            Self::From(text) => fields.from.find(text, holds),
            Self::To(text) => fields.to.find(text, holds),
            Self::Cc(text) => fields.cc.find(text, holds),
            Self::Bcc(text) => fields.bcc.find(text, holds),
            Self::ReplyTo(text) => fields.reply_to.find(text, holds),
            Self::Addressed(text) => {
                for field in [
                    &fields.from,
                    &fields.to,
                    &fields.cc,
                    &fields.bcc,
                    &fields.reply_to,
                ] {
                    field.find(text, holds);
                }
            }
            Self::Subject(text) => fields.subject.find(text, holds),
            Self::MessageId(text) => fields.message_id.find(text, holds),
            Self::Tag(text) => {
                for (place, tags) in &segment.tags {
                    let has = tags.iter().any(|tag| tag.to_lowercase() == *text);
                    holds.put(*place, has);
                }
            }
            Self::Read => *holds = segment.read.clone(),
            Self::Tagged => {
                for (place, tags) in &segment.tags {
                    holds.put(*place, !tags.is_empty());
                }
            }
            Self::Attachment => *holds = segment.attachments.clone(),
            Self::Inline => *holds = segment.inline.clone(),
            Self::Before(moment) => {
                each(&|place| at(place).is_some_and(|at| at < moment.as_millis()));
            }
            Self::After(moment) => {
                each(&|place| at(place).is_some_and(|at| at >= moment.as_millis()));
            }
            Self::Larger(size) => each(&|place| octets(place).is_some_and(|own| own > *size)),
            Self::Smaller(size) => each(&|place| octets(place).is_some_and(|own| own < *size)),
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
    use std::sync::Arc;

    use mailward_mailbox::Arrival;

    use super::super::index::Entry;
    use super::super::letter::Digest;
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

    fn listed(number: u64) -> Listed {
        let wards = ["North", "South"];
        let text = format!(
            "From: Clinic <clinic@northmoor.example>\r\nTo: p{}@anywhere.example\r\n\
             Cc: {} <ward@northmoor.example>\r\nSubject: Result {number}\r\n\
             Message-ID: <{number}@northmoor.example>\r\n\r\n\
             please {} come early\r\n",
            number % 7,
            wards[number as usize % 2],
            ["do", "not", "please come"][number as usize % 3]
        );
        let arrival = Arrival {
            sequence: 10 + number,
            at: Timestamp::from_millis(1_700_000_000_000 + 1000 * number as i64),
            octets: text.len() as u64,
            summary: mailward_mailbox::Summary::default(),
            places: Vec::new(),
        };
        Listed {
            entry: Entry {
                arrival: Arc::new(arrival),
                read: number.is_multiple_of(5),
                tags: if number.is_multiple_of(9) {
                    vec!["Ninth".to_owned()]
                } else {
                    Vec::new()
                },
            },
            digest: Arc::new(Digest::of(
                text.as_bytes(),
                &["hidden@x.example".to_owned()],
            )),
        }
    }

    #[test]
    fn a_segment_is_searched_as_each_message_would_be() {
        let all: Vec<Listed> = (0..200).map(listed).collect();
        let mut segment = Segment::new(10);
        for (place, one) in (0..).zip(&all) {
            segment.push(Arc::clone(&one.entry.arrival));
            segment.read.put(place, one.entry.read);
            if !one.entry.tags.is_empty() {
                segment.tags.insert(place, one.entry.tags.clone());
            }
            segment.learn(place, &one.digest);
        }
        for text in [
            "result",
            "result -early",
            "19",
            "to:p3@",
            "-to:p3@ cc:north",
            "bcc:hidden",
            "addressed:ward",
            "addressed:nobody",
            "subject:\"result 12\"",
            "message-id:7@",
            "is:read",
            "is:unread tag:ninth",
            "-is:tagged",
            "has:attachment",
            "-has:inline",
            "before:2023-11-14T22:14:20Z",
            "after:2023-11-14T22:14:20Z is:read",
            "larger:230",
            "smaller:230 from:clinic",
            "\"please come\"",
            "-\"please come\"",
            "\"come please\"",
            "\"please please\" is:read",
            "reply-to:x",
        ] {
            let query = Query::parse(text);
            let found = query.find(&segment);
            for (place, one) in (0..).zip(&all) {
                let surely = found.found.has(place);
                let said = surely && (!found.doubtful.has(place) || query.finds(one));
                assert_eq!(said, query.finds(one), "{text}, message {place}");
            }
        }
        assert_eq!(Query::parse("result").find(&segment).found.count(), 200);
    }
}
