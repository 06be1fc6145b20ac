//! What an attempt learns that is nobody's message: an account, a route or a
//! service that takes nothing now. Written down as a pause, told as an alarm.

use std::time::Duration;

use mailward_mail::{Reply, Timestamp};
use mailward_policy::RouteKind;
use mailward_queue::schedule::next_attempt_at;
use mailward_queue::{Jitter, Lane, Pause, PauseCause, PauseKey, QueueError};

use super::{Alarm, DeliverOptions, connection};
use crate::route::{Route, SendingAccount};

/// Between two messages that try an account or a route that was refused;
/// after the last, always that one. A person resumes it sooner.
const PROBE_WAITS: [Duration; 6] = [
    Duration::from_secs(30 * 60),
    Duration::from_secs(3600),
    Duration::from_secs(2 * 3600),
    Duration::from_secs(4 * 3600),
    Duration::from_secs(8 * 3600),
    Duration::from_secs(24 * 3600),
];

/// A connection that broke off, once: the next message may well pass.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Openings in a row that must fail before a person is told.
const FAILURES_BEFORE_ALARM: u32 = 3;

/// The longest and shortest wait for an account's day.
const DAY: Duration = Duration::from_secs(24 * 3600);
const DAY_WAIT_MIN: Duration = Duration::from_secs(3600);

/// One trouble, and whom it holds up.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    pub(super) cause: PauseCause,
    /// The whole route, where [`PauseCause::Down`] may be a lane's alone.
    pub(super) whole_route: bool,
    pub(super) reply: Reply,
    /// What it means, in sentences.
    pub(super) means: String,
    /// A person is told at once, whatever comes next.
    pub(super) at_once: Option<&'static str>,
}

impl Trouble {
    pub(super) fn new(cause: PauseCause, reply: &Reply, means: &str) -> Self {
        Self {
            cause,
            whole_route: cause == PauseCause::Route,
            reply: reply.clone(),
            means: means.to_owned(),
            at_once: None,
        }
    }

    fn key(&self, route: &Route, lane: &Lane) -> PauseKey {
        match self.cause {
            // The day is the mailbox's, over all routes that the service
            // counts; high sending has one of its own.
            PauseCause::Day if route.kind() == RouteKind::Submission => {
                PauseKey::account(&lane.account)
            }
            _ if self.whole_route => PauseKey::route(&lane.route),
            _ => PauseKey::lane(lane),
        }
    }
}

/// Writes it down and tells whom it concerns.
pub(super) async fn record(
    options: &DeliverOptions,
    route: &Route,
    lane: &Lane,
    trouble: &Trouble,
) -> Result<Pause, QueueError> {
    let (cause, key) = (trouble.cause, trouble.key(route, lane));
    let now = options.clock.now();
    let jitter = Jitter::from_dice(&*options.dice);
    let day = match cause {
        PauseCause::Day => {
            let room_at = options.queue.day_has_room_at(&lane.account).await?;
            let wait = room_at.map_or(DAY, |at| at.since(now));
            wait.clamp(DAY_WAIT_MIN, DAY)
        }
        _ => DAY,
    };
    let wait = move |tries: u32| match cause {
        PauseCause::Day => day,
        PauseCause::Account | PauseCause::Route => {
            PROBE_WAITS[(tries.max(1) as usize - 1).min(PROBE_WAITS.len() - 1)]
        }
        PauseCause::Down if tries <= 1 => FIRST_PAUSE,
        PauseCause::Down => next_attempt_at(tries - 1, now, jitter).since(now),
    };
    let said = trouble.reply.to_string();
    let pause = options.queue.pause(key, cause, &said, wait).await?;
    tell(options, route, trouble, &pause);
    Ok(pause)
}

fn tell(options: &DeliverOptions, route: &Route, trouble: &Trouble, pause: &Pause) {
    let (until, reply, means) = (pause.until, &pause.reply, &trouble.means);
    let about = |alarm: Alarm| match (&pause.key.account, &pause.key.route) {
        (Some(account), _) => alarm.account(account.as_str()),
        (None, Some(route)) => alarm.route(route.as_str()),
        (None, None) => alarm,
    };
    let server = route.server();
    let text = match (trouble.at_once, pause.cause) {
        (Some(_), _) => format!(
            "{server} can't be used: {reply}. {means} Mail waits; one message tries again at {until}."
        ),
        (None, PauseCause::Day) => format!(
            "{} has sent to as many recipients as it may in 24 hours ({reply}). All its mail waits until {until}.",
            pause.key
        ),
        (None, PauseCause::Account) => format!(
            "{} is refused ({reply}). {means} All its mail waits; one message tries again at {until}.",
            pause.key
        ),
        (None, PauseCause::Route) => format!(
            "{} is paused: {reply}. {means} One message tries again at {until}; resume it when it is mended.",
            pause.key
        ),
        (None, PauseCause::Down) if pause.tries >= FAILURES_BEFORE_ALARM => {
            format!("{server} can't be reached or takes nothing; mail waits ({reply})")
        }
        (None, PauseCause::Down) => return,
    };
    let kind = trouble.at_once.unwrap_or(kind(pause.cause));
    options.alarms.raise(about(Alarm::new(kind, text)));
}

/// Of faults that are told at once.
pub(super) const CERTIFICATE: &str = "certificate_refused";

fn kind(cause: PauseCause) -> &'static str {
    match cause {
        PauseCause::Day => "day_used_up",
        PauseCause::Account => "account_paused",
        PauseCause::Route => "route_paused",
        PauseCause::Down => "service_down",
    }
}

/// What was told of a pause that has ended.
pub(super) fn clear(options: &DeliverOptions, key: &PauseKey, cause: PauseCause) {
    let about = match (&key.account, &key.route) {
        (Some(account), _) => account.as_str(),
        (None, Some(route)) => route.as_str(),
        (None, None) => "",
    };
    for kind in [kind(cause), CERTIFICATE] {
        options.alarms.clear(kind, about);
    }
}

/// Signing in was refused: the breaker opens, and is on disk when this
/// returns.
pub(super) async fn refuse(options: &DeliverOptions, account: &SendingAccount, reply: &Reply) {
    let credential = connection::credential(account);
    if let Err(error) = options.queue.breaker_open(&credential, reply).await {
        tracing::error!(%error, "an opened breaker could not be recorded");
    }
    tell_refused(options, account, &reply.to_string(), None);
}

pub(super) fn tell_refused(
    options: &DeliverOptions,
    account: &SendingAccount,
    reply: &str,
    since: Option<Timestamp>,
) {
    let at = since
        .map(|since| format!(" at {since}"))
        .unwrap_or_default();
    let address = &account.address;
    let text = format!(
        "the service refused to sign {address} in{at}: {reply}. Nothing more is tried with this \
         credential; its mail stays queued. Put a new credential in place, or say that it is \
         right after all: mailward accounts resume {address} --why REASON"
    );
    options
        .alarms
        .raise(Alarm::new("authentication_refused", text).account(&address.key()));
}
