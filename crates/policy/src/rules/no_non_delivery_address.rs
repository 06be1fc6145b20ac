use mailward_mail::Address;

use super::ADDRESSES_REPORTED_MAX;
use crate::clause::guide;
use crate::facts::Facts;
use crate::period::Period;
use crate::reply::shown;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};

const PAGE: &str = manual_page! {
    /// Addresses at which nobody reads (noreply, do-not-reply, unattended and their like) may stand neither in From, Sender or Reply-To nor in the reverse-path.
    ///
    /// The guide forbids them and says that applications which use them may be blocked; a patient who answers such a message believes to have been heard.
    ///
    /// Case, dots, hyphens, underscores, quotes, digits at the end and a `+tag` make no difference: `No.Reply2+ward@` is found.
    /// The telling word may stand among others (`rota-noreply@`, `noreply.clinic@`), or at either end of a longer one (`clinicnoreply@`).
    /// A tag alone does not count: `alerts+noreply@` is delivered to the mailbox alerts.
    /// `postmaster` is not meant: every domain has to read it.
};

pub static RULE: Rule = Rule {
    id: "no-non-delivery-address",
    title: "Non-delivery addresses must not be used",
    severity: Severity::Refuse,
    clauses: &[guide(72), guide(73)],
    standards: &[],
    holds: Period::ALWAYS,
    reads: &[
        "message.from",
        "message.sender",
        "message.reply_to",
        "envelope.reverse_path",
    ],
    page: PAGE,
    answer: Answer::POLICY,
    judge,
    examples: &[
        Example {
            title: "A person whose name only looks like it.",
            header: "From: appointments@northmoor.example\nReply-To: noreen.replyer@northmoor.example",
            change: crate::rule::unchanged,
            expected: Expected::Passes,
        },
        Example {
            title: "In Reply-To.",
            header: "From: appointments@northmoor.example\nReply-To: NoReply@northmoor.example",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("found NoReply@northmoor.example in Reply-To, line 2"),
        },
        Example {
            title: "In From, in disguise.",
            header: "From: Do.Not-Reply+ward3@northmoor.example",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("in From, line 1"),
        },
        Example {
            title: "In the reverse-path.",
            header: "",
            change: |facts| {
                facts.envelope.reverse_path = mailward_mail::ReversePath::Address(
                    crate::sample::address("clinic_no_reply@northmoor.example"),
                );
            },
            expected: Expected::Breaks("in the reverse-path"),
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    let mut found: Vec<(&Address, Place)> = Vec::new();
    let message = &facts.message;
    let headers = [&message.from, &message.sender, &message.reply_to]
        .into_iter()
        .flat_map(|field| {
            let (name, line) = (field.name, field.line());
            let place = Place::Field { name, line };
            field
                .mailboxes
                .iter()
                .map(move |mailbox| (&mailbox.address, place))
        });
    let path = facts.envelope.reverse_path.address();
    let path = path.map(|address| (address, Place::ReversePath));
    for (address, place) in headers.chain(path) {
        if found.len() == ADDRESSES_REPORTED_MAX {
            break;
        }
        // The same address in several places is one finding, at the first.
        if is_non_delivery(address.local_part()) && found.iter().all(|(known, _)| known != &address)
        {
            found.push((address, place));
        }
    }
    found
        .into_iter()
        .map(|(address, place)| {
            let whence = match place {
                Place::Field {
                    name,
                    line: Some(line),
                } => format!("{name}, line {line}"),
                _ => "the reverse-path".to_owned(),
            };
            Problem::new(
                place,
                format!("found {} in {whence}", shown(address.as_str())),
                "Use the address of a mailbox that somebody reads.",
            )
        })
        .collect()
}

/// Words that say so wherever they stand in a local part, separators removed.
const ANYWHERE: [&str; 12] = [
    "noreply",
    "noreplies",
    "donotreply",
    "dontreply",
    "donotrespond",
    "donotanswer",
    "noresponse",
    "neverreply",
    "nevereply",
    "unattended",
    "unmonitored",
    "notmonitored",
];

/// Words that say so at either end of a longer word as well.
const WITHIN: [&str; 3] = ["noreply", "donotreply", "dontreply"];

/// Words that say so only as the whole local part.
const ALONE: [&str; 7] = [
    "mailerdaemon",
    "nobody",
    "devnull",
    "null",
    "blackhole",
    "nomail",
    "notreply",
];

/// Longer local parts do not exist (RFC 5321 section 4.5.3.1.1).
const LOCAL_PART_OCTETS_MAX: usize = 64;

/// Whether nobody reads at an address with this local part.
pub fn is_non_delivery(local_part: &str) -> bool {
    let letters = Letters::of(local_part);
    let tells = |word: &&str| letters.say(word.as_bytes(), WITHIN.contains(word));
    ANYWHERE.iter().any(tells) || ALONE.iter().any(|word| letters.are(word.as_bytes()))
}

/// A local part in lower case, without tag and separators, but knowing where
/// its words started.
struct Letters {
    letters: [u8; LOCAL_PART_OCTETS_MAX],
    length: usize,
    /// Whether a word starts here; true after the last letter too.
    starts: [bool; LOCAL_PART_OCTETS_MAX + 1],
}

impl Letters {
    fn of(local_part: &str) -> Self {
        let mut own = Self {
            letters: [0; LOCAL_PART_OCTETS_MAX],
            length: 0,
            starts: [false; LOCAL_PART_OCTETS_MAX + 1],
        };
        let mut fresh = true;
        for char in local_part.chars() {
            if own.length == LOCAL_PART_OCTETS_MAX || (char == '+' && own.length > 0) {
                break;
            }
            if char.is_alphanumeric() {
                // No word of the tables has a letter beyond ASCII: any will do.
                let letter = u8::try_from(char).unwrap_or(u8::MAX);
                own.letters[own.length] = letter.to_ascii_lowercase();
                own.starts[own.length] = fresh;
                own.length += 1;
            }
            fresh = !char.is_alphanumeric();
        }
        own.starts[own.length] = true;
        own
    }

    /// Whether they say `word`: from the start of one of their words to the end
    /// of one, or, where `within` allows, at either end of a single word.
    fn say(&self, word: &[u8], within: bool) -> bool {
        let letters = &self.letters[..self.length];
        letters
            .windows(word.len())
            .enumerate()
            .any(|(start, window)| {
                if window != word {
                    return false;
                }
                let end = start + word.len();
                let (starts, ends) = (self.starts[start], self.ends(end));
                let single = !self.starts[start + 1..end].contains(&true);
                (starts && ends) || (within && single && (starts || ends))
            })
    }

    /// Whether they are `word`, digits after it aside.
    fn are(&self, word: &[u8]) -> bool {
        let rest = self.letters[..self.length].strip_prefix(word);
        rest.is_some_and(|rest| rest.iter().all(u8::is_ascii_digit))
    }

    /// Whether a word ends before `end`, digits after it aside.
    fn ends(&self, end: usize) -> bool {
        let digits = (end..self.length)
            .take_while(|at| self.letters[*at].is_ascii_digit() && !self.starts[*at])
            .count();
        self.starts[end + digits]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_spelling() {
        for local_part in [
            "noreply",
            "no-reply",
            "no_reply",
            "no.reply",
            "NoReply",
            "NO-REPLY",
            "n.o.r.e.p.l.y",
            "noreply1",
            "no-reply-2",
            "noreply+ward3",
            "no.reply+x+y",
            "donotreply",
            "do-not-reply",
            "do.not.reply",
            "Do_Not_Reply",
            "dont-reply",
            "don't.reply",
            "nevereply",
            "never-reply",
            "no-replies",
            "no-response",
            "do-not-respond",
            "unattended",
            "unattended-mailbox",
            "clinic.unmonitored",
            "not-monitored",
            "mailer-daemon",
            "MAILER_DAEMON",
            "nobody",
            "dev-null",
            "rota-noreply",
            "noreply.clinic",
            "noreplyclinic",
            "clinicnoreply",
            "clinic.donotreply2",
            "\"no reply\"",
            "no\u{2010}reply",
            "+noreply",
        ] {
            assert!(is_non_delivery(local_part), "{local_part}");
        }
    }

    #[test]
    fn leaves_real_mailboxes_alone() {
        for local_part in [
            "noreen.replyer",
            "noreen.reply",
            "piano-reply",
            "reply",
            "replies",
            "reply.no",
            "alerts+noreply",
            "postmaster",
            "bounces",
            "nobody.smith",
            "j.null",
            "nulls",
            "noel.repton",
            "donna.treply",
            "response.team",
            "attended",
            "unattendedly",
            "appointments",
            "casino.reply",
            "",
            "käthe",
        ] {
            assert!(!is_non_delivery(local_part), "{local_part}");
        }
    }

    #[test]
    fn only_as_much_is_read_as_a_local_part_can_have() {
        for (local_part, found) in [
            ("noreply".repeat(500), true),
            ("a".repeat(5000) + "-noreply", false),
            ("é".repeat(400), false),
        ] {
            assert_eq!(is_non_delivery(&local_part), found);
        }
    }
}
