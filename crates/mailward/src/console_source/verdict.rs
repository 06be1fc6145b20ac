//! What the rules made of a message, from its timeline.

use mailward_console::view::{Decision, FindingView, VerdictView};
use mailward_policy::{Profile, catalogue};
use mailward_queue::{HoldReason, MessageView, TimelineEvent};

/// What rules said of it and did to it, as the ledger keeps it: warnings,
/// repairs and holds.
pub(super) fn verdict(view: &MessageView, profile: Profile) -> Option<VerdictView> {
    let finding =
        |decision, rule: &str, said, remedy: &str| finding(decision, rule, profile, said, remedy);
    let mut findings = Vec::new();
    for entry in &view.timeline {
        match &entry.event {
            TimelineEvent::Repaired { rule, change } => findings.push(finding(
                Decision::Repair,
                rule,
                change.clone(),
                "Nothing is to be done.",
            )),
            TimelineEvent::Found { rule, text, .. } => {
                let end = format!(" Rule: {rule}.");
                let said = text.strip_suffix(&end).unwrap_or(text);
                findings.push(finding(
                    Decision::Accept,
                    rule,
                    said.to_owned(),
                    "It was sent all the same: put it right for the next.",
                ));
            }
            TimelineEvent::Held {
                reason: HoldReason::Approval,
                why,
                ..
            } => findings.extend(held(why, profile)),
            _ => {}
        }
    }
    let decision = findings.iter().map(|finding| finding.decision).max()?;
    Some(VerdictView { decision, findings })
}

/// The sentences of a hold, each of which ends with `Rule: NAME.`
fn held(why: &str, profile: Profile) -> Vec<FindingView> {
    const MARK: &str = "Rule: ";
    let mut findings = Vec::new();
    let mut rest = why;
    while let Some(place) = rest.find(MARK) {
        let (said, after) = (&rest[..place], &rest[place + MARK.len()..]);
        let (rule, left) = after.split_once('.').unwrap_or((after, ""));
        findings.push(finding(
            Decision::Hold,
            rule,
            profile,
            said.trim().to_owned(),
            "Release it to approve, or cancel it.",
        ));
        rest = left;
    }
    findings
}

/// With the rule's clauses that bind the organisation.
fn finding(
    decision: Decision,
    rule: &str,
    profile: Profile,
    finding: String,
    remedy: &str,
) -> FindingView {
    let clauses = catalogue::find(rule)
        .map(|rule| profile.binding(rule.clauses))
        .unwrap_or_default();
    FindingView {
        decision,
        rule: rule.to_owned(),
        clauses: clauses.iter().map(ToString::to_string).collect(),
        finding,
        remedy: remedy.to_owned(),
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn a_hold_is_taken_apart_by_its_rules() {
        let why = "Display name (GUIDE-12): odd. Use it. Rule: display-name-form. \
                   Other (X): y. Z. Rule: no-such-rule.";
        let findings = held(why, Profile::Current);
        let said: Vec<_> = findings
            .iter()
            .map(|one| (one.rule.as_str(), one.finding.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                ("display-name-form", "Display name (GUIDE-12): odd. Use it."),
                ("no-such-rule", "Other (X): y. Z."),
            ]
        );
        assert!(!findings[0].clauses.is_empty());
        assert!(findings[1].clauses.is_empty());
        assert_eq!(held("no rule is named", Profile::Current).len(), 0);
    }

    #[test]
    fn only_clauses_that_bind_are_shown() {
        let why = "Unregistered. Rule: application-registered.";
        for (profile, other) in [(Profile::Dorset, "ENG-"), (Profile::NhsEngland, "DHC-")] {
            let found = held(why, profile);
            assert!(!found[0].clauses.is_empty(), "{profile}");
            let foreign = |id: &String| id.starts_with(other);
            assert!(!found[0].clauses.iter().any(foreign), "{profile}");
        }
    }
}
