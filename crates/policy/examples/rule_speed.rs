//! Measures what judging costs: facts read from the header section of a 4 KB
//! message, then all rules. Prints microseconds a message.
//!
//! `cargo run --release -p mailward-policy --example rule_speed`
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement reads the real clock and prints"
)]

use std::hint::black_box;
use std::time::Instant;

use mailward_policy::{Catalogue, MessageFacts, judge, sample};

const MESSAGE_OCTETS: usize = 4096;
const MESSAGES: u32 = 100_000;
const ROUNDS: usize = 5;

fn main() {
    let sound = message(sample::HEADER);
    let broken = message(
        "From: matron@northmoor.example\nReply-To: no-reply@x.invalid\nSubject: 1\nSubject: 2",
    );
    println!("rules: {}", Catalogue::default().rules().count());
    for (name, message) in [("sound", &sound), ("broken", &broken)] {
        let mut facts = sample::facts();
        facts.message = MessageFacts::read(message, message.len() as u64);
        let findings = judge(&facts, &Catalogue::default()).findings.len();
        let mut rounds: Vec<f64> = (0..ROUNDS).map(|_| micros_a_message(message)).collect();
        rounds.sort_by(f64::total_cmp);
        println!(
            "{name}, {findings} findings: {:.2} us a message of {} octets (median of {ROUNDS} rounds of {MESSAGES})",
            rounds[ROUNDS / 2],
            message.len()
        );
    }
}

fn micros_a_message(message: &[u8]) -> f64 {
    let catalogue = Catalogue::default();
    let mut facts = sample::facts();
    let start = Instant::now();
    for _ in 0..MESSAGES {
        facts.message = MessageFacts::read(black_box(message), message.len() as u64);
        black_box(judge(&facts, &catalogue));
    }
    start.elapsed().as_secs_f64() * 1e6 / f64::from(MESSAGES)
}

/// With a header section as long as real mail has it after a few servers.
fn message(header: &str) -> Vec<u8> {
    let mut text = String::new();
    for hop in 0..4 {
        text.push_str(&format!(
            "Received: from app{hop}.northmoor.example (192.0.2.{hop})\r\n\tby mail{hop}.northmoor.example \
             with ESMTPS id 01JD4Q0V8Z5N3T7KX2M9;\r\n\tSat, 21 Nov 2026 09:30:0{hop} +0000\r\n"
        ));
    }
    text.push_str(&header.replace('\n', "\r\n"));
    text.push_str("\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n");
    while text.len() < MESSAGE_OCTETS {
        text.push_str("Please come ten minutes before the appointed time.\r\n");
    }
    text.into_bytes()
}
