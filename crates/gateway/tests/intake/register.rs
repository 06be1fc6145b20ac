//! The register's life: what commands do to it, what they may not, and that it
//! is kept.

use std::sync::Arc;

use mailward_gateway::Register;
use mailward_gateway::config::{Application, KeyKind};
use mailward_gateway::register::{
    Act, Approval, ApprovalKind, Author, Configured, Credentials, DocumentFormat, ImportErrors,
    ImportFormat, RegisterError, exception_of,
};
use mailward_mail::{Clock as _, Timestamp};
use mailward_net::SystemDice;
use mailward_policy::{ApplicationState, ExceptionKind};
use mailward_queue::ApplicationName;

use crate::support::{World, application};

/// A register over the world's store, and who changes it.
struct Desk {
    world: World,
    author: Author,
}

impl Desk {
    async fn new() -> Self {
        let world = World::new().await;
        let author = Author {
            who: "j.sample".to_owned(),
            why: "the project asked".to_owned(),
            at: world.clock.now(),
        };
        Self { world, author }
    }

    fn register(&self) -> &Register {
        &self.world.gateway.register
    }

    /// The same as somebody would find it after a restart.
    async fn again(&self) -> Register {
        let store = self.world.gateway.queue.store().clone();
        let config = Configured::read(&store).await.expect("read");
        let config = Arc::new(config.expect("the gateway noted it"));
        Register::open(config, store).await.expect("opened")
    }

    async fn add(&self, name: &str, more: &[(&str, &str)]) -> Result<(), RegisterError> {
        let account = format!("{name}@northmoor.example");
        let mut fields = texts(&[
            ("owner", "Outpatients"),
            ("purpose", "Tests"),
            ("account", &account),
        ]);
        fields.extend(texts(more));
        let name = ApplicationName::new(name);
        let draft = self.register().draft(&name, &fields)?;
        let made = Credentials::make(name.as_str(), KeyKind::Live, &SystemDice)?;
        self.register().add(draft, Some(&made), &self.author).await
    }

    async fn approve(&self, name: &str, expires: Option<Timestamp>) -> Result<(), RegisterError> {
        let approval = Approval {
            kind: ApprovalKind::Architecture,
            reference: "ARCH-9".to_owned(),
            by: "A. Sample".to_owned(),
            at: self.author.at,
            expires,
        };
        let name = ApplicationName::new(name);
        let approved = self.register().approve(&name, approval, &self.author).await;
        approved.map(drop)
    }

    async fn act(&self, name: &str, act: Act) -> Result<ApplicationState, RegisterError> {
        let name = ApplicationName::new(name);
        self.register().act(&name, act, &self.author).await
    }

    async fn except(&self, name: &str, days: i64) -> Result<(), RegisterError> {
        let expires = Timestamp::from_millis(self.author.at.as_millis() + days * 86_400_000);
        let kind = ExceptionKind::Relay;
        let exception = exception_of(kind, "EX-1".to_owned(), Some(expires), String::new());
        let exception = exception.map_err(RegisterError::Refused)?;
        let name = ApplicationName::new(name);
        self.register()
            .add_exception(&name, exception, &self.author)
            .await
    }

    fn effective(&self, name: &str) -> Application {
        let entry = self.register().entry(&ApplicationName::new(name));
        entry.expect("an entry").application.clone()
    }
}

fn texts(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    fields.iter().map(owned).collect()
}

#[track_caller]
fn says<T: std::fmt::Debug>(result: Result<T, RegisterError>, expected: &str) {
    let said = result.expect_err(expected).to_string();
    assert!(said.contains(expected), "{said}");
}

