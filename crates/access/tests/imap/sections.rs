//! Sections and their pieces, against expectations written by hand.

use crate::support::{Bench, Client};

const LETTER: &str = "From: Asha <asha@northmoor.example>\r\n\
    Subject: outer\r\n\
    Content-Type: multipart/mixed; boundary=out\r\n\
    \r\n\
    preamble\r\n\
    --out\r\n\
    Content-Type: text/plain\r\n\
    \r\n\
    first\r\n\
    --out\r\n\
    Content-Type: message/rfc822\r\n\
    \r\n\
    Subject: inner\r\n\
    To: ben@northmoor.example\r\n\
    Content-Type: multipart/alternative; boundary=in\r\n\
    \r\n\
    --in\r\n\
    \r\n\
    plain\r\n\
    --in\r\n\
    Content-Type: text/html\r\n\
    \r\n\
    <p>\r\n\
    --in--\r\n\
    --out\r\n\
    Content-Type: message/rfc822\r\n\
    \r\n\
    Subject: single\r\n\
    \r\n\
    only text\r\n\
    --out--\r\n";

/// What a section of message 1 holds; `None` for NIL.
async fn section(client: &mut Client, section: &str) -> Option<String> {
    let lines = client
        .command(&format!("a FETCH 1 BODY.PEEK[{section}]"))
        .await;
    assert_eq!(lines[1], "a OK FETCH completed.", "{section}");
    let (name, content) = lines[0].split_once("] ").expect("a section");
    assert!(name.starts_with("* 1 FETCH (BODY["), "{name}");
    let content = content.strip_suffix(')').expect("a closing parenthesis");
    match content {
        "NIL" => None,
        "\"\"" => Some(String::new()),
        literal => {
            let (size, text) = literal.split_once("}\r\n").expect("a literal");
            assert_eq!(size, format!("{{{}", text.len()));
            Some(text.to_owned())
        }
    }
}

#[tokio::test]
async fn sections_of_a_nested_multipart() {
    let bench = Bench::new().await;
    let mut client = bench.select(&[LETTER]).await;
    let header_end = LETTER.find("\r\n\r\n").expect("a header") + 4;
    let inner = "Subject: inner\r\nTo: ben@northmoor.example\r\n\
        Content-Type: multipart/alternative; boundary=in\r\n\r\n";
    let inner_text = "--in\r\n\r\nplain\r\n--in\r\nContent-Type: text/html\r\n\r\n<p>\r\n--in--";
    let whole_inner = format!("{inner}{inner_text}");
    for (name, expected) in [
        ("", Some(LETTER)),
        ("HEADER", Some(&LETTER[..header_end])),
        ("TEXT", Some(&LETTER[header_end..])),
        ("1", Some("first")),
        ("1.MIME", Some("Content-Type: text/plain\r\n\r\n")),
        ("1.HEADER", None),
        ("1.TEXT", None),
        ("1.1", None),
        ("2", Some(&*whole_inner)),
        ("2.MIME", Some("Content-Type: message/rfc822\r\n\r\n")),
        ("2.HEADER", Some(inner)),
        ("2.TEXT", Some(inner_text)),
        ("2.1", Some("plain")),
        ("2.1.MIME", Some("\r\n")),
        ("2.2", Some("<p>")),
        ("2.3", None),
        (
            "2.HEADER.FIELDS (to X-None)",
            Some("To: ben@northmoor.example\r\n\r\n"),
        ),
        (
            "2.HEADER.FIELDS.NOT (to Content-Type)",
            Some("Subject: inner\r\n\r\n"),
        ),
        ("3.1", Some("only text")),
        ("3.1.MIME", Some("Subject: single\r\n\r\n")),
        ("3.2", None),
        ("4", None),
        ("HEADER.FIELDS (SUBJECT)", Some("Subject: outer\r\n\r\n")),
        ("HEADER.FIELDS (X-None)", Some("\r\n")),
        (
            "HEADER.FIELDS.NOT (Subject Content-Type)",
            Some("From: Asha <asha@northmoor.example>\r\n\r\n"),
        ),
    ] {
        assert_eq!(
            section(&mut client, name).await.as_deref(),
            expected,
            "{name:?}"
        );
    }
}

#[tokio::test]
async fn pieces_of_sections() {
    let bench = Bench::new().await;
    let mut client = bench.select(&[LETTER]).await;
    for (fetch, expected) in [
        ("BODY.PEEK[1]<0.3>", "BODY[1]<0> {3}\r\nfir"),
        ("BODY.PEEK[1]<3.99>", "BODY[1]<3> {2}\r\nst"),
        ("BODY.PEEK[1]<5.9>", "BODY[1]<5> \"\""),
        ("BODY.PEEK[1]<4294967295.9>", "BODY[1]<4294967295> \"\""),
        ("BODY.PEEK[9]<0.9>", "BODY[9]<0> NIL"),
        (
            "BODY.PEEK[HEADER.FIELDS (Subject)]<9.7>",
            "BODY[HEADER.FIELDS (Subject)]<9> {7}\r\nouter\r\n",
        ),
        ("BODY.PEEK[]<0.9>", "BODY[]<0> {9}\r\nFrom: Ash"),
    ] {
        client
            .expect(
                &format!("a FETCH 1 {fetch}"),
                &[&format!("* 1 FETCH ({expected})"), "a OK FETCH completed."],
            )
            .await;
    }
    let mut whole = String::new();
    for start in (0..LETTER.len()).step_by(100) {
        let lines = client
            .command(&format!("b FETCH 1 BODY.PEEK[]<{start}.100>"))
            .await;
        let (_, piece) = lines[0].split_once("}\r\n").expect("a literal");
        whole.push_str(piece.strip_suffix(')').expect("a closing parenthesis"));
    }
    assert_eq!(whole, LETTER, "consecutive pieces make the whole");
}

