//! A day at Northmoor, which does not exist.

use std::time::Duration;

use mailward_console::view::{
    AccountKind, AccountState, Action, AlarmView, AttemptView, BreakerView, Decision, EventView,
    FindingView, MessageView, RouteView, Status, TlsView, VerdictView, WaitView,
};
use mailward_mail::{Dice, MessageId, Timestamp};

use crate::fake::{Fake, FakeFolder, FakeItem, FakeMailbox, message, recipient};
use crate::letters;

const NOT_FOUND: &str = "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient \
    ward.seven.east.long-stay@northmoor.example not found by SMTP address lookup";
const TOO_FAST: &str = "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded \
    [Hostname=AB1CD23EF4567.northmoor.example]";

pub(crate) fn source(now: Timestamp, dice: &dyn Dice) -> Fake {
    let mut fake = Fake {
        messages: messages(now, dice),
        mailboxes: mailboxes(now),
        ..Fake::default()
    }
    .with_counts(now);
    crate::twin::fill(&mut fake, now);
    if let Some(gateway) = &mut fake.overview.gateway {
        gateway.breakers_open.push(BreakerView {
            account: "rota.application@northmoor.example".to_owned(),
            opened: now.minus(Duration::from_secs(5_400)),
            reply: "535 5.7.3 Authentication unsuccessful".to_owned(),
            waiting: 3,
        });
    }
    fake.overview.alarms.push(AlarmView {
        since: now.minus(Duration::from_secs(600)),
        title: "A message is past its deadline".to_owned(),
        detail: "Laboratory alerts must reach their recipients within 15 minutes.".to_owned(),
        message: fake
            .messages
            .iter()
            .find(|message| message.deadline.is_some())
            .map(|message| message.id),
    });
    fake
}

fn messages(now: Timestamp, dice: &dyn Dice) -> Vec<MessageView> {
    let subjects = [
        "Clinic letter for your appointment",
        "Résultats de laboratoire – Zoë Brennan-Ó Súilleabháin",
        "Rota for week 48",
        "検査結果のお知らせ",
        "תוצאות בדיקה",
        "Scanned document from the printer on the second floor of the east wing, which has sent \
         a subject that goes on for as long as the person at the panel could bear to type it and \
         then some more",
        "",
    ];
    let statuses = Status::ALL;
    let mut messages = vec![waiting(now, dice), failed(now, dice), held(now, dice)];
    for number in 0..117_u64 {
        let accepted = now.minus(Duration::from_secs(120 + number * 437));
        let subject = subjects[(number % 7) as usize];
        let mut made = message(MessageId::new(accepted, dice), accepted, subject);
        made.status = statuses[(number * 7 % 10) as usize];
        made.recipients[0].status = made.status;
        made.actions.clear();
        if number % 5 == 0 {
            made.application = "laboratory-alerts".to_owned();
            made.recipients_left_out = 1_249;
        }
        messages.push(made);
    }
    messages.sort_by_key(|message| std::cmp::Reverse(message.accepted));
    messages
}

/// Throttled by the service, with some recipients done.
fn waiting(now: Timestamp, dice: &dyn Dice) -> MessageView {
    let accepted = now.minus(Duration::from_secs(3_725));
    let at = |seconds| accepted.plus(Duration::from_secs(seconds));
    let mut made = message(
        MessageId::new(accepted, dice),
        accepted,
        "Urgent: potassium 6.9 mmol/L – Zoë Brennan-Ó Súilleabháin",
    );
    made.application = "laboratory-alerts".to_owned();
    made.data_class = Some("OFFICIAL-SENSITIVE".to_owned());
    made.patient_data = Some(true);
    made.deadline = Some(at(900));
    made.route = Some(RouteView {
        name: "submission".to_owned(),
        reason: "the account’s own submission service; no exception asks for another".to_owned(),
    });
    made.verdict = Some(VerdictView {
        decision: Decision::Repair,
        findings: vec![FindingView {
            decision: Decision::Repair,
            rule: "message-id-present".to_owned(),
            clauses: vec!["ENG-31".to_owned()],
            finding: "The message had no Message-ID.".to_owned(),
            remedy: "One was added. Let the application make its own, so that it can find its \
                     messages again."
                .to_owned(),
        }],
    });
    made.waits = Some(WaitView {
        reason: "The service asked us to slow down; the account’s lane pauses.".to_owned(),
        limit: Some("30 messages a minute for one mailbox (GUIDE-41)".to_owned()),
        until: Some(now.plus(Duration::from_secs(95))),
    });
    made.recipients = (1..=14)
        .map(|number| {
            let address = format!("registrar{number:02}@northmoor.example");
            let mut reached = recipient(&address, Status::Relayed);
            reached.last_reply = Some("250 2.0.0 OK".to_owned());
            reached
        })
        .collect();
    let mut late = recipient(
        "oncall.haematology.consultant.nights-and-weekends@very-long-subdomain.northmoor.example",
        Status::Deferred,
    );
    late.attempts = 3;
    late.last_reply = Some(TOO_FAST.to_owned());
    late.next_attempt = Some(now.plus(Duration::from_secs(95)));
    made.recipients.push(late);
    made.recipients_left_out = 85;
    let tls = TlsView {
        version: "TLS 1.3".to_owned(),
        cipher: "TLS13_AES_256_GCM_SHA384".to_owned(),
        verified_name: "smtp.northmoor.example".to_owned(),
    };
    let attempt = |start: u64, result: &str, reply: &str, tls: Option<&TlsView>| AttemptView {
        started: at(start),
        ended: Some(at(start).plus(Duration::from_millis(412))),
        route: "submission".to_owned(),
        remote: "smtp.northmoor.example, 192.0.2.25 port 587".to_owned(),
        tls: tls.cloned(),
        recipients: 100,
        result: result.to_owned(),
        reply: Some(reply.to_owned()),
    };
    made.attempts = vec![
        attempt(1, "connection refused", "The far end closed the port", None),
        attempt(61, "put off", TOO_FAST, Some(&tls)),
        attempt(420, "relayed to 99, put off for 1", TOO_FAST, Some(&tls)),
    ];
    made.timeline = vec![
        event(
            at(0),
            "Accepted",
            Some("250 2.0.0 after the message was on disk"),
            None,
        ),
        event(
            at(1),
            "Attempt 1 failed",
            Some("Connection refused; tried again in 1 minute"),
            None,
        ),
        event(at(61), "Attempt 2 put off", Some(TOO_FAST), None),
        event(
            at(420),
            "Relayed to 99 recipients",
            Some("250 2.0.0 OK"),
            None,
        ),
        event(at(3_000), "Retried by hand", None, Some("ada")),
    ];
    made
}

