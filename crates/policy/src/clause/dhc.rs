//! Dorset HealthCare standard "Email integration".

use super::Strength::{May, Must};
use super::{Clause, Strength, dhc};

const fn clause(
    number: u16,
    section: &'static str,
    strength: Strength,
    paraphrase: &'static str,
) -> Clause {
    Clause {
        id: dhc(number),
        section,
        paraphrase,
        strength,
    }
}

pub(super) const CLAUSES: &[Clause] = &[
    clause(
        1,
        "Preamble",
        Must,
        "Every integration is documented in the context of its application.",
    ),
    clause(
        3,
        "Preamble",
        May,
        "An interface that is not documented may be interrupted or switched off at any time.",
    ),
    clause(
        11,
        "Sending",
        Must,
        "Connections to any relay of NHSmail use TLS 1.2 or later.",
    ),
    clause(
        14,
        "Sending",
        Must,
        "Architectural approval is obtained before a relay is installed or configured.",
    ),
    clause(
        15,
        "Sending",
        Must,
        "Architectural approval is obtained for every new flow of anonymous mail.",
    ),
    clause(
        23,
        "Security",
        Must,
        "All connections to and from official mail services are encrypted and authenticated.",
    ),
];
