//! What is read at the moment somebody asks: from counters, from a few rows
//! that an index finds, from the file system. Nothing is scanned.

use std::collections::{BTreeMap, BTreeSet};

use mailward_net::metrics::{Exposition, process};
use mailward_policy::RouteKind;
use mailward_policy::limits::RECIPIENTS_PER_DAY;
use mailward_queue::{AccountName, Lane, MessageClass, QueueError};
use mailward_store::Health;

use super::health::DEGRADED;
use super::{readiness, table};
use crate::gateway::Gateway;
use crate::password::account_ages;
use crate::route::retirement::ends;

/// All figures as text. What cannot be read now is left out, with a line in
/// the log; the rest is told.
pub(super) async fn gather(gateway: &Gateway) -> String {
    let mut text = Exposition::new(&table::all());
    let observe = &gateway.observe;
    observe.0.registry.write(&mut text);
    whole(gateway, &mut text);
    ready(gateway, &mut text).await;
    if let Err(error) = queue(gateway, &mut text).await {
        tracing::warn!(%error, "the queue's figures cannot be read");
    }
    store(gateway, &mut text);
    alarms(gateway, &mut text);
    configured(gateway, &mut text);
    process::write(&mut text, observe.0.started);
    text.into_text()
}

fn whole(gateway: &Gateway, text: &mut Exposition) {
    text.put(&table::BUILD, &[env!("CARGO_PKG_VERSION")], 1.0);
    let open_for = gateway.clock.now().since(gateway.observe.0.opened);
    put(text, &table::UPTIME, open_for.as_secs_f64());
}

async fn ready(gateway: &Gateway, text: &mut Exposition) {
    let stopping = gateway.tasks.shutdown().has_begun();
    let readiness = readiness(&gateway.queue, &gateway.observe, stopping).await;
    put(text, &table::READY, f64::from(u8::from(readiness.ready)));
    for reason in DEGRADED {
        let holds = readiness.degraded.iter().any(|one| one.reason == reason);
        text.put(&table::DEGRADED, &[reason], f64::from(u8::from(holds)));
    }
}

async fn queue(gateway: &Gateway, text: &mut Exposition) -> Result<(), QueueError> {
    let queue = &gateway.queue;
    let summary = queue.summary().await?;
    for (state, count) in &summary.recipients {
        text.put(&table::QUEUE_RECIPIENTS, &[state.as_str()], *count as f64);
    }
    put(text, &table::NOTICES_PENDING, summary.notices_open as f64);
    let now = gateway.clock.now();
    for class in MessageClass::ALL {
        let oldest = queue.oldest_open(class).await?;
        // A scheduled message is not late before its time.
        let since = oldest.map(|one| one.not_before.unwrap_or(one.received_at));
        let age = since.map_or(0.0, |since| now.since(since).as_secs_f64());
        text.put(&table::OLDEST_OPEN, &[class.as_str()], age);
    }
    let mut accounts = BTreeSet::new();
    for (lane, waiting) in queue.waiting_by_lane().await? {
        let labels = [lane.route.as_str(), lane.account.as_str()];
        text.put(&table::LANE_WAITING, &labels, waiting as f64);
        if has_day(gateway, &lane.route) {
            accounts.insert(lane.account);
        }
    }
    days(gateway, &accounts, text).await?;
    pace(gateway, text).await?;
    for one in queue.diversions().await? {
        let Lane { route, account } = &one.from;
        let cause = one.cause.as_str();
        let labels = [route.as_str(), account.as_str(), one.to.as_str(), cause];
        text.put(&table::DIVERTED, &labels, 1.0);
    }
    let mut breakers: BTreeMap<String, u32> = BTreeMap::new();
    for record in queue.open_breakers().await? {
        *breakers
            .entry(record.credential.account.as_str().to_owned())
            .or_default() += 1;
    }
    for account in sending(gateway) {
        let open = f64::from(u8::from(breakers.contains_key(account.as_str())));
        text.put(&table::BREAKER, &[account.as_str()], open);
    }
    Ok(())
}

fn has_day(gateway: &Gateway, route: &mailward_queue::RouteName) -> bool {
    let kind = gateway.config.route(route).map(|route| route.kind);
    gateway.config.keeps_limits && kind == Some(RouteKind::Submission)
}

