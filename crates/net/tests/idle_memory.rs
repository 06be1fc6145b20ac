//! Alone in its process, since it measures the process.

use std::sync::Arc;

use mailward_mail::time::Clock;
use mailward_net::{StaticResolver, Stream, SystemClock, Tasks, connect};
use mailward_testkit::{PATIENCE, TestTls, ports};
use tokio::io::AsyncReadExt;
use tokio::sync::Semaphore;

const CONNECTIONS: usize = 400;

/// Server and client side together, task and timeouts of the caller excluded.
const OCTETS_PER_PAIR_MAX: usize = 48 * 1024;

/// Resident memory of this process, in octets.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux says");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("it is there");
    let kibibytes = line.split_whitespace().nth(1).expect("a number");
    kibibytes.parse::<usize>().expect("a number") * 1024
}

#[tokio::test]
async fn an_idle_connection_is_small() {
    let tls = TestTls::new();
    let (listener, address) = ports::listener();
    let tasks = Tasks::new();
    let (config, idle) = (tls.server(), Arc::new(Semaphore::new(0)));
    let (connections, arrived) = (tasks.clone(), Arc::clone(&idle));
    tasks.spawn("listener", async move {
        loop {
            let (stream, config) = (listener.accept().await, config.clone());
            let arrived = Arc::clone(&arrived);
            connections.spawn("connection", async move {
                let mut stream = stream.upgrade_server(config).await.expect("a handshake");
                arrived.add_permits(1);
                // Waits as a session does for its next command.
                let _ = stream.read(&mut [0; 64]).await;
            });
        }
    });
    let (client_config, deadline) = (tls.client(), SystemClock.now().plus(PATIENCE));
    let names = StaticResolver::new();
    let call = async || -> Stream {
        let stream = connect(
            &names,
            &SystemClock,
            "127.0.0.1",
            address.port(),
            None,
            deadline,
        )
        .await;
        let upgrade = stream
            .expect("it listens")
            .upgrade_client(client_config.clone(), "localhost");
        upgrade.await.expect("a handshake")
    };
    // What the first connections cost once and for all.
    let mut kept = Vec::with_capacity(CONNECTIONS + 20);
    for _ in 0..20 {
        kept.push(call().await);
    }
    let before = resident();
    for _ in 0..CONNECTIONS {
        kept.push(call().await);
    }
    let all = u32::try_from(CONNECTIONS + 20).expect("a small number");
    let _all_arrived = idle.acquire_many(all).await.expect("never closed");
    let each = resident().saturating_sub(before) / CONNECTIONS;
    println!("{each} octets for both ends of an idle TLS connection");
    assert!(each < OCTETS_PER_PAIR_MAX, "{each} octets");
}
