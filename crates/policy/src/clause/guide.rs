//! Applications Guide for NHSmail, version 14, March 2022.

use super::Strength::{Info, May, Must, MustNot, Should, ShouldNot};
use super::{Clause, guide};

clauses! { guide;
    "Introduction" {
        1 Info
            "The published interfaces of NHSmail are the native ones of Microsoft Exchange, and the guide covers no others.";
    }
    "About NHSmail" {
        2 Info
            "The service is reached over the internet and, by way of the relay, over HSCN.";
        3 May
            "Accounts of an automated system that endangers the service may be disabled automatically and without notice.";
        4 Should
            "The hazard log of a clinical system should name the risk that its account is disabled so.";
        5 Info
            "The service offers SMTP, POP and IMAP.";
        6 Must
            "Who wants to use SMTP, POP or IMAP asks the Local Administrator to enable it; the guide calls them a security risk, since they lacked modern authentication.";
        7 May
            "A protocol that has not been used for some time may be disabled automatically.";
    }
    "Considerations" {
        8 Must
            "Whoever sets up an application takes the considerations that the guide lists into account.";
    }
    "Authentication policy" {
        9 Must
            "Every connection, by whatever protocol, is authenticated with the account's full NHSmail address as user name and its password.";
        10 Must
            "The From address of every message is that of the sending account.";
        11 May
            "An application that cannot authenticate may use the relay, if it is on HSCN and sends from an nhs.uk address.";
        12 May
            "Any NHS organisation on HSCN that has an nhs.uk mail domain may use the relay.";
        13 Must
            "Mail through the relay bears the valid nhs.uk domain of the organisation that sends it.";
        14 Info
            "A spoofed From is marked as spoofed, and goes to Junk or is not delivered.";
        15 Must
            "Mail that holds patient data or confidential data goes through NHSmail only.";
        16 May
            "Mail without patient data and without confidential data, such as an alert, may go through the relay.";
        17 Info
            "Mail is checked for viruses and spam whether it goes through NHSmail or the relay.";
    }
    "Application account" {
        18 May
            "A user account can be turned into an application account by a request through Helpdesk Self Service.";
        19 Must
            "The password of an application account has twenty characters.";
    }
    "Password policy" {
        20 Must
            "Passwords are kept secure and are not shared.";
        21 Must
            "Where an application stores an NHSmail password, access to the application is strictly controlled and audited.";
        22 Must
            "An application that exchanges patient data is treated as a clinical system, under local governance and clinical safety policy.";
        23 MustNot
            "An application does not keep the passwords of several accounts, except in a password manager that is set up to the NCSC's guidance.";
        24 Should
            "Whoever integrates should bear in mind that one compromised application could expose many accounts.";
        25 Must
            "The application's account follows the NHSmail password policy.";
        26 MustNot
            "A password does not contain the user name, which is the part of the address before the @.";
        27 Info
            "A password needs no mix of kinds of characters.";
        28 MustNot
            "A password is neither common nor known from a breach; the service checks when it is changed.";
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
            "Whoever integrates knows when the service locks an account.";
        35 Must
            "The account is active and not locked, or the application does not work.";
        36 Must
            "An account that was locked or disabled is unlocked by the Local Administrator.";
        37 Info
            "After a limited number of wrong passwords the account is locked; the number is not published.";
        38 May
            "An account whose credentials are compromised may be locked, or made to change its password.";
        39 Must
            "Such a lock is cleared by an administrator.";
    }
    "Spam policy" {
        40 Info
            "NHSmail checks all mail that it handles, in several layers, to limit spam.";
    }
    "Support" {
        41 Info
            "The helpdesk does not support code that was written locally: it advises on kinds of connection, and local support looks for faults in code.";
    }
    "Sending automated email" {
        42 Must
            "Mail may be sent automatically if the criteria that follow are kept.";
    }
    "Connection details" {
        43 Must
            "An application connects with the settings that the guide lists and with a valid NHSmail account.";
        44 Must
            "IMAP, for receiving: outlook.office365.com, port 993, implicit TLS, with authentication.";
        45 Must
            "POP, for receiving: outlook.office365.com, port 995, implicit TLS, with authentication.";
        46 Must
            "SMTP, for sending: smtp.office365.com, port 587, STARTTLS, with authentication.";
        47 Must
            "Before SMTP, POP or IMAP works, the Local Administrator may have to change settings and enable it for the account, on request.";
        48 Should
            "SMTP, IMAP and POP with authentication should be preferred.";
        49 May
            "An application that supports none of these may use the relay on HSCN, with a valid nhs.uk domain.";
        50 MustNot
            "Mail with an nhs.net sender does not go through the relay: it is marked as spoofed and may not be delivered.";
        51 Info
            "The relay is relay.nhs.uk, at 155.231.210.221 and 155.231.210.253 when the guide was written, on port 25, without authentication.";
        52 Must
            "The firewall lets traffic out to those addresses and ports.";
        53 Must
            "The sending server's address is registered on HSCN, because the relay looks it up in reverse.";
        54 Info
            "For an address that is not registered the relay looks for a DNS record on HSCN or the Transition Network.";
        55 Info
            "A client that is found in neither is refused, and its mail is not routed.";
        56 MustNot
            "The relay is reached by its name relay.nhs.uk, not by an address written into a configuration.";
        57 Info
            "Only those who use the relay without authentication register an address; IMAP, POP and the rest need none.";
        58 Must
            "The address is registered with the DNS team.";
    }
    "Sending rules" {
        59 Must
            "Where there is authentication, the user name is the account's full address.";
        60 Must
            "Outgoing SMTP uses TLS, not SSL.";
        61 Must
            "The From field matches the sending address; otherwise the message may be refused as spam.";
        62 Should
            "IMAP is recommended over POP for receiving.";
        63 Must
            "The mailbox stays within its quota.";
        64 Info
            "A mailbox above its quota sends no mail.";
        65 Must
            "The size of the mailbox is looked after as that of any user's.";
        66 Should
            "An application that sends much should check its account's quota regularly.";
        67 MustNot
            "A single message does not exceed 35 MB.";
        68 MustNot
            "A message has no more than 5000 recipients, unless it goes to a distribution list of NHSmail.";
        69 Must
            "Messages to distribution lists are at least thirty minutes apart.";
        70 Must
            "Each application has an application account of its own, for the sake of quota, replies and permissions.";
        71 Must
            "The address to reply to is valid.";
        72 MustNot
            "Addresses at which nothing is delivered, such as noreply, are not used.";
        73 May
            "Applications that use such addresses may be blocked.";
        74 Must
            "The system has error messages of its own that point out undelivered mail.";
        75 Must
            "Errors reach the sender, so that they can be put right as soon as possible.";
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
            "Where there is a business need for more, a separate relay for accounts of high volume is provided.";
        82 Must
            "After an outage, or when a limit was reached, the application queues and tries again by itself.";
    }
    "APIs" {
        83 May
            "NHSmail's management may restrict a user's access to interfaces where it harms performance.";
        84 Must
            "The interfaces are used with an NHSmail account.";
    }
    "EWS Managed API" {
        85 Should
            "The EWS Managed API is recommended for clients of EWS and Autodiscover.";
    }
    "EWS API" {
        86 Info
            "Clients built on the EWS Managed API stay compatible with later versions; clients that speak EWS themselves may not.";
        87 Should
            "The address of EWS differs between mailboxes and changes when one moves, so it should be found by Autodiscover.";
    }
    "SOAP Autodiscover" {
        88 Should
            "SOAP Autodiscover should be used to configure clients.";
        89 ShouldNot
            "The older POX Autodiscover should not be used.";
    }
    "Enterprise Directory" {
        90 Info
            "An LDAP directory holds the organisations, departments, sites and people that are registered in NHSmail.";
        91 May
            "Any subscriber of NHSmail may use it to feed identities into local applications.";
    }
    "Acceptable use" {
        92 Should
            "The platform has safeguards against misuse, and applications should use it fairly.";
        93 Info
            "The interfaces limit how often they can be called.";
        94 May
            "NHSmail's management may restrict access to interfaces, as said before, where a user harms performance.";
    }
    "System updates" {
        95 Info
            "The service is updated when it is needed, to no fixed timetable.";
        96 Info
            "Where possible, a warning stands on the Service Status pages beforehand.";
    }
    "Testing" {
        97 Info
            "NHSmail offers no test environment to developers.";
        98 Must
            "Testing is the developer's responsibility.";
        99 MustNot
            "The live NHSmail is not used to test what is being developed.";
        100 Should
            "Developers should make a safe test environment of their own, and work in small steps.";
    }
    "Clinical safety" {
        101 Must
            "Where clinical data is exchanged, the safety case covers non-delivery, late delivery, delivery out of order, and the service being unavailable.";
    }
    "Further guidance" {
        102 Should
            "Who intends to build an application should contact the NHSmail team.";
    }
    "FAQ" {
        103 May
            "An application may run from the internet, under local governance.";
        104 Must
            "SMTP over the internet is enabled by the Local Administrator.";
        105 Must
            "A party outside the NHS registers as a commissioned or independent organisation to be given access.";
        106 Should
            "Technical questions should go to local developers first.";
        107 Should
            "Difficulties with connections and unexpected answers should be reported to the NHSmail team, with details.";
        108 Should
            "Nobody has to approve the use of an interface, but the guidance should be followed.";
        109 Info
            "Interfaces change; changes that are known are passed to Local Administrators and to the help pages where possible.";
        110 Should
            "Developers should follow what Microsoft announces about changes.";
        111 Should
            "The guidance should be kept to, with local information governance and clinical safety standards such as DCB0129 considered.";
        112 Should
            "The address of EWS should be found by Autodiscover, as said before.";
    }
}
