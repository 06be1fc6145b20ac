//! What people are told in time: days on which a route ends, and accounts that
//! send more than they may. Once each, over restarts; shown as long as it holds.

use std::collections::BTreeMap;

use mailward_mail::Timestamp;
use mailward_queue::{AccountName, QueueError, UsedUp};

use super::fail_over::{TooMuch, is_day_used_up};
use super::{Alarm, DeliverOptions};
use crate::config::{Account, Route};
use crate::route::retirement::{End, ends};

/// Days before an end at which it is told; once more when it has come.
const TOLD_AT_DAYS: [i64; 3] = [7, 30, 90];

/// The alarms' kinds.
const RETIRES: &str = "route_retires";
const ADVISED: &str = "high_sending_advised";

/// To be called every minute.
pub(super) async fn look(options: &DeliverOptions) -> Result<(), QueueError> {
    for route in &options.register.config().routes {
        endings(options, route).await?;
    }
    too_much(options).await
}

/// The stage that an end has come to; nothing while it is far away.
fn stage(end: &End, now: Timestamp) -> Option<String> {
    if end.date <= now {
        return Some("past".to_owned());
    }
    let days = end.days_left(now);
    let stage = TOLD_AT_DAYS.into_iter().find(|stage| days <= *stage)?;
    Some(stage.to_string())
}

async fn endings(options: &DeliverOptions, route: &Route) -> Result<(), QueueError> {
    let now = options.clock.now();
    let mut is_near = false;
    // The nearest is looked at last, and is what stays.
    for end in ends(route).iter().rev() {
        let Some(stage) = stage(end, now) else {
            continue;
        };
        is_near = true;
        let key = format!("{RETIRES} {} {} {stage} {}", route.name, end.date, end.what);
        let alarm = ending(route, end, now);
        match options.queue.tell_once(&key).await? {
            true => options.alarms.renew(alarm),
            false => options.alarms.keep(alarm),
        }
    }
    if !is_near {
        options.alarms.clear(RETIRES, route.name.as_str());
    }
    Ok(())
}

fn ending(route: &Route, end: &End, now: Timestamp) -> Alarm {
    let (name, what, remedy, date) = (&route.name, &end.what, end.remedy, end.date.to_date());
    let text = match (end.days_left(now), end.is_the_routes) {
        (..0, true) => {
            let then = match route.fail_over.to.is_empty() {
                true => "Its mail is tried still, and waits when it is refused",
                false => "Its mail goes another way where it may, and else is tried still",
            };
            format!("route {name} is retired since {date}: {what}. {then}. {remedy}")
        }
        (..0, false) => format!("route {name}: since {date}, {what}. {remedy}"),
        (days, _) => format!("route {name}: in {days} days, on {date}, {what}. {remedy}"),
    };
    Alarm::new(RETIRES, text).route(name.as_str())
}

/// Counts who has nothing left, and advises who has so often.
async fn too_much(options: &DeliverOptions) -> Result<(), QueueError> {
    let mut used_up: BTreeMap<AccountName, Vec<UsedUp>> = BTreeMap::new();
    for account in options.sending_limits.turned_away() {
        used_up.entry(account).or_default().push(UsedUp::Minute);
    }
    let accounts = &options.register.config().accounts;
    for name in accounts.iter().map(Account::name) {
        if is_day_used_up(options, &name).await? {
            used_up.entry(name).or_default().push(UsedUp::Day);
        }
    }
    for (account, limits) in used_up {
        for limit in limits {
            options.queue.count_used_up(&account, limit).await?;
        }
    }
    for name in accounts.iter().map(Account::name) {
        advise(options, &name).await?;
    }
    Ok(())
}

async fn advise(options: &DeliverOptions, account: &AccountName) -> Result<(), QueueError> {
    let known = TooMuch::of(options, account).await?;
    let Some(text) = known.text(account) else {
        options.alarms.clear(ADVISED, account.as_str());
        return Ok(());
    };
    let alarm = Alarm::new(ADVISED, text).account(account.as_str());
    let key = format!("{ADVISED} {account} {}", options.clock.now().to_date());
    match options.queue.tell_once(&key).await? {
        true => options.alarms.renew(alarm),
        false => options.alarms.keep(alarm),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_at_each_stage() {
        const DAY: i64 = 24 * 3600 * 1000;
        let at = |day: i64| Timestamp::from_millis(day * DAY);
        for (day, expected) in [
            (909, None),
            (910, Some("90")),
            (969, Some("90")),
            (970, Some("30")),
            (993, Some("7")),
            (999, Some("7")),
            (1000, Some("past")),
            (1300, Some("past")),
        ] {
            let end = End {
                date: at(1000),
                what: "it ends".to_owned(),
                remedy: "",
                is_the_routes: true,
                is_published: false,
            };
            assert_eq!(stage(&end, at(day)).as_deref(), expected, "{day}");
        }
    }
}
