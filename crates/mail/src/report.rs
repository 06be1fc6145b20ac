//! Delivery status notifications as messages: `multipart/report` with a
//! sentence for people, a `message/delivery-status` part for programs
//! (RFC 3464) and the header section of the message it is about (RFC 6522).

use std::fmt::Write as _;

use crate::address::Address;
use crate::header::HEADER_OCTETS_MAX;
use crate::time::Timestamp;

/// `Action` of RFC 3464 section 2.3.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Failed,
    Delayed,
    Delivered,
    Relayed,
    Expanded,
}

impl Action {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::Relayed => "relayed",
            Self::Expanded => "expanded",
        }
    }
}

/// The group of per-recipient fields.
#[derive(Clone, Debug)]
pub struct RecipientReport {
    pub final_recipient: Address,
    /// ORCPT as the sender gave it: `rfc822;someone@clinic.example`, xtext taken off.
    pub original_recipient: Option<String>,
    pub action: Action,
    /// An enhanced status code: `5.1.1`.
    pub status: String,
    /// The name of the server that refused.
    pub remote_mta: Option<String>,
    /// The server's reply in its own words, without the `smtp;` in front.
    pub diagnostic: Option<String>,
    pub last_attempt: Option<Timestamp>,
    /// Of a delayed one: when it is given up (RFC 3464 section 2.3.9).
    pub will_retry_until: Option<Timestamp>,
}

/// One report, to be sent from the null reverse-path to `to`.
#[derive(Clone, Debug)]
pub struct DeliveryReport<'a> {
    /// The From field's value, for example `Mail gateway <postmaster@clinic.example>`.
    pub from: &'a str,
    pub to: &'a Address,
    pub subject: &'a str,
    /// Without angle brackets.
    pub message_id: &'a str,
    pub date: Timestamp,
    pub reporting_mta: &'a str,
    pub envid: Option<&'a str>,
    pub arrival_date: Option<Timestamp>,
    /// When the sender wanted it to be delivered (RFC 2852 section 5).
    pub deliver_by_date: Option<Timestamp>,
    /// For people; lines end in LF.
    pub explanation: &'a str,
    pub recipients: &'a [RecipientReport],
    /// The header section of the message the report is about, CRLF line ends.
    pub original_header: &'a [u8],
    /// A text that occurs in none of the parts.
    pub boundary: &'a str,
}

impl DeliveryReport<'_> {
    /// The whole message, CRLF line ends throughout.
    pub fn to_message(&self) -> Vec<u8> {
        let needs_utf8 = self
            .recipients
            .iter()
            .any(|one| !one.final_recipient.is_ascii());
        let mut head = String::new();
        field(&mut head, "From", self.from);
        field(&mut head, "To", &format!("<{}>", self.to));
        field(&mut head, "Subject", self.subject);
        field(&mut head, "Date", &self.date.to_rfc5322());
        field(&mut head, "Message-ID", &format!("<{}>", self.message_id));
        // RFC 3834 section 5: so that no responder answers a report.
        field(&mut head, "Auto-Submitted", "auto-replied");
        field(&mut head, "MIME-Version", "1.0");
        let _ = write!(
            head,
            "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"{}\"\r\n\r\n",
            self.boundary
        );

        let mut message = head.into_bytes();
        self.part(
            &mut message,
            "text/plain; charset=utf-8",
            &crlf(self.explanation),
        );
        let kind = if needs_utf8 {
            "message/global-delivery-status"
        } else {
            "message/delivery-status"
        };
        self.part(&mut message, kind, self.status_fields().as_bytes());
        let original = &self.original_header[..self.original_header.len().min(HEADER_OCTETS_MAX)];
        self.part(&mut message, "text/rfc822-headers", original);
        message.extend_from_slice(format!("--{}--\r\n", self.boundary).as_bytes());
        message
    }

    fn part(&self, message: &mut Vec<u8>, content_type: &str, content: &[u8]) {
        let encoding = if content.is_ascii() { "7bit" } else { "8bit" };
        message.extend_from_slice(
            format!(
                "--{}\r\nContent-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n",
                self.boundary
            )
            .as_bytes(),
        );
        message.extend_from_slice(content);
        if !content.ends_with(b"\r\n") {
            message.extend_from_slice(b"\r\n");
        }
    }

    fn status_fields(&self) -> String {
        let mut text = String::new();
        if let Some(envid) = self.envid {
            field(&mut text, "Original-Envelope-Id", envid);
        }
        field(
            &mut text,
            "Reporting-MTA",
            &format!("dns; {}", self.reporting_mta),
        );
        if let Some(arrival) = self.arrival_date {
            field(&mut text, "Arrival-Date", &arrival.to_rfc5322());
        }
        if let Some(moment) = self.deliver_by_date {
            field(&mut text, "Deliver-By-Date", &moment.to_rfc5322());
        }
        for recipient in self.recipients {
            text.push_str("\r\n");
            if let Some((kind, address)) = recipient
                .original_recipient
                .as_deref()
                .and_then(|original| original.split_once(';'))
            {
                field(
                    &mut text,
                    "Original-Recipient",
                    &format!("{kind}; {address}"),
                );
            }
            let kind = if recipient.final_recipient.is_ascii() {
                "rfc822"
            } else {
                "utf-8"
            };
            field(
                &mut text,
                "Final-Recipient",
                &format!("{kind}; {}", recipient.final_recipient),
            );
            field(&mut text, "Action", recipient.action.as_str());
            field(&mut text, "Status", &recipient.status);
            if let Some(server) = &recipient.remote_mta {
                field(&mut text, "Remote-MTA", &format!("dns; {server}"));
            }
            if let Some(diagnostic) = &recipient.diagnostic {
                field(&mut text, "Diagnostic-Code", &format!("smtp; {diagnostic}"));
            }
            if let Some(moment) = recipient.last_attempt {
                field(&mut text, "Last-Attempt-Date", &moment.to_rfc5322());
            }
            if let Some(moment) = recipient.will_retry_until {
                field(&mut text, "Will-Retry-Until", &moment.to_rfc5322());
            }
        }
        text
    }
}

