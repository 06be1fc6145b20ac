//! The server against a scripted client.

use std::time::Duration;

use mailward_mail::time::Clock;
use mailward_net::SystemClock;
use mailward_net::smtp::ConnectionLimits;
use mailward_net::tasks::Drained;
use mailward_testkit::{Lines, PATIENCE, SimulatedClock};
use mailward_wire::smtp::server::Settings;
use tokio::io::AsyncWriteExt;

use crate::taker::{Running, Setup, serve};

/// A listener on which a script need neither start TLS nor sign in.
fn open() -> Settings {
    Settings {
        tls_required: false,
        auth_required: false,
        ..Settings::submission()
    }
}

async fn greeted(server: &Running) -> Lines {
    let mut lines = Lines::connect(server.address).await;
    lines.reply("220").await;
    lines
}

async fn signed_in(server: &Running) -> Lines {
    let mut lines = greeted(server).await;
    lines.command("EHLO client.example", "250").await;
    lines.command("STARTTLS", "220").await;
    lines.start_tls(server.tls.client(), "localhost").await;
    lines.command("EHLO client.example", "250").await;
    lines.command("AUTH PLAIN AHBhdAByaWdodA==", "235").await;
    lines
}

#[tokio::test]
async fn takes_a_message_after_starttls() {
    let server = serve(Setup::default());
    let mut lines = greeted(&server).await;
    lines.command("EHLO client.example", "250").await;
    lines.command("MAIL FROM:<a@b.example>", "530 5.7.0").await;
    lines.command("STARTTLS", "220").await;
    lines.start_tls(server.tls.client(), "localhost").await;
    lines.command("EHLO again.example", "250").await;
    lines
        .command("AUTH PLAIN AHBhdAB3cm9uZw==", "535 5.7.8 No")
        .await;
    lines.command("AUTH PLAIN AHBhdAByaWdodA==", "235").await;
    // All in one segment, as PIPELINING allows.
    lines
        .send_bytes(
            b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<nobody@d.example>\r\nDATA\r\n",
        )
        .await;
    lines.expect("250 2.1.0").await;
    lines.expect("250 2.1.5").await;
    lines.expect("550 5.1.1").await;
    lines.expect("354").await;
    let line = format!("..{}\r\n", "x".repeat(70));
    let body = line.repeat(20_000);
    lines.send_bytes(body.as_bytes()).await;
    lines.command(".", "250 2.6.0 Taken").await;
    lines.command("QUIT", "221").await;
    lines.expect_end().await;

    assert_eq!(
        server.taker.story(),
        [
            "connect 599ED017FB08FC85",
            "hello client.example",
            "TLSv1.3",
            "hello again.example",
            "auth pat",
            "auth pat",
            "from <a@b.example>",
            "start 1",
            "promising",
            "taken 1460000",
        ]
    );
    let expected = line[1..].repeat(20_000);
    assert_eq!(server.taker.bodies(), [expected.into_bytes()]);
}

#[tokio::test]
async fn speaks_tls_at_once_where_told() {
    let server = serve(Setup {
        implicit_tls: true,
        ..Setup::default()
    });
    let mut lines = Lines::connect_tls(server.address, server.tls.client(), "localhost").await;
    lines.reply("220").await;
    let offer = lines.command("EHLO client.example", "250").await;
    assert!(offer.iter().any(|line| line == "250-AUTH PLAIN LOGIN"));
    assert!(!offer.iter().any(|line| line.contains("STARTTLS")));
    lines.command("QUIT", "221").await;
    lines.expect_end().await;
}

