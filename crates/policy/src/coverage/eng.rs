//! NHS England's standard.

use super::Line;
use super::Standing::{Gateway, Later, Limit, Preflight, Register, Rule, Twin};
use super::pages::{CONFIGURATION, REGISTER};
use super::shared::{DOOR, PACE, RECEIVING, SECRETS};

pub(super) const STANDINGS: &[Line] = &[
    (1, &[Preflight("server-port"), Register("route")]),
    (
        2,
        &[
            Rule("mail-service-allowed"),
            Gateway("`service` and `dcb1596` of each route", CONFIGURATION),
        ],
    ),
    (
        3,
        &[
            Rule("recipients-per-day"),
            Rule("messages-per-minute"),
            Rule("mass-mailing"),
            Register("volumes.messages_per_day"),
            PACE,
            Later("a stop when too many messages bounce, and addresses that are not tried again"),
        ],
    ),
    (
        4,
        &[
            Rule("mass-mailing"),
            Limit("recipients of one text before it is a mass mailing"),
            Register("mass_mailing_recipients_max"),
        ],
    ),
    (
        5,
        &[
            Rule("tls-route"),
            Preflight("tls-version"),
            Preflight("own-listeners"),
            Preflight("own-certificate"),
            Twin("tls-version"),
        ],
    ),
    (
        6,
        &[
            Rule("route-authenticated"),
            Preflight("own-listeners"),
            DOOR,
            Twin("not-signed-in"),
        ],
    ),
    (7, &[RECEIVING]),
    (8, &[RECEIVING]),
    (9, &[RECEIVING]),
    (10, &[RECEIVING]),
    (11, &[RECEIVING]),
    (12, &[Rule("dedicated-account"), RECEIVING]),
    (13, &[Preflight("secrets"), SECRETS, RECEIVING]),
    (
        14,
        &[
            Rule("application-registered"),
            Preflight("register"),
            Register("references.application_documentation"),
            Register("references.architecture_documentation"),
            Register("name"),
            Register("owner"),
            Register("owner_contact"),
            Register("purpose"),
            Register("direction"),
            Register("review_date"),
            Gateway("the interface record of each application", REGISTER),
        ],
    ),
    (
        15,
        &[
            Register("references.cmdb"),
            Gateway("export of the register as configuration items", REGISTER),
        ],
    ),
    (
        16,
        &[
            Rule("application-registered"),
            Preflight("register"),
            Register("review_date"),
            Register("references.application_documentation"),
            Register("references.architecture_documentation"),
            Register("approval_expires"),
            Register("state"),
        ],
    ),
    (
        17,
        &[
            Rule("tls-route"),
            Preflight("starttls"),
            Preflight("own-certificate"),
            Preflight("server-certificate"),
            DOOR,
            Twin("tls-first"),
        ],
    ),
    (
        18,
        &[
            Rule("route-authenticated"),
            Rule("data-class-route"),
            Preflight("own-listeners"),
            Preflight("oauth-token"),
            Preflight("mechanism"),
            Preflight("server-certificate"),
            Preflight("relay-terms"),
            Register("exceptions"),
            DOOR,
            Twin("not-signed-in"),
        ],
    ),
    (
        19,
        &[
            Rule("recipient-domain"),
            Rule("marking-kept"),
            Rule("data-class-route"),
            Register("data_class"),
        ],
    ),
    (
        20,
        &[
            Rule("recipient-domain"),
            Rule("patient-identifiers"),
            Rule("content-read"),
            Rule("data-class-route"),
            Register("patient_data"),
            Register("data_class"),
        ],
    ),
    (21, &[Rule("iams-reference"), Register("references.iams")]),
    (
        22,
        &[
            Rule("iams-reference"),
            Register("information_governance_contact"),
            Register("approvals"),
        ],
    ),
    (
        23,
        &[
            Rule("marking-kept"),
            Rule("data-class-route"),
            Register("data_class"),
        ],
    ),
    (24, &[Rule("cloud-route"), Register("deployment")]),
    (
        25,
        &[
            Rule("route-retirement"),
            Rule("cloud-route"),
            Register("migration_date"),
        ],
    ),
];
