//! The same sixteen octets for texts that differ only in what is a person's
//! own. Kept on disk by those who count: what goes in must not change lightly.

use super::html::SOFT_BREAK;

/// How much of a line is looked at for a salutation and its names.
const SALUTATION_OCTETS_MAX: usize = 64;
/// A line that greets in this many words holds nothing but names.
const SALUTATION_WORDS_MAX: usize = 4;

/// Letters are picked out of this much at a time: a power of two.
const PIECE_OCTETS: usize = 64;

const GREETINGS: [&[u8]; 6] = [b"dear", b"hello", b"hi", b"hey", b"hiya", b"greetings"];
const TIMES_OF_DAY: [&[u8]; 4] = [b"morning", b"afternoon", b"evening", b"day"];

/// A text as it goes by: letters in lower case, and nothing of its digits,
/// white space, punctuation, or the names after a greeting at a line's start.
#[derive(Debug)]
pub(super) struct Fingerprint {
    hash: Hash,
    letters: u64,
    start: LineStart,
    /// Octets of a character that says nothing, still to come.
    skip: u8,
    after_c3: bool,
}

/// A line's start, kept until it is known whether it greets.
#[derive(Debug)]
struct LineStart {
    octets: [u8; SALUTATION_OCTETS_MAX],
    length: usize,
    /// It is settled; the rest of the line goes by.
    settled: bool,
}

impl Fingerprint {
    pub(super) fn new() -> Self {
        Self {
            hash: Hash::default(),
            letters: 0,
            start: LineStart {
                octets: [0; SALUTATION_OCTETS_MAX],
                length: 0,
                settled: false,
            },
            skip: 0,
            after_c3: false,
        }
    }

    /// Takes a piece of the message's own text, in UTF-8.
    pub(super) fn text(&mut self, piece: &[u8]) {
        let mut rest = piece;
        while let Some((byte, after)) = rest.split_first() {
            if self.start.settled {
                let end = memchr::memchr2(b'\n', SOFT_BREAK, rest);
                self.letters_of(&rest[..end.unwrap_or(rest.len())]);
                rest = end.map_or(&[][..], |end| &rest[end + 1..]);
                self.start.settled = end.is_none();
                continue;
            }
            rest = after;
            let ended = *byte == b'\n' || *byte == SOFT_BREAK;
            let start = &mut self.start;
            let leading = start.length == 0 && byte.is_ascii_whitespace();
            if !(ended || leading) {
                start.octets[start.length] = *byte;
                start.length += 1;
            }
            let full = start.length == SALUTATION_OCTETS_MAX;
            if ended || full || !may_greet(&start.octets[..start.length]) {
                self.settle_start(ended);
            }
        }
    }

    /// The text ends here; another may follow.
    pub(super) fn text_ended(&mut self) {
        self.settle_start(true);
    }

    /// Takes a piece of an attachment, as it is encoded: a letter to each of
    /// many people is not one text, however alike the words around it.
    pub(super) fn attachment(&mut self, piece: &[u8]) {
        self.hash.feed(piece);
    }

    /// `None` when there was no letter in the text.
    pub(super) fn finish(mut self) -> Option<[u8; 16]> {
        self.settle_start(true);
        (self.letters > 0).then(|| self.hash.finish())
    }

    /// Passes on a line's start, without greeting and names. `ended` says that
    /// it is the whole line.
    fn settle_start(&mut self, ended: bool) {
        let start = self.start.octets;
        self.letters_of(after_salutation(&start[..self.start.length], ended));
        self.start.length = 0;
        self.start.settled = !ended;
    }

    fn letters_of(&mut self, text: &[u8]) {
        // Nearly all text is ASCII, and a whole piece of it goes fast.
        for piece in text.chunks(PIECE_OCTETS) {
            if self.skip == 0 && piece.is_ascii() {
                self.after_c3 = false;
                self.letters += self.hash.feed_letters(piece);
                continue;
            }
            for byte in piece {
                if byte.is_ascii() && self.skip == 0 {
                    self.after_c3 = false;
                    self.letters += self.hash.feed_letters(&[*byte]);
                } else {
                    self.beyond_ascii(*byte);
                }
            }
        }
    }

