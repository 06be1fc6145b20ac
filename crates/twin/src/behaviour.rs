//! What the twin does to those who break the guidance: the one list of its
//! behaviours, each with the clauses whose breach it punishes and the words it
//! says. The reference is generated from it; every punishment is an event that
//! names its behaviour.

use mailward_policy::ClauseId;
use mailward_policy::clause::{dhc, eng, guide};

/// How well the words, or the act where there are none, are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The owner of the service or standard says so.
    Documented,
    /// Seen in public transcripts of the service.
    Observed,
    /// Said by others about it.
    Reported,
    /// The likeliest, in the manner of the rest; not seen.
    Inferred,
}

impl Standing {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Observed => "observed",
            Self::Reported => "reported",
            Self::Inferred => "inferred",
        }
    }
}

/// One behaviour. The gateway's rules share its clauses and none of its code.
#[derive(Clone, Copy, Debug)]
pub struct Behaviour {
    /// In kebab-case; never changes once released.
    pub id: &'static str,
    /// The clauses that it witnesses; empty where only an RFC asks for it.
    pub clauses: &'static [ClauseId],
    /// The offence, as a noun phrase.
    pub punishes: &'static str,
    /// What the client hears, or what becomes of the message.
    pub words: &'static str,
    pub standing: Standing,
}

use Standing::{Documented, Inferred, Observed, Reported};

macro_rules! behaviours {
    ($($name:ident = $id:literal [$($clause:expr),*] $standing:ident $punishes:literal => $words:literal;)+) => {
        $(pub(crate) const $name: &Behaviour = &Behaviour {
            id: $id,
            clauses: &[$($clause),*],
            punishes: $punishes,
            words: $words,
            standing: $standing,
        };)+

        /// Every behaviour, by the way of a message: connection, sign-in,
        /// sender, message, recipients, delivery, relay.
        pub const BEHAVIOURS: &[Behaviour] = &[$(*$name),+];
    };
}

