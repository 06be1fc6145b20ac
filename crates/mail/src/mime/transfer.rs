//! Undoing content transfer encodings as the octets go by (RFC 2045 section 6).

/// A decoder for one part. What is no valid encoding is passed over or kept as
/// it is: this serves searching, not delivery.
#[derive(Debug)]
pub enum TransferDecoder {
    Identity,
    Base64 { bits: u32, count: u8 },
    QuotedPrintable { pending: Vec<u8> },
}

/// White space before a soft line break that is waited for; more of it is
/// passed on.
const PENDING_OCTETS_MAX: usize = 1000;

impl TransferDecoder {
    pub fn named(encoding: &[u8]) -> Self {
        if encoding.eq_ignore_ascii_case(b"base64") {
            Self::Base64 { bits: 0, count: 0 }
        } else if encoding.eq_ignore_ascii_case(b"quoted-printable") {
            Self::QuotedPrintable {
                pending: Vec::new(),
            }
        } else {
            Self::Identity
        }
    }

    /// Decodes a piece to the end of `out`.
    pub fn feed(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Identity => out.extend_from_slice(piece),
            Self::Base64 { bits, count } => {
                let mut rest = piece;
                if *count == 0 {
                    rest = whole_quartets(rest, out);
                }
                while let Some((byte, after)) = rest.split_first() {
                    rest = after;
                    let value = SEXTETS[usize::from(*byte)];
                    if value == NO_SEXTET {
                        continue;
                    }
                    *bits = *bits << 6 | u32::from(value);
                    *count += 1;
                    // Each octet is complete once 8 more bits have come.
                    match *count {
                        2 => out.push((*bits >> 4 & 0xff) as u8),
                        3 => out.push((*bits >> 2 & 0xff) as u8),
                        4 => {
                            out.push((*bits & 0xff) as u8);
                            *count = 0;
                            *bits = 0;
                            rest = whole_quartets(rest, out);
                        }
                        _ => {}
                    }
                }
            }
            Self::QuotedPrintable { pending } => {
                let mut rest = piece;
                while !rest.is_empty() {
                    if pending.is_empty() {
                        let plain = memchr::memchr3(b'=', b' ', b'\t', rest).unwrap_or(rest.len());
                        out.extend_from_slice(&rest[..plain]);
                        rest = &rest[plain..];
                    }
                    if let Some((byte, after)) = rest.split_first() {
                        pending.push(*byte);
                        settle(pending, out);
                        rest = after;
                    }
                }
            }
        }
    }

    /// What was still waiting for more.
    pub fn finish(self, out: &mut Vec<u8>) {
        if let Self::QuotedPrintable { pending } = self {
            out.extend(pending);
        }
    }
}

/// Passes on what is decided of the octets since the last `=`.
fn settle(pending: &mut Vec<u8>, out: &mut Vec<u8>) {
    if let [b' ' | b'\t', .., last] = pending.as_slice() {
        match last {
            b' ' | b'\t' | b'\r' if pending.len() < PENDING_OCTETS_MAX => {}
            // White space before a line end was added on the way (rule 3).
            b'\n' => {
                let line_end: &[u8] = match pending.ends_with(b"\r\n") {
                    true => b"\r\n",
                    false => b"\n",
                };
                out.extend_from_slice(line_end);
                pending.clear();
            }
            b'=' => {
                pending.pop();
                out.append(pending);
                pending.push(b'=');
            }
            _ => out.append(pending),
        }
        return;
    }
    let decided = match pending.as_slice() {
        [b' ' | b'\t'] => false,
        [b'='] => false,
        [b'=', rest @ ..] => match rest {
            // A soft line break, perhaps after white space.
            [spaces @ .., b'\n'] if spaces.iter().all(|byte| b" \t\r".contains(byte)) => {
                pending.clear();
                return;
            }
            [high, low] if hex(*high).is_some() => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    pending.clear();
                    return;
                }
                _ => true,
            },
            [high] if hex(*high).is_some() => false,
            _ => {
                !rest.iter().all(|byte| b" \t\r".contains(byte)) || rest.len() > PENDING_OCTETS_MAX
            }
        },
        _ => true,
    };
    if decided {
        out.append(pending);
    }
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// Decodes groups of four characters for as long as nothing else stands
/// between them, which is a line's length; gives the rest.
fn whole_quartets<'p>(piece: &'p [u8], out: &mut Vec<u8>) -> &'p [u8] {
    let (quartets, _) = piece.as_chunks::<4>();
    let mut taken = 0;
    for quartet in quartets {
        let sextets = quartet.map(|byte| SEXTETS[usize::from(byte)]);
        if sextets.iter().fold(0, |all, sextet| all | sextet) >= NO_SEXTET {
            break;
        }
        let bits = sextets
            .iter()
            .fold(0_u32, |bits, sextet| bits << 6 | u32::from(*sextet));
        let [_, first, second, third] = bits.to_be_bytes();
        out.extend_from_slice(&[first, second, third]);
        taken += 4;
    }
    &piece[taken..]
}

/// Above any six bits.
const NO_SEXTET: u8 = 64;

/// What each character of the alphabet stands for.
const SEXTETS: [u8; 256] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut sextets = [NO_SEXTET; 256];
    let mut value = 0;
    while value < alphabet.len() {
        sextets[alphabet[value] as usize] = value as u8;
        value += 1;
    }
    sextets
};

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(encoding: &str, encoded: &str, expected: &str) {
        for size in 1..=encoded.len() {
            let mut decoder = TransferDecoder::named(encoding.as_bytes());
            let mut out = Vec::new();
            for piece in encoded.as_bytes().chunks(size) {
                decoder.feed(piece, &mut out);
            }
            decoder.finish(&mut out);
            assert_eq!(
                String::from_utf8_lossy(&out),
                expected,
                "{encoded:?} by {size}"
            );
        }
    }

    #[test]
    fn decodes_wherever_pieces_end() {
        check("7bit", "as it is=\r\n", "as it is=\r\n");
        check("BASE64", "SGVs\r\nbG8s IHdvcmxkIQ==\r\n", "Hello, world!");
        check("base64", "SGVsbG8", "Hello");
        check("base64", "SGV\r\nsbG8sI-Hd vcmx\nkIQ", "Hello, world!");
        check(
            "quoted-printable",
            "K=C3=A4the=\r\n M=\n.=20 =  \r\n!\r\n",
            "Käthe M.  !\r\n",
        );
        check("quoted-printable", "1=1 a=zz b=", "1=1 a=zz b=");
    }
}
