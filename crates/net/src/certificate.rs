//! What a certificate says of itself, for a person to read: X.509 as of RFC
//! 5280 section 4.1, in DER (X.690).
//!
//! ```text
//!   Certificate ─ tbsCertificate ┬ [0] version   serialNumber   signature
//!                                ├ issuer                      ▶ issuer
//!                                ├ validity                    ▶ not_before, not_after
//!                                ├ subject                     ▶ subject
//!                                ├ subjectPublicKeyInfo [1] [2]
//!                                └ [3] extensions ─ 2.5.29.17  ▶ names
//! ```
//!
//! Nothing here is trusted: whether a chain is good is rustls' to say.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use mailward_mail::Timestamp;

/// The most alternative names that are kept.
const NAMES_MAX: usize = 200;
/// The longest text that is kept of one attribute, in characters.
const TEXT_CHARACTERS_MAX: usize = 200;

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// The fields of one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Common name and organisation, where there are any: `CN=a, O=b`.
    pub subject: String,
    pub issuer: String,
    pub not_before: Timestamp,
    /// The last second at which it is valid.
    pub not_after: Timestamp,
    /// Host names and addresses of its subject alternative names.
    pub names: Vec<String>,
}

impl Certificate {
    /// Reads one certificate; none when it is not formed as one.
    pub fn parse(der: &[u8]) -> Option<Self> {
        let mut outer = Der(Der(der).take(SEQUENCE)?);
        let mut fields = Der(outer.take(SEQUENCE)?);
        fields.skip_if(VERSION)?;
        fields.take(INTEGER)?;
        fields.take(SEQUENCE)?;
        let issuer = name(fields.take(SEQUENCE)?)?;
        let mut validity = Der(fields.take(SEQUENCE)?);
        let not_before = validity.time()?;
        let not_after = validity.time()?;
        let subject = name(fields.take(SEQUENCE)?)?;
        fields.take(SEQUENCE)?;
        let mut names = Vec::new();
        while let Some((tag, content)) = fields.next() {
            if tag == EXTENSIONS {
                names = alternative_names(content).unwrap_or_default();
            }
        }
        Some(Self {
            subject,
            issuer,
            not_before,
            not_after,
            names,
        })
    }

    /// Whole days of validity left at `now`; negative once it has expired.
    pub fn days_left(&self, now: Timestamp) -> i64 {
        const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;
        let left = self.not_after.as_millis().saturating_sub(now.as_millis());
        left.div_euclid(DAY_MILLIS)
    }

    /// Whether one of its names is `host`: the same, or a wildcard in place of
    /// the first label (RFC 6125 section 6.4.3).
    pub fn covers(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        let rest = host.split_once('.').map(|(_, rest)| rest);
        self.names.iter().any(|name| match name.strip_prefix("*.") {
            Some(parent) => rest.is_some_and(|rest| rest.eq_ignore_ascii_case(parent)),
            None => name.eq_ignore_ascii_case(host),
        })
    }
}

/// What is left to read of some content.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The next element's tag and content.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let mut length = usize::from(first);
        if first & 0x80 != 0 {
            let octets = usize::from(first & 0x7f);
            if octets == 0 || octets > size_of::<u32>() {
                return None;
            }
            let (digits, after) = rest.split_at_checked(octets)?;
            length = digits
                .iter()
                .fold(0, |sum, &digit| (sum << 8) | usize::from(digit));
            rest = after;
        }
        let (content, after) = rest.split_at_checked(length)?;
        self.0 = after;
        Some((tag, content))
    }

    /// The next element, which must be of this kind.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next()
            .and_then(|(found, content)| (found == tag).then_some(content))
    }

    fn skip_if(&mut self, tag: u8) -> Option<()> {
        if self.0.first() == Some(&tag) {
            self.next()?;
        }
        Some(())
    }

    /// UTCTime until 2049, GeneralizedTime from 2050 (RFC 5280 section 4.1.2.5).
    fn time(&mut self) -> Option<Timestamp> {
        let (tag, content) = self.next()?;
        let text = std::str::from_utf8(content).ok()?.strip_suffix('Z')?;
        let text = match tag {
            UTC_TIME => {
                let year: u32 = text.get(..2)?.parse().ok()?;
                let century = if year < 50 { 20 } else { 19 };
                format!("{century}{text}")
            }
            GENERALIZED_TIME => text.to_owned(),
            _ => return None,
        };
        let part = |from: usize, to: usize| text.get(from..to);
        let rfc3339 = format!(
            "{}-{}-{}T{}:{}:{}Z",
            part(0, 4)?,
            part(4, 6)?,
            part(6, 8)?,
            part(8, 10)?,
            part(10, 12)?,
            part(12, 14)?
        );
        Timestamp::parse(&rfc3339).ok()
    }
}

