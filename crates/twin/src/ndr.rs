//! Non-delivery reports as Exchange Online writes them: subject, sender, the
//! sentences for people, and a `message/delivery-status` part (RFC 3464) with
//! Exchange's diagnostic text. Shape after reports observed in public.

use std::fmt::{self, Write as _};

use mailward_mail::header::Header;
use mailward_mail::{Address, Timestamp};
use serde::{Deserialize, Serialize};

/// Why a recipient gets nothing, or nothing yet.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cause {
    RecipientNotFound,
    MailboxFull,
    /// The message has more recipients than its sender may address at once.
    TooManyRecipients,
    /// The sender's day has no room for so many.
    DayFull,
    /// The mailbox has received too much in this hour.
    ReceivedTooMany,
    ReceivedTooManyFromSender,
    /// The far server is away.
    Delayed,
    Expired,
    /// The far server's own reply.
    FarEnd {
        says: String,
    },
}

/// What the report tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Failed,
    Delayed,
}

impl Outcome {
    fn subject(self) -> &'static str {
        match self {
            Self::Failed => "Undeliverable",
            Self::Delayed => "Delivery delayed",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::Failed => "Delivery has failed to these recipients or groups:",
            Self::Delayed => "Delivery is delayed to these recipients or groups:",
        }
    }

    fn action(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
        }
    }
}

impl Cause {
    pub(crate) fn status(&self) -> &str {
        match self {
            Self::RecipientNotFound => "5.1.10",
            Self::MailboxFull => "5.2.2",
            Self::TooManyRecipients => "5.5.3",
            Self::DayFull => "5.1.90",
            Self::ReceivedTooMany => "5.2.122",
            Self::ReceivedTooManyFromSender => "5.2.121",
            Self::Delayed => "4.4.7",
            Self::Expired => "5.4.300",
            Self::FarEnd { says } => far_status(says),
        }
    }

    pub(crate) fn diagnostic(&self) -> &str {
        match self {
            Self::RecipientNotFound => {
                "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"
            }
            Self::MailboxFull => {
                "554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded"
            }
            Self::TooManyRecipients => "550 5.5.3 RESOLVER.ADR.RecipLimit; too many recipients",
            Self::DayFull => {
                "550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients"
            }
            Self::ReceivedTooMany => {
                "550 5.2.122 Recipient's per hour message receive limit exceeded"
            }
            Self::ReceivedTooManyFromSender => {
                "550 5.2.121 Recipient's per hour message receive limit from specific sender exceeded"
            }
            Self::Delayed => "400 4.4.7 Message delayed",
            Self::Expired => "550 5.4.300 Message expired",
            Self::FarEnd { says } => says,
        }
    }

    fn sentence(&self) -> &'static str {
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
            Self::DayFull => {
                "Your message can't be sent because you've reached your daily limit for message recipients. Wait until tomorrow."
            }
            Self::ReceivedTooMany => {
                "The recipient gets too many messages at the moment. Try again in an hour."
            }
            Self::ReceivedTooManyFromSender => {
                "The recipient gets too many messages from you at the moment. Try again in an hour."
            }
            Self::Delayed => {
                "The message has not been delivered yet. There is nothing to do: delivery is tried on."
            }
            Self::Expired => {
                "The recipient's mail server did not take the message in time, and delivery is tried no more."
            }
            Self::FarEnd { .. } => "The recipient's mail server refused the message.",
        }
    }
}

