//! `cargo xtask bench rules`: what judging costs, beside passes over the same
//! octets that do nothing but count line ends or undo base64.
//!
//! ```text
//!   4 KB message ─▶ header facts, content, all rules ─▶ microseconds
//!   10 MB message ─▶ content, in pieces of 64 KiB ─▶ MB/s, and times a peer's
//! ```
//!
//! Each figure is the median of several rounds; those of one line are taken by
//! turns, so that the ratio holds however busy the machine is. Nothing here is
//! asserted.
#![allow(
    clippy::disallowed_methods,
    reason = "a measurement reads the real clock"
)]

use std::hint::black_box;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mailward_policy::content::Scanner;
use mailward_policy::{Catalogue, MessageFacts, judge, sample};

use crate::run::Result;

const SMALL_OCTETS: usize = 4096;
const LARGE_OCTETS: usize = 10 * 1024 * 1024;
/// As a socket gives them.
const PIECE_OCTETS: usize = 64 * 1024;
const ROUNDS: usize = 7;
const SMALL_MESSAGES: u32 = 20_000;

pub(crate) fn rules(words: &[&str]) -> Result {
    if !words.is_empty() {
        return Err("bench rules takes no further words".into());
    }
    println!("rules: {}", Catalogue::default().rules().count());
    let sound = small(
        sample::HEADER,
        "Please come ten minutes before your time.\r\n",
    );
    let broken = small(
        "From: matron@northmoor.example\nReply-To: no-reply@x.invalid\nSubject: 1\nSubject: 2",
        "999 000 0018, DOB 01/02/1980\r\n",
    );
    println!("\nmessages of 4 KB: header facts, content, every rule");
    for (name, message) in [("sound", &sound), ("broken", &broken)] {
        small_cost(name, message);
    }
    println!("\nmessages of 10 MB: content alone, in pieces of 64 KiB");
    println!(
        "  {:28} {:>8} {:>16} {:>16}",
        "", "MB/s", "x line count", "x base64"
    );
    let prose = "Please come ten minutes before your time to the clinic.\r\n";
    let row = "Patel,Asha,999 000 0026,1980-02-01,Ward 12,4711\r\n";
    for (name, message) in [
        (
            "PDF as base64",
            attachment("application/pdf", "letter.pdf", prose),
        ),
        ("CSV as base64", attachment("text/csv", "list.csv", row)),
        ("plain text", plain(prose)),
        ("plain text of numbers", plain(row)),
        ("HTML", html(prose)),
    ] {
        large_cost(name, &message);
    }
    Ok(())
}

fn small_cost(name: &str, message: &[u8]) {
    let catalogue = Catalogue::default();
    let mut facts = sample::facts();
    let mut findings = 0;
    let mut rounds = Vec::with_capacity(ROUNDS);
    let mut counted = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..SMALL_MESSAGES {
            let message = black_box(message);
            facts.message = MessageFacts::read(message, message.len() as u64);
            facts.content = scan(message);
            findings = black_box(judge(&facts, &catalogue)).findings.len();
        }
        rounds.push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        for _ in 0..SMALL_MESSAGES {
            black_box(line_ends(black_box(message)));
        }
        counted.push(start.elapsed().as_secs_f64());
    }
    let micros = median(rounds) * 1e6 / f64::from(SMALL_MESSAGES);
    let peer = median(counted) * 1e6 / f64::from(SMALL_MESSAGES);
    println!(
        "  {name:8} {micros:6.2} us a message of {} octets, {findings} findings ({peer:.2} us to count its lines)",
        message.len()
    );
}

fn large_cost(name: &str, message: &[u8]) {
    // The peer cannot pass over line ends, so it gets none.
    let encoded = STANDARD.encode(vec![0x55; message.len() / 4 * 3]);
    let (mut own, mut lines, mut decoded) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let start = Instant::now();
        black_box(scan(black_box(message)));
        own.push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        black_box(line_ends(black_box(message)));
        lines.push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        let _ = black_box(STANDARD.decode(black_box(&encoded)));
        decoded.push(start.elapsed().as_secs_f64());
    }
    let own = median(own);
    println!(
        "  {name:28} {:8.0} {:16.1} {:16.2}",
        message.len() as f64 / 1e6 / own,
        own / median(lines),
        own / median(decoded)
    );
}

fn scan(message: &[u8]) -> mailward_policy::ContentFacts {
    let mut scanner = Scanner::new();
    for piece in message.chunks(PIECE_OCTETS) {
        scanner.feed(piece);
    }
    scanner.finish()
}

fn line_ends(message: &[u8]) -> usize {
    message
        .chunks(PIECE_OCTETS)
        .map(|piece| memchr::memchr_iter(b'\n', piece).count())
        .sum()
}

fn median(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

/// With a header section as long as real mail has it after a few servers.
fn small(header: &str, line: &str) -> Vec<u8> {
    let mut text = String::new();
    for hop in 0..4 {
        text.push_str(&format!(
            "Received: from app{hop}.northmoor.example (192.0.2.{hop})\r\n\tby mail{hop}.northmoor.example \
             with ESMTPS id 01JD4Q0V8Z5N3T7KX2M9;\r\n\tSat, 21 Nov 2026 09:30:0{hop} +0000\r\n"
        ));
    }
    text.push_str(&header.replace('\n', "\r\n"));
    text.push_str("\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n");
    while text.len() < SMALL_OCTETS {
        text.push_str(line);
    }
    text.into_bytes()
}

fn plain(line: &str) -> Vec<u8> {
    let mut text = sample::HEADER.replace('\n', "\r\n") + "\r\n\r\n";
    text.push_str(&line.repeat(LARGE_OCTETS / line.len()));
    text.into_bytes()
}

fn html(line: &str) -> Vec<u8> {
    let line = format!("<tr><td class=\"a\">{}</td></tr>\r\n", line.trim_end());
    let mut text = sample::HEADER.replace('\n', "\r\n");
    text.push_str("\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<table>");
    text.push_str(&line.repeat(LARGE_OCTETS / line.len()));
    text.into_bytes()
}

fn attachment(media_type: &str, name: &str, line: &str) -> Vec<u8> {
    let mut text = sample::HEADER.replace('\n', "\r\n");
    text.push_str(&format!(
        "\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee below.\r\n\
         --b\r\nContent-Type: {media_type}; name={name}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    ));
    let encoded = STANDARD.encode(line.repeat(LARGE_OCTETS * 3 / 4 / line.len()));
    for line in encoded.as_bytes().chunks(76) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push_str("\r\n");
    }
    text.push_str("--b--\r\n");
    text.into_bytes()
}
