//! In sentences: whether mail that waits for its route goes another way.

use mailward_mail::Timestamp;
use mailward_queue::{Cause, PauseCause, RerouteJudge, Rerouting, RouteName, Way, WayOut};

use super::fail_over;
use super::reroute::{self, RerouteFacts};
use crate::config::Mechanism;

/// What `queue explain` says of other routes.
pub fn way_out(facts: RerouteFacts) -> WayOut {
    let judge = reroute::judge_unattended(facts.clone());
    WayOut::new(move |way| say(way, &facts, &judge))
}

fn say(way: &Way, facts: &RerouteFacts, judge: &RerouteJudge) -> Option<String> {
    let own = &way.lane.route;
    if let Some(diversion) = &way.diversion {
        let (to, why) = (&diversion.to, &diversion.why);
        return Some(match ask(way, judge, to) {
            Ok(()) => format!("It is about to be moved to {to}: {why}."),
            Err(reason) => format!("It does not go by {to} instead ({why}): {reason}."),
        });
    }
    let cause = match &way.pause {
        Some(pause) => match pause.cause {
            PauseCause::Route => Cause::Refused,
            PauseCause::Down => Cause::Down,
            // The account's own limits and faults.
            PauseCause::Day | PauseCause::Account => return None,
        },
        None if way.is_refused => Cause::SignIn,
        None => return None,
    };
    let terms = &facts.register.config().route(own)?.fail_over;
    if terms.to.is_empty() {
        return Some(format!(
            "It goes no other way: {own} names none (fails_over_to)."
        ));
    }
    if !terms.on.contains(&cause) {
        let about = match cause {
            Cause::SignIn => {
                "a refused credential is its account's own fault, which another route would hide"
            }
            _ => "its route does not name this among its causes",
        };
        return Some(format!("It goes no other way: {about} (fails_over_on)."));
    }
    let mut may = Vec::new();
    let mut reasons = Vec::new();
    for to in &terms.to {
        if cause == Cause::SignIn && takes_the_same(facts, own, to) {
            reasons.push(format!("{to} takes the same credential"));
            continue;
        }
        match ask(way, judge, to) {
            Ok(()) => may.push(to.as_str()),
            Err(reason) => reasons.push(reason),
        }
    }
    if may.is_empty() {
        return Some(format!("It goes no other way: {}.", reasons.join("; ")));
    }
    Some(match when(way, facts) {
        Some(from) => format!(
            "It goes by {} from {from} on, if that lasts so long.",
            may.join(" or ")
        ),
        None => format!(
            "It goes by {} as soon as that can be used.",
            may.join(" or ")
        ),
    })
}

/// Whether an account shows the same credential on both routes.
fn takes_the_same(facts: &RerouteFacts, own: &RouteName, to: &RouteName) -> bool {
    let config = facts.register.config();
    let is_password = |one: &Mechanism| matches!(one, Mechanism::Login | Mechanism::Plain);
    match (config.route(own), config.route(to)) {
        (Some(own), Some(to)) => {
            own.mechanism == to.mechanism
                || (is_password(&own.mechanism) && is_password(&to.mechanism))
        }
        _ => false,
    }
}

/// From when on a route that fails counts as down, while it does not yet.
fn when(way: &Way, facts: &RerouteFacts) -> Option<Timestamp> {
    let pause = way
        .pause
        .as_ref()
        .filter(|one| one.cause == PauseCause::Down)?;
    let terms = &facts.register.config().route(&way.lane.route)?.fail_over;
    let from = fail_over::down_from(pause, terms);
    (from > facts.clock.now()).then_some(from)
}

fn ask(way: &Way, judge: &RerouteJudge, to: &RouteName) -> Result<(), String> {
    judge.ask(&rerouting(way, to))
}

fn rerouting(way: &Way, to: &RouteName) -> Rerouting {
    let mut lane = way.lane.clone();
    lane.route = to.clone();
    Rerouting {
        message: way.message,
        application: way.application.clone(),
        data_class: way.data_class.clone(),
        reverse_path: way.reverse_path.clone(),
        recipients: way.recipients,
        from: way.lane.clone(),
        to: lane,
    }
}
