//! Many worlds, without a socket.

use std::sync::Arc;

use mailward_mail::{Clock as _, Secret};
use mailward_net::{SeededDice, ShiftedClock, Tasks};
use mailward_policy::password::CommonPasswords;
use mailward_store::SystemDisk;
use mailward_testkit::{SimulatedClock, TestTls, ports};

use super::*;
use crate::asof::AsOf;
use crate::seed::{Organisation, SignInSpec};
use crate::service::{Endpoints, OAuthClient, Population};

pub(crate) const READER: &str = "reader@northmoor.example";

/// For tests that ask its endpoints.
pub(crate) const CONTROL_TOKEN: &str = "token";

pub(crate) async fn worlds() -> Worlds {
    worlds_within(WorldLimits::default()).await
}

async fn worlds_within(limits: WorldLimits) -> Worlds {
    let account = serde_json::json!({ "address": READER, "password": "reads" });
    let organisation = serde_json::json!({ "name": "NORTHMOOR", "domain": "northmoor.example" });
    let organisation: Organisation = serde_json::from_value(organisation).expect("a seed");
    let options = TwinOptions {
        dir: None,
        disk: Arc::new(SystemDisk),
        population: Population {
            organisation,
            accounts: vec![serde_json::from_value(account).expect("a seed")],
            lists: Vec::new(),
            relay_registrations: Vec::new(),
            ptr_records: Vec::new(),
            hosts: Vec::new(),
            service: Default::default(),
            sign_in: SignInSpec::default(),
            faults: Vec::new(),
        },
        endpoints: Endpoints {
            submission: ports::ANY,
            high_sending: ports::ANY,
            relay: ports::ANY,
            imaps: ports::ANY,
            pop3s: ports::ANY,
            test_api: ports::ANY,
            dns: ports::ANY,
            https: ports::ANY,
            catch: None,
        },
        identity: TestTls::new().identity().clone(),
        clock: Arc::new(ShiftedClock::new(
            SimulatedClock::at("2026-11-21T09:00:00Z").shared(),
        )),
        dice: Arc::new(SeededDice::new(1)),
        as_of: AsOf::GUIDE,
        rates: false,
        imap_in_full: false,
        breached: Arc::new(CommonPasswords),
        tenant_id: "tenant".to_owned(),
        oauth_client: OAuthClient {
            client_id: "client".to_owned(),
            client_secret: Secret::new("secret"),
        },
        control_token: Secret::new(CONTROL_TOKEN),
        authority: String::new(),
        limits,
        tasks: Tasks::new(),
    };
    let opened = Worlds::open(&options, None, SigningKey::make()).await;
    opened.expect("worlds")
}

pub(crate) fn name(text: &str) -> WorldName {
    WorldName::parse(text).expect("a name")
}

pub(crate) async fn deliver(world: &World, text: &str) {
    let filed = world
        .deliveries
        .file(READER, "INBOX", text.as_bytes())
        .await;
    filed.expect("filed");
}

async fn count(world: &World) -> u64 {
    let usage = world.deliveries.mailboxes.usage(READER).await;
    usage.expect("a mailbox").items
}

#[tokio::test]
async fn a_thousand_worlds_from_one_that_has_mail() {
    let worlds = worlds().await;
    deliver(worlds.main(), "Subject: one\r\n\r\nhello\r\n").await;
    let from = Source::World(WorldName::main());
    for number in 0..1000 {
        let name = name(&format!("w{number}"));
        let made = worlds.make(name, &from, &Wishes::default()).await;
        assert_eq!(count(&made.expect("a world")).await, 1);
    }
    let (named, octets) = worlds.figures();
    assert_eq!(named, 1000);
    let one = worlds.named("W7").expect("a world");
    deliver(&one, "Subject: two\r\n\r\nhello\r\n").await;
    assert_eq!((count(&one).await, count(worlds.main()).await), (2, 1));
    let other = worlds.named("w8").expect("a world");
    assert_eq!(count(&other).await, 1);
    let after = worlds.figures().1;
    assert!(
        after < 3 * octets,
        "bodies are shared: {octets}, then {after}"
    );
    let page = worlds.after(Some(&name("w998")), 10);
    assert_eq!(page.len(), 1);
    for number in 0..1000 {
        worlds
            .delete(&name(&format!("w{number}")))
            .expect("deleted");
    }
    drop((one, other, page));
    assert_eq!(worlds.figures(), (0, octets));
}

#[tokio::test]
async fn people_settings_and_clocks_are_each_world_s_own() {
    let worlds = worlds().await;
    let held = Wishes {
        clock_held: Some(true),
        now: Some(Timestamp::parse("2027-01-05T10:00:00Z").expect("a time")),
        ..Wishes::default()
    };
    let one = worlds.make(name("one"), &Source::Seed, &held).await;
    let one = one.expect("a world");
    assert_eq!(one.clock.now(), held.now.expect("a time"));
    assert!(worlds.main().clock.now() < one.clock.now());
    let plain = Wishes::default();
    let nobody = worlds.make(name("none"), &Source::Empty, &plain).await;
    assert!(nobody.expect("a world").accounts.all().is_empty());

    worlds.snapshot(&name("one"), name("before")).expect("kept");
    let reader = mailward_mail::Address::parse(READER).expect("an address");
    let lock = crate::accounts::Change::Lock;
    one.accounts.change(&reader, &lock).await.expect("changed");
    one.clock.advance(std::time::Duration::from_secs(60));
    let drawn = one.dice.next_u64();
    assert!(one.accounts.usable(&reader).is_err());
    assert!(worlds.main().accounts.usable(&reader).is_ok());
    let restored = worlds.restore(&name("one"), Some(&name("before")));
    restored.expect("restored");
    assert!(one.accounts.usable(&reader).is_ok());
    assert_eq!(one.clock.now(), held.now.expect("a time"));
    assert_eq!(one.dice.next_u64(), drawn, "the dice were put back too");
    let never = worlds.restore(&name("one"), Some(&name("never")));
    assert!(matches!(never, Err(WorldError::NoSnapshot(..))));
}

#[tokio::test]
async fn beyond_the_bounds_nothing_is_made_and_nothing_is_left_behind() {
    let limits = WorldLimits {
        worlds_max: 2,
        snapshots_max: 1,
        ..WorldLimits::default()
    };
    let worlds = worlds_within(limits).await;
    deliver(worlds.main(), "Subject: one\r\n\r\nhello\r\n").await;
    let from = Source::World(WorldName::main());
    let make = async |text: &str| worlds.make(name(text), &from, &Wishes::default()).await;
    let held = worlds.figures().1;
    make("one").await.expect("a world");
    make("two").await.expect("a world");
    for _ in 0..3 {
        let error = make("three").await.expect_err("one too many").to_string();
        assert_eq!(error, "there are 2 worlds already: delete some");
    }
    assert_eq!(worlds.figures(), (2, held));
    worlds.named("three").expect_err("not made");

    worlds.snapshot(&name("one"), name("now")).expect("kept");
    worlds
        .snapshot(&name("one"), name("now"))
        .expect("replaced");
    let error = worlds.snapshot(&name("two"), name("now"));
    let error = error.expect_err("one too many").to_string();
    assert_eq!(error, "there are 1 snapshots already: delete some");

    worlds.delete(&name("one")).expect("deleted");
    make("three").await.expect("room again");
    worlds
        .snapshot(&name("two"), name("now"))
        .expect("room again");
    for text in ["two", "three"] {
        worlds.delete(&name(text)).expect("deleted");
    }
    assert_eq!(worlds.figures(), (0, held));
}
