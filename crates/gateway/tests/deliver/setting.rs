//! A gateway over a folder, whose clock a test moves.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mailward_gateway::config::Config;
use mailward_gateway::deliver::Alarms;
use mailward_gateway::workers::Workers;
use mailward_gateway::{Gateway, GatewayOptions, Keystore};
use mailward_mail::{
    Address, Clock as _, Envelope, ForwardPath, MessageId, Recipient, ReversePath, Secret,
};
use mailward_net::{SeededDice, SystemClock, SystemResolver, Tasks};
use mailward_queue::{Lane, NewMessage, Pause};
use mailward_testkit::{SimulatedClock, TestTls};
use tempfile::TempDir;

use crate::far::Far;

pub(crate) const LETTERS: &str = "letters@northmoor.example";
pub(crate) const ALERTS: &str = "alerts@northmoor.example";

/// The folder, the far ends and the clock, which outlive a gateway.
pub(crate) struct Setting {
    pub(crate) dir: TempDir,
    pub(crate) tls: TestTls,
    pub(crate) far: Far,
    /// Lines of the route nhsmail, and tables beside it.
    pub(crate) of_nhsmail: String,
    pub(crate) more: String,
    pub(crate) clock: SimulatedClock,
}

/// A gateway that runs.
pub(crate) struct Running {
    pub(crate) gateway: Gateway,
    pub(crate) alarms: Alarms,
    tasks: Tasks,
    clock: SimulatedClock,
}

impl Setting {
    pub(crate) fn new() -> Self {
        let tls = TestTls::new();
        let setting = Self {
            dir: tempfile::tempdir().unwrap(),
            far: Far::start(&tls),
            tls,
            of_nhsmail: String::new(),
            more: String::new(),
            clock: SimulatedClock::default(),
        };
        setting.set_password("letters", "a password of some length");
        setting.set_password("alerts", "another one of some length");
        setting
    }

    fn keystore(&self) -> PathBuf {
        self.dir.path().join("secrets")
    }

    /// Sets the password of an account, as `mailward secrets set` does.
    pub(crate) fn set_password(&self, name: &str, password: &str) {
        let key = self.dir.path().join("key");
        if !key.exists() {
            std::fs::write(&key, "07".repeat(32)).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(&key, mode).unwrap();
        }
        let opener = mailward_gateway::keystore::Opener::fetch(
            &mailward_gateway::config::KeystoreOpener::KeyFile(key),
            None,
        )
        .unwrap();
        let dice = SeededDice::new(5);
        let keystore = match self.keystore().exists() {
            true => Keystore::open(&self.keystore(), opener).unwrap(),
            false => Keystore::create(&self.keystore(), opener, &dice).unwrap(),
        };
        let now = self.clock.now();
        keystore
            .set(name, &Secret::new(password), now, &dice)
            .unwrap();
    }

    fn config(&self, ca_file: &Path) -> Config {
        let route = |name: &str, kind: &str| {
            format!(
                "[[route]]\nname = \"{name}\"\nkind = \"{kind}\"\nserver = \"localhost\"\n\
                 port = {}\nca_file = \"{}\"\nmechanism = \"login\"\nconnections_max = 3\n",
                self.far.port,
                ca_file.display()
            )
        };
        let account = |address: &str, name: &str| {
            format!(
                "[[account]]\naddress = \"{address}\"\nroute = \"nhsmail\"\n\
                 secret = \"keystore:{name}\"\n"
            )
        };
        let text = [
            "[gateway]\nhostname = \"gateway.northmoor.example\"\ndir = \"store\"\n\
             [keystore]\nfile = \"secrets\"\nkey = \"file:key\"\n"
                .to_owned(),
            route("nhsmail", "submission"),
            self.of_nhsmail.clone(),
            route("bulk", "high_sending"),
            account(LETTERS, "letters"),
            account(ALERTS, "alerts"),
            self.more.clone(),
        ];
        Config::parse(&text.concat(), &self.dir.path().join("gateway.toml"))
            .unwrap_or_else(|errors| panic!("{errors}"))
    }

    pub(crate) async fn start(&self) -> Running {
        self.start_trusting(self.tls.ca_file()).await
    }

