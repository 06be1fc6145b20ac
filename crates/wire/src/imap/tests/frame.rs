//! Framing wherever reads end.

use crate::imap::frame::{Frame, Framer};

/// Frames as text: literals are accepted when they fit, streamed when they
/// announce more than 20 octets in an APPEND, else refused.
fn frames(input: &[u8], piece: usize) -> Vec<String> {
    let mut framer = Framer::new(40);
    let mut frames: Vec<String> = Vec::new();
    for piece in input.chunks(piece) {
        framer.receive(piece);
        while let Some(frame) = framer.next() {
            match frame {
                Frame::Command(command) => {
                    frames.push(format!("command {}", command.escape_ascii()));
                }
                Frame::Literal(announced) => {
                    let append = framer.so_far().starts_with(b"a APPEND");
                    if append {
                        framer.stream();
                        frames.push("stream ".to_owned());
                    } else if framer.fits(announced) {
                        framer.accept();
                    } else {
                        frames.push(format!("refuse {:?}", framer.tag()));
                        framer.refuse(200);
                    }
                }
                Frame::Chunk(chunk) => {
                    let text = chunk.escape_ascii().to_string();
                    frames.last_mut().expect("a stream").push_str(&text);
                }
                Frame::ChunksEnd => frames.push("end".to_owned()),
                Frame::TooLong { tag } => frames.push(format!("too long {tag:?}")),
                Frame::Endless => frames.push("endless".to_owned()),
            }
        }
    }
    frames
}

#[track_caller]
fn check(input: &str, expected: &[&str]) {
    for piece in 1..=input.len() {
        assert_eq!(frames(input.as_bytes(), piece), expected, "by {piece}");
    }
}

#[test]
fn cuts_lines_and_literals_wherever_reads_end() {
    check("a NOOP\r\nb NOOP\n", &["command a NOOP", "command b NOOP"]);
    check(
        "a LOGIN {4}\r\nasha {3+}\r\np w\r\nb NOOP\r\n",
        &[r"command a LOGIN {4}\r\nasha {3+}\r\np w", "command b NOOP"],
    );
    check("a X {0}\r\n\r\n", &[r"command a X {0}\r\n"]);
    check(
        "a X {}\r\nb {5a}\r\n",
        &["command a X {}", "command b {5a}"],
    );
    check(
        "a APPEND INBOX {6+}\r\nx\r\ny\r\n\r\nb NOOP\r\n",
        &[r"stream x\r\ny\r\n", "end", "command ", "command b NOOP"],
    );
    check(
        "a APPEND INBOX {0+}\r\n\r\n",
        &["stream ", "end", "command "],
    );
}

#[test]
fn drops_what_is_too_long_and_stays_in_step() {
    let long = "x".repeat(50);
    check(
        &format!("a {long}\r\nb NOOP\r\n"),
        &["too long Some(\"a\")", "command b NOOP"],
    );
    check(
        &format!("{long}\r\nb NOOP\r\n"),
        &["too long None", "command b NOOP"],
    );
    check("a LOGIN {99+}\r\n", &["refuse Some(\"a\")"]);
    let literal = "a NOOP\r\n".repeat(10);
    check(
        &format!("a LOGIN {{80+}}\r\n{literal} {{2+}}\r\nhi\r\nb NOOP\r\n"),
        &[
            "refuse Some(\"a\")",
            "too long Some(\"a\")",
            "command b NOOP",
        ],
    );
    check(
        &format!("a {long}{{8+}}\r\na NOOP\r\n\r\nb NOOP\r\n"),
        &["too long Some(\"a\")", "command b NOOP"],
    );
    // The client waits for a continuation that never comes.
    check(
        &format!("a {long}{{80}}\r\nb NOOP\r\n"),
        &["too long Some(\"a\")", "command b NOOP"],
    );
    check(
        "a LOGIN {80}\r\nb NOOP\r\n",
        &["refuse Some(\"a\")", "command b NOOP"],
    );
    check(
        "a X {99999999999999999999999}\r\nb NOOP\r\n",
        &["refuse Some(\"a\")", "command b NOOP"],
    );
}

#[test]
fn does_not_wait_for_what_never_ends() {
    let refused = r#"refuse Some("a")"#;
    for literal in ["{4294967295+}", "{99999999999999999999999+}", "{201+}"] {
        check(
            &format!("a LOGIN {literal}\r\nx y\r\nb NOOP\r\n"),
            &[refused, "endless"],
        );
    }
    // Several that are too much together.
    let literal = "x".repeat(80);
    check(
        &format!("a LOGIN {{80+}}\r\n{literal} {{80+}}\r\n{literal} {{80+}}\r\nb NOOP\r\n"),
        &[refused, "endless"],
    );
    let long = "x".repeat(1024);
    let mut framer = Framer::new(40);
    let found = (0..2048).find_map(|_| {
        framer.receive(long.as_bytes());
        framer.next()
    });
    assert_eq!(found, Some(Frame::Endless), "a line without an end");
    framer.receive(b"\r\nb NOOP\r\n");
    assert_eq!(framer.next(), None);
}

#[test]
fn shows_no_contents() {
    let mut framer = Framer::new(100);
    framer.receive(b"a LOGIN asha secret\r\n");
    let frame = framer.next();
    for shown in [format!("{framer:?}"), format!("{frame:?}")] {
        assert!(
            !shown.contains("secret") && !shown.contains("115"),
            "{shown}"
        );
    }
}
