//! A message in a file is judged as it would be at the door.

use std::path::Path;
use std::sync::Arc;

use mailward_gateway::Register;
use mailward_gateway::check::Checker;
use mailward_gateway::check::file::{FileReport, Given, check_file};
use mailward_mail::Timestamp;
use mailward_policy::{DataClass, Decision};
use mailward_queue::ApplicationName;

use crate::support::config;

fn check(application: &str, message: &str, given: &Given) -> FileReport {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Arc::new(config(&folder));
    let checker = Checker::new(&config);
    let register = Register::of(config);
    let at = Timestamp::parse("2026-11-21T09:30:00Z").expect("a time");
    assert!(
        !Path::new(&folder.path().join("data")).exists(),
        "nothing is opened"
    );
    let application = ApplicationName::new(application);
    check_file(
        &register,
        &checker,
        &application,
        message.as_bytes(),
        given,
        at,
    )
}

const GOOD: &str = "From: \"Letters, Clinic (NORTHMOOR TRUST)\" <letters@northmoor.example>\n\
    To: ann@northmoor.example\nCc: bob@northmoor.example\nSubject: x\n\
    Date: Sat, 21 Nov 2026 09:00:00 +0000\nMessage-ID: <1@northmoor.example>\n\nx\n";

#[test]
fn a_good_message_passes_and_is_measured_as_it_would_travel() {
    let report = check("letters", GOOD, &Given::default());
    assert_eq!(
        report.verdict.decision,
        Decision::Accept,
        "{:?}",
        report.verdict.findings
    );
    assert_eq!(report.recipients, 2);
    assert_eq!(report.octets, (GOOD.len() + GOOD.lines().count()) as u64);
    assert_eq!(report.data_class, DataClass::Official);
    assert_eq!((report.registered, report.reply), (true, None));
}

#[test]
fn what_would_be_refused_is_with_the_same_words() {
    let rules = |report: &FileReport| -> Vec<&str> {
        report
            .verdict
            .refusing()
            .map(|finding| finding.rule)
            .collect()
    };
    let forged = GOOD.replace("<letters@", "<director@");
    let report = check("letters", &forged, &Given::default());
    assert!(
        rules(&report).contains(&"from-is-account"),
        "{:?}",
        report.verdict.findings
    );
    assert!(
        report
            .reply
            .is_some_and(|reply| reply.starts_with("550 5.7.1 "))
    );

    let report = check("nobody", GOOD, &Given::default());
    assert!(!report.registered && rules(&report).contains(&"application-registered"));

    let secret = Given {
        data_class: Some(DataClass::Secret),
        ..Given::default()
    };
    let json = serde_json::to_value(check("letters", GOOD, &secret)).expect("JSON");
    assert_eq!(json["decision"], "refuse");
    assert_eq!(json["findings"][0]["rule"], "data-class-route");
    assert!(
        json["findings"][0]["clauses"]
            .as_array()
            .is_some_and(|clauses| !clauses.is_empty())
    );
}
