//! The message that is sent again and again, under a new Message-ID each time.

use super::peer::{FROM, TO};

/// Digits of the number within the Message-ID.
const DIGITS: usize = 20;

/// A message as DATA carries it, final dot included. Only the Message-ID
/// changes from one sending to the next, in place.
#[derive(Clone, Debug)]
pub(super) struct Message {
    bytes: Vec<u8>,
    number_at: usize,
}

impl Message {
    /// `octets` counts headers and body, without the final dot.
    pub(super) fn new(octets: usize) -> Self {
        let start = format!(
            "From: \"Letters, Clinic\" <{FROM}>\r\n\
             To: <{TO}>\r\n\
             Subject: Appointment letter\r\n\
             Date: Wed, 05 Nov 2025 10:00:00 +0000\r\n\
             MIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=us-ascii\r\n\
             Message-ID: <"
        );
        let number_at = start.len();
        let mut text = format!("{start}{:0>DIGITS$}@bench.northmoor.example>\r\n\r\n", 0);
        const LINE: &str =
            "Please bring this letter with you, and tell us early if you can't come.\r\n";
        while text.len() + LINE.len() <= octets {
            text.push_str(LINE);
        }
        text.push_str(".\r\n");
        Self {
            bytes: text.into_bytes(),
            number_at,
        }
    }

    /// The bytes to send for the `number`th message.
    pub(super) fn numbered(&mut self, number: u64) -> &[u8] {
        let digits = format!("{number:0>DIGITS$}");
        self.bytes[self.number_at..self.number_at + DIGITS].copy_from_slice(digits.as_bytes());
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_once_and_is_as_long_as_asked() {
        for octets in [4096, 51_200] {
            let mut message = Message::new(octets);
            let text = String::from_utf8(message.numbered(7).to_vec()).expect("ASCII");
            assert!(
                (octets - 80..=octets + 3).contains(&text.len()),
                "{}",
                text.len()
            );
            assert_eq!(
                text.match_indices("\r\n.").count(),
                1,
                "only the final dot starts a line"
            );
            assert!(
                text.contains("Message-ID: <00000000000000000007@"),
                "{text}"
            );
        }
    }
}
