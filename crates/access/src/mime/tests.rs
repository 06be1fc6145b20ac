//! Structures against expectations written by hand.

use super::{DEPTH_MAX, PARTS_MAX, Structure, Walker};

fn walk(message: &[u8], piece: usize) -> Structure {
    let mut walker = Walker::new();
    for piece in message.chunks(piece.max(1)) {
        walker.feed(piece);
    }
    walker.finish()
}

fn shown(structure: &Structure) -> String {
    let mut out = Vec::new();
    structure.body_structure().put(&mut out, true);
    String::from_utf8_lossy(&out).into_owned()
}

/// The same wherever the pieces end.
#[track_caller]
fn check(message: &str, expected: &str) {
    let message = message.as_bytes();
    for piece in 1..=message.len() {
        assert_eq!(
            shown(&walk(message, piece)),
            expected,
            "in pieces of {piece}"
        );
    }
}

/// The octets that a path names.
#[track_caller]
fn part<'a>(message: &'a str, path: &[u32]) -> Option<&'a str> {
    let structure = walk(message.as_bytes(), 7);
    let body = structure.locate(path)?.part.body.clone();
    let place = |octet: u64| usize::try_from(octet).expect("a small message");
    Some(&message[place(body.start)..place(body.end)])
}

const PLAIN: &str = r#""text" "plain" ("charset" "us-ascii") NIL NIL "7bit""#;

#[test]
fn single_parts() {
    check("", &format!("({PLAIN} 0 0 NIL NIL NIL NIL)"));
    check("Subject: x", &format!("({PLAIN} 0 0 NIL NIL NIL NIL)"));
    check("\r\nbody", &format!("({PLAIN} 4 1 NIL NIL NIL NIL)"));
    check(
        "Subject: x\r\n\r\none\r\ntwo\r\n",
        &format!("({PLAIN} 10 2 NIL NIL NIL NIL)"),
    );
    check(
        "Subject: x\n\none\ntwo",
        &format!("({PLAIN} 7 2 NIL NIL NIL NIL)"),
    );
    check(
        "Content-Type: image/PNG; name=\"a b.png\"\r\n\
         Content-Transfer-Encoding: BASE64\r\n\
         Content-ID: <1@x.example>\r\n\
         Content-Description: a picture\r\n\
         Content-Disposition: attachment; filename=\"a b.png\"\r\n\
         Content-Language: en, cy\r\n\
         Content-Location: there\r\n\
         Content-MD5: Q2hl\r\n\r\nAAAA",
        r#"("image" "png" ("name" "a b.png") "<1@x.example>" "a picture" "base64" 4 "Q2hl" ("attachment" ("filename" "a b.png")) ("en" "cy") "there")"#,
    );
    for broken in [
        "Content-Type: nonsense",
        "Content-Type: a/b/c",
        "Content-Type:",
        "Content-Type: /x",
    ] {
        check(
            &format!("{broken}\r\n\r\nx"),
            &format!("({PLAIN} 1 1 NIL NIL NIL NIL)"),
        );
    }
}

const NESTED: &str = "Content-Type: multipart/mixed; boundary=out\r\n\
    \r\n\
    preamble\r\n\
    --out\r\n\
    \r\n\
    first\r\n\
    --out\r\n\
    Content-Type: message/rfc822\r\n\
    \r\n\
    From: Asha <asha@northmoor.example>\r\n\
    Subject: inner\r\n\
    Content-Type: multipart/alternative; boundary=\"in\"\r\n\
    \r\n\
    --in\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    \r\n\
    plain\r\n\
    text\r\n\
    --in \r\n\
    Content-Type: text/html\r\n\
    \r\n\
    <p>\r\n\
    \r\n\
    --in--\r\n\
    inner epilogue\r\n\
    --out--\r\n\
    epilogue\r\n\
    --out\r\n\
    not a part\r\n";

