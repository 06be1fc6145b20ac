//! What the SMTP conversation says of itself (greeting, EHLO, STARTTLS, QUIT),
//! with faults in between.

use mailward_mail::Reply;
use mailward_wire::smtp::server::{Dialect, Facts, Situation as Spoken};

use super::{ActionSpec, Faults, Protocol, Situation, reply};
use crate::sessions::{self, Sessions};

/// Another dialect, and the faults of its world.
#[derive(Debug)]
pub(crate) struct FaultyDialect<D> {
    pub(crate) dialect: D,
    pub(crate) protocol: Protocol,
    pub(crate) faults: Faults,
    pub(crate) sessions: Sessions,
}

impl<D: Dialect> Dialect for FaultyDialect<D> {
    fn reply(&self, spoken: &Spoken<'_>, facts: &Facts<'_>) -> Reply {
        let line = self.sessions.named(&facts.session.to_string());
        let line = line.as_ref();
        let words = || sessions::within(line, || self.dialect.reply(spoken, facts));
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
        let strike = sessions::within(line, || self.faults.strike(&situation));
        let Some(mut strike) = strike else {
            return words();
        };
        if let Some(ActionSpec::Reply { text }) = &strike.action
            && let Some(refusal) = reply(text)
        {
            strike.action = None;
            if let Some(line) = line {
                line.suffer(strike);
            }
            return refusal;
        }
        if let Some(line) = line {
            line.suffer(strike);
        }
        words()
    }
}