/// `CN=…, O=…` of a Name.
fn name(content: &[u8]) -> Option<String> {
    let mut sets = Der(content);
    let (mut common, mut organization) = (None, None);
    while let Some(set) = sets.take(SET) {
        let mut attribute = Der(Der(set).take(SEQUENCE)?);
        let kind = attribute.take(OBJECT_IDENTIFIER)?;
        let (_, value) = attribute.next()?;
        let place = match kind {
            COMMON_NAME => &mut common,
            ORGANIZATION => &mut organization,
            _ => continue,
        };
        *place = Some(printable(value));
    }
    let parts = [("CN", common), ("O", organization)];
    let shown: Vec<String> = parts
        .into_iter()
        .filter_map(|(label, value)| Some(format!("{label}={}", value?)))
        .collect();
    Some(shown.join(", "))
}

/// Nothing in it can move a terminal's cursor or run on for ever.
fn printable(value: &[u8]) -> String {
    String::from_utf8_lossy(value)
        .chars()
        .filter(|char| !char.is_control())
        .take(TEXT_CHARACTERS_MAX)
        .collect()
}

fn alternative_names(extensions: &[u8]) -> Option<Vec<String>> {
    let mut list = Der(Der(extensions).take(SEQUENCE)?);
    while let Some(extension) = list.take(SEQUENCE) {
        let mut parts = Der(extension);
        if parts.take(OBJECT_IDENTIFIER)? != SUBJECT_ALT_NAME {
            continue;
        }
        // A BOOLEAN may stand between, which says that it is critical.
        let (mut tag, mut value) = parts.next()?;
        if tag != OCTET_STRING {
            (tag, value) = parts.next()?;
        }
        if tag != OCTET_STRING {
            return None;
        }
        let mut names = Der(Der(value).take(SEQUENCE)?);
        let mut found = Vec::new();
        while let Some((tag, content)) = names.next() {
            match tag {
                DNS_NAME => found.push(printable(content)),
                IP_ADDRESS => found.extend(address(content)),
                _ => {}
            }
            if found.len() == NAMES_MAX {
                break;
            }
        }
        return Some(found);
    }
    None
}

fn address(octets: &[u8]) -> Option<String> {
    let address = if let Ok(four) = <[u8; 4]>::try_from(octets) {
        IpAddr::V4(Ipv4Addr::from(four))
    } else {
        IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?))
    };
    Some(address.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    fn made(names: &[&str], to_year: i32) -> Vec<u8> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params
            .distinguished_name
            .push(DnType::CommonName, "mail.northmoor.example");
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Northmoor\u{7} Hospitals");
        params.not_before = date_time_ymd(2026, 1, 2);
        params.not_after = date_time_ymd(to_year, 3, 4);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        certificate.der().to_vec()
    }

    #[test]
    fn reads_names_and_days() {
        for (to_year, ends) in [(2027, "2027-03-04"), (2051, "2051-03-04")] {
            let names = [
                "mail.northmoor.example",
                "*.nhs.example",
                "127.0.0.1",
                "::1",
            ];
            let read = Certificate::parse(&made(&names, to_year)).expect("a certificate");
            assert_eq!(
                read.subject,
                "CN=mail.northmoor.example, O=Northmoor Hospitals"
            );
            assert_eq!(read.issuer, read.subject);
            assert_eq!(read.not_before.to_date(), "2026-01-02");
            assert_eq!(read.not_after.to_date(), ends);
            assert_eq!(read.names, names);
        }
    }

    #[test]
    fn counts_days_and_knows_its_names() {
        let names = ["mail.northmoor.example", "*.nhs.example"];
        let read = Certificate::parse(&made(&names, 2027)).expect("a certificate");
        for (now, days) in [
            ("2027-03-03", 1),
            ("2027-03-03T12:00:00Z", 0),
            ("2027-03-04T00:00:01Z", -1),
            ("2027-03-14", -10),
        ] {
            let now = Timestamp::parse(now).expect("a date");
            assert_eq!(read.days_left(now), days, "{now}");
        }
        for (host, expected) in [
            ("MAIL.northmoor.example.", true),
            ("relay.nhs.example", true),
            ("nhs.example", false),
            ("a.b.nhs.example", false),
            ("northmoor.example", false),
        ] {
            assert_eq!(read.covers(host), expected, "{host}");
        }
    }

    #[test]
    fn octets_that_are_none_give_none() {
        let whole = made(&["a.example"], 2027);
        for end in 0..whole.len() {
            assert_eq!(Certificate::parse(&whole[..end]), None, "{end}");
        }
        for at in 0..whole.len() {
            let mut broken = whole.clone();
            broken[at] ^= 0xff;
            // Whatever comes of it, it ends.
            let _ = Certificate::parse(&broken);
        }
        assert_eq!(Certificate::parse(b"\x30\x84\xff\xff\xff\xff"), None);
        assert_eq!(Certificate::parse(b"\x30\x80"), None);
    }
}
