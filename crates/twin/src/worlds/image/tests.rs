//! Each piece of a world's state: its own, carried by forks and snapshots,
//! put back, and emptied by a reset.

use std::fmt::Debug;
use std::time::Duration;

use mailward_mail::{Address, Clock as _};
use mailward_net::SeededDice;
use serde_json::json;

use super::*;
use crate::accounts::Change;
use crate::deliver::Work;
use crate::faults::modes::{ModeSpec, Name};
use crate::faults::{Protocol, Situation};
use crate::trace;
use crate::worlds::tests::{READER, deliver, name, worlds};
use crate::worlds::{Source, Wishes, WorldName, Worlds};

/// One thing that happens to a world, and what shows it.
struct Piece {
    name: &'static str,
    change: fn(&World),
    look: fn(&Image) -> String,
}

fn reader() -> Address {
    Address::parse(READER).expect("an address")
}

fn of_json<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
    serde_json::from_value(value).expect("what the control API takes")
}

fn shown(value: &impl Debug) -> String {
    format!("{value:?}")
}

/// Nothing in a world in memory really waits.
fn now<T>(work: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(work).poll(&mut context) {
        std::task::Poll::Ready(done) => done,
        std::task::Poll::Pending => panic!("it waited"),
    }
}

const PIECES: &[Piece] = &[
    Piece {
        name: "accounts",
        change: |world| {
            now(world.accounts.change(&reader(), &Change::Lock)).expect("locked");
        },
        look: |image| shown(&image.accounts),
    },
    Piece {
        name: "lists",
        change: |world| {
            let list = json!({"address": "ward@northmoor.example", "members": [READER]});
            now(world.accounts.put_lists(vec![of_json(list)])).expect("made");
        },
        look: |image| shown(&image.accounts),
    },
    Piece {
        name: "mailboxes",
        change: |world| now(deliver(world, "Subject: one\r\n\r\nhello\r\n")),
        look: |image| {
            let clock = mailward_testkit::SimulatedClock::at("2026-11-21T09:00:00Z").shared();
            let mailboxes = mailward_mailbox::Mailboxes::from_image(&image.mailboxes, clock);
            shown(&now(mailboxes.usage(READER)).expect("a mailbox"))
        },
    },
    Piece {
        name: "senders",
        change: |world| {
            let blocked = json!({"address": READER, "blocked": true});
            now(world.deliveries.senders.set(of_json(blocked))).expect("blocked");
        },
        look: |image| shown(&image.senders),
    },
    Piece {
        name: "the day's recipients",
        change: |world| {
            let now = world.clock.now();
            let taken = world.deliveries.tally.take(READER, 3, None, now);
            assert!(taken.is_ok());
        },
        look: |image| shown(&image.tally),
    },
    Piece {
        name: "habits",
        change: |world| {
            let reading = of_json(json!({"after_seconds": 60}));
            let habits = &world.deliveries.habits;
            now(habits.set_reading(&reader(), Some(reading))).expect("set");
        },
        look: |image| shown(&image.habits),
    },
    Piece {
        name: "the hour's receipts",
        change: |world| {
            let receipts = &world.deliveries.receipts;
            let taken = receipts.take(READER, "a@elsewhere.example", None, world.clock.now());
            assert!(taken.is_ok());
        },
        look: |image| shown(&image.receipts),
    },
    Piece {
        name: "quota warnings",
        change: |world| {
            let warned = &world.deliveries.warned;
            assert!(warned.is_due(READER, world.clock.now()));
        },
        look: |image| shown(&image.warned),
    },
    Piece {
        name: "messages to be overtaken",
        change: |world| {
            let held = json!({"owner": READER, "address": READER, "uid": 1});
            world.deliveries.overtaken.wait(of_json(held));
        },
        look: |image| shown(&image.overtaken),
    },
    Piece {
        name: "the numbers of messages",
        change: |world| {
            let traces = &world.deliveries.traces;
            trace::within(traces.begin(), || traces.filed(1));
        },
        look: |image| shown(&image.traces),
    },
    Piece {
        name: "work for later",
        change: |world| {
            let at = world.clock.now().plus(Duration::from_secs(3600));
            let work = Work::QuotaWarning { account: reader() };
            now(world.deliveries.due.add(at, work)).expect("promised");
        },
        look: |image| shown(&image.due),
    },
    Piece {
        name: "settings of the service",
        change: |world| {
            let spec = json!({"relay_refuses_at": "rcpt"});
            now(world.manners.set(of_json(spec))).expect("set");
        },
        look: |image| shown(&image.manners),
    },
    Piece {
        name: "the day of the behaviour",
        change: |world| world.day.choose(world.clock.now()),
        look: |image| shown(&image.day),
    },
    Piece {
        name: "registrations at the relay",
        change: |world| {
            let one = json!({"address": "127.0.0.9"});
            now(world.admissions.register(of_json(one))).expect("registered");
        },
        look: |image| shown(&image.admissions),
    },
    Piece {
        name: "applications",
        change: |world| {
            let one = json!({"client_id": "one", "client_secret": "kept", "mailboxes": []});
            now(world.tokens.registrations.register(of_json(one))).expect("registered");
        },
        look: |image| shown(&image.registrations),
    },
    Piece {
        name: "the last minute's messages",
        change: |world| {
            world.pace.next_message(&reader(), world.clock.now());
        },
        look: |image| shown(&image.pace),
    },
    Piece {
        name: "the last minute's messages at high sending",
        change: |world| {
            let pace = &world.high_sending_pace;
            pace.next_message(&reader(), world.clock.now());
        },
        look: |image| shown(&image.high_sending_pace),
    },
    Piece {
        name: "faults",
        change: |world| {
            let one = json!({
                "match": {"protocol": "submission", "stage": "mail"},
                "percent": 50, "seed": 4, "action": {"kind": "close"},
            });
            world.faults.set(vec![of_json(one)]).expect("set");
            let situation = Situation::of(Protocol::Submission, "mail");
            let struck = (0..20).filter(|_| world.faults.strike(&situation).is_some());
            assert!((1..20).contains(&struck.count()));
        },
        look: |image| shown(&past(image).faults),
    },
    Piece {
        name: "modes",
        change: |world| {
            let on = world.faults.switch_on(Name::Outage, &ModeSpec::default());
            on.expect("switched on");
        },
        look: |image| shown(&past(image).faults),
    },
    Piece {
        name: "the event log",
        change: |world| {
            for _ in 0..250 {
                world.events.add("control", "tried", None, "a test", None);
            }
        },
        look: |image| shown(&past(image).events),
    },
    Piece {
        name: "transcripts",
        change: |world| {
            let end = |port| std::net::SocketAddr::from(([127, 0, 0, 1], port));
            let taps = world.sessions.taps(Protocol::Imap);
            let mut tap = taps.tap(end(4001), end(1993)).expect("a tap");
            tap.sent(b"* OK ready\r\n");
            tap.received(b"a LOGOUT\r\n");
        },
        look: |image| shown(&past(image).sessions),
    },
    Piece {
        name: "the clock",
        change: |world| world.clock.advance(Duration::from_secs(366 * 24 * 3600)),
        look: |image| shown(&image.clock_shift_millis),
    },
];