async fn days(
    gateway: &Gateway,
    accounts: &BTreeSet<AccountName>,
    text: &mut Exposition,
) -> Result<(), QueueError> {
    for account in accounts {
        let used = gateway.queue.usage(account).await?.recipients_last_day;
        let left = RECIPIENTS_PER_DAY.figure.saturating_sub(used);
        text.put(&table::DAY_LEFT, &[account.as_str()], left as f64);
    }
    Ok(())
}

/// Accounts that an application sends as; the spare ones say nothing.
fn sending(gateway: &Gateway) -> BTreeSet<AccountName> {
    let registered = gateway.register.list().into_iter();
    registered.map(|one| one.lane.account.clone()).collect()
}

fn store(gateway: &Gateway, text: &mut Exposition) {
    let store = gateway.queue.store();
    let health = store.health();
    for (why, holds) in [
        ("full", matches!(health, Health::Full { .. })),
        ("poisoned", matches!(health, Health::Poisoned { .. })),
    ] {
        text.put(&table::STORE_REFUSING, &[why], f64::from(u8::from(holds)));
    }
    put(text, &table::STORE_DAMAGES, store.damages().len() as f64);
    let space = store.space();
    if let Some(free) = space.free_octets {
        put(text, &table::STORE_FREE, free as f64);
    }
    put(text, &table::STORE_FLOOR, space.floor_octets as f64);
    put(text, &table::STORE_ROWS, space.rows_octets as f64);
    put(text, &table::STORE_LOG, space.log_octets as f64);
    put(text, &table::STORE_SEGMENTS, space.segments as f64);
    put(text, &table::STORE_BODIES, space.segment_octets as f64);
    put(text, &table::STORE_LIVE, space.live_octets as f64);
    let commits = store.commits();
    put(text, &table::STORE_GROUPS, commits.groups as f64);
    put(text, &table::STORE_CHANGES, commits.changes as f64);
    let took = commits.took.as_secs_f64();
    put(text, &table::STORE_COMMIT_SECONDS, took);
}

fn alarms(gateway: &Gateway, text: &mut Exposition) {
    let Some(alarms) = gateway.observe.alarms() else {
        return;
    };
    let raised = alarms.raised();
    let mut standing: BTreeMap<&str, u32> = raised.keys().map(|kind| (*kind, 0)).collect();
    for alarm in alarms.standing() {
        *standing.entry(alarm.kind).or_default() += 1;
    }
    for (kind, count) in standing {
        text.put(&table::ALARMS, &[kind], f64::from(count));
    }
    for (kind, count) in raised {
        text.put(&table::ALARMS_RAISED, &[kind], count as f64);
    }
}

/// Days that the configuration and the keystore know of.
fn configured(gateway: &Gateway, text: &mut Exposition) {
    let (config, now) = (&gateway.config, gateway.clock.now());
    let used = sending(gateway);
    for age in account_ages(config, Some(&gateway.secrets), now) {
        let account = AccountName::new(age.address.to_lowercase());
        if let (Some(days), true) = (age.days_left, used.contains(&account)) {
            text.put(&table::PASSWORD_DAYS, &[account.as_str()], days as f64);
        }
    }
    for route in &config.routes {
        for end in ends(route) {
            let labels = [route.name.as_str(), end.what.as_str()];
            text.put(&table::RETIREMENT_DAYS, &labels, end.days_left(now) as f64);
        }
    }
}

/// What each mailbox of an application has left, and until when it has none.
async fn pace(gateway: &Gateway, text: &mut Exposition) -> Result<(), QueueError> {
    let used = sending(gateway);
    let limits = gateway.sending_limits.limits(None).await?;
    for mailbox in limits.mailboxes {
        if !used.contains(&AccountName::new(&mailbox.account)) {
            continue;
        }
        let routes = mailbox.routes.join(",");
        for line in mailbox.limits {
            let labels = [
                mailbox.account.as_str(),
                routes.as_str(),
                line.limit.as_str(),
            ];
            if let Some(left) = line.left {
                text.put(&table::LIMIT_LEFT, &labels, left as f64);
            }
            let wait = line
                .free_at
                .map_or(0.0, |at| at.since(limits.at).as_secs_f64());
            text.put(&table::LIMIT_WAIT, &labels, wait);
        }
    }
    Ok(())
}

fn put(text: &mut Exposition, definition: &mailward_net::metrics::Definition, value: f64) {
    let none: [&str; 0] = [];
    text.put(definition, &none, value);
}