/// Long values are folded at a space so that no line passes 998 octets
/// (RFC 5322 section 2.1.1); a value can never start a field of its own.
fn field(text: &mut String, name: &str, value: &str) {
    const FOLD_AT: usize = 76;
    text.push_str(name);
    text.push(':');
    let mut column = name.len() + 1;
    for word in value
        .split(|char: char| char.is_control() || char == ' ')
        .filter(|word| !word.is_empty())
    {
        if column + 1 + word.len() > FOLD_AT && column > name.len() + 1 {
            text.push_str("\r\n");
            column = 0;
        }
        text.push(' ');
        text.push_str(word);
        column += 1 + word.len();
    }
    text.push_str("\r\n");
}

fn crlf(text: &str) -> Vec<u8> {
    let mut lines = Vec::with_capacity(text.len() + 32);
    for line in text.lines() {
        lines.extend_from_slice(line.as_bytes());
        lines.extend_from_slice(b"\r\n");
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(diagnostic: &str) -> String {
        let to = Address::parse("alerts@clinic.example").expect("an address");
        let recipients = [RecipientReport {
            final_recipient: Address::parse("nobody@clinic.example").expect("an address"),
            original_recipient: Some("rfc822;nobody@clinic.example".to_owned()),
            action: Action::Failed,
            status: "5.1.10".to_owned(),
            remote_mta: Some("smtp.clinic.example".to_owned()),
            diagnostic: Some(diagnostic.to_owned()),
            last_attempt: Some(Timestamp::from_millis(0)),
            will_retry_until: None,
        }];
        let message = DeliveryReport {
            from: "Mail gateway <postmaster@clinic.example>",
            to: &to,
            subject: "Not delivered",
            message_id: "1@gateway.example",
            date: Timestamp::from_millis(0),
            reporting_mta: "gateway.example",
            envid: Some("Q1"),
            arrival_date: Some(Timestamp::from_millis(0)),
            deliver_by_date: Some(Timestamp::from_millis(60_000)),
            explanation: "This message did not arrive.\nAsk the sender.",
            recipients: &recipients,
            original_header: b"Subject: x\r\nFrom: alerts@clinic.example\r\n",
            boundary: "=_b",
        }
        .to_message();
        String::from_utf8(message).expect("this report is UTF-8")
    }

    #[test]
    fn has_its_three_parts_and_the_fields_of_the_standard() {
        let text = report("550 5.1.10 RESOLVER.ADR.RecipientNotFound");
        for expected in [
            "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"=_b\"\r\n\r\n--=_b\r\n",
            "\r\n\r\nThis message did not arrive.\r\nAsk the sender.\r\n--=_b\r\n",
            "\r\n\r\nOriginal-Envelope-Id: Q1\r\nReporting-MTA: dns; gateway.example\r\nArrival-Date: Thu, 1 Jan 1970 00:00:00 +0000\r\nDeliver-By-Date: Thu, 1 Jan 1970 00:01:00 +0000\r\n\r\n",
            "Original-Recipient: rfc822; nobody@clinic.example\r\nFinal-Recipient: rfc822; nobody@clinic.example\r\nAction: failed\r\nStatus: 5.1.10\r\n",
            "Diagnostic-Code: smtp; 550 5.1.10 RESOLVER.ADR.RecipientNotFound\r\n",
            "Content-Type: text/rfc822-headers\r\n",
            "From: alerts@clinic.example\r\n--=_b--\r\n",
        ] {
            assert!(
                text.contains(expected),
                "{expected:?} is missing in\n{text}"
            );
        }
    }

    #[test]
    fn a_hostile_reply_adds_no_field_and_no_long_line() {
        let text = report(&format!(
            "550 no\r\nAction: delivered\r\n\r\n{}",
            "word ".repeat(400)
        ));
        assert_eq!(text.matches("\r\nAction:").count(), 1);
        assert!(text.split("\r\n").all(|line| line.len() <= 998));
    }
}
