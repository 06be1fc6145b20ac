//! All faults of one password.

use mailward_mail::{Address, Secret};

use super::breached::{BreachedList, BreachedListError};
use super::fault::PasswordFault;
use crate::facts::AccountKind;
use crate::limits::{PASSWORD_APPLICATION, PASSWORD_HISTORY, PASSWORD_USER};

/// Shorter names are not looked for: two letters stand in most passwords, and
/// the directory behind the service leaves such names out too.
const NAME_CHARACTERS_MIN: usize = 3;

/// Whose password it is.
#[derive(Clone, Copy, Debug)]
pub struct PasswordAccount<'a> {
    pub kind: AccountKind,
    pub address: Option<&'a Address>,
    pub first_name: Option<&'a str>,
    pub last_name: Option<&'a str>,
}

impl PasswordAccount<'_> {
    /// An account of which nothing but the kind is known.
    pub const fn of(kind: AccountKind) -> Self {
        Self {
            kind,
            address: None,
            first_name: None,
            last_name: None,
        }
    }

    /// The fewest characters that its password may have.
    pub const fn length_min(&self) -> usize {
        match self.kind {
            AccountKind::Application => PASSWORD_APPLICATION.figure as usize,
            _ => PASSWORD_USER.figure as usize,
        }
    }
}

/// Every fault of `password`; none when it may be used. `former` holds the
/// account's passwords up to now, the present one first.
pub fn check(
    password: &Secret,
    account: &PasswordAccount<'_>,
    former: &[Secret],
    breached: &dyn BreachedList,
) -> Result<Vec<PasswordFault>, BreachedListError> {
    let text = password.expose();
    let application = account.kind == AccountKind::Application;
    let mut faults = Vec::new();
    let mut fault = |holds: bool, fault: PasswordFault| {
        if holds {
            faults.push(fault);
        }
    };
    let (characters, least) = (text.chars().count(), account.length_min());
    fault(
        characters < least,
        PasswordFault::TooShort {
            characters,
            least,
            application,
        },
    );
    fault(text.contains(char::is_whitespace), PasswordFault::Space);

    let folded = text.to_lowercase();
    let prefix = account.address.map(Address::local_part);
    for (name, found) in [
        (prefix, PasswordFault::AddressPrefix),
        (account.first_name, PasswordFault::FirstName),
        (account.last_name, PasswordFault::LastName),
    ] {
        fault(name.is_some_and(|name| contains(&folded, name)), found);
    }

    let has = |test: fn(char) -> bool| text.contains(test);
    fault(
        application && !has(char::is_uppercase),
        PasswordFault::NoUpperCase,
    );
    fault(
        application && !has(char::is_lowercase),
        PasswordFault::NoLowerCase,
    );
    fault(
        application && !has(|char| char.is_numeric() || is_symbol(char)),
        PasswordFault::NoDigitOrSymbol,
    );
    fault(breached.holds(password)?, PasswordFault::Breached);
    let latest = former.iter().take(PASSWORD_HISTORY.figure as usize);
    fault(
        latest.into_iter().any(|one| one.matches(text.as_bytes())),
        PasswordFault::UsedBefore,
    );
    Ok(faults)
}

fn is_symbol(char: char) -> bool {
    !char.is_alphanumeric() && !char.is_whitespace() && !char.is_control()
}

fn contains(folded: &str, name: &str) -> bool {
    let name = name.trim().to_lowercase();
    name.chars().count() >= NAME_CHARACTERS_MIN && folded.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::CommonPasswords;

    fn faults(kind: AccountKind, password: &str) -> Vec<&'static str> {
        let address = Address::parse("clinic.letters@northmoor.example").expect("an address");
        let account = PasswordAccount {
            kind,
            address: Some(&address),
            first_name: Some("Morag"),
            last_name: Some("Tamsin-Vale"),
        };
        let former: Vec<Secret> = ["one", "two", "three", "four", "five"]
            .map(|word| Secret::new(format!("Former-password-{word}-41")))
            .into();
        check(&Secret::new(password), &account, &former, &CommonPasswords)
            .expect("the list in the program")
            .iter()
            .map(PasswordFault::code)
            .collect()
    }

    #[test]
    fn application_accounts_need_twenty_characters_of_three_kinds() {
        for (password, expected) in [
            ("Kovuta-bimeso-raluni-48", &[][..]),
            ("Abcdefghijklmnopqrs7", &[]),
            ("Abcdefghijklmnopqr7", &["too_short"]),
            // Characters are counted, not octets.
            ("Äbcdefghijklmnopqr7é", &[]),
            ("kovuta-bimeso-raluni", &["no_upper_case"]),
            ("KOVUTA-BIMESO-RALUNI", &["no_lower_case"]),
            ("KovutaBimesoRaluniTepo", &["no_digit_or_symbol"]),
            ("Kovuta bimeso raluni 48", &["space"]),
            ("Kovuta\tbimeso-raluni-48", &["space"]),
            ("Kovuta-Clinic.Letters-48", &["address_prefix"]),
            ("Kovuta-clinic-letters-48", &[]),
            ("Kovuta-moRAG-raluni-48", &["first_name"]),
            ("Kovuta-tamsin-vale-raluni", &["last_name"]),
            ("Former-password-one-41", &["used_before"]),
            ("Former-password-four-41", &["used_before"]),
            ("Former-password-five-41", &[]),
            (
                "password",
                &[
                    "too_short",
                    "no_upper_case",
                    "no_digit_or_symbol",
                    "breached",
                ],
            ),
            (
                "",
                &[
                    "too_short",
                    "no_upper_case",
                    "no_lower_case",
                    "no_digit_or_symbol",
                ],
            ),
        ] {
            assert_eq!(
                faults(AccountKind::Application, password),
                expected,
                "{password}"
            );
        }
    }

    #[test]
    fn user_accounts_need_ten_characters_and_no_mix() {
        for (password, expected) in [
            ("kovutabime", &[][..]),
            ("kovutabim", &["too_short"]),
            ("kovutamorag", &["first_name"]),
            ("1234567890", &["breached"]),
        ] {
            assert_eq!(faults(AccountKind::User, password), expected, "{password}");
        }
    }

    #[test]
    fn short_names_are_not_looked_for() {
        let account = PasswordAccount {
            first_name: Some("Bo"),
            last_name: Some(" "),
            ..PasswordAccount::of(AccountKind::User)
        };
        let password = Secret::new("kobovutabime");
        assert_eq!(
            check(&password, &account, &[], &CommonPasswords),
            Ok(vec![])
        );
    }

    #[test]
    fn every_fault_rests_on_clauses_that_are_known() {
        for fault in [
            PasswordFault::TooShort {
                characters: 1,
                least: 2,
                application: true,
            },
            PasswordFault::Space,
            PasswordFault::AddressPrefix,
            PasswordFault::FirstName,
            PasswordFault::Breached,
            PasswordFault::UsedBefore,
            PasswordFault::NoUpperCase,
        ] {
            assert!(!fault.text().is_empty() && !fault.remedy().is_empty());
            for clause in fault.clauses() {
                assert!(clause.clause().is_some(), "{clause}");
            }
        }
    }
}
