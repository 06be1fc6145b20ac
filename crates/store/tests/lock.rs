//! One process a folder.

mod common;

use std::io::Read;
use std::process::{Command, Stdio};

use common::{open, refusal};
use mailward_store::{OpenError, check, export};

#[tokio::test]
async fn a_second_handle_is_refused_until_the_first_is_closed() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    let refused = refusal(dir.path());
    assert!(matches!(refused, OpenError::Locked { .. }), "{refused}");
    let text = refused.to_string();
    assert!(
        text.contains(&format!("process {}", std::process::id())),
        "{text}"
    );
    let target = dir.path().join("rescue");
    assert!(matches!(check(dir.path()), Err(OpenError::Locked { .. })));
    assert!(matches!(
        export(dir.path(), &target),
        Err(OpenError::Locked { .. })
    ));
    store.close().await;
    open(dir.path());
}

/// The lock is flock(2), so util-linux's `flock` is another process's view.
#[tokio::test]
async fn another_process_is_kept_out_and_keeps_us_out() {
    let dir = tempfile::tempdir().expect("a folder");
    let lock = dir.path().join("lock");
    let may_enter = || {
        let try_lock = Command::new("flock")
            .arg("--nonblock")
            .arg(&lock)
            .arg("true")
            .status();
        try_lock.expect("flock from util-linux").success()
    };
    let store = open(dir.path());
    assert!(!may_enter());
    store.close().await;
    assert!(may_enter());

    let mut holder = Command::new("flock")
        .arg(&lock)
        .args(["sh", "-c", "echo held; read end"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("flock from util-linux");
    let mut said = [0; 5];
    let mut output = holder.stdout.take().expect("its output");
    output.read_exact(&mut said).expect("a word");
    assert_eq!(&said, b"held\n");
    assert!(matches!(refusal(dir.path()), OpenError::Locked { .. }));
    drop(holder.stdin.take());
    holder.wait().expect("its end");
    open(dir.path());
}
