//! What the twin of Northmoor went through, with names that try the pages.

use std::time::Duration;

use mailward_console::view::{
    AccountDetail, AccountState, AutoReplyView, BehaviourView, ClauseView, FaultRow, LineView,
    ModeRow, Page, ProtocolView, QuotaLevel, ScenarioRow, SenderView, ServiceChange, ServiceEvent,
    SessionRow, SessionView, Speaker, Standing, WorldRow, WorldView,
};
use mailward_mail::Timestamp;

use crate::fake::{Fake, HOSTILE};

const LONG: &str = "a.very.long.name.that.nobody.would.choose.but.somebody.has.anyway.it.goes.on@subsidiary.northmoor.example";

pub(crate) fn fill(fake: &mut Fake, now: Timestamp) {
    let ago = |seconds| now.minus(Duration::from_secs(seconds));
    for (index, mailbox) in fake.mailboxes.iter_mut().enumerate() {
        let account = &mut mailbox.account;
        match index {
            0 => {
                account.quota_octets = Some(4 * 1024 * 1024 * 1024);
                account.display_name = Some("WARD SEVEN (Northmoor Hospitals)".to_owned());
            }
            1 => {
                account.state = AccountState::Locked;
                account.quota_octets = Some(account.octets + 1);
                account.quota = QuotaLevel::ProhibitSend;
                account.must_change = true;
                account.off = vec!["POP3".to_owned(), "EWS".to_owned()];
            }
            2 => {
                account.throttled_until = Some(now.plus(Duration::from_secs(40)));
                account.display_name = Some(HOSTILE.to_owned());
                account.is_blocked = true;
            }
            _ => {}
        }
    }
    let names: Vec<String> = fake
        .mailboxes
        .iter()
        .map(|mailbox| mailbox.account.address.clone())
        .collect();
    let kinds = ["signed_in", "refused", "delivered", "fault", "refused"];
    let protocols = ["submission", "imap", "pop", "oauth", "control"];
    for number in (1..=70_u64).rev() {
        let place = number as usize;
        let kind = kinds[place % 5];
        let account = match place % 9 {
            4 => LONG.to_owned(),
            5 => HOSTILE.to_owned(),
            _ => names[place % names.len()].clone(),
        };
        fake.events.push(event(
            number,
            ago(70 - number),
            protocols[place % 4],
            kind,
            account,
        ));
    }
    fake.detail = fake.mailboxes.get(1).map(|mailbox| AccountDetail {
        account: mailbox.account.clone(),
        protocols: [
            ("smtp", "SMTP", true),
            ("imap", "IMAP", true),
            ("pop", "POP3", false),
        ]
        .map(|(name, label, is_on)| ProtocolView {
            name: name.to_owned(),
            label: label.to_owned(),
            is_on,
            why_off: (!is_on)
                .then(|| "Switched off because it was not used for so long (GUIDE-7)".to_owned()),
        })
        .to_vec(),
        password_changed: ago(86_400 * 300),
        password_expires: now.plus(Duration::from_secs(86_400 * 65)),
        wrong_passwords: 10,
        wrong_passwords_max: Some(10),
        sender: SenderView {
            recipients_max: 500,
        },
        auto_reply: Some(AutoReplyView {
            text: "I am away until Monday. תודה".to_owned(),
            external_text: None,
            organisation_only: true,
        }),
        reading_after_seconds: Some(60),
        events: fake.events.iter().take(8).cloned().collect(),
    });
    fake.sessions = (1..=60)
        .rev()
        .map(|number| session(number, ago(number * 60), fake))
        .collect();
    fake.standing = Standing {
        faults: Some("The service is down (outage). The twin plays delay_1, delay_2.".to_owned()),
        clock: Some(now.plus(Duration::from_secs(86_400 * 45))),
        as_of: Some("2027-01-05".to_owned()),
    };
    rehearsal(fake, now);
    fake.worlds = (1..=60).map(|number| world(number, now)).collect();
}

fn event(
    sequence: u64,
    at: Timestamp,
    protocol: &str,
    kind: &str,
    account: String,
) -> ServiceEvent {
    let is_refusal = kind == "refused";
    ServiceEvent {
        sequence,
        at,
        protocol: protocol.to_owned(),
        kind: kind.to_owned(),
        account: Some(account),
        session: Some(format!("{protocol}-{}", sequence % 60 + 1)),
        message: (kind == "delivered").then_some(sequence),
        message_id: None,
        why: match kind {
            "refused" => "the password is wrong, for the third time in a row".to_owned(),
            "fault" => "delay_1: reply at mail".to_owned(),
            "delivered" => "filed in INBOX".to_owned(),
            _ => "signed in".to_owned(),
        },
        is_refusal,
        behaviour: is_refusal.then(|| BehaviourView {
            id: "credentials".to_owned(),
            punishes: "a wrong password, an unknown account, a shared mailbox".to_owned(),
            words: "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect."
                .to_owned(),
            standing: "observed".to_owned(),
            remedy: Some("Check address and password.".to_owned()),
        }),
        clauses: is_refusal
            .then(|| ClauseView {
                id: "GUIDE-9".to_owned(),
                text: Some("An application signs in with the account it was given.".to_owned()),
            })
            .into_iter()
            .collect(),
    }
}

