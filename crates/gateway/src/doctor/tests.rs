//! The list of checks, and what a scope leaves.

use std::collections::HashSet;

use super::testing::{Fixture, config_of};
use super::*;

#[test]
fn every_check_is_told_apart_and_cites_what_there_is() {
    let mut ids = HashSet::new();
    for check in CHECKS {
        assert!(ids.insert(check.id), "{} is there twice", check.id);
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
        assert!(check.id.bytes().all(fits), "{}", check.id);
        assert!(
            !check.title.is_empty() && check.about.ends_with('.'),
            "{}",
            check.id
        );
        assert!(!check.clauses.is_empty(), "{}", check.id);
        for id in check.clauses {
            assert!(id.clause().is_some(), "{}: {id}", check.id);
        }
    }
}

#[test]
fn a_healthy_configuration_has_no_warning() {
    let seen = Fixture::healthy();
    let checks: Vec<&Check> = CHECKS.iter().collect();
    let report = Report::new(seen.at, judge(&seen, &checks));
    let bad: Vec<_> = report
        .findings
        .iter()
        .filter(|one| one.severity >= Severity::Warning)
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");
    assert_eq!(report.worst, Severity::Note);
}

#[test]
fn a_scope_leaves_what_belongs_together() {
    let config = Fixture::healthy().config;
    let scope = |account: Option<&str>, route: Option<&str>| Scope {
        account: account.map(str::to_owned),
        route: route.map(str::to_owned),
        check: None,
    };
    for (account, route, expected) in [
        (None, None, Ok((1, 1, 1, 1))),
        (Some("Letters@northmoor.example"), None, Ok((1, 1, 1, 1))),
        (None, Some("nhsmail"), Ok((1, 1, 1, 1))),
        (
            Some("nobody@northmoor.example"),
            None,
            Err("no account nobody@northmoor.example"),
        ),
        (None, Some("graph"), Err("no route graph")),
    ] {
        let left = narrowed(&config, &scope(account, route));
        let counted = left.map(|left| {
            (
                left.routes.len(),
                left.accounts.len(),
                left.applications.len(),
                left.oauth.len(),
            )
        });
        match (counted, expected) {
            (Ok(counted), Ok(expected)) => assert_eq!(counted, expected),
            (Err(error), Err(text)) => assert!(error.to_string().contains(text), "{error}"),
            (counted, expected) => panic!("{counted:?} is not {expected:?}"),
        }
    }
    let unknown = Scope {
        check: Some("nothing".to_owned()),
        ..Scope::default()
    };
    assert!(matches!(chosen(&unknown), Err(ScopeError::NoSuchCheck(_))));
}

#[test]
fn trouble_with_a_route_that_nobody_uses_is_a_note() {
    let subject = "route nhsmail";
    let mut seen = Fixture::healthy();
    seen.routes[0].connection = Err("refused".to_owned());
    seen.routes[0].session = None;
    let check = CHECKS
        .iter()
        .find(|check| check.id == "server-port")
        .expect("the check");
    let worst = |seen: &Seen| {
        let mut findings = judge(seen, &[check]);
        lighten_unused(&mut findings, seen);
        let of_route = findings.iter().filter(|one| one.subject == subject);
        of_route.map(|one| one.severity).max()
    };
    assert_eq!(worst(&seen), Some(Severity::Error));
    config_of(&mut seen).accounts.clear();
    assert_eq!(worst(&seen), Some(Severity::Error), "its application");
    seen.applications[0].state = ApplicationState::Retired;
    assert_eq!(worst(&seen), Some(Severity::Note));
}
