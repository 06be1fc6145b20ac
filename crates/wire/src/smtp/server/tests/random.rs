//! Whatever a client sends, and however it is cut: no panic, no endless loop,
//! and the same replies.

use super::*;

/// xorshift64 (Marsaglia, 2003): repeats itself from its seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("below a usize")
    }

    fn choose<'a>(&mut self, from: &[&'a [u8]]) -> &'a [u8] {
        from[self.below(from.len())]
    }
}

/// What conversations are made of, sound and unsound.
const PIECES: [&[u8]; 40] = [
    b"EHLO x\r\n",
    b"HELO y\r\n",
    b"MAIL FROM:<a@b.example>\r\n",
    b"MAIL FROM:<a@b.example> BODY=BINARYMIME SIZE=10\r\n",
    b"RCPT TO:<c@d.example>\r\n",
    b"RCPT TO:<c@d.example> NOTIFY=NEVER ORCPT=rfc822;x\r\n",
    b"DATA\r\n",
    b"BDAT 4\r\n",
    b"BDAT 9 LAST\r\n",
    b"BDAT 0 LAST\r\n",
    b"BDAT 70000\r\n",
    b"BDAT\r\n",
    b"RSET\r\n",
    b"NOOP\r\n",
    b"AUTH PLAIN\r\n",
    b"AUTH PLAIN AHBhdAByaWdodA==\r\n",
    b"AUTH LOGIN cGF0\r\n",
    b"cmlnaHQ=\r\n",
    b"*\r\n",
    b"AUTH XOAUTH2 dXNlcj1wYXQBYXV0aD1CZWFyZXIgcmlnaHQBAQ==\r\n",
    b"VRFY x\r\n",
    b"HELP\r\n",
    b"line of text\r\n",
    b"REFUSE\r\n",
    b".\r\n",
    b"..\r\n",
    b"\r\n.\r\n",
    b"\n.\n",
    b"\r\n",
    b"\r",
    b"\n",
    b".",
    b"\0",
    b"\xff\xfe",
    b"<>",
    b" ",
    b":",
    b"0123456789012345678901234567890123456789",
    b"MAIL FROM:<\"",
    b"QUI",
];

fn script(random: &mut Random) -> Vec<u8> {
    let mut input = Vec::new();
    for _ in 0..random.below(40) {
        match random.below(8) {
            0 => input.extend((0..random.below(20)).map(|_| random.next() as u8)),
            _ => input.extend_from_slice(random.choose(&PIECES)),
        }
    }
    input
}

fn run(settings: &Settings, input: &[u8], mut cut: impl FnMut() -> usize) -> Bench {
    let mut bench = Bench::new(settings, true);
    let mut rest = input;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(cut().min(rest.len()));
        rest = after;
        bench.feed(piece);
    }
    bench
}

#[test]
fn any_octets_get_the_same_answer_however_they_are_cut() {
    let settings = Settings {
        extensions: Extension::ALL
            .into_iter()
            .filter(|extension| *extension != Extension::StartTls)
            .collect(),
        mechanisms: super::super::super::sasl::Mechanism::ALL.to_vec(),
        limits: Limits {
            message_octets_max: 500,
            body_line_octets_max: 100,
            command_octets_max: 60,
            errors_max: 10,
            ..Limits::default()
        },
        ..open_settings()
    };
    let mut random = Random(0x6d61_696c_7761_7264);
    for round in 0..4000 {
        let input = script(&mut random);
        let whole = run(&settings, &input, || usize::MAX);
        let octets = run(&settings, &input, || 1);
        let pieces = run(&settings, &input, || 1 + random.below(30));
        for other in [&octets, &pieces] {
            assert_eq!(
                String::from_utf8_lossy(&other.sent),
                String::from_utf8_lossy(&whole.sent),
                "round {round}: {:?}",
                String::from_utf8_lossy(&input)
            );
            assert_eq!(other.bodies, whole.bodies, "round {round}");
        }
        for body in &whole.bodies {
            assert!(body.len() <= 500);
        }
    }
}

#[test]
fn no_message_taken_by_data_has_a_bare_line_end() {
    let settings = open_settings();
    let mut random = Random(42);
    for _ in 0..4000 {
        let mut input =
            b"HELO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n".to_vec();
        for _ in 0..random.below(12) {
            input.extend_from_slice(
                random.choose(&[b"\r", b"\n", b"\r\n", b".", b"a", b"..", b"\0"]),
            );
        }
        input.extend_from_slice(b"\r\n.\r\n");
        for body in run(&settings, &input, || usize::MAX).bodies {
            let text = String::from_utf8(body).expect("ASCII");
            let rest = text.replace("\r\n", "");
            assert!(!rest.contains(['\r', '\n', '\0']), "{text:?}");
        }
    }
}
