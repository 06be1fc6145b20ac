//! A configuration error: file, line, setting, value, what is wrong with it,
//! and what to do.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// How much of a value is shown, in characters.
const VALUE_SHOWN_MAX: usize = 60;

/// One thing that is wrong. Shown as
/// `gateway.toml:12: server = "10.0.0.1": an address stands where a name must (GUIDE-56). Write the server's name.`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    pub file: PathBuf,
    /// Counted from 1; none where the file as a whole is meant.
    pub line: Option<usize>,
    /// The line's text as it stands, or without its value where that may be a
    /// secret.
    pub value: String,
    pub problem: String,
    pub remedy: String,
}

impl ConfigError {
    pub(super) fn at(
        file: &Path,
        text: &str,
        span: Range<usize>,
        value: String,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            file: file.to_owned(),
            line: Some(line_of(text, span.start)),
            value,
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.value.is_empty() {
            write!(f, ": {}", self.value)?;
        }
        write!(f, ": {}. {}", self.problem, self.remedy)
    }
}

/// Everything that is wrong with a file, in the order of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl ConfigErrors {
    pub(super) fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self(vec![ConfigError {
            file: path.to_owned(),
            line: None,
            value: String::new(),
            problem: format!("the file cannot be read: {error}"),
            remedy: "Name a readable file with --config.".to_owned(),
        }])
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}

/// The piece of `text` at `span`, on one line and not too long.
pub(super) fn excerpt(text: &str, span: Range<usize>) -> String {
    let piece = text.get(span).unwrap_or_default();
    let line = piece.lines().next().unwrap_or_default();
    let mut shown: String = line.chars().take(VALUE_SHOWN_MAX).collect();
    if shown.len() < piece.trim_end().len() {
        shown.push_str("...");
    }
    shown
}