#[tokio::test]
async fn what_comes_with_starttls_is_not_answered_after_it() {
    let server = serve(Setup::default());
    let mut lines = greeted(&server).await;
    lines.command("EHLO client.example", "250").await;
    lines
        .send_bytes(b"STARTTLS\r\nEHLO evil.example\r\nNOOP\r\n")
        .await;
    lines.reply("220").await;
    lines.start_tls(server.tls.client(), "localhost").await;
    lines.command("RSET", "250 2.0.0 OK").await;
    lines.command("MAIL FROM:<a@b.example>", "503").await;
    let story = server.taker.story();
    assert!(!story.iter().any(|line| line.contains("evil")), "{story:?}");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_kept() {
    let server = serve(Setup::default());
    let mut lines = signed_in(&server).await;
    lines.command("MAIL FROM:<a@b.example>", "250").await;
    lines.command("RCPT TO:<c@d.example>", "250").await;
    lines.command("DATA", "354").await;
    lines.send("half a message").await;
    drop(lines);
    server.taker.until("aborted Disconnected").await;
    assert!(server.taker.bodies().is_empty());
}

#[tokio::test]
async fn a_refused_body_leaves_the_session_in_step() {
    let server = serve(Setup::default());
    let mut lines = signed_in(&server).await;
    for (body, reply) in [
        ("Subject: full\r\n\r\nNOOP\r\n.\r\n", "452 4.3.1 No room"),
        ("Subject: bare\n.\nQUIT\r\n.\r\n", "550 5.6.0"),
        ("Subject: fine\r\n.\r\n", "250 2.6.0 Taken"),
    ] {
        lines.command("MAIL FROM:<a@b.example>", "250").await;
        lines.command("RCPT TO:<c@d.example>", "250").await;
        lines.command("DATA", "354").await;
        lines.send_bytes(body.as_bytes()).await;
        lines.reply(reply).await;
    }
    let story = server.taker.story();
    assert!(story.contains(&"aborted Refused".to_owned()), "{story:?}");
    assert!(story.contains(&"aborted Unfit".to_owned()), "{story:?}");
    assert_eq!(server.taker.bodies(), [b"Subject: fine\r\n"]);
}

#[tokio::test]
async fn silence_ends_at_the_deadline() {
    let clock = SimulatedClock::default();
    let server = serve(Setup {
        clock: Some(clock.clone()),
        ..Setup::default()
    });
    let mut lines = greeted(&server).await;
    clock.until_waiting(1).await;
    clock.advance(Duration::from_secs(300));
    lines
        .expect("421 4.4.2 mail.example timed out waiting; closing")
        .await;
    lines.expect_end().await;
}

#[tokio::test]
async fn a_handshake_that_does_not_come_has_a_deadline_of_its_own() {
    let clock = SimulatedClock::default();
    let server = serve(Setup {
        clock: Some(clock.clone()),
        ..Setup::default()
    });
    let mut lines = greeted(&server).await;
    lines.command("EHLO client.example", "250").await;
    lines.command("STARTTLS", "220").await;
    clock.until_waiting(1).await;
    let thirty_seconds = clock.now().plus(Duration::from_secs(30));
    assert_eq!(clock.next_due(), Some(thirty_seconds));
    clock.set(thirty_seconds);
    lines.expect_end().await;
}

#[tokio::test]
async fn a_client_that_never_reads_is_dropped() {
    let clock = SimulatedClock::default();
    let server = serve(Setup {
        clock: Some(clock.clone()),
        settings: open(),
        ..Setup::default()
    });
    let lines = greeted(&server).await;
    let mut stream = lines.into_stream();
    let flood = async {
        let help = b"HELP\r\n".repeat(10_000);
        while stream.write_all(&help).await.is_ok() {}
    };
    let late = async {
        // Both sides are stuck once only the time for sending is awaited.
        clock.until_waiting(1).await;
        let mut seen = clock.next_due();
        loop {
            for _ in 0..1000 {
                tokio::task::yield_now().await;
            }
            let due = clock.next_due();
            if due.is_some() && due == seen {
                clock.advance(Duration::from_secs(300));
            }
            seen = due;
        }
    };
    tokio::select! {
        () = flood => {}
        () = late => {}
    }
}

#[tokio::test]
async fn connections_are_limited_per_address() {
    let server = serve(Setup {
        limits: ConnectionLimits {
            total_max: 10,
            per_address_max: 1,
        },
        ..Setup::default()
    });
    let mut first = greeted(&server).await;
    let mut second = Lines::connect(server.address).await;
    second
        .expect("421 4.7.0 mail.example too many connections; try again later")
        .await;
    second.expect_end().await;
    first.command("QUIT", "221").await;
    first.expect_end().await;
    drop(first);
    while server.tasks.count() > 1 {
        tokio::task::yield_now().await;
    }
    greeted(&server).await.command("NOOP", "250").await;
}

#[tokio::test]
async fn shutdown_lets_a_message_finish() {
    let server = serve(Setup {
        is_gated: true,
        ..Setup::default()
    });
    let mut idle = signed_in(&server).await;
    let mut busy = signed_in(&server).await;
    busy.command("MAIL FROM:<a@b.example>", "250").await;
    busy.command("RCPT TO:<c@d.example>", "250").await;
    busy.command("DATA", "354").await;
    busy.send_bytes(b"a\r\n.\r\n").await;
    server.taker.until("promising").await;

    let script = async {
        idle.expect("421 4.3.2 mail.example shutting down; closing")
            .await;
        idle.expect_end().await;
        drop(idle);
        server.taker.gate.add_permits(1);
        busy.expect("250 2.6.0 Taken").await;
        busy.expect("421 4.3.2").await;
        busy.expect_end().await;
        drop(busy);
    };
    let deadline = SystemClock.now().plus(PATIENCE);
    let (drained, ()) = tokio::join!(server.tasks.drain(&SystemClock, deadline), script);
    assert_eq!(drained, Drained::Clean);
    assert_eq!(server.taker.bodies(), [b"a\r\n"]);
}
