//! Makes passwords that keep every rule and can be read out.

use mailward_mail::{Dice, Secret};

use super::breached::{BreachedList, BreachedListError};
use super::check::{PasswordAccount, check};
use crate::facts::AccountKind;

const CONSONANTS: &[u8] = b"bdfghjklmnprstvz";
const VOWELS: &[u8] = b"aeiou";
/// Without 0 and 1, which are read as letters.
const DIGITS: &[u8] = b"23456789";

const SYLLABLES_PER_GROUP: usize = 3;
/// Twelve syllables and four digits: 87 bits, in 32 characters.
const APPLICATION: (usize, usize) = (4, 4);
/// Nine syllables and three digits: 65 bits, in 24 characters.
const USER: (usize, usize) = (3, 3);

/// A password that happens to hold a name is thrown away; after so many
/// there is something wrong with the names or the list.
const TRIES_MAX: usize = 200;

/// Why no password could be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GenerateError {
    List(BreachedListError),
    /// Every one that was tried held a name, or was on the list.
    NoneFits,
}

impl std::fmt::Display for GenerateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::List(error) => error.fmt(f),
            Self::NoneFits => write!(
                f,
                "none of {TRIES_MAX} passwords keeps the policy; look at the names and the breached list given"
            ),
        }
    }
}

impl std::error::Error for GenerateError {}

/// `Kovuta-bimeso-raluni-tepoga-4827`: made-up words, hyphens and digits.
/// Never one that [`check`] finds a fault with. Longer than either kind of
/// account asks for, so that it stays strong though it can be read.
pub fn generate(
    dice: &dyn Dice,
    account: &PasswordAccount<'_>,
    breached: &dyn BreachedList,
) -> Result<Secret, GenerateError> {
    for _ in 0..TRIES_MAX {
        let password = draw(dice, account.kind);
        let faults = check(&password, account, &[], breached).map_err(GenerateError::List)?;
        if faults.is_empty() {
            return Ok(password);
        }
    }
    Err(GenerateError::NoneFits)
}

fn draw(dice: &dyn Dice, kind: AccountKind) -> Secret {
    let (groups, digits) = match kind {
        AccountKind::Application => APPLICATION,
        _ => USER,
    };
    let pick = |from: &[u8]| char::from(from[dice.below(from.len() as u64) as usize]);
    // Made whole at once: a text that grows leaves copies behind.
    let mut text = String::with_capacity(groups * (2 * SYLLABLES_PER_GROUP + 1) + digits);
    for group in 0..groups {
        for syllable in 0..SYLLABLES_PER_GROUP {
            let consonant = pick(CONSONANTS);
            text.push(if group == 0 && syllable == 0 {
                consonant.to_ascii_uppercase()
            } else {
                consonant
            });
            text.push(pick(VOWELS));
        }
        text.push('-');
    }
    for _ in 0..digits {
        text.push(pick(DIGITS));
    }
    Secret::new(text)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::atomic::{AtomicU64, Ordering};

    use mailward_mail::Address;

    use super::*;
    use crate::password::CommonPasswords;

    /// Counts up in steps that spread over all bits.
    #[derive(Debug, Default)]
    struct Steps(AtomicU64);

    impl Dice for Steps {
        fn fill(&self, bytes: &mut [u8]) {
            for chunk in bytes.chunks_mut(8) {
                let step = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
                let mixed = (step ^ (step >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                chunk.copy_from_slice(&(mixed ^ (mixed >> 27)).to_le_bytes()[..chunk.len()]);
            }
        }
    }

    #[test]
    fn makes_sound_ones_that_differ() {
        let address = Address::parse("ravuto@northmoor.example").expect("an address");
        for (kind, length) in [(AccountKind::Application, 32), (AccountKind::User, 24)] {
            let account = PasswordAccount {
                address: Some(&address),
                // Frequent syllables, so that many draws must be thrown away.
                first_name: Some("bab"),
                last_name: Some("ke-"),
                ..PasswordAccount::of(kind)
            };
            let dice = Steps::default();
            let mut made = HashSet::new();
            for _ in 0..500 {
                let password = generate(&dice, &account, &CommonPasswords).expect("a password");
                let text = password.expose().to_owned();
                assert_eq!(text.chars().count(), length);
                assert!(!text.to_lowercase().contains("bab"), "{text}");
                assert!(!text.contains("ke-"), "{text}");
                assert_eq!(
                    check(&password, &account, &[], &CommonPasswords),
                    Ok(vec![])
                );
                made.insert(text);
            }
            assert_eq!(made.len(), 500);
        }
    }

    #[derive(Debug)]
    struct Everything;

    impl BreachedList for Everything {
        fn holds(&self, _password: &Secret) -> Result<bool, BreachedListError> {
            Ok(true)
        }
    }

    #[test]
    fn gives_up_when_nothing_fits() {
        let account = PasswordAccount::of(AccountKind::Application);
        let made = generate(&Steps::default(), &account, &Everything);
        assert_eq!(made.map(drop), Err(GenerateError::NoneFits));
    }
}