const PAPERS: &[(&str, &str)] = &[
    ("references.application_documentation", "DOC-7"),
    ("u_architecture_documentation", "ARC-7"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_life_is_kept_with_who_when_and_why() {
    let desk = Desk::new().await;
    desk.add("rota", PAPERS).await.expect("added");
    says(desk.act("rota", Act::GoLive).await, "rota is draft");
    says(desk.act("rota", Act::Suspend).await, "rota is draft");
    let expires = Timestamp::from_millis(desk.author.at.as_millis() + 1_000);
    desk.approve("rota", Some(expires)).await.expect("approved");
    desk.act("rota", Act::GoLive).await.expect("live");
    desk.act("rota", Act::Suspend).await.expect("suspended");
    says(desk.act("rota", Act::GoLive).await, "approved again");
    desk.approve("rota", None).await.expect("approved again");
    assert_eq!(desk.effective("rota").approval_expires, None);
    desk.act("rota", Act::Retire).await.expect("retired");
    says(desk.approve("rota", None).await, "rota is retired");
    says(desk.except("rota", 1).await, "rota is retired");

    let name = ApplicationName::new("rota");
    for register in [desk.register(), &desk.again().await] {
        let found = register.find(&name).expect("there");
        assert_eq!(found.application_facts.state, ApplicationState::Retired);
        let history = register.history(&name).await.expect("history");
        let acts: Vec<Act> = history.iter().map(|event| event.act).collect();
        assert_eq!(
            acts,
            [
                Act::Add,
                Act::Approve,
                Act::GoLive,
                Act::Suspend,
                Act::Approve,
                Act::Retire
            ]
        );
        let signed = |event: &mailward_gateway::register::Event| {
            event.who == "j.sample" && event.why == "the project asked"
        };
        assert!(history.iter().all(signed));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_configured_is_moved_by_command_and_changed_in_its_file() {
    let desk = Desk::new().await;
    desk.act("letters", Act::Suspend).await.expect("suspended");
    desk.except("letters", 7).await.expect("excepted");
    says(desk.except("letters", 9).await, "remove it first");
    let name = ApplicationName::new("letters");
    let change = texts(&[("owner", "Nobody")]);
    says(
        desk.register().change(&name, &change, &desk.author).await,
        "change it there",
    );
    for register in [desk.register(), &desk.again().await] {
        let entry = register.entry(&name).expect("there");
        assert!(entry.overlays() && entry.in_configuration);
        let facts = &register.find(&name).expect("there").application_facts;
        assert_eq!(facts.state, ApplicationState::Suspended);
        assert_eq!(facts.exceptions.len(), 1);
    }
    let remove = desk
        .register()
        .remove_exception(&name, ExceptionKind::Relay, "", &desk.author);
    remove.await.expect("removed");
    assert!(desk.effective("letters").exceptions.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_refused_with_its_clause() {
    let desk = Desk::new().await;
    says(
        desk.add("letters", &[]).await,
        "an application letters already",
    );
    says(
        desk.add("rota", &[("account", "letters@northmoor.example")])
            .await,
        "is application letters's; each application has an account of its own (GUIDE-70)",
    );
    says(
        desk.add("nobody", &[]).await,
        "account nobody@northmoor.example is not configured",
    );
    says(
        desk.add("rota", &[("route", "pigeon")]).await,
        "no route pigeon; there are submission",
    );
    says(
        desk.add("rota", &[("colour", "red")]).await,
        "no field \"colour\"",
    );
    says(
        desk.add("rota", &[("review_date", "soon")]).await,
        "review_date \"soon\" is no day",
    );
    says(
        desk.add("rota", &[("state", "live")]).await,
        "mailward register",
    );
    says(desk.add("a b", &[]).await, "an application's name is");
    desk.add("rota", &[("patient_data", "true")])
        .await
        .expect("added");
    says(desk.approve("rota", None).await, "(ENG-21)");
    says(
        desk.approve("rota", Some(desk.author.at)).await,
        "must end in the future",
    );
    let name = ApplicationName::new("rota");
    let iams = texts(&[("references.iams", "IAMS-1")]);
    desk.register()
        .change(&name, &iams, &desk.author)
        .await
        .expect("changed");
    desk.approve("rota", None).await.expect("approved");
    says(
        desk.act("rota", Act::GoLive).await,
        "ENG-14, ENG-16, DHC-1, DHC-3",
    );
    let papers = texts(PAPERS);
    desk.register()
        .change(&name, &papers, &desk.author)
        .await
        .expect("changed");
    says(desk.act("rota", Act::GoLive).await, "GUIDE-22, GUIDE-101");
    says(desk.except("rota", -1).await, "must end in the future");
    let missing = exception_of(ExceptionKind::Relay, String::new(), None, String::new());
    assert!(missing.expect_err("no reference").contains("DHC-8, DHC-15"));
    says(
        desk.act("ghost", Act::Suspend).await,
        "there is no application ghost",
    );
    // A retired application leaves its account to another.
    desk.act("letters", Act::Retire).await.expect("retired");
    desk.add("spare", &[("account", "letters@northmoor.example")])
        .await
        .expect("the account is free");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_has_one_owner_and_its_successor_counts_at_once() {
    let desk = Desk::new().await;
    desk.add("rota", &[]).await.expect("added");
    let name = ApplicationName::new("rota");
    let taken = Credentials::make("LETTERS", KeyKind::Live, &SystemDice).expect("made");
    let error = desk
        .register()
        .replace_credentials(&name, &taken, &desk.author)
        .await;
    says(
        error,
        "the username \"LETTERS\" is in use by application letters",
    );
    let before = desk.effective("rota");
    let next = Credentials::make("rota", KeyKind::Live, &SystemDice).expect("made");
    let replaced = desk
        .register()
        .replace_credentials(&name, &next, &desk.author);
    replaced.await.expect("replaced");
    let after = desk.effective("rota");
    assert_ne!(before.passwords, after.passwords);
    assert_ne!(before.api_keys, after.api_keys);
    let mut thief = application("spare");
    thief.api_keys = after.api_keys;
    let error = desk.register().add(thief, None, &desk.author).await;
    says(error, "this API key is in use by application rota");
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_go_into_an_empty_register_and_come_out_the_same() {
    let desk = Desk::new().await;
    let more = [
        ("owner_contact", "+44 1632 960001"),
        ("purpose", "=cmd|' /C calc'!A0, \"rota\""),
    ];
    desk.add("rota", &more).await.expect("added");
    desk.approve("rota", None).await.expect("approved");
    desk.except("rota", 30).await.expect("excepted");
    let (json, csv) = (
        desk.register().export_json().expect("JSON"),
        desk.register().export_csv(),
    );
    for text in [&json, &csv] {
        for secret in ["sha256:", "argon2"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    assert!(csv.contains("\"'=cmd|"), "{csv}");
    assert!(
        csv.lines()
            .all(|line| !line.contains(",=") && !line.contains(",+"))
    );
    for (text, format) in [(&json, ImportFormat::Json), (&csv, ImportFormat::Csv)] {
        let register = desk.register();
        let same = register
            .import(text, format, false, &desk.author)
            .await
            .expect("the same");
        assert_eq!(
            (same.unchanged.len(), same.added.len(), same.changed.len()),
            (4, 0, 0)
        );

        let world = World::configured(|config| config.applications.clear()).await;
        let other = &world.gateway.register;
        let checked = other
            .import(text, format, true, &desk.author)
            .await
            .expect("checked");
        assert_eq!((checked.added.len(), other.entries().len()), (4, 0));
        other
            .import(text, format, false, &desk.author)
            .await
            .expect("imported");
        assert_eq!(other.export_json().expect("JSON"), json, "{format:?}");
        assert_eq!(other.export_csv(), csv, "{format:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_all_or_nothing_and_names_row_and_field() {
    let desk = Desk::new().await;
    let good = r#"{"name":"rota","owner":"o","purpose":"p","account":"rota@northmoor.example","references":{"iams":"I-1"}}"#;
    let before = desk.register().entries().len();
    for (bad, expected) in [
        (
            r#"{"name":"spare","owner":"o","purpose":"p","account":"rota@northmoor.example"}"#,
            "row 2, account: account rota@northmoor.example is application rota's",
        ),
        (
            r#"{"name":"spare","owner":"o","purpose":"p","account":"spare@northmoor.example","review_date":"soon"}"#,
            "row 2, review_date: \"soon\" is no day",
        ),
        (
            r#"{"name":"spare","owner":"o","purpose":"p","account":"spare@northmoor.example","colour":"red"}"#,
            "row 2, colour: is no field",
        ),
        (
            r#"{"name":"spare","owner":"o","purpose":"p","account":"spare@northmoor.example","u_state":"live"}"#,
            "row 2, state: live without an approval",
        ),
        (
            r#"{"name":"spare","owner":"o","purpose":"p","account":"spare@northmoor.example","exceptions":[{"kind":"relay"}]}"#,
            "row 2, exceptions: an exception of kind relay needs the reference",
        ),
        (
            r#"{"name":"letters","owner":"o","purpose":"p","account":"letters@northmoor.example"}"#,
            "row 2, owner: application letters stands in the configuration",
        ),
        (
            r#"{"name":"rota","owner":"o","purpose":"p","account":"spare@northmoor.example"}"#,
            "row 2, name: rota stands in row 1",
        ),
        (r#"{"owner":"o"}"#, "row 2, name: an application's name is"),
    ] {
        let text = format!("[{good},{bad}]");
        let error = desk
            .register()
            .import(&text, ImportFormat::Json, false, &desk.author)
            .await;
        let error = error.expect_err(bad);
        assert!(matches!(error, ImportErrors::Rows(_)), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(desk.register().entries().len(), before);
    }
    let text = "name,owned_by,short_description,u_account,u_colour\r\nrota,o,p,rota@northmoor.example,red\r\n";
    let error = desk
        .register()
        .import(text, ImportFormat::Csv, false, &desk.author)
        .await;
    let error = error.expect_err("a colour").to_string();
    assert!(error.contains("row 2, u_colour: is no field"), "{error}");
    let text = format!("[{good}]");
    let done = desk
        .register()
        .import(&text, ImportFormat::Json, false, &desk.author)
        .await;
    assert_eq!(done.expect("imported").added.len(), 1);
    assert_eq!(desk.effective("rota").state, ApplicationState::Draft);
    assert_eq!(
        desk.effective("rota").references.iams.as_deref(),
        Some("I-1")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interface_record_tells_all_and_breaks_out_of_nothing() {
    let desk = Desk::new().await;
    let purpose = "Rota <script>alert(1)</script> | *bold*";
    desk.add("rota", &[("purpose", purpose)])
        .await
        .expect("added");
    desk.approve("rota", None).await.expect("approved");
    desk.except("rota", 30).await.expect("excepted");
    let name = ApplicationName::new("rota");
    for format in [DocumentFormat::Markdown, DocumentFormat::Html] {
        let document = desk
            .register()
            .document(&name, format, desk.author.at)
            .await;
        let document = document.expect("a record");
        for part in [
            "rota@northmoor.example",
            "smtp.northmoor.example:587",
            "TLS 1.2",
            "LOGIN",
            "ARCH-9",
            "EX-1",
            "j.sample",
            "DHC-15",
        ] {
            assert!(document.contains(part), "{part} is not in {document}");
        }
        for bad in ["<script>", "sha256:", "alert(1)</"] {
            assert!(!document.contains(bad), "{bad} is in {document}");
        }
        if format == DocumentFormat::Markdown {
            assert!(document.contains("\\| \\*bold\\*"), "{document}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn applications_of_one_account_know_of_each_other() {
    let world = World::configured(|config| {
        for application in &mut config.applications {
            application.account = mailward_queue::AccountName::new(crate::support::ACCOUNT);
        }
        config.applications[2].state = ApplicationState::Retired;
    })
    .await;
    let sharing = |name: &str| {
        let found = world.gateway.register.find(&ApplicationName::new(name));
        found
            .expect("there")
            .application_facts
            .account_shared_with
            .clone()
    };
    assert_eq!(sharing("letters"), ["alerts"]);
    assert_eq!(sharing("alerts"), ["letters"]);
}
