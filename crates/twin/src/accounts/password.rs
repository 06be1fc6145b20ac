//! Which passwords the service takes, and how long. Seeded ones are taken as
//! they are; these checks are for whoever changes one.

use std::time::Duration;

use mailward_mail::{Secret, Timestamp};
use mailward_policy::limits;
use mailward_policy::password::BreachedListError;

use super::{Account, SignInRules};
use crate::seed::AccountKind;

/// Former passwords that are remembered; with the present one they are all
/// that may not come again (GUIDE-30).
pub(super) const FORMER_MAX: usize = limits::PASSWORD_HISTORY.figure as usize - 1;

/// Names shorter than this are not looked for, as in the directory behind the
/// service.
const NAME_MIN: usize = 3;

/// One thing that the service does not like about a password.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct WeakPassword {
    pub(crate) clause: &'static str,
    pub(crate) problem: String,
}

/// When the password of an account stops opening: 365 days after it was set
/// (GUIDE-31), and for an application account not later than the same day of
/// the twelfth month (GUIDE-33).
pub(super) fn expires(kind: AccountKind, changed: Timestamp) -> Timestamp {
    let day = Duration::from_secs(24 * 60 * 60);
    let year = changed.plus(day.saturating_mul(limits::PASSWORD_AGE_DAYS.figure as u32));
    if kind == AccountKind::Application {
        return year.min(changed.plus_months(limits::PASSWORD_AGE_MONTHS.figure as u32));
    }
    year
}

/// Everything the service has against `password` as this account's next one.
pub(crate) fn judge(
    password: &Secret,
    account: &Account,
    rules: &SignInRules,
) -> Result<Vec<WeakPassword>, BreachedListError> {
    let text = password.expose();
    let lower = text.to_lowercase();
    let mut weak = Vec::new();
    let mut add = |clause, problem: String| weak.push(WeakPassword { clause, problem });

    let (least, clause) = match account.kind {
        AccountKind::Application => (limits::PASSWORD_APPLICATION.figure, "GUIDE-19"),
        _ => (limits::PASSWORD_USER.figure, "GUIDE-29"),
    };
    if (text.chars().count() as u64) < least {
        add(clause, format!("it has fewer than {least} characters"));
    }
    if text.chars().any(char::is_whitespace) {
        add("GUIDE-25", "it has a space".to_owned());
    }
    if holds_name(&lower, account.address.local_part()) {
        add("GUIDE-26", "it contains the user name".to_owned());
    }
    if names(&account.display_name).any(|name| holds_name(&lower, name)) {
        add("GUIDE-25", "it contains the first or last name".to_owned());
    }
    if account.kind == AccountKind::Application && rules.day.today().password_mix() && !mixed(text)
    {
        let problem = "it lacks an upper case letter, a lower case letter, or a digit or symbol";
        add("GUIDE-25", problem.to_owned());
    }
    if rules.breached.holds(password)? {
        add("GUIDE-28", "it is common or breached".to_owned());
    }
    let mut before = std::iter::once(&account.password).chain(&account.former);
    if before.any(|old| old.matches(text.as_bytes())) {
        let problem = format!(
            "it is one of the last {} passwords",
            limits::PASSWORD_HISTORY.figure
        );
        add("GUIDE-30", problem);
    }
    Ok(weak)
}

fn mixed(text: &str) -> bool {
    let (mut upper, mut lower, mut other) = (false, false, false);
    for char in text.chars() {
        upper |= char.is_uppercase();
        lower |= char.is_lowercase();
        other |= !char.is_alphabetic() && !char.is_whitespace();
    }
    upper && lower && other
}

fn holds_name(lower: &str, name: &str) -> bool {
    let name = name.to_lowercase();
    name.chars().count() >= NAME_MIN && lower.contains(&name)
}

/// Last and first name of `Lastname, Firstname (ORGANISATION NAME)`.
fn names(display_name: &str) -> impl Iterator<Item = &str> {
    let person = display_name.split('(').next().unwrap_or_default();
    let both = person.split_once(',');
    both.into_iter()
        .flat_map(|(last, first)| [last.trim(), first.trim()])
}

/// All of them in one sentence.
pub(crate) fn sentence(faults: &[WeakPassword]) -> String {
    let told: Vec<String> = faults
        .iter()
        .map(|fault| format!("{} ({})", fault.problem, fault.clause))
        .collect();
    format!("the new password is refused: {}", told.join("; "))
}
