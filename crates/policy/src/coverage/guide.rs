//! The Applications Guide for NHSmail.

use super::Line;
use super::Standing::{Cannot, Gateway, Later, Limit, Plays, Preflight, Register, Rule, Twin};
use super::pages::{
    COMMANDS, CONFIGURATION, CONSOLE, DURABILITY, LIMITS, REGISTER, RULES, TUTORIAL, TWIN,
};
use super::shared::{
    BREAKER, DIRECTORY, EWS, GRAPH, HAZARDS, ONE_SECRET, PACE, PASSWORD, PASSWORD_AGE, RECEIVING,
    SECRETS, TOLD,
};

pub(super) const STANDINGS: &[Line] = &[
    (
        1,
        &[
            Plays(
                "Exchange's own interfaces; what else it offers is named ours",
                TWIN,
            ),
            EWS,
        ],
    ),
    (2, &[Register("deployment"), Twin("relay-off-network")]),
    (3, &[BREAKER, Twin("sender-blocked")]),
    (4, &[HAZARDS]),
    (5, &[Plays("submission, IMAP and POP3", TWIN)]),
    (
        6,
        &[
            Preflight("smtp-enabled"),
            Register("references.la_request"),
            Register("approvals"),
            Twin("protocol-disabled"),
        ],
    ),
    (
        7,
        &[
            Preflight("smtp-enabled"),
            Twin("protocol-disabled"),
            Twin("protocol-disused"),
            Later("using each protocol now and then so that it stays enabled"),
        ],
    ),
    (8, &[Rule("application-registered"), Register("state")]),
    (
        9,
        &[
            Rule("route-authenticated"),
            Preflight("sign-in"),
            Preflight("oauth-token"),
            Preflight("mechanism"),
            Gateway(
                "every route but the relay signs in, by password or token",
                CONFIGURATION,
            ),
            Twin("not-signed-in"),
            Twin("user-name"),
            Twin("credentials"),
            Twin("token"),
        ],
    ),
    (
        10,
        &[
            Rule("from-is-account"),
            Register("send_as"),
            Twin("send-as"),
            Twin("from-missing"),
            Twin("from-several"),
        ],
    ),
    (
        11,
        &[
            Rule("relay-sender"),
            Rule("tls-route"),
            Register("exceptions"),
            Gateway("the `relay` route", CONFIGURATION),
            Twin("relay-off-network"),
        ],
    ),
    (
        12,
        &[
            Rule("relay-sender"),
            Register("ods_code"),
            Twin("relay-domain"),
        ],
    ),
    (
        13,
        &[
            Rule("relay-sender"),
            Preflight("relay-sender"),
            Preflight("relay-terms"),
            Twin("relay-domain"),
        ],
    ),
    (
        14,
        &[
            Rule("from-is-account"),
            Twin("send-as"),
            Twin("relay-spoofed"),
            Twin("relay-domain"),
        ],
    ),
    (
        15,
        &[
            Rule("patient-identifiers"),
            Rule("content-read"),
            Rule("marking-kept"),
            Rule("data-class-route"),
            Preflight("relay-terms"),
            Register("data_class"),
        ],
    ),
    (16, &[Rule("data-class-route")]),
    (
        17,
        &[
            Twin("virus"),
            Twin("spam"),
            Twin("late-verdict"),
            Twin("blocked-attachment"),
        ],
    ),
    (18, &[Register("references.account_request")]),
    (
        19,
        &[
            Limit("least password length, application account"),
            Preflight("secrets"),
            PASSWORD,
            Twin("password-policy"),
        ],
    ),
    (
        20,
        &[
            Preflight("secrets"),
            Preflight("accounts-apart"),
            SECRETS,
            ONE_SECRET,
        ],
    ),
    (
        21,
        &[
            Gateway("console and its roles", CONSOLE),
            SECRETS,
            Later("the audit log, with every reading of a secret"),
        ],
    ),
    (
        22,
        &[
            Rule("patient-identifiers"),
            Register("clinical"),
            Register("references.clinical_safety_case"),
            Register("patient_data"),
            Register("approvals"),
            HAZARDS,
        ],
    ),
    (23, &[Preflight("secrets"), SECRETS]),
    (
        24,
        &[
            Preflight("accounts-apart"),
            Gateway("a lane, a breaker and a secret for each account", LIMITS),
        ],
    ),
    (25, &[PASSWORD, Twin("password-policy")]),
    (26, &[PASSWORD, Twin("password-policy")]),
    (
        27,
        &[
            PASSWORD,
            Plays("a mix of characters from the day that asks for it", TWIN),
        ],
    ),
    (28, &[PASSWORD, Twin("password-policy")]),
    (
        29,
        &[
            Limit("least password length, user account"),
            Preflight("secrets"),
            PASSWORD,
            Twin("password-policy"),
        ],
    ),
    (
        30,
        &[
            Limit("former passwords that may not return"),
            PASSWORD,
            Twin("password-policy"),
        ],
    ),
    (
        31,
        &[
            Limit("password age"),
            Preflight("password-age"),
            PASSWORD_AGE,
            Twin("password-expired"),
        ],
    ),
    (
        32,
        &[
            Limit("least password length, application account"),
            Preflight("secrets"),
            PASSWORD,
            Twin("password-policy"),
        ],
    ),
    (
        33,
        &[
            Limit("password age, application account"),
            Preflight("password-age"),
            PASSWORD_AGE,
            Twin("password-expired"),
        ],
    ),
    (
        34,
        &[
            Preflight("sign-in"),
            Preflight("oauth-token"),
            BREAKER,
            Twin("credentials"),
            Twin("wrong-passwords"),
        ],
    ),
    (
        35,
        &[
            Preflight("sign-in"),
            Twin("account-locked"),
            Twin("account-disabled"),
        ],
    ),
    (
        36,
        &[
            Preflight("sign-in"),
            BREAKER,
            Twin("account-locked"),
            Twin("account-disabled"),
        ],
    ),
    (37, &[BREAKER, Twin("wrong-passwords")]),
    (38, &[BREAKER, Twin("password-change")]),
    (39, &[BREAKER, Twin("account-locked")]),
    (
        40,
        &[
            Rule("subject-present"),
            Twin("spam"),
            Later("a look at outgoing content for the marks of spam"),
        ],
    ),
    (
        41,
        &[Gateway(
            "`doctor`, `queue explain`, `check` and `explain` find the fault without the helpdesk",
            COMMANDS,
        )],
    ),
    (
        42,
        &[Gateway(
            "the rules; each refusal names rule and clause",
            RULES,
        )],
    ),
    (
        43,
        &[
            Rule("mail-service-allowed"),
            Preflight("server-name"),
            Preflight("mechanism"),
            Preflight("server-greeting"),
            Twin("mechanism"),
        ],
    ),
    (
        44,
        &[
            Preflight("sent-items"),
            Plays("IMAP under implicit TLS", TWIN),
            RECEIVING,
        ],
    ),
    (
        45,
        &[
            Plays("POP3 with implicit TLS", TWIN),
            Later("collecting by POP"),
        ],
    ),
    (
        46,
        &[
            Preflight("server-port"),
            Preflight("starttls"),
            Preflight("server-greeting"),
            Preflight("mechanism"),
            Gateway("the `submission` route", CONFIGURATION),
            Twin("tls-first"),
            Twin("no-implicit-tls"),
        ],
    ),
    (
        47,
        &[
            Preflight("smtp-enabled"),
            Register("references.la_request"),
            Twin("protocol-disabled"),
        ],
    ),
    (
        48,
        &[
            Rule("route-authenticated"),
            Gateway(
                "routes that sign in; the relay by exception alone",
                CONFIGURATION,
            ),
        ],
    ),
    (
        49,
        &[
            Rule("relay-sender"),
            Rule("tls-route"),
            Register("exceptions"),
            Gateway("the `relay` route", CONFIGURATION),
        ],
    ),
    (
        50,
        &[
            Rule("relay-sender"),
            Preflight("relay-sender"),
            Preflight("relay-terms"),
            Twin("relay-spoofed"),
        ],
    ),
    (
        51,
        &[
            Preflight("relay-terms"),
            Register("exceptions"),
            Plays("a relay without sign-in", TWIN),
        ],
    ),
    (52, &[Preflight("server-port")]),
    (
        53,
        &[
            Preflight("relay-sender"),
            Register("references.dns_request"),
            Twin("relay-unregistered"),
        ],
    ),
    (54, &[Preflight("relay-sender"), Twin("relay-unregistered")]),
    (55, &[Preflight("relay-sender"), Twin("relay-unregistered")]),
    (
        56,
        &[
            Preflight("server-name"),
            Gateway(
                "an address in the place of a server's name is a configuration error",
                CONFIGURATION,
            ),
            Plays("a name server whose relay changes its addresses", TWIN),
        ],
    ),
    (57, &[Preflight("relay-sender")]),
    (
        58,
        &[
            Preflight("relay-sender"),
            Register("references.dns_request"),
            Twin("relay-unregistered"),
        ],
    ),
    (
        59,
        &[
            Preflight("sign-in"),
            Gateway("an account signs in with its address", CONFIGURATION),
            Twin("user-name"),
        ],
    ),
    (
        60,
        &[
            Rule("tls-route"),
            Preflight("starttls"),
            Preflight("tls-version"),
            Twin("tls-first"),
            Twin("tls-version"),
            Twin("no-implicit-tls"),
        ],
    ),
    (
        61,
        &[
            Rule("from-is-account"),
            Rule("from-single"),
            Rule("mandatory-headers"),
            Rule("header-readable"),
            Twin("send-as"),
            Twin("from-missing"),
            Twin("from-several"),
        ],
    ),
    (62, &[RECEIVING]),
    (63, &[Preflight("mailbox-quota"), Twin("over-quota")]),
    (64, &[Twin("over-quota"), Twin("recipient-full")]),
    (
        65,
        &[
            Preflight("mailbox-quota"),
            Twin("over-quota"),
            Later("clearing Sent Items by a rule of retention"),
        ],
    ),
    (66, &[Preflight("mailbox-quota"), Twin("quota-warning")]),
    (
        67,
        &[
            Rule("message-size"),
            Limit("message size"),
            Preflight("message-size"),
            Twin("message-size"),
        ],
    ),
    (
        68,
        &[
            Rule("recipients-per-message"),
            Limit("recipients per message, guide"),
            Twin("recipients-per-message"),
        ],
    ),
    (
        69,
        &[
            Rule("list-spacing"),
            Limit("time between messages to a distribution list"),
            Gateway("the second message to a list waits", LIMITS),
            Twin("list-spacing"),
        ],
    ),
    (
        70,
        &[
            Rule("one-account-one-application"),
            Rule("dedicated-account"),
            Preflight("accounts-apart"),
            Register("account"),
            ONE_SECRET,
        ],
    ),
    (71, &[Rule("reply-to-real"), Twin("non-delivery-address")]),
    (
        72,
        &[
            Rule("no-non-delivery-address"),
            Twin("non-delivery-address"),
        ],
    ),
    (
        73,
        &[
            Rule("no-non-delivery-address"),
            Twin("non-delivery-address"),
            Twin("sender-blocked"),
        ],
    ),
    (
        74,
        &[
            TOLD,
            Twin("unknown-recipient"),
            Twin("recipient-full"),
            Twin("received-per-hour"),
            Twin("late-bounce"),
        ],
    ),
    (75, &[Register("owner_contact"), TOLD]),
    (76, &[Rule("display-name-form")]),
    (77, &[Rule("display-name-form")]),
    (
        78,
        &[
            Rule("display-name-form"),
            Register("service_names"),
            Register("display_name"),
            Register("exceptions"),
        ],
    ),
    (
        79,
        &[
            Rule("header-readable"),
            Limit("messages per minute"),
            Limit("recipients in a rolling 24 hours"),
            Preflight("clock"),
            Preflight("message-size"),
            Preflight("mailbox-quota"),
            Twin("recipients-per-day"),
            Twin("messages-per-minute"),
            Twin("connections"),
        ],
    ),
    (
        80,
        &[
            Rule("recipients-per-day"),
            Rule("messages-per-minute"),
            Rule("recipients-per-message"),
            Register("volumes.messages_per_day"),
            PACE,
            Twin("recipients-per-day"),
            Twin("messages-per-minute"),
            Twin("connections"),
        ],
    ),
    (
        81,
        &[
            Rule("recipients-per-day"),
            Rule("messages-per-minute"),
            Register("volumes.messages_per_minute_peak"),
            Register("high_sending_route"),
            Gateway("the `high_sending` route", CONFIGURATION),
            Plays("the high sending service", TWIN),
        ],
    ),
    (
        82,
        &[Gateway(
            "the queue, over restarts, with growing pauses",
            LIMITS,
        )],
    ),
    (83, &[Twin("sender-blocked"), EWS]),
    (84, &[Register("account"), Twin("not-signed-in")]),
    (85, &[EWS]),
    (86, &[EWS, GRAPH]),
    (87, &[EWS]),
    (88, &[EWS]),
    (89, &[EWS]),
    (90, &[DIRECTORY]),
    (91, &[DIRECTORY]),
    (92, &[PACE, Later("a report of use for each application")]),
    (93, &[PACE, Twin("messages-per-minute"), EWS]),
    (94, &[Twin("sender-blocked"), EWS]),
    (
        95,
        &[
            Gateway("the queue outlives restarts and outages", DURABILITY),
            Later("a maintenance of the twin's, by its faults"),
        ],
    ),
    (
        96,
        &[Cannot(
            "the notices are pages for people, with no form that a program could rely on",
        )],
    ),
    (
        97,
        &[Plays("the service, as there is none to test against", TWIN)],
    ),
    (
        98,
        &[Gateway(
            "`up` and `check`, to test with before anything leaves",
            TUTORIAL,
        )],
    ),
    (
        99,
        &[
            Preflight("test-apart"),
            Gateway("test credentials reach only a twin", CONFIGURATION),
            Plays("no connection out, and only made-up people", TWIN),
        ],
    ),
    (
        100,
        &[
            Preflight("test-apart"),
            Gateway("`up` starts a whole environment", TUTORIAL),
        ],
    ),
    (
        101,
        &[
            Preflight("store-folder"),
            Register("references.clinical_safety_case"),
            Register("clinical"),
            Gateway(
                "an outcome for every recipient, deadlines, order by sequence key",
                DURABILITY,
            ),
            HAZARDS,
        ],
    ),
    (102, &[Register("references.nhsmail_contact")]),
    (103, &[Register("deployment")]),
    (
        104,
        &[
            Preflight("smtp-enabled"),
            Register("references.la_request"),
            Twin("protocol-disabled"),
        ],
    ),
    (
        105,
        &[Register("ods_code"), Register("sponsoring_organisation")],
    ),
    (106, &[Cannot("whom people ask first is theirs to choose")]),
    (
        107,
        &[Gateway(
            "`doctor --json` and `queue show`, without secrets or content, to send along",
            COMMANDS,
        )],
    ),
    (
        108,
        &[Gateway(
            "the interface record of each application",
            REGISTER,
        )],
    ),
    (
        109,
        &[
            Rule("route-retirement"),
            Preflight("retirements"),
            Twin("password-ended"),
            Plays("the service of any day, by `--as-of`", TWIN),
        ],
    ),
    (
        110,
        &[
            Rule("route-retirement"),
            Preflight("retirements"),
            Gateway("`retires` of each route", CONFIGURATION),
            Twin("password-ended"),
        ],
    ),
    (
        111,
        &[
            Register("information_governance_contact"),
            Register("references.clinical_safety_case"),
            HAZARDS,
        ],
    ),
    (112, &[EWS]),
];
