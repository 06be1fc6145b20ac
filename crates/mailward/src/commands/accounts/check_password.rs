//! `mailward accounts check-password`.

use std::fmt::Write as _;

use mailward_gateway::Secrets;
use mailward_mail::Secret;
use mailward_policy::password::{PasswordFault, check};
use serde_json::json;

use super::subject::Subject;
use super::{CommandError, Report};
use crate::cli::PasswordArguments;

pub(super) fn run(
    arguments: &PasswordArguments,
    password: &Secret,
) -> Result<Report, CommandError> {
    let subject = Subject::new(arguments)?;
    let former = present(&subject);
    let faults = check(password, &subject.account(), &former, &*subject.breached)
        .map_err(CommandError::new)?;
    let sound = faults.is_empty();
    if arguments.json {
        let faults: Vec<_> = faults
            .iter()
            .map(|fault| {
                let clauses: Vec<String> =
                    fault.clauses().iter().map(ToString::to_string).collect();
                json!({
                    "fault": fault.code(),
                    "problem": fault.text(),
                    "clauses": clauses,
                    "conflict": fault.conflict(),
                    "remedy": fault.remedy(),
                })
            })
            .collect();
        return Report::json(&json!({ "sound": sound, "faults": faults }), sound);
    }
    if sound {
        return Ok(Report::yes("the password keeps the policy\n"));
    }
    let mut text = String::new();
    for fault in &faults {
        let _ = writeln!(text, "{}", sentence(fault));
    }
    Ok(Report::new(text, false))
}

fn sentence(fault: &PasswordFault) -> String {
    let mut rests_on: Vec<String> = fault.clauses().iter().map(ToString::to_string).collect();
    rests_on.extend(fault.conflict().map(str::to_owned));
    format!(
        "{} ({}). {}",
        fault.text(),
        rests_on.join(", "),
        fault.remedy()
    )
}

/// The password in use, where the configuration's keystore can be opened
/// here: the service will not take it again.
fn present(subject: &Subject) -> Vec<Secret> {
    let found = || {
        let config = subject.config.as_ref()?;
        let address = subject.account().address?;
        let account = config.accounts.iter().find(|one| one.address == *address)?;
        let secrets = Secrets::open(config.keystore.as_ref()).ok()?;
        let secret = secrets.resolve(account.secret.as_ref()?).ok()?;
        Some(secret.secret)
    };
    found().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::Answer;

    fn report(password: &str, kind: &str, json: bool) -> Report {
        let arguments = PasswordArguments {
            kind: Some(kind.to_owned()),
            address: Some("letters@northmoor.example".to_owned()),
            first_name: None,
            last_name: Some("Tamsin".to_owned()),
            breached: None,
            config: None,
            json,
        };
        run(&arguments, &Secret::new(password)).expect("a report")
    }

    #[test]
    fn names_every_fault_with_its_clause() {
        let text = report("Tamsin letters", "application", false);
        assert_eq!(text.answer, Answer::No);
        assert_eq!(
            text.text,
            "it has 14 characters and needs 20 (GUIDE-19, GUIDE-32). Take a longer one.\n\
             it has a space (GUIDE-25, C5). Write hyphens instead of spaces.\n\
             it contains the part of the address before the @ (GUIDE-26). Take one that has nothing to do with the account's names.\n\
             it contains the last name (GUIDE-25, C5). Take one that has nothing to do with the account's names.\n\
             it has neither a digit nor a symbol (GUIDE-25, C4). Add a digit or a symbol.\n"
        );
        let sound = report("Kovuta-bimeso-raluni-48", "application", false);
        assert_eq!(sound.answer, Answer::Yes);
        let sound = report("kovutabime", "user", false);
        assert_eq!(sound.answer, Answer::Yes);
    }

    #[test]
    fn says_it_as_json_and_never_the_password() {
        let report = report("password", "user", true);
        assert_eq!(report.answer, Answer::No);
        let value: serde_json::Value = serde_json::from_str(&report.text).expect("JSON");
        assert_eq!(value["sound"], false);
        assert_eq!(value["faults"][0]["fault"], "too_short");
        assert_eq!(value["faults"][1]["clauses"][0], "GUIDE-28");
    }
}
