//! A gateway that takes mail and sends none.

use std::sync::Arc;

use mailward_gateway::config::{
    Account, Application, Config, IntakeKey, IntakePassword, KeyKind, Listen, Mechanism,
    References, Route, Timeouts,
};
use mailward_gateway::register::{KeyHash, PasswordHash};
use mailward_gateway::{Addresses, Gateway, GatewayOptions, Secrets};
use mailward_mail::{Address, MessageId, Secret};
use mailward_net::{StaticResolver, SystemDice, Tasks};
use mailward_policy::{AccountKind, ApplicationState, MailService, RouteKind};
use mailward_queue::{AccountName, ApplicationName, Filter, MessageView, RouteName};
use mailward_store::{Disk, SystemDisk};
use mailward_testkit::ports::ANY;
use mailward_testkit::{SimulatedClock, TestTls};
use tempfile::TempDir;

pub(crate) const ACCOUNT: &str = "letters@northmoor.example";
pub(crate) const MADE_PASSWORD: &str = "made-with-much-chance-0123456789";
pub(crate) const CHOSEN_PASSWORD: &str = "correct horse";
pub(crate) const API_KEY: &str = "mw_live_of_the_letters";
pub(crate) const OTHER_KEY: &str = "mw_live_of_the_alerts";
pub(crate) const TEST_KEY: &str = "mw_test_of_the_letters";

pub(crate) struct World {
    pub(crate) gateway: Gateway,
    pub(crate) addresses: Addresses,
    pub(crate) tls: TestTls,
    pub(crate) clock: SimulatedClock,
    pub(crate) folder: TempDir,
}

pub(crate) fn application(name: &str) -> Application {
    let account = format!("{name}@northmoor.example");
    Application {
        owner: "Outpatients".to_owned(),
        purpose: "Tests".to_owned(),
        references: References {
            application_documentation: Some("DOC-1".to_owned()),
            architecture_documentation: Some("ARC-1".to_owned()),
            architecture_approval: Some("APP-1".to_owned()),
            ..References::default()
        },
        state: ApplicationState::Live,
        ..Application::draft(
            ApplicationName::new(name),
            AccountName::new(account),
            RouteName::new("submission"),
        )
    }
}

fn password(username: &str, hash: PasswordHash) -> IntakePassword {
    IntakePassword {
        username: username.to_owned(),
        kind: KeyKind::Live,
        hash: hash.to_text(),
    }
}

fn key(kind: KeyKind, key: &str) -> IntakeKey {
    IntakeKey {
        kind,
        hash: KeyHash::of(key).to_text(),
    }
}

pub(crate) fn config(folder: &TempDir) -> Config {
    let mut config = Config::new("gateway.northmoor.example", folder.path().join("data"));
    config.listen = Listen {
        submission: Some(ANY),
        submissions: Some(ANY),
        https: None,
    };
    config.routes.push(Route {
        name: RouteName::new("submission"),
        kind: RouteKind::Submission,
        server: "smtp.northmoor.example".to_owned(),
        port: 587,
        ca_file: None,
        mechanism: Mechanism::Login,
        fail_over: Default::default(),
        source_address: None,
        connections_max: 3,
        messages_per_minute: Some(30),
        recipients_max: Some(3),
        dcb1596: true,
        service: MailService::Nhsmail,
        on_premise: false,
        twin: false,
        retirements: Vec::new(),
        sent_items: None,
        timeouts: Timeouts::default(),
    });
    for name in ["letters", "alerts", "draft", "rota", "spare"] {
        let address = format!("{name}@northmoor.example");
        config.accounts.push(Account {
            address: Address::parse(&address).expect("an address"),
            kind: AccountKind::Application,
            display_name: Some("Letters, Clinic (NORTHMOOR TRUST)".to_owned()),
            route: RouteName::new("submission"),
            repair_display_name: false,
            secret: None,
            password_changed: None,
        });
    }
    let chosen = PasswordHash::of_chosen(&Secret::new(CHOSEN_PASSWORD), &SystemDice);
    let mut letters = application("letters");
    letters.passwords = vec![
        password("letters", PasswordHash::Fast(KeyHash::of(MADE_PASSWORD))),
        password("letters-chosen", chosen.expect("a hash")),
    ];
    letters.api_keys = vec![key(KeyKind::Live, API_KEY), key(KeyKind::Test, TEST_KEY)];
    let mut alerts = application("alerts");
    alerts.api_keys = vec![key(KeyKind::Live, OTHER_KEY)];
    let mut draft = application("draft");
    draft.state = ApplicationState::Draft;
    draft.passwords = vec![password(
        "draft",
        PasswordHash::Fast(KeyHash::of(MADE_PASSWORD)),
    )];
    config.applications = vec![letters, alerts, draft];
    config
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}, Arc::new(SystemDisk)).await
    }

    pub(crate) async fn configured(change: impl FnOnce(&mut Config)) -> Self {
        Self::with(change, Arc::new(SystemDisk)).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config), disk: Arc<dyn Disk>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let tls = TestTls::new();
        let clock = SimulatedClock::default();
        let mut config = config(&folder);
        change(&mut config);
        let mut options = GatewayOptions::new(
            config,
            Arc::new(clock.clone()),
            Arc::new(SystemDice),
            Arc::new(StaticResolver::new()),
            Tasks::new(),
        );
        options.identity = Some(tls.identity().clone());
        options.secrets = Some(Secrets::new(None, None));
        options.disk = disk;
        let gateway = Gateway::open(options).await.expect("opened");
        let addresses = gateway.start(axum::Router::new()).expect("listening");
        Self {
            gateway,
            addresses,
            tls,
            clock,
            folder,
        }
    }

    /// How many messages there are.
    pub(crate) async fn count(&self) -> usize {
        let page = self
            .gateway
            .queue
            .list(&Filter::default(), None, 100)
            .await
            .expect("listed");
        page.items.len()
    }

    pub(crate) async fn show(&self, id: MessageId) -> MessageView {
        self.gateway
            .queue
            .show(id)
            .await
            .expect("read")
            .expect("there")
    }

    /// The message as it would be sent.
    pub(crate) async fn body(&self, id: MessageId) -> String {
        let body = self.show(id).await.body.expect("kept");
        let reader = self
            .gateway
            .queue
            .store()
            .read_body(&body)
            .expect("readable");
        let octets = reader.all(64 * 1024 * 1024).await.expect("read");
        String::from_utf8(octets.to_vec()).expect("text")
    }
}
