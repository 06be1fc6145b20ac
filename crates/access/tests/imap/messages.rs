//! Messages: appended, flagged, copied, moved, expunged.

use crate::support::{Bench, profile};

/// 2022-03-01T09:00:00Z, when the mailbox was made; INBOX came first.
const INBOX_VALIDITY: u32 = 1_646_125_200;

#[tokio::test]
async fn appends() {
    let bench = Bench::new().await;
    let mut client = bench.select(&[]).await;
    client
        .send("a APPEND INBOX (\\Seen urgent) \"01-Feb-2022 10:00:00 +0100\" {14}\r\n")
        .await;
    assert_eq!(client.line().await, "+ Ready for additional command text.");
    client.send("A: b\r\n\r\n1\r\n2\r\n\r\n").await;
    let appended = format!("a OK [APPENDUID {INBOX_VALIDITY} 1] APPEND completed.");
    assert_eq!(
        client.until("a").await,
        ["* 1 EXISTS", "* 1 RECENT", &appended]
    );
    client
        .expect(
            "b FETCH 1 (UID FLAGS INTERNALDATE RFC822.SIZE BODY[])",
            &[
                "* 1 FETCH (UID 1 FLAGS (\\Seen \\Recent) INTERNALDATE \" 1-Feb-2022 09:00:00 +0000\" \
                 RFC822.SIZE 14 BODY[] {14}\r\nA: b\r\n\r\n1\r\n2\r\n)",
                "b OK FETCH completed.",
            ],
        )
        .await;
    client
        .expect(
            "c APPEND Nowhere {5}",
            &["c NO [TRYCREATE] The folder does not exist."],
        )
        .await;
    client
        .send("d APPEND Drafts {3+}\r\nabc\r\ne NOOP\r\n")
        .await;
    assert!(client.until("d").await[0].starts_with("d OK [APPENDUID "));
    assert_eq!(client.until("e").await, ["e OK NOOP completed."]);
    bench
        .mailboxes
        .set_quota("asha", Some(20))
        .await
        .expect("set");
    client
        .expect(
            "f APPEND INBOX {5}",
            &["f NO [OVERQUOTA] The mailbox is full."],
        )
        .await;
}

#[tokio::test]
async fn too_large_a_message_is_refused_before_or_after_it_comes() {
    let mut small = profile();
    small.limits.append_octets_max = 10;
    let bench = Bench::with(small).await;
    let mut client = bench.enter().await;
    client
        .expect(
            "a APPEND INBOX {11}",
            &["a NO [TOOBIG] The message is too large."],
        )
        .await;
    client
        .expect(
            "b APPEND INBOX {11+}\r\nb NOOP\r\n...",
            &["b NO [TOOBIG] The message is too large."],
        )
        .await;
    client.expect("c NOOP", &["c OK NOOP completed."]).await;
}

#[tokio::test]
async fn flags() {
    let bench = Bench::new().await;
    let mut client = bench.select(&["1", "2", "3"]).await;
    client
        .expect(
            r"a STORE 1:2 +FLAGS (\Flagged \Recent urgent)",
            &[
                r"* 1 FETCH (FLAGS (\Flagged \Recent))",
                r"* 2 FETCH (FLAGS (\Flagged \Recent))",
                "a OK STORE completed.",
            ],
        )
        .await;
    client
        .expect(
            r"b UID STORE 3 +FLAGS.SILENT \Deleted",
            &["b OK STORE completed."],
        )
        .await;
    client
        .expect(
            r"c UID STORE 2,77 FLAGS ($MDNSent \Seen)",
            &[
                r"* 2 FETCH (UID 2 FLAGS (\Seen $MDNSent \Recent))",
                "c OK STORE completed.",
            ],
        )
        .await;
    client
        .expect(
            r"d STORE 1 -FLAGS (\Flagged)",
            &[r"* 1 FETCH (FLAGS (\Recent))", "d OK STORE completed."],
        )
        .await;
    client
        .expect(
            "e FETCH 1:3 FLAGS",
            &[
                r"* 1 FETCH (FLAGS (\Recent))",
                r"* 2 FETCH (FLAGS (\Seen $MDNSent \Recent))",
                r"* 3 FETCH (FLAGS (\Deleted \Recent))",
                "e OK FETCH completed.",
            ],
        )
        .await;
    client
        .expect("f STORE 4 FLAGS ()", &["f BAD Invalid arguments."])
        .await;
}

#[tokio::test]
async fn copies_moves_and_expunges() {
    let bench = Bench::new().await;
    let mut client = bench.select(&["1", "2", "3", "4", "5"]).await;
    let drafts = bench
        .mailboxes
        .status(
            "asha",
            &mailward_mailbox::FolderName::parse("Drafts").expect("a name"),
        )
        .await
        .expect("status")
        .uid_validity;
    client
        .expect(
            "a COPY 2:3 Drafts",
            &[&format!("a OK [COPYUID {drafts} 2:3 1:2] COPY completed.")],
        )
        .await;
    client
        .expect(
            "b COPY 1 Nowhere",
            &["b NO [TRYCREATE] The folder does not exist."],
        )
        .await;
    client
        .expect("c UID COPY 77 Drafts", &["c OK COPY completed."])
        .await;
    client
        .expect(
            "d UID MOVE 1,4 Drafts",
            &[
                &format!("* OK [COPYUID {drafts} 1,4 3:4] MOVE completed."),
                "* 4 EXPUNGE",
                "* 1 EXPUNGE",
                "d OK MOVE completed.",
            ],
        )
        .await;
    client
        .expect(
            r"e STORE 1:3 +FLAGS.SILENT (\Deleted)",
            &["e OK STORE completed."],
        )
        .await;
    client
        .expect(
            "f UID EXPUNGE 3:4",
            &["* 2 EXPUNGE", "f OK EXPUNGE completed."],
        )
        .await;
    client
        .expect(
            "g EXPUNGE",
            &["* 2 EXPUNGE", "* 1 EXPUNGE", "g OK EXPUNGE completed."],
        )
        .await;
    client.expect("h CLOSE", &["h OK CLOSE completed."]).await;
    let lines = client.command("i SELECT Drafts").await;
    assert_eq!(lines[0], "* 4 EXISTS");
    client
        .expect(
            r"j STORE 1 +FLAGS.SILENT (\Deleted)",
            &["j OK STORE completed."],
        )
        .await;
    client.expect("k CLOSE", &["k OK CLOSE completed."]).await;
    client
        .expect(
            "l STATUS Drafts (MESSAGES)",
            &["* STATUS Drafts (MESSAGES 3)", "l OK STATUS completed."],
        )
        .await;
}
