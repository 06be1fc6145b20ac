use std::time::Duration;

use mailward_net::SeededDice;
use mailward_policy::password::CommonPasswords;
use mailward_store::{Limits, Options, Store, SystemDisk};
use mailward_testkit::SimulatedClock;

use super::*;
use crate::asof::{AsOf, BehaviourDay};
use crate::schema::SCHEMA;
use crate::seed::SignInSpec;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Accounts over a store in a folder that can be opened again.
struct Setting {
    folder: tempfile::TempDir,
    clock: SimulatedClock,
    accounts: Accounts,
}

impl Setting {
    async fn new(as_of: &str, wrong_passwords_max: Option<u32>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = SimulatedClock::at("2026-03-02T09:00:00Z");
        let accounts = open(&folder, &clock, as_of, wrong_passwords_max).await;
        Self {
            folder,
            clock,
            accounts,
        }
    }

    async fn put(&self, given_by: GivenBy, spec: serde_json::Value) -> Arc<Account> {
        let spec = serde_json::from_value(spec).expect("a specification");
        let dice = SeededDice::new(1);
        let put = self.accounts.put(vec![spec], given_by, &dice).await;
        put.expect("written").remove(0)
    }

    async fn try_password(&self, password: &str) -> Option<Refusal> {
        let password = Secret::new(password);
        match self.accounts.sign_in(&letters(), &password).await {
            SignIn::Accepted(_) => None,
            SignIn::Refused(refusal) => Some(refusal),
        }
    }

    /// The clauses of a change's faults.
    async fn change(&self, old: Option<&str>, new: &str) -> Result<(), Vec<&'static str>> {
        let change = PasswordChange {
            old: old.map(Secret::new),
            new: Secret::new(new),
            must_change: false,
        };
        match self.accounts.change_password(&letters(), change).await {
            Ok(_) => Ok(()),
            Err(Refused::Weak(faults)) => Err(faults.iter().map(|one| one.clause).collect()),
            Err(Refused::SignIn(refusal)) => Err(vec![refusal.behaviour().id]),
            Err(other) => panic!("{other:?}"),
        }
    }

    async fn act(&self, change: Change) {
        let done = self.accounts.change(&letters(), &change).await;
        done.expect("written").expect("the account is there");
    }

    /// Closes the store and opens it again.
    async fn reopen(mut self) -> Self {
        self.accounts.store.close().await;
        self.accounts = open(&self.folder, &self.clock, "2022-03-01", None).await;
        self
    }
}

async fn open(
    folder: &tempfile::TempDir,
    clock: &SimulatedClock,
    as_of: &str,
    wrong_passwords_max: Option<u32>,
) -> Accounts {
    let store = Store::open(Options {
        dir: folder.path().join("twin"),
        schema: SCHEMA,
        limits: Limits::default(),
        disk: Arc::new(SystemDisk),
    })
    .expect("a store");
    let spec = SignInSpec {
        wrong_passwords_max,
        locked_words: None,
        disuse_days: None,
    };
    let as_of = AsOf::new(Timestamp::parse(as_of).expect("a date"));
    let rules = SignInRules::new(
        &spec,
        BehaviourDay::new(as_of, clock.shared()),
        Arc::new(CommonPasswords),
    );
    Accounts::open(Shelf::of(store), clock.shared(), rules)
        .await
        .expect("accounts")
}

fn letters() -> Address {
    Address::parse("letters@northmoor.example").expect("an address")
}

fn seed(password: &str) -> serde_json::Value {
    serde_json::json!({
        "address": "letters@northmoor.example",
        "kind": "application",
        "password": password,
        "display_name": "Tamsin, Morag (NORTHMOOR HOSPITALS TRUST)",
    })
}

#[tokio::test]
async fn wrong_passwords_lock_and_only_unlocking_opens() {
    let setting = Setting::new("2022-03-01", Some(3)).await;
    setting.put(GivenBy::Seed, seed("right")).await;
    assert_eq!(
        setting.try_password("a").await,
        Some(Refusal::WrongPassword)
    );
    assert_eq!(
        setting.try_password("b").await,
        Some(Refusal::WrongPassword)
    );
    // The right one begins the count anew.
    assert_eq!(setting.try_password("right").await, None);
    for _ in 0..2 {
        assert_eq!(
            setting.try_password("c").await,
            Some(Refusal::WrongPassword)
        );
    }
    assert_eq!(
        setting.try_password("d").await,
        Some(Refusal::WrongPasswordLocks { wrong_passwords: 3 })
    );
    assert_eq!(setting.try_password("right").await, Some(Refusal::Locked));
    assert_eq!(
        setting.accounts.usable(&letters()).err(),
        Some(Refusal::Locked)
    );
    // Enabling is not unlocking.
    setting.act(Change::Enable).await;
    assert_eq!(setting.try_password("right").await, Some(Refusal::Locked));
    setting.act(Change::Unlock).await;
    assert_eq!(setting.try_password("right").await, None);
}

