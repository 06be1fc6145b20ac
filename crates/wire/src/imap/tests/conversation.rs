//! Scripts: `C:` from the client, `S:` to it, `E:` an event that is answered.

use crate::imap::write::Status;
use crate::imap::{Event, Server, ServerWords, State, Step};

fn words() -> ServerWords {
    let text = str::to_owned;
    ServerWords {
        bad_command: text("command"),
        bad_arguments: text("arguments"),
        wrong_state: text("state"),
        too_long: text("too long"),
        continue_literal: text("literal"),
        continue_authenticate: text(""),
        continue_idle: text("idling"),
    }
}

/// What the server sent and told, when `input` comes in pieces of `piece`
/// octets. Commands are answered `OK done`; IDLE idles; SELECT selects; an
/// APPEND to `full` is refused.
fn run(input: &[u8], piece: usize) -> Vec<String> {
    let mut server = Server::new(60, words());
    let mut log: Vec<String> = Vec::new();
    let mut pieces = input.chunks(piece);
    loop {
        match server.step() {
            Step::Read => match pieces.next() {
                Some(piece) => server.receive(piece),
                None => return log,
            },
            Step::Send(bytes) => log.push(format!("S {}", bytes.escape_ascii())),
            Step::Answer => unreachable!("every question is answered at once"),
            Step::Event(event) => {
                let mut out = Vec::new();
                match event {
                    Event::Command(command) if command.name() == "IDLE" => server.idle(),
                    Event::Command(command) => {
                        log.push(format!("E {}", command.name()));
                        if command.name() == "SELECT" {
                            server.enter(State::Selected);
                        }
                        server.complete(&mut out, Status::Ok, None, "done");
                    }
                    Event::Credentials(credentials) => {
                        log.push(format!("E {}", credentials.secret().expose()));
                        server.enter(State::Authenticated);
                        server.complete(&mut out, Status::Ok, None, "in");
                    }
                    Event::Append(append) if append.mailbox.as_str() == "full" => {
                        server.refuse_append(Status::No, Some("OVERQUOTA"), "full");
                    }
                    Event::Append(append) => {
                        log.push(format!("E append {}", append.octets));
                        server.accept_append();
                    }
                    Event::AppendChunk(chunk) => {
                        let text = chunk.escape_ascii().to_string();
                        match log.last_mut() {
                            Some(last) if last.starts_with("E chunk ") => last.push_str(&text),
                            _ => log.push(format!("E chunk {text}")),
                        }
                    }
                    Event::AppendEnd | Event::IdleDone => {
                        server.complete(&mut out, Status::Ok, None, "done");
                    }
                    Event::AppendBroken => log.push("E broken".to_owned()),
                    Event::Endless => log.push("E endless".to_owned()),
                    Event::Bad => {}
                }
                if !out.is_empty() {
                    log.push(format!("S {}", out.escape_ascii()));
                }
            }
        }
    }
}

/// Runs `client` in pieces of every length; the log is the same each time.
#[track_caller]
fn check(client: &str, expected: &[&str]) {
    for piece in 1..=client.len() {
        assert_eq!(
            run(client.as_bytes(), piece),
            expected,
            "in pieces of {piece}"
        );
    }
}

#[test]
fn signs_in_by_every_way() {
    check(
        "a LOGIN asha secret\r\nb NOOP\r\n",
        &["E secret", r"S a OK in\r\n", "E NOOP", r"S b OK done\r\n"],
    );
    check(
        "a LOGIN {4}\r\nasha {6}\r\nsecret\r\n",
        &[
            r"S + literal\r\n",
            r"S + literal\r\n",
            "E secret",
            r"S a OK in\r\n",
        ],
    );
    check(
        "a AUTHENTICATE PLAIN\r\nAGFzaGEAc2VjcmV0\r\n",
        &[r"S + \r\n", "E secret", r"S a OK in\r\n"],
    );
    check(
        "a AUTHENTICATE PLAIN AGFzaGEAc2VjcmV0\r\n",
        &["E secret", r"S a OK in\r\n"],
    );
    check(
        "a AUTHENTICATE PLAIN\r\n*\r\nb NOOP\r\n",
        &[
            r"S + \r\n",
            r"S a BAD arguments\r\n",
            "E NOOP",
            r"S b OK done\r\n",
        ],
    );
    check("a AUTHENTICATE PLAIN =\r\n", &[r"S a BAD arguments\r\n"]);
}

