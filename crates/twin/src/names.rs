//! Server names as Exchange Online forms them, made up but of the same shape.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mailward_mail::Timestamp;

/// The name in banners: `LO4P123CA0051.outlook.office365.com`.
pub(crate) const FRONT_END: &str = "LO4P123CA0051.outlook.office365.com";

/// The long name in refusals and reports: `LO4P123MB0001.GBRP123.PROD.OUTLOOK.COM`.
pub(crate) const BACK_END: &str = "LO4P123MB0001.GBRP123.PROD.OUTLOOK.COM";

/// The bracket in IMAP and POP greetings: base64 of the name in UTF-16LE.
pub(crate) fn greeting_bracket() -> String {
    let octets: Vec<u8> = BACK_END.encode_utf16().flat_map(u16::to_le_bytes).collect();
    STANDARD.encode(octets)
}

/// Octets in base64, in lines as RFC 2045 section 6.8 has them.
pub(crate) fn base64_lines(octets: &[u8]) -> String {
    const LINE_OCTETS: usize = 57;
    let lines = octets.chunks(LINE_OCTETS);
    lines
        .map(|line| format!("{}\r\n", STANDARD.encode(line)))
        .collect()
}

/// `[<HOST>]`, since about 2023 `[<HOST> <time> <16 hex>]`.
pub(crate) fn refusal_bracket(
    detailed: bool,
    now: Timestamp,
    session: impl std::fmt::Display,
) -> String {
    if detailed {
        format!("[{BACK_END} {now} {session}]")
    } else {
        format!("[{BACK_END}]")
    }
}
