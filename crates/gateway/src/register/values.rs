//! What may stand in a field, and how it is read and written.

use std::fmt;
use std::net::IpAddr;

use mailward_mail::Timestamp;
use mailward_policy::{DisplayNameDuty, ExceptionKind};

use crate::config::Exception;

/// The longest name of an application or of a sign-in, in octets.
pub const NAME_OCTETS_MAX: usize = 64;

/// The longest text of a field, in characters.
pub(crate) const TEXT_CHARS_MAX: usize = 2000;

/// Why a text does not fit a field, in words that follow the field's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub(crate) String);

impl Unfit {
    pub(super) fn of(text: &str, problem: &str) -> Self {
        const SHOWN_MAX: usize = 60;
        let shown: String = text.chars().take(SHOWN_MAX).collect();
        Self(format!("{shown:?} {problem}"))
    }
}

/// Fit to name an application: it stands in paths, logs and headers.
pub fn is_name(name: &str) -> bool {
    (1..=NAME_OCTETS_MAX).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// Fit to sign in with.
pub fn is_sign_in_name(name: &str) -> bool {
    (1..=NAME_OCTETS_MAX).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

/// An exception that has what every exception must have.
///
/// # Errors
/// The clause that asks for what is missing.
pub fn exception_of(
    kind: ExceptionKind,
    reference: String,
    expires: Option<Timestamp>,
    subject: String,
) -> Result<Exception, String> {
    let clauses = match kind {
        ExceptionKind::Relay => "DHC-8, DHC-15",
        ExceptionKind::PlaintextDevice => "ENG-17, ENG-18",
        ExceptionKind::ServiceName => "GUIDE-78",
    };
    let word = kind.as_str();
    if reference.trim().is_empty() {
        return Err(format!(
            "an exception of kind {word} needs the reference of its approval ({clauses})"
        ));
    }
    let expires = expires.ok_or_else(|| {
        format!("an exception of kind {word} needs the day on which it ends ({clauses})")
    })?;
    for text in [&reference, &subject] {
        checked(text).map_err(|problem| problem.to_string())?;
    }
    let subject = subject.trim().to_owned();
    match kind {
        ExceptionKind::PlaintextDevice if subject.parse::<IpAddr>().is_err() => Err(format!(
            "an exception of kind {word} needs the device's address as its subject, such as 192.0.2.7 ({clauses})"
        )),
        ExceptionKind::ServiceName if subject.is_empty() => Err(format!(
            "an exception of kind {word} needs the service's name as its subject ({clauses})"
        )),
        _ => Ok(Exception {
            kind,
            reference: reference.trim().to_owned(),
            expires,
            subject,
        }),
    }
}

/// Not too long, on one line, and nothing that a terminal or a browser could
/// be turned by.
pub(super) fn checked(text: &str) -> Result<&str, Unfit> {
    let text = text.trim();
    if text.chars().count() > TEXT_CHARS_MAX {
        return Err(Unfit(format!("is longer than {TEXT_CHARS_MAX} characters")));
    }
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if text.chars().any(|c| c.is_control() || turns(c)) {
        return Err(Unfit(
            "holds a line end or another control character".to_owned(),
        ));
    }
    Ok(text)
}

pub(super) fn required(text: &str) -> Result<String, Unfit> {
    optional(text).ok_or_else(|| Unfit("may not be empty".to_owned()))
}

pub(super) fn optional(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

pub(super) fn optional_of<T>(
    text: &str,
    read: impl FnOnce(&str) -> Result<T, Unfit>,
) -> Result<Option<T>, Unfit> {
    optional(text).map(|text| read(&text)).transpose()
}

pub(super) fn flag(text: &str) -> Result<bool, Unfit> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" => Ok(true),
        "false" | "no" => Ok(false),
        _ => Err(Unfit::of(text, "is neither; write true or false")),
    }
}

pub(super) fn number(text: &str) -> Result<u64, Unfit> {
    // What JSON and SQL hold without loss.
    let number = text.parse::<u64>().ok();
    number
        .filter(|number| i64::try_from(*number).is_ok())
        .ok_or_else(|| Unfit::of(text, "is no whole number"))
}

pub(super) fn moment(text: &str) -> Result<Timestamp, Unfit> {
    Timestamp::parse(text).map_err(|_| Unfit::of(text, "is no day; write it as 2026-12-31"))
}

/// A day where it is a day's first moment, else the moment.
pub fn day(moment: Timestamp) -> String {
    let date = moment.to_date();
    if Timestamp::parse(&date).is_ok_and(|first| first == moment) {
        date
    } else {
        moment.to_rfc3339()
    }
}

/// One of a closed list of words.
pub(super) fn word<T: Copy>(
    text: &str,
    all: &[T],
    name: impl Fn(&T) -> &'static str,
) -> Result<T, Unfit> {
    let found = all.iter().find(|one| name(one) == text);
    found.copied().ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(name).collect();
        let list = match names.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            _ => names.concat(),
        };
        Unfit::of(text, &format!("is none of them; write {list}"))
    })
}

pub(super) fn duty(duty: DisplayNameDuty) -> &'static str {
    match duty {
        DisplayNameDuty::Advised => "advised",
        DisplayNameDuty::Required => "required",
    }
}

pub(super) fn list<'a>(parts: impl Iterator<Item = &'a str>) -> Option<String> {
    let parts: Vec<&str> = parts.collect();
    (!parts.is_empty()).then(|| parts.join(";"))
}

pub(super) fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(';')
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {}", self.kind.as_str(), self.reference)?;
        if !self.subject.is_empty() {
            write!(f, " for {}", self.subject)?;
        }
        write!(f, " until {}", day(self.expires))
    }
}
