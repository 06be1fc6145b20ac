//! Tasks: known by name, told to stop, waited for, cut off.

use std::process::Command;
use std::time::Duration;

use mailward_mail::time::Clock;
use mailward_net::tasks::{Drained, Signal, signals};
use mailward_net::{Shutdown, Tasks};
use mailward_testkit::SimulatedClock;

#[tokio::test]
async fn a_drain_waits_for_orderly_ends() {
    let (tasks, clock) = (Tasks::new(), SimulatedClock::default());
    for name in ["one", "two"] {
        let (shutdown, clock) = (tasks.shutdown().clone(), clock.clone());
        tasks.spawn(name, async move {
            shutdown.begun().await;
            clock.wait(Duration::from_secs(1)).await;
        });
    }
    assert_eq!(tasks.count(), 2);
    assert!(!tasks.shutdown().has_begun());
    let deadline = clock.now().plus(Duration::from_secs(5));
    let (drained, ()) = tokio::join!(
        tasks.drain(&clock, deadline),
        clock.run_for(Duration::from_secs(2)),
    );
    assert_eq!(drained, Drained::Clean);
    assert_eq!(tasks.count(), 0);
}

#[tokio::test]
async fn a_drain_cuts_off_the_stubborn_and_names_them() {
    let (tasks, clock) = (Tasks::new(), SimulatedClock::default());
    let shutdown = tasks.shutdown().clone();
    tasks.spawn("orderly", async move { shutdown.begun().await });
    tasks.spawn(format!("stubborn {}", 2), std::future::pending());
    tasks.spawn("stubborn 1", std::future::pending());
    let deadline = clock.now().plus(Duration::from_secs(5));
    let (drained, ()) = tokio::join!(
        tasks.drain(&clock, deadline),
        clock.run_for(Duration::from_secs(5)),
    );
    let names = vec!["stubborn 1".to_owned(), "stubborn 2".to_owned()];
    assert_eq!(drained, Drained::CutOff(names));
    assert_eq!(
        tasks.drain(&clock, clock.now()).await,
        Drained::Clean,
        "they are gone"
    );
}

#[tokio::test]
async fn a_panic_ends_only_its_task() {
    let tasks = Tasks::new();
    let shutdown = Shutdown::new();
    let parts = Tasks::with_shutdown(shutdown.clone());
    tasks.spawn("unlucky", async { panic!("as the test asks") });
    parts.spawn("steady", async move { shutdown.begun().await });
    let clock = SimulatedClock::default();
    assert_eq!(
        tasks.drain(&clock, clock.now()).await,
        Drained::CutOff(vec!["unlucky".to_owned()])
    );
    assert_eq!(parts.count(), 1);
}

#[tokio::test]
async fn the_end_of_a_vital_task_begins_shutdown() {
    for panics in [false, true] {
        let tasks = Tasks::new();
        tasks.spawn_vital("listener", async move {
            assert!(!panics, "as the test asks");
        });
        tasks.shutdown().begun().await;
        assert!(tasks.shutdown().has_begun());
    }
}

#[tokio::test]
async fn signals_are_told_apart() {
    let mut signals = signals().expect("signals can be caught");
    let this = std::process::id().to_string();
    for (name, expected) in [
        ("-TERM", Signal::Terminate),
        ("-INT", Signal::Interrupt),
        ("-HUP", Signal::Reload),
    ] {
        let sent = Command::new("kill").args([name, &this]).status();
        assert!(sent.expect("install kill (procps)").success());
        assert_eq!(signals.next().await, expected);
    }
}
