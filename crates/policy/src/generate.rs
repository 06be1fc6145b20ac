//! The catalogue as text for people: the reference pages and `explain`.

mod conflicts;
mod coverage;

use std::fmt::Write as _;

use crate::catalogue::{self, RULES};
use crate::clause::ClauseId;
use crate::limits;
use crate::period::Period;
use crate::profile::Profile;
use crate::rule::{Example, Expected, Rule};
use crate::verdict::Finding;

pub use conflicts::reference as conflicts;
pub use coverage::reference as coverage;

/// The whole of `docs/reference/rules.md`.
pub fn reference() -> String {
    let mut page = String::from(
        "# Rules\n\n\
         Generated from the rules themselves by `cargo xtask docs`; do not edit.\n\n\
         Every rule is judged on every message, each reason is kept, and the strictest decides.\n\
         `mailward explain RULE` prints one of these sections, and `mailward check FILE.eml` judges a message by all of them.\n\n\
         | Rule | Says | Severity | Clauses |\n\
         | --- | --- | --- | --- |\n",
    );
    for rule in RULES {
        let _ = writeln!(
            page,
            "| [{id}](#{id}) | {} | {} | {} |",
            rule.title,
            rule.severity,
            basis(rule),
            id = rule.id
        );
    }
    page.push_str(
        "\nThe configuration can set another severity: `[rules]`, then for example `display-name-form = \"refuse\"`.\n\
         The severities are `off`, `warn` (said, nothing more), `repair` (a field is added on top; only where a rule can), `hold` (kept until a person decides) and `refuse`.\n\
         Where a rule rests on a clause that says must, a milder setting is noted in every verdict.\n\n\
         The profile of the organisation says which documents bind it: the guide binds everybody, NHS England's standard `nhs-england` and `current`, Dorset's `dorset` and `current`.\n\
         A finding cites only clauses that bind; a rule none of whose clauses does, and that rests on no other standard, is not judged.\n\
         Where documents differ, [conflicts](conflicts.md) says what was decided.\n",
    );
    for rule in RULES {
        page.push('\n');
        page.push_str(&section(rule, "##"));
    }
    page.push_str(&limits_section());
    page.push_str("\nThe clauses themselves are listed under [coverage](coverage.md).\n");
    page
}

/// One rule's section, for `mailward explain RULE`; `None` when no rule has
/// this id.
pub fn explain(id: &str) -> Option<String> {
    catalogue::find(id).map(|rule| section(rule, "#"))
}

fn basis(rule: &Rule) -> String {
    let clauses = rule.clauses.iter().map(ClauseId::to_string);
    let standards = rule.standards.iter().map(|text| (*text).to_owned());
    clauses.chain(standards).collect::<Vec<_>>().join(", ")
}

/// Under which profiles it is judged.
fn profiles(rule: &Rule) -> String {
    let binding = Profile::ALL
        .into_iter()
        .filter(|profile| rule.binds(*profile));
    let names: Vec<&str> = binding.map(Profile::as_str).collect();
    if names.len() == Profile::ALL.len() {
        "all".to_owned()
    } else {
        names.join(", ")
    }
}

fn section(rule: &Rule, heading: &str) -> String {
    let mut text = format!("{heading} {}\n\n{}.\n\n", rule.id, rule.title);
    for line in rule.page.lines() {
        text.push_str(line.strip_prefix(' ').unwrap_or(line));
        text.push('\n');
    }
    let _ = writeln!(text, "\n- Severity: {}", rule.severity);
    let _ = writeln!(text, "- In force: {}", rule.holds);
    let _ = writeln!(text, "- Profiles: {}", profiles(rule));
    let _ = writeln!(text, "- Reads: {}", rule.reads.join(", "));
    text.push_str("- Rests on:\n");
    for id in rule.clauses {
        if let Some(clause) = id.clause() {
            let _ = writeln!(
                text,
                "  - {id} ({}, {}): {}",
                clause.section,
                clause.strength.as_str(),
                clause.paraphrase
            );
        }
    }
    for standard in rule.standards {
        let _ = writeln!(text, "  - {standard}");
    }
    text.push('\n');
    for example in rule.examples {
        text.push_str(&example_text(rule, example));
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn example_text(rule: &Rule, example: &Example) -> String {
    let facts = example.facts();
    let mut text = String::new();
    let result = match example.expected {
        Expected::Passes => "Passes",
        Expected::Breaks(_) => "Breaks the rule",
    };
    let _ = writeln!(text, "{result}: {}\n", example.title.trim_end_matches('.'));
    let mut block = String::new();
    if !example.header.is_empty() {
        // A lone CR is shown by its name: the page is text.
        block.push_str(&example.header.replace('\r', "<CR>"));
        block.push('\n');
    }
    for problem in (rule.judge)(&facts) {
        let finding = Finding::new(rule, rule.severity, problem, facts.profile);
        let _ = writeln!(block, "-> {}", finding.sentence());
    }
    if !block.is_empty() {
        let _ = writeln!(text, "```text\n{block}```\n");
    }
    text
}

fn limits_section() -> String {
    let mut text = String::from(
        "\n## Published limits\n\n| Limit | Figure | Clauses | Source | Holds |\n| --- | --- | --- | --- | --- |\n",
    );
    for limit in limits::ALL {
        let clauses: Vec<String> = limit.clauses.iter().map(ClauseId::to_string).collect();
        let _ = writeln!(
            text,
            "| {} | {} {} | {} | {} | {} |",
            limit.name,
            limit.figure,
            limit.unit.as_str(),
            clauses.join(", "),
            limit.source,
            if limit.holds == Period::ALWAYS {
                "no dates given".to_owned()
            } else {
                limit.holds.to_string()
            }
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explains_every_rule_and_no_other() {
        for rule in RULES {
            let text = explain(rule.id).expect("a rule's own id");
            assert!(text.starts_with(&format!("# {}\n", rule.id)));
            assert!(reference().contains(&format!("\n## {}\n", rule.id)));
            for id in rule.clauses {
                assert!(text.contains(&id.to_string()), "{}: {id}", rule.id);
            }
        }
        assert_eq!(explain("no-such-rule"), None);
    }

    #[test]
    fn the_page_shows_refusals_as_they_read() {
        let page = explain("from-is-account").expect("a rule");
        assert!(page.contains(
            "-> From must be the sending account (GUIDE-10): found matron@northmoor.example in line 2, \
             the account is appointments@northmoor.example. Use appointments@northmoor.example in From"
        ), "{page}");
    }
}
