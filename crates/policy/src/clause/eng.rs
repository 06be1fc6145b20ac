//! NHS England architecture standard "Email Integration for Business
//! Applications", last updated 24 June 2022.

use super::Strength::{Info, May, Must, MustNot, Should};
use super::{Clause, eng};

clauses! { eng;
    "Sending" {
        1 Must
            "An application that sends has access to a suitable mail relay.";
        2 Info
            "Both NHS England's Exchange Online and NHSmail offer relays, and both are secured to DCB1596.";
        3 Must
            "Sending is controlled with care, so that the relay is not taken for a source of spam.";
        4 MustNot
            "Mass mailing is not sent through the Exchange Online or NHSmail that people use, but by a service made for it.";
        5 Must
            "Connections to a relay use TLS 1.2 or later, or an approved equivalent.";
        6 Must
            "Every relay in use is closed: who does not authenticate cannot use it.";
    }
    "Receiving" {
        7 Must
            "An application that receives asks TLS 1.2 or later, or an approved equivalent, of whoever connects to it.";
        8 Must
            "An application that receives can deal with spam, phishing and other malicious mail.";
        9 Must
            "An application that receives can deal with unwanted and unsafe attachments.";
        10 May
            "These needs may be met by a service before it, such as Exchange Online.";
        11 Must
            "In that case the application connects to that service over TLS 1.2 or later, by Exchange, HTTPS, IMAP or POP3.";
        12 Must
            "Such connections are authenticated with a service account of their own.";
        13 Must
            "Credentials are protected and kept in a suitable keystore.";
        14 Must
            "Every integration is documented, with the application and with the mail service.";
        15 May
            "NHS England's configuration database in ServiceNow is a suitable place for that record.";
        16 May
            "An interface that is not documented may be disabled at any time.";
    }
    "Security" {
        17 Must
            "All connections to and from mail services are encrypted.";
        18 Must
            "All those connections are authenticated.";
        19 Must
            "OFFICIAL-SENSITIVE is exchanged through a mail service certified to DCB1596.";
        20 Info
            "OFFICIAL-SENSITIVE includes personal data and data that identifies patients.";
        21 Must
            "An application that handles OFFICIAL-SENSITIVE or above is registered in the Information Asset Management System.";
        22 Should
            "The Information Governance representative should be asked about it.";
        23 Must
            "SECRET or above needs additional handling: ask IT or Cyber Security.";
    }
    "On-premise vs cloud" {
        24 Should
            "Only mail services in the cloud should be used.";
        25 Must
            "Applications that still use mail servers on premises plan for alternatives and deploy them.";
    }
}
