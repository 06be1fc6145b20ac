//! Whether mail that waits may take another route: one that is configured for
//! its account, and that its class and the rules allow. Pure but for the
//! register, which is memory.

use std::sync::Arc;

use mailward_mail::Clock;
use mailward_policy::limits::RECIPIENTS_PER_MESSAGE;
use mailward_policy::rules::relay_sender;
use mailward_policy::{DataClass, Profile, RouteKind};
use mailward_queue::{RerouteJudge, Rerouting, RouteName};

use super::relay;
use crate::register::Register;

/// What the judgement rests on.
#[derive(Clone, Debug)]
pub struct RerouteFacts {
    pub register: Arc<Register>,
    pub profile: Profile,
    pub clock: Arc<dyn Clock>,
}

/// The judge of every re-route that a person asks for.
pub fn judge(facts: RerouteFacts) -> RerouteJudge {
    RerouteJudge::new(move |asked| facts.judge(asked))
}

/// The judge of what changes its route by itself. Nobody has looked at it, so
/// high sending takes only what the register has there (GUIDE-81, DHC-7).
pub fn judge_unattended(facts: RerouteFacts) -> RerouteJudge {
    RerouteJudge::new(move |asked| {
        facts.is_registered_there(asked)?;
        facts.judge(asked)
    })
}

impl RerouteFacts {
    fn judge(&self, asked: &Rerouting) -> Result<(), String> {
        let (route, account) = (&asked.to.route, &asked.to.account);
        let config = self.register.config();
        let ways = config.account(account).into_iter();
        let mut ways = ways.flat_map(|account| config.routes_of(account));
        let Some(way) = ways.find(|one| one.name == *route) else {
            return Err(self.no_such_way(route, account.as_str()));
        };
        let registered = self.register.find(&asked.application);
        let confidential = asked
            .data_class
            .parse::<DataClass>()
            .map_or(true, DataClass::is_confidential);
        let most = way.recipients_max.unwrap_or(RECIPIENTS_PER_MESSAGE.figure);
        if asked.recipients as u64 > most {
            return Err(format!(
                "it has {} recipients and {route} takes {most} of one message",
                asked.recipients
            ));
        }
        match way.kind {
            RouteKind::Relay if confidential => Err(format!(
                "it is {} and {route} is a relay, which carries nothing confidential (GUIDE-15); \
                 name another route",
                asked.data_class
            )),
            RouteKind::Relay => {
                let application = registered.as_ref().map(|one| &one.application_facts);
                relay::bar(self.profile, application, self.clock.now()).map_or(Ok(()), Err)?;
                self.may_stand_at_relay(asked, way.twin)
            }
            _ if confidential && !way.dcb1596 => Err(format!(
                "it is {} and {route} is not certified to DCB1596 (ENG-19); name another route",
                asked.data_class
            )),
            _ => Ok(()),
        }
    }

    /// The relay goes by the sender's domain alone (GUIDE-13): its envelope's,
    /// and that of the account, which stands in From (GUIDE-10).
    fn may_stand_at_relay(&self, asked: &Rerouting, twin: bool) -> Result<(), String> {
        let config = self.register.config();
        let account = config.account(&asked.to.account).map(|one| &one.address);
        let senders = asked.reverse_path.address().into_iter().chain(account);
        for sender in senders {
            if let Some(fault) = relay_sender::fault(sender, twin) {
                return Err(format!(
                    "its sender {sender} {fault}, and {} takes no other (GUIDE-13)",
                    asked.to.route
                ));
            }
        }
        Ok(())
    }

    fn is_registered_there(&self, asked: &Rerouting) -> Result<(), String> {
        let route = &asked.to.route;
        let kind = self.register.config().route(route).map(|one| one.kind);
        if kind != Some(RouteKind::HighSending) {
            return Ok(());
        }
        let registered = self.register.find(&asked.application);
        let is_there = registered.is_some_and(|one| {
            one.application.route == *route
                || one.application.high_sending_route.as_ref() == Some(route)
        });
        if is_there {
            return Ok(());
        }
        Err(format!(
            "the register does not have {} at {route} (high_sending_route; GUIDE-81, DHC-7)",
            asked.application
        ))
    }

    fn no_such_way(&self, route: &RouteName, account: &str) -> String {
        let config = self.register.config();
        if config.route(route).is_none() {
            let names: Vec<_> = config.routes.iter().map(|one| one.name.as_str()).collect();
            return format!(
                "the configuration has no route {route}; it has {}",
                names.join(", ")
            );
        }
        format!("{account} has no way by {route} in the configuration")
    }
}
