//! Sessions as transcripts show them, and what the checks make of them.

use std::sync::Arc;

use mailward_testkit::SimulatedClock;

use super::session::Outcome;
use super::*;
use crate::behaviour;
use crate::common::Common;
use crate::transcripts::{Direction, Entry, SessionView, TranscriptView};

/// `C:`, `S:` and `-:` lines, a second between one and the next.
fn session(name: &str, protocol: Protocol, second: u64, lines: &str) -> Session {
    let start = Timestamp::parse("2026-03-02T09:00:00Z").expect("a time");
    let at = |seconds: usize| start.plus(std::time::Duration::from_secs(second + seconds as u64));
    let entry = |(place, line): (usize, &str)| {
        let (who, text) = line.trim().split_once(": ").expect("a speaker");
        Entry {
            at: at(place),
            direction: match who {
                "C" => Direction::Client,
                "S" => Direction::Server,
                _ => Direction::Note,
            },
            tls: false,
            text: text.to_owned(),
        }
    };
    let lines: Vec<Entry> = lines.trim().lines().enumerate().map(entry).collect();
    Session::read(&TranscriptView {
        session: SessionView {
            sequence: 1,
            id: name.to_owned(),
            protocol,
            peer: "127.0.0.1:4000".parse().expect("an address"),
            begun: start.plus(std::time::Duration::from_secs(second)),
            ended: Some(at(lines.len())),
            tls: true,
            entries: lines.len(),
        },
        forgotten: 0,
        lines,
    })
}

const SECURED: &str = "S: 220 hi
    C: EHLO client
    S: 250-here
    S: 250 STARTTLS
    C: STARTTLS
    S: 220 go
    -: TLS TLSv1_3 TLS13_AES_256_GCM_SHA384
    C: EHLO client
    S: 250 AUTH LOGIN XOAUTH2
    C: AUTH LOGIN ***
    S: 334 VXNlcm5hbWU6
    C: *** [8 octets]
    S: 334 UGFzc3dvcmQ6
    C: *** [8 octets]
    S: 235 in";

/// All of one message; `reply` is the one to its end.
fn message(to: &str, reply: &str) -> String {
    format!(
        "\nC: MAIL FROM:<a@northmoor.example>\nC: RCPT TO:<{to}>\nC: DATA\nS: 250 yes\nS: 250 yes\nS: 354 go on\n\
         C: MAIL FROM:<quoted@elsewhere.example>\nC: [message of 70 octets]\nS: {reply}"
    )
}

fn smtp(second: u64, rest: &str) -> Session {
    let name = format!("s{second}");
    session(
        &name,
        Protocol::Submission,
        second,
        &format!("{SECURED}{rest}"),
    )
}

fn verdict(wish: &str, events: Vec<Event>, sessions: Vec<Session>) -> Verdict {
    let wish: Wish = serde_json::from_str(wish).expect("a wish");
    let check = CHECKS.iter().find(|check| check.id == wish.conduct);
    let check = check.expect("a check");
    wish.check(check).expect("parameters that it takes");
    let facts = Facts {
        events,
        sessions,
        accounts: HashMap::new(),
    };
    (check.judge)(&wish, &facts)
}

#[test]
fn reads_what_was_said_in_a_session() {
    let lines = [
        message("b@northmoor.example", "250 taken"),
        message("c@northmoor.example", "432 4.3.2 busy"),
        "\nC: QUIT\nS: 221 bye".to_owned(),
    ];
    let read = smtp(0, &lines.concat());
    let outcomes: Vec<_> = read.transactions.iter().map(|one| &one.outcome).collect();
    let busy = Outcome::Refused("432 4.3.2 busy".to_owned());
    assert_eq!(outcomes, [&Outcome::Accepted, &busy]);
    assert_eq!(read.transactions[1].to, ["c@northmoor.example"]);
    assert_eq!(read.mechanisms, ["LOGIN"]);
    assert_eq!((read.in_the_clear, read.said_goodbye), (None, true));
    assert!(
        read.tls
            .as_deref()
            .is_some_and(|tls| tls.starts_with("TLSv1_3"))
    );
}

