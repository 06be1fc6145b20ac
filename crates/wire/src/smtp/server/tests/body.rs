//! Bodies: dots, chunks, and what must never pass.

use super::*;

/// Everything up to the body, with its replies.
const OPENING: &str = "
    S: 220 mail.example ESMTP Mailward
    C: HELO x
    S: 250 mail.example at your service
    C: MAIL FROM:<a@b.example>
    S: 250 2.1.0 Sender OK
    C: RCPT TO:<c@d.example>
    S: 250 2.1.5 Recipient OK
";

const GO: &str = "
    C: DATA
    S: 354 Send the message, end with <CRLF>.<CRLF>
";

/// Sends `body` by DATA, as it goes over the wire with its end, in every
/// cutting. Gives the message taken, or the reply.
fn data(wire: &[u8]) -> Result<Vec<u8>, String> {
    let settings = Settings {
        limits: Limits {
            message_octets_max: 200,
            body_line_octets_max: 60,
            ..Limits::default()
        },
        ..open_settings()
    };
    let opening = b"HELO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n";
    let mut outcomes = Vec::new();
    for size in 1..=wire.len() {
        let mut bench = Bench::new(&settings, true);
        bench.feed(opening);
        bench.sent.clear();
        for piece in wire.chunks(size) {
            bench.feed(piece);
        }
        let sent = String::from_utf8(bench.sent).expect("UTF-8");
        assert_eq!(sent.lines().count(), 1, "one reply to {wire:?} by {size}");
        outcomes.push(match bench.bodies.pop() {
            Some(body) => Ok(body),
            None => {
                assert!(
                    bench
                        .told
                        .last()
                        .is_some_and(|last| last == "aborted Unfit")
                );
                Err(sent.trim_end().to_owned())
            }
        });
    }
    let first = outcomes.pop().expect("an outcome");
    for outcome in outcomes {
        assert_eq!(outcome, first, "the same for every cutting of {wire:?}");
    }
    first
}

