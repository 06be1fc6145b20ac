//! The checks of [`super::CHECKS`], in its order.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use mailward_mail::Timestamp;
use mailward_policy::limits;

use super::{Breach, Facts, Verdict, Wish};
use crate::events::Event;

/// What changes an account so that another sign-in makes sense.
const MENDING: [&str; 4] = ["password_changed", "unlocked", "enabled", "protocols_set"];

/// Behaviours that refuse a sign-in; what is refused later is no sign-in.
const REFUSES_SIGN_IN: [&str; 11] = [
    "user-name",
    "credentials",
    "wrong-passwords",
    "account-locked",
    "account-disabled",
    "password-expired",
    "password-change",
    "token",
    "password-ended",
    "protocol-disabled",
    "protocol-disused",
];

const MINUTE: Duration = Duration::from_secs(60);

fn breach(at: Timestamp, session: Option<&str>, text: String) -> Breach {
    Breach {
        at,
        session: session.map(str::to_owned),
        text,
    }
}

/// `max` refusals are borne: one, unless the wish says otherwise.
pub(super) fn no_refused_sign_in_again(wish: &Wish, facts: &Facts) -> Verdict {
    let borne = wish.max.unwrap_or(1);
    let mut refused: HashMap<String, u64> = HashMap::new();
    let (mut judged, mut breaches) = (0, Vec::new());
    for event in &facts.events {
        let Some(account) = &event.account else {
            if event.kind == "clock_set" {
                refused.clear();
            }
            continue;
        };
        if event.protocol == "control" && MENDING.contains(&event.kind) {
            refused.remove(account);
            continue;
        }
        let is_refusal = is_refused_sign_in(event);
        if !is_refusal && event.kind != "signed_in" {
            continue;
        }
        judged += 1;
        let before = refused.get(account).copied().unwrap_or_default();
        if before >= borne {
            let what = if is_refusal { "refused" } else { "let in" };
            let text = format!(
                "{account} tried again on {} after {before} refused, and was {what}",
                event.protocol
            );
            breaches.push(breach(event.at, event.session.as_deref(), text));
        }
        if is_refusal {
            refused.insert(account.clone(), before + 1);
        } else if before < borne {
            refused.remove(account);
        }
    }
    let says = format!("{judged} sign-ins, of which {} too many", breaches.len());
    Verdict::of(judged, breaches, says, false)
}

fn is_refused_sign_in(event: &Event) -> bool {
    match (event.kind, event.behaviour) {
        ("refused", Some(behaviour)) => REFUSES_SIGN_IN.contains(&behaviour),
        // IMAP and POP refuse nothing else by this name.
        ("refused", None) => matches!(event.protocol, "imap" | "pop"),
        _ => false,
    }
}

/// A second at least, unless the wish says otherwise; at once is no back-off.
pub(super) fn retries_after_busy(wish: &Wish, facts: &Facts) -> Verdict {
    let pause_min = Duration::from_secs(wish.seconds_min.unwrap_or(1));
    let pause_max = wish.seconds_max.map(Duration::from_secs);
    let counts = |reply: &str| {
        let codes = wish.codes.as_ref();
        codes.is_none_or(|codes| codes.iter().any(|code| reply.starts_with(code.as_str())))
    };
    let all = facts.transactions();
    let (mut judged, mut breaches) = (0, Vec::new());
    for (place, (session, refused)) in all.iter().enumerate() {
        let Some(reply) = refused.busy().filter(|reply| counts(reply)) else {
            continue;
        };
        judged += 1;
        let mut later = all[place + 1..].iter();
        let again = later.find(|(_, one)| one.is_same_message(refused));
        let what = format!("the message of {} refused with \"{reply}\"", refused.from);
        let text = match again {
            None => format!("{what} was not tried again"),
            Some((_, again)) => {
                let pause = again.began.since(refused.ended);
                let seconds = pause.as_secs_f64();
                if pause < pause_min {
                    let least = pause_min.as_secs();
                    format!("{what} was tried again after {seconds} s, before {least} s were over")
                } else if pause_max.is_some_and(|most| pause > most) {
                    format!("{what} was tried again only after {seconds} s")
                } else {
                    continue;
                }
            }
        };
        breaches.push(breach(refused.ended, Some(&session.name), text));
    }
    let says = format!("{judged} times busy, {} not as asked", breaches.len());
    Verdict::of(judged, breaches, says, true)
}

