//! What the full profile adds, between two sessions where it takes two.

use crate::support::{Bench, Client, profile};

async fn full() -> Bench {
    Bench::with(profile().full()).await
}

/// Sends a command and looks for these responses among the answers, in any
/// order; the completion has to be OK.
#[track_caller]
fn holds<'a>(
    client: &'a mut Client,
    command: &'a str,
    expected: &'a [&'a str],
) -> impl Future<Output = Vec<String>> + 'a {
    let place = std::panic::Location::caller();
    async move {
        let lines = client.command(command).await;
        let last = lines.last().expect("a completion");
        assert!(last.contains(" OK "), "{command} at {place}: {lines:?}");
        for line in expected {
            assert!(
                lines.iter().any(|own| own == line),
                "{line} after {command} at {place}: {lines:?}"
            );
        }
        lines
    }
}

#[tokio::test]
async fn extensions_are_unknown_to_exchange() {
    let bench = Bench::new().await;
    let mut one = bench.select(&["1"]).await;
    for (command, answer) in [
        ("a SORT (SIZE) US-ASCII ALL", "a BAD Unknown command."),
        ("a THREAD REFERENCES US-ASCII ALL", "a BAD Unknown command."),
        (r#"a GETQUOTA """#, "a BAD Unknown command."),
        ("a FETCH 1 MODSEQ", "a BAD Invalid arguments."),
        ("a SEARCH RETURN (ALL) ALL", "a BAD Invalid arguments."),
        ("a STATUS INBOX (SIZE)", "a BAD Invalid arguments."),
        ("a SELECT INBOX (CONDSTORE)", "a BAD Invalid arguments."),
        ("a ENABLE CONDSTORE", "a NO ENABLE failed."),
    ] {
        one.expect(command, &[answer]).await;
    }
}

#[tokio::test]
async fn a_conditional_store_leaves_what_others_changed() {
    let bench = full().await;
    let mut one = bench.select(&["1", "2"]).await;
    let mut two = bench.select(&[]).await;
    holds(
        &mut one,
        "a FETCH 1:2 (MODSEQ)",
        &["* 1 FETCH (MODSEQ (2))", "* 2 FETCH (MODSEQ (3))"],
    )
    .await;
    two.command(r"a STORE 1 +FLAGS (\Flagged)").await;
    holds(
        &mut one,
        r"b STORE 1:2 (UNCHANGEDSINCE 3) +FLAGS.SILENT (\Seen)",
        &[
            "* 2 FETCH (MODSEQ (5))",
            "b OK [MODIFIED 1] STORE completed.",
        ],
    )
    .await;
    holds(
        &mut one,
        "c FETCH 1:2 FLAGS (CHANGEDSINCE 4)",
        &[r"* 2 FETCH (FLAGS (\Seen \Recent) MODSEQ (5))"],
    )
    .await;
    holds(&mut one, "d SEARCH MODSEQ 5", &["* SEARCH 2 (MODSEQ 5)"]).await;
    let told = holds(&mut two, "b NOOP", &[]).await;
    assert_eq!(told[0], r"* 2 FETCH (UID 2 FLAGS (\Seen))", "{told:?}");
}

#[tokio::test]
async fn who_was_away_learns_what_vanished() {
    let bench = full().await;
    let mut one = bench.select(&["1", "2", "3"]).await;
    let lines = one.command("a SELECT INBOX").await;
    let number = |name: &str| {
        let line = lines.iter().find(|line| line.contains(name)).expect(name);
        let rest = line.split(&format!("{name} ")).nth(1).expect(name);
        rest.split(']').next().expect(name).to_owned()
    };
    let (validity, modseq) = (number("UIDVALIDITY"), number("HIGHESTMODSEQ"));
    let select = format!("b SELECT INBOX (QRESYNC ({validity} {modseq}))");
    one.expect(&select, &["b BAD Invalid arguments."]).await;
    let mut two = bench.select(&[]).await;
    two.command(r"a STORE 2 +FLAGS (\Deleted)").await;
    two.command("b EXPUNGE").await;
    two.command(r"c STORE 1 +FLAGS (\Flagged)").await;
    holds(&mut one, "c ENABLE QRESYNC", &["* ENABLED QRESYNC"]).await;
    let lines = holds(
        &mut one,
        &format!("d SELECT INBOX (QRESYNC ({validity} {modseq}))"),
        &[
            "* OK [CLOSED] Previous folder is closed",
            "* VANISHED (EARLIER) 2",
        ],
    )
    .await;
    let changed: Vec<&String> = lines.iter().filter(|line| line.contains("FETCH")).collect();
    assert!(
        changed.len() == 1 && changed[0].starts_with(r"* 1 FETCH (UID 1 FLAGS (\Flagged"),
        "{lines:?}"
    );
    two.command(r"d STORE 2 +FLAGS (\Deleted)").await;
    two.command("e EXPUNGE").await;
    holds(&mut one, "e NOOP", &["* VANISHED 3"]).await;
    holds(
        &mut one,
        "f UID FETCH 1:3 FLAGS (CHANGEDSINCE 1 VANISHED)",
        &["* VANISHED (EARLIER) 2:3"],
    )
    .await;
}

#[tokio::test]
async fn only_what_went_since_is_told() {
    let bench = full().await;
    let mut one = bench.select(&["1", "2", "3", "4", "5", "6"]).await;
    one.command("a ENABLE QRESYNC").await;
    let mut since = Vec::new();
    for uid in [3, 2, 5, 6] {
        let store = format!(r"b UID STORE {uid} +FLAGS.SILENT (\Deleted)");
        one.command(&store).await;
        let lines = one.command("c EXPUNGE").await;
        let highest = lines.last().expect("an answer");
        let number = highest.trim_start_matches("c OK [HIGHESTMODSEQ ");
        since.push(number.split(']').next().expect("a number").to_owned());
    }
    for (since, set, gone) in [
        (&since[0], "1:*", "2,5:6"),
        (&since[1], "1:*", "5:6"),
        (&since[1], "2:5", "5"),
        (&since[2], "1:*", "6"),
    ] {
        let fetch = format!("d UID FETCH {set} FLAGS (CHANGEDSINCE {since} VANISHED)");
        let vanished = format!("* VANISHED (EARLIER) {gone}");
        one.expect(&fetch, &[&vanished, "d OK FETCH completed."])
            .await;
    }
    let fetch = format!("e UID FETCH 1:* FLAGS (CHANGEDSINCE {} VANISHED)", since[3]);
    one.expect(&fetch, &["e OK FETCH completed."]).await;
}

/// A client that took the mod-sequence of the flags for how far it is would
/// never hear of the expunge.
#[tokio::test]
async fn a_client_is_not_said_to_know_expunges_that_wait() {
    let bench = full().await;
    let mut one = bench.select(&["1", "2", "3"]).await;
    one.command("a ENABLE QRESYNC").await;
    let mut two = bench.select(&[]).await;
    two.command(r"a STORE 2 +FLAGS.SILENT (\Deleted)").await;
    one.command("b NOOP").await;
    two.command("b EXPUNGE").await;
    two.command(r"c STORE 1 +FLAGS.SILENT (\Seen)").await;
    one.expect(
        "c FETCH 3 UID",
        &[
            "* 3 FETCH (UID 3)",
            r"* 1 FETCH (UID 1 FLAGS (\Seen \Recent) MODSEQ (7))",
            "c OK [HIGHESTMODSEQ 5] FETCH completed.",
        ],
    )
    .await;
    // It comes with an answer that has a code already as well.
    one.expect(
        r"d STORE 1:2 (UNCHANGEDSINCE 6) +FLAGS (\Flagged)",
        &[
            "* OK [HIGHESTMODSEQ 5] Highest",
            "d OK [MODIFIED 1] STORE completed.",
        ],
    )
    .await;
    one.expect(
        "e NOOP",
        &["* VANISHED 2", "e OK [HIGHESTMODSEQ 7] NOOP completed."],
    )
    .await;
    one.expect("f NOOP", &["f OK NOOP completed."]).await;
    one.send("g IDLE\r\n").await;
    one.line().await;
    two.command(r"d STORE 1 +FLAGS.SILENT (\Deleted)").await;
    assert!(one.line().await.contains("MODSEQ (8)"));
    two.command("e EXPUNGE").await;
    assert_eq!(one.line().await, "* VANISHED 1");
    assert_eq!(one.line().await, "* OK [HIGHESTMODSEQ 9] Highest");
}

#[tokio::test]
async fn searches_return_what_is_asked_and_save_it() {
    let bench = full().await;
    let mut one = bench.select(&["1", "2", "3"]).await;
    one.command(r"a STORE 1,3 +FLAGS (\Flagged)").await;
    for (command, expected) in [
        (
            "b SEARCH RETURN (MIN MAX COUNT ALL) FLAGGED",
            r#"* ESEARCH (TAG "b") MIN 1 MAX 3 COUNT 2 ALL 1,3"#,
        ),
        (
            "c UID SEARCH RETURN () UNDELETED",
            r#"* ESEARCH (TAG "c") UID ALL 1:3"#,
        ),
        (
            "d SEARCH RETURN (COUNT) SEEN",
            r#"* ESEARCH (TAG "d") COUNT 0"#,
        ),
        ("e SEARCH RETURN (ALL) SEEN", r#"* ESEARCH (TAG "e")"#),
    ] {
        holds(&mut one, command, &[expected]).await;
    }
    let saved = holds(&mut one, "f SEARCH RETURN (SAVE) FLAGGED", &[]).await;
    assert_eq!(saved.len(), 1, "SAVE alone says nothing: {saved:?}");
    let fetched = holds(&mut one, "g FETCH $ UID", &[]).await;
    assert_eq!(fetched[..2], ["* 1 FETCH (UID 1)", "* 3 FETCH (UID 3)"]);
    holds(&mut one, "h ENABLE IMAP4rev2", &["* ENABLED IMAP4rev2"]).await;
    holds(
        &mut one,
        "i SEARCH FLAGGED",
        &[r#"* ESEARCH (TAG "i") ALL 1,3"#],
    )
    .await;
}

#[tokio::test]
async fn sorts_and_threads() {
    let bench = full().await;
    let mut one = bench
        .select(&[
            "Message-ID: <1@x.example>\r\nDate: Tue, 1 Mar 2022 12:00:00 +0000\r\nSubject: b\r\n\r\n1",
            "Message-ID: <2@x.example>\r\nReferences: <1@x.example>\r\nDate: Tue, 1 Mar 2022 12:30:00 +0100\r\nSubject: Re: b\r\n\r\n22",
            "Message-ID: <3@x.example>\r\nDate: Wed, 2 Mar 2022 12:00:00 +0000\r\nSubject: a\r\n\r\n333",
        ])
        .await;
    for (command, expected) in [
        ("a SORT (SUBJECT) US-ASCII ALL", "* SORT 3 1 2"),
        ("b SORT (DATE) UTF-8 ALL", "* SORT 2 1 3"),
        ("c UID SORT (REVERSE DATE) UTF-8 ALL", "* SORT 3 1 2"),
        ("d THREAD REFERENCES UTF-8 ALL", "* THREAD (1 2)(3)"),
    ] {
        holds(&mut one, command, &[expected]).await;
    }
}

#[tokio::test]
async fn keywords_reach_the_other_session_by_name() {
    let bench = full().await;
    let mut one = bench.select(&["1"]).await;
    let mut two = bench.select(&[]).await;
    holds(
        &mut one,
        r"a STORE 1 +FLAGS (Urgent)",
        &[r"* 1 FETCH (FLAGS (Urgent \Recent))"],
    )
    .await;
    let told = holds(&mut two, "a NOOP", &["* 1 FETCH (UID 1 FLAGS (Urgent))"]).await;
    let place = |start: &str| told.iter().position(|line| line.starts_with(start));
    assert!(place("* FLAGS (") < place("* 1 FETCH"), "{told:?}");
    holds(&mut two, "b SEARCH KEYWORD urgent", &["* SEARCH 1"]).await;
}

#[tokio::test]
async fn lists_with_options_status_and_uses() {
    let bench = full().await;
    let mut one = bench.enter().await;
    one.command("a CREATE Ward/Seven").await;
    one.command("b SUBSCRIBE Ward/Seven").await;
    for (command, expected) in [
        (
            r#"c LIST (SPECIAL-USE) "" "*" RETURN (STATUS (MESSAGES))"#,
            r#"* LIST (\HasNoChildren \Sent) "/" "Sent Items""#,
        ),
        (
            r#"d LIST (SUBSCRIBED RECURSIVEMATCH) "" "%""#,
            r#"* LIST (\HasChildren) "/" Ward ("CHILDINFO" ("SUBSCRIBED"))"#,
        ),
        (
            r#"e LIST "" (INBOX Ward/%) RETURN (SUBSCRIBED)"#,
            r#"* LIST (\HasNoChildren \Subscribed) "/" Ward/Seven"#,
        ),
        (
            "f STATUS INBOX (SIZE HIGHESTMODSEQ DELETED)",
            "* STATUS INBOX (SIZE 0 HIGHESTMODSEQ 1 DELETED 0)",
        ),
        ("g GETQUOTAROOT INBOX", r#"* QUOTAROOT INBOX """#),
        ("h ENABLE UTF8=ACCEPT", "* ENABLED UTF8=ACCEPT"),
        ("i CREATE \"Entwürfe\"", "i OK CREATE completed."),
        (
            r#"j LIST "" Entw*"#,
            "* LIST (\\HasNoChildren) \"/\" \"Entwürfe\"",
        ),
    ] {
        holds(&mut one, command, &[expected]).await;
    }
}

#[tokio::test]
async fn binary_parts_come_decoded() {
    let bench = full().await;
    let mut one = bench
        .select(&[
            "MIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n\
             Content-Transfer-Encoding: base64\r\n\r\nAAECAw==\r\n",
            "Content-Type: text/plain\r\nContent-Transfer-Encoding: x-unknown\r\n\r\nx\r\n",
        ])
        .await;
    holds(
        &mut one,
        "a FETCH 1 (BINARY.SIZE[1] BINARY.PEEK[1] BINARY.PEEK[1]<2.9> BINARY.PEEK[7])",
        &["* 1 FETCH (BINARY.SIZE[1] 4 BINARY[1] ~{4}\r\n\0\u{1}\u{2}\u{3} BINARY[1]<2> ~{2}\r\n\u{2}\u{3} BINARY[7] NIL)"],
    )
    .await;
    one.expect(
        "b FETCH 2 BINARY.PEEK[1]",
        &["b NO [UNKNOWN-CTE] FETCH failed."],
    )
    .await;
}

#[tokio::test]
async fn binary_parts_that_are_appended_are_kept_as_text() {
    let bench = full().await;
    let mut one = bench.select(&[]).await;
    let message = "Subject: x\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\u{1}";
    let octets = message.len();
    one.command(&format!("a APPEND INBOX ~{{{octets}+}}\r\n{message}"))
        .await;
    one.expect(
        "b FETCH 1 (BODY.PEEK[] BINARY.SIZE[1] BINARY.PEEK[1])",
        &[
            "* 1 FETCH (BODY[] {53}\r\nSubject: x\r\nContent-Transfer-Encoding: base64\r\n\r\n\
             AAE= BINARY.SIZE[1] 2 BINARY[1] ~{2}\r\n\0\u{1})",
            "b OK FETCH completed.",
        ],
    )
    .await;
    one.expect(
        "c APPEND INBOX ~{3+}\r\na\0b",
        &["c NO [UNKNOWN-CTE] APPEND failed."],
    )
    .await;
}
