//! A small queue that stands still: three messages of the rota application.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mailward_gateway::SCHEMA;
use mailward_gateway::config::{Account, Config, Mechanism, Route, Timeouts};
use mailward_gateway::deliver::{Budgets, SendingLimits};
use mailward_mail::{
    Address, Clock, Envelope, ForwardPath, MessageId, Recipient, Reply, ReversePath,
};
use mailward_net::SeededDice;
use mailward_policy::{AccountKind, MailService, RouteKind};
use mailward_queue::{
    Actor, AttemptEnd, AttemptResult, Gates, Hold, HoldReason, Lane, NewMessage, Queue,
    RecipientResult, Repair, RerouteJudge, RouteName, Stage, Terms,
};
use mailward_store::{Options, Store};
use mailward_testkit::SimulatedClock;

use super::Known;

pub(crate) const ROTA: &str = "rota@northmoor.example";

pub(crate) struct Fixture {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) queue: Queue,
    pub(crate) clock: SimulatedClock,
    /// Relayed to ward1, deferred for ward2.
    pub(crate) tried: MessageId,
    /// A rule asks for approval.
    pub(crate) held: MessageId,
    /// Not tried yet.
    pub(crate) fresh: MessageId,
}

impl Fixture {
    /// In the folder `gateway` of `dir`, as `up` keeps it.
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let clock = SimulatedClock::default();
        let queue = open(&dir.path().join("gateway"), &clock);
        let tried = accept(
            &queue,
            &clock,
            message(&queue, "=?utf-8?q?Rota_f=C3=BCr_May?=", &["ward1", "ward2"]),
        )
        .await;
        attempt(&queue, &clock, tried).await;
        let hold = Hold {
            reason: HoldReason::Approval,
            by: Actor::new("check"),
            why: "Display names have a form (GUIDE-13): none. Give one. Rule: display-name-form."
                .to_owned(),
        };
        let repair = Repair {
            rule: "date-present".to_owned(),
            change: "Date added".to_owned(),
        };
        let held = NewMessage {
            hold: Some(hold),
            repairs: vec![repair],
            ..message(&queue, "For approval", &["ward3"])
        };
        let held = accept(&queue, &clock, held).await;
        let fresh = accept(&queue, &clock, message(&queue, "Fresh", &["ward4"])).await;
        Self {
            dir,
            queue,
            clock,
            tried,
            held,
            fresh,
        }
    }

    pub(crate) fn sending_limits(&self) -> SendingLimits {
        SendingLimits::new(self.queue.clone(), Budgets::of(&self.config()))
    }

    pub(crate) fn known(&self) -> Known {
        Known {
            sending_limits: self.sending_limits(),
            judge: RerouteJudge::none(),
            register: None,
        }
    }

    pub(crate) fn store_dir(&self) -> PathBuf {
        self.dir.path().join("gateway")
    }

    /// With the rota's account and route.
    pub(crate) fn config(&self) -> Config {
        let mut config = Config::new("mail.northmoor.example", self.store_dir());
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
            recipients_max: None,
            dcb1596: true,
            service: MailService::Nhsmail,
            on_premise: false,
            twin: true,
            retirements: Vec::new(),
            sent_items: None,
            timeouts: Timeouts::default(),
        });
        config.accounts.push(Account {
            address: address(ROTA),
            kind: AccountKind::Application,
            display_name: None,
            route: RouteName::new("submission"),
            repair_display_name: false,
            secret: None,
            password_changed: None,
        });
        config
    }
}

pub(crate) fn open(dir: &Path, clock: &SimulatedClock) -> Queue {
    let store = Store::open(Options::new(dir, SCHEMA)).expect("a store");
    let dice = Arc::new(SeededDice::new(1));
    Queue::over(
        store,
        clock.shared(),
        dice,
        Terms::default(),
        Gates::default(),
    )
}

fn message(queue: &Queue, subject: &str, wards: &[&str]) -> NewMessage {
    let id = queue.new_id();
    let mut envelope = Envelope::new(ReversePath::Address(address(ROTA)));
    envelope.recipients = wards
        .iter()
        .map(|ward| Recipient::new(ForwardPath(address(&format!("{ward}@northmoor.example")))))
        .collect();
    NewMessage {
        message_id: Some(format!("<{id}@northmoor.example>")),
        subject: Some(subject.to_owned()),
        data_class: "OFFICIAL".to_owned(),
        ..NewMessage::new(id, "rota", Lane::new("submission", ROTA), envelope)
    }
}

async fn accept(queue: &Queue, clock: &SimulatedClock, new: NewMessage) -> MessageId {
    clock.advance(Duration::from_secs(1));
    let mut body = queue.new_body();
    let text = format!(
        "Received: from ward ([192.0.2.7])\r\n\tby mail.northmoor.example (Mailward) with ESMTPSA\r\n\
         From: =?utf-8?q?K=C3=A4the?= <{ROTA}>\r\nSubject: x\r\n\r\nSee you.\r\n"
    );
    body.write(text.as_bytes()).expect("room");
    let body = body.finish().expect("a body");
    queue.accept(new, body).await.expect("accepted").id
}

/// One attempt: the first recipient is relayed, the second deferred.
async fn attempt(queue: &Queue, clock: &SimulatedClock, id: MessageId) {
    let lane = Lane::new("submission", ROTA);
    let attempt = queue
        .begin_attempt(id, &[1, 2], &lane)
        .await
        .expect("begun");
    queue
        .record_final_dot(&attempt, Vec::new())
        .await
        .expect("the dot");
    clock.advance(Duration::from_secs(1));
    let relayed = AttemptResult::Relayed {
        reply: Reply::status(250, 0, 0, "OK, queued"),
        notify_passed_on: true,
    };
    let deferred = AttemptResult::Deferred {
        reply: Reply::status(432, 3, 2, "Concurrent connections limit exceeded."),
        until: Some(clock.now().plus(Duration::from_secs(3600))),
    };
    let results = [(1, relayed), (2, deferred)]
        .into_iter()
        .map(|(n, result)| RecipientResult { n, result })
        .collect();
    let end = AttemptEnd {
        tls: Some("TLSv1.3 TLS13_AES_256_GCM_SHA384".to_owned()),
        reply: Some(Reply::status(250, 0, 0, "OK, queued")),
        ..AttemptEnd::at(Stage::FinalDot)
    };
    let finished = queue.finish_attempt(attempt, end, results).await;
    assert_eq!(finished.expect("the end").in_doubt, Vec::<u32>::new());
}

fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}
