//! Alone in its process, since it takes away the process's file handles.

use std::fs::File;
use std::process::Command;

use mailward_testkit::{Lines, ports};
use tokio::io::AsyncWriteExt;

/// Few enough to use up, enough for the runtime.
const HANDLES_MAX: usize = 64;

#[tokio::test]
async fn a_listener_outlives_the_lack_of_file_handles() {
    let (listener, address) = ports::listener();
    let this = std::process::id().to_string();
    let limit = format!("--nofile={HANDLES_MAX}");
    let limited = Command::new("prlimit")
        .args(["--pid", &this, &limit])
        .status();
    assert!(limited.expect("install prlimit (util-linux)").success());

    // The caller's own handle comes first, so only accepting can fail.
    let mut caller = Lines::connect(address).await;
    let mut hoard = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        hoard.push(file);
        assert!(hoard.len() < HANDLES_MAX);
    }
    let accepting = async {
        let mut stream = listener.accept().await;
        stream.write_all(b"220 here\r\n").await.expect("sent");
    };
    let relief = async {
        // Long enough for the first accept to fail.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        drop(hoard);
        caller.expect("220 here").await;
    };
    tokio::join!(accepting, relief);
}