/// Refused for good by the far end, at length.
fn failed(now: Timestamp, dice: &dyn Dice) -> MessageView {
    let accepted = now.minus(Duration::from_secs(7_200));
    let mut made = message(
        MessageId::new(accepted, dice),
        accepted,
        "Clinic letter: your appointment at the Ear, Nose and Throat clinic has moved to \
         Thursday 26 November 2026 at 10:40, please bring this letter, your glasses if you wear \
         them, and a list of the medicines that you take",
    );
    made.status = Status::Failed;
    made.actions.clear();
    let mut gone = recipient(
        "ward.seven.east.long-stay@northmoor.example",
        Status::Failed,
    );
    gone.last_reply = Some(NOT_FOUND.to_owned());
    made.recipients = vec![
        recipient("ward7@northmoor.example", Status::Delivered),
        gone,
    ];
    made.timeline = vec![
        event(accepted, "Accepted", None, None),
        EventView {
            recipient: Some("ward.seven.east.long-stay@northmoor.example".to_owned()),
            ..event(
                accepted.plus(Duration::from_secs(2)),
                "Failed",
                Some(NOT_FOUND),
                None,
            )
        },
        event(
            accepted.plus(Duration::from_secs(3)),
            "Sender told",
            Some("Delivery report sent to clinic@northmoor.example"),
            None,
        ),
    ];
    made
}

/// Held for approval.
fn held(now: Timestamp, dice: &dyn Dice) -> MessageView {
    let accepted = now.minus(Duration::from_secs(240));
    let mut made = message(
        MessageId::new(accepted, dice),
        accepted,
        "Newsletter to all staff",
    );
    made.status = Status::Held;
    made.actions = vec![Action::Release, Action::Cancel];
    made.waits = Some(WaitView {
        reason: "A rule holds it until somebody with the role approver decides.".to_owned(),
        limit: None,
        until: None,
    });
    made.verdict = Some(VerdictView {
        decision: Decision::Hold,
        findings: vec![
            FindingView {
                decision: Decision::Hold,
                rule: "recipients-per-message".to_owned(),
                clauses: vec!["GUIDE-44".to_owned(), "ENG-12".to_owned()],
                finding: "The message has 512 recipients; more than 500 in one message need \
                          approval."
                    .to_owned(),
                remedy: "Ask the local administrator for a distribution list, or send in parts."
                    .to_owned(),
            },
            FindingView {
                decision: Decision::Repair,
                rule: "display-name-form".to_owned(),
                clauses: vec!["GUIDE-11".to_owned()],
                finding: "The display name “NEWS!!!” is not the account’s.".to_owned(),
                remedy: "It was put right to “Communications (NORTHMOOR)”.".to_owned(),
            },
        ],
    });
    made.recipients[0].status = Status::Held;
    made.recipients_left_out = 511;
    made.timeline = vec![event(
        accepted,
        "Held",
        Some("Rule recipients-per-message"),
        None,
    )];
    made
}

fn event(at: Timestamp, title: &str, detail: Option<&str>, who: Option<&str>) -> EventView {
    EventView {
        at,
        title: title.to_owned(),
        detail: detail.map(str::to_owned),
        recipient: None,
        who: who.map(str::to_owned),
    }
}

fn mailboxes(now: Timestamp) -> Vec<FakeMailbox> {
    let mut first = FakeMailbox::new("zoe.brennan@northmoor.example", letters::inbox(now));
    first.account.display_name = Some("BRENNAN, Zoë (NORTHMOOR)".to_owned());
    first.account.quota_octets = Some(4 * 1024 * 1024 * 1024);
    for (name, depth) in [
        ("Inbox/Clinics", 1),
        ("Inbox/Clinics/Ear, Nose & Throat", 2),
        ("Sent Items", 0),
        ("Junk Email", 0),
        ("受信トレイ", 0),
    ] {
        first.folders.push(FakeFolder {
            name: name.to_owned(),
            label: name.rsplit('/').next().unwrap_or(name).to_owned(),
            depth,
            items: vec![FakeItem::new(
                1,
                now,
                "Put away",
                "Subject: Put away\r\n\r\nHello\r\n",
            )],
        });
    }
    let mut mailboxes = vec![first];
    for number in 0..63 {
        let mut mailbox =
            FakeMailbox::new(&format!("user{number:03}@northmoor.example"), Vec::new());
        mailbox.account.display_name = Some(format!("USER, Number {number} (NORTHMOOR)"));
        if number % 9 == 4 {
            mailbox.account.kind = AccountKind::Application;
            mailbox.account.state = AccountState::Locked;
        }
        if number % 9 == 7 {
            mailbox.account.kind = AccountKind::Shared;
            mailbox.account.state = AccountState::Disabled;
        }
        mailboxes.push(mailbox);
    }
    mailboxes
}