pub(super) fn messages_per_minute(wish: &Wish, facts: &Facts) -> Verdict {
    let max = wish.max.unwrap_or(limits::MESSAGES_PER_MINUTE.figure);
    let mut minutes: HashMap<&str, VecDeque<Timestamp>> = HashMap::new();
    let (mut judged, mut breaches) = (0, Vec::new());
    for (session, message) in facts.transactions() {
        if !message.is_accepted() {
            continue;
        }
        judged += 1;
        let account = facts.account(session).unwrap_or(&message.from);
        let minute = minutes.entry(account).or_default();
        let at = message.began;
        minute.push_back(at);
        while minute
            .front()
            .is_some_and(|first| at.since(*first) >= MINUTE)
        {
            minute.pop_front();
        }
        let count = minute.len() as u64;
        if count > max {
            let text = format!("{account} sent {count} messages within a minute, {max} at most");
            breaches.push(breach(at, Some(&session.name), text));
        }
    }
    let says = format!("{judged} messages, {} too soon", breaches.len());
    Verdict::of(judged, breaches, says, false)
}

pub(super) fn connections_at_once(wish: &Wish, facts: &Facts) -> Verdict {
    let max = wish.max.unwrap_or(limits::CONNECTIONS.figure);
    let mut open: HashMap<&str, Vec<Option<Timestamp>>> = HashMap::new();
    let mut breaches = Vec::new();
    let mut judged = 0;
    for session in &facts.sessions {
        let Some(account) = facts.account(session) else {
            continue;
        };
        judged += 1;
        let ends = open.entry(account).or_default();
        ends.retain(|end| end.is_none_or(|end| end > session.begun));
        ends.push(session.ended);
        let count = ends.len() as u64;
        if count > max {
            let text = format!("{account} had {count} sessions open at once, {max} at most");
            breaches.push(breach(session.begun, Some(&session.name), text));
        }
    }
    let says = format!("{judged} sessions, {} too many", breaches.len());
    Verdict::of(judged, breaches, says, false)
}

pub(super) fn recipients_per_message(wish: &Wish, facts: &Facts) -> Verdict {
    let max = wish.max.unwrap_or(limits::RECIPIENTS_PER_MESSAGE.figure);
    let all = facts.transactions();
    let too_many = all.iter().filter(|(_, one)| one.to.len() as u64 > max);
    let breaches: Vec<Breach> = too_many
        .map(|(session, one)| {
            let count = one.to.len();
            let text = format!("{} named {count} recipients, {max} at most", one.from);
            breach(one.began, Some(&session.name), text)
        })
        .collect();
    let says = format!("{} messages, {} to too many", all.len(), breaches.len());
    Verdict::of(all.len(), breaches, says, false)
}

/// Two messages a connection on average, unless the wish says otherwise.
pub(super) fn reuses_connections(wish: &Wish, facts: &Facts) -> Verdict {
    let min = wish.min.unwrap_or(2);
    // By account: messages, connections, the last of them.
    let mut uses: BTreeMap<&str, (u64, u64, Timestamp)> = BTreeMap::new();
    for session in facts.sessions.iter().filter(|session| session.is_smtp()) {
        let sent = session.transactions.iter().filter(|one| one.is_accepted());
        let count = sent.count() as u64;
        if count > 0 {
            let account = facts.account(session).unwrap_or_default();
            let use_of = uses.entry(account);
            let (messages, connections, last) = use_of.or_insert((0, 0, session.begun));
            (*messages, *connections, *last) = (*messages + count, *connections + 1, session.begun);
        }
    }
    let short = uses.iter().filter(|(_, (messages, connections, _))| {
        *messages > 1 && *messages < min.saturating_mul(*connections)
    });
    let breaches: Vec<Breach> = short
        .map(|(account, (messages, connections, last))| {
            let text = format!("{account} sent {messages} messages over {connections} connections");
            breach(*last, None, text)
        })
        .collect();
    let judged: u64 = uses.values().map(|(messages, ..)| messages).sum();
    let says = format!("{judged} messages of {} accounts", uses.len());
    // One message says nothing about the next.
    let judged = usize::try_from(judged).unwrap_or(usize::MAX);
    Verdict::of(judged.saturating_sub(1), breaches, says, true)
}

