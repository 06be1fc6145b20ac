//! Header sections made to break readers: judged, never a panic, and never a
//! verdict that grows with the message.

use std::time::Duration;

use mailward_policy::{Catalogue, Decision, MessageFacts, Verdict, judge, sample};

/// Findings that one message can cause, whatever is in it.
const FINDINGS_MAX: usize = 64;

fn verdict(header: &[u8]) -> Verdict {
    let mut facts = sample::facts();
    facts.message = MessageFacts::read(header, header.len() as u64);
    let verdict = judge(&facts, &Catalogue::default());
    assert!(verdict.findings.len() <= FINDINGS_MAX);
    if let Some(reply) = verdict.refusal() {
        let mut wire = Vec::new();
        reply.write_to(&mut wire);
        assert!(wire.is_ascii() && wire.len() < 8192);
    }
    verdict
}

#[test]
fn giant_and_odd_headers_are_refused() {
    let field = |name: &str, value: &str, times: usize| {
        format!("{name}: {}\r\n\r\n", value.repeat(times)).into_bytes()
    };
    for header in [
        b"".to_vec(),
        b"\r\n".to_vec(),
        b":\r\n:\r\n\r\n".to_vec(),
        b"From:".to_vec(),
        b"From: \xff\xfe\x00@\x80\r\n\r\n".to_vec(),
        b"From: a@b.example\r\n\0\r\n\r\n".to_vec(),
        b" \r\n \r\nFrom: a@b.example\r\n\r\n".to_vec(),
        field("From", "a@b.example,", 20_000),
        field("Reply-To", "noreply@x.invalid,", 20_000),
        field("From", "(", 200_000),
        field("From", "\"", 200_001),
        field("From", "\\", 200_000),
        field("From", "<", 200_000),
        field("From", "@", 200_000),
        field("From", "a:;", 60_000),
        field("From", "=?utf-8?q?=?= ", 18_000),
        field("From", "é", 100_000),
        field("X-Mailward-Data-Class", "-_: ", 60_000),
        "From: a@b.example\r\n".repeat(20_000).into_bytes(),
        "stray\r\n".repeat(60_000).into_bytes(),
        b"\r".repeat(300_000),
        b"\0".repeat(300_000),
    ] {
        let verdict = verdict(&header);
        assert_eq!(
            verdict.decision,
            Decision::Refuse,
            "{:?}",
            String::from_utf8_lossy(&header[..header.len().min(40)])
        );
    }
}

#[test]
fn every_cut_and_every_flipped_octet_is_judged() {
    let sound = sample::HEADER.replace('\n', "\r\n") + "\r\n\r\nbody\r\n";
    for end in 0..sound.len() {
        verdict(&sound.as_bytes()[..end]);
    }
    for index in 0..sound.len() {
        for octet in [
            0, b'\r', b'\n', b'"', b'(', b'<', b',', b':', b'\\', 0x80, 0xff,
        ] {
            let mut changed = sound.clone().into_bytes();
            changed[index] = octet;
            verdict(&changed);
        }
    }
}

#[test]
fn addresses_of_every_shape_go_through_every_rule() {
    let locals = [
        "a",
        "\"\"",
        "\"a b\"",
        "\"\\\"@\"",
        "é",
        "no-reply",
        "+",
        "'",
    ];
    let domains = [
        "b.example",
        "[192.0.2.1]",
        "[IPv6:::1]",
        "b",
        "é.example",
        "1.2",
        "invalid",
    ];
    for local in locals {
        for domain in domains {
            for field in ["From", "Sender", "Reply-To", "To"] {
                verdict(format!("{field}: {local}@{domain}\r\n\r\n").as_bytes());
                verdict(format!("{field}: \"é, x (É)\" <{local}@{domain}>\r\n\r\n").as_bytes());
            }
        }
    }
}

#[test]
fn an_expiry_at_the_end_of_time_is_no_trouble() {
    let mut facts = sample::facts();
    if let Some(application) = &mut facts.application {
        application.approval_expires = Some(facts.at.minus(Duration::MAX));
    }
    let verdict = judge(&facts, &Catalogue::default());
    assert_eq!(verdict.decision, Decision::Refuse);
}
