use mailward_policy::clause::guide;
use mailward_policy::password::{Standing, days_left, expires_at, standing};

use super::{Check, Findings, Seen};
use crate::doctor::seen::subject_of;
use crate::password::SignsInBy;

pub(in crate::doctor) const CHECK: Check = Check {
    id: "password-age",
    title: "Passwords are young enough",
    clauses: &[guide(31), guide(33)],
    about: "How long the password of each account lasts, by the earlier of 365 days and twelve \
            calendar months: counted from the day when the keystore took it, else from the \
            account's password_changed. The service's own days of warning are warnings here.",
    looks: &[],
    judge,
};

fn judge(seen: &Seen, findings: &mut Findings<'_>) {
    let accounts = seen.config.accounts.iter().zip(&seen.ages);
    for (account, age) in accounts {
        let subject = subject_of(account);
        if age.signs_in_by == SignsInBy::Token {
            findings.ok(
                &subject,
                "it signs in with a token and needs no password here",
            );
            continue;
        }
        let Some(changed) = age.password_changed else {
            findings.not_run(
                &subject,
                "unknown: neither the keystore nor password_changed says since when it holds",
            );
            continue;
        };
        let expires = expires_at(changed, account.kind);
        let (day, days) = (expires.to_date(), days_left(expires, seen.at));
        let remedy =
            "Have the password changed at the service, then store it with `mailward secrets set`.";
        let finding = match standing(expires, seen.at) {
            Standing::Fresh => {
                findings.ok(&subject, format!("it lasts until {day}, for {days} days"))
            }
            Standing::Warned(_) => {
                let text = format!("it expires on {day}, in {days} days");
                findings.warning(&subject, text, remedy)
            }
            Standing::Expired => findings.error(&subject, format!("it expired on {day}"), remedy),
        };
        finding.with("expires", day).with("days_left", days);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;
    use crate::doctor::testing::{Fixture, check, day};

    #[test]
    fn age_is_counted_from_the_change() {
        let subject = "account letters@northmoor.example";
        for (changed, expected, text) in [
            (Some("2026-11-01"), Severity::Ok, "until 2027-11-01"),
            (Some("2025-12-01"), Severity::Warning, "in 10 days"),
            (Some("2025-11-01"), Severity::Error, "expired on 2026-11-01"),
            (None, Severity::Note, "unknown"),
        ] {
            let mut seen = Fixture::healthy();
            seen.ages[0].signs_in_by = SignsInBy::Password;
            seen.ages[0].password_changed = changed.map(day);
            check(&CHECK, &seen, &[(expected, subject, text)]);
        }
        let by_token = Fixture::healthy();
        check(
            &CHECK,
            &by_token,
            &[(Severity::Ok, subject, "with a token")],
        );
    }
}
