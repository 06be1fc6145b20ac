//! What a server offered in its EHLO reply.

use mailward_mail::{BodyType, Envelope, Reply};

use super::super::sasl::Mechanism;
use super::super::xtext::is_xtext;
use super::error::Need;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    pub pipelining: bool,
    pub starttls: bool,
    pub eight_bit_mime: bool,
    pub smtputf8: bool,
    pub dsn: bool,
    pub chunking: bool,
    /// SIZE; zero when it names no limit.
    pub size: Option<u64>,
    /// The words after AUTH, as offered.
    pub auth: Vec<String>,
}

impl Features {
    pub(super) fn of(reply: &Reply) -> Self {
        let mut features = Self::default();
        // The first line is the greeting.
        for line in reply.lines().iter().skip(1) {
            let mut words = line.split_ascii_whitespace();
            let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
            match keyword.as_str() {
                "PIPELINING" => features.pipelining = true,
                "STARTTLS" => features.starttls = true,
                "8BITMIME" => features.eight_bit_mime = true,
                "SMTPUTF8" => features.smtputf8 = true,
                "DSN" => features.dsn = true,
                "CHUNKING" => features.chunking = true,
                "SIZE" => {
                    features.size = Some(words.next().and_then(|n| n.parse().ok()).unwrap_or(0));
                }
                "AUTH" => features.auth.extend(words.map(str::to_owned)),
                _ => {}
            }
        }
        features
    }

    pub fn offers(&self, mechanism: Mechanism) -> bool {
        let name = mechanism.as_str();
        self.auth.iter().any(|word| word.eq_ignore_ascii_case(name))
    }

    /// What the message needs and is not offered here. `octets` is its size,
    /// where it is known.
    pub fn lacks(&self, envelope: &Envelope, octets: Option<u64>) -> Option<Need> {
        if needs_smtputf8(envelope) && !self.smtputf8 {
            return Some(Need::SmtpUtf8);
        }
        match envelope.body {
            BodyType::BinaryMime => return Some(Need::BinaryMime),
            BodyType::EightBitMime if !self.eight_bit_mime => return Some(Need::EightBitMime),
            BodyType::EightBitMime | BodyType::SevenBit => {}
        }
        match (octets, self.size) {
            (Some(octets), Some(octets_max)) if octets_max > 0 && octets > octets_max => {
                Some(Need::Size { octets, octets_max })
            }
            _ => None,
        }
    }
}

pub(super) fn needs_smtputf8(envelope: &Envelope) -> bool {
    envelope.smtputf8
        || envelope
            .reverse_path
            .address()
            .is_some_and(|address| !address.is_ascii())
        || envelope
            .recipients
            .iter()
            .any(|recipient| !recipient.forward_path.address().is_ascii())
}

/// `MAIL FROM:<…>` with what the server offers, without CRLF.
pub(super) fn mail_command(
    features: &Features,
    envelope: &Envelope,
    octets: Option<u64>,
) -> String {
    let mut line = format!("MAIL FROM:{}", envelope.reverse_path);
    if let (Some(octets), Some(_)) = (octets, features.size) {
        line.push_str(&format!(" SIZE={octets}"));
    }
    if envelope.body == BodyType::EightBitMime {
        line.push_str(" BODY=8BITMIME");
    }
    if needs_smtputf8(envelope) {
        line.push_str(" SMTPUTF8");
    }
    if features.dsn {
        match envelope.ret {
            Some(mailward_mail::Ret::Full) => line.push_str(" RET=FULL"),
            Some(mailward_mail::Ret::Headers) => line.push_str(" RET=HDRS"),
            None => {}
        }
        if let Some(envid) = envelope.envid.as_deref().filter(|envid| is_xtext(envid)) {
            line.push_str(&format!(" ENVID={envid}"));
        }
    }
    line
}

/// `RCPT TO:<…>`, likewise.
pub(super) fn rcpt_command(features: &Features, recipient: &mailward_mail::Recipient) -> String {
    let mut line = format!("RCPT TO:{}", recipient.forward_path);
    if !features.dsn {
        return line;
    }
    if let Some(notify) = recipient.notify {
        let words = [
            (notify.never, "NEVER"),
            (notify.success, "SUCCESS"),
            (notify.failure, "FAILURE"),
            (notify.delay, "DELAY"),
        ];
        let chosen: Vec<&str> = words
            .iter()
            .filter(|(on, _)| *on)
            .map(|(_, w)| *w)
            .collect();
        if !chosen.is_empty() {
            line.push_str(&format!(" NOTIFY={}", chosen.join(",")));
        }
    }
    let is_word = |text: &&str| !text.chars().any(|char| char.is_control() || char == ' ');
    if let Some(orcpt) = recipient.orcpt.as_deref().filter(is_word) {
        line.push_str(&format!(" ORCPT={orcpt}"));
    }
    line
}
