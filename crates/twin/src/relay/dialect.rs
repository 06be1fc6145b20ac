//! The relay's words. Only the start of its greeting is published; the rest is
//! in the manner of the Exchange family.

use mailward_mail::Reply;
use mailward_wire::smtp::server::{Dialect, Facts, Situation};

use crate::submission::ExchangeDialect;

/// What the relay calls itself: no name that any DNS has, as its manual warns,
/// so that clients must not compare it with anything.
pub(crate) const HOST: &str = "smtp-s-2.hscn.invalid";

#[derive(Debug)]
pub(crate) struct RelayDialect {
    pub(crate) rest: ExchangeDialect,
}

impl Dialect for RelayDialect {
    fn reply(&self, situation: &Situation<'_>, facts: &Facts<'_>) -> Reply {
        match situation {
            Situation::Greeting => Reply::new(220, None, "SMTP-S ESMTP"),
            Situation::Hello { .. } => {
                Reply::new(250, None, format!("{HOST} Hello [{}]", facts.peer))
            }
            other => self.rest.reply(other, facts),
        }
    }
}