fn past(image: &Image) -> &Past {
    image.past.as_ref().expect("a world's own image has a past")
}

async fn made(worlds: &Worlds, new: &str, from: &Source) -> World {
    let wishes = Wishes {
        rates: Some(true),
        ..Wishes::default()
    };
    let made = worlds.make(name(new), from, &wishes).await;
    made.expect("a world")
}

#[tokio::test]
async fn each_piece_of_a_world_is_its_own_and_goes_with_its_images() {
    let worlds = worlds().await;
    for piece in PIECES {
        let look = |world: &World| (piece.look)(&world.image().expect("in memory"));
        let one = made(&worlds, "one", &Source::Seed).await;
        let other = made(&worlds, "other", &Source::Seed).await;
        let (before, of_other) = (look(&one), look(&other));
        (piece.change)(&one);
        let after = look(&one);
        assert_ne!(before, after, "{}: it changes", piece.name);
        assert_eq!(look(&other), of_other, "{}: in one world", piece.name);

        let from = Source::World(WorldName::parse("one").expect("a name"));
        let fork = made(&worlds, "fork", &from).await;
        assert_eq!(look(&fork), after, "{}: a fork has it", piece.name);
        worlds.snapshot(&name("one"), name("after")).expect("kept");
        worlds.restore(&name("one"), None).expect("reset");
        assert_eq!(look(&one), before, "{}: a reset empties it", piece.name);
        let restored = worlds.restore(&name("one"), Some(&name("after")));
        restored.expect("restored");
        assert_eq!(look(&one), after, "{}: it comes back", piece.name);
        worlds.restore(&name("fork"), None).expect("reset");
        assert_eq!(look(&fork), after, "{}: the fork began so", piece.name);
        for gone in ["one", "other", "fork"] {
            worlds.delete(&name(gone)).expect("deleted");
        }
    }
}

/// What chance brings next is the same after a restore, in a fork as well.
#[tokio::test]
async fn dice_of_faults_go_on_from_where_an_image_was() {
    let worlds = worlds().await;
    let one = made(&worlds, "one", &Source::Seed).await;
    let fault = json!({
        "match": {"protocol": "submission"}, "percent": 40, "action": {"kind": "close"},
    });
    one.faults.set(vec![of_json(fault)]).expect("set");
    let struck = |world: &World| -> Vec<bool> {
        let situation = Situation::of(Protocol::Submission, "mail");
        let strikes = (0..30).map(|_| world.faults.strike(&situation).is_some());
        strikes.collect()
    };
    struck(&one);
    worlds.snapshot(&name("one"), name("then")).expect("kept");
    let from = Source::World(name("one"));
    let fork = made(&worlds, "fork", &from).await;
    let first = struck(&one);
    worlds
        .restore(&name("one"), Some(&name("then")))
        .expect("put back");
    assert_eq!(struck(&one), first);
    assert_eq!(struck(&fork), first);
    let dice = SeededDice::new(3);
    assert_eq!(dice.clone().state(), dice.state());
}
