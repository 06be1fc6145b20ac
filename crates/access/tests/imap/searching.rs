//! SEARCH: every key.

use crate::support::{Bench, profile};

const LETTER: &str = "From: Asha Patel <asha@northmoor.example>\r\n\
    To: ben@northmoor.example, cara@northmoor.example\r\n\
    Cc: dan@northmoor.example\r\n\
    Bcc: eve@northmoor.example\r\n\
    Date: Mon, 28 Feb 2022 23:30:00 -0800\r\n\
    Message-ID: <letter-1@northmoor.example>\r\n\
    Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= from the\r\n ward\r\n\
    Content-Type: multipart/mixed; boundary=b\r\n\
    \r\n\
    --b\r\n\
    Content-Type: text/plain; charset=iso-8859-1\r\n\
    Content-Transfer-Encoding: quoted-printable\r\n\
    \r\n\
    The clinic for K=E4the is mo=\r\nved.\r\n\
    --b\r\n\
    Content-Type: text/html; charset=utf-8\r\n\
    Content-Transfer-Encoding: base64\r\n\
    \r\n\
    PHA+QmxvZWQgdGVzdDwvcD4=\r\n\
    --b\r\n\
    Content-Type: application/octet-stream\r\n\
    \r\n\
    attached words\r\n\
    --b--\r\n";

#[tokio::test]
async fn searches() {
    let bench = Bench::new().await;
    let mut client = bench
        .select(&[
            LETTER,
            "Subject: plain\r\nDate: 1 Mar 2022 08:00 +0000\r\n\r\nshort\r\n",
            "no header",
        ])
        .await;
    client
        .expect(
            r"0 STORE 2 +FLAGS.SILENT (\Seen \Answered)",
            &["0 OK STORE completed."],
        )
        .await;
    for (keys, found) in [
        ("ALL", "1 2 3"),
        ("SEEN", "2"),
        ("UNSEEN", "1 3"),
        ("ANSWERED SEEN", "2"),
        ("NEW", "1 3"),
        ("OLD", ""),
        ("RECENT", "1 2 3"),
        ("KEYWORD urgent", ""),
        ("UNKEYWORD urgent", "1 2 3"),
        ("2:*", "2 3"),
        ("NOT 2", "1 3"),
        ("UID 3,99", "3"),
        ("OR 1 3", "1 3"),
        ("(1:2 SEEN)", "2"),
        ("FROM patel", "1"),
        ("FROM northmoor", "1"),
        ("TO cara@", "1"),
        ("CC dan BCC eve", "1"),
        ("SUBJECT \"from the ward\"", "1"),
        ("CHARSET UTF-8 SUBJECT {0+}\r\nGRÜSS", ""),
        ("CHARSET UTF-8 SUBJECT {0+}\r\ngrüße", "1"),
        ("SUBJECT PLAIN", "2"),
        ("HEADER Message-ID <letter-1@northmoor.example>", "1"),
        ("HEADER Date \"\"", "1 2"),
        ("HEADER X-None \"\"", ""),
        ("BODY moved", "1"),
        ("CHARSET UTF-8 BODY {0+}\r\nkäthe", "1"),
        ("BODY \"bloed test\"", "1"),
        ("BODY \"attached words\"", ""),
        ("BODY Message-ID", ""),
        ("TEXT message-id", "1"),
        ("TEXT short", "2"),
        ("LARGER 100", "1"),
        ("SMALLER 100", "2 3"),
        ("ON 1-Mar-2022", "1 2 3"),
        ("BEFORE 1-Mar-2022", ""),
        ("SINCE 1-Mar-2022", "1 2 3"),
        ("SENTON 28-Feb-2022", "1"),
        ("SENTBEFORE 1-Mar-2022", "1"),
        ("SENTSINCE 1-Mar-2022", "2"),
        ("NOT SENTSINCE 1-Jan-1980", "3"),
    ] {
        // The size of a literal is filled in.
        let keys = match keys.split_once("+}\r\n") {
            Some((before, text)) => {
                let before = before.rsplit_once('{').expect("a size").0;
                format!("{before}{{{}+}}\r\n{text}", text.len())
            }
            None => keys.to_owned(),
        };
        let lines = client.command(&format!("a SEARCH {keys}")).await;
        let space = if found.is_empty() { "" } else { " " };
        assert_eq!(
            lines,
            [
                format!("* SEARCH{space}{found}"),
                "a OK SEARCH completed.".to_owned()
            ],
            "{keys}"
        );
    }
    for (command, completion) in [
        ("b SEARCH 4", "b BAD Invalid arguments."),
        (
            "c SEARCH CHARSET KOI8-R ALL",
            "c NO [BADCHARSET (US-ASCII UTF-8)] The specified charset is not supported.",
        ),
    ] {
        client.expect(command, &[completion]).await;
    }
    client
        .expect(
            r"d STORE 1 +FLAGS.SILENT \Deleted",
            &["d OK STORE completed."],
        )
        .await;
    client
        .expect("e EXPUNGE", &["* 1 EXPUNGE", "e OK EXPUNGE completed."])
        .await;
    client
        .expect(
            "f UID SEARCH ALL",
            &["* SEARCH 2 3", "f OK SEARCH completed."],
        )
        .await;
}

#[tokio::test]
async fn a_charset_may_be_refused() {
    let mut profile = profile();
    profile.search_utf8 = false;
    let bench = Bench::with(profile).await;
    let mut client = bench.select(&["1"]).await;
    client
        .expect(
            "a SEARCH CHARSET UTF-8 ALL",
            &["a NO [BADCHARSET (US-ASCII)] The specified charset is not supported."],
        )
        .await;
    client
        .expect(
            "b SEARCH CHARSET US-ASCII ALL",
            &["* SEARCH 1", "b OK SEARCH completed."],
        )
        .await;
}
