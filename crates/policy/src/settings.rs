//! Severities that a configuration sets otherwise than the catalogue does.

use std::collections::BTreeMap;
use std::fmt;

use crate::catalogue;
use crate::rule::{Rule, Severity};

/// What a rule is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Not judged at all.
    Off,
    Warn,
    /// Only for rules that can mend what they find.
    Repair,
    Hold,
    Refuse,
}

impl Level {
    /// `None` for off.
    pub const fn severity(self) -> Option<Severity> {
        match self {
            Self::Off => None,
            Self::Warn => Some(Severity::Warn),
            Self::Repair => Some(Severity::Repair),
            Self::Hold => Some(Severity::Hold),
            Self::Refuse => Some(Severity::Refuse),
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Repair => "repair",
            Self::Hold => "hold",
            Self::Refuse => "refuse",
        }
    }
}

/// Level by rule id. A rule that is not named keeps its own severity.
#[derive(Clone, Debug, Default)]
pub struct Settings(BTreeMap<&'static str, Level>);

impl Settings {
    /// Takes a table as configuration writes it: `from-is-account = "hold"`.
    pub fn new<N: AsRef<str>>(
        table: impl IntoIterator<Item = (N, Level)>,
    ) -> Result<Self, SettingsError> {
        let mut levels = BTreeMap::new();
        for (name, level) in table {
            let name = name.as_ref();
            let rule =
                catalogue::find(name).ok_or_else(|| SettingsError::UnknownRule(name.to_owned()))?;
            if level == Level::Repair && rule.severity != Severity::Repair {
                return Err(SettingsError::NoRepair(rule.id));
            }
            levels.insert(rule.id, level);
        }
        Ok(Self(levels))
    }

    /// The severity `rule` has here; `None` when it is off.
    pub fn severity(&self, rule: &Rule) -> Option<Severity> {
        match self.0.get(rule.id) {
            Some(level) => level.severity(),
            None => Some(rule.severity),
        }
    }

    /// The level set for `rule`, if it makes the rule milder than it is by itself.
    pub fn weakens(&self, rule: &Rule) -> Option<Level> {
        let level = *self.0.get(rule.id)?;
        let milder = level
            .severity()
            .is_none_or(|severity| severity < rule.severity);
        milder.then_some(level)
    }
}

/// A setting that can't be kept. Names the rule and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingsError {
    UnknownRule(String),
    NoRepair(&'static str),
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownRule(name) => {
                write!(f, "no rule is called {name:?}; the rules are ")?;
                for (index, rule) in catalogue::RULES.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{}", rule.id)?;
                }
                Ok(())
            }
            Self::NoRepair(rule) => write!(
                f,
                "{rule} can't be set to \"repair\": it has nothing to mend; use off, warn, hold or refuse"
            ),
        }
    }
}

impl std::error::Error for SettingsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_rule_and_the_choice() {
        let error = Settings::new([("from-is-acount", Level::Off)]).expect_err("misspelt");
        let text = error.to_string();
        assert!(text.contains("\"from-is-acount\"") && text.contains("from-is-account,"));
        let error = Settings::new([("from-is-account", Level::Repair)]).expect_err("no repair");
        assert!(error.to_string().contains("off, warn, hold or refuse"));
        assert!(Settings::new([("date-present", Level::Repair)]).is_ok());
    }
}