#[tokio::test]
async fn the_other_items() {
    let bench = Bench::new().await;
    let mut client = bench
        .select(&["Subject: x\r\n\r\nbody\r\n", "no header at all"])
        .await;
    client
        .expect(
            "a UID FETCH 1 (RFC822.SIZE ENVELOPE BODY)",
            &[
                "* 1 FETCH (UID 1 RFC822.SIZE 20 ENVELOPE (NIL \"x\" NIL NIL NIL NIL NIL NIL NIL NIL) \
                 BODY (\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 6 1))",
                "a OK FETCH completed.",
            ],
        )
        .await;
    client
        .expect(
            "b FETCH 1 (RFC822.HEADER BODY.PEEK[TEXT])",
            &[
                "* 1 FETCH (RFC822.HEADER {14}\r\nSubject: x\r\n\r\n BODY[TEXT] {6}\r\nbody\r\n)",
                "b OK FETCH completed.",
            ],
        )
        .await;
    client
        .expect(
            "c FETCH 1 (RFC822.TEXT RFC822)",
            &[
                "* 1 FETCH (RFC822.TEXT {6}\r\nbody\r\n RFC822 {20}\r\nSubject: x\r\n\r\nbody\r\n \
                 FLAGS (\\Seen \\Recent))",
                "c OK FETCH completed.",
            ],
        )
        .await;
    client
        .expect(
            "d FETCH 2 (BODY.PEEK[HEADER] BODY.PEEK[TEXT] BODY.PEEK[1] FLAGS)",
            &[
                "* 2 FETCH (BODY[HEADER] {16}\r\nno header at all BODY[TEXT] \"\" BODY[1] \"\" \
                 FLAGS (\\Recent))",
                "d OK FETCH completed.",
            ],
        )
        .await;
    client
        .expect(
            "e FETCH 2 BODY[]",
            &[
                "* 2 FETCH (BODY[] {16}\r\nno header at all FLAGS (\\Seen \\Recent))",
                "e OK FETCH completed.",
            ],
        )
        .await;
    // Seen already: nothing to tell.
    client
        .expect(
            "f FETCH 2 BODY[]",
            &[
                "* 2 FETCH (BODY[] {16}\r\nno header at all)",
                "f OK FETCH completed.",
            ],
        )
        .await;
    client
        .expect("g FETCH 3 FLAGS", &["g BAD Invalid arguments."])
        .await;
    client
        .expect("h UID FETCH 3:77 FLAGS", &["h OK FETCH completed."])
        .await;
}

/// Every message comes back octet for octet, and has a structure.
#[tokio::test]
async fn mail_of_others_comes_back_unchanged() {
    let bench = Bench::new().await;
    let mut client = bench.select(&[]).await;
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    let mut number = 0;
    let mut names: Vec<_> = std::fs::read_dir(dir)
        .expect("the data")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
        .collect();
    names.sort();
    assert_eq!(names.len(), 4);
    for path in names {
        let message = std::fs::read(&path).expect("a message");
        bench.deliver("INBOX", &message).await;
        number += 1;
        client.command("a NOOP").await;
        client
            .send(&format!("b FETCH {number} (RFC822.SIZE BODY.PEEK[])\r\n"))
            .await;
        let size = message.len();
        let mut expected =
            format!("* {number} FETCH (RFC822.SIZE {size} BODY[] {{{size}}}\r\n").into_bytes();
        expected.extend_from_slice(&message);
        expected.push(b')');
        assert!(client.octets().await == expected, "{}", path.display());
        assert_eq!(client.line().await, "b OK FETCH completed.");
        let lines = client
            .command(&format!("c FETCH {number} (ENVELOPE BODYSTRUCTURE)"))
            .await;
        assert_eq!(lines.len(), 2, "{}", path.display());
        assert_eq!(lines[1], "c OK FETCH completed.");
    }
    // The MIME standard's own example, RFC 2049 appendix A: the parts it names.
    let lines = client.command("d FETCH 3 BODYSTRUCTURE").await;
    for part in [
        r#""text" "enriched""#,
        r#"("audio" "basic" NIL NIL NIL "base64""#,
        r#""image" "jpeg""#,
        r#""parallel" ("boundary" "unique-boundary-2")"#,
        r#""message" "rfc822""#,
        r#""mixed" ("boundary" "unique-boundary-1")"#,
    ] {
        assert!(lines[0].contains(part), "{part} in {}", lines[0]);
    }
    let lines = client.command("e FETCH 3 BODY.PEEK[5.1]").await;
    assert!(
        lines[0].ends_with("... Additional text in ISO-8859-1 goes here ...\n)"),
        "{}",
        lines[0]
    );
}