/// The enhanced status code after the reply code, or that of its class.
fn far_status(says: &str) -> &str {
    let mut words = says.split(' ');
    let code = words.next().unwrap_or_default();
    let enhanced = words.next().unwrap_or_default();
    let numbers = |text: &str| {
        let mut parts = text.split('.');
        let number = |part: Option<&str>| {
            part.is_some_and(|part| {
                !part.is_empty()
                    && part.len() <= 3
                    && part.bytes().all(|byte| byte.is_ascii_digit())
            })
        };
        number(parts.next())
            && number(parts.next())
            && number(parts.next())
            && parts.next().is_none()
    };
    match (numbers(enhanced), code.starts_with('4')) {
        (true, _) => enhanced,
        (false, true) => "4.0.0",
        (false, false) => "5.0.0",
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
    pub(crate) outcome: Outcome,
    pub(crate) recipients: &'a [(Address, Cause)],
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
            "Return-Path: <>\r\nFrom: \"Microsoft Outlook\" <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@{}>\r\n\
             To: <{}>\r\nDate: {}\r\nSubject: {}: {}\r\n\
             Message-ID: <{message_id}@{}>\r\n",
            self.domain,
            self.to,
            self.now.to_rfc5322(),
            self.outcome.subject(),
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

    /// The same twice, for programs that show text and for those that show
    /// pages: Exchange Online's reports have both.
    fn for_people(&self, text: &mut String, boundary: &str, original: &Header<'_>) {
        let inner = format!("{boundary}-people");
        let _ = write!(
            text,
            "--{boundary}\r\nContent-Type: multipart/alternative;\r\n\tboundary=\"{inner}\"\r\n\r\n"
        );
        for kind in ["plain", "html"] {
            let _ = write!(
                text,
                "--{inner}\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
            );
            match kind {
                "html" => self.as_page(text, original),
                _ => self.as_text(text, original),
            }
        }
        let _ = write!(text, "--{inner}--\r\n\r\n");
    }

    fn as_text(&self, text: &mut String, original: &Header<'_>) {
        let _ = write!(text, "{}\r\n\r\n", self.outcome.sentence());
        for (address, cause) in self.recipients {
            let _ = write!(text, "{address}\r\n{}\r\n\r\n", cause.sentence());
        }
        let _ = write!(
            text,
            "\r\nDiagnostic information for administrators:\r\n\r\nGenerating server: {}\r\n\r\n",
            self.server
        );
        for (address, cause) in self.recipients {
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

    fn as_page(&self, text: &mut String, original: &Header<'_>) {
        let _ = write!(
            text,
            "<html>\r\n<head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\"></head>\r\n<body>\r\n<p><b>{}</b></p>\r\n",
            self.outcome.sentence()
        );
        for (address, cause) in self.recipients {
            let address = Escaped(address.as_str());
            let _ = write!(
                text,
                "<p><a href=\"mailto:{address}\">{address}</a><br>\r\n{}</p>\r\n",
                cause.sentence()
            );
        }
        let _ = write!(
            text,
            "<hr>\r\n<p><b>Diagnostic information for administrators:</b></p>\r\n<p>Generating server: {}</p>\r\n",
            Escaped(self.server)
        );
        for (address, cause) in self.recipients {
            let _ = write!(
                text,
                "<p>{}<br>\r\nRemote Server returned '{}'</p>\r\n",
                Escaped(address.as_str()),
                Escaped(cause.diagnostic())
            );
        }
        text.push_str("<p>Original message headers:</p>\r\n<pre>\r\n");
        for field in &original.fields {
            let value = clip(&field.value());
            let _ = write!(text, "{}: {}\r\n", Escaped(field.name), Escaped(&value));
        }
        text.push_str("</pre>\r\n</body>\r\n</html>\r\n");
    }

    fn for_programs(&self, text: &mut String, boundary: &str) {
        let kind = if self
            .recipients
            .iter()
            .all(|(address, _)| address.is_ascii())
        {
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
        for (address, cause) in self.recipients {
            let form = if address.is_ascii() {
                "rfc822"
            } else {
                "utf-8"
            };
            let _ = write!(
                text,
                "\r\nFinal-Recipient: {form};{address}\r\nAction: {}\r\nStatus: {}\r\nDiagnostic-Code: smtp;{}\r\n",
                self.outcome.action(),
                cause.status(),
                cause.diagnostic()
            );
        }
        text.push_str("\r\n");
    }
}

/// Text that a page shows as it is.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in self.0.chars() {
            match char {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// As much of a field's value as fits a line of RFC 5322 with room to spare.
pub(crate) fn clip(value: &str) -> String {
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
            outcome: Outcome::Failed,
            recipients: &failed,
            original_header: b"Subject: Clinic\r\n list <b>\r\nMessage-ID: <1@x.example>\r\n\r\n",
        }
        .to_message();
        let text = String::from_utf8(message).expect("UTF-8");
        for expected in [
            "Subject: Undeliverable: Clinic list <b>\r\n",
            "In-Reply-To: <1@x.example>\r\n",
            "Final-Recipient: rfc822;nobody@northmoor.example\r\nAction: failed\r\nStatus: 5.1.10\r\n",
            "Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup\r\n",
            "\r\n--bound-people--\r\n",
            "<a href=\"mailto:nobody@northmoor.example\">nobody@northmoor.example</a>",
            "Subject: Clinic list &lt;b&gt;\r\n",
            "\r\n\r\nSubject: Clinic\r\n list <b>\r\nMessage-ID: <1@x.example>\r\n\r\n\r\n--bound--\r\n",
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