fn session(number: u64, begun: Timestamp, fake: &Fake) -> SessionView {
    let said = [
        (Speaker::Note, "TLS 1.3 TLS_AES_256_GCM_SHA384"),
        (
            Speaker::Service,
            "220 LO4P123CA0051.outlook.office365.com Microsoft ESMTP MAIL Service ready",
        ),
        (Speaker::Client, "EHLO clinic"),
        (Speaker::Client, "AUTH LOGIN ***"),
        (
            Speaker::Service,
            "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.",
        ),
        (Speaker::Client, HOSTILE),
    ];
    let lines = (1..).zip(said.iter().cycle().take(if number == 60 { 450 } else { 6 }));
    let protocol = ["submission", "imap", "pop", "oauth"][number as usize % 4];
    SessionView {
        session: SessionRow {
            id: format!("{protocol}-{number}"),
            protocol: protocol.to_owned(),
            peer: "127.0.0.1:52344".to_owned(),
            begun,
            ended: (!number.is_multiple_of(7)).then(|| begun.plus(Duration::from_millis(4_200))),
            tls: true,
            lines: 6,
            account: Some("ward7@northmoor.example".to_owned()),
            outcome: if number.is_multiple_of(3) {
                "3 refused, 1 fault".to_owned()
            } else {
                "Signed in, 1 delivered".to_owned()
            },
            is_bad: number.is_multiple_of(3),
        },
        forgotten: 12,
        lines: Page::only(
            lines
                .map(|(place, (speaker, text))| LineView {
                    number: 12 + place,
                    at: begun.plus(Duration::from_millis(place * 120)),
                    speaker: *speaker,
                    tls: place > 2,
                    text: (*text).to_owned(),
                })
                .collect(),
        ),
        events: fake
            .events
            .iter()
            .take(2)
            .map(|event| ServiceEvent {
                at: begun.plus(Duration::from_millis(600)),
                ..event.clone()
            })
            .collect(),
    }
}

fn rehearsal(fake: &mut Fake, now: Timestamp) {
    let view = &mut fake.rehearsal;
    view.now = now;
    view.due = 3;
    view.modes = [
        ("outage", "The service is down.", true),
        ("degraded", "The service is slow and busy.", false),
        (
            "enforcement-rehearsal",
            "Password sign-in is refused.",
            false,
        ),
    ]
    .map(|(name, says, is_on)| ModeRow {
        name: name.to_owned(),
        says: says.to_owned(),
        is_on,
    })
    .to_vec();
    view.faults = vec![FaultRow {
        id: "delay_1".to_owned(),
        what: "smtp, stage mail: reply, text 451 4.3.2 System not accepting network messages"
            .to_owned(),
        note: Some(HOSTILE.to_owned()),
        part_of: Some("Delivery is delayed".to_owned()),
        until: Some(now.plus(Duration::from_secs(600))),
        struck: 4,
        times: Some(20),
    }];
    view.scenarios = [
        "Mail is not delivered",
        "Delivery is delayed",
        "Mail arrives out of sequence",
        "The service is not available",
        "Busy at every recipient",
        "The reply to a message is lost",
    ]
    .iter()
    .enumerate()
    .map(|(place, title)| ScenarioRow {
        name: format!("scenario-{place}"),
        title: (*title).to_owned(),
        text: "The service is busy for the next twenty messages and says so at MAIL FROM."
            .to_owned(),
        look_for: vec!["What is refused for now waits and is tried again.".to_owned()],
        clauses: vec!["GUIDE-101".to_owned()],
        is_hazard: place < 4,
        is_on: place == 1,
    })
    .collect();
    view.changes = vec![ServiceChange {
        day: "2026-12-31".to_owned(),
        what: "SMTP takes no passwords".to_owned(),
    }];
}

fn world(number: u64, now: Timestamp) -> WorldView {
    WorldView {
        suffix: format!("#suite-{number}"),
        host: format!("suite-{number}.twin.test"),
        snapshots: vec!["before-noon".to_owned(), "clean".to_owned()],
        world: WorldRow {
            name: if number == 1 {
                "default".to_owned()
            } else {
                format!("suite-{number}")
            },
            is_default: number == 1,
            now,
            as_of: "2022-03-01".to_owned(),
            accounts: 5 * number,
            faults: number
                .is_multiple_of(5)
                .then(|| "The service is down (outage).".to_owned()),
        },
    }
}
