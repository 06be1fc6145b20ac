//! NHS England standard "Email Integration for Business Applications".

use super::Strength::{Info, May, Must};
use super::{Clause, Strength, eng};

const fn clause(
    number: u16,
    section: &'static str,
    strength: Strength,
    paraphrase: &'static str,
) -> Clause {
    Clause {
        id: eng(number),
        section,
        paraphrase,
        strength,
    }
}

pub(super) const CLAUSES: &[Clause] = &[
    clause(
        5,
        "Sending",
        Must,
        "Connections to a relay use TLS 1.2 or later, or an approved equivalent.",
    ),
    clause(
        14,
        "Receiving",
        Must,
        "Every integration is documented, with the application and with the mail service.",
    ),
    clause(
        16,
        "Receiving",
        May,
        "An interface that is not documented may be disabled at any time.",
    ),
    clause(
        17,
        "Security",
        Must,
        "All connections to and from mail services are encrypted.",
    ),
    clause(
        18,
        "Security",
        Must,
        "All those connections are authenticated.",
    ),
    clause(
        19,
        "Security",
        Must,
        "OFFICIAL-SENSITIVE is exchanged through a mail service certified to DCB1596.",
    ),
    clause(
        20,
        "Security",
        Info,
        "OFFICIAL-SENSITIVE includes personal data and data that identifies patients.",
    ),
    clause(
        23,
        "Security",
        Must,
        "SECRET or above needs additional handling: ask IT or Cyber Security.",
    ),
];
