//! Header sections made to break readers: judged, never a panic, and never a
//! verdict that grows with the message.

use std::time::Duration;

use mailward_policy::content::{FINDINGS_MAX as IDENTIFIERS_MAX, Scanner};
use mailward_policy::{Catalogue, ContentFacts, Decision, MessageFacts, Verdict, judge, sample};

fn scan(message: &[u8], size: usize) -> ContentFacts {
    let mut scanner = Scanner::new();
    for piece in message.chunks(size.max(1)) {
        scanner.feed(piece);
    }
    let facts = scanner.finish();
    assert!(facts.identifiers.len() <= IDENTIFIERS_MAX);
    facts
}

/// Octets without pattern, the same in every run.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let next = move || {
        // Knuth's generator; its high octets are the random ones.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// Pieces of mail, put together without sense.
const SCRAPS: [&str; 24] = [
    "Content-Type: multipart/mixed; boundary=b\r\n",
    "Content-Type: text/html; charset=utf-16le\r\n",
    "Content-Type: message/rfc822\r\n",
    "Content-Transfer-Encoding: base64\r\n",
    "Content-Transfer-Encoding: quoted-printable\r\n",
    "Content-Disposition: attachment; filename*0*=utf-8''%39990; filename*1=000018.txt\r\n",
    "Subject: =?utf-8?q?[secure] 999 000 0018?= SECRET\r\n",
    "\r\n",
    "\n",
    "\r",
    "--b\r\n",
    "--b--\r\n",
    "--",
    "999 000 0018",
    "9990000018 ",
    "DOB: 01/02/1980 ",
    "MRN 123456\r\n",
    "OFFICIAL-SENSITIVE\r\n",
    "<p>&#x39;99&nbsp;<style>",
    "</style><!-- - -->",
    "=39=\r\n",
    "OTk5MDAwMDAxOAo=",
    "Dear Asha,\r\n",
    "\u{feff}\u{a0}\u{2011}\u{e9}",
];

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

#[test]
fn content_is_read_the_same_wherever_pieces_end() {
    for seed in 0..60 {
        let mut message = Vec::new();
        for octet in noise(seed, 60) {
            message.extend_from_slice(SCRAPS[usize::from(octet) % SCRAPS.len()].as_bytes());
        }
        let whole = scan(&message, message.len());
        for size in [1, 2, 3, 5, 11, 100] {
            assert_eq!(scan(&message, size), whole, "{seed} by {size}");
        }
        for cut in 0..message.len() {
            let mut scanner = Scanner::new();
            scanner.feed(&message[..cut]);
            scanner.feed(&message[cut..]);
            assert_eq!(scanner.finish(), whole, "{seed} cut at {cut}");
        }
    }
}

#[test]
fn content_of_any_octets_is_read() {
    for seed in 0..40 {
        let octets = noise(seed, 4000);
        assert_eq!(scan(&octets, 4000), scan(&octets, 7), "{seed}");
        for header in [
            "Content-Type: text/plain; charset=utf-16\r\n\r\n",
            "Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
            "Content-Type: text/csv\r\nContent-Transfer-Encoding: base64\r\n\r\n",
        ] {
            let message = [header.as_bytes(), &octets].concat();
            assert_eq!(scan(&message, 4000), scan(&message, 7), "{seed} {header}");
        }
    }
}

#[test]
fn deep_endless_and_countless_content_is_read() {
    let deep: String = (0..500)
        .map(|level| {
            format!("Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n")
        })
        .collect::<String>()
        + "\r\n9990000018\r\n";
    assert_eq!(scan(deep.as_bytes(), 1000).identifiers.len(), 1);
    let messages = "Content-Type: message/rfc822\r\n\r\n".repeat(500) + "\r\n9990000018\r\n";
    assert_eq!(scan(messages.as_bytes(), 1000).identifiers.len(), 1);
    let parts = "Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_owned()
        + &"--b\r\n\r\n9990000018\r\n".repeat(5000);
    let facts = scan(parts.as_bytes(), 1000);
    assert!(facts.cut_short && !facts.identifiers.is_empty());
    let endless = "\r\n".to_owned() + &"x".repeat(3_000_000) + " 9990000018";
    assert_eq!(scan(endless.as_bytes(), 4096).identifiers.len(), 1);
    for repeated in [
        "9", "9 ", "<", "&", "=", "--b\r\n", "DOB ", "\u{b}", "=?", "1/",
    ] {
        scan(
            ("\r\n".to_owned() + &repeated.repeat(300_000)).as_bytes(),
            4096,
        );
        let html = "Content-Type: text/html\r\n\r\n".to_owned() + &repeated.repeat(300_000);
        scan(html.as_bytes(), 4096);
        let subject = "Subject: ".to_owned() + &repeated.repeat(20_000) + "\r\n\r\n";
        scan(subject.as_bytes(), 4096);
    }
}