#[test]
fn every_check_knows_good_conduct_from_bad() {
    let good = |second| {
        let lines = [
            message("b@northmoor.example", "250 taken"),
            message("c@northmoor.example", "250 taken"),
        ];
        smtp(second, &(lines.concat() + "\nC: QUIT\nS: 221 bye"))
    };
    let once = |second, reply: &str| smtp(second, &message("b@northmoor.example", reply));
    let open = |session: Session| Session {
        ended: None,
        ..session
    };
    let token = |second| {
        let lines = SECURED.replace("AUTH LOGIN ***", "AUTH XOAUTH2 ***");
        session("token", Protocol::Submission, second, &lines)
    };
    let clear = || {
        let lines = "S: 220 hi\nC: MAIL FROM:<a@northmoor.example>\nS: 250 yes";
        session("clear", Protocol::Relay, 0, lines)
    };
    type Case = (&'static str, Vec<Session>, bool);
    let cases: Vec<Case> = vec![
        (r#"{"conduct": "uses-tls"}"#, vec![good(0)], true),
        (
            r#"{"conduct": "uses-tls", "version_min": "1.3"}"#,
            vec![good(0)],
            true,
        ),
        (r#"{"conduct": "uses-tls"}"#, vec![good(0), clear()], false),
        (r#"{"conduct": "uses-tls"}"#, vec![], false),
        (r#"{"conduct": "says-goodbye"}"#, vec![good(0)], true),
        (r#"{"conduct": "says-goodbye"}"#, vec![open(good(0))], true),
        (
            r#"{"conduct": "says-goodbye"}"#,
            vec![open(once(0, "250 taken"))],
            false,
        ),
        (
            r#"{"conduct": "says-goodbye"}"#,
            vec![good(0), once(90, "250 taken")],
            false,
        ),
        (r#"{"conduct": "reuses-connections"}"#, vec![good(0)], true),
        (
            r#"{"conduct": "reuses-connections"}"#,
            vec![once(0, "250 taken"), once(90, "250 taken")],
            false,
        ),
        (
            r#"{"conduct": "reuses-connections"}"#,
            vec![once(0, "250 taken")],
            false,
        ),
        (r#"{"conduct": "signs-in-by-token"}"#, vec![token(0)], true),
        (
            r#"{"conduct": "signs-in-by-token"}"#,
            vec![token(0), good(90)],
            false,
        ),
        (
            r#"{"conduct": "sends-only-to", "domains": ["northmoor.example"]}"#,
            vec![good(0)],
            true,
        ),
        (
            r#"{"conduct": "sends-only-to", "domains": ["elsewhere.example"]}"#,
            vec![good(0)],
            false,
        ),
        (
            r#"{"conduct": "recipients-per-message", "max": 0}"#,
            vec![good(0)],
            false,
        ),
        (
            r#"{"conduct": "recipients-per-message"}"#,
            vec![good(0)],
            true,
        ),
        (
            r#"{"conduct": "messages-per-minute", "max": 2}"#,
            vec![good(0)],
            true,
        ),
        (
            r#"{"conduct": "messages-per-minute", "max": 1}"#,
            vec![good(0)],
            false,
        ),
        (
            r#"{"conduct": "messages-per-minute", "max": 2}"#,
            vec![good(0), good(120)],
            true,
        ),
        (
            r#"{"conduct": "connections-at-once", "max": 1}"#,
            vec![good(0), good(90)],
            true,
        ),
        (
            r#"{"conduct": "connections-at-once", "max": 1}"#,
            vec![good(0), good(5)],
            false,
        ),
        (
            r#"{"conduct": "retries-after-busy", "codes": ["432"], "seconds_min": 30}"#,
            vec![once(0, "432 busy"), once(90, "250 taken")],
            true,
        ),
        (
            r#"{"conduct": "retries-after-busy", "seconds_min": 300}"#,
            vec![once(0, "432 busy"), once(90, "250 taken")],
            false,
        ),
        (
            r#"{"conduct": "retries-after-busy", "seconds_max": 10}"#,
            vec![once(0, "432 busy"), once(90, "250 taken")],
            false,
        ),
        (
            r#"{"conduct": "retries-after-busy"}"#,
            vec![once(0, "432 busy")],
            false,
        ),
        (
            r#"{"conduct": "retries-after-busy"}"#,
            vec![once(0, "550 never")],
            false,
        ),
        (r#"{"conduct": "no-offences"}"#, vec![good(0)], true),
    ];
    for (wish, sessions, holds) in cases {
        let count = sessions.len();
        let verdict = verdict(wish, Vec::new(), sessions);
        assert_eq!(
            verdict.holds, holds,
            "{wish} over {count} sessions: {verdict:?}"
        );
        assert!(!verdict.says.is_empty());
    }
}

#[test]
fn a_refused_sign_in_is_not_tried_again_before_somebody_mends_it() {
    const WHO: &str = "a@northmoor.example";
    type Act = fn(&EventLog);
    let wrong: Act = |log| {
        log.punish(
            "submission",
            "refused",
            Some(WHO),
            "wrong",
            behaviour::CREDENTIALS,
        )
    };
    let right: Act = |log| log.add("imap", "signed_in", Some(WHO), "in", None);
    let send: Act = |log| {
        log.punish(
            "submission",
            "refused",
            Some(WHO),
            "not theirs",
            behaviour::SEND_AS,
        )
    };
    let mended: Act = |log| log.add("control", "password_changed", Some(WHO), "new", None);
    let cases: [(&[Act], bool); 7] = [
        (&[], true),
        (&[right, right], true),
        (&[wrong], true),
        (&[wrong, wrong], false),
        (&[wrong, right], false),
        (&[wrong, mended, right], true),
        (&[send, send, right], true),
    ];
    for (acts, holds) in cases {
        let log = EventLog::new(SimulatedClock::at("2026-03-02T09:00:00Z").shared());
        acts.iter().for_each(|act| act(&log));
        let wish = r#"{"conduct": "no-refused-sign-in-again"}"#;
        let verdict = verdict(wish, log.after(0, 100), Vec::new());
        assert_eq!(verdict.holds, holds, "{} acts: {verdict:?}", acts.len());
    }
}

#[test]
fn a_parameter_that_means_nothing_is_refused() {
    let clock = SimulatedClock::at("2026-03-02T09:00:00Z").shared();
    let log = EventLog::new(Arc::clone(&clock) as Arc<dyn mailward_mail::Clock>);
    for (wish, words) in [
        (r#"{"conduct": "flies"}"#, "there is no conduct flies"),
        (r#"{"conduct": "uses-tls", "max": 1}"#, "takes no max"),
        (
            r#"{"conduct": "uses-tls", "version_min": "1.1"}"#,
            "write 1.2 or 1.3",
        ),
        (r#"{"conduct": "sends-only-to"}"#, "needs domains"),
    ] {
        let wish: Wish = serde_json::from_str(wish).expect("a wish");
        let faults = crate::faults::Faults::new(
            log.clone(),
            Arc::clone(&clock) as Arc<dyn mailward_mail::Clock>,
            Arc::new(mailward_net::SeededDice::new(1)),
        );
        let sessions = Sessions::new(clock.clone(), faults, Common::new(usize::MAX));
        let error = judge(&wish, &log, &sessions).expect_err("refused");
        assert!(error.contains(words), "{error}");
    }
}
