//! The API as its clients see it, served over a socket.

use std::process::Command;
use std::sync::Arc;

use axum::middleware;
use mailward_mail::Clock;
use mailward_mailbox::{Mailboxes, MemoryLimit, NewMailbox};
use mailward_net::http::{HttpServer, Limits};
use mailward_net::{Listener, SeededDice, ShiftedClock, SystemClock, Tasks};
use mailward_policy::password::CommonPasswords;

use super::{Api, Guard, Index, pages};
use crate::accounts::{Accounts, GivenBy, SignInRules};
use crate::asof::{AsOf, BehaviourDay};
use crate::common::Common;
use crate::deliver::OUTSIDE;
use crate::events::EventLog;
use crate::faults::Faults;
use crate::seed::{AccountSpec, SignInSpec};
use crate::sessions::Sessions;
use crate::shelf::Shelf;

/// Serves the API over empty mailboxes; gives its address.
async fn serve(tasks: &Tasks) -> String {
    let clock: Arc<dyn Clock> = Arc::new(ShiftedClock::new(Arc::new(SystemClock)));
    let dice = Arc::new(SeededDice::new(7));
    let mailboxes = Mailboxes::in_memory(MemoryLimit::new(1 << 30), Arc::clone(&clock));
    let day = BehaviourDay::new(AsOf::GUIDE, Arc::clone(&clock));
    let rules = SignInRules::new(&SignInSpec::default(), day, Arc::new(CommonPasswords));
    let accounts = Accounts::open(Shelf::default(), Arc::clone(&clock), rules)
        .await
        .expect("accounts");
    let spec: AccountSpec =
        serde_json::from_str(r#"{"address": "asha@northmoor.example"}"#).expect("a specification");
    let put = accounts.put(vec![spec], GivenBy::Seed, &*dice).await;
    put.expect("an account");
    let owners = ["asha@northmoor.example", OUTSIDE];
    let mailbox = |owner: &str| NewMailbox {
        owner: owner.to_owned(),
        quota_octets: None,
        folders: Vec::new(),
    };
    let made = mailboxes.create(owners.map(mailbox).to_vec()).await;
    made.expect("mailboxes");
    let listener = Listener::bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let address = listener.address().to_string();
    let events = EventLog::new(Arc::clone(&clock));
    let faults = Faults::new(events.clone(), Arc::clone(&clock), dice.clone());
    let api = Api {
        traces: Default::default(),
        index: Arc::new(Index::new(mailboxes)),
        accounts,
        events,
        sessions: Sessions::new(Arc::clone(&clock), faults, Common::new(usize::MAX)),
        clock: Arc::clone(&clock),
        dice,
    };
    let server = HttpServer {
        listener,
        tls: None,
        router: pages(api, "").layer(middleware::from_fn_with_state(Guard::Loopback, Guard::pass)),
        limits: Limits::default(),
        clock,
    };
    tasks.spawn("test api", server.serve(tasks.shutdown().clone()));
    address
}

/// Python's own HTTP client, in the shapes that Mailpit's clients count on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_shows_searches_waits_and_deletes() {
    let tasks = Tasks::new();
    let address = serve(&tasks).await;
    let ran = tokio::task::spawn_blocking(move || {
        Command::new("python3")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/src/api/tests.py"))
            .arg(address)
            .output()
            .expect("python3 runs: install the Debian package python3")
    });
    let output = ran.await.expect("ran");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(output.stdout, b"done\n");
}
