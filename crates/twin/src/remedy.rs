//! What a client, its owner or a Local Administrator does about each
//! behaviour: for people who ask why.

use crate::behaviour::Behaviour;

impl Behaviour {
    /// One or two sentences.
    pub fn remedy(&self) -> &'static str {
        REMEDIES
            .iter()
            .find(|(id, _)| *id == self.id)
            .map_or("", |(_, remedy)| remedy)
    }
}

/// By id, in the order of the behaviours.
const REMEDIES: &[(&str, &str)] = &[
    ("tls-version", "Let the client speak TLS 1.2 or 1.3."),
    ("tls-first", "Send STARTTLS before AUTH and MAIL."),
    (
        "no-implicit-tls",
        "Connect in plain text to port 587 and send STARTTLS.",
    ),
    (
        "mechanism",
        "Sign in with AUTH LOGIN, or with AUTH XOAUTH2 and a token.",
    ),
    ("not-signed-in", "Sign in before MAIL, on every connection."),
    ("user-name", "Sign in with the full address of the account."),
    (
        "credentials",
        "Check address and password. Don't try again by itself: wrong passwords lock the account.",
    ),
    (
        "wrong-passwords",
        "Stop trying, put the password right where it is configured, and let the Local Administrator unlock the account.",
    ),
    (
        "account-locked",
        "Let the Local Administrator unlock the account, once the cause has been put right.",
    ),
    (
        "account-disabled",
        "Let the Local Administrator enable the account.",
    ),
    (
        "password-expired",
        "Change the password, and change it everywhere it is configured; plan for the next time.",
    ),
    (
        "password-change",
        "Let a person change the password once, then configure the new one.",
    ),
    ("password-policy", "Choose another password by the policy."),
    (
        "token",
        "Ask for a token with the right audience, role and mailbox, and for another one before it expires.",
    ),
    (
        "password-ended",
        "Sign in with OAuth 2.0: passwords are no longer taken.",
    ),
    (
        "protocol-disabled",
        "Let the Local Administrator enable the protocol for this account.",
    ),
    (
        "protocol-disused",
        "Let the Local Administrator enable the protocol again, and use it more often than that.",
    ),
    (
        "maildrop-in-use",
        "End the other session, or wait until it has ended: one at a time may be open.",
    ),
    (
        "connections",
        "Open fewer connections with this mailbox, and try again after a pause.",
    ),
    (
        "sender-blocked",
        "Find out what was sent from the account, then ask for the block to be lifted.",
    ),
    (
        "send-as",
        "Write the account that signed in into From and reverse-path.",
    ),
    ("from-missing", "Write one From with one address."),
    (
        "from-several",
        "Write one address into From, or name the sender in Sender.",
    ),
    ("line-ends", "End every line with CR LF."),
    (
        "non-delivery-address",
        "Send from an address that somebody reads: reports and replies come to it.",
    ),
    (
        "message-size",
        "Send less: encoding makes files a third larger, and the whole counts.",
    ),
    (
        "recipients-per-message",
        "Send several messages, or to a distribution list.",
    ),
    (
        "recipients-per-day",
        "Wait until the oldest recipients are a day old, spread the mail, or apply for high sending.",
    ),
    (
        "messages-per-minute",
        "Send more slowly, or apply for high sending.",
    ),
    ("list-spacing", "Wait between messages to the same list."),
    (
        "over-quota",
        "Make room in the account's own mailbox, Sent Items above all: without room nothing is sent.",
    ),
    (
        "quota-warning",
        "Delete what is no longer needed before sending stops.",
    ),
    (
        "virus",
        "Don't send it again: find out where the file comes from.",
    ),
    (
        "spam",
        "See what makes it look like spam; mail that people expect rarely does.",
    ),
    (
        "late-verdict",
        "Don't take a message that was there once for one that stays.",
    ),
    (
        "blocked-attachment",
        "Send another kind of file, or a link.",
    ),
    (
        "external-banner",
        "Send from inside, or tell readers to expect the banner.",
    ),
    (
        "secure",
        "Leave [secure] out of the subject where no encryption is meant.",
    ),
    (
        "unknown-recipient",
        "Take the address off the list of recipients, and find the right one.",
    ),
    (
        "recipient-full",
        "Tell the recipient by another way, and try again later.",
    ),
    (
        "received-per-hour",
        "Spread mail to one mailbox over more time.",
    ),
    (
        "late-bounce",
        "Match the report to the message it is about, and act on it.",
    ),
    ("automatic-reply", "Don't answer it: it is no person's."),
    (
        "read-receipt",
        "Take it as a sign that a message was opened, not that it was understood.",
    ),
    (
        "relay-off-network",
        "Send from a machine within the networks of HSCN; elsewhere use submission.",
    ),
    (
        "relay-unregistered",
        "Register the address of the sending machine, or give it a name in the reverse zone.",
    ),
    (
        "relay-spoofed",
        "Send as nhs.net through submission, signed in; the relay is for nhs.uk.",
    ),
    (
        "relay-domain",
        "Send from a domain of the organisation that registered the address.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behaviour::BEHAVIOURS;

    #[test]
    fn every_behaviour_has_one_and_none_is_left_over() {
        for behaviour in BEHAVIOURS {
            assert!(!behaviour.remedy().is_empty(), "{}", behaviour.id);
        }
        assert_eq!(REMEDIES.len(), BEHAVIOURS.len());
    }
}
