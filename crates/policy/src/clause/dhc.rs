//! Dorset HealthCare standard "Email integration".

use super::Strength::{Info, May, Must, MustNot, Should, ShouldNot};
use super::{Clause, dhc};

clauses! { dhc;
    "Preamble" {
        1 Must
            "Every integration is documented in the context of its application.";
        2 Must
            "Every integration is documented in the organisation's wider digital architecture, too.";
        3 May
            "An interface that is not documented may be interrupted or switched off at any time.";
    }
    "Sending" {
        4 Must
            "An application that sends has access to a suitable relay.";
        5 Info
            "The Trust uses NHSmail, accredited to DCB1596, which has two secure relays: the SMTP server of Office 365 and the high sending service.";
        6 Should
            "The SMTP server of Office 365 should serve most applications.";
        7 May
            "The high sending service may be used as well where more than thirty messages may leave in a minute.";
        8 MustNot
            "There is an insecure relay, too: it is blocked from the Trust's network and opened only by exception.";
        9 Must
            "Sending is controlled, so that others do not take the relays for sources of spam.";
        10 ShouldNot
            "Mass mailing should use a service made for it, and should not use the relays of NHSmail.";
        11 Must
            "Connections to any relay of NHSmail use TLS 1.2 or later.";
        12 Must
            "Connections to the relays of NHSmail are authenticated as an NHSmail application account, with user name and password.";
        13 Info
            "Application accounts are requested from the Digital Services Group by an IT service request.";
        14 Must
            "Architectural approval is obtained before a relay is installed or configured.";
        15 Must
            "Architectural approval is obtained for every new flow of anonymous mail, through the insecure relay or a new one.";
    }
    "Receiving" {
        16 Must
            "An application that receives is secured with TLS 1.2 or later.";
        17 Must
            "An application that receives can block and filter spam, phishing, and other unwanted mail and attachments.";
        18 May
            "These needs may be met by receiving through an NHSmail application account.";
        19 Must
            "The connection to that account uses TLS 1.2 or later.";
        20 Must
            "The connection to that account uses a user name and password that are set up properly.";
        21 Must
            "The account's credentials are protected.";
        22 MustNot
            "Credentials are not shared on the internet.";
    }
    "Security" {
        23 Must
            "All connections to and from official mail services are encrypted and authenticated.";
        24 Must
            "Official mail, also when it is marked SENSITIVE, goes by NHSmail.";
    }
}
