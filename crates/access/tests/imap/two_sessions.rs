//! Two sessions on one folder.

use crate::support::Bench;

#[tokio::test]
async fn see_each_others_changes_at_the_right_moments() {
    let bench = Bench::new().await;
    let mut one = bench.select(&["1", "2", "3", "4"]).await;
    let mut two = bench.select(&[]).await;
    two.expect(
        r"a STORE 2 +FLAGS.SILENT (\Flagged)",
        &["a OK STORE completed."],
    )
    .await;
    two.expect(
        r"b STORE 1,3 +FLAGS.SILENT (\Deleted)",
        &["b OK STORE completed."],
    )
    .await;
    two.expect(
        "c EXPUNGE",
        &["* 3 EXPUNGE", "* 1 EXPUNGE", "c OK EXPUNGE completed."],
    )
    .await;
    bench.deliver("INBOX", b"5").await;

    // No EXPUNGE during FETCH, STORE or SEARCH; numbers stay.
    one.expect(
        "a FETCH 4 UID",
        &[
            "* 4 FETCH (UID 4)",
            r"* 2 FETCH (UID 2 FLAGS (\Flagged \Recent))",
            "* 5 EXISTS",
            "* 5 RECENT",
            "a OK FETCH completed.",
        ],
    )
    .await;
    one.expect(
        "b FETCH 1:2 UID",
        &[
            "* 2 FETCH (UID 2)",
            "b NO [EXPUNGEISSUED] Some of the messages no longer exist.",
        ],
    )
    .await;
    one.expect(
        "c UID FETCH 1:2 FLAGS",
        &[
            r"* 2 FETCH (UID 2 FLAGS (\Flagged \Recent))",
            "c OK FETCH completed.",
        ],
    )
    .await;
    one.expect(
        "d SEARCH ALL",
        &["* SEARCH 2 4 5", "d OK SEARCH completed."],
    )
    .await;
    one.expect(
        r"e STORE 4 +FLAGS (\Seen)",
        &[
            r"* 4 FETCH (FLAGS (\Seen \Recent))",
            "e OK STORE completed.",
        ],
    )
    .await;
    one.expect(
        "f NOOP",
        &["* 3 EXPUNGE", "* 1 EXPUNGE", "f OK NOOP completed."],
    )
    .await;
    one.expect(
        "g FETCH 2 UID",
        &["* 2 FETCH (UID 4)", "g OK FETCH completed."],
    )
    .await;
    // The newcomer was first told to the other session.
    two.expect(
        "d NOOP",
        &[
            r"* 2 FETCH (UID 4 FLAGS (\Seen))",
            "* 3 EXISTS",
            "* 0 RECENT",
            "d OK NOOP completed.",
        ],
    )
    .await;
}

#[tokio::test]
async fn idle_pushes() {
    let bench = Bench::new().await;
    let mut one = bench.select(&["1"]).await;
    let mut two = bench.select(&[]).await;
    one.send("a IDLE\r\n").await;
    assert_eq!(one.line().await, "+ IDLE accepted, awaiting DONE command.");
    bench.deliver("INBOX", b"2").await;
    assert_eq!(one.line().await, "* 2 EXISTS");
    assert_eq!(one.line().await, "* 2 RECENT");
    two.command(r"a STORE 1 +FLAGS (\Deleted)").await;
    assert_eq!(
        one.line().await,
        r"* 1 FETCH (UID 1 FLAGS (\Deleted \Recent))"
    );
    two.command("b EXPUNGE").await;
    assert_eq!(one.line().await, "* 1 EXPUNGE");
    one.send("DONE\r\n").await;
    assert_eq!(one.until("a").await, ["a OK IDLE completed."]);

    // Without a folder there is nothing to tell, and DONE is still awaited.
    one.expect("b UNSELECT", &["b OK UNSELECT completed."])
        .await;
    one.send("c IDLE\r\n").await;
    assert_eq!(one.line().await, "+ IDLE accepted, awaiting DONE command.");
    one.send("DONE\r\n").await;
    assert_eq!(one.until("c").await, ["c OK IDLE completed."]);
}

#[tokio::test]
async fn a_folder_deleted_under_a_session() {
    let bench = Bench::new().await;
    let mut one = bench.enter().await;
    one.expect("a CREATE Temp", &["a OK CREATE completed."])
        .await;
    bench.deliver("Temp", b"1").await;
    one.command("b SELECT Temp").await;
    let mut two = bench.enter().await;
    two.expect("a DELETE Temp", &["a OK DELETE completed."])
        .await;
    one.expect("c NOOP", &["* 1 EXPUNGE", "c OK NOOP completed."])
        .await;
    one.expect("d FETCH 1:* FLAGS", &["d OK FETCH completed."])
        .await;
    one.expect("e SELECT Temp", &["e NO The folder does not exist."])
        .await;
}

#[tokio::test]
async fn idle_ends_when_the_account_is_locked() {
    let bench = Bench::new().await;
    let mut selected = bench.select(&["1"]).await;
    let mut entered = bench.enter().await;
    let mut other = bench.select(&[]).await;
    for client in [&mut selected, &mut entered] {
        client.send("a IDLE\r\n").await;
        assert_eq!(
            client.line().await,
            "+ IDLE accepted, awaiting DONE command."
        );
    }
    bench.imap.host().locked.send_replace(true);
    for client in [&mut selected, &mut entered] {
        assert_eq!(client.line().await, "* BYE Connection closed.");
        assert!(client.is_closed().await);
    }
    // One that does not idle hears of it at its next command.
    let refused = "User is authenticated but not connected.";
    other.expect("a NOOP", &[&format!("a BAD {refused}")]).await;
}
