//! NHS England architecture standard "Email Integration for Business
//! Applications", last updated 24 June 2022.

use super::Strength::{Info, May, Must, MustNot, Should};
use super::{Clause, eng};

clauses! { eng;
    "Sending" {
        1 Must
            "A sending application needs access to a suitable mail relay.";
        2 Info
            "NHS England's Exchange Online and NHSmail both offer relays; both are secured to DCB1596.";
        3 Must
            "Sending must be carefully controlled so the relay is not marked as a spam source.";
        4 MustNot
            "Mass mailing must use a dedicated service, not the user-facing Exchange Online or NHSmail services.";
        5 Must
            "Connections to a relay use TLS 1.2 or later, or an approved equivalent.";
        6 Must
            "Any relay in use MUST be closed: unauthenticated connections cannot use it.";
    }
    "Receiving" {
        7 Must
            "A receiving application MUST require inbound TLS 1.2+ (or approved equivalent).";
        8 Must
            "A receiver MUST be able to deal with spam, phishing and other malicious mail.";
        9 Must
            "A receiver MUST be able to deal with unwanted and unsafe attachments.";
        10 May
            "These needs may be met by an upstream receiving service such as Exchange Online.";
        11 Must
            "In that case the application must connect over TLS 1.2+ by Exchange, HTTPS, IMAP or POP3.";
        12 Must
            "Such connections MUST be authenticated with a dedicated service account.";
        13 Must
            "Credentials must be protected and kept in a suitable keystore.";
        14 Must
            "Every integration is documented, with the application and with the mail service.";
        15 May
            "The NHS England CMDB (ServiceNow) is a suitable place for that record.";
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
            "An application handling OFFICIAL-SENSITIVE or above must be registered in IAMS.";
        22 Should
            "Contact the Information Governance representative about it.";
        23 Must
            "SECRET or above needs additional handling: ask IT or Cyber Security.";
    }
    "On-premise vs cloud" {
        24 Should
            "Only cloud-based email services should be used.";
        25 Must
            "Applications on legacy on-premise mail must plan for and deploy alternatives.";
    }
}