#[test]
fn nested_parts() {
    let asha = r#"(("Asha" NIL "asha" "northmoor.example"))"#;
    let envelope = format!(r#"(NIL "inner" {asha} {asha} {asha} NIL NIL NIL NIL NIL)"#);
    let inner = concat!(
        r#"(("text" "plain" ("charset" "utf-8") NIL NIL "7bit" 11 2 NIL NIL NIL NIL)"#,
        r#"("text" "html" NIL NIL NIL "7bit" 5 1 NIL NIL NIL NIL) "#,
        r#""alternative" ("boundary" "in") NIL NIL NIL)"#
    );
    check(
        NESTED,
        &format!(
            r#"(({PLAIN} 5 1 NIL NIL NIL NIL)("message" "rfc822" NIL NIL NIL "7bit" 232 {envelope} {inner} 16 NIL NIL NIL NIL) "mixed" ("boundary" "out") NIL NIL NIL)"#
        ),
    );
}

#[test]
fn paths_name_parts() {
    for (path, expected) in [
        (&[1][..], Some("first")),
        (&[2, 1], Some("plain\r\ntext")),
        (&[2, 2], Some("<p>\r\n")),
        (&[3], None),
        (&[1, 1], None),
        (&[2, 3], None),
        (&[2, 1, 1], None),
        (&[u32::MAX], None),
    ] {
        assert_eq!(part(NESTED, path), expected, "{path:?}");
    }
    let structure = walk(NESTED.as_bytes(), 9);
    let second = structure.locate(&[2]).expect("the message");
    assert!(
        part(NESTED, &[2])
            .is_some_and(|body| body.starts_with("From: Asha") && body.ends_with("inner epilogue"))
    );
    let within = second.message.expect("a message within");
    assert_eq!(within.header.start, second.part.body.start);
    assert_eq!(within.body.end, second.part.body.end);
    // A message that is no multipart has its body as part 1.
    assert_eq!(part("A: b\r\n\r\nbody", &[1]), Some("body"));
    assert_eq!(part("A: b\r\n\r\nbody", &[2]), None);
    assert_eq!(part("A: b\r\n\r\nbody", &[1, 1]), None);
    let forwarded = "Content-Type: message/rfc822\r\n\r\nA: b\r\n\r\nbody";
    assert_eq!(part(forwarded, &[1]), Some("A: b\r\n\r\nbody"));
    assert_eq!(part(forwarded, &[1, 1]), Some("body"));
}

#[test]
fn broken_multiparts_have_a_structure() {
    let empty = r#"("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL)"#;
    check(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\nnothing\r\n",
        &format!(r#"({empty} "mixed" ("boundary" "b") NIL NIL NIL)"#),
    );
    check(
        "Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\nx",
        r#"("application" "octet-stream" NIL NIL NIL "7bit" 8 NIL NIL NIL NIL)"#,
    );
    // Never closed, and a part whose header never ends.
    check(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nA: b\r\n--b\r\n\r\nx",
        &format!(r#"({empty}({PLAIN} 1 1 NIL NIL NIL NIL) "mixed" ("boundary" "b") NIL NIL NIL)"#),
    );
    // A message whose encoding hides it is one part.
    check(
        "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nQTog",
        r#"("application" "octet-stream" NIL NIL NIL "base64" 4 NIL NIL NIL NIL)"#,
    );
    // In a digest a part is a message unless it says otherwise.
    assert!(shown(&walk(
        b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: x\r\n\r\ny\r\n--b--",
        5
    ))
    .starts_with(r#"(("message" "rfc822" NIL"#));
}

#[test]
fn depth_and_number_are_bounded() {
    let mut deep = String::new();
    for level in 0..DEPTH_MAX * 3 {
        deep.push_str(&format!(
            "Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n"
        ));
    }
    let structure = walk(deep.as_bytes(), 4096);
    assert!(structure.parts.len() <= DEPTH_MAX + 1);
    assert!(shown(&structure).contains("octet-stream"));

    let many = format!(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n{}",
        "--b\r\n\r\nx\r\n".repeat(PARTS_MAX * 3)
    );
    let structure = walk(many.as_bytes(), 4096);
    assert_eq!(structure.parts.len(), PARTS_MAX);

    let messages = "Content-Type: message/rfc822\r\n\r\n".repeat(DEPTH_MAX * 3);
    assert!(walk(messages.as_bytes(), 4096).parts.len() <= DEPTH_MAX + 1);
}

#[test]
fn long_headers_and_lines_take_bounded_memory() {
    let long = format!("X: {}\r\nSubject: y\r\n\r\nbody", "x".repeat(3_000_000));
    assert!(shown(&walk(long.as_bytes(), 65_536)).contains(" 4 1 "));
    let fields = format!("{}\r\nbody", "X: y\r\n".repeat(500_000));
    assert!(shown(&walk(fields.as_bytes(), 65_536)).contains(" 4 1 "));
    let line = format!(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n{}\r\n--b--\r\n",
        "y".repeat(1_000_000)
    );
    assert_eq!(part(&line, &[1]).map(str::len), Some(1_000_000));
}
