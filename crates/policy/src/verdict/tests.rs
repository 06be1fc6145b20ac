use super::*;
use crate::catalogue::{self, RULES};
use crate::data_class::DataClass;
use crate::profile::Profile;
use crate::sample;
use crate::settings::{Level, Settings};

/// Breaks every rule that a registered application can: what the others ask
/// is of the register itself.
fn registered_wreck() -> Facts {
    let mut facts = wreck();
    facts.application = sample::facts().application;
    let at = facts.at;
    if let Some(application) = &mut facts.application {
        application.references.iams = None;
        application.account_shared_with = vec!["rota".to_owned()];
    }
    if let Some(account) = &mut facts.account {
        account.kind = crate::AccountKind::User;
    }
    facts.data_class = DataClass::Official;
    facts.content.identifiers = vec![crate::content::Identifier {
        kind: crate::content::IdentifierKind::NhsNumber,
        place: crate::content::ContentPlace::Subject,
        shown: "******0018".to_owned(),
    }];
    facts.content.marking = Some(DataClass::OfficialSensitive);
    facts.content.cut_short = true;
    facts.content.fingerprint = Some([7; 16]);
    facts.history.same_text_recipients = 100_000;
    facts.history.recipients_last_day = 100_000;
    facts.history.messages_last_minute = 100_000;
    facts.history.lists = vec![crate::ListHistory {
        address: sample::address("all@northmoor.example"),
        last: at,
    }];
    facts.envelope.recipients[0].accredited = false;
    facts.route.on_premise = true;
    facts.route.authenticated = false;
    facts.route.retirements = vec![crate::RetirementFacts {
        date: at,
        what: "password sign-in".to_owned(),
    }];
    facts.message.subject = None;
    facts
}

/// Breaks a dozen rules at once.
fn wreck() -> Facts {
    let mut facts = sample::facts_of(
        "From: matron@northmoor.example, Rota <no-reply@northmoor.example>\n\
         Reply-To: x@nowhere.invalid\nSubject: 1\nSubject: 2\nstray\nTo: <broken",
    );
    facts.application = None;
    facts.data_class = DataClass::OfficialSensitive;
    facts.route.tls = None;
    facts.route.dcb1596 = false;
    facts.route.service = crate::conflict::MailService::NhsEnglandExchange;
    facts.route.octets_max = Some(2000);
    facts.route.recipients_max = Some(0);
    facts
}

fn set(table: &[(&str, Level)]) -> Catalogue {
    Catalogue::new(&Settings::new(table.iter().copied()).expect("valid settings"))
}

#[test]
fn a_sound_message_is_accepted_without_a_word() {
    let verdict = judge(&sample::facts(), &Catalogue::default());
    assert_eq!(verdict.decision, Decision::Accept, "{:?}", verdict.findings);
    assert!(verdict.findings.is_empty() && verdict.repairs.is_empty());
    assert!(verdict.notes.is_empty() && verdict.refusal().is_none());
}

#[test]
fn every_rule_speaks_of_the_wreck() {
    let mut relayed = wreck();
    relayed.route = crate::RouteFacts::nhsmail(crate::RouteKind::Relay);
    let mut named = Vec::new();
    for facts in [wreck(), registered_wreck(), relayed] {
        let verdict = judge(&facts, &Catalogue::default());
        named.extend(verdict.findings.iter().map(|finding| finding.rule));
    }
    named.sort_unstable();
    named.dedup();
    let all: Vec<_> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(named, all);
}

#[test]
fn the_order_of_rules_never_matters() {
    let facts = wreck();
    let expected = judge(&facts, &Catalogue::default());
    let mut rules = RULES.to_vec();
    // A small generator of our own: the same shuffles in every run.
    let mut state = 1_u64;
    for _ in 0..200 {
        for index in (1..rules.len()).rev() {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            rules.swap(index, (state >> 33) as usize % (index + 1));
        }
        let catalogue = Catalogue::of(&rules, &Settings::default());
        let verdict = judge(&facts, &catalogue);
        assert_eq!(verdict, expected);
        assert_eq!(verdict.refusal(), expected.refusal());
    }
}

#[test]
fn the_strictest_decides_and_repairs_are_kept() {
    let bare = sample::facts_of("From: appointments@northmoor.example");
    for (table, decision, repairs) in [
        (&[][..], Decision::Repair, 2),
        (&[("display-name-form", Level::Hold)], Decision::Hold, 2),
        (&[("display-name-form", Level::Refuse)], Decision::Refuse, 2),
        (&[("date-present", Level::Refuse)], Decision::Refuse, 1),
        (
            &[
                ("date-present", Level::Off),
                ("message-id-present", Level::Warn),
            ],
            Decision::Accept,
            0,
        ),
    ] {
        let verdict = judge(&bare, &set(table));
        assert_eq!(verdict.decision, decision, "{table:?}");
        assert_eq!(verdict.repairs.len(), repairs, "{table:?}");
    }
}

