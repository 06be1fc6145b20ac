use mailward_policy::clause::{dhc, guide};

use super::{Check, Findings, Seen};

pub(in crate::doctor) const CHECK: Check = Check {
    id: "accounts-apart",
    title: "One account for one application",
    clauses: &[guide(20), guide(24), dhc(12)],
    about: "No two applications send from one account: when one of them is broken into or \
            misbehaves, the other falls with it.",
    looks: &[],
    judge,
};

fn judge(seen: &Seen, findings: &mut Findings<'_>) {
    for account in &seen.accounts {
        let name = account.account.name();
        let users: Vec<&str> = seen
            .applications
            .iter()
            .filter(|application| application.account == name)
            .map(|application| application.name.as_str())
            .collect();
        match users.as_slice() {
            [] => findings.note(&account.subject(), "no application sends from it"),
            [only] => findings.ok(&account.subject(), format!("{only} alone sends from it")),
            several => findings.warning(
                &account.subject(),
                format!("{} send from it", several.join(", ")),
                "Ask the Local Administrator for an account for each.",
            ),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;
    use crate::doctor::testing::{Fixture, check};
    use mailward_queue::ApplicationName;

    #[test]
    fn users_of_an_account_are_counted() {
        let subject = "account letters@northmoor.example";
        let mut seen = Fixture::healthy();
        check(&CHECK, &seen, &[(Severity::Ok, subject, "letters alone")]);
        let mut other = seen.applications[0].clone();
        other.name = ApplicationName::new("alerts");
        seen.applications.push(other);
        check(
            &CHECK,
            &seen,
            &[(Severity::Warning, subject, "letters, alerts send")],
        );
        seen.applications.clear();
        check(
            &CHECK,
            &seen,
            &[(Severity::Note, subject, "no application")],
        );
    }
}
