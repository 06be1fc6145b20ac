//! Bytes that nobody sane would send: no panic, no unbounded memory.

use crate::imap::write::Status;
use crate::imap::{Dialect, Event, Server, ServerWords, State, Step, parse_command};

/// A small generator of its own (xorshift), so that a failure can be repeated.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits")
    }
}

const SEEDS: [&str; 10] = [
    "a LOGIN \"asha\" {6+}\r\nsecret\r\n",
    "a AUTHENTICATE XOAUTH2 dXNlcg==\r\n",
    "a APPEND \"Sent Items\" (\\Seen) \" 1-Nov-2026 09:05:07 +0000\" {3+}\r\nabc\r\n",
    "a UID FETCH 1:*,9 (FLAGS BODY.PEEK[1.2.HEADER.FIELDS (From \"To\")]<0.9>)\r\n",
    "a SEARCH CHARSET UTF-8 OR NOT (SEEN 1:2) SUBJECT \"x\" ON 1-Jan-2026\r\n",
    "a STORE 1:2 +FLAGS.SILENT (\\Deleted $MDNSent)\r\n",
    "a STATUS Entw&APw-rfe (MESSAGES UNSEEN)\r\n",
    "a LIST \"\" \"%/*\"\r\n",
    "a ID (\"name\" NIL)\r\n",
    "a IDLE\r\nDONE\r\n",
];

fn mutated(noise: &mut Noise) -> Vec<u8> {
    let mut bytes = SEEDS[noise.next() % SEEDS.len()].as_bytes().to_vec();
    for _ in 0..noise.next() % 6 {
        let place = noise.next() % bytes.len();
        match noise.next() % 4 {
            0 => bytes[place] = u8::try_from(noise.next() & 0xff).expect("one octet"),
            1 => {
                bytes.remove(place);
            }
            2 => {
                let odd = *b"{}()[]<>\"\\\r\n&-*%+\0~"
                    .get(noise.next() % 19)
                    .expect("within");
                bytes.insert(place, odd);
            }
            _ => {
                let end = (place + noise.next() % 8).min(bytes.len());
                let piece = bytes[place..end].to_vec();
                bytes.splice(place..place, piece);
            }
        }
        if bytes.is_empty() {
            bytes.push(b'\n');
        }
    }
    bytes
}

#[test]
fn mutated_commands_never_panic_and_always_come_back() {
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    for _ in 0..60_000 {
        let bytes = mutated(&mut noise);
        if let Ok(tagged) = parse_command(&bytes, Dialect::FULL) {
            let wire = tagged.to_bytes();
            let again = parse_command(&wire[..wire.len() - 2], Dialect::FULL);
            assert!(again.is_ok(), "{} {again:?}", bytes.escape_ascii());
        }
    }
}

#[test]
fn mutated_conversations_never_panic() {
    let text = || "x".to_owned();
    let mut noise = Noise(42);
    for _ in 0..400 {
        let mut server = Server::new(
            200,
            ServerWords {
                bad_command: text(),
                bad_arguments: text(),
                wrong_state: text(),
                too_long: text(),
                continue_literal: text(),
                continue_authenticate: text(),
                continue_idle: text(),
            },
        );
        server.enter([State::NotAuthenticated, State::Selected][noise.next() % 2]);
        let mut reads = 50;
        while reads > 0 {
            match server.step() {
                Step::Read => {
                    server.receive(&mutated(&mut noise));
                    reads -= 1;
                }
                Step::Send(_) => {}
                Step::Answer => unreachable!("answered at once"),
                Step::Event(Event::Append(_)) => server.accept_append(),
                Step::Event(Event::Command(command)) if command.name() == "IDLE" => server.idle(),
                Step::Event(
                    Event::Command(_) | Event::Credentials(_) | Event::AppendEnd | Event::IdleDone,
                ) => server.complete(&mut Vec::new(), Status::Ok, None, "done"),
                Step::Event(_) => {}
            }
        }
    }
}

#[test]
fn deep_nesting_is_refused() {
    for (open, close) in [("(", ")"), ("NOT ", "")] {
        let deep = format!("a SEARCH {}ALL{}", open.repeat(5000), close.repeat(5000));
        assert!(parse_command(deep.as_bytes(), Dialect::FULL).is_err());
    }
    let parts = vec!["1"; 5000].join(".");
    assert!(parse_command(format!("a FETCH 1 BODY[{parts}]").as_bytes(), Dialect::FULL).is_err());
}
