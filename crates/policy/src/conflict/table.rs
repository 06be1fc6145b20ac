//! C1 to C16, in the order in which they were found.

use super::dates::{
    APPLICATION_PASSWORDS_MIXED, EWS_BY_ALLOW_LIST, EWS_ENDED, IMAP_POP_EWS_PASSWORDS_ENDED,
    SUBMISSION_PASSWORDS_OFF,
};
use super::{Conflict, Ruling};
use crate::clause::{dhc, eng, guide};
use crate::coverage::Standing::{self, Gateway, Later, Limit, Preflight, Register, Rule, Twin};
use crate::period::{Date, Period};
use crate::profile::Profile::{self, Current, Dorset, Guide2022, NhsEngland};

const EVERY_PROFILE: &[Profile] = &Profile::ALL;

const SERVICE_AND_ROUTES: &str = "0017-the-service-and-the-relay.md";
const PASSWORDS: &str = "0018-the-stricter-password.md";
const SENDING: &str = "0019-the-lesser-figure.md";

const PASSWORD: Standing = Gateway(
    "passwords made and checked by the policy, from the command line",
    "reference/passwords.md",
);

/// One ruling for all profiles and days.
const fn always(decides: &'static str) -> Ruling {
    during(Period::ALWAYS, decides)
}

/// One for all profiles, through some days.
const fn during(holds: Period, decides: &'static str) -> Ruling {
    Ruling {
        profiles: EVERY_PROFILE,
        holds,
        decides,
    }
}

/// One for some profiles, on every day.
const fn under(profiles: &'static [Profile], decides: &'static str) -> Ruling {
    Ruling {
        profiles,
        holds: Period::ALWAYS,
        decides,
    }
}

/// From the first day until the day before the second.
const fn between(from: Date, until: Date) -> Period {
    Period {
        from: Some(from),
        until: Some(until),
    }
}

const fn until(date: Date) -> Period {
    Period {
        from: None,
        until: Some(date),
    }
}

