//! One wrong password costs one attempt.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use mailward_net::Tasks;
use mailward_net::http::{HttpServer, Limits};
use mailward_queue::{AccountName, Actor};
use mailward_testkit::ports;

use crate::far::SIGNED;
use crate::setting::{ALERTS, LETTERS, Setting};

const WRONG: &str =
    "535 5.7.3 Authentication unsuccessful [LO4P123MB0001.GBRP123.PROD.OUTLOOK.COM]";
const TO: &str = "p.shah@northmoor.example";

/// Two lanes of one account, several messages, three connections each, a
/// restart in between.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_wrong_password_costs_one_attempt_over_lanes_and_restarts() {
    let setting = Setting::new();
    setting.far.answer(SIGNED, WRONG);
    let running = setting.start().await;
    let mut sent = Vec::new();
    for route in ["nhsmail", "bulk", "nhsmail", "bulk", "nhsmail", "bulk"] {
        sent.push(running.send(LETTERS, route, TO).await);
    }
    running
        .until("the alarm", || {
            running.alarm("authentication_refused").is_some()
        })
        .await;
    running.pass(Duration::from_secs(3600)).await;
    assert_eq!(setting.far.heard("AUTH"), 1);
    running.stop().await;

    let running = setting.start().await;
    sent.push(running.send(LETTERS, "nhsmail", TO).await);
    running.pass(Duration::from_secs(24 * 3600)).await;
    assert_eq!(setting.far.heard("AUTH"), 1, "nor after a restart");
    assert!(
        running
            .why(sent[6])
            .await
            .0
            .contains("refused the credential")
    );

    // It was right after all: one careful attempt, refused again.
    let account = AccountName::from(LETTERS);
    let by = Actor::new("j.doe");
    let resume = || {
        running
            .gateway
            .queue
            .resume_account(&account, &by, "unlocked by the administrator")
    };
    assert_eq!(resume().await.unwrap().breakers, 1);
    running
        .until("one more attempt", || setting.far.heard("AUTH") == 2)
        .await;
    running.settle().await;
    assert_eq!(setting.far.heard("AUTH"), 2);

    // And again, when the service takes it.
    setting.far.recover();
    assert_eq!(resume().await.unwrap().breakers, 1);
    for id in sent.drain(6..) {
        running.reaches(id, "relayed").await;
    }
    let noted = running.gateway.queue.resumptions(10).await.unwrap();
    assert_eq!(noted.len(), 2);
    assert_eq!(noted[0].by, by);
    assert_eq!(noted[0].why, "unlocked by the administrator");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_secret_takes_effect_while_the_gateway_runs() {
    let setting = Setting::new();
    setting.far.answer(SIGNED, WRONG);
    let running = setting.start().await;
    let id = running.send(LETTERS, "nhsmail", TO).await;
    running
        .until("the refusal", || setting.far.heard(SIGNED) == 1)
        .await;
    running.settle().await;
    assert_eq!(running.state(id).await, "deferred");

    setting.far.recover();
    setting.set_password("letters", "the password as it is now");
    running.pass(Duration::from_secs(6)).await;
    running.reaches(id, "relayed").await;
    let open = running.gateway.queue.open_breakers().await.unwrap();
    assert_eq!(open, [], "the older version's breaker has closed");
    assert_eq!(running.alarm("authentication_refused"), None);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_account_stops_no_other() {
    let setting = Setting::new();
    setting.far.answer(SIGNED, WRONG);
    let running = setting.start().await;
    let waits = running.send(LETTERS, "nhsmail", TO).await;
    running
        .until("the refusal", || setting.far.heard(SIGNED) == 1)
        .await;
    running.settle().await;
    setting.far.recover();
    let goes = running.send(ALERTS, "nhsmail", TO).await;
    running.reaches(goes, "relayed").await;
    assert_eq!(running.state(waits).await, "deferred");
    let view = running.gateway.queue.show(goes).await.unwrap().unwrap();
    let attempt = &view.attempts[0];
    let peer = attempt.peer.clone().unwrap_or_default();
    assert!(peer.starts_with("localhost [127.0.0.1:"), "{peer}");
    assert!(
        attempt
            .tls
            .clone()
            .unwrap_or_default()
            .starts_with("TLSv1.3")
    );
    running.stop().await;
}

/// A token endpoint that grants nothing, and counts who asks.
fn token_endpoint(setting: &Setting, tasks: &Tasks) -> (u16, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let (listener, address) = ports::listener();
    let counted = Arc::clone(&asked);
    let refuse = move || {
        counted.fetch_add(1, Ordering::SeqCst);
        async { (StatusCode::UNAUTHORIZED, r#"{"error":"invalid_client"}"#) }
    };
    let server = HttpServer {
        listener,
        tls: Some(setting.tls.http_server()),
        router: Router::new().route("/token", post(refuse)),
        limits: Limits::default(),
        clock: setting.clock.shared(),
    };
    tasks.spawn("tokens", server.serve(tasks.shutdown().clone()));
    (address.port(), asked)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clients_secret_is_refused_once_for_all_its_accounts() {
    let mut setting = Setting::new();
    let tasks = Tasks::new();
    let (port, asked) = token_endpoint(&setting, &tasks);
    setting.set_password("client", "the secret of a client");
    let ca_file = setting.tls.ca_file().display().to_string();
    setting.more = format!(
        "[oauth.nhsmail]\ntoken_url = \"https://localhost:{port}/token\"\n\
         client_id = \"3f2a\"\nclient_secret = \"keystore:client\"\nscope = \"smtp\"\n\
         ca_file = \"{ca_file}\"\n\
         [[route]]\nname = \"by_token\"\nkind = \"high_sending\"\nserver = \"localhost\"\n\
         port = {}\nca_file = \"{ca_file}\"\nmechanism = \"xoauth2\"\noauth = \"nhsmail\"\n",
        setting.far.port
    );
    let asked = || asked.load(Ordering::SeqCst);
    let running = setting.start().await;
    running.send(LETTERS, "by_token", TO).await;
    running.send(ALERTS, "by_token", TO).await;
    let queue = &running.gateway.queue;
    // Both accounts' breakers and the client's.
    for _ in 0..2_000 {
        if queue.open_breakers().await.unwrap().len() == 3 {
            break;
        }
        running.settle().await;
    }
    assert_eq!(queue.open_breakers().await.unwrap().len(), 3);
    assert_eq!(asked(), 1);
    running.stop().await;

    let running = setting.start().await;
    let queue = &running.gateway.queue;
    running.send(ALERTS, "by_token", TO).await;
    running.pass(Duration::from_secs(3600)).await;
    assert_eq!(asked(), 1, "nor after a restart");
    // A person's word lets it be asked once more.
    let (account, by) = (AccountName::from(ALERTS), Actor::new("j.doe"));
    let resumed = queue.resume_account(&account, &by, "the app is registered");
    assert_eq!(resumed.await.unwrap().breakers, 1);
    running.until("one more question", || asked() == 2).await;
    running.settle().await;
    assert_eq!(asked(), 2);
    // And so does a new secret.
    setting.set_password("client", "the secret as it is now");
    running.pass(Duration::from_secs(6)).await;
    running
        .until("the new one's question", || asked() == 3)
        .await;
    running.settle().await;
    assert_eq!(asked(), 3);
    running.stop().await;
    tasks.shutdown().begin();
}
