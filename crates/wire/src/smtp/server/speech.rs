//! How a session speaks: words from the dialect, replies into the output,
//! errors counted.

use mailward_mail::{Reply, Timestamp};

use super::dialect::{Facts, Situation};
use super::session::Session;
use super::settings::Extension;
use super::state::Phase;
use super::step::Step;

impl Session {
    /// The dialect's words for `situation`.
    pub(super) fn words(&self, situation: &Situation<'_>, now: Timestamp) -> Reply {
        let facts = Facts {
            now,
            peer: self.peer,
            session: self.id,
            tls: self.tls,
            authenticated: self.authenticated,
            client_name: self.hello.as_ref().map(|hello| &*hello.name),
            auth_refusal: self.auth_refusal.as_deref(),
        };
        self.dialect.reply(situation, &facts)
    }

    pub(super) fn say(&mut self, situation: &Situation<'_>, now: Timestamp) {
        let reply = self.words(situation, now);
        self.put(&reply);
    }

    pub(super) fn ok(
        &mut self,
        situation: &Situation<'_>,
        now: Timestamp,
    ) -> Option<Step<'static>> {
        self.say(situation, now);
        None
    }

    /// Says a refusal and counts it.
    pub(super) fn err(
        &mut self,
        situation: &Situation<'_>,
        now: Timestamp,
    ) -> Option<Step<'static>> {
        self.say(situation, now);
        self.count_error(now);
        None
    }

    pub(super) fn count_error(&mut self, now: Timestamp) {
        self.note_error();
        self.check_errors(now);
    }

    pub(super) fn note_error(&mut self) {
        self.errors = self.errors.saturating_add(1);
    }

    /// Closes once the client has made too many errors.
    pub(super) fn check_errors(&mut self, now: Timestamp) {
        let is_open = !matches!(self.phase, Phase::Farewell);
        if is_open && self.errors >= self.settings.limits.errors_max {
            self.phase = Phase::Farewell;
            self.say(&Situation::TooManyErrors, now);
        }
    }

    /// Puts a reply into the output. Code 421 is always the last.
    pub(super) fn put(&mut self, reply: &Reply) {
        self.waiting_since = None;
        if reply.enhanced().is_some() && !self.settings.offers(Extension::EnhancedStatusCodes) {
            Reply::multiline(reply.code(), None, reply.lines()).write_to(&mut self.output);
        } else {
            reply.write_to(&mut self.output);
        }
        if reply.code() == 421 {
            self.phase = Phase::Farewell;
        }
    }
}
