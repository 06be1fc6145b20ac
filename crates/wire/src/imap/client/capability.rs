//! What a server says it can do.

use super::super::credentials::Mechanism;

/// The words of the last CAPABILITY, in capitals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(Vec<String>);

impl Capabilities {
    pub(super) fn of(words: &str) -> Self {
        let words = words.split(' ').filter(|word| !word.is_empty());
        Self(words.map(str::to_ascii_uppercase).collect())
    }

    pub fn has(&self, word: &str) -> bool {
        self.0.iter().any(|known| known.eq_ignore_ascii_case(word))
    }

    pub fn offers(&self, mechanism: &Mechanism) -> bool {
        self.has(&format!("AUTH={}", mechanism.name()))
    }

    /// The ways to sign in, for an error text.
    pub(super) fn ways_in(&self) -> String {
        let mut ways: Vec<&str> = self
            .0
            .iter()
            .filter_map(|word| word.strip_prefix("AUTH="))
            .collect();
        if !self.has("LOGINDISABLED") {
            ways.push("LOGIN");
        }
        if ways.is_empty() {
            return "nothing".to_owned();
        }
        ways.join(" ")
    }
}
