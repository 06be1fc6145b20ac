//! The relay route: port 25 without sign-in, TLS where the relay offers it
//! (GUIDE-11 to GUIDE-16, GUIDE-49 to GUIDE-58).
//!
//! Nobody proves anything here, neither we nor the relay, so that only mail
//! may pass that is nobody's secret, and only for applications with an
//! approved exception that has not ended (DHC-8, DHC-15), but where the guide
//! alone binds. That is asked again before each attempt: an exception may end
//! while a message waits.

use std::net::IpAddr;
use std::sync::Arc;

use mailward_mail::Timestamp;
use mailward_policy::conflict::{Relay, relay};
use mailward_policy::{ApplicationFacts, ExceptionKind, Profile};
use mailward_queue::LaneLimits;
use rustls::ClientConfig;

use super::submission::Times;

/// A named relay and how to treat it.
#[derive(Clone, Debug)]
pub struct RelayRoute {
    pub name: String,
    /// A host name, never an address (GUIDE-56).
    pub server: String,
    pub port: u16,
    /// For when it offers STARTTLS; takes any certificate.
    pub tls: Arc<ClientConfig>,
    /// The address of ours that is registered with the relay (GUIDE-53).
    pub source: Option<IpAddr>,
    pub limits: LaneLimits,
    pub times: Times,
    /// What we call ourselves in EHLO.
    pub client_name: String,
}

/// Why the application's mail may not leave by the relay now; `None` when it
/// may. `application` is `None` for one that the register does not have.
pub fn bar(
    profile: Profile,
    application: Option<&ApplicationFacts>,
    now: Timestamp,
) -> Option<String> {
    let Some(application) = application else {
        return Some("the register does not have the application any more (DHC-8)".to_owned());
    };
    if relay(profile) == Relay::ForNonConfidential {
        return None;
    }
    let in_force = application
        .exceptions_in_force(ExceptionKind::Relay, now)
        .next();
    if in_force.is_some() {
        return None;
    }
    Some(format!(
        "{} has no approved exception for the relay that is in force (DHC-8, DHC-15): approve one, or give the message another route",
        application.name
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mailward_policy::{ExceptionFacts, sample};

    #[test]
    fn only_an_exception_in_force_opens_the_relay() {
        let at = |day: &str| Timestamp::parse(day).expect("a day");
        let exception = |kind| ExceptionFacts {
            kind,
            reference: "EX-1".to_owned(),
            expires: at("2026-06-01"),
            subject: String::new(),
        };
        for (exceptions, day, open) in [
            (vec![], "2026-05-31", false),
            (vec![exception(ExceptionKind::Relay)], "2026-05-31", true),
            (vec![exception(ExceptionKind::Relay)], "2026-06-01", false),
            (
                vec![exception(ExceptionKind::PlaintextDevice)],
                "2026-05-31",
                false,
            ),
        ] {
            let mut facts = sample::facts().application.expect("an application");
            facts.exceptions = exceptions;
            let now = at(day);
            let bars = |profile| bar(profile, Some(&facts), now).is_some();
            assert_eq!(bars(Profile::Current), !open, "{day}");
            // The guide alone lets anybody (C2).
            assert!(!bars(Profile::Guide2022));
        }
        for profile in [Profile::Current, Profile::Guide2022] {
            assert!(bar(profile, None, at("2026-05-31")).is_some());
        }
    }
}
