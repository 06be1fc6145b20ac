//! Every figure that the gateway tells, one entry each. Registration, text and
//! the reference page are made from it; what is not here is not counted.
//!
//! Values of labels come from the configuration, from the register or from
//! closed lists: never an address of a recipient, a subject or free text.

use mailward_net::metrics::{Definition, Kind, process};

/// Seconds: from a fast local answer to a large message over a slow line.
const ACCEPT_SECONDS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0,
];
/// An attempt with its connection; the service itself takes a second or two.
const ATTEMPT_SECONDS: &[f64] = &[
    0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0,
];
/// From acceptance to the service's 250; a deadline is days away at most.
const LATENCY_SECONDS: &[f64] = &[
    0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0,
    259_200.0,
];

macro_rules! table {
    ($($name:ident = $kind:expr, $text:literal [$($label:literal),*] $help:literal / $watch:literal;)*) => {
        $(pub(crate) static $name: Definition = Definition {
            name: $text,
            kind: $kind,
            labels: &[$($label),*],
            help: $help,
            watch: $watch,
        };)*
        static OWN: &[&Definition] = &[$(&$name),*];
    };
}

use Kind::{Counter, Gauge, Histogram};

table! {
    BUILD = Gauge, "mailward_build_info" ["version"]
        "Always 1; the version is its label." / "Two versions where one is meant.";
    UPTIME = Gauge, "mailward_uptime_seconds" []
        "How long the gateway has been open, on its own clock." / "";
    READY = Gauge, "mailward_ready" []
        "1 while new mail is taken, as /readyz says." / "0 for a minute: new mail is refused.";
    DEGRADED = Gauge, "mailward_degraded" ["reason"]
        "1 for each reason for which /readyz says that mail is taken but does not all go out." /
        "1 for ten minutes.";

    ACCEPTED = Counter, "mailward_messages_accepted_total" ["door", "application"]
        "Messages that are safe in the queue, by where they came in." /
        "No increase in hours in which an application always sends.";
    ACCEPTED_OCTETS = Counter, "mailward_accepted_bytes_total" ["door"]
        "Octets of accepted messages." / "";
    HELD = Counter, "mailward_messages_held_total" ["application"]
        "Accepted messages that wait for a person's approval." /
        "Any increase, where nobody looks at the console all day.";
    REFUSED = Counter, "mailward_messages_refused_total" ["door", "application"]
        "Messages that rules refused." /
        "A sudden rate: an application has changed what it writes.";
    REFUSALS = Counter, "mailward_refusals_total" ["rule"]
        "Refusals by rule; a message that several rules refuse counts for each." /
        "Which rule it is, when refusals rise.";
    TURNED_AWAY = Counter, "mailward_messages_turned_away_total" ["door", "why"]
        "Messages that could not be kept: too_large, no_room, store, same_key, other." /
        "Any increase of no_room or store.";
    SIGN_INS_REFUSED = Counter, "mailward_sign_ins_refused_total" ["door", "why"]
        "Applications' sign-ins refused: refused, too_often, busy, wrong_kind." /
        "A rate above what a mistyped password makes.";
    ACCEPT_SECONDS_TAKEN = Histogram(ACCEPT_SECONDS), "mailward_accept_duration_seconds" ["door"]
        "From the first octet of a message until it is safe." /
        "The 99th percentile above a second: the disk is slow.";
    CONNECTIONS = Gauge, "mailward_connections" ["door"]
        "Connections of applications that are open." / "Near the configured limit.";

    QUEUE_RECIPIENTS = Gauge, "mailward_queue_recipients" ["state"]
        "Recipients in each state; those that have ended stay counted as long as their records are kept." /
        "in_doubt or hold above 0 for long; deferred that grows.";
    OLDEST_OPEN = Gauge, "mailward_oldest_open_seconds" ["class"]
        "Age of the oldest message of each class that has not ended, scheduled ones from their time on; 0 where there is none." /
        "urgent above 300, routine above 14,400.";
    LANE_WAITING = Gauge, "mailward_lane_waiting_recipients" ["route", "account"]
        "Recipients that wait to be sent, held ones included, by lane." /
        "One lane that grows while the others drain.";
    EXPIRED = Counter, "mailward_recipients_expired_total" []
        "Recipients whose deadline passed." / "Any increase: mail was not delivered.";
    LOST_ATTEMPTS = Counter, "mailward_attempts_lost_total" []
        "Recipients whose attempt never ended and was settled by the watchdog." /
        "Any increase: a mistake of ours; please report it.";
    WATCHDOG_ROUNDS = Counter, "mailward_watchdog_rounds_total" []
        "Rounds of the watchdog, one a minute." / "No increase in five minutes.";

    ATTEMPTS = Counter, "mailward_attempts_total" ["route", "account", "stage"]
        "Attempts by how far they came: connect, tls, authenticate, mail_from, rcpt_to, body, final_dot." /
        "Attempts that end before mail_from.";
    ATTEMPT_SECONDS_TAKEN = Histogram(ATTEMPT_SECONDS), "mailward_attempt_duration_seconds" ["route"]
        "From the record of an attempt to its end." / "The median above ten seconds.";
    RESULTS = Counter, "mailward_recipient_results_total" ["route", "result"]
        "What attempts meant for recipients: relayed, failed, deferred, held, in_doubt." /
        "failed above its usual share; any in_doubt.";
    REPLIES = Counter, "mailward_replies_total" ["party", "action", "class"]
        "Refusing replies by whose move it is, what is done, and class of code (4xx, 5xx)." /
        "party credential or configuration: a person must act.";
    DEFERRALS = Counter, "mailward_deferrals_total" ["party"]
        "Recipients deferred, by whose move it is." / "service_down for more than fifteen minutes.";
    RELAY_SECONDS = Histogram(LATENCY_SECONDS), "mailward_queue_to_relayed_seconds" ["class"]
        "From acceptance until the service said 250, by class of message." /
        "The 95th percentile of urgent above 60.";
    DELIVERY_CONNECTIONS = Gauge, "mailward_delivery_connections" ["route", "account"]
        "Connections to the service, idle ones included." / "";
    UNDER_WAY = Gauge, "mailward_attempts_under_way" ["route", "account"]
        "Attempts that run." / "";
    LANE_PAUSED = Gauge, "mailward_lane_paused" ["route", "account"]
        "1 while a lane waits because its server is away or its credential was refused." /
        "1 for fifteen minutes.";
    DIVERTED = Gauge, "mailward_lane_diverted" ["route", "account", "to", "cause"]
        "1 for each lane whose mail goes by another route for now, and why: down, refused, retired, sign_in, limits." /
        "Any: look at the route that was left.";
    DIVERTED_RECIPIENTS = Counter, "mailward_diverted_recipients_total" ["route", "to"]
        "Recipients that waited for a route and were moved to another." / "";
    DAY_LEFT = Gauge, "mailward_account_recipients_left" ["account"]
        "Recipients that the account may still send to within the rolling day." /
        "Below a tenth of the day's figure.";
    LIMIT_LEFT = Gauge, "mailward_limit_left" ["account", "routes", "limit"]
        "What is left of each limit of a mailbox, which its routes use up together: connections, messages_per_minute, recipients_per_day." /
        "messages_per_minute at 0 for most of a day: the account belongs to high sending.";
    LIMIT_WAIT = Gauge, "mailward_limit_wait_seconds" ["account", "routes", "limit"]
        "Until there is room again under the limit; 0 while there is." / "";
    BREAKER = Gauge, "mailward_breaker_open" ["account"]
        "1 for each account with a credential that is not used since the service refused it." /
        "Any: put a new credential in place.";

    ALARMS = Gauge, "mailward_alarms" ["kind"]
        "Alarms that stand, by kind." / "Any.";
    ALARMS_RAISED = Counter, "mailward_alarms_raised_total" ["kind"]
        "Alarms that were raised." / "";

    NOTICES_PENDING = Gauge, "mailward_notices_pending" []
        "Reports and callbacks that have still to be made." / "A number that grows.";
    NOTICES = Counter, "mailward_notices_total" ["kind", "result"]
        "Reports and callbacks: done, failed (tried again), given_up." /
        "given_up: an application was not told.";

    STORE_REFUSING = Gauge, "mailward_store_refusing" ["why"]
        "1 while the store refuses new mail: full (passes with room), poisoned (until a restart)." /
        "1 at all.";
    STORE_DAMAGES = Gauge, "mailward_store_damages" []
        "Places found damaged since the start, a hundred at most; each is an alarm in the log." /
        "Above 0: some mail cannot be read.";
    STORE_FREE = Gauge, "mailward_store_free_bytes" []
        "What the store's disk has left for us." / "Below twice the floor.";
    STORE_FLOOR = Gauge, "mailward_store_free_floor_bytes" []
        "Below this new mail is refused." / "";
    STORE_ROWS = Gauge, "mailward_store_rows_bytes" []
        "Size of the database of rows." / "";
    STORE_LOG = Gauge, "mailward_store_log_bytes" []
        "Size of its write-ahead log." / "Above 256 MiB: it is not copied back.";
    STORE_SEGMENTS = Gauge, "mailward_store_segments" []
        "Files that hold small bodies." / "";
    STORE_BODIES = Gauge, "mailward_store_segments_bytes" []
        "What those files take." / "";
    STORE_LIVE = Gauge, "mailward_store_live_bytes" []
        "How much of that is of messages that are still needed; the rest is given back by and by." /
        "Far below `mailward_store_segments_bytes` for hours: space is not given back.";
    STORE_GROUPS = Counter, "mailward_store_groups_total" []
        "Groups committed." / "";
    STORE_CHANGES = Counter, "mailward_store_changes_total" []
        "Changes committed; divided by the groups, how many share one sync." / "";
    STORE_COMMIT_SECONDS = Counter, "mailward_store_commit_seconds_total" []
        "Time spent on committing groups, syncs included." /
        "Divided by the groups: above 0.1, the disk is slow.";

    PASSWORD_DAYS = Gauge, "mailward_account_password_days_left" ["account"]
        "Days until the account's password expires, where it signs in with one whose age is known." /
        "Below 18.";
    RETIREMENT_DAYS = Gauge, "mailward_route_retirement_days_left" ["route", "what"]
        "Days until the service takes away what a route rests on; negative afterwards." /
        "Below 90.";

    SPANS = Counter, "mailward_spans_total" ["result"]
        "Spans of traces: sent, dropped (the buffer was full or the collector took none)." /
        "dropped that grows.";
}

/// Those of the process too, in the order of the page.
pub fn all() -> Vec<&'static Definition> {
    OWN.iter().chain(process::TABLE).copied().collect()
}

/// Those that are counted where things happen.
pub(super) fn counted() -> &'static [&'static Definition] {
    OWN
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// The conventions of Prometheus, and ours.
    #[test]
    fn names_follow_the_conventions() {
        let mut seen = HashSet::new();
        for definition in all() {
            let name = definition.name;
            assert!(seen.insert(name), "{name} twice");
            assert!(
                name.bytes().all(|one| matches!(one, b'a'..=b'z' | b'_')),
                "{name}"
            );
            let counter = definition.kind == Counter;
            assert_eq!(counter, name.ends_with("_total"), "{name}");
            if matches!(definition.kind, Histogram(_)) {
                assert!(name.ends_with("_seconds"), "{name}");
            }
            assert!(definition.help.ends_with('.'), "{name}");
            assert!(!definition.labels.contains(&"le"), "{name}");
        }
        for definition in OWN {
            assert!(definition.name.starts_with("mailward_"));
        }
    }
}
