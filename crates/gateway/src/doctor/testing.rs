//! Something seen, to be changed by a test, and the one way to judge it.

use std::sync::Arc;
use std::time::Duration;

use mailward_mail::{Address, Timestamp};
use mailward_net::{Certificate, TlsFacts};
use mailward_policy::conflict::MailService;
use mailward_policy::{AccountKind, ApplicationState, RouteKind};
use mailward_queue::{AccountName, ApplicationName, RouteName};
use mailward_wire::smtp::client::{Features, Stage};

use super::finding::Findings;
use super::seen::{
    AccountSeen, ConnectionSeen, OwnSeen, RouteSeen, SecretsSeen, Seen, SenderSeen, SentItemsSeen,
    SessionSeen, SessionTrouble, SignInSeen, StoreSeen, TokenOutcome, TokenSeen,
};
use super::{Check, Finding, Severity};
use crate::config::{
    Account, Application, Config, Mechanism, OAuthClient, References, Route, SecretRef, Timeouts,
};
use crate::password::account_ages;

pub(super) fn day(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a date")
}

/// The findings must be these: severity, subject, and a part of what was seen.
pub(super) fn check(
    check: &Check,
    seen: &Seen,
    expected: &[(Severity, &str, &str)],
) -> Vec<Finding> {
    let mut findings = Findings::of(check);
    (check.judge)(seen, &mut findings);
    let found = findings.into_vec();
    let shown: Vec<_> = found
        .iter()
        .map(|one| (one.severity, one.subject.as_str(), one.seen.as_str()))
        .collect();
    assert_eq!(shown.len(), expected.len(), "{shown:#?}");
    for (shown, expected) in shown.iter().zip(expected) {
        assert_eq!((shown.0, shown.1), (expected.0, expected.1), "{shown:?}");
        assert!(shown.2.contains(expected.2), "{shown:?} lacks {expected:?}");
    }
    for finding in &found {
        let needs_remedy = finding.severity >= Severity::Warning;
        assert_eq!(finding.remedy.is_some(), needs_remedy, "{finding:?}");
    }
    found
}

pub(super) fn stopped_at(stage: Stage, why: &str) -> Option<Result<SessionSeen, SessionTrouble>> {
    Some(Err(SessionTrouble {
        stage,
        why: why.to_owned(),
        is_certificate: false,
    }))
}

/// The configuration, to be changed before it is judged.
pub(super) fn config_of(seen: &mut Seen) -> &mut Config {
    Arc::get_mut(&mut seen.config).expect("nobody else holds it")
}

#[derive(Debug)]
pub(super) struct Fixture;

impl Fixture {
    /// NHSmail as it should be, on 21 November 2026.
    pub(super) fn healthy() -> Seen {
        let mut config = Config::new("gateway.northmoor.example", "/var/lib/mailward");
        let route = route("nhsmail", RouteKind::Submission, "smtp.office365.com", 587);
        config.routes.push(route.clone());
        config.oauth.insert("nhsmail".to_owned(), client());
        let account = account();
        config.accounts.push(account.clone());
        let application = application("nhsmail");
        config.applications.push(application.clone());
        let ages = account_ages(&config, None, day("2026-11-21"));
        Seen {
            ages,
            config: Arc::new(config),
            applications: vec![application],
            at: day("2026-11-21"),
            routes: vec![RouteSeen {
                route,
                addresses: Some(Ok(vec!["192.0.2.25".parse().expect("an address")])),
                connection: Ok(connection()),
                session: Some(Ok(SessionSeen {
                    greeting: "LO2P265CA0001.outlook.office365.com Microsoft ESMTP MAIL Service ready at Sat, 21 Nov 2026 09:00:00 +0000".to_owned(),
                    features: Features {
                        size: Some(157_286_400),
                        auth: vec!["LOGIN".to_owned(), "XOAUTH2".to_owned()],
                        ..Features::default()
                    },
                    tls: Some(TlsFacts {
                        version: "TLSv1.3",
                        cipher: "TLS_AES_256_GCM_SHA384".to_owned(),
                        server_name: None,
                    }),
                    at: day("2026-11-21T09:00:00Z"),
                })),
                certificate: Some(certificate("smtp.office365.com")),
                sender: None,
            }],
            tokens: vec![TokenSeen {
                name: "nhsmail".to_owned(),
                url: client().token_url,
                outcome: TokenOutcome::Obtained {
                    took: Duration::from_millis(80),
                },
                certificate: Some(certificate("login.microsoftonline.com")),
            }],
            accounts: vec![AccountSeen {
                account,
                sign_in: SignInSeen::SignedIn {
                    took: Duration::from_millis(90),
                },
                sent_items: SentItemsSeen::NotConfigured,
            }],
            secrets: SecretsSeen::default(),
            store: StoreSeen::default(),
            own: OwnSeen {
                certificate: Some(Ok(certificate("gateway.northmoor.example"))),
                listeners: Vec::new(),
                not_called: Some("the gateway does not run".to_owned()),
            },
        }
    }

