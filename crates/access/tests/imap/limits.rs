//! Time, size, and clients that mean no good.

use std::time::Duration;

use crate::support::{Bench, profile};

#[tokio::test]
async fn silence_ends_a_session() {
    for (signed_in, patience) in [
        (false, Duration::from_secs(60)),
        (true, Duration::from_secs(30 * 60)),
    ] {
        let bench = Bench::new().await;
        let mut client = if signed_in {
            bench.enter().await
        } else {
            bench.connect().await
        };
        bench.clock.advance(patience - Duration::from_secs(5));
        client.command("a NOOP").await;
        bench.clock.advance(patience + Duration::from_secs(1));
        assert_eq!(
            client.line().await,
            "* BYE Connection is closed, it was idle for too long."
        );
        assert!(client.is_closed().await);
    }
}

#[tokio::test]
async fn who_goes_on_without_signing_in_is_let_go() {
    let bench = Bench::new().await;
    let mut client = bench.connect().await;
    for _ in 0..5 {
        client.command("a NOOP").await;
        bench.clock.advance(Duration::from_secs(55));
    }
    client.command("b NOOP").await;
    bench.clock.advance(Duration::from_secs(26));
    assert_eq!(
        client.line().await,
        "* BYE Connection is closed, it was idle for too long."
    );
    assert!(client.is_closed().await);
}

/// RFC 7888 section 4: nobody reads four gigabytes to say BAD.
#[tokio::test]
async fn what_never_ends_is_not_awaited() {
    let bench = Bench::new().await;
    let bye = "* BYE Command is too long.";
    let mut stranger = bench.connect().await;
    stranger.send("A1 LOGIN {4294967295+}\r\nxxxx").await;
    assert_eq!(stranger.line().await, bye);
    assert!(stranger.is_closed().await);
    let mut stranger = bench.connect().await;
    stranger.send("A1 APPEND INBOX {4294967295+}\r\nxxxx").await;
    assert_eq!(
        stranger.line().await,
        "A1 BAD Command received in invalid state."
    );
    assert_eq!(stranger.line().await, bye);
    assert!(stranger.is_closed().await);
    let mut client = bench.enter().await;
    client.send("a APPEND INBOX {4294967295+}\r\nxxxx").await;
    let refusal = client.line().await;
    assert!(refusal.starts_with("a NO [TOOBIG] "), "{refusal}");
    assert_eq!(client.line().await, bye);
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn shutting_down_says_goodbye() {
    let bench = Bench::new().await;
    let mut waiting = bench.enter().await;
    let mut idling = bench.select(&[]).await;
    idling.send("a IDLE\r\n").await;
    assert_eq!(
        idling.line().await,
        "+ IDLE accepted, awaiting DONE command."
    );
    bench.tasks.shutdown().begin();
    for client in [&mut waiting, &mut idling] {
        assert_eq!(client.line().await, "* BYE Service is shutting down.");
        assert!(client.is_closed().await);
    }
}

#[tokio::test]
async fn nonsense_is_answered_and_in_the_end_too_much() {
    let mut profile = profile();
    profile.limits.errors_max = 5;
    let bench = Bench::with(profile).await;
    let mut client = bench.enter().await;
    let long = "x".repeat(20_000);
    client
        .expect(&format!("a NOOP {long}"), &["a BAD Command is too long."])
        .await;
    client
        .expect(
            &format!("b LOGIN {{20000+}}\r\n{long} y"),
            &["b BAD Command is too long."],
        )
        .await;
    client.expect("c NOOP", &["c OK NOOP completed."]).await;
    for _ in 0..5 {
        client.send("\u{0}\u{1}\r\n").await;
        assert_eq!(client.line().await, "* BAD Unknown command.");
    }
    client.expect("d FOO", &["d BAD Unknown command."]).await;
    assert_eq!(client.line().await, "* BYE Too many invalid commands.");
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn pipelined_commands_are_answered_in_order() {
    let bench = Bench::new().await;
    let mut client = bench.connect().await;
    client
        .send(
            "a LOGIN asha@northmoor.example secret\r\nb SELECT INBOX\r\nc APPEND INBOX {3+}\r\n\
             abc\r\nd FETCH 1 BODY[]\r\ne LOGOUT\r\n",
        )
        .await;
    for tag in ["a", "b", "c", "d", "e"] {
        let lines = client.until(tag).await;
        assert!(
            lines
                .last()
                .expect("a line")
                .starts_with(&format!("{tag} OK ")),
            "{lines:?}"
        );
    }
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_leaves_nothing() {
    let bench = Bench::new().await;
    for start in [
        "a APPEND INBOX {100+}\r\npart of it",
        "a APPEND INBOX {3+}\r\nabc",
        "a SELECT",
        "a IDLE\r\n",
    ] {
        let mut client = bench.enter().await;
        client.send(start).await;
        drop(client);
    }
    let mut client = bench.enter().await;
    client
        .expect(
            "a STATUS INBOX (MESSAGES)",
            &["* STATUS INBOX (MESSAGES 0)", "a OK STATUS completed."],
        )
        .await;
}

/// 20 MB in a part of its own: streamed, its structure found, its pieces
/// fetched, without ever being whole in memory; the pipe is 1,500 octets wide.
#[tokio::test]
async fn a_large_message_streams() {
    let bench = Bench::new().await;
    let mut client = bench.select(&[]).await;
    let line = format!("{}\r\n", "QUJD".repeat(19));
    let lines = 20_000_000 / line.len();
    let head = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee below\r\n--b\r\n\
                Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    let tail = "--b--\r\n";
    let total = head.len() + lines * line.len() + tail.len();
    client
        .send(&format!("a APPEND INBOX {{{total}+}}\r\n{head}"))
        .await;
    for _ in 0..lines {
        client.send(&line).await;
    }
    client.send(&format!("{tail}\r\n")).await;
    let appended = client.until("a").await;
    assert_eq!(appended[0], "* 1 EXISTS");

    let pdf = lines * line.len() - 2;
    let structure = client
        .command("b FETCH 1 (RFC822.SIZE BODYSTRUCTURE)")
        .await;
    assert!(
        structure[0].contains(&format!("RFC822.SIZE {total}")),
        "{structure:?}"
    );
    assert!(
        structure[0].contains(&format!(
            r#"("application" "pdf" NIL NIL NIL "base64" {pdf} NIL"#
        )),
        "{structure:?}"
    );
    client
        .expect(
            "c FETCH 1 BODY.PEEK[1]",
            &[
                "* 1 FETCH (BODY[1] {9}\r\nsee below)",
                "c OK FETCH completed.",
            ],
        )
        .await;
    let near_end = pdf - 4;
    client
        .expect(
            &format!("d FETCH 1 BODY.PEEK[2]<{near_end}.10>"),
            &[
                &format!("* 1 FETCH (BODY[2]<{near_end}> {{4}}\r\nQUJD)"),
                "d OK FETCH completed.",
            ],
        )
        .await;
    client.send("e FETCH 1 BODY[]\r\n").await;
    let announcement = format!("* 1 FETCH (BODY[] {{{total}}}\r\n");
    client.skip(announcement.len() + total).await;
    assert_eq!(client.line().await, r" FLAGS (\Seen \Recent))");
    assert_eq!(client.until("e").await, ["e OK FETCH completed."]);
}
