//! Whether mail that waits may take another route: one that is configured for
//! its account, and that its class and the rules allow. Pure but for the
//! register, which is memory.

use std::sync::Arc;

use mailward_mail::Clock;
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

/// The judge of every re-route of this gateway.
pub fn judge(facts: RerouteFacts) -> RerouteJudge {
    RerouteJudge::new(move |asked| facts.judge(asked))
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
        match way.kind {
            RouteKind::Relay if confidential => Err(format!(
                "it is {} and {route} is a relay, which carries nothing confidential (GUIDE-15); \
                 name another route",
                asked.data_class
            )),
            RouteKind::Relay => {
                let application = registered.as_ref().map(|one| &one.application_facts);
                relay::bar(self.profile, application, self.clock.now()).map_or(Ok(()), Err)
            }
            RouteKind::HighSending if confidential && !way.dcb1596 => Err(format!(
                "it is {} and {route} is not certified to DCB1596 (ENG-19); name another route",
                asked.data_class
            )),
            _ => Ok(()),
        }
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
