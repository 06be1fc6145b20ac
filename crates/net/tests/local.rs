//! Lines over a socket file, and what may lie in its place.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mailward_mail::Clock;
use mailward_net::local::{LocalError, LocalListener, QUESTION_OCTETS_MAX, call};
use mailward_net::{SystemClock, Tasks};
use mailward_testkit::{PATIENCE, SimulatedClock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

const NAME: &str = "operator.sock";

/// Answers every question with itself in capitals.
async fn serve(dir: &Path, clock: Arc<dyn Clock>) -> Tasks {
    let listener = LocalListener::bind(dir, NAME).expect("bound");
    let tasks = Tasks::new();
    let shutdown = tasks.shutdown().clone();
    let capitals = |question: String| async move { question.to_uppercase() };
    tasks.spawn("local", listener.serve(clock, shutdown, capitals));
    tasks
}

async fn ask(dir: &Path, question: &str) -> Result<String, LocalError> {
    call(dir, NAME, question, &SystemClock).await
}

async fn stop(tasks: Tasks) {
    let clock = SystemClock;
    tasks.drain(&clock, clock.now().plus(PATIENCE)).await;
}

#[tokio::test]
async fn asks_and_answers_for_the_owner_only_until_it_stops() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    assert!(matches!(
        ask(dir, "hello").await,
        Err(LocalError::NobodyThere { .. })
    ));
    let tasks = serve(dir, Arc::new(SystemClock)).await;
    let mode = std::fs::metadata(dir.join(NAME))
        .expect("there")
        .permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    for question in ["hello", "", "a \"line\" with = everything"] {
        let answer = ask(dir, question).await.expect("an answer");
        assert_eq!(answer, question.to_uppercase());
    }
    let long = "x".repeat(QUESTION_OCTETS_MAX);
    assert_eq!(ask(dir, &long).await.expect("an answer").len(), long.len());
    assert!(matches!(
        LocalListener::bind(dir, NAME),
        Err(LocalError::InUse { .. })
    ));
    stop(tasks).await;
    assert!(!dir.join(NAME).exists());
}

#[tokio::test]
async fn replaces_what_a_killed_process_left_and_nothing_else() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    // The listener goes without removing its file, as in a kill.
    drop(std::os::unix::net::UnixListener::bind(dir.join(NAME)).expect("bound"));
    assert!(matches!(
        ask(dir, "hello").await,
        Err(LocalError::NobodyThere { .. })
    ));
    let tasks = serve(dir, Arc::new(SystemClock)).await;
    assert_eq!(ask(dir, "hello").await.expect("an answer"), "HELLO");
    stop(tasks).await;
    std::fs::write(dir.join(NAME), "precious").expect("written");
    assert!(matches!(
        LocalListener::bind(dir, NAME),
        Err(LocalError::NoSocket { .. })
    ));
    assert_eq!(
        std::fs::read(dir.join(NAME)).expect("still there"),
        b"precious"
    );
}

#[tokio::test]
async fn a_path_longer_than_a_socket_address_works() {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path().join("d".repeat(100)).join("e".repeat(100));
    std::fs::create_dir_all(&dir).expect("made");
    let tasks = serve(&dir, Arc::new(SystemClock)).await;
    assert_eq!(ask(&dir, "hello").await.expect("an answer"), "HELLO");
    assert!(dir.join(NAME).exists());
    stop(tasks).await;
}

#[tokio::test]
async fn closes_on_lines_without_end_and_on_silence() {
    let dir = tempfile::tempdir().expect("a folder");
    let clock = SimulatedClock::default();
    let tasks = serve(dir.path(), Arc::new(clock.clone())).await;
    let connect = || UnixStream::connect(dir.path().join(NAME));

    let mut endless = connect().await.expect("connected");
    let line = vec![b'x'; QUESTION_OCTETS_MAX + 1];
    // It may close before all of it is taken.
    let _ = endless.write_all(&line).await;
    let mut answer = Vec::new();
    let _ = endless.read_to_end(&mut answer).await;
    assert_eq!(answer, b"");

    let mut silent = connect().await.expect("connected");
    silent.write_all(b"one\ntwo").await.expect("written");
    let mut answer = [0; 4];
    silent.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(&answer, b"ONE\n");
    clock.run_for(Duration::from_secs(61)).await;
    assert_eq!(silent.read(&mut answer).await.expect("closed"), 0);
    stop(tasks).await;
}
