//! Non-delivery reports as Exchange Online writes them: subject, sender, the
//! sentences for people, and a `message/delivery-status` part (RFC 3464) with
//! Exchange's diagnostic text. Shape after reports observed in public.

use std::fmt::Write as _;

use mailward_mail::header::Header;
use mailward_mail::{Address, Timestamp};

/// Why a recipient gets nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    RecipientNotFound,
    MailboxFull,
    /// The message has more recipients than its sender may address at once.
    TooManyRecipients,
}

impl Cause {
    fn status(self) -> &'static str {
        match self {
            Self::RecipientNotFound => "5.1.10",
            Self::MailboxFull => "5.2.2",
            Self::TooManyRecipients => "5.5.3",
        }
    }

    fn diagnostic(self) -> &'static str {
        match self {
            Self::RecipientNotFound => {
                "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"
            }
            Self::MailboxFull => {
                "554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded"
            }
            Self::TooManyRecipients => "550 5.5.3 RESOLVER.ADR.RecipLimit; too many recipients",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::RecipientNotFound => {
                "There is no mailbox with this address. Check its spelling and send the message again."
            }
            Self::MailboxFull => {
                "The recipient's mailbox is full and takes no messages at the moment. Try again later."
            }
            Self::TooManyRecipients => {
                "The message wasn't delivered to anyone because there are too many recipients. Send it to fewer at a time."
            }
        }
    }
}

/// One report about one message.
#[derive(Debug)]
pub(crate) struct NonDelivery<'a> {
    /// Who sent the message and is told.
    pub(crate) to: &'a Address,
    pub(crate) domain: &'a str,
    /// The server's long name, for example `MN2PR05CA0004.namprd05.prod.outlook.com`.
    pub(crate) server: &'a str,
    pub(crate) now: Timestamp,
    /// A GUID for the Message-ID and another for the boundary.
    pub(crate) ids: [String; 2],
    pub(crate) failed: &'a [(Address, Cause)],
    /// The header section of the message, CRLF line ends.
    pub(crate) original_header: &'a [u8],
}

impl NonDelivery<'_> {
    pub(crate) fn to_message(&self) -> Vec<u8> {
        let [message_id, boundary] = &self.ids;
        let original = Header::parse(self.original_header);
        let subject = original
            .first("Subject")
            .map(|field| field.value())
            .unwrap_or_default();
        let in_reply_to = original
            .first("Message-ID")
            .map(|field| field.value())
            .unwrap_or_default();
        let mut text = String::new();
        // Control characters can't come in: values are unfolded, and what is
        // long is cut well below the line limit of RFC 5322.
        let _ = write!(
            text,
            "From: \"Microsoft Outlook\" <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@{}>\r\n\
             To: <{}>\r\nDate: {}\r\nSubject: Undeliverable: {}\r\n\
             Message-ID: <{message_id}@{}>\r\n",
            self.domain,
            self.to,
            self.now.to_rfc5322(),
            clip(&subject),
            self.server
        );
        if !in_reply_to.is_empty() {
            let _ = write!(
                text,
                "In-Reply-To: {0}\r\nReferences: {0}\r\n",
                clip(&in_reply_to)
            );
        }
        let _ = write!(
            text,
            "Auto-Submitted: auto-replied\r\nX-MS-Exchange-Message-Is-Ndr:\r\nContent-Language: en-GB\r\n\
             MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"{boundary}\"\r\n\r\n"
        );
        self.for_people(&mut text, boundary, &original);
        self.for_programs(&mut text, boundary);
        let _ = write!(
            text,
            "--{boundary}\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        );
        let mut message = text.into_bytes();
        message.extend_from_slice(self.original_header);
        message.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        message
    }

    fn for_people(&self, text: &mut String, boundary: &str, original: &Header<'_>) {
        let _ = write!(
            text,
            "--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
             Delivery has failed to these recipients or groups:\r\n\r\n"
        );
        for (address, cause) in self.failed {
            let _ = write!(text, "{address}\r\n{}\r\n\r\n", cause.sentence());
        }
        let _ = write!(
            text,
            "\r\nDiagnostic information for administrators:\r\n\r\nGenerating server: {}\r\n\r\n",
            self.server
        );
        for (address, cause) in self.failed {
            let _ = write!(
                text,
                "{address}\r\nRemote Server returned '{}'\r\n\r\n",
                cause.diagnostic()
            );
        }
        text.push_str("Original message headers:\r\n\r\n");
        for field in &original.fields {
            let _ = write!(text, "{}: {}\r\n", field.name, clip(&field.value()));
        }
        text.push_str("\r\n");
    }

    fn for_programs(&self, text: &mut String, boundary: &str) {
        let kind = if self.failed.iter().all(|(address, _)| address.is_ascii()) {
            "message/delivery-status"
        } else {
            "message/global-delivery-status"
        };
        let _ = write!(
            text,
            "--{boundary}\r\nContent-Type: {kind}\r\n\r\nReporting-MTA: dns;{}\r\nArrival-Date: {}\r\n",
            self.server,
            self.now.to_rfc5322()
        );
        for (address, cause) in self.failed {
            let form = if address.is_ascii() {
                "rfc822"
            } else {
                "utf-8"
            };
            let _ = write!(
                text,
                "\r\nFinal-Recipient: {form};{address}\r\nAction: failed\r\nStatus: {}\r\nDiagnostic-Code: smtp;{}\r\n",
                cause.status(),
                cause.diagnostic()
            );
        }
        text.push_str("\r\n");
    }
}

/// As much of a field's value as fits a line of RFC 5322 with room to spare.
fn clip(value: &str) -> String {
    const CHARACTERS_MAX: usize = 240;
    value
        .chars()
        .filter(|char| !char.is_control())
        .take(CHARACTERS_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_a_report_about_the_message() {
        let to = Address::parse("alerts@northmoor.example").expect("an address");
        let failed = [(
            Address::parse("nobody@northmoor.example").expect("an address"),
            Cause::RecipientNotFound,
        )];
        let message = NonDelivery {
            to: &to,
            domain: "northmoor.example",
            server: "TW1PR01MB0001.prod.example",
            now: Timestamp::from_millis(0),
            ids: ["id".to_owned(), "bound".to_owned()],
            failed: &failed,
            original_header: b"Subject: Clinic\r\n list\r\nMessage-ID: <1@x.example>\r\n\r\n",
        }
        .to_message();
        let text = String::from_utf8(message).expect("UTF-8");
        for expected in [
            "Subject: Undeliverable: Clinic list\r\n",
            "In-Reply-To: <1@x.example>\r\n",
            "Final-Recipient: rfc822;nobody@northmoor.example\r\nAction: failed\r\nStatus: 5.1.10\r\n",
            "Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup\r\n",
            "\r\n\r\nSubject: Clinic\r\n list\r\nMessage-ID: <1@x.example>\r\n\r\n\r\n--bound--\r\n",
        ] {
            assert!(
                text.contains(expected),
                "{expected:?} is missing in\n{text}"
            );
        }
        let header = Header::parse(text.as_bytes());
        assert!(header.stray_lines.is_empty());
        assert_eq!(header.count("From"), 1);
    }
}
