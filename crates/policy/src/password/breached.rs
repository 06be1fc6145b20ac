//! Common and breached passwords (GUIDE-28).

use mailward_mail::Secret;

/// Passwords that too many people use or that have leaked. The program ships
/// [`CommonPasswords`]; a larger list can be plugged in.
pub trait BreachedList: Send + Sync + std::fmt::Debug {
    /// Whether `password` is on the list. An error is no "no": whoever asks
    /// must not go on as if the password were sound.
    fn holds(&self, password: &Secret) -> Result<bool, BreachedListError>;
}

/// Why a list gives no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreachedListError(pub String);

impl std::fmt::Display for BreachedListError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BreachedListError {}

/// Sorted by octets and front-coded; source and licence stand in
/// `data/NOTICE`.
const LIST: &str = include_str!("../../data/common-passwords.front");

/// The list in the program: about 20,000 passwords, compared without regard
/// to case.
#[derive(Clone, Copy, Debug, Default)]
pub struct CommonPasswords;

impl BreachedList for CommonPasswords {
    fn holds(&self, password: &Secret) -> Result<bool, BreachedListError> {
        let wanted = password.expose().to_lowercase();
        let mut found = false;
        each(|listed| {
            found = listed == wanted;
            // Sorted: what is not found by now is not there.
            !found && listed.as_bytes() < wanted.as_bytes()
        });
        Ok(found)
    }
}

/// Gives every password of the list in order, as long as `go_on` says so. A
/// line is one digit of base 36, how many characters to keep of the password
/// before, and what follows them.
fn each(mut go_on: impl FnMut(&str) -> bool) {
    let mut listed = String::new();
    for line in LIST.lines() {
        let mut rest = line.chars();
        let kept = rest.next().and_then(|digit| digit.to_digit(36));
        let end = listed
            .char_indices()
            .nth(kept.unwrap_or(0) as usize)
            .map_or(listed.len(), |(index, _)| index);
        listed.truncate(end);
        listed.push_str(rest.as_str());
        if !go_on(&listed) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_listed_and_nothing_else() {
        for (password, listed) in [
            ("123456", true),
            ("PassWord", true),
            ("qwertyuiop", true),
            ("пароль", true),
            ("!@#$%^", true),
            ("", false),
            ("zzzzzzzzzzzzzzzzzzzzzzz", false),
            ("kovuta-bimeso-raluni-48", false),
        ] {
            assert_eq!(
                CommonPasswords.holds(&Secret::new(password)),
                Ok(listed),
                "{password}"
            );
        }
    }

    #[test]
    fn the_list_is_whole_and_in_order() {
        let (mut count, mut long, mut before) = (0, 0, String::new());
        each(|listed| {
            assert!(before.as_bytes() < listed.as_bytes(), "{before} {listed}");
            assert_eq!(listed, listed.to_lowercase());
            before = listed.to_owned();
            count += 1;
            long += usize::from(listed.chars().count() >= 10);
            true
        });
        assert_eq!(count, 19_729);
        assert!(long > 1000, "{long} that are long enough to be tried");
    }
}
