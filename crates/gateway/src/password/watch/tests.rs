use mailward_mail::Secret;
use mailward_net::SeededDice;
use mailward_store::Options;
use mailward_testkit::SimulatedClock;

use super::*;
use crate::keystore::Keystore;

const CONFIG: &str = r#"[gateway]
hostname = "gateway.northmoor.example"
dir = "data"
[keystore]
file = "k"
passphrase = "env:P"
[[route]]
name = "login"
kind = "submission"
server = "smtp.office365.com"
port = 587
mechanism = "login"
[[route]]
name = "token"
kind = "submission"
server = "smtp.office365.com"
port = 587
mechanism = "xoauth2"
oauth = "nhsmail"
[oauth.nhsmail]
token_url = "https://login.microsoftonline.com/t/oauth2/v2.0/token"
client_id = "c"
client_secret = "keystore:client"
scope = "s"
[[account]]
address = "Kept@northmoor.example"
route = "login"
secret = "keystore:kept"
password_changed = "2020-01-01"
[[account]]
address = "stated@northmoor.example"
route = "login"
secret = "credential:stated"
password_changed = "2025-12-10"
[[account]]
address = "unknown@northmoor.example"
route = "login"
secret = "credential:unknown"
[[account]]
address = "token@northmoor.example"
route = "token"
password_changed = "2020-01-01"
"#;

struct Setting {
    folder: tempfile::TempDir,
    clock: SimulatedClock,
    secrets: Arc<Secrets>,
    watch: Watch,
}

impl Setting {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = SimulatedClock::at("2026-11-01T09:00:00Z");
        let secrets = Arc::new(Secrets::new(Some(Keystore::in_memory()), None));
        let watch = watch(&folder, &clock, &secrets);
        let setting = Self {
            folder,
            clock,
            secrets,
            watch,
        };
        setting.set_password("2025-12-01T12:00:00Z");
        setting
    }

    fn set_password(&self, changed: &str) {
        let secret = Secret::new(changed);
        let keystore = self.secrets.keystore().expect("one in memory");
        keystore
            .set("kept", &secret, moment(changed), &SeededDice::new(1))
            .expect("set");
    }

    async fn look(&self, now: &str) -> Vec<(String, u64)> {
        self.clock.set(moment(now));
        self.watch.look().await.expect("a look")
    }

    fn standing(&self) -> Vec<String> {
        let alarms = self.watch.alarms.standing();
        alarms.into_iter().map(|alarm| alarm.text).collect()
    }

    async fn restart(mut self) -> Self {
        self.watch.store.close().await;
        self.watch = watch(&self.folder, &self.clock, &self.secrets);
        self
    }
}

fn watch(folder: &tempfile::TempDir, clock: &SimulatedClock, secrets: &Arc<Secrets>) -> Watch {
    let config = Config::parse(CONFIG, &folder.path().join("gateway.toml")).expect("sound");
    let schema = crate::SCHEMA;
    let store = Store::open(Options::new(folder.path(), schema)).expect("a store");
    Watch {
        config: Arc::new(config),
        secrets: Arc::clone(secrets),
        store,
        alarms: Alarms::new(
            Default::default(),
            BTreeMap::new(),
            clock.shared(),
            Tasks::new(),
        ),
        clock: clock.shared(),
    }
}

fn moment(text: &str) -> Timestamp {
    Timestamp::parse(text).expect(text)
}

fn told(account: &str, days: u64) -> Vec<(String, u64)> {
    vec![(format!("{account}@northmoor.example"), days)]
}

#[tokio::test]
async fn each_warning_is_told_once() {
    let setting = Setting::new();
    // The keystore's day goes before the configuration's.
    assert_eq!(setting.look("2026-11-13T11:59:59Z").await, []);
    assert_eq!(setting.standing(), Vec::<String>::new());
    for (now, expected) in [
        ("2026-11-13T12:00:00Z", told("kept", 18)),
        ("2026-11-14", vec![]),
        ("2026-11-21T12:00:00Z", told("kept", 10)),
        ("2026-11-22", told("stated", 18)),
        ("2026-11-26T12:00:00Z", told("kept", 5)),
        // Two at once where the clock leaps; the stricter is enough.
        (
            "2026-11-30T12:00:00Z",
            [told("kept", 1), told("stated", 10)].concat(),
        ),
        ("2026-12-01T11:59:59Z", vec![]),
        ("2026-12-01T12:00:00Z", told("kept", 0)),
        ("2026-12-02", vec![]),
    ] {
        assert_eq!(setting.look(now).await, expected, "{now}");
    }
    let standing = setting.standing();
    assert_eq!(standing.len(), 2, "none for tokens: {standing:?}");
    let kept = standing.iter().find(|text| text.contains("Kept@"));
    let kept = kept.expect("the expired one");
    for part in ["has expired, on 2026-12-01", "GUIDE-31", "new-password"] {
        assert!(kept.contains(part), "{kept}");
    }
    // A new password ends it, and begins anew.
    setting.set_password("2026-12-02T08:00:00Z");
    assert_eq!(setting.look("2026-12-02T09:00:00Z").await, []);
    assert_eq!(setting.standing().len(), 1);
    assert_eq!(setting.look("2027-11-14T08:00:00Z").await.len(), 2);
}

#[tokio::test]
async fn a_restart_neither_repeats_nor_misses() {
    let setting = Setting::new();
    assert_eq!(setting.look("2026-11-21T12:00:00Z").await, told("kept", 10));
    let setting = setting.restart().await;
    assert_eq!(setting.look("2026-11-21T13:00:00Z").await, []);
    let standing = setting.standing();
    assert_eq!(standing.len(), 1);
    assert!(standing[0].contains("in 10 days"), "{standing:?}");
    let setting = setting.restart().await;
    assert_eq!(setting.look("2026-11-26T12:00:00Z").await.len(), 2);
    // A clock set back tells nothing again.
    assert_eq!(setting.look("2026-11-21T13:00:00Z").await, []);
}

#[tokio::test]
async fn the_worker_follows_the_clock() {
    let setting = Setting::new();
    let (alarms, clock) = (setting.watch.alarms.clone(), setting.clock.clone());
    let tasks = Tasks::new();
    setting.watch.start(&tasks);
    for (now, count) in [("2026-11-13T12:00:00Z", 1), ("2026-11-22T12:00:00Z", 2)] {
        // Time moves once the worker waits for it.
        clock.until_waiting(1).await;
        clock.set(moment(now));
        while alarms.standing().len() != count {
            tokio::task::yield_now().await;
        }
    }
}