#[test]
fn a_rule_that_is_off_lets_the_message_by_and_leaves_a_note() {
    let facts = sample::facts_of("From: matron@northmoor.example\nDate: x\nMessage-ID: <1@a>");
    assert_eq!(
        judge(&facts, &Catalogue::default()).decision,
        Decision::Refuse
    );
    for (level, decision) in [
        (Level::Off, Decision::Accept),
        (Level::Warn, Decision::Accept),
        (Level::Hold, Decision::Hold),
    ] {
        let verdict = judge(&facts, &set(&[("from-is-account", level)]));
        assert_eq!(verdict.decision, decision);
        let note = &verdict.notes[0];
        assert_eq!(note.rule, "from-is-account");
        assert!(note.text.contains("GUIDE-10 binds"), "{}", note.text);
    }
    // Stricter than by itself, or resting on no clause: nothing to note.
    for table in [
        ("display-name-form", Level::Refuse),
        ("date-present", Level::Off),
    ] {
        assert!(judge(&facts, &set(&[table])).notes.is_empty());
    }
}

#[test]
fn an_application_can_be_held_to_more_than_the_rule_is_set_to() {
    let mut facts = sample::facts_of("From: appointments@northmoor.example\nDate: x");
    if let Some(application) = &mut facts.application {
        application.display_name = crate::facts::DisplayNameDuty::Required;
    }
    assert_eq!(
        judge(&facts, &Catalogue::default()).decision,
        Decision::Refuse
    );
    let off = set(&[("display-name-form", Level::Off)]);
    assert_eq!(judge(&facts, &off).decision, Decision::Repair);
}

#[test]
fn a_refusal_names_rule_clause_and_remedy() {
    let facts = sample::facts_of("From: x@y.example\nDate: x\nMessage-ID: <1@a>");
    let reply = judge(&facts, &Catalogue::default())
        .refusal()
        .expect("refused");
    assert_eq!(
        reply.to_string(),
        "550 5.7.1 From must be the sending account (GUIDE-10): found x@y.example in line 1, \
         the account is appointments@northmoor.example. Use appointments@northmoor.example in From, \
         or have the application granted to send as this address. Rule: from-is-account."
    );
}

#[test]
fn replies_are_well_formed_however_bad_the_message() {
    let mut facts = wreck();
    let long = format!("{}@{}.invalid", "ä".repeat(31), "b".repeat(60));
    facts.envelope.reverse_path = mailward_mail::ReversePath::Address(sample::address(&long));
    let verdict = judge(&facts, &Catalogue::default());
    let reply = verdict.refusal().expect("refused");
    let singles = verdict.refusing().map(Finding::reply);
    for reply in singles.chain([reply.clone()]) {
        assert!(reply.is_permanent());
        let mut wire = Vec::new();
        reply.write_to(&mut wire);
        assert!(wire.is_ascii());
        let lines: Vec<_> = wire.split(|byte| *byte == b'\n').collect();
        assert!(lines.len() <= 13, "{} lines", lines.len());
        assert!(lines.iter().all(|line| line.len() < 512));
    }
    assert_eq!((reply.code(), reply.status_text().as_str()), (550, "5.7.1"));
    assert!(reply.text().contains("more reasons are not shown"));
}

#[test]
fn the_code_is_the_rule_s_own_where_one_rule_refuses() {
    for (change, expected) in [
        (
            (|facts| facts.message.octets = u64::MAX) as fn(&mut Facts),
            "552 5.3.4",
        ),
        (|facts| facts.route.recipients_max = Some(0), "550 5.5.3"),
        (|facts| facts.route.tls = None, "550 5.7.10"),
    ] {
        let mut facts = sample::facts();
        change(&mut facts);
        let reply = judge(&facts, &Catalogue::default())
            .refusal()
            .expect("refused");
        assert!(reply.to_string().starts_with(expected), "{reply}");
    }
}

#[test]
fn an_announced_size_is_refused_before_the_message() {
    let rule = &crate::rules::message_size::RULE;
    let problem = || crate::rules::message_size::too_large(u64::MAX, None).expect("too large");
    let early = Catalogue::default().refuse_early(rule, problem(), Profile::Guide2022);
    assert_eq!(early.expect("refused").reply().code(), 552);
    let off = set(&[("message-size", Level::Off)]);
    assert!(
        off.refuse_early(rule, problem(), Profile::Current)
            .is_none()
    );
}

#[test]
fn a_verdict_is_written_as_json_with_field_and_clauses() {
    let mut facts = sample::facts();
    facts.envelope.recipients.clear();
    facts.route.octets_max = Some(2000);
    facts.data_class = DataClass::Secret;
    let verdict = judge(&facts, &Catalogue::default());
    let json = serde_json::to_value(&verdict).expect("a verdict is JSON");
    assert_eq!(json["decision"], "refuse");
    let finding = &json["findings"][0];
    assert_eq!(finding["rule"], "data-class-route");
    assert_eq!(finding["severity"], "refuse");
    assert_eq!(finding["clauses"][0], "ENG-23");
    assert_eq!(finding["field"], "data_class");
    assert_eq!(finding["place"]["kind"], "data_class");
    assert_eq!(json["findings"][1]["place"]["kind"], "message");
}

