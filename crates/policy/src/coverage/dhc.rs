//! Dorset HealthCare's standard.

use super::Line;
use super::Standing::{Gateway, Limit, Plays, Preflight, Register, Rule, Twin};
use super::pages::{CONFIGURATION, TWIN};
use super::shared::{DOOR, PACE, RECEIVING, SECRETS};

pub(super) const STANDINGS: &[Line] = &[
    (
        1,
        &[
            Rule("application-registered"),
            Preflight("register"),
            Register("references.application_documentation"),
            Register("name"),
            Register("owner"),
            Register("purpose"),
            Register("direction"),
        ],
    ),
    (
        2,
        &[
            Rule("application-registered"),
            Preflight("register"),
            Register("references.architecture_documentation"),
        ],
    ),
    (
        3,
        &[
            Rule("application-registered"),
            Register("review_date"),
            Register("references.application_documentation"),
            Register("references.architecture_documentation"),
            Register("state"),
        ],
    ),
    (4, &[Preflight("server-port"), Register("route")]),
    (
        5,
        &[
            Gateway("the kinds of route", CONFIGURATION),
            Plays("submission and high sending", TWIN),
        ],
    ),
    (
        6,
        &[
            Register("route"),
            Gateway(
                "`submission`, each account's route unless it names another",
                CONFIGURATION,
            ),
        ],
    ),
    (
        7,
        &[
            Rule("messages-per-minute"),
            Limit("messages per minute"),
            Register("volumes.messages_per_minute_peak"),
            Register("high_sending_route"),
            Gateway("the `high_sending` route", CONFIGURATION),
            Plays("the high sending service", TWIN),
        ],
    ),
    (
        8,
        &[
            Rule("route-authenticated"),
            Rule("tls-route"),
            Preflight("relay-terms"),
            Register("exceptions"),
            Gateway("the `relay` route", CONFIGURATION),
        ],
    ),
    (
        9,
        &[
            Rule("messages-per-minute"),
            Rule("mass-mailing"),
            Register("volumes.messages_per_day"),
            PACE,
        ],
    ),
    (
        10,
        &[
            Rule("mass-mailing"),
            Limit("recipients of one text before it is a mass mailing"),
            Register("mass_mailing_recipients_max"),
        ],
    ),
    (
        11,
        &[
            Rule("tls-route"),
            Preflight("tls-version"),
            Twin("tls-version"),
            Twin("tls-first"),
        ],
    ),
    (
        12,
        &[
            Rule("route-authenticated"),
            Rule("dedicated-account"),
            Preflight("sign-in"),
            Preflight("oauth-token"),
            Preflight("accounts-apart"),
            Register("account"),
            Gateway(
                "every route but the relay signs in as its account",
                CONFIGURATION,
            ),
            Twin("not-signed-in"),
            Twin("credentials"),
            Twin("token"),
        ],
    ),
    (13, &[Register("references.account_request")]),
    (
        14,
        &[
            Rule("application-registered"),
            Register("references.architecture_approval"),
            Register("approval_expires"),
            Register("state"),
            Register("approvals"),
        ],
    ),
    (
        15,
        &[
            Rule("route-authenticated"),
            Rule("application-registered"),
            Preflight("relay-terms"),
            Register("references.architecture_approval"),
            Register("exceptions"),
            Register("approval_expires"),
            Register("approvals"),
        ],
    ),
    (16, &[RECEIVING]),
    (17, &[RECEIVING]),
    (18, &[RECEIVING]),
    (19, &[RECEIVING]),
    (20, &[RECEIVING]),
    (21, &[Preflight("secrets"), SECRETS, RECEIVING]),
    (22, &[Preflight("secrets"), SECRETS, RECEIVING]),
    (
        23,
        &[
            Rule("route-authenticated"),
            Rule("tls-route"),
            Preflight("own-listeners"),
            Preflight("own-certificate"),
            Preflight("server-certificate"),
            Preflight("starttls"),
            DOOR,
            Twin("tls-first"),
            Twin("not-signed-in"),
        ],
    ),
    (
        24,
        &[
            Rule("marking-kept"),
            Rule("mail-service-allowed"),
            Rule("data-class-route"),
        ],
    ),
];