    /// The anonymous relay, without an exception for anybody.
    pub(super) fn relay() -> Seen {
        let mut seen = Self::healthy();
        let relay = route("relay", RouteKind::Relay, "relay.nhs.uk", 25);
        let mut application = application("relay");
        application.account = AccountName::new("letters@northmoor.nhs.uk");
        application.patient_data = false;
        application.data_class = mailward_policy::DataClass::Official;
        let config = config_of(&mut seen);
        config.routes = vec![relay.clone()];
        config.accounts[0].route = relay.name.clone();
        config.oauth.clear();
        seen.accounts[0].account.route = relay.name.clone();
        seen.applications = vec![application];
        seen.tokens.clear();
        let seen_route = &mut seen.routes[0];
        seen_route.route = relay;
        seen_route.certificate = None;
        if let Some(Ok(session)) = &mut seen_route.session {
            session.greeting = "relay.nhs.uk ESMTP".to_owned();
            session.features = Features::default();
            session.tls = None;
        }
        seen_route.sender = Some(SenderSeen {
            names: Ok(vec!["gateway.northmoor.example".to_owned()]),
            leads_back: true,
        });
        seen
    }
}

fn connection() -> ConnectionSeen {
    ConnectionSeen {
        peer: "192.0.2.25".parse().expect("an address"),
        local: "10.1.2.3".parse().expect("an address"),
        took: Duration::from_millis(12),
    }
}

fn certificate(name: &str) -> Certificate {
    Certificate {
        subject: format!("CN={name}"),
        issuer: "CN=An Authority".to_owned(),
        not_before: day("2026-01-21"),
        not_after: day("2027-01-21"),
        names: vec![name.to_owned()],
    }
}

fn route(name: &str, kind: RouteKind, server: &str, port: u16) -> Route {
    Route {
        name: RouteName::new(name),
        kind,
        server: server.to_owned(),
        port,
        ca_file: None,
        mechanism: Mechanism::XOAuth2 {
            oauth: "nhsmail".to_owned(),
        },
        source_address: None,
        connections_max: 3,
        messages_per_minute: Some(30),
        recipients_max: None,
        dcb1596: true,
        twin: false,
        service: MailService::Nhsmail,
        on_premise: false,
        fail_over: Default::default(),
        retirements: Vec::new(),
        sent_items: None,
        timeouts: Timeouts::default(),
    }
}

fn client() -> OAuthClient {
    OAuthClient {
        token_url: "https://login.microsoftonline.com/tenant/oauth2/v2.0/token".to_owned(),
        client_id: "11111111-1111-1111-1111-111111111111".to_owned(),
        client_secret: SecretRef::Keystore("nhsmail-client".to_owned()),
        scope: "https://outlook.office365.com/.default".to_owned(),
        ca_file: None,
    }
}

fn account() -> Account {
    Account {
        address: Address::parse("letters@northmoor.example").expect("an address"),
        kind: AccountKind::Application,
        display_name: None,
        repair_display_name: false,
        route: RouteName::new("nhsmail"),
        secret: None,
        password_changed: None,
    }
}

fn application(route: &str) -> Application {
    let paper = || Some("X-1".to_owned());
    let account = AccountName::new("letters@northmoor.example");
    let mut application = Application::draft(
        ApplicationName::new("letters"),
        account,
        RouteName::new(route),
    );
    application.state = ApplicationState::Live;
    application.patient_data = true;
    application.approval_expires = Some(day("2027-12-31"));
    application.review_date = Some(day("2027-09-30"));
    application.references = References {
        application_documentation: paper(),
        architecture_documentation: paper(),
        architecture_approval: paper(),
        iams: paper(),
        la_request: paper(),
        clinical_safety_case: paper(),
        ..References::default()
    };
    application
}