    fn beyond_ascii(&mut self, byte: u8) {
        if self.skip > 0 {
            self.skip -= 1;
            return;
        }
        let folded = match byte {
            // U+0080 to U+00BF: spaces and signs.
            0xc2 => {
                self.skip = 1;
                return;
            }
            // U+2000 to U+2FFF: spaces, dashes, quotes, signs.
            0xe2 => {
                self.skip = 2;
                return;
            }
            // U+00C0 to U+00DE: capitals of U+00E0 to U+00FE.
            0x80..=0x9e if self.after_c3 => byte | 0x20,
            _ => byte,
        };
        self.after_c3 = folded == 0xc3;
        self.hash.feed(&[folded]);
    }
}

/// The small letter for each letter of ASCII, and 0 for all else.
const ASCII_LETTERS: [u8; 256] = {
    let mut letters = [0; 256];
    let mut letter = b'a';
    while letter <= b'z' {
        letters[letter as usize] = letter;
        letters[letter.to_ascii_uppercase() as usize] = letter;
        letter += 1;
    }
    letters
};

/// Whether what is known of a line can still be, or become, a greeting.
fn may_greet(start: &[u8]) -> bool {
    let (word, rest) = split_word(start);
    let greets = |greeting: &[u8]| {
        let fits = rest.is_empty() || word.len() == greeting.len();
        let length = word.len().min(greeting.len());
        fits && word.len() == length && greeting[..length].eq_ignore_ascii_case(word)
    };
    GREETINGS.iter().any(|greeting| greets(greeting)) || greets(b"good")
}

/// What remains of a line's start once its greeting and names are gone.
fn after_salutation(start: &[u8], ended: bool) -> &[u8] {
    let (first, rest) = split_word(start);
    let names = if is_one_of(first, &GREETINGS) {
        rest
    } else if first.eq_ignore_ascii_case(b"good") {
        let (second, rest) = split_word(rest);
        if !is_one_of(second, &TIMES_OF_DAY) {
            return start;
        }
        rest
    } else {
        return start;
    };
    let words = names
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .count();
    if ended && words <= SALUTATION_WORDS_MAX {
        return &[];
    }
    match names.iter().position(|byte| b",!:;".contains(byte)) {
        Some(end) => &names[end..],
        None => &[],
    }
}

fn is_one_of(word: &[u8], words: &[&[u8]]) -> bool {
    words.iter().any(|one| one.eq_ignore_ascii_case(word))
}

/// The first word, and what follows it.
fn split_word(text: &[u8]) -> (&[u8], &[u8]) {
    let text = text.trim_ascii_start();
    let end = text
        .iter()
        .position(|byte| !byte.is_ascii_alphabetic())
        .unwrap_or(text.len());
    text.split_at(end)
}

/// Two lanes of multiply and fold over eight octets at a time: fast, the same
/// on every machine, and no protection against somebody who wants two texts
/// to look alike; who sends has nothing to gain by that.
#[derive(Debug)]
struct Hash {
    lanes: [u64; 2],
    block: [u8; 8],
    filled: usize,
    octets: u64,
}

/// Odd numbers without pattern: the fractions of two square roots.
const FACTORS: [u64; 2] = [0x6a09_e667_f3bc_c909, 0xbb67_ae85_84ca_a73b];

impl Default for Hash {
    fn default() -> Self {
        Self {
            lanes: FACTORS,
            block: [0; 8],
            filled: 0,
            octets: 0,
        }
    }
}

impl Hash {
    fn feed(&mut self, mut piece: &[u8]) {
        while self.filled > 0 && !piece.is_empty() {
            self.push(piece[0]);
            piece = &piece[1..];
        }
        let (blocks, rest) = piece.as_chunks::<8>();
        for block in blocks {
            self.take_block(*block);
        }
        for byte in rest {
            self.push(*byte);
        }
    }

    fn push(&mut self, byte: u8) {
        self.block[self.filled] = byte;
        self.filled += 1;
        if self.filled == 8 {
            self.take_block(self.block);
        }
    }

    /// Takes the letters of at most [`PIECE_OCTETS`] of ASCII, and tells how
    /// many they are. Without a branch on what is a letter, which no machine
    /// could foretell.
    fn feed_letters(&mut self, piece: &[u8]) -> u64 {
        // The next power of two that holds a piece and a block begun before.
        const ROOM: usize = 2 * PIECE_OCTETS;
        let mut letters = [0; ROOM];
        letters[..8].copy_from_slice(&self.block);
        let mut count = self.filled;
        for byte in piece {
            let letter = ASCII_LETTERS[usize::from(*byte)];
            letters[count & (ROOM - 1)] = letter;
            count += usize::from(letter != 0);
        }
        let found = count - self.filled;
        let (blocks, rest) = letters[..count].as_chunks::<8>();
        for block in blocks {
            self.take_block(*block);
        }
        self.block[..rest.len()].copy_from_slice(rest);
        self.filled = rest.len();
        found as u64
    }

