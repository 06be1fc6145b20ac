//! Applications Guide for NHSmail, version 14, March 2022.

use super::Strength::{Info, May, Must, MustNot, Should, ShouldNot};
use super::{Clause, guide};

clauses! { guide;
    "Introduction" {
        1 Info
            "Only native Microsoft Exchange APIs are published NHSmail APIs; the guide covers those alone.";
    }
    "About NHSmail" {
        2 Info
            "Service is reached over the internet and, through the Relay, over HSCN.";
        3 May
            "If an automated system threatens the service, its accounts may be disabled automatically and without notice.";
        4 Should
            "That disabling risk should be recorded in the hazard log of any clinical system.";
        5 Info
            "SMTP, POP and IMAP are the protocols offered.";
        6 Must
            "To use them, ask the Local Administrator (LA) to enable them; they are a security risk because they lack modern authentication.";
        7 May
            "Protocols unused for some time may be disabled automatically.";
    }
    "Considerations" {
        8 Must
            "The considerations listed must be taken into account when setting up an application.";
    }
    "Authentication policy" {
        9 Must
            "Every protocol needs an authenticated connection with the full NHSmail address as username and its password.";
        10 Must
            "The From address of every message is that of the sending account.";
        11 May
            "Relay route exists for an application that cannot authenticate, is on HSCN and can send from an nhs.uk address.";
        12 May
            "Relay may be used by any NHS organisation on HSCN that has an nhs.uk mail domain.";
        13 Must
            "Mail through the relay must use the valid nhs.uk domain of the organisation that sends it.";
        14 Info
            "A spoofed From is marked as spoofed, and goes to Junk or is not delivered.";
        15 Must
            "Mail that holds patient data or confidential data goes through NHSmail only.";
        16 May
            "Mail without patient data and without confidential data, such as an alert, may go through the relay.";
        17 Info
            "Mail through both the relay and NHSmail is checked for viruses and spam.";
    }
    "Application account" {
        18 May
            "The account type can be changed from user to application account by Helpdesk Self Service request.";
        19 Must
            "The password of an application account has twenty characters.";
    }
    "Password policy" {
        20 Must
            "Passwords must be kept secure and not shared.";
        21 Must
            "If an application stores an NHSmail password, access to the application must be strictly controlled and audited.";
        22 Must
            "An application that exchanges patient data must be treated as a clinical system, with controls under local governance and clinical safety policy.";
        23 MustNot
            "Caching or banking passwords of several accounts is forbidden unless done in a password manager (e.g. Azure Key Vault) set up to NCSC guidance.";
        24 Should
            "Caution is needed: one compromised application could expose many accounts.";
        25 Must
            "The application's account must follow the NHSmail password policy.";
        26 MustNot
            "Password must not contain the username (the address prefix).";
        27 Info
            "No mix of character types is required.";
        28 MustNot
            "Password must not be a common or breached one (checked in real time at change).";
        29 Must
            "A password has ten characters or more.";
        30 MustNot
            "A password is none of the four before it.";
        31 Must
            "A password is changed every 365 days.";
        32 Must
            "The password of an application account has at least twenty characters.";
        33 Must
            "The password of an application account is changed every twelve calendar months.";
    }
    "Lockout policy" {
        34 Must
            "Integrators must be aware of the lockout constraints.";
        35 Must
            "The account must be active and unlocked for the application to work.";
        36 Must
            "A locked or disabled account must be unlocked by the Local Administrator.";
        37 Info
            "Only a limited number of wrong password attempts is allowed before lock (number not published).";
        38 May
            "If credentials are compromised the account may be locked and/or a password change forced.";
        39 Must
            "Such a lock needs an administrator to clear it.";
    }
    "Spam policy" {
        40 Info
            "NHSmail checks all mail it handles, in several layers, to limit spam.";
    }
    "Support" {
        41 Info
            "Helpdesk does not support self-coded applications; it advises on connection types only and local support diagnoses code.";
    }
    "Sending automated email" {
        42 Must
            "Automated sending is possible provided the listed criteria are followed.";
    }
    "Connection details" {
        43 Must
            "Use the listed settings with a valid NHSmail account.";
        44 Must
            "IMAP: receive, outlook.office365.com, 993, SSL (implicit TLS), authentication required.";
        45 Must
            "POP: receive, outlook.office365.com, 995, SSL (implicit TLS), authentication required.";
        46 Must
            "SMTP: send, smtp.office365.com, 587, TLS (STARTTLS), authentication required.";
        47 Must
            "SMTP, POP and IMAP may need local changes by the LA and a request to enable them on the account.";
        48 Should
            "Authenticated SMTP/IMAP/POP is the preferred option.";
        49 May
            "If those protocols are unsupported, the HSCN relay may be used with a valid nhs.uk domain.";
        50 MustNot
            "An nhs.net sender through the relay is marked spoofed and may not be delivered.";
        51 Info
            "Relay: relay.nhs.uk (155.231.210.221, 155.231.210.253), port 25, anonymous.";
        52 Must
            "Firewall must allow outbound traffic to those addresses and ports.";
        53 Must
            "The sending server's IP must be registered on HSCN because the relay does a reverse look-up.";
        54 Info
            "If the IP is not registered, the relay checks for a DNS record on HSCN/TN.";
        55 Info
            "An unregistered requester is refused and the mail is not routed.";
        56 MustNot
            "Use the DNS name relay.nhs.uk; do not hard-code IP addresses.";
        57 Info
            "IP registration is needed only for unauthenticated relay use, not for IMAP, POP etc.";
        58 Must
            "Register the server IP with the DNS team.";
    }
    "Sending rules" {
        59 Must
            "Where authentication is needed, the username is the full address of the account.";
        60 Must
            "Outgoing SMTP uses TLS, not SSL.";
        61 Must
            "The From field matches the sending address; otherwise the message may be refused as spam.";
        62 Should
            "IMAP is recommended over POP for receiving.";
        63 Must
            "The mailbox must be within quota.";
        64 Info
            "Over quota, no mail will be sent.";
        65 Must
            "Mailbox size must be managed like a normal user mailbox.";
        66 Should
            "Large-volume senders should check the account's quota status regularly.";
        67 MustNot
            "A single message does not exceed 35 MB.";
        68 MustNot
            "A message has no more than 5000 recipients, unless it goes to a distribution list of NHSmail.";
        69 Must
            "Messages to distribution lists are at least thirty minutes apart.";
        70 Must
            "Use a separate application account per application (quota, replies, permissions).";
        71 Must
            "The address to reply to is valid.";
        72 MustNot
            "Addresses at which nothing is delivered, such as noreply, are not used.";
        73 May
            "Applications that use such addresses may be blocked.";
        74 Must
            "The system must have in-built error messaging that highlights undelivered messages.";
        75 Must
            "Errors must reach the sender so they can be fixed as soon as possible.";
    }
    "Display name" {
        76 Must
            "The display name, which people outside NHSmail see, is filled in correctly.";
        77 Must
            "That holds for every application that is configured to send, bought or written.";
        78 Must
            "The display name reads: Lastname, Firstname (ORGANISATION NAME).";
    }
    "Office 365 limits" {
        79 Info
            "The service has the limits that Microsoft publishes for mailboxes, sending and receiving.";
        80 Must
            "Applications are configured so that they stay within those limits.";
        81 May
            "Where business need is higher, a separate relay for high-volume accounts is provided.";
        82 Must
            "On outage or exceeded limit, the application must queue and retry automatically.";
    }
    "APIs" {
        83 May
            "NHSmail management may restrict a user's access to APIs that harm performance.";
        84 Must
            "An NHSmail account is needed to access the APIs.";
    }
    "EWS Managed API" {
        85 Should
            "EWS Managed API is the recommended interface for clients of EWS and Autodiscover.";
    }
    "EWS API" {
        86 Info
            "Managed-EWS clients stay compatible with later versions; raw EWS clients may not.";
        87 Should
            "EWS URL varies by mailbox and on moves; use Autodiscover to get it.";
    }
    "SOAP Autodiscover" {
        88 Should
            "Use SOAP Autodiscover for client configuration.";
        89 ShouldNot
            "Do not use legacy POX Autodiscover.";
    }
    "Enterprise Directory" {
        90 Info
            "An LDAP directory holds organisations, departments, sites and people registered in NHSmail.";
        91 May
            "Any NHSmail subscriber may use it to feed identity data to local applications.";
    }
    "Acceptable use" {
        92 Should
            "The platform has safeguards against inappropriate use; appropriate use is encouraged.";
        93 Info
            "APIs have rate-limiting controls.";
        94 May
            "Management may restrict API access of users harming performance (repeated).";
    }
    "System updates" {
        95 Info
            "Updates happen as needed, on no set schedule.";
        96 Info
            "Where possible, warning appears on the Service Status pages.";
    }
    "Testing" {
        97 Info
            "No development test environment is provided.";
        98 Must
            "Testing is the developer's responsibility.";
        99 MustNot
            "Production NHSmail must not be used for development testing.";
        100 Should
            "Developers should create their own safe test environment and develop iteratively.";
    }
    "Clinical safety" {
        101 Must
            "If clinical data is exchanged, the safety case must cover non-delivery, delivery delay, out-of-sequence delivery and unavailability.";
    }
    "Further guidance" {
        102 Should
            "Contact the NHSmail team when intending to build an application.";
    }
    "FAQ" {
        103 May
            "An application may run from the internet, under local governance.";
        104 Must
            "SMTP over the internet must be enabled by the LA.";
        105 Must
            "A non-NHS party must register as a commissioned/independent organisation to get access.";
        106 Should
            "Use local developer resources first for technical questions.";
        107 Should
            "Report connection difficulty or unexpected API responses with details to the NHSmail team.";
        108 Should
            "No approval is needed to use an API, but the guidance should be followed.";
        109 Info
            "APIs change; known changes are passed to LAs and help pages where possible.";
        110 Should
            "Developers are encouraged to follow Microsoft's change announcements.";
        111 Should
            "Guidance should be adhered to; local IG policy and clinical safety standards (e.g. DCB0129) should be considered.";
        112 Should
            "Autodiscover is recommended for the EWS endpoint (repeated).";
    }
}
