//! Folders: listed, made, selected.

use crate::support::Bench;

#[tokio::test]
async fn lists_and_subscriptions() {
    let bench = Bench::new().await;
    let mut client = bench.enter().await;
    client
        .expect(
            r#"a LIST "" *"#,
            &[
                r#"* LIST (\HasNoChildren) "/" INBOX"#,
                r#"* LIST (\HasNoChildren) "/" "Deleted Items""#,
                r#"* LIST (\HasNoChildren) "/" Drafts"#,
                r#"* LIST (\HasNoChildren) "/" "Junk Email""#,
                r#"* LIST (\HasNoChildren) "/" "Sent Items""#,
                "a OK LIST completed.",
            ],
        )
        .await;
    client
        .expect(
            r#"b LIST "" """#,
            &[r#"* LIST (\Noselect) "/" """#, "b OK LIST completed."],
        )
        .await;
    client
        .expect(
            "c CREATE Projekte/Entw&APw-rfe",
            &["c OK CREATE completed."],
        )
        .await;
    client
        .expect(
            r#"d LIST "" Pro%"#,
            &[
                r#"* LIST (\HasChildren) "/" Projekte"#,
                "d OK LIST completed.",
            ],
        )
        .await;
    client
        .expect(
            r#"e LIST Projekte/ %"#,
            &[
                r#"* LIST (\HasNoChildren) "/" Projekte/Entw&APw-rfe"#,
                "e OK LIST completed.",
            ],
        )
        .await;
    client
        .expect(
            "f SUBSCRIBE Projekte/Entw&APw-rfe",
            &["f OK SUBSCRIBE completed."],
        )
        .await;
    client
        .expect("g UNSUBSCRIBE Drafts", &["g OK UNSUBSCRIBE completed."])
        .await;
    client
        .expect(
            r#"h LSUB "" %"#,
            &[
                r#"* LSUB () "/" "Deleted Items""#,
                r#"* LSUB () "/" INBOX"#,
                r#"* LSUB () "/" "Junk Email""#,
                r#"* LSUB () "/" "Sent Items""#,
                r#"* LSUB (\Noselect) "/" Projekte"#,
                "h OK LSUB completed.",
            ],
        )
        .await;
    client
        .expect("i RENAME Projekte Alt", &["i OK RENAME completed."])
        .await;
    client
        .expect(
            r#"j LIST "" Alt*"#,
            &[
                r#"* LIST (\HasChildren) "/" Alt"#,
                r#"* LIST (\HasNoChildren) "/" Alt/Entw&APw-rfe"#,
                "j OK LIST completed.",
            ],
        )
        .await;
    client
        .expect("k DELETE Alt", &["k OK DELETE completed."])
        .await;
    client
        .expect(
            r#"l LIST "" Alt"#,
            &[
                r#"* LIST (\Noselect \HasChildren) "/" Alt"#,
                "l OK LIST completed.",
            ],
        )
        .await;
    for (command, completion) in [
        ("m CREATE INBOX", "m NO The folder exists already."),
        ("n DELETE Drafts", "n NO This folder cannot be changed."),
        ("o DELETE Nowhere", "o NO The folder does not exist."),
        ("p SELECT Alt", "p NO The folder does not exist."),
        ("q CREATE a//b", "q NO The folder does not exist."),
        (
            "r STATUS Nowhere (MESSAGES)",
            "r NO The folder does not exist.",
        ),
    ] {
        client.expect(command, &[completion]).await;
    }
}

#[tokio::test]
async fn selects() {
    let bench = Bench::new().await;
    bench.deliver("INBOX", b"Subject: 1\r\n\r\n").await;
    bench.deliver("INBOX", b"Subject: 2\r\n\r\n").await;
    let mut client = bench.enter().await;
    client
        .expect(
            "a STATUS inbox (MESSAGES RECENT UNSEEN UIDNEXT)",
            &[
                "* STATUS INBOX (MESSAGES 2 RECENT 2 UNSEEN 2 UIDNEXT 3)",
                "a OK STATUS completed.",
            ],
        )
        .await;
    let uid_validity = 1_646_125_200; // 2022-03-01T09:00:00Z
    client
        .expect(
            "b SELECT INBOX",
            &[
                "* 2 EXISTS",
                "* 2 RECENT",
                r"* FLAGS (\Seen \Answered \Flagged \Deleted \Draft $MDNSent)",
                r"* OK [PERMANENTFLAGS (\Seen \Answered \Flagged \Deleted \Draft $MDNSent)] Permanent flags",
                "* OK [UNSEEN 1] Is the first unseen message",
                &format!("* OK [UIDVALIDITY {uid_validity}] UIDVALIDITY value"),
                "* OK [UIDNEXT 3] The next unique identifier value",
                "b OK [READ-WRITE] SELECT completed.",
            ],
        )
        .await;
    let lines = client.command("c EXAMINE INBOX").await;
    assert_eq!(lines[1], "* 0 RECENT");
    assert_eq!(lines[3], "* OK [PERMANENTFLAGS ()] Permanent flags");
    assert_eq!(
        lines.last().expect("a line"),
        "c OK [READ-ONLY] EXAMINE completed."
    );
    for (command, completion) in [
        (
            r"d STORE 1 +FLAGS (\Seen)",
            "d NO The folder is open read-only.",
        ),
        ("e EXPUNGE", "e NO The folder is open read-only."),
        ("f MOVE 1 Drafts", "f NO The folder is open read-only."),
        ("g SELECT Nowhere", "g NO The folder does not exist."),
        (
            "h FETCH 1 FLAGS",
            "h BAD Command received in invalid state.",
        ),
    ] {
        client.expect(command, &[completion]).await;
    }
    let lines = client.command("i SELECT Drafts").await;
    assert_eq!(lines[..2], ["* 0 EXISTS", "* 0 RECENT"]);
    client
        .expect("j FETCH 1:* FLAGS", &["j OK FETCH completed."])
        .await;
    client
        .expect("k UNSELECT", &["k OK UNSELECT completed."])
        .await;
    client
        .expect("l CHECK", &["l BAD Command received in invalid state."])
        .await;
}
