//! Commands decoded, encoded, and decoded again.

use crate::imap::{Command, Dialect, MailboxName, ParseError, Tagged, parse_append, parse_command};

/// `wire` is a command without tag; `shown` its arguments as the encoder
/// writes them, or `""` when that is `wire` itself.
#[track_caller]
fn check(wire: &str, shown: &str) {
    let tagged = parse_command(format!("a1 {wire}").as_bytes(), Dialect::FULL)
        .unwrap_or_else(|error| panic!("{wire:?}: {error}"));
    assert_eq!(tagged.tag, "a1");
    let bytes = tagged.to_bytes();
    let shown = if shown.is_empty() { wire } else { shown };
    assert_eq!(
        String::from_utf8_lossy(&bytes),
        format!("a1 {shown}\r\n"),
        "{wire:?}"
    );
    let again = parse_command(&bytes[..bytes.len() - 2], Dialect::FULL).expect(wire);
    assert_eq!(format!("{tagged:?}"), format!("{again:?}"), "{wire:?}");
}

#[test]
fn commands_go_there_and_back() {
    for (wire, shown) in [
        ("CAPABILITY", ""),
        ("noop", "NOOP"),
        ("NOOP  ", "NOOP"),
        ("ID NIL", ""),
        ("ID ()", "ID NIL"),
        (r#"ID ("name" "mutt" "version" NIL)"#, ""),
        ("LOGIN asha@northmoor.example secret", ""),
        (
            r#"LOGIN "asha" "pass \"word\" \\""#,
            r#"LOGIN asha "pass \"word\" \\""#,
        ),
        ("LOGIN {4}\r\nasha {3+}\r\np w", "LOGIN asha \"p w\""),
        ("LOGIN asha {3}\r\npä", ""),
        ("AUTHENTICATE PLAIN", ""),
        (
            "authenticate xoauth2 dXNlcg==",
            "AUTHENTICATE XOAUTH2 dXNlcg==",
        ),
        ("AUTHENTICATE PLAIN =", ""),
        ("AUTHENTICATE GSSAPI", ""),
        (
            "ENABLE CONDSTORE utf8=accept",
            "ENABLE CONDSTORE UTF8=ACCEPT",
        ),
        ("SELECT inbox", "SELECT INBOX"),
        (r#"EXAMINE "Sent Items""#, ""),
        ("CREATE Entw&APw-rfe", ""),
        ("DELETE {10}\r\nSent Items", r#"DELETE "Sent Items""#),
        ("RENAME A/B C", ""),
        (r#"SUBSCRIBE "a]b""#, ""),
        ("UNSUBSCRIBE a]b", r#"UNSUBSCRIBE "a]b""#),
        (r#"LIST "" *"#, r#"LIST "" "*""#),
        (r#"LIST "" """#, ""),
        (r#"LSUB Projects/ %"#, r#"LSUB Projects/ "%""#),
        ("NAMESPACE", ""),
        (
            "STATUS INBOX (MESSAGES UNSEEN recent UIDNEXT UIDVALIDITY)",
            "STATUS INBOX (MESSAGES UNSEEN RECENT UIDNEXT UIDVALIDITY)",
        ),
        ("IDLE", ""),
        ("CHECK", ""),
        ("CLOSE", ""),
        ("UNSELECT", ""),
        ("EXPUNGE", ""),
        ("UID EXPUNGE 1:3,9", ""),
        ("LOGOUT", ""),
        ("COPY 1:* Archive", ""),
        (
            "uid move *:4,7 \"Deleted Items\"",
            "UID MOVE *:4,7 \"Deleted Items\"",
        ),
        (r"STORE 1 FLAGS (\Seen $MDNSent)", ""),
        (
            r"STORE 1:2 +flags.silent (\deleted)",
            r"STORE 1:2 +FLAGS.SILENT (\Deleted)",
        ),
        (
            r"UID STORE 9 -FLAGS \Seen \Flagged",
            r"UID STORE 9 -FLAGS (\Seen \Flagged)",
        ),
        ("STORE 1 FLAGS ()", ""),
    ] {
        check(wire, shown);
    }
}

#[test]
fn extensions_go_there_and_back() {
    for (wire, shown) in [
        ("SELECT INBOX (CONDSTORE)", ""),
        ("EXAMINE Sent (QRESYNC (7 20))", ""),
        (
            "SELECT INBOX (QRESYNC (67890007 90060115194045000 41:211,214:541))",
            "",
        ),
        (
            "SELECT INBOX (CONDSTORE QRESYNC (7 20 1:9 (1,3,9 4,7,22)))",
            "",
        ),
        (
            r#"LIST (SUBSCRIBED RECURSIVEMATCH) "" "*" RETURN (CHILDREN)"#,
            "",
        ),
        (r#"LIST "" (a% "b c")"#, r#"LIST "" ("a%" "b c")"#),
        (
            r#"LIST (SPECIAL-USE) "" "%" RETURN (SUBSCRIBED SPECIAL-USE STATUS (MESSAGES SIZE))"#,
            "",
        ),
        (
            r#"list "" "" return (status (unseen))"#,
            r#"LIST "" "" RETURN (STATUS (UNSEEN))"#,
        ),
        ("STATUS INBOX (HIGHESTMODSEQ SIZE APPENDLIMIT DELETED)", ""),
        ("SEARCH RETURN () ALL", "SEARCH RETURN (ALL) ALL"),
        ("UID SEARCH RETURN (MIN MAX ALL COUNT SAVE) UNSEEN", ""),
        ("SEARCH $ MODSEQ 620162338", ""),
        (
            r#"SEARCH MODSEQ "/flags/\\draft" all 62"#,
            "SEARCH MODSEQ 62",
        ),
        ("SORT (SUBJECT REVERSE DATE) UTF-8 ALL", ""),
        (
            "UID SORT (ARRIVAL CC FROM SIZE TO) US-ASCII SEEN SUBJECT a",
            "",
        ),
        ("UID THREAD REFERENCES UTF-8 UNSEEN", ""),
        (
            "UID FETCH 1:* (FLAGS MODSEQ) (CHANGEDSINCE 12345 VANISHED)",
            "",
        ),
        (
            "FETCH $ (BINARY[1.2]<0.7> BINARY.PEEK[] BINARY.SIZE[3])",
            "",
        ),
        (r"UID STORE 1 (UNCHANGEDSINCE 12) +FLAGS.SILENT (\Seen)", ""),
        (r#"GETQUOTA """#, ""),
        ("GETQUOTAROOT INBOX", ""),
        (r#"SETQUOTA "" (STORAGE 512)"#, r#"SETQUOTA "" ()"#),
    ] {
        check(wire, shown);
        let refused = parse_command(format!("a1 {wire}").as_bytes(), Dialect::default());
        assert!(refused.is_err(), "{wire} is for those who offer it");
    }
}

#[test]
fn names_are_read_in_the_alphabet_that_is_spoken() {
    let utf8 = Dialect {
        utf8_names: true,
        ..Dialect::FULL
    };
    for (dialect, expected) in [(Dialect::FULL, "Entwürfe"), (utf8, "Entw&APw-rfe")] {
        let tagged = parse_command(b"a CREATE Entw&APw-rfe", dialect).expect("read");
        assert!(
            matches!(&tagged.command, Command::Create(name) if name.as_str() == expected),
            "{tagged:?}"
        );
    }
}

#[test]
fn fetch_items_go_there_and_back() {
    for (wire, shown) in [
        ("FETCH 1 (FLAGS)", ""),
        ("FETCH 1 flags", "FETCH 1 (FLAGS)"),
        ("FETCH 1 FAST", "FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE)"),
        (
            "FETCH 1 ALL",
            "FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)",
        ),
        (
            "FETCH 1 FULL",
            "FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY)",
        ),
        (
            "UID FETCH 1:* (UID RFC822 RFC822.HEADER RFC822.TEXT RFC822.SIZE BODY BODYSTRUCTURE)",
            "",
        ),
        ("FETCH 1 (BODY[] BODY.PEEK[]<0.2048> BODY[TEXT]<7.1>)", ""),
        (
            "FETCH 1 (BODY[HEADER] BODY[1] BODY.PEEK[1.2.MIME] BODY[3.HEADER] BODY[3.TEXT])",
            "",
        ),
        ("FETCH 2,4 (BODY.PEEK[HEADER.FIELDS (From To \"X Y\")])", ""),
        (
            "FETCH 1 body.peek[header.fields.not (date)]",
            "FETCH 1 (BODY.PEEK[HEADER.FIELDS.NOT (date)])",
        ),
    ] {
        check(wire, shown);
    }
}

#[test]
fn search_keys_go_there_and_back() {
    for (wire, shown) in [
        ("SEARCH ALL", ""),
        (
            "UID SEARCH CHARSET utf-8 SUBJECT {6}\r\nKäthe",
            "UID SEARCH CHARSET UTF-8 SUBJECT {6}\r\nKäthe",
        ),
        ("SEARCH CHARSET US-ASCII ALL", ""),
        ("SEARCH CHARSET KOI8-R ALL", ""),
        (
            "SEARCH ANSWERED DELETED DRAFT FLAGGED NEW OLD RECENT SEEN",
            "SEARCH ANSWERED DELETED DRAFT FLAGGED NEW OLD RECENT SEEN",
        ),
        (
            "SEARCH UNANSWERED UNDELETED UNDRAFT UNFLAGGED UNSEEN",
            "SEARCH UNANSWERED UNDELETED UNDRAFT UNFLAGGED UNSEEN",
        ),
        (
            "SEARCH KEYWORD $MDNSent UNKEYWORD x",
            "SEARCH KEYWORD $MDNSent UNKEYWORD x",
        ),
        (
            "SEARCH BCC a CC b FROM c TO d SUBJECT e BODY f TEXT g",
            "SEARCH BCC a CC b FROM c TO d SUBJECT e BODY f TEXT g",
        ),
        (
            "SEARCH HEADER Message-ID <1@x.example>",
            "SEARCH HEADER Message-ID \"<1@x.example>\"",
        ),
        (
            "SEARCH BEFORE 1-Jan-2026 ON \"02-Feb-2026\" SINCE 3-Mar-2026",
            "SEARCH BEFORE 1-Jan-2026 ON 2-Feb-2026 SINCE 3-Mar-2026",
        ),
        (
            "SEARCH SENTBEFORE 1-Jan-2026 SENTON 2-Feb-2026 SENTSINCE 3-Mar-2026",
            "SEARCH SENTBEFORE 1-Jan-2026 SENTON 2-Feb-2026 SENTSINCE 3-Mar-2026",
        ),
        (
            "SEARCH LARGER 100 SMALLER 200",
            "SEARCH LARGER 100 SMALLER 200",
        ),
        ("SEARCH 1:3 UID 4,5", "SEARCH 1:3 UID 4,5"),
        ("SEARCH OR NOT SEEN (FROM a OR TO b CC c)", ""),
        ("SEARCH (SEEN)", "SEARCH SEEN"),
        ("SEARCH SUBJECT \"a \\\"b\\\" c\"", ""),
    ] {
        check(wire, shown);
    }
}

#[test]
fn reads_append_up_to_its_message() {
    for (wire, mailbox, flags, dated) in [
        ("a APPEND INBOX {9}\r\n", "INBOX", 0, false),
        (
            "a append \"Sent Items\" (\\Seen \\Draft) {9+}\r\n",
            "Sent Items",
            2,
            false,
        ),
        (
            "a APPEND {5}\r\nDraft () \" 1-Nov-2026 09:05:07 +0000\" {9}\r\n",
            "Draft",
            0,
            true,
        ),
    ] {
        let append = parse_append(wire.as_bytes(), 9, Dialect::FULL).expect(wire);
        assert_eq!(append.tag, "a");
        assert_eq!(append.mailbox.as_str(), mailbox);
        assert_eq!(append.flags.len(), flags);
        assert_eq!(append.internal_date.is_some(), dated);
        assert_eq!(append.octets, 9);
    }
    for wire in [
        "a NOOP {9}\r\n",
        "a APPEND {5}\r\n",
        "a APPEND INBOX \"x\" {9}\r\n",
        "a APPEND INBOX (\\Seen {9}\r\n",
        "a APPEND INBOX (\\Seen) \"1-Nov-2026\" {9}\r\n",
    ] {
        assert!(
            parse_append(wire.as_bytes(), 9, Dialect::FULL).is_none(),
            "{wire}"
        );
    }
}

#[test]
fn refuses_with_the_tag_where_there_is_one() {
    for wire in [
        "",
        " NOOP",
        "a",
        "+a NOOP",
        "a\0 NOOP",
        "{5} NOOP",
        &"x".repeat(65),
    ] {
        assert_eq!(
            parse_command(
                format!("{wire} x").trim_end_matches(" x").as_bytes(),
                Dialect::FULL
            )
            .expect_err(wire),
            ParseError::NoTag,
            "{wire:?}"
        );
    }
    for wire in [
        "FOO",
        "UID",
        "UID NOOP",
        "UID  FETCH 1 FLAGS",
        "STARTTLS",
        "",
        "X-Y",
    ] {
        assert!(
            matches!(parse_command(format!("t {wire}").as_bytes(), Dialect::FULL),
                Err(ParseError::UnknownCommand { tag, .. }) if tag == "t"),
            "{wire:?}"
        );
    }
    for wire in [
        "NOOP x",
        "LOGIN a",
        "LOGIN a b c",
        "LOGIN \"a b",
        "LOGIN \"a\\x\" b",
        "SELECT",
        "FETCH 0 FLAGS",
        "FETCH 1",
        "FETCH 1 ()",
        "FETCH 1 (FLAGS",
        "FETCH 1 FOO",
        "FETCH 1 BODY[0]",
        "FETCH 1 BODY[1.]",
        "FETCH 1 BODY[MIME]",
        "FETCH 1 BODY[]<0.0>",
        "FETCH 1 BODY[]<0>",
        "FETCH 1 BODY[HEADER.FIELDS ()]",
        "STORE 1 FLAG (\\Seen)",
        "STORE 1 +FLAGS",
        "SEARCH",
        "SEARCH FOO",
        "SEARCH NOT",
        "SEARCH OR SEEN",
        "SEARCH ()",
        "SEARCH ON yesterday",
        "SEARCH LARGER 99999999999",
        "SEARCH HEADER a",
        "STATUS INBOX ()",
        "STATUS INBOX (FOO)",
        "ID",
        "ID (\"a\")",
        "ENABLE",
        "RENAME a",
        "COPY 1",
        "APPEND INBOX",
        "LIST \"\"",
        "LOGIN {3}\r\na\0b c",
        "LOGIN {9}\r\nabc",
    ] {
        assert!(
            matches!(parse_command(format!("t {wire}").as_bytes(), Dialect::FULL),
                Err(ParseError::Arguments { tag, .. }) if tag == "t"),
            "{wire:?}: {:?}",
            parse_command(format!("t {wire}").as_bytes(), Dialect::FULL)
        );
    }
}

/// A name in broken modified UTF-7 is one that no mailbox has (RFC 3501 section
/// 5.1.3), so the answer is NO: the command itself is in order.
#[test]
fn a_name_that_cannot_be_read_names_nothing() {
    for wire in ["SELECT &", "SELECT &AOk", "SELECT \"a&!-\""] {
        let parsed = parse_command(format!("t {wire}").as_bytes(), Dialect::FULL);
        let Ok(Tagged {
            command: Command::Select(opening),
            ..
        }) = parsed
        else {
            panic!("{wire:?}: {parsed:?}");
        };
        assert_eq!(opening.mailbox, MailboxName::impossible(), "{wire:?}");
    }
}