behaviours! {
    TLS_VERSION = "tls-version" [guide(60), eng(5), dhc(11)] Documented
        "TLS below 1.2" => "the handshake is refused: protocol version";
    TLS_FIRST = "tls-first" [guide(46), guide(60), eng(17), dhc(11), dhc(23)] Observed
        "MAIL before STARTTLS" => "451 5.7.3 STARTTLS is required to send mail";
    NO_IMPLICIT_TLS = "no-implicit-tls" [guide(46), guide(60)] Documented
        "implicit TLS, as on port 465" => "no port offers it; a handshake at the first octet gets no answer in TLS";
    MECHANISM = "mechanism" [guide(43)] Observed
        "a mechanism other than LOGIN and XOAUTH2, PLAIN too" => "504 5.7.4 Unrecognized authentication type";
    NOT_SIGNED_IN = "not-signed-in" [guide(9), guide(84), eng(6), eng(18), dhc(12), dhc(23)] Observed
        "MAIL without AUTH" => "530 5.7.57 Client not authenticated to send mail.";
    USER_NAME = "user-name" [guide(9), guide(59)] Observed
        "a user name that is not the full address" => "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.";
    CREDENTIALS = "credentials" [guide(9), guide(34), dhc(12)] Observed
        "a wrong password, an unknown account, a shared mailbox" => "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.";
    WRONG_PASSWORDS = "wrong-passwords" [guide(37), guide(34)] Inferred
        "ten wrong passwords running, over all protocols; the number is a setting" => "as for a wrong password; the account is locked from then on";
    ACCOUNT_LOCKED = "account-locked" [guide(35), guide(36), guide(39)] Inferred
        "a locked account, by password or token, and within a session" => "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.; the words are a setting; within a session 530 5.7.57 Client not authenticated to send mail. Error: …";
    ACCOUNT_DISABLED = "account-disabled" [guide(35), guide(36)] Inferred
        "a disabled account, by password or token, and within a session" => "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.; within a session 530 5.7.57 Client not authenticated to send mail. Error: …";
    PASSWORD_EXPIRED = "password-expired" [guide(31), guide(33)] Inferred
        "a password older than 365 days or 12 calendar months" => "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.; for a token AADSTS50055: The password is expired.";
    PASSWORD_CHANGE = "password-change" [guide(38)] Inferred
        "a password that must be changed first" => "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.; for a token AADSTS50055: The password is expired.";
    PASSWORD_POLICY = "password-policy" [guide(25), guide(19), guide(26), guide(28), guide(29), guide(30), guide(32)] Documented
        "a change to a password that is short, breached, one of the last four, or has a space or a name in it" => "the change is refused, with every fault";
    TOKEN = "token" [guide(9), dhc(12)] Documented
        "a token that is forged, stale or for another mailbox" => "535 5.7.3 Authentication unsuccessful";
    PASSWORD_ENDED = "password-ended" [guide(109), guide(110)] Observed
        "a password after password sign-in has ended" => "535 5.7.139 Authentication unsuccessful, basic authentication is disabled.";
    PROTOCOL_DISABLED = "protocol-disabled" [guide(6), guide(7), guide(47), guide(104)] Observed
        "SMTP for an account for which the Local Administrator has not enabled it" => "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox. Visit https://aka.ms/smtp_auth_disabled for more information.";
    PROTOCOL_DISUSED = "protocol-disused" [guide(7)] Documented
        "a protocol that an account has not used for as long as the setting says; the interval is not published" => "switched off until the Local Administrator enables it; words as for a protocol that is not enabled";
    MAILDROP_IN_USE = "maildrop-in-use" [] Inferred
        "a second POP session of a mailbox" => "-ERR Mailbox is locked by another session.";
    CONNECTIONS = "connections" [guide(79), guide(80)] Documented
        "more than three connections of a mailbox at once" => "432 4.3.2 Concurrent connections limit exceeded.";
    SENDER_BLOCKED = "sender-blocked" [guide(3), guide(73), guide(83)] Documented
        "an account that was blocked" => "550 5.1.8 Access denied, bad outbound sender";
    SEND_AS = "send-as" [guide(10), guide(14), guide(61)] Observed
        "a From or reverse-path other than the account" => "554 5.2.252 SendAsDenied; … not allowed to send as …";
    FROM_MISSING = "from-missing" [guide(10), guide(61)] Documented
        "no From, or none that can be read" => "550 5.7.512 Access denied, message must be RFC 5322 section 3.6.2 compliant";
    FROM_SEVERAL = "from-several" [guide(10), guide(61)] Documented
        "several From addresses without Sender" => "550 5.1.20 Multiple From addresses are not allowed without Sender address";
    LINE_ENDS = "line-ends" [] Documented
        "bare CR or LF, or NUL, in a message" => "550 5.6.11 Invalid characters";
    NON_DELIVERY_ADDRESS = "non-delivery-address" [guide(71), guide(72), guide(73)] Inferred
        "an address that nobody reads in From, Reply-To or reverse-path" => "recorded; where the service is set to block, the account is blocked from then on: 550 5.1.8 Access denied, bad outbound sender";
    MESSAGE_SIZE = "message-size" [guide(67)] Reported
        "a message above the published size" => "552 5.3.4 Message size exceeds fixed maximum message size";
    RECIPIENTS_PER_MESSAGE = "recipients-per-message" [guide(68)] Reported
        "more recipients in a message than its mailbox may have" => "taken, then reported for all: 550 5.5.3 RESOLVER.ADR.RecipLimit; too many recipients";
    RECIPIENTS_PER_DAY = "recipients-per-day" [guide(79), guide(80)] Documented
        "more recipients in a rolling 24 hours than a mailbox may have" => "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; by setting taken, then reported: 550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients";
    MESSAGES_PER_MINUTE = "messages-per-minute" [guide(79), guide(80)] Documented
        "more messages in a minute than a mailbox may send" => "the 250 waits until the minute has room";
    LIST_SPACING = "list-spacing" [guide(69)] Inferred
        "a second message to a distribution list within the published time" => "recorded; where the service is set so: 450 4.7.1 or 550 5.7.1 Messages to distribution list … are too close together";
    OVER_QUOTA = "over-quota" [guide(63), guide(64), guide(65)] Documented
        "a sender whose mailbox is full" => "554 5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded";
    QUOTA_WARNING = "quota-warning" [guide(66)] Inferred
        "a mailbox that fills up; from when on is a setting" => "a warning in its inbox, once a day";
    VIRUS = "virus" [guide(17)] Inferred
        "the EICAR test file, plain or in base64" => "taken, then kept in the quarantine";
    SPAM = "spam" [guide(17), guide(40)] Inferred
        "the GTUBE test line" => "taken, then filed in Junk Email";
    LATE_VERDICT = "late-verdict" [guide(17)] Inferred
        "the same, where the setting has verdicts come late" => "delivered, then taken out of the inbox into the quarantine, or moved to Junk Email";
    BLOCKED_ATTACHMENT = "blocked-attachment" [guide(17)] Documented
        "an attachment of a blocked type; but for .exe and .docm the list is ours, and a setting" => "NHSmail detected and removed a file named …, in its place";
    EXTERNAL_BANNER = "external-banner" [] Documented
        "mail from outside that appears to come from NHSmail; by setting all of it" => "a warning above its text, in words of ours";
    SECURE = "secure" [] Documented
        "[secure] in the subject, to a domain outside that is not accredited" => "a notice with a link in the place of the message";
    UNKNOWN_RECIPIENT = "unknown-recipient" [guide(74)] Documented
        "a recipient of the organisation who is not there" => "taken, then reported: 550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup";
    RECIPIENT_FULL = "recipient-full" [guide(64), guide(74)] Documented
        "a recipient whose mailbox is full" => "taken, then reported: 554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded";
    RECEIVED_PER_HOUR = "received-per-hour" [guide(74)] Reported
        "more messages from outside in a rolling hour than a mailbox may receive, from all or from one sender" => "taken, then reported: 550 5.2.122 Recipient's per hour message receive limit exceeded, or 550 5.2.121 … from specific sender exceeded";
    LATE_BOUNCE = "late-bounce" [guide(74)] Inferred
        "a recipient outside whose server refuses or is away; which and when is a setting" => "taken, then reported late: delayed, or failed with the far server's words, or 550 5.4.300 Message expired";
    AUTOMATIC_REPLY = "automatic-reply" [] Inferred
        "a message to somebody who is away" => "Automatic reply: …, once for each sender and absence";
    READ_RECEIPT = "read-receipt" [] Inferred
        "a message that asks for a receipt and is opened" => "Read: …";
    RELAY_OFF_NETWORK = "relay-off-network" [guide(2), guide(11)] Inferred
        "a relay client outside the networks of HSCN, which are a setting" => "nothing: the connection ends before the greeting";
    RELAY_UNREGISTERED = "relay-unregistered" [guide(53), guide(54), guide(55), guide(58)] Inferred
        "a relay client that is neither registered nor in the reverse zone" => "554 5.7.1 Relay Access Denied, at connection or at RCPT; the words are a setting";
    RELAY_SPOOFED = "relay-spoofed" [guide(14), guide(50)] Documented
        "an nhs.net sender through the relay" => "taken, then deleted; before 9 July 2019, or by setting, filed in Junk Email with a banner; by setting kept in the quarantine";
    RELAY_DOMAIN = "relay-domain" [guide(12), guide(13), guide(14)] Inferred
        "a relay sender outside the domains of the organisation that registered" => "as for an nhs.net sender";
}

