//! Recipients whose names ask for a fault, so that a test needs no set-up.
//!
//! ```text
//!   [NAME+]fault-WHAT[-NUMBER]@DOMAIN
//! ```
//!
//! With `NAME+` the mail is for NAME; without it, and in the organisation's
//! own domain, it is for nobody's mailbox. The words come last in a name so
//! that both forms read alike.

use std::time::Duration;

use mailward_mail::{Address, Reply};

use super::spec::{ActionSpec, unknown_recipient};

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// What stands after `fault-`.
    pub name: &'static str,
    /// What the number means, with its default.
    pub number: &'static str,
    pub does: &'static str,
}

/// All of them, in the order of a message's way.
pub const TABLE: &[Entry] = &[
    Entry {
        name: "450",
        number: "",
        does: "RCPT is answered with this code, any from 400 to 599: `450 4.3.0 …`",
    },
    Entry {
        name: "wait",
        number: "seconds, 30",
        does: "the answer to RCPT waits so long on the twin's clock",
    },
    Entry {
        name: "close",
        number: "",
        does: "the connection ends at RCPT without an answer",
    },
    Entry {
        name: "dot",
        number: "code, 451",
        does: "the message is refused at its end with this code",
    },
    Entry {
        name: "lost-reply",
        number: "",
        does: "the message is taken, and the connection ends before the reply",
    },
    Entry {
        name: "lost",
        number: "",
        does: "taken and never delivered; nobody is told",
    },
    Entry {
        name: "bounce",
        number: "",
        does: "taken, then reported at once as an unknown recipient",
    },
    Entry {
        name: "bounce-late",
        number: "seconds, 3600",
        does: "taken, and reported so much later on the twin's clock",
    },
    Entry {
        name: "late",
        number: "seconds, 3600",
        does: "delivered so much later on the twin's clock",
    },
    Entry {
        name: "twice",
        number: "",
        does: "delivered in two copies",
    },
    Entry {
        name: "out-of-order",
        number: "seconds, 600",
        does: "delivered after the next message to the same mailbox, or after so long",
    },
];

/// What a name asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Magic {
    Rcpt(Reply),
    Wait(Duration),
    Close,
    Dot(Reply),
    LoseReply,
    Delivery(ActionSpec),
}

const PREFIX: &str = "fault-";

/// What this address asks for, if its name asks for anything.
pub(crate) fn of(address: &Address) -> Option<Magic> {
    let (_, wish) = split(address)?;
    let (words, number) = match wish.rsplit_once('-') {
        Some((words, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            (words, Some(number.parse::<u64>().ok()?))
        }
        _ => (wish.as_str(), None),
    };
    let magic = match (words, number) {
        (code, None) if code.bytes().all(|byte| byte.is_ascii_digit()) => {
            Magic::Rcpt(refusal(code.parse().ok()?)?)
        }
        ("wait", seconds) => Magic::Wait(Duration::from_secs(seconds.unwrap_or(30))),
        ("close", None) => Magic::Close,
        ("dot", code) => Magic::Dot(refusal(code.unwrap_or(451))?),
        ("lost-reply", None) => Magic::LoseReply,
        ("lost", None) => Magic::Delivery(ActionSpec::Lose),
        ("bounce", None) => bounce(0),
        ("bounce-late", seconds) => bounce(seconds.unwrap_or(3600)),
        ("late", seconds) => Magic::Delivery(ActionSpec::Late {
            seconds: seconds.unwrap_or(3600),
        }),
        ("twice", None) => Magic::Delivery(ActionSpec::Duplicate { copies: 2 }),
        ("out-of-order", seconds) => Magic::Delivery(ActionSpec::Reorder {
            seconds: seconds.unwrap_or(600),
        }),
        _ => return None,
    };
    Some(magic)
}

/// Whom a message to such an address is for: the name before the `+`.
/// `None` for an address that is not of this kind.
pub(crate) fn addressee(address: &Address) -> Option<Option<Address>> {
    of(address)?;
    let (name, _) = split(address)?;
    Some(name.and_then(|name| {
        let (_, domain) = address.as_str().rsplit_once('@')?;
        Address::parse(&format!("{name}@{domain}")).ok()
    }))
}

/// The name before the `+`, and what stands after `fault-`, in lower case.
fn split(address: &Address) -> Option<(Option<String>, String)> {
    let local = address.local_part();
    // Most addresses end here.
    memchr::memmem::find(local.as_bytes(), b"-")?;
    let local = local.to_ascii_lowercase();
    let (name, wish) = match local.rsplit_once('+') {
        Some((name, wish)) => (Some(name.to_owned()), wish),
        None => (None, local.as_str()),
    };
    Some((name, wish.strip_prefix(PREFIX)?.to_owned()))
}

fn bounce(seconds: u64) -> Magic {
    Magic::Delivery(ActionSpec::Bounce {
        seconds,
        text: unknown_recipient(),
    })
}

fn refusal(code: u64) -> Option<Reply> {
    let code = u16::try_from(code)
        .ok()
        .filter(|code| (400..600).contains(code))?;
    let words = "The recipient's name asks for this";
    Some(Reply::status(code, 3, 0, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_means_something() {
        for entry in TABLE {
            let plain = format!("fault-{}@northmoor.example", entry.name);
            let address = Address::parse(&plain).expect("an address");
            assert!(of(&address).is_some(), "{plain}");
            assert_eq!(addressee(&address), Some(None));
            let tagged = format!("Ward+Fault-{}@northmoor.example", entry.name);
            let address = Address::parse(&tagged).expect("an address");
            assert!(of(&address).is_some(), "{tagged}");
            let ward = Address::parse("ward@northmoor.example").expect("an address");
            assert_eq!(addressee(&address), Some(Some(ward)));
        }
    }

    #[test]
    fn other_names_mean_nothing() {
        for text in [
            "default-450@northmoor.example",
            "fault@northmoor.example",
            "fault-250@northmoor.example",
            "fault-bounces@northmoor.example",
            "asphalt+fault@northmoor.example",
            "fault-late-x@northmoor.example",
        ] {
            let address = Address::parse(text).expect("an address");
            assert_eq!(of(&address), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_read() {
        let of = |text: &str| of(&Address::parse(text).expect("an address"));
        let late = |seconds| Some(Magic::Delivery(ActionSpec::Late { seconds }));
        assert_eq!(of("fault-late@northmoor.example"), late(3600));
        assert_eq!(of("fault-late-60@northmoor.example"), late(60));
        let Some(Magic::Dot(reply)) = of("fault-dot-552@clinic.example") else {
            panic!("a refusal at the end");
        };
        assert_eq!(reply.code(), 552);
    }
}
