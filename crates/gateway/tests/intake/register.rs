//! The register's rows: kept, read again, and behind the configuration.

use std::sync::Arc;

use mailward_gateway::Register;
use mailward_gateway::config::{IntakeKey, KeyKind};
use mailward_gateway::register::{KeyHash, RegisterError};
use mailward_mail::Clock as _;
use mailward_queue::{AccountName, ApplicationName};

use crate::support::{API_KEY, World, application};

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_kept_and_found_again() {
    let world = World::new().await;
    let register = &world.gateway.register;
    let now = world.clock.now();
    let mut rota = application("rota");
    let hash = KeyHash::of("mw_live_of_the_rota").to_text();
    rota.api_keys = vec![IntakeKey {
        kind: KeyKind::Live,
        hash,
    }];
    register.put(rota.clone(), now).await.expect("put");
    rota.owner = "Nobody".to_owned();
    register.put(rota, now).await.expect("replaced");

    let store = world.gateway.queue.store().clone();
    let again = Register::open(Arc::clone(&world.gateway.config), store)
        .await
        .expect("read");
    for register in [&**register, &again] {
        let found = register.find(&ApplicationName::new("rota")).expect("there");
        assert_eq!(found.application.owner, "Nobody");
        let names: Vec<_> = register
            .list()
            .iter()
            .map(|one| one.application.name.to_string())
            .collect();
        assert_eq!(names, ["alerts", "draft", "letters", "rota"]);
    }
    register
        .remove(&ApplicationName::new("rota"))
        .await
        .expect("removed");
    assert!(register.find(&ApplicationName::new("rota")).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_refused() {
    let world = World::new().await;
    let register = &world.gateway.register;
    let now = world.clock.now();
    let error = register
        .put(application("letters"), now)
        .await
        .expect_err("configured");
    assert!(
        matches!(error, RegisterError::InConfiguration(_)),
        "{error}"
    );
    let mut stray = application("stray");
    stray.account = AccountName::new("nobody@northmoor.example");
    let error = register.put(stray, now).await.expect_err("no account");
    assert!(matches!(error, RegisterError::NoWayOut(_)), "{error}");
    let mut thief = application("thief");
    thief.account = AccountName::new("spare@northmoor.example");
    thief.api_keys = vec![IntakeKey {
        kind: KeyKind::Live,
        hash: KeyHash::of(API_KEY).to_text(),
    }];
    let error = register.put(thief, now).await.expect_err("taken");
    assert!(
        matches!(error, RegisterError::CredentialTaken(_)),
        "{error}"
    );
    let error = register
        .remove(&ApplicationName::new("nobody"))
        .await
        .expect_err("none");
    assert!(
        matches!(error, RegisterError::NoSuchApplication(_)),
        "{error}"
    );
}