#[tokio::test]
async fn nothing_locks_where_the_seed_says_so() {
    let setting = Setting::new("2022-03-01", Some(0)).await;
    setting.put(GivenBy::Seed, seed("right")).await;
    for _ in 0..20 {
        assert_eq!(
            setting.try_password("wrong").await,
            Some(Refusal::WrongPassword)
        );
    }
    assert_eq!(setting.try_password("right").await, None);
}

#[tokio::test]
async fn each_state_refuses_and_can_be_left() {
    let setting = Setting::new("2022-03-01", None).await;
    setting.put(GivenBy::Seed, seed("right")).await;
    for (into, refusal, out) in [
        (Change::Lock, Refusal::Locked, Change::Unlock),
        (Change::Disable, Refusal::Disabled, Change::Enable),
    ] {
        setting.act(into).await;
        assert_eq!(setting.try_password("right").await, Some(refusal));
        assert_eq!(setting.accounts.usable(&letters()).err(), Some(refusal));
        assert!(setting.change(Some("right"), "x").await.is_err());
        setting.act(out).await;
        assert_eq!(setting.try_password("right").await, None);
    }
    let new = ["kovuta-bimeso-raluni-one", "kovuta-bimeso-raluni-two"];
    for (into, refusal, (old, new)) in [
        (Change::Expire, Refusal::PasswordExpired, ("right", new[0])),
        (
            Change::ForcePassword,
            Refusal::PasswordMustChange,
            (new[0], new[1]),
        ),
    ] {
        setting.act(into).await;
        assert_eq!(setting.try_password(old).await, Some(refusal));
        // Who shows a token shows no password.
        assert!(setting.accounts.usable(&letters()).is_ok());
        assert_eq!(setting.change(Some(old), new).await, Ok(()));
        assert_eq!(setting.try_password(new).await, None);
    }
}

#[tokio::test]
async fn a_password_expires_after_its_year() {
    for (changed, last, first) in [
        ("2025-03-10", "2026-03-09T23:59:59Z", "2026-03-10"),
        ("2023-03-01", "2024-02-28T23:59:59Z", "2024-02-29"),
        ("2024-02-29", "2025-02-27T23:59:59Z", "2025-02-28"),
    ] {
        let setting = Setting::new("2022-03-01", None).await;
        let mut spec = seed("right");
        spec["password_changed"] = changed.into();
        setting.put(GivenBy::Seed, spec).await;
        for (now, expected) in [(last, None), (first, Some(Refusal::PasswordExpired))] {
            setting.clock.set(Timestamp::parse(now).expect("a time"));
            assert_eq!(setting.try_password("right").await, expected, "{now}");
        }
    }
}

#[tokio::test]
async fn new_passwords_are_judged_by_the_day() {
    for (as_of, password, expected) in [
        ("2022-03-01", "kovuta-bimeso-raluni-tepo", Ok(())),
        ("2023-07-06", "kovutabimesoralunitepo", Ok(())),
        (
            "2023-07-07",
            "kovutabimesoralunitepo",
            Err(vec!["GUIDE-25"]),
        ),
        ("2023-07-07", "Kovuta-bimeso-raluni-tepo", Ok(())),
        ("2022-03-01", "kovuta-bimeso", Err(vec!["GUIDE-19"])),
        (
            "2022-03-01",
            "kovuta bimeso raluni tepo",
            Err(vec!["GUIDE-25"]),
        ),
        (
            "2022-03-01",
            "kovuta-LETTERS-raluni-tepo",
            Err(vec!["GUIDE-26"]),
        ),
        (
            "2022-03-01",
            "kovuta-tamsin-raluni-tepo",
            Err(vec!["GUIDE-25"]),
        ),
        (
            "2022-03-01",
            "kovuta-Morag-raluni-tepo",
            Err(vec!["GUIDE-25"]),
        ),
        ("2022-03-01", "password", Err(vec!["GUIDE-19", "GUIDE-28"])),
        ("2022-03-01", "right", Err(vec!["GUIDE-19", "GUIDE-30"])),
    ] {
        let setting = Setting::new(as_of, None).await;
        setting.put(GivenBy::Seed, seed("right")).await;
        assert_eq!(
            setting.change(None, password).await,
            expected,
            "{as_of} {password}"
        );
        let opens = setting.try_password(password).await.is_none();
        assert_eq!(opens, expected.is_ok() || password == "right");
    }
}

