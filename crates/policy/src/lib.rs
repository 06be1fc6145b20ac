//! What may be sent: the clauses of the guidance, the published limits, the
//! facts about one submission, the rules that read them, and the verdict.
//!
//! ```text
//! header section ─▶ MessageFacts ─┐
//! register, account, envelope, ───┼─▶ Facts ─▶ judge(facts, catalogue) ─▶ Verdict
//! route, data class, moment ──────┘                 │                      decision
//!                                        every rule, in no order           findings
//!                                                                          repairs
//! ```
//!
//! A rule is one file below `rules/` and one line in [`catalogue`]. All rules
//! run, every reason is kept, and the strictest decides.
//!
//! This crate knows no I/O: not how facts are fetched, no clock (the moment is
//! a fact), no store, and no protocol beyond the text of a reply.

pub mod catalogue;
pub mod clause;
pub mod conflict;
pub mod content;
pub mod coverage;
pub mod data_class;
pub mod facts;
pub mod generate;
pub mod history;
pub mod limits;
pub mod message_facts;
pub mod password;
pub mod period;
pub mod profile;
pub mod repair;
mod reply;
pub mod rule;
pub mod rules;
pub mod sample;
pub mod settings;
pub mod verdict;

pub use catalogue::Catalogue;
pub use clause::{Clause, ClauseId};
pub use conflict::MailService;
pub use content::ContentFacts;
pub use data_class::DataClass;
pub use facts::{
    AccountFacts, AccountKind, ApplicationFacts, ApplicationState, DisplayNameDuty, EnvelopeFacts,
    ExceptionFacts, ExceptionKind, Facts, RecipientFacts, ReferenceFacts, RetirementFacts,
    RouteFacts, RouteKind, TlsVersion,
};
pub use history::{HistoryFacts, ListHistory};
pub use message_facts::MessageFacts;
pub use profile::Profile;
pub use repair::{Repair, RepairField};
pub use rule::{Place, Problem, Rule, Severity};
pub use settings::{Level, Settings};
pub use verdict::{Decision, Finding, Verdict, judge};
