//! Mailbox names, in Unicode within and in modified UTF-7 on the wire (RFC
//! 3501 section 5.1.3).

use std::fmt;

use base64::Engine as _;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const MODIFIED_BASE64: GeneralPurpose = GeneralPurpose::new(
    &IMAP_MUTF7,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// A mailbox name in Unicode. `INBOX` is in capitals however it was written.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct MailboxName(String);

impl MailboxName {
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        if name.eq_ignore_ascii_case("INBOX") {
            return Self("INBOX".to_owned());
        }
        Self(name)
    }

    /// Reads a name from the wire. UTF-8 is taken as it is
    /// (`quirk_eight_bit_strings`); `None` for neither.
    pub fn from_wire(wire: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(wire).ok()?;
        decode(text).map(Self::new)
    }

    /// A name that no mailbox has: it is a control character.
    pub(super) fn impossible() -> Self {
        Self("\u{1}".to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn to_wire(&self) -> String {
        encode(&self.0)
    }
}

impl fmt::Debug for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Unicode to modified UTF-7.
pub fn encode(name: &str) -> String {
    let mut wire = String::with_capacity(name.len());
    let mut shifted: Vec<u8> = Vec::new();
    for char in name.chars() {
        if (' '..='~').contains(&char) {
            flush(&mut shifted, &mut wire);
            wire.push(char);
            if char == '&' {
                wire.push('-');
            }
        } else {
            let mut units = [0; 2];
            for unit in char.encode_utf16(&mut units) {
                shifted.extend_from_slice(&unit.to_be_bytes());
            }
        }
    }
    flush(&mut shifted, &mut wire);
    wire
}

fn flush(shifted: &mut Vec<u8>, wire: &mut String) {
    if !shifted.is_empty() {
        wire.push('&');
        MODIFIED_BASE64.encode_string(&*shifted, wire);
        wire.push('-');
        shifted.clear();
    }
}

/// Modified UTF-7 to Unicode; `None` when a shifted part is not closed, is no
/// base64 or no UTF-16.
pub fn decode(wire: &str) -> Option<String> {
    let mut name = String::with_capacity(wire.len());
    let mut rest = wire;
    while let Some(shift) = rest.find('&') {
        name.push_str(&rest[..shift]);
        let after = &rest[shift + 1..];
        let end = after.find('-')?;
        if end == 0 {
            name.push('&');
        } else {
            let octets = MODIFIED_BASE64.decode(&after[..end]).ok()?;
            if octets.len() % 2 != 0 {
                return None;
            }
            let units = octets
                .chunks_exact(2)
                .map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            for char in char::decode_utf16(units) {
                name.push(char.ok()?);
            }
        }
        rest = &after[end + 1..];
    }
    name.push_str(rest);
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_there_and_back() {
        for (name, wire) in [
            ("INBOX", "INBOX"),
            ("Sent Items", "Sent Items"),
            ("R&D", "R&-D"),
            ("Entwürfe", "Entw&APw-rfe"),
            // The example of RFC 3501 section 5.1.3.
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("😀", "&2D3eAA-"),
        ] {
            assert_eq!(encode(name), wire);
            assert_eq!(decode(wire).as_deref(), Some(name));
        }
    }

    #[test]
    fn refuses_broken_shifts() {
        for wire in ["&", "&AP", "&AP!-", "&A-", "&AAAA-", "&2D0-", "a&é-"] {
            assert_eq!(decode(wire), None, "{wire:?}");
        }
        assert_eq!(MailboxName::from_wire(b"\xff"), None);
        assert_eq!(
            MailboxName::from_wire(b"inbox"),
            Some(MailboxName::new("INBOX"))
        );
        assert_eq!(
            MailboxName::from_wire("Entwürfe".as_bytes()),
            Some(MailboxName::new("Entwürfe"))
        );
    }
}
