//! What the SMTP conversation says of itself (greeting, EHLO, STARTTLS, QUIT),
//! with faults in between.

use mailward_mail::Reply;
use mailward_wire::smtp::server::{Dialect, Facts, Situation as Spoken};

use super::{ActionSpec, Faults, Protocol, Situation, reply};
use crate::sessions::Sessions;

/// Another dialect, and the faults of its listener.
#[derive(Debug)]
pub(crate) struct FaultyDialect<D> {
    pub(crate) dialect: D,
    pub(crate) protocol: Protocol,
    pub(crate) faults: Faults,
    pub(crate) sessions: Sessions,
}

impl<D: Dialect> Dialect for FaultyDialect<D> {
    fn reply(&self, spoken: &Spoken<'_>, facts: &Facts<'_>) -> Reply {
        let words = || {
            let name = facts.session.to_string();
            self.sessions
                .within(&name, || self.dialect.reply(spoken, facts))
        };
        if !self.faults.is_any() {
            return words();
        }
        let stage = match spoken {
            Spoken::Greeting => "greeting",
            Spoken::Hello { .. } => "ehlo",
            Spoken::TlsReady => "starttls",
            Spoken::Goodbye => "quit",
            _ => return words(),
        };
        let situation = Situation::of(self.protocol, stage);
        let Some(mut strike) = self.faults.strike(&situation) else {
            return words();
        };
        if let Some(ActionSpec::Reply { text }) = &strike.action
            && let Some(refusal) = reply(text)
        {
            strike.action = None;
            if let Some(line) = self.sessions.named(&facts.session.to_string()) {
                line.suffer(strike);
            }
            return refusal;
        }
        if let Some(line) = self.sessions.named(&facts.session.to_string()) {
            line.suffer(strike);
        }
        words()
    }
}