pub const CONFLICTS: &[Conflict] = &[
    Conflict {
        number: 1,
        title: "Password or token",
        clauses: &[guide(9), dhc(12), dhc(20)],
        differ: "The guide and Dorset's standard sign in with a user name and a password. \
                 The service has since ended passwords for IMAP, POP and EWS, and turns them off for submission.",
        rulings: &[
            during(
                until(IMAP_POP_EWS_PASSWORDS_ENDED),
                "Every connection signs in; by password or by token, as the route is set.",
            ),
            during(
                between(IMAP_POP_EWS_PASSWORDS_ENDED, SUBMISSION_PASSWORDS_OFF),
                "Every connection signs in; IMAP, POP and EWS by token alone, submission by either.",
            ),
            during(
                Period::since(SUBMISSION_PASSWORDS_OFF),
                "Every connection signs in by token; submission takes a password only where an administrator of the service has allowed it again.",
            ),
        ],
        carried_out: &[
            Preflight("mechanism"),
            Preflight("sign-in"),
            Preflight("retirements"),
            Gateway("`mechanism` of each route", "reference/configuration.md"),
            Twin("password-ended"),
        ],
        record: SERVICE_AND_ROUTES,
    },
    Conflict {
        number: 2,
        title: "The relay",
        clauses: &[
            guide(11),
            guide(12),
            guide(13),
            guide(16),
            guide(49),
            guide(51),
            guide(60),
            eng(6),
            eng(17),
            eng(18),
            dhc(8),
            dhc(15),
            dhc(23),
        ],
        differ: "The guide offers a relay that asks nobody who they are and speaks plain text when it must, though it wants outgoing SMTP under TLS. \
                 Both standards ask that every connection be encrypted and authenticated; Dorset's opens the relay by approved exception.",
        rulings: &[
            under(
                &[Guide2022],
                "The relay is open to mail that is not confidential, from an nhs.uk address of the organisation that sends it. That it speaks plain text is no ground for refusal: the guide's rule about TLS is for authenticated SMTP.",
            ),
            under(
                &[NhsEngland, Dorset, Current],
                "The relay is closed. An application with an approved exception that has not expired may use it, as under the guide, for mail that is not confidential alone.",
            ),
        ],
        carried_out: &[
            Rule("data-class-route"),
            Rule("tls-route"),
            Preflight("relay-terms"),
            Preflight("relay-sender"),
            Register("exceptions"),
            Twin("relay-domain"),
        ],
        record: SERVICE_AND_ROUTES,
    },
    Conflict {
        number: 3,
        title: "What becomes of a spoofed sender",
        clauses: &[guide(14), guide(50)],
        differ: "The guide says that spoofed mail goes to Junk or is not delivered. \
                 NHSmail's notices say that since 9 July 2019 it deletes mail from outside that claims an nhs.net sender, and tells nobody.",
        rulings: &[always(
            "Nothing relies on a bounce: what the service would take for spoofed is refused before it leaves. The twin drops it without a word, unless it is set to put it into Junk as was done before.",
        )],
        carried_out: &[
            Rule("from-is-account"),
            Preflight("relay-sender"),
            Twin("send-as"),
            Twin("relay-spoofed"),
        ],
        record: SERVICE_AND_ROUTES,
    },
    Conflict {
        number: 4,
        title: "A mix of characters in passwords",
        clauses: &[guide(27)],
        differ: "The guide asks for no mix of characters. \
                 NHSmail's page on application accounts, reviewed on 7 July 2023, asks for a capital, a small letter, and a digit or symbol.",
        rulings: &[
            during(
                until(APPLICATION_PASSWORDS_MIXED),
                "The service asks for no mix, nor does the twin. A password that we make or check has it all the same.",
            ),
            during(
                Period::since(APPLICATION_PASSWORDS_MIXED),
                "Passwords of application accounts have a capital, a small letter, and a digit or symbol.",
            ),
        ],
        carried_out: &[PASSWORD, Twin("password-policy")],
        record: PASSWORDS,
    },
    Conflict {
        number: 5,
        title: "What a password may not contain",
        clauses: &[guide(26)],
        differ: "The guide bars the prefix of the address. \
                 NHSmail's password policy, reviewed on 27 July 2023, bars first name, last name and spaces.",
        rulings: &[always(
            "The prefix, first name, last name and spaces are barred, whatever the day.",
        )],
        carried_out: &[PASSWORD, Twin("password-policy")],
        record: PASSWORDS,
    },
    Conflict {
        number: 6,
        title: "Recipients of one message",
        clauses: &[guide(68), guide(79), guide(80)],
        differ: "The guide allows 5,000 recipients. \
                 The service gives a mailbox 500 by default and 1,000 at most.",
        rulings: &[always(
            "The least figure counts: 500, or what the account is set to, and never above 1,000. A distribution list is one recipient.",
        )],
        carried_out: &[
            Rule("recipients-per-message"),
            Limit("recipients per message, default"),
            Limit("recipients per message, ceiling of the service"),
            Limit("recipients per message, guide"),
            Twin("recipients-per-message"),
        ],
        record: SENDING,
    },
    Conflict {
        number: 7,
        title: "Size before or after encoding",
        clauses: &[guide(67)],
        differ: "The guide allows 35 MB and does not say whether before or after attachments are encoded. \
                 The service measures what travels.",
        rulings: &[always(
            "The encoded message is measured, in megabytes of 2^20 octets; a refusal names both figures.",
        )],
        carried_out: &[
            Rule("message-size"),
            Limit("message size"),
            Preflight("message-size"),
            Twin("message-size"),
        ],
        record: "0006-size-is-encoded.md",
    },
    Conflict {
        number: 8,
        title: "Exchange Web Services",
        clauses: &[guide(85), guide(86), guide(87), guide(88), guide(89)],
        differ: "The guide recommends EWS and its Managed API. \
                 The service closes EWS to all but listed applications on 1 October 2026, and to all on 1 April 2027.",
        rulings: &[
            during(
                until(EWS_BY_ALLOW_LIST),
                "EWS may be used, found by SOAP Autodiscover.",
            ),
            during(
                between(EWS_BY_ALLOW_LIST, EWS_ENDED),
                "EWS is there only for applications on the tenant's list, and only to move away from it.",
            ),
            during(
                Period::since(EWS_ENDED),
                "EWS is gone; Graph stands in its place.",
            ),
        ],
        carried_out: &[
            Preflight("retirements"),
            Gateway("no route leads by EWS", "reference/configuration.md"),
            Later("EWS for applications that move from it, and Graph"),
        ],
        record: SERVICE_AND_ROUTES,
    },
    Conflict {
        number: 9,
        title: "Why the Local Administrator is asked",
        clauses: &[guide(6), guide(47), guide(104)],
        differ: "The guide has SMTP, POP and IMAP enabled on request because they lack modern authentication. \
                 All three take tokens today.",
        rulings: &[always(
            "The duty stays, the reason is gone: a protocol is used once the Local Administrator has enabled it for the account, and the request's reference stands in the register.",
        )],
        carried_out: &[
            Preflight("smtp-enabled"),
            Register("references.la_request"),
            Twin("protocol-disabled"),
        ],
        record: SERVICE_AND_ROUTES,
    },
    Conflict {
        number: 10,
        title: "How long a password lasts",
        clauses: &[guide(31), guide(33)],
        differ: "All passwords change every 365 days, those of application accounts every twelve calendar months. \
                 In a year with a leap day between, these are two dates.",
        rulings: &[always(
            "The earlier date counts for an application account, the first for all others.",
        )],
        carried_out: &[
            Limit("password age"),
            Limit("password age, application account"),
            Twin("password-expired"),
        ],
        record: PASSWORDS,
    },
    Conflict {
        number: 11,
        title: "A person's name for a service",
        clauses: &[guide(76), guide(78)],
        differ: "The display name reads Lastname, Firstname (ORGANISATION NAME), and a service has neither first nor last name.",
        rulings: &[always(
            "A service's name may stand in place of the person's where the register lists it or an exception allows it, with the organisation after it all the same.",
        )],
        carried_out: &[
            Rule("display-name-form"),
            Register("service_names"),
            Register("exceptions"),
        ],
        record: "0008-display-name-warns.md",
    },
    Conflict {
        number: 12,
        title: "Where the directory is",
        clauses: &[guide(90), guide(91)],
        differ: "The guide names no host for the Enterprise Directory. \
                 An older developer page has it on port 636 without sign-in; today's name, base and attributes are not published.",
        rulings: &[always(
            "Host, port, base DN and sign-in are configuration, never constants.",
        )],
        carried_out: &[Later("the Enterprise Directory, in gateway and twin")],
        record: SENDING,
    },
    Conflict {
        number: 13,
        title: "Which mail service",
        clauses: &[guide(15), eng(2), dhc(5), dhc(24)],
        differ: "Dorset's standard sends all official mail by NHSmail. \
                 NHS England's has two services: NHSmail and its own Exchange Online.",
        rulings: &[
            under(
                &[Guide2022, Dorset, Current],
                "NHSmail alone. Where both standards bind, Dorset's is the stricter.",
            ),
            under(
                &[NhsEngland],
                "NHSmail or NHS England's Exchange Online, both certified to DCB1596. That patient data goes by NHSmail only (GUIDE-15) is read as: not through the relay.",
            ),
        ],
        carried_out: &[
            Rule("mail-service-allowed"),
            Gateway("`service` of each route", "reference/configuration.md"),
        ],
        record: SERVICE_AND_ROUTES,
    },
    Conflict {
        number: 14,
        title: "Trying again, and lockout",
        clauses: &[guide(34), guide(35), guide(36), guide(37), guide(82)],
        differ: "Failed sending is to be tried again by itself; a failed sign-in tried again locks the account.",
        rulings: &[always(
            "Lost connections, busy answers and limits are tried again with growing pauses. A refused sign-in is never tried again: the credential's breaker opens at the first, and outlives a restart.",
        )],
        carried_out: &[
            Preflight("sign-in"),
            Gateway(
                "retries, and one breaker for each credential",
                "explanation/limits.md",
            ),
            Twin("credentials"),
        ],
        record: SENDING,
    },
    Conflict {
        number: 15,
        title: "How far encryption is enforced",
        clauses: &[eng(5), eng(17), dhc(11), dhc(23), guide(60)],
        differ: "Both standards ask that all connections be encrypted. \
                 The guidance to DCB1596 says that NHSmail forces no TLS between domains, for clinical safety: arriving weighs more.",
        rulings: &[always(
            "TLS 1.2 or later is asked on the links that are ours: from the application, and to the mail service, with the relay as C2 has it. What happens beyond is evidence, never a ground to refuse.",
        )],
        carried_out: &[
            Rule("tls-route"),
            Preflight("starttls"),
            Preflight("tls-version"),
            Preflight("own-listeners"),
            Twin("tls-version"),
            Twin("tls-first"),
        ],
        record: SENDING,
    },
    Conflict {
        number: 16,
        title: "The relay's addresses",
        clauses: &[guide(51), guide(52), guide(56)],
        differ: "The guide lists two addresses of the relay, the relay's own page four.",
        rulings: &[always(
            "Routes are set by name, and the name is looked up for every connection; an address is a configuration error.",
        )],
        carried_out: &[
            Preflight("server-name"),
            Gateway(
                "`server` of a route is a name",
                "reference/configuration.md",
            ),
        ],
        record: SENDING,
    },
];
