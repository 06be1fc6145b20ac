use std::collections::BTreeSet;

use super::*;
use crate::facts::{ExceptionFacts, ExceptionKind};
use crate::sample;

fn at(day: &str) -> Timestamp {
    Timestamp::parse(day).expect("a day")
}

/// The days on which something changes, with a day before and after all.
const DAYS: [&str; 8] = [
    "2019-01-01",
    "2022-03-01",
    "2023-05-25",
    "2023-07-07",
    "2026-10-01",
    "2026-12-31",
    "2027-04-01",
    "2040-01-01",
];

#[test]
fn all_sixteen_are_there_and_cite_known_clauses() {
    let numbers: Vec<_> = CONFLICTS.iter().map(|conflict| conflict.number).collect();
    assert_eq!(numbers, (1..=16).collect::<Vec<u8>>());
    for conflict in CONFLICTS {
        let number = conflict.number;
        assert!(conflict.differ.ends_with('.'), "C{number}");
        assert!(!conflict.carried_out.is_empty(), "C{number}");
        let clauses: BTreeSet<_> = conflict.clauses.iter().collect();
        assert_eq!(clauses.len(), conflict.clauses.len(), "C{number}");
        for id in conflict.clauses {
            assert!(id.clause().is_some(), "C{number}: {id}");
        }
    }
}

#[test]
fn just_one_ruling_applies_to_a_profile_on_a_day() {
    for conflict in CONFLICTS {
        for profile in Profile::ALL {
            for day in DAYS {
                let applying = conflict.rulings.iter().filter(|ruling| {
                    ruling.profiles.contains(&profile) && ruling.holds.contains(at(day))
                });
                let place = format!("C{} for {profile} on {day}", conflict.number);
                assert_eq!(applying.count(), 1, "{place}");
                let ruling = conflict.ruling(profile, at(day)).expect(&place);
                assert!(ruling.decides.ends_with('.'), "{place}");
            }
        }
    }
}

/// What the table says for C`number`, on that day.
fn says(number: usize, profile: Profile, day: &str) -> &'static str {
    CONFLICTS[number - 1]
        .ruling(profile, at(day))
        .expect("one applies")
        .decides
}

#[test]
fn functions_and_table_agree_on_every_day() {
    for profile in Profile::ALL {
        for day in DAYS {
            let words = match relay(profile) {
                Relay::ForNonConfidential => "The relay is open",
                Relay::ByExceptionOnly => "The relay is closed",
            };
            assert!(says(2, profile, day).contains(words), "C2 for {profile}");
            let words = match mail_services(profile) {
                [MailService::Nhsmail] => "NHSmail alone.",
                [MailService::Nhsmail, MailService::NhsEnglandExchange] => {
                    "or NHS England's Exchange Online"
                }
                other => panic!("{other:?}"),
            };
            assert!(says(13, profile, day).contains(words), "C13 for {profile}");
        }
    }
}

#[test]
fn what_the_service_ends_is_ended_from_its_day_on() {
    for (number, date, before, after) in [
        (
            1,
            IMAP_POP_EWS_PASSWORDS_ENDED,
            "by password or by token",
            "submission by either",
        ),
        (
            1,
            SUBMISSION_PASSWORDS_OFF,
            "submission by either",
            "has allowed it again",
        ),
        (4, APPLICATION_PASSWORDS_MIXED, "no mix", "have a capital"),
        (8, EWS_BY_ALLOW_LIST, "EWS may be used", "tenant's list"),
        (8, EWS_ENDED, "tenant's list", "EWS is gone"),
    ] {
        let first = date.start();
        let last = Timestamp::from_millis(first.as_millis() - 1);
        for profile in Profile::ALL {
            for (moment, words) in [(last, before), (first, after)] {
                let ruling = CONFLICTS[number - 1].ruling(profile, moment);
                let decides = ruling.expect("one applies").decides;
                assert!(decides.contains(words), "C{number} at {moment}: {decides}");
            }
        }
    }
}

#[test]
fn the_relay_opens_by_profile_or_by_an_exception_in_force() {
    let mut facts = sample::facts();
    let exception = |kind, expires| ExceptionFacts {
        kind,
        reference: "EX-0001".to_owned(),
        expires,
        subject: String::new(),
    };
    let later = at("2026-12-01");
    for (profile, exceptions, open) in [
        (Profile::Guide2022, vec![], true),
        (Profile::Current, vec![], false),
        (
            Profile::Current,
            vec![exception(ExceptionKind::Relay, later)],
            true,
        ),
        // It ends at that very moment.
        (
            Profile::Dorset,
            vec![exception(ExceptionKind::Relay, facts.at)],
            false,
        ),
        (
            Profile::NhsEngland,
            vec![exception(ExceptionKind::PlaintextDevice, later)],
            false,
        ),
    ] {
        facts.profile = profile;
        if let Some(application) = &mut facts.application {
            application.exceptions = exceptions;
        }
        assert_eq!(relay_ground(&facts).is_some(), open, "{profile}");
    }
    facts.application = None;
    assert!(relay_ground(&facts).is_none());
}
