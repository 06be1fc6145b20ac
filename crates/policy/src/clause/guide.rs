//! Applications Guide for NHSmail, version 14, March 2022.

use super::Strength::{Info, May, Must, MustNot};
use super::{Clause, Strength, guide};

const fn clause(
    number: u16,
    section: &'static str,
    strength: Strength,
    paraphrase: &'static str,
) -> Clause {
    Clause {
        id: guide(number),
        section,
        paraphrase,
        strength,
    }
}

const AUTHENTICATION: &str = "Authentication policy";
const PASSWORD: &str = "Password policy";
const SENDING: &str = "Sending rules";
const DISPLAY_NAME: &str = "Display name";

pub(super) const CLAUSES: &[Clause] = &[
    clause(
        10,
        AUTHENTICATION,
        Must,
        "The From address of every message is that of the sending account.",
    ),
    clause(
        14,
        AUTHENTICATION,
        Info,
        "A spoofed From is marked as spoofed, and goes to Junk or is not delivered.",
    ),
    clause(
        15,
        AUTHENTICATION,
        Must,
        "Mail that holds patient data or confidential data goes through NHSmail only.",
    ),
    clause(
        16,
        AUTHENTICATION,
        May,
        "Mail without patient data and without confidential data, such as an alert, may go through the relay.",
    ),
    clause(
        19,
        "Application account",
        Must,
        "The password of an application account has twenty characters.",
    ),
    clause(29, PASSWORD, Must, "A password has ten characters or more."),
    clause(
        30,
        PASSWORD,
        MustNot,
        "A password is none of the four before it.",
    ),
    clause(31, PASSWORD, Must, "A password is changed every 365 days."),
    clause(
        32,
        PASSWORD,
        Must,
        "The password of an application account has at least twenty characters.",
    ),
    clause(
        33,
        PASSWORD,
        Must,
        "The password of an application account is changed every twelve calendar months.",
    ),
    clause(60, SENDING, Must, "Outgoing SMTP uses TLS, not SSL."),
    clause(
        61,
        SENDING,
        Must,
        "The From field matches the sending address; otherwise the message may be refused as spam.",
    ),
    clause(
        67,
        SENDING,
        MustNot,
        "A single message does not exceed 35 MB.",
    ),
    clause(
        68,
        SENDING,
        MustNot,
        "A message has no more than 5000 recipients, unless it goes to a distribution list of NHSmail.",
    ),
    clause(
        69,
        SENDING,
        Must,
        "Messages to distribution lists are at least thirty minutes apart.",
    ),
    clause(71, SENDING, Must, "The address to reply to is valid."),
    clause(
        72,
        SENDING,
        MustNot,
        "Addresses at which nothing is delivered, such as noreply, are not used.",
    ),
    clause(
        73,
        SENDING,
        May,
        "Applications that use such addresses may be blocked.",
    ),
    clause(
        76,
        DISPLAY_NAME,
        Must,
        "The display name, which people outside NHSmail see, is filled in correctly.",
    ),
    clause(
        77,
        DISPLAY_NAME,
        Must,
        "That holds for every application that is configured to send, bought or written.",
    ),
    clause(
        78,
        DISPLAY_NAME,
        Must,
        "The display name reads: Lastname, Firstname (ORGANISATION NAME).",
    ),
    clause(
        79,
        "Office 365 limits",
        Info,
        "The service has the limits that Microsoft publishes for mailboxes, sending and receiving.",
    ),
    clause(
        80,
        "Office 365 limits",
        Must,
        "Applications are configured so that they stay within those limits.",
    ),
];