#[tokio::test]
async fn none_of_the_last_four_returns() {
    let setting = Setting::new("2022-03-01", None).await;
    let password = |number: u32| format!("kovuta-bimeso-raluni-{number}");
    setting.put(GivenBy::Seed, seed(&password(0))).await;
    for number in 1..=3 {
        assert_eq!(setting.change(None, &password(number)).await, Ok(()));
    }
    // 3 stands, 0 is the fourth back.
    for number in 0..=3 {
        let again = setting.change(None, &password(number)).await;
        assert_eq!(again, Err(vec!["GUIDE-30"]), "{number}");
    }
    assert_eq!(setting.change(None, &password(4)).await, Ok(()));
    assert_eq!(setting.change(None, &password(0)).await, Ok(()));
}

#[tokio::test]
async fn a_wrong_old_password_counts() {
    let setting = Setting::new("2022-03-01", Some(2)).await;
    setting.put(GivenBy::Seed, seed("right")).await;
    let new = "kovuta-bimeso-raluni-tepo";
    assert_eq!(
        setting.change(Some("wrong"), new).await,
        Err(vec!["credentials"])
    );
    assert_eq!(
        setting.change(Some("wrong"), new).await,
        Err(vec!["wrong-passwords"])
    );
    // The Local Administrator sets one all the same, and it stays locked.
    assert_eq!(setting.change(None, new).await, Ok(()));
    assert_eq!(setting.try_password(new).await, Some(Refusal::Locked));
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let setting = Setting::new("2022-03-01", Some(5)).await;
    let spec = seed("kovuta-bimeso-raluni-first");
    setting.put(GivenBy::Seed, spec.clone()).await;
    setting.clock.advance(DAY);
    let new = "kovuta-bimeso-raluni-second";
    assert_eq!(setting.change(None, new).await, Ok(()));
    assert_eq!(
        setting.try_password("wrong").await,
        Some(Refusal::WrongPassword)
    );
    setting.act(Change::ForcePassword).await;
    setting.act(Change::Quota(Some(7))).await;
    setting.act(Change::Protocols(vec![Protocol::Imap])).await;
    setting.act(Change::Disable).await;
    let before = setting.accounts.find(&letters()).expect("there");

    let setting = setting.reopen().await;
    // The same seed at the next start undoes nothing.
    setting.put(GivenBy::Seed, spec.clone()).await;
    let after = setting.accounts.find(&letters()).expect("there");
    assert_eq!(format!("{before:?}"), format!("{after:?}"));
    assert_eq!(after.password.expose(), new);
    assert_eq!(after.wrong_passwords, 1);
    assert_eq!(after.former.len(), 1);

    // Another seed holds again.
    let mut other = seed("kovuta-bimeso-raluni-third");
    other["state"] = "active".into();
    let after = setting.put(GivenBy::Seed, other).await;
    assert_eq!(after.password.expose(), "kovuta-bimeso-raluni-third");
    assert_eq!(after.state, AccountState::Active);
    assert_eq!(after.former.len(), 2);
    assert_eq!(after.quota_mb, Some(7));
}

/// A day's use keeps a protocol on; the interval without one switches it off,
/// also over a restart, until it is enabled again.
#[tokio::test]
async fn a_protocol_that_nobody_uses_is_switched_off() {
    use Entrance::{Disused, Off, Open};
    let mut setting = Setting::new("2022-03-01", None).await;
    setting.put(GivenBy::Seed, seed("right")).await;
    let enable = |protocols: &[Protocol]| Change::Protocols(protocols.to_vec());
    for (days, act, protocol, expected) in [
        (0, None, Protocol::Smtp, Open),
        (29, None, Protocol::Smtp, Open),
        (29, None, Protocol::Smtp, Open),
        // IMAP was never used.
        (0, None, Protocol::Imap, Disused),
        (0, None, Protocol::Imap, Off),
        (
            0,
            Some(enable(&[Protocol::Smtp, Protocol::Imap])),
            Protocol::Imap,
            Open,
        ),
        (29, None, Protocol::Imap, Open),
        (1, None, Protocol::Smtp, Disused),
    ] {
        setting.clock.advance(DAY * days);
        setting = setting.reopen().await;
        setting.accounts.rules = Arc::new(SignInRules {
            disuse_days: Some(30),
            ..SignInRules::clone(&setting.accounts.rules)
        });
        if let Some(change) = act {
            setting.act(change).await;
        }
        let account = setting.accounts.find(&letters()).expect("the account");
        let entrance = setting.accounts.enter(&account, protocol).await;
        assert_eq!(entrance, expected, "{days} {protocol:?}");
    }
}
