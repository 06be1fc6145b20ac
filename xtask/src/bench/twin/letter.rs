//! The messages that are sent, each unlike every other, and what is known of
//! all of them together.

use aws_lc_rs::digest::{SHA256, digest};
use memchr::memmem;

/// What a message begins with as it was sent: servers put fields above it.
const START: &str = "Message-ID: <";

/// Words of letters; which of them a letter has goes by its number.
const WORDS: [&str; 24] = [
    "appointment",
    "clinic",
    "result",
    "blood",
    "referral",
    "Tuesday",
    "ward",
    "letter",
    "please",
    "bring",
    "this",
    "with",
    "you",
    "and",
    "tell",
    "us",
    "early",
    "if",
    "cannot",
    "come",
    "reception",
    "ground",
    "floor",
    "north",
];

/// The `number`th message for `to`, about `octets` long, without the final
/// dot. No line begins with a dot.
pub(super) fn letter(number: u64, to: &str, octets: usize) -> Vec<u8> {
    let mut text = format!(
        "{START}{number:020}@bench.northmoor.example>\r\n\
         From: Letters <letters@northmoor.example>\r\n\
         To: <{to}>\r\n\
         Subject: Appointment {number}\r\n\
         Date: Sat, 21 Nov 2026 09:30:00 +0000\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=us-ascii\r\n\r\n"
    );
    let mut chance = number;
    while text.len() + 80 < octets {
        for _ in 0..8 {
            // Knuth's MMIX constants; any mixing would do.
            chance = chance
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            text.push_str(WORDS[(chance >> 33) as usize % WORDS.len()]);
            text.push(' ');
        }
        text.push_str("\r\n");
    }
    text.push_str(&format!("Reference ref-{number:010}\r\n"));
    text.into_bytes()
}

/// How many messages, and a hash of all of them in whatever order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) count: u64,
    hashes: u128,
}

impl Sum {
    /// A message as it was sent, or as it came back with fields on top.
    pub(super) fn add(&mut self, message: &[u8]) {
        let start = memmem::find(message, START.as_bytes()).unwrap_or(0);
        let mut first = [0; 16];
        first.copy_from_slice(&digest(&SHA256, &message[start..]).as_ref()[..16]);
        self.count += 1;
        self.hashes = self.hashes.wrapping_add(u128::from_be_bytes(first));
    }

    pub(super) fn join(&mut self, other: Self) {
        self.count += other.count;
        self.hashes = self.hashes.wrapping_add(other.hashes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_knows_what_is_lost_changed_or_doubled() {
        let letters: Vec<Vec<u8>> = (0..3).map(|n| letter(n, "a@x.example", 600)).collect();
        let sum = |chosen: &[&[u8]]| {
            let mut sum = Sum::default();
            chosen.iter().for_each(|one| sum.add(one));
            sum
        };
        let [a, b, c] = [&letters[0][..], &letters[1], &letters[2]];
        let whole = sum(&[a, b, c]);
        let topped = [&b"Received: here\r\n"[..], b].concat();
        assert_eq!(whole, sum(&[c, &topped, a]));
        for other in [&[a, b][..], &[a, b, b], &[a, b, &c[..c.len() - 1]]] {
            assert_ne!(whole, sum(other));
        }
        assert!((500..700).contains(&a.len()));
    }
}