    fn take_block(&mut self, block: [u8; 8]) {
        let block = u64::from_le_bytes(block);
        for (lane, factor) in self.lanes.iter_mut().zip(FACTORS) {
            let product = u128::from(*lane ^ block) * u128::from(factor);
            *lane = fold(product).wrapping_add(factor);
        }
        self.octets += 8;
        self.filled = 0;
    }

    fn finish(mut self) -> [u8; 16] {
        let octets = self.octets + self.filled as u64;
        self.block[self.filled..].fill(0);
        self.take_block(self.block);
        self.take_block(octets.to_le_bytes());
        let mut out = [0; 16];
        out[..8].copy_from_slice(&self.lanes[0].to_le_bytes());
        out[8..].copy_from_slice(&self.lanes[1].to_le_bytes());
        out
    }
}

fn fold(product: u128) -> u64 {
    let bytes = product.to_le_bytes();
    let half = |from: usize| {
        let mut half = [0; 8];
        half.copy_from_slice(&bytes[from..from + 8]);
        u64::from_le_bytes(half)
    };
    half(0) ^ half(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, size: usize) -> Option<[u8; 16]> {
        let mut fingerprint = Fingerprint::new();
        for piece in text.as_bytes().chunks(size) {
            fingerprint.text(piece);
        }
        fingerprint.finish()
    }

    #[track_caller]
    fn check(one: &str, other: &str, alike: bool) {
        for size in [1, 3, 1000] {
            assert_eq!(
                of(one, 1000) == of(other, size),
                alike,
                "{one:?} and {other:?} by {size}"
            );
        }
    }

    #[test]
    fn what_is_a_persons_own_makes_no_difference() {
        let text = "Dear Asha,\r\nYour clinic moves on 3 May at 10:30.\r\n";
        for other in [
            "Dear Mr Patel\nyour  clinic moves on 14 May at 9.15",
            "Dear Patel, Asha,\r\nYOUR CLINIC MOVES ON 3 MAY\r\nAT 10:30.",
            "Good morning Jo!\n\nYour clinic\u{a0}moves on May at\u{2003}",
            "Hi Dr Maximiliana Featherstonehaugh-Cholmondeley of Northmoor, your clinic moves on 1 May at 1",
            "  Hello\nYour clinic moves on 3 May at 10:30.",
        ] {
            check(text, other, true);
        }
        for other in [
            "Dear Asha,\nYour clinic moves on 3 June at 10:30.",
            "Dearest one,\nYour clinic moves on 3 May at 10:30.",
            "Your clinic moves on 3 May at 10:30, Asha.",
        ] {
            check(text, other, false);
        }
        check("KÄTHE É", "käthe é", true);
        check(
            "Hi-vis jackets are here, at last, for all of us",
            "Hi",
            false,
        );
    }

    #[test]
    fn nothing_has_no_fingerprint() {
        for text in ["", " \r\n 123 - ...", "Dear Asha,"] {
            assert_eq!(of(text, 1000), None, "{text:?}");
        }
    }

    #[test]
    fn attachments_tell_letters_apart() {
        let with = |attachment: &[u8], size: usize| {
            let mut fingerprint = Fingerprint::new();
            fingerprint.text(b"Your letter is attached.");
            fingerprint.text_ended();
            for piece in attachment.chunks(size) {
                fingerprint.attachment(piece);
            }
            fingerprint.finish()
        };
        assert_eq!(with(b"JVBERi0xLjcK1", 99), with(b"JVBERi0xLjcK1", 2));
        assert_ne!(with(b"JVBERi0xLjcK1", 99), with(b"JVBERi0xLjcK2", 99));
    }

    #[test]
    fn stays_as_it_is_on_disk() {
        let known = of("Your clinic moves.", 5).expect("a fingerprint");
        assert_eq!(known, of("YOUR CLINIC moves", 1).expect("a fingerprint"));
        let hex: String = known.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "db117f5befac26fe98836e17171277bb");
    }
}