/// The reference page of all behaviours, in Markdown.
pub fn reference() -> String {
    let mut page = String::from(
        "# Behaviours of the twin\n\n\
         This page is generated from `crates/twin/src/behaviour.rs`; `cargo xtask docs` writes it anew.\n\n\
         What the twin does to those who break the guidance.\n\
         Each act is an event of the log that names the behaviour and its clauses; the client sees the words alone.\n\
         The standing is that of the words, or of the act where there are none: [fidelity](../fidelity.md) says what it means.\n\n\
         | behaviour | punishes | words, or what becomes of it | clauses | standing |\n\
         | --- | --- | --- | --- | --- |\n",
    );
    for one in BEHAVIOURS {
        let clauses: Vec<String> = one.clauses.iter().map(ToString::to_string).collect();
        let clauses = if clauses.is_empty() {
            "–".to_owned()
        } else {
            clauses.join(", ")
        };
        let Behaviour {
            id,
            punishes,
            words,
            standing,
            ..
        } = one;
        let standing = standing.as_str();
        page.push_str(&format!(
            "| `{id}` | {punishes} | {words} | {clauses} | {standing} |\n"
        ));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_behaviour_has_an_id_of_its_own_and_clauses_that_are_known() {
        let mut ids: Vec<&str> = BEHAVIOURS.iter().map(|one| one.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), BEHAVIOURS.len());
        for behaviour in BEHAVIOURS {
            let kebab = |char: char| char.is_ascii_lowercase() || char == '-';
            assert!(behaviour.id.chars().all(kebab), "{}", behaviour.id);
            assert!(!behaviour.punishes.is_empty() && !behaviour.words.is_empty());
            for id in behaviour.clauses {
                assert!(id.clause().is_some(), "{}: {id}", behaviour.id);
            }
        }
    }
}
