//! `[secure]` in the subject: outside the domains that need no encryption the
//! service sends a notice with a link in the message's place.
//!
//! Whether the tag's case and place matter is not known: here neither does.

use mailward_mail::Address;
use mailward_mail::header::Header;
use mailward_mail::mime::decode_words;

use super::addressees::Plan;
use super::{Deliveries, INBOX, Letter, OUTSIDE, Origin};
use crate::behaviour;
use crate::names::BACK_END;
use crate::ndr::clip;
use crate::oauth::guid;

/// Where the mailbox of the outside keeps what its people would read behind
/// the link.
pub(super) const FOLDER: &str = "Secure";

const TAG: &str = "[secure]";

/// Needs no encryption, whatever the settings say.
const NHSMAIL_DOMAIN: &str = "nhs.net";

impl Deliveries {
    /// Those of the recipients outside who get the notice.
    pub(super) fn secured(&self, letter: &Letter<'_>, plan: &Plan) -> Vec<Address> {
        let by_account = matches!(letter.origin, Origin::Account(_));
        if !by_account || plan.outside.is_empty() || !is_secure(letter.header) {
            return Vec::new();
        }
        let manners = self.manners.now();
        let accredited = |address: &Address| {
            let mut domains = manners.mail.accredited_domains.iter();
            address.is_within(NHSMAIL_DOMAIN) || domains.any(|domain| address.is_within(domain))
        };
        let outside = plan.outside.iter();
        outside
            .filter(|address| !accredited(address))
            .cloned()
            .collect()
    }

    pub(super) async fn send_secured(&self, letter: &Letter<'_>, secured: &[Address]) {
        let (Some(from), false) = (letter.origin.reports_to(), secured.is_empty()) else {
            return;
        };
        let header = Header::parse(letter.header);
        let value = |name| {
            let field = header.first(name);
            field.map(|field| clip(&field.value())).unwrap_or_default()
        };
        for recipient in secured {
            let message = format!(
                "From: <{from}>\r\nTo: <{recipient}>\r\nDate: {}\r\nSubject: {}\r\nMessage-ID: <{}@{BACK_END}>\r\n\
                 X-Mailward-Secure: {}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
                 {from} has sent you a secure message.\r\n\
                 Register or sign in with the encryption service to read it in your browser:\r\n\
                 https://secure.invalid/{}\r\n",
                self.clock.now().to_rfc5322(),
                value("Subject"),
                guid(&*self.dice),
                value("Message-ID"),
                guid(&*self.dice),
            );
            if let Err(error) = self.file(OUTSIDE, INBOX, message.as_bytes()).await {
                tracing::warn!(%error, "a notice of a secure message could not be filed");
            }
        }
        let (sender, count) = (Some(from.as_str()), secured.len());
        let why = format!("{count} outside get a link in the place of the message");
        let behaviour = behaviour::SECURE;
        self.events
            .punish(letter.protocol, "encrypted", sender, why, behaviour);
    }
}

fn is_secure(header: &[u8]) -> bool {
    let header = Header::parse(header);
    let subject = header.first("Subject").map(|field| field.value());
    subject.is_some_and(|subject| decode_words(&subject).to_ascii_lowercase().contains(TAG))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_may_stand_anywhere_and_be_encoded() {
        for (subject, expected) in [
            ("[secure] The result", true),
            ("The result [SECURE]", true),
            ("=?utf-8?b?W3NlY3VyZV0gS8OkdGhl?=", true),
            ("secure: the result", false),
            ("", false),
        ] {
            let header = format!("Subject: {subject}\r\n\r\n");
            assert_eq!(is_secure(header.as_bytes()), expected, "{subject}");
        }
    }
}
