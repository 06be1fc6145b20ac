//! The Received field that we add on top (RFC 5321 section 4.4).

use std::fmt::Write as _;
use std::net::IpAddr;

use mailward_mail::{Domain, Envelope, MessageId, Timestamp};

use crate::observe::Door;

/// `with`, by the registry of transmission types (RFC 3848, RFC 6531).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Submission under TLS and AUTH: there is no other.
    Smtp,
    Http,
}

/// What one connection's Received fields begin with; made once.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    start: String,
    protocol: Protocol,
}

impl Received {
    /// `client_name` is what the client calls itself; `cipher` for example
    /// `TLSv1.3 with cipher TLS_AES_256_GCM_SHA384`.
    pub(crate) fn new(
        protocol: Protocol,
        client_name: Option<&str>,
        peer: IpAddr,
        hostname: &str,
        cipher: Option<&str>,
    ) -> Self {
        // The name is the client's own word: kept only if it is a name.
        let name = client_name
            .filter(|name| name.is_ascii() && Domain::parse(name).is_ok())
            .unwrap_or("unknown");
        let address = match peer.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("IPv6:{address}"),
        };
        let cipher = cipher.map_or(String::new(), |cipher| format!("\r\n\t(using {cipher})"));
        Self {
            start: format!(
                "Received: from {name} ([{address}]){cipher}\r\n\tby {hostname} (Mailward) with "
            ),
            protocol,
        }
    }

    /// Through which door it comes.
    pub(crate) fn door(&self) -> Door {
        match self.protocol {
            Protocol::Smtp => Door::Smtp,
            Protocol::Http => Door::Http,
        }
    }

    /// Appends the field for one message. The recipient is named only when
    /// there is one: nobody may learn of the others (RFC 5321 section 7.6).
    pub(crate) fn write(
        &self,
        id: MessageId,
        envelope: &Envelope,
        at: Timestamp,
        out: &mut Vec<u8>,
    ) {
        let protocol = match self.protocol {
            Protocol::Http => "HTTP",
            Protocol::Smtp if envelope.smtputf8 => "UTF8SMTPSA",
            Protocol::Smtp => "ESMTPSA",
        };
        out.extend_from_slice(self.start.as_bytes());
        let mut rest = format!("{protocol}\r\n\tid {id}");
        if let [only] = envelope.recipients.as_slice()
            && (only.forward_path.address().is_ascii() || envelope.smtputf8)
        {
            let _ = write!(rest, "\r\n\tfor {}", only.forward_path);
        }
        let _ = write!(rest, ";\r\n\t{}\r\n", at.to_rfc5322());
        out.extend_from_slice(rest.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use mailward_mail::{Address, ForwardPath, Recipient, ReversePath};
    use mailward_net::SeededDice;

    use super::*;

    fn field(received: &Received, recipients: &[&str]) -> String {
        let at = Timestamp::parse("2026-11-21T09:30:00Z").expect("a time");
        let mut envelope = Envelope::new(ReversePath::Null);
        envelope.recipients = recipients
            .iter()
            .map(|text| Recipient::new(ForwardPath(Address::parse(text).expect("an address"))))
            .collect();
        let mut out = Vec::new();
        let id = MessageId::new(at, &SeededDice::new(1));
        received.write(id, &envelope, at, &mut out);
        String::from_utf8(out)
            .expect("text")
            .replace(id.as_str(), "ID")
    }

    #[test]
    fn says_who_how_and_when_and_names_no_second_recipient() {
        let peer = "192.0.2.7".parse().expect("an address");
        let cipher = Some("TLSv1.3 with cipher TLS_AES_256_GCM_SHA384");
        let smtp = Received::new(
            Protocol::Smtp,
            Some("ward.example"),
            peer,
            "gw.example",
            cipher,
        );
        assert_eq!(
            field(&smtp, &["ann@northmoor.example"]),
            "Received: from ward.example ([192.0.2.7])\r\n\
             \t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384)\r\n\
             \tby gw.example (Mailward) with ESMTPSA\r\n\
             \tid ID\r\n\
             \tfor <ann@northmoor.example>;\r\n\
             \tSat, 21 Nov 2026 09:30:00 +0000\r\n"
        );
        let two = field(&smtp, &["ann@northmoor.example", "bob@northmoor.example"]);
        assert!(!two.contains("@northmoor"), "{two}");
    }

    #[test]
    fn a_hostile_name_stays_out() {
        let peer = "2001:db8::7".parse().expect("an address");
        for name in ["a\r\nX-Evil: 1", "(comment", "ward 3", ""] {
            let http = Received::new(Protocol::Http, Some(name), peer, "gw.example", None);
            let field = field(&http, &[]);
            assert!(
                field.starts_with("Received: from unknown ([IPv6:2001:db8::7])\r\n\tby gw.example (Mailward) with HTTP\r\n\tid ID;"),
                "{field}"
            );
        }
    }
}
