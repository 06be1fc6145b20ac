use mailward_mail::header::Mailbox;
use mailward_mail::mime::encode_phrase;

use crate::clause::guide;
use crate::facts::{ApplicationFacts, DisplayNameDuty, ExceptionKind, Facts};
use crate::period::Period;
use crate::repair::RepairField;
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
    ///
    /// Where the account's entry says `repair_display_name = true` and gives a `display_name` that has the form, a wrong name is mended: From is written anew with the account's name, and the application's own field is kept as `X-Mailward-Original-From`.
    /// That is done only where From is a single address and is the account itself: another's name is not the account's to give.
    /// A service's name may also stand because an exception of the kind `service_name` is in force.
    ///
    /// An application whose register entry says `display_name = "required"` has such messages refused; setting this rule to `refuse` asks it of all.
};

pub static RULE: Rule = Rule {
    id: "display-name-form",
    title: "The display name must read Lastname, Firstname (ORGANISATION NAME)",
    severity: Severity::Warn,
    clauses: &[guide(78), guide(76), guide(77)],
    standards: &[],
    holds: Period::ALWAYS,
    reads: &[
        "at",
        "message.from",
        "application.display_name",
        "application.exceptions",
        "account.display_name",
        "account.address",
    ],
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
            title: "The same, where the account's record lets it be mended.",
            header: "From: \"Rota Service (NORTHMOOR TRUST)\" <appointments@northmoor.example>",
            change: |facts| {
                if let Some(account) = &mut facts.account {
                    account.repair_display_name = true;
                }
            },
            expected: Expected::Breaks("From is written anew"),
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
    let services = services(facts);
    let mended = mended(facts);
    let mut problems = Vec::new();
    for mailbox in from.mailboxes.iter().take(super::ADDRESSES_REPORTED_MAX) {
        let explanation = match mailbox.display_name.as_deref().map(str::trim) {
            None | Some("") => format!("From in line {line} has none"),
            Some(name) => match fault(name, &services) {
                None => continue,
                Some(fault) => format!("\"{}\" in line {line} {fault}", shown(name)),
            },
        };
        let place = Place::Field {
            name: "From",
            line: Some(line),
        };
        let remedy = remedy(application, &mailbox.address);
        problems.push(match &mended {
            Some(value) => Problem::new(
                place,
                explanation,
                format!("{remedy} Until then From is written anew with the account's name."),
            )
            .raised_to(Severity::Repair)
            .mended_by(RepairField::From)
            .writing(value.clone()),
            None if required => {
                Problem::new(place, explanation, remedy).raised_to(Severity::Refuse)
            }
            None => Problem::new(place, explanation, remedy),
        });
    }
    problems
}

/// The names of services that may stand in place of a person's: those the
/// register lists, and those that an exception in force allows.
fn services(facts: &Facts) -> Vec<&str> {
    let Some(application) = &facts.application else {
        return Vec::new();
    };
    let listed = application.service_names.iter().map(String::as_str);
    let excepted = application
        .exceptions_in_force(ExceptionKind::ServiceName, facts.at)
        .map(|one| one.subject.as_str());
    listed.chain(excepted).collect()
}

/// From as it is written anew, where the account's record allows it.
fn mended(facts: &Facts) -> Option<String> {
    /// Room is kept in what is added on top (see [`crate::limits`]).
    const VALUE_OCTETS_MAX: usize = 512;
    let account = facts.account.as_ref()?;
    let from = &facts.message.from;
    let [
        Mailbox {
            address,
            display_name: _,
        },
    ] = from.mailboxes.as_slice()
    else {
        return None;
    };
    let name = account.display_name.as_deref()?;
    let allowed = account.repair_display_name
        && from.lines.len() == 1
        && from.error.is_none()
        && *address == account.address
        && account.address.is_ascii()
        && fault(name, &services(facts)).is_none();
    let value = format!("{} <{}>", encode_phrase(name), account.address);
    (allowed && value.len() <= VALUE_OCTETS_MAX).then_some(value)
}

fn remedy(application: Option<&ApplicationFacts>, address: &mailward_mail::Address) -> String {
    let service = application.and_then(|application| application.service_names.first());
    let name = service.map_or("Lastname, Firstname", String::as_str);
    format!("Write From: \"{name} (ORGANISATION NAME)\" <{address}>.")
}

/// What keeps `name` from the form; `None` when it has it.
fn fault(name: &str, services: &[&str]) -> Option<&'static str> {
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
        let services = ["Appointment Reminders"];
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

    #[test]
    fn an_exception_in_force_lets_a_service_by() {
        let mut facts = crate::sample::facts_of(
            "From: \"Rota Service (NORTHMOOR TRUST)\" <appointments@northmoor.example>",
        );
        let at = facts.at;
        for (days, sound) in [(1_i64, true), (0, false)] {
            if let Some(application) = &mut facts.application {
                application.exceptions = vec![crate::facts::ExceptionFacts {
                    kind: ExceptionKind::ServiceName,
                    reference: "EXCEPTION-0002".to_owned(),
                    expires: mailward_mail::Timestamp::from_millis(
                        at.as_millis() + days * 86_400_000,
                    ),
                    subject: "Rota Service".to_owned(),
                }];
            }
            assert_eq!(judge(&facts).is_empty(), sound);
        }
    }

    #[test]
    fn only_the_accounts_own_address_is_mended() {
        for (header, mends) in [
            ("From: appointments@northmoor.example", true),
            ("From: x <Appointments@northmoor.example>", true),
            ("From: x <rota@northmoor.example>", false),
            (
                "From: a@northmoor.example, appointments@northmoor.example",
                false,
            ),
            (
                "From: appointments@northmoor.example\nFrom: x <appointments@northmoor.example>",
                false,
            ),
        ] {
            let mut facts = crate::sample::facts_of(header);
            if let Some(account) = &mut facts.account {
                account.repair_display_name = true;
            }
            let problems = judge(&facts);
            let value = problems[0].repair_value.as_deref();
            let expected =
                "\"Reminders, Appointment (NORTHMOOR TRUST)\" <appointments@northmoor.example>";
            assert_eq!(value, mends.then_some(expected), "{header}");
            if let Some(account) = &mut facts.account {
                account.display_name = Some("No form".to_owned());
            }
            assert!(judge(&facts)[0].repair.is_none());
        }
    }
}
