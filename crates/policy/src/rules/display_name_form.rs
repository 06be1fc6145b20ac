use crate::clause::guide;
use crate::facts::{ApplicationFacts, DisplayNameDuty, Facts};
use crate::period::Period;
use crate::reply::shown;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};

const PAGE: &str = manual_page! {
    /// The display name in From should read `Lastname, Firstname (ORGANISATION NAME)`.
    ///
    /// Because of its comma and parentheses it must stand in quotes: `"Patel, Asha (NORTHMOOR TRUST)" <asha.patel@northmoor.example>`.
    /// The name of a service may stand in place of the person's, if the register lists it for the application; the organisation follows it all the same: `Appointment Reminders (NORTHMOOR TRUST)`.
    /// The organisation's name is in capitals.
    ///
    /// The guide says *must* (GUIDE-76, GUIDE-78), and yet a wrong name is a warning by default.
    /// The service itself takes any name, a person's form does not fit a device or a service, and no patient is helped by an alert that stays behind because a scanner cannot set its name.
    /// So that this weakens nothing in silence, every message that differs carries the finding, on its timeline and on the console.
    /// An application whose register entry says `display_name = "required"` has such messages refused; setting this rule to `refuse` asks it of all.
};

pub static RULE: Rule = Rule {
    id: "display-name-form",
    title: "The display name must read Lastname, Firstname (ORGANISATION NAME)",
    severity: Severity::Warn,
    clauses: &[guide(78), guide(76), guide(77)],
    standards: &[],
    holds: Period::ALWAYS,
    reads: &["message.from", "application.display_name"],
    page: PAGE,
    answer: Answer::POLICY,
    judge,
    examples: &[
        Example {
            title: "A person of an organisation.",
            header: "From: \"O'Hara-Smith, Mary Ann (NORTHMOOR NHS FOUNDATION TRUST)\" <appointments@northmoor.example>",
            change: crate::rule::unchanged,
            expected: Expected::Passes,
        },
        Example {
            title: "A service that the register lists.",
            header: "From: \"Appointment Reminders (NORTHMOOR TRUST)\" <appointments@northmoor.example>",
            change: crate::rule::unchanged,
            expected: Expected::Passes,
        },
        Example {
            title: "A service that it does not list.",
            header: "From: \"Rota Service (NORTHMOOR TRUST)\" <appointments@northmoor.example>",
            change: crate::rule::unchanged,
            expected: Expected::Breaks(
                "is neither Lastname, Firstname nor a service that the register lists",
            ),
        },
        Example {
            title: "No display name.",
            header: "From: appointments@northmoor.example",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("From in line 1 has none"),
        },
        Example {
            title: "Without organisation.",
            header: "From: \"Patel, Asha\" <appointments@northmoor.example>",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("has no organisation in parentheses at its end"),
        },
        Example {
            title: "The organisation in small letters.",
            header: "From: \"Patel, Asha (Northmoor Trust)\" <appointments@northmoor.example>",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("has its organisation not in capitals"),
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    let from = &facts.message.from;
    let Some(line) = from.line() else {
        return Vec::new();
    };
    let application = facts.application.as_ref();
    let required = application
        .is_some_and(|application| application.display_name == DisplayNameDuty::Required);
    let services = application.map_or(&[][..], |application| &application.service_names);
    let mut problems = Vec::new();
    for mailbox in from.mailboxes.iter().take(super::ADDRESSES_REPORTED_MAX) {
        let explanation = match mailbox.display_name.as_deref().map(str::trim) {
            None | Some("") => format!("From in line {line} has none"),
            Some(name) => match fault(name, services) {
                None => continue,
                Some(fault) => format!("\"{}\" in line {line} {fault}", shown(name)),
            },
        };
        let problem = Problem::new(
            Place::Field {
                name: "From",
                line: Some(line),
            },
            explanation,
            remedy(application, &mailbox.address),
        );
        problems.push(if required {
            problem.raised_to(Severity::Refuse)
        } else {
            problem
        });
    }
    problems
}

fn remedy(application: Option<&ApplicationFacts>, address: &mailward_mail::Address) -> String {
    let service = application.and_then(|application| application.service_names.first());
    let name = service.map_or("Lastname, Firstname", String::as_str);
    format!("Write From: \"{name} (ORGANISATION NAME)\" <{address}>.")
}

/// What keeps `name` from the form; `None` when it has it.
fn fault(name: &str, services: &[String]) -> Option<&'static str> {
    let split = name
        .strip_suffix(')')
        .and_then(|rest| rest.rsplit_once('('))
        .filter(|(_, organisation)| !organisation.trim().is_empty());
    let Some((person, organisation)) = split else {
        return Some("has no organisation in parentheses at its end");
    };
    if organisation.contains(')') || !organisation.contains(char::is_alphabetic) {
        return Some("has no organisation in parentheses at its end");
    }
    if organisation.contains(char::is_lowercase) {
        return Some("has its organisation not in capitals");
    }
    let Some(person) = person.strip_suffix(' ').map(str::trim_end) else {
        return Some("has no space before its organisation");
    };
    let service = services
        .iter()
        .any(|service| service.to_lowercase() == person.to_lowercase());
    if service || is_personal(person) {
        None
    } else {
        Some("is neither Lastname, Firstname nor a service that the register lists")
    }
}

/// `Lastname, Firstname`: one comma with a space after it, a letter in each half.
fn is_personal(person: &str) -> bool {
    person.split_once(", ").is_some_and(|(last, first)| {
        [last, first].into_iter().all(|part| {
            part.contains(char::is_alphabetic) && !part.contains([',', '(', ')', '@', '<', '>'])
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_form() {
        let services = ["Appointment Reminders".to_owned()];
        for (name, sound) in [
            ("Patel, Asha (NORTHMOOR TRUST)", true),
            ("van der Berg, Käthe (TRUST NO. 5 & CO)", true),
            ("appointment reminders (NORTHMOOR TRUST)", true),
            ("Patel,Asha (NORTHMOOR TRUST)", false),
            ("Patel, Asha(NORTHMOOR TRUST)", false),
            ("Patel, Asha (NORTHMOOR TRUST) x", false),
            ("Patel, Asha ()", false),
            ("Patel, Asha (12)", false),
            (", Asha (NORTHMOOR TRUST)", false),
            ("Patel,  (NORTHMOOR TRUST)", false),
            ("Patel, Asha, Dr (NORTHMOOR TRUST)", false),
            ("Patel, Asha (WARD 3) (NORTHMOOR TRUST)", false),
            ("(NORTHMOOR TRUST)", false),
            ("Appointment Reminders", false),
            ("", false),
            (")", false),
            ("(", false),
        ] {
            let fault = fault(name, &services);
            assert_eq!(fault.is_none(), sound, "{name:?}: {fault:?}");
        }
    }

    #[test]
    fn the_register_can_require_it() {
        let mut facts = crate::sample::facts_of("From: appointments@northmoor.example");
        assert_eq!(judge(&facts)[0].raised_to, None);
        if let Some(application) = &mut facts.application {
            application.display_name = DisplayNameDuty::Required;
        }
        assert_eq!(judge(&facts)[0].raised_to, Some(Severity::Refuse));
    }
}
