//! AUTH (RFC 4954): who may use it when, and how a session takes the verdict.

use std::borrow::Cow;

use mailward_mail::{Reply, Timestamp};
use zeroize::Zeroize as _;

use super::super::command::{Order, Verb};
use super::super::sasl::{Mechanism, SaslError};
use super::auth::{Exchange, Next};
use super::commands::echo;
use super::dialect::Situation;
use super::session::Session;
use super::state::{Asked, Phase};
use super::step::{Answer, Question, Step};

impl Session {
    pub(super) fn auth<'i>(
        &mut self,
        mechanism: &str,
        initial: Option<&str>,
        now: Timestamp,
    ) -> Option<Step<'i>> {
        let verb = Verb::Auth;
        let order = if self.hello.is_none() {
            Some(Order::HelloFirst)
        } else if self.authenticated {
            Some(Order::AlreadyAuthenticated)
        } else if self.transaction.is_some() {
            Some(Order::InTransaction)
        } else {
            None
        };
        if let Some(order) = order {
            return self.err(&Situation::BadSequence { verb, order }, now);
        }
        if !self.tls && !self.settings.auth_without_tls {
            return self.err(&Situation::AuthNeedsTls, now);
        }
        let known =
            Mechanism::parse(mechanism).filter(|known| self.settings.mechanisms.contains(known));
        match known {
            None => {
                let mechanism = &echo(mechanism.as_bytes());
                self.err(&Situation::MechanismUnsupported { mechanism }, now)
            }
            Some(mechanism) => {
                let next = Exchange::start(mechanism, initial);
                self.auth_next(mechanism, next, now)
            }
        }
    }

    pub(super) fn auth_response<'i>(
        &mut self,
        exchange: Exchange,
        line: Cow<'i, [u8]>,
        now: Timestamp,
    ) -> Option<Step<'i>> {
        if &*line == b"*" {
            return self.err(&Situation::AuthCancelled, now);
        }
        let mechanism = exchange.mechanism();
        let next = exchange.respond(&line);
        if let Cow::Owned(mut owned) = line {
            owned.zeroize();
        }
        self.auth_next(mechanism, next, now)
    }

    fn auth_next<'i>(
        &mut self,
        mechanism: Mechanism,
        next: Result<Next, SaslError>,
        now: Timestamp,
    ) -> Option<Step<'i>> {
        match next {
            Err(error) => self.err(&Situation::AuthMalformed { mechanism, error }, now),
            Ok(Next::Challenge(exchange, challenge)) => {
                self.put(&Reply::new(334, None, challenge));
                self.phase = Phase::AuthResponse(exchange);
                None
            }
            Ok(Next::Credentials(credentials)) => {
                self.phase = Phase::Asked(Asked::Authenticate);
                Some(Step::Ask(Question::Authenticate(credentials)))
            }
        }
    }

    pub(super) fn answer_authenticate(&mut self, answer: Answer, now: Timestamp) {
        match answer {
            Answer::Accept => {
                self.authenticated = true;
                self.auth_refusal = None;
                self.say(&Situation::Authenticated, now);
            }
            Answer::AcceptWith(reply) => {
                self.authenticated = true;
                self.auth_refusal = None;
                self.put(&reply);
            }
            Answer::Refuse(reply) => {
                self.put(&reply);
                self.auth_refusal = Some(Box::new(reply));
                self.auth_refusals = self.auth_refusals.saturating_add(1);
                let is_open = !matches!(self.phase, Phase::Farewell);
                if is_open && self.auth_refusals >= self.settings.limits.auth_refusals_max {
                    self.phase = Phase::Farewell;
                    self.say(&Situation::TooManyAuthRefusals, now);
                }
            }
        }
    }
}