    pub(crate) async fn start_trusting(&self, ca_file: &Path) -> Running {
        let tasks = Tasks::new();
        let options = GatewayOptions::new(
            self.config(ca_file),
            self.clock.shared(),
            Arc::new(SeededDice::new(7)),
            Arc::new(SystemResolver::default()),
            tasks.clone(),
        );
        let gateway = Gateway::open(options).await.unwrap();
        let workers = Workers::prepare(&gateway).unwrap();
        let alarms = workers.alarms().clone();
        workers.start(&gateway);
        Running {
            gateway,
            alarms,
            tasks,
            clock: self.clock.clone(),
        }
    }
}

impl Running {
    /// A message of the account on a route, to one recipient.
    pub(crate) async fn send(&self, account: &str, route: &str, to: &str) -> MessageId {
        self.send_as(account, route, to, "OFFICIAL", None).await
    }

    /// The same of a class of data, in a sequence.
    pub(crate) async fn send_as(
        &self,
        account: &str,
        route: &str,
        to: &str,
        data_class: &str,
        sequence: Option<&str>,
    ) -> MessageId {
        let queue = &self.gateway.queue;
        let mut envelope = Envelope::new(ReversePath::Address(Address::parse(account).unwrap()));
        let to = Address::parse(to).unwrap();
        envelope.recipients = vec![Recipient::new(ForwardPath(to))];
        let id = queue.new_id();
        let new = NewMessage {
            data_class: data_class.to_owned(),
            sequence_key: sequence.map(str::to_owned),
            ..NewMessage::new(id, "letters", Lane::new(route, account), envelope)
        };
        let mut body = queue.new_body();
        body.write(b"Subject: Letter\r\n\r\nBody.\r\n").unwrap();
        queue.accept(new, body.finish().unwrap()).await.unwrap().id
    }

    pub(crate) async fn state(&self, id: MessageId) -> String {
        let view = self.gateway.queue.show(id).await.unwrap().unwrap();
        let states: Vec<String> = view
            .recipients
            .iter()
            .map(|one| one.state.to_string())
            .collect();
        states.join(" ")
    }

    /// Waits until the message is in that state.
    pub(crate) async fn reaches(&self, id: MessageId, state: &str) {
        for _ in 0..TURNS_MAX {
            if self.state(id).await == state {
                return;
            }
            self.turn().await;
        }
        let view = self.gateway.queue.show(id).await.unwrap();
        panic!("{id} never became {state}: {view:#?}");
    }

    /// Waits until a pause stands, or none.
    pub(crate) async fn paused(&self, count: usize) -> Vec<Pause> {
        for _ in 0..TURNS_MAX {
            let pauses = self.gateway.queue.pauses().await.unwrap();
            if pauses.len() == count {
                return pauses;
            }
            self.turn().await;
        }
        panic!(
            "never {count} pauses: {:#?}",
            self.gateway.queue.pauses().await.unwrap()
        );
    }

    /// Waits until something holds.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        for _ in 0..TURNS_MAX {
            if holds() {
                return;
            }
            self.turn().await;
        }
        panic!("{what} never came to pass");
    }

    /// Lets whatever has begun go on for a while.
    pub(crate) async fn settle(&self) {
        for _ in 0..SETTLING_TURNS {
            self.turn().await;
        }
    }

    /// A moment passes, on both clocks.
    async fn turn(&self) {
        SystemClock.wait(TURN).await;
        self.clock.advance(TURN);
    }

    pub(crate) async fn pass(&self, duration: Duration) {
        self.clock.advance(duration);
        self.settle().await;
    }

    pub(crate) async fn why(&self, id: MessageId) -> (String, Option<mailward_mail::Timestamp>) {
        let limits = |lane: &Lane| {
            mailward_queue::Budget::of_lane(lane, mailward_queue::LaneLimits::per_minute(3, 30))
        };
        let explained = self.gateway.queue.explain(id, limits).await.unwrap();
        (explained[0].sentence.clone(), explained[0].until)
    }

    pub(crate) fn alarm(&self, kind: &str) -> Option<String> {
        let standing = self.alarms.standing();
        let found = standing.iter().find(|alarm| alarm.kind == kind);
        found.map(|alarm| alarm.text.clone())
    }

    pub(crate) async fn stop(self) {
        self.tasks.shutdown().begin();
        let deadline = SystemClock.now().plus(Duration::from_secs(30));
        self.tasks.drain(&SystemClock, deadline).await;
        self.gateway.queue.clone().close().await;
    }
}

const TURN: Duration = Duration::from_millis(5);
/// Ten seconds, for a slow machine; a test that passes never waits so long.
const TURNS_MAX: usize = 6_000;
const SETTLING_TURNS: usize = 20;