const IN: &str = "a LOGIN asha secret\r\n";

/// As [`check`], after signing in.
#[track_caller]
fn check_in(client: &str, expected: &[&str]) {
    let expected = [&["E secret", r"S a OK in\r\n"], expected].concat();
    check(&format!("{IN}{client}"), &expected);
}

#[test]
fn commands_wait_for_their_state() {
    check("a SELECT INBOX\r\n", &[r"S a BAD state\r\n"]);
    check_in("b LOGIN asha secret\r\n", &[r"S b BAD state\r\n"]);
    check_in("b FETCH 1 FLAGS\r\n", &[r"S b BAD state\r\n"]);
    check_in(
        "b SELECT INBOX\r\nc FETCH 1 FLAGS\r\n",
        &[
            "E SELECT",
            r"S b OK done\r\n",
            "E FETCH",
            r"S c OK done\r\n",
        ],
    );
}

#[test]
fn answers_nonsense_and_stays_in_step() {
    check("nonsense\r\n", &[r"S * BAD command\r\n"]);
    check(
        "a FOO\r\n\r\nb NOOP\r\n",
        &[r"S a BAD command\r\n", "E NOOP", r"S b OK done\r\n"],
    );
    check("a NOOP x\r\n", &[r"S a BAD arguments\r\n"]);
    let long = "x".repeat(70);
    check(
        &format!("a {long}\r\nb NOOP\r\n"),
        &[r"S a BAD too long\r\n", "E NOOP", r"S b OK done\r\n"],
    );
    check(
        &format!("a LOGIN {{70+}}\r\n{long} x\r\nb NOOP\r\n"),
        &[r"S a BAD too long\r\n", "E NOOP", r"S b OK done\r\n"],
    );
    check(
        "a LOGIN {70}\r\nb NOOP\r\n",
        &[r"S a BAD too long\r\n", "E NOOP", r"S b OK done\r\n"],
    );
}

#[test]
fn appends_are_streamed_or_refused() {
    let body = "x".repeat(100);
    check_in(
        &format!("b APPEND INBOX {{100}}\r\n{body}\r\nc NOOP\r\n"),
        &[
            "E append 100",
            r"S + literal\r\n",
            &format!("E chunk {body}"),
            r"S b OK done\r\n",
            "E NOOP",
            r"S c OK done\r\n",
        ],
    );
    check_in(
        "b APPEND {5+}\r\nINBOX (\\Seen) {3+}\r\nabc\r\n",
        &["E append 3", "E chunk abc", r"S b OK done\r\n"],
    );
    check_in(
        "b APPEND full {9}\r\nc NOOP\r\n",
        &[r"S b NO [OVERQUOTA] full\r\n", "E NOOP", r"S c OK done\r\n"],
    );
    check_in(
        "b APPEND full {9+}\r\nc NOOP\r\n\r\n\r\nd NOOP\r\n",
        &[r"S b NO [OVERQUOTA] full\r\n", "E NOOP", r"S d OK done\r\n"],
    );
    check_in(
        "b APPEND INBOX {3+}\r\nabc x\r\nc NOOP\r\n",
        &[
            "E append 3",
            "E chunk abc",
            r"S b BAD arguments\r\n",
            "E broken",
            "E NOOP",
            r"S c OK done\r\n",
        ],
    );
    // Several messages at once (RFC 3502) are not offered.
    check_in(
        "b APPEND INBOX {3+}\r\nabc {3+}\r\nabc\r\nc NOOP\r\n",
        &[
            "E append 3",
            "E chunk abc",
            r"S b BAD arguments\r\n",
            "E broken",
            "E NOOP",
            r"S c OK done\r\n",
        ],
    );
    check("b APPEND INBOX {70}\r\n", &[r"S b BAD state\r\n"]);
    check("b APPEND INBOX {3+}\r\nabc\r\n", &[r"S b BAD state\r\n"]);
}

#[test]
fn idles_until_done() {
    check_in(
        "b IDLE\r\nDONE\r\nc NOOP\r\n",
        &[
            r"S + idling\r\n",
            r"S b OK done\r\n",
            "E NOOP",
            r"S c OK done\r\n",
        ],
    );
    check_in(
        "b IDLE\r\nc NOOP\r\nd NOOP\r\n",
        &[
            r"S + idling\r\n",
            r"S b BAD command\r\n",
            "E NOOP",
            r"S d OK done\r\n",
        ],
    );
}