#[test]
fn dots_are_taken_off() {
    let cases: [(&[u8], &[u8]); 10] = [
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\r\n"),
        (b"a\r\n.\r\n", b"a\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"...\r\n.\r\n", b"..\r\n"),
        (b".a\r\n.\r\n", b"a\r\n"),
        (b"..a\r\n..b\r\nc.d.\r\n.\r\n", b".a\r\n.b\r\nc.d.\r\n"),
        (b"a\r\n..\r\n.\r\n", b"a\r\n.\r\n"),
        (b"\r\n\r\n\r\n.\r\n", b"\r\n\r\n\r\n"),
        (b"\xff\xfe\r\n.\r\n", b"\xff\xfe\r\n"),
    ];
    for (wire, body) in cases {
        assert_eq!(data(wire).as_deref(), Ok(body), "{wire:?}");
    }
}

#[test]
fn nothing_but_crlf_dot_crlf_ends_a_message() {
    const BARE: &str =
        "550 5.6.0 The message has a bare CR or LF (RFC 5322 2.3): every line must end in CRLF";
    // Each is the end of a message for some server and not for another.
    for end in [
        "\n.\n",
        "\n.\r\n",
        "\r\n.\n",
        "\r.\r",
        "\r\n.\r",
        "\n.\r",
        "\r.\r\n",
        "\r\n.\r\r\n",
        ".\n",
        "\n..\n",
    ] {
        let wire = format!("a{end}MAIL FROM:<evil@b.example>\r\nb\r\n.\r\n");
        assert_eq!(data(wire.as_bytes()), Err(BARE.to_owned()), "{end:?}");
    }
    for wire in [
        "a\r\r\n.\r\n",
        "\n\r\n.\r\n",
        "a\rb\r\n.\r\n",
        "a\n\r\n.\r\n",
    ] {
        assert_eq!(data(wire.as_bytes()), Err(BARE.to_owned()), "{wire:?}");
    }
}

#[test]
fn what_is_unfit_is_refused_at_its_true_end() {
    for (wire, reply) in [
        (
            "a\0b\r\n.\r\n".to_owned(),
            "550 5.6.0 The message has a NUL octet (RFC 5322 4): encode it",
        ),
        (
            format!("{}\r\n.\r\n", "x".repeat(59)),
            "550 5.6.0 The message has a line of more than 60 octets (RFC 5322 2.1.1)",
        ),
        (
            format!("{}.\r\n", format!("{}\r\n", "x".repeat(38)).repeat(6)),
            "552 5.3.4 Message too large: at most 200 octets",
        ),
        (
            "\n\0\r\n.\r\n".to_owned(),
            "550 5.6.0 The message has a bare CR or LF (RFC 5322 2.3): every line must end in CRLF",
        ),
    ] {
        assert_eq!(data(wire.as_bytes()), Err(reply.to_owned()), "{wire:?}");
    }
    let just = format!("{}\r\n", "x".repeat(58));
    assert_eq!(
        data(format!("{just}.\r\n").as_bytes()),
        Ok(just.into_bytes())
    );
    let just = format!("{}\r\n", "x".repeat(38)).repeat(5);
    assert_eq!(
        data(format!("{just}.\r\n").as_bytes()),
        Ok(just.into_bytes())
    );
}

#[test]
fn an_unfit_message_leaves_the_session_in_step() {
    check(
        &open_settings(),
        true,
        &format!(
            "{OPENING}{GO}
            C: a{{LF}}.{{LF}}MAIL FROM:<evil@b.example>
            C: QUIT
            C: .
            S: 550 5.6.0 The message has a bare CR or LF (RFC 5322 2.3): every line must end in CRLF
            C: DATA
            S: 503 5.5.1 DATA out of order: send MAIL first
            C: MAIL FROM:<e@f.example>
            S: 250 2.1.0 Sender OK
            C: RCPT TO:<c@d.example>
            S: 250 2.1.5 Recipient OK{GO}
            C: one line REFUSE
            C: more
            C: .
            S: 554 5.6.0 Refused by its content
            C: MAIL FROM:<nodata@f.example>
            S: 250 2.1.0 Sender OK
            C: RCPT TO:<c@d.example>
            S: 250 2.1.5 Recipient OK
            C: DATA
            S: 451 4.3.0 Not now
            C: NOOP
            S: 250 2.0.0 OK
            "
        ),
        &[
            "hello x",
            "from <a@b.example>",
            "to <c@d.example>",
            "start 1",
            "aborted Unfit",
            "from <e@f.example>",
            "to <c@d.example>",
            "start 1",
            "refusing",
            "from <nodata@f.example>",
            "to <c@d.example>",
            "start 1",
        ],
    );
}

/// As [`OPENING`], with extensions.
const CHUNKED: &str = "
    S: 220 mail.example ESMTP Mailward
    C: EHLO x
    S: 250-mail.example at your service
    S: 250-CHUNKING
    S: 250-8BITMIME
    S: 250-BINARYMIME
    S: 250 ENHANCEDSTATUSCODES
    C: MAIL FROM:<a@b.example>
    S: 250 2.1.0 Sender OK
    C: RCPT TO:<c@d.example>
    S: 250 2.1.5 Recipient OK
";

fn chunked(script: &str, told: &[&str]) {
    use Extension::*;
    let settings = Settings {
        extensions: vec![Chunking, EightBitMime, BinaryMime, EnhancedStatusCodes],
        limits: Limits {
            message_octets_max: 100,
            ..Limits::default()
        },
        ..open_settings()
    };
    let all: Vec<&str> = ["hello x", "from <a@b.example>", "to <c@d.example>"]
        .into_iter()
        .chain(told.iter().copied())
        .collect();
    check(&settings, true, &format!("{CHUNKED}{script}"), &all);
}

#[test]
fn chunks_make_a_message() {
    // Chunks need not end where lines do; the script's CRLF are counted in.
    chunked(
        "
        C: BDAT 3
        C: a
        S: 250 2.0.0 3 octets received
        C: BDAT 6
        C: .
        C: b
        S: 250 2.0.0 6 octets received
        C: BDAT 0
        S: 250 2.0.0 0 octets received
        C: BDAT 0 LAST
        S: 250 2.6.0 Taken
        C: MAIL FROM:<a@b.example>
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<c@d.example>
        S: 250 2.1.5 Recipient OK
        C: BDAT 8 LAST
        C: . QUIT
        S: 250 2.6.0 Taken
        C:
        S: 500 5.5.1 Command not recognised:{SP}
        ",
        &[
            "start 1",
            "taken 9",
            "from <a@b.example>",
            "to <c@d.example>",
            "start 1",
            "taken 8",
        ],
    );
}

#[test]
fn chunks_out_of_order() {
    chunked(
        "
        C: BDAT 3
        C: a
        S: 250 2.0.0 3 octets received
        C: DATA
        S: 503 5.5.1 DATA out of order: BDAT has begun
        C: MAIL FROM:<a@b.example>
        S: 503 5.5.1 MAIL out of order: BDAT has begun
        C: RCPT TO:<a@b.example>
        S: 503 5.5.1 RCPT out of order: BDAT has begun
        C: NOOP
        S: 250 2.0.0 OK
        C: EHLO y
        S: 250-mail.example at your service
        S: 250-CHUNKING
        S: 250-8BITMIME
        S: 250-BINARYMIME
        S: 250 ENHANCEDSTATUSCODES
        C: BDAT 6
        C: QUIT
        S: 503 5.5.1 BDAT out of order: send MAIL first
        C: BDAT 0 LAST
        S: 503 5.5.1 BDAT out of order: send MAIL first
        C: MAIL FROM:<a@b.example>
        S: 250 2.1.0 Sender OK
        C: BDAT 6 LAST
        C: QUIT
        S: 503 5.5.1 BDAT out of order: no valid recipients
        C: MAIL FROM:<a@b.example> BODY=BINARYMIME
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<c@d.example>
        S: 250 2.1.5 Recipient OK
        C: DATA
        S: 503 5.5.1 BODY=BINARYMIME needs BDAT
        C: BDAT 7 LAST
        C: {CR}a{LF}{NUL}b
        S: 250 2.6.0 Taken
        ",
        &[
            "start 1",
            "aborted Reset",
            "hello y",
            "from <a@b.example>",
            "from <a@b.example>",
            "to <c@d.example>",
            "start 1",
            "taken 7",
        ],
    );
}

#[test]
fn broken_chunks() {
    chunked(
        "
        C: BDAT 9
        C: a{LF}b
        C: QU
        S: 550 5.6.0 The message has a bare CR or LF (RFC 5322 2.3): every line must end in CRLF
        C: BDAT 6 LAST
        C: QUIT
        S: 503 5.5.1 BDAT out of order: send MAIL first
        C: MAIL FROM:<a@b.example>
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<c@d.example>
        S: 250 2.1.5 Recipient OK
        C: BDAT 5 LAST
        C: {NUL}{NUL}b
        S: 550 5.6.0 The message has a NUL octet (RFC 5322 4): encode it
        C: MAIL FROM:<a@b.example>
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<c@d.example>
        S: 250 2.1.5 Recipient OK
        C: BDAT 3
        C: a
        S: 250 2.0.0 3 octets received
        C: BDAT none
        S: 501 5.5.4 Syntax: BDAT octets [LAST]
        C: RSET
        S: 250 2.0.0 OK
        C: MAIL FROM:<nodata@b.example>
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<c@d.example>
        S: 250 2.1.5 Recipient OK
        C: BDAT 6 LAST
        C: QUIT
        S: 451 4.3.0 Not now
        C: BDAT 99999999999999999999
        S: 501 5.5.4 The chunk size is beyond any limit; closing
        C: QUIT
        ",
        &[
            "start 1",
            "aborted Unfit",
            "from <a@b.example>",
            "to <c@d.example>",
            "start 1",
            "aborted Unfit",
            "from <a@b.example>",
            "to <c@d.example>",
            "start 1",
            "aborted Reset",
            "from <nodata@b.example>",
            "to <c@d.example>",
            "start 1",
        ],
    );
}

#[test]
fn chunks_over_the_limit_are_skipped() {
    let long = "x".repeat(98);
    chunked(
        &format!(
            "
            C: BDAT 3
            C: a
            S: 250 2.0.0 3 octets received
            C: BDAT 100 LAST
            C: {long}
            S: 552 5.3.4 Message too large: at most 100 octets
            C: MAIL FROM:<a@b.example>
            S: 250 2.1.0 Sender OK
            C: RCPT TO:<c@d.example>
            S: 250 2.1.5 Recipient OK
            C: BDAT 102 LAST
            C: {long}xx
            S: 552 5.3.4 Message too large: at most 100 octets
            C: MAIL FROM:<a@b.example>
            S: 250 2.1.0 Sender OK
            C: RCPT TO:<c@d.example>
            S: 250 2.1.5 Recipient OK
            C: BDAT 100 LAST
            C: {long}
            S: 250 2.6.0 Taken
            "
        ),
        &[
            "start 1",
            "aborted Unfit",
            "from <a@b.example>",
            "to <c@d.example>",
            "from <a@b.example>",
            "to <c@d.example>",
            "start 1",
            "taken 100",
        ],
    );
}

#[test]
fn a_last_chunk_must_not_end_on_a_bare_cr() {
    let mut bench = Bench::new(&open_settings(), true);
    bench.feed(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n");
    bench.sent.clear();
    bench.feed(b"BDAT 2 LAST\r\na\rNOOP\r\n");
    let sent = String::from_utf8_lossy(&bench.sent).into_owned();
    assert!(
        sent.starts_with("550 5.6.0 The message has a bare CR"),
        "{sent}"
    );
    assert!(sent.ends_with("250 2.0.0 OK\r\n"), "{sent}");
    assert!(bench.bodies.is_empty());
}
