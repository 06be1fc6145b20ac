//! Where every clause stands: what in this product holds it, or why nothing
//! can.
//!
//! One table for each document, one line for each clause, in words that the
//! generated page shows. Names of rules and limits are tested here; those of
//! checks, fields and behaviours, which this crate cannot see, by the program
//! that holds them all.

mod dhc;
mod eng;
mod guide;
mod standing;

pub use standing::Standing;

use crate::clause::{ClauseId, Document};

/// The pages below `docs` that the tables point to.
mod pages {
    pub(super) const COMMANDS: &str = "reference/cli.md";
    pub(super) const CONFIGURATION: &str = "reference/configuration.md";
    pub(super) const CONSOLE: &str = "reference/console.md";
    pub(super) const DURABILITY: &str = "explanation/durability.md";
    pub(super) const LIMITS: &str = "explanation/limits.md";
    pub(super) const PASSWORDS: &str = "reference/passwords.md";
    pub(super) const REGISTER: &str = "reference/register.md";
    pub(super) const RULES: &str = "reference/rules.md";
    pub(super) const TUTORIAL: &str = "tutorial/first-message.md";
    pub(super) const TWIN: &str = "reference/twin.md";
}

/// What several clauses stand by, worded once.
mod shared {
    use super::Standing::{self, Gateway, Later};
    use super::pages::{CONFIGURATION, DURABILITY, LIMITS, PASSWORDS};

    pub(super) const BREAKER: Standing = Gateway(
        "a refused sign-in is never tried again, and raises an alarm",
        LIMITS,
    );
    pub(super) const PACE: Standing = Gateway("the limits of each account, kept by us", LIMITS);
    pub(super) const TOLD: Standing = Gateway(
        "every failure is told: report, callback, API and console",
        DURABILITY,
    );
    pub(super) const SECRETS: Standing = Gateway(
        "secrets only by reference, from the encrypted keystore or systemd",
        CONFIGURATION,
    );
    pub(super) const PASSWORD: Standing = Gateway(
        "passwords made and checked by the policy, from the command line",
        PASSWORDS,
    );
    pub(super) const PASSWORD_AGE: Standing =
        Gateway("alarms before a password expires", PASSWORDS);
    pub(super) const ONE_SECRET: Standing =
        Gateway("two accounts with one password are refused", PASSWORDS);
    pub(super) const DOOR: Standing =
        Gateway("intake takes nothing before TLS and sign-in", CONFIGURATION);
    pub(super) const HAZARDS: Standing = Later("the hazard log");
    pub(super) const RECEIVING: Standing = Later("collecting and screening mail");
    pub(super) const EWS: Standing = Later("EWS and Autodiscover, in gateway and twin");
    pub(super) const GRAPH: Standing = Later("Graph, in gateway and twin");
    pub(super) const DIRECTORY: Standing = Later("the Enterprise Directory, in gateway and twin");
}

/// One line of a table: the clause's number, and where it stands.
type Line = (u16, &'static [Standing]);

/// Where this clause stands; empty for one that does not exist.
pub fn standings(id: ClauseId) -> &'static [Standing] {
    let table = table(id.document);
    table
        .binary_search_by_key(&id.number, |(number, _)| *number)
        .map_or(&[], |index| table[index].1)
}

/// Every standing with its clause.
pub fn all() -> impl Iterator<Item = (ClauseId, &'static Standing)> {
    Document::ALL.into_iter().flat_map(|document| {
        table(document).iter().flat_map(move |(number, standings)| {
            let number = *number;
            let id = ClauseId { document, number };
            standings.iter().map(move |standing| (id, standing))
        })
    })
}

fn table(document: Document) -> &'static [Line] {
    match document {
        Document::Guide => guide::STANDINGS,
        Document::Eng => eng::STANDINGS,
        Document::Dhc => dhc::STANDINGS,
    }
}

#[cfg(test)]
mod tests;
