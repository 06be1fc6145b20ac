//! Folder names: a tree written with `/`.

use std::fmt;

/// Levels of a folder name.
pub const LEVELS_MAX: usize = 16;
/// Octets of one level, in UTF-8. Exchange allows 250 characters.
pub const LEVEL_OCTETS_MAX: usize = 255;

/// The name of a folder, `INBOX` or for example `Projects/2026`, in Unicode.
/// INBOX is the same in every case (RFC 3501 section 5.1); other names are not.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FolderName(String);

impl FolderName {
    pub const SEPARATOR: char = '/';

    pub fn inbox() -> Self {
        Self("INBOX".to_owned())
    }

    /// A trailing separator, which only says that folders will be created
    /// below (RFC 3501 section 6.3.3), is dropped.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let text = text.strip_suffix(Self::SEPARATOR).unwrap_or(text);
        let levels: Vec<&str> = text.split(Self::SEPARATOR).collect();
        if levels.len() > LEVELS_MAX {
            return Err(NameError::TooDeep);
        }
        for level in &levels {
            if level.is_empty() {
                return Err(NameError::EmptyLevel);
            }
            if level.len() > LEVEL_OCTETS_MAX {
                return Err(NameError::TooLong);
            }
            // A name with a wildcard could never be listed by itself.
            if level.contains(|char: char| char.is_control() || matches!(char, '*' | '%')) {
                return Err(NameError::Character);
            }
        }
        let rest = &text[levels[0].len()..];
        if levels[0].eq_ignore_ascii_case("INBOX") {
            return Ok(Self(format!("INBOX{rest}")));
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_inbox(&self) -> bool {
        self.0 == "INBOX"
    }

    /// The folder above; `None` at the top.
    pub fn parent(&self) -> Option<Self> {
        self.0
            .rsplit_once(Self::SEPARATOR)
            .map(|(parent, _)| Self(parent.to_owned()))
    }

    /// What every name below this one starts with.
    pub fn prefix(&self) -> String {
        format!("{}{}", self.0, Self::SEPARATOR)
    }

    pub fn is_below(&self, other: &Self) -> bool {
        self.0.starts_with(&other.prefix())
    }

    /// This name, moved from below `from` (or from `from` itself) to `to`.
    pub(crate) fn moved(&self, from: &Self, to: &Self) -> Result<Self, NameError> {
        let rest = self.0.strip_prefix(&from.0).unwrap_or_default();
        Self::parse(&format!("{}{rest}", to.0))
    }

    /// A name as a row gave it: it was checked when it was written.
    pub(crate) fn from_row(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for FolderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FolderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Why a text can be no folder name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("a folder name has an empty level")]
    EmptyLevel,
    #[error("a level of a folder name is longer than {LEVEL_OCTETS_MAX} octets")]
    TooLong,
    #[error("a folder name has more than {LEVELS_MAX} levels")]
    TooDeep,
    #[error("a folder name has a control character, * or %")]
    Character,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names() {
        for (text, expected) in [
            ("inbox", Ok("INBOX")),
            ("Inbox/Sub", Ok("INBOX/Sub")),
            ("inboxes", Ok("inboxes")),
            ("A/B/", Ok("A/B")),
            ("Entwürfe", Ok("Entwürfe")),
            ("", Err(NameError::EmptyLevel)),
            ("/", Err(NameError::EmptyLevel)),
            ("A//B", Err(NameError::EmptyLevel)),
            ("A*", Err(NameError::Character)),
            ("A\r\nB", Err(NameError::Character)),
        ] {
            let found = FolderName::parse(text);
            assert_eq!(
                found.as_ref().map(FolderName::as_str),
                expected.as_ref().copied(),
                "{text:?}"
            );
        }
        assert_eq!(FolderName::parse(&"a".repeat(256)), Err(NameError::TooLong));
        assert_eq!(FolderName::parse(&"a/".repeat(18)), Err(NameError::TooDeep));
    }
}