#[test]
fn a_rule_is_judged_only_while_it_holds() {
    let rule = catalogue::find("from-is-account").expect("a rule");
    let mut past = *rule;
    past.holds.until = Some(crate::period::Date::new(2026, 1, 1));
    let past: &'static Rule = Box::leak(Box::new(past));
    let facts = sample::facts_of("From: x@y.example");
    for (rule, findings) in [(rule, 1), (past, 0)] {
        let catalogue = Catalogue::of(&[rule], &Settings::default());
        assert_eq!(judge(&facts, &catalogue).findings.len(), findings);
    }
}

#[test]
fn a_finding_cites_only_what_binds_and_a_rule_that_rests_on_nothing_is_not_judged() {
    for profile in Profile::ALL {
        let mut facts = wreck();
        facts.profile = profile;
        for finding in judge(&facts, &Catalogue::default()).findings {
            let rule = catalogue::find(finding.rule).expect("a rule");
            assert!(rule.binds(profile), "{profile}: {}", rule.id);
            assert!(
                finding.clauses.iter().all(|id| profile.binds(id.document)),
                "{profile}: {finding:?}"
            );
            assert!(
                !finding.clauses.is_empty() || !finding.standards.is_empty(),
                "{profile}: {finding:?} rests on nothing"
            );
        }
    }
}

/// A rule for the tests below, resting on one clause of NHS England's.
fn english(rule: &Rule) -> &'static Rule {
    let clauses = const { &[crate::clause::eng(17)] };
    Box::leak(Box::new(Rule { clauses, ..*rule }))
}

#[test]
fn a_rule_binds_by_its_documents_or_by_a_standard() {
    let facts = sample::facts_of("From: x@y.example");
    let by_clause = english(catalogue::find("from-is-account").expect("a rule"));
    let by_standard = english(catalogue::find("date-present").expect("a rule"));
    for (rule, profile, findings, clauses) in [
        (by_clause, Profile::Guide2022, 0, 0),
        (by_clause, Profile::Dorset, 0, 0),
        (by_clause, Profile::NhsEngland, 1, 1),
        (by_clause, Profile::Current, 1, 1),
        (by_standard, Profile::Guide2022, 1, 0),
        (by_standard, Profile::Current, 1, 1),
    ] {
        let facts = Facts {
            profile,
            ..facts.clone()
        };
        let catalogue = Catalogue::of(&[rule], &Settings::default());
        let found = judge(&facts, &catalogue).findings;
        assert_eq!(found.len(), findings, "{} under {profile}", rule.id);
        for finding in found {
            assert_eq!(finding.clauses.len(), clauses, "{}", rule.id);
        }
    }
}

#[test]
fn a_weakened_rule_is_noted_only_where_it_binds() {
    let rule = english(catalogue::find("from-is-account").expect("a rule"));
    let off = Settings::new([(rule.id, Level::Off)]).expect("a setting");
    let catalogue = Catalogue::of(&[rule], &off);
    for (profile, notes) in [(Profile::Guide2022, 0), (Profile::NhsEngland, 1)] {
        let facts = Facts {
            profile,
            ..sample::facts()
        };
        assert_eq!(judge(&facts, &catalogue).notes.len(), notes, "{profile}");
    }
}

#[test]
fn the_guide_alone_opens_the_relay_and_no_profile_opens_it_to_patients_data() {
    let mut facts = sample::facts();
    facts.route = crate::facts::RouteFacts::nhsmail(crate::facts::RouteKind::Relay);
    facts.account = None;
    for (profile, class, refused) in [
        (Profile::Guide2022, DataClass::Official, false),
        (Profile::Guide2022, DataClass::OfficialSensitive, true),
        (Profile::NhsEngland, DataClass::Official, true),
        (Profile::Current, DataClass::OfficialSensitive, true),
    ] {
        facts.profile = profile;
        facts.data_class = class;
        let verdict = judge(&facts, &Catalogue::default());
        let by_route = |finding: &&Finding| {
            ["tls-route", "data-class-route"].contains(&finding.rule)
                && finding.severity == Severity::Refuse
        };
        let found = verdict.findings.iter().any(|one| by_route(&one));
        assert_eq!(found, refused, "{profile} {class}: {verdict:?}");
    }
}

#[test]
fn secret_is_refused_and_a_suspended_application_stopped_under_every_profile() {
    for profile in Profile::ALL {
        let mut facts = sample::facts();
        facts.profile = profile;
        facts.data_class = DataClass::Secret;
        if let Some(application) = &mut facts.application {
            application.state = crate::facts::ApplicationState::Suspended;
        }
        let verdict = judge(&facts, &Catalogue::default());
        for rule in ["data-class-route", "application-registered"] {
            assert!(
                verdict.refusing().any(|finding| finding.rule == rule),
                "{rule} under {profile}"
            );
        }
    }
}
