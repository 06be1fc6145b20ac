//! Dorset HealthCare standard "Email integration".

use super::Strength::{Info, May, Must, MustNot, Should, ShouldNot};
use super::{Clause, dhc};

clauses! { dhc;
    "Preamble" {
        1 Must
            "Every integration is documented in the context of its application.";
        2 Must
            "They must also be documented in the organisation's wider digital architecture.";
        3 May
            "An interface that is not documented may be interrupted or switched off at any time.";
    }
    "Sending" {
        4 Must
            "A sending application needs access to a suitable relay.";
        5 Info
            "The Trust uses NHSmail (DCB1596 accredited) with two secure relays: Office 365 SMTP server and the high sending SMTP solution.";
        6 Should
            "The Office 365 SMTP server suits most applications.";
        7 May
            "The high sending solution may be used additionally where outbound may exceed thirty messages a minute.";
        8 MustNot
            "An insecure relay also exists; access is blocked from the Trust network and opened only by exception.";
        9 Must
            "Sending must be controlled so that relays are not marked as spam sources by third parties.";
        10 ShouldNot
            "Mass mailing should use dedicated services and should not use NHSmail relays.";
        11 Must
            "Connections to any relay of NHSmail use TLS 1.2 or later.";
        12 Must
            "They must be authenticated with an NHSmail application account (username and password).";
        13 Info
            "Application accounts are requested from the Digital Services Group by IT service request.";
        14 Must
            "Architectural approval is obtained before a relay is installed or configured.";
        15 Must
            "Architectural approval is obtained for every new flow of anonymous mail.";
    }
    "Receiving" {
        16 Must
            "A receiving application must be secured with TLS 1.2 or greater.";
        17 Must
            "It must be able to block and filter spam, phishing and other unwanted mail and attachments.";
        18 May
            "These may be met by receiving through an NHSmail application account.";
        19 Must
            "That connection must use TLS 1.2 or greater.";
        20 Must
            "It must use an appropriately configured username and password.";
        21 Must
            "Account credentials must be protected.";
        22 MustNot
            "Credentials must not be shared on the internet.";
    }
    "Security" {
        23 Must
            "All connections to and from official mail services are encrypted and authenticated.";
        24 Must
            "Official email, including SENSITIVE-marked material, must use NHSmail.";
    }
}