pub(super) fn uses_tls(wish: &Wish, facts: &Facts) -> Verdict {
    let wants_newest = wish.version_min.as_deref() == Some("1.3");
    let mut breaches = Vec::new();
    for session in facts.sessions.iter().filter(|session| session.is_whole) {
        let protocol = session.protocol.as_str();
        let text = match (&session.tls, session.in_the_clear) {
            (_, Some(said)) => format!("{said} on {protocol} before TLS"),
            (None, _) => format!("a session on {protocol} from {} without TLS", session.peer),
            (Some(tls), _) if wants_newest && !tls.contains("1_3") && !tls.contains("1.3") => {
                format!("{tls} on {protocol}")
            }
            _ => continue,
        };
        breaches.push(breach(session.begun, Some(&session.name), text));
    }
    let judged = facts.sessions.len();
    let says = format!("{judged} sessions, {} not by TLS as asked", breaches.len());
    Verdict::of(judged, breaches, says, true)
}

pub(super) fn signs_in_by_token(_: &Wish, facts: &Facts) -> Verdict {
    let (mut judged, mut breaches) = (0, Vec::new());
    for session in &facts.sessions {
        for mechanism in &session.mechanisms {
            judged += 1;
            if !matches!(mechanism.as_str(), "XOAUTH2" | "OAUTHBEARER") {
                let protocol = session.protocol.as_str();
                let text = format!("a password on {protocol}, by {mechanism}");
                breaches.push(breach(session.begun, Some(&session.name), text));
            }
        }
    }
    let says = format!("{judged} sign-ins, {} by password", breaches.len());
    Verdict::of(judged, breaches, says, true)
}

pub(super) fn says_goodbye(_: &Wish, facts: &Facts) -> Verdict {
    let (mut judged, mut breaches) = (0, Vec::new());
    for session in &facts.sessions {
        match session.ended {
            // Who has said it need not have gone yet.
            _ if session.said_goodbye => judged += 1,
            None => {}
            Some(at) => {
                judged += 1;
                let protocol = session.protocol.as_str();
                let text = format!("a session on {protocol} that just ended");
                breaches.push(breach(at, Some(&session.name), text));
            }
        }
    }
    let says = format!("{judged} sessions, {} without goodbye", breaches.len());
    Verdict::of(judged, breaches, says, true)
}

pub(super) fn sends_only_to(wish: &Wish, facts: &Facts) -> Verdict {
    let domains = wish.domains.as_deref().unwrap_or_default();
    let is_within = |recipient: &str| {
        let domain = recipient.rsplit_once('@').map_or("", |(_, domain)| domain);
        domains.iter().any(|one| one.eq_ignore_ascii_case(domain))
    };
    let (mut judged, mut breaches) = (0, Vec::new());
    for (session, message) in facts.transactions() {
        for recipient in &message.to {
            judged += 1;
            if !is_within(recipient) {
                let text = format!("{} wrote to {recipient}", message.from);
                breaches.push(breach(message.began, Some(&session.name), text));
            }
        }
    }
    let says = format!("{judged} recipients, {} outside", breaches.len());
    Verdict::of(judged, breaches, says, false)
}

pub(super) fn no_offences(wish: &Wish, facts: &Facts) -> Verdict {
    let is_asked = |id: &str| {
        let names = |list: &[String]| list.iter().any(|one| one == id);
        wish.only.as_deref().is_none_or(names) && !wish.except.as_deref().is_some_and(names)
    };
    let mut breaches = Vec::new();
    for event in &facts.events {
        let Some(behaviour) = event.behaviour.filter(|id| is_asked(id)) else {
            continue;
        };
        let (why, clauses) = (&event.why, event.clauses.join(", "));
        let text = format!("{behaviour} ({clauses}): {why}");
        breaches.push(breach(event.at, event.session.as_deref(), text));
    }
    let judged = facts.events.len();
    let says = format!("{} offences", breaches.len());
    Verdict::of(judged, breaches, says, false)
}
