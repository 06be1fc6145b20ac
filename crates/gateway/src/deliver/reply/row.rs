//! One row: which replies it fits, and what it says of them.

use std::fmt;

use mailward_policy::RouteKind;
use mailward_queue::Stage;

use super::{Action, Meaning, Party};

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    /// Where in the conversation; anywhere when empty.
    pub stages: Vec<Stage>,
    /// By which kinds of routes; by all when empty.
    pub routes: Vec<RouteKind>,
    pub code: CodePattern,
    pub status: Option<StatusPattern>,
    /// Parts of the text, lower case; one of them has to be there. Any text
    /// when empty.
    pub texts: Vec<String>,
    pub party: Party,
    pub action: Action,
    pub means: String,
    pub source: String,
    /// Decides by the code where no words are known.
    pub by_code: bool,
}

impl Row {
    /// `text` is lower case.
    pub(super) fn fits(
        &self,
        route: RouteKind,
        stage: Stage,
        code: u16,
        status: &str,
        text: &str,
    ) -> bool {
        (self.stages.is_empty() || self.stages.contains(&stage))
            && (self.routes.is_empty() || self.routes.contains(&route))
            && self.code.fits(code)
            && self.status.as_ref().is_none_or(|one| one.fits(status))
            && (self.texts.is_empty() || self.texts.iter().any(|part| text.contains(part)))
    }

    pub(super) fn meaning(&self) -> Meaning {
        Meaning {
            party: self.party,
            action: self.action,
            row: self.name.clone(),
            means: self.means.clone(),
            known: !self.by_code,
        }
    }
}

/// `550`, `5xx`, or any code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CodePattern {
    #[default]
    Any,
    /// 4 or 5.
    Class(u16),
    Exactly(u16),
}

impl CodePattern {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "4xx" => Some(Self::Class(4)),
            "5xx" => Some(Self::Class(5)),
            _ => {
                let code = text.parse().ok()?;
                (text.len() == 3 && (200..=599).contains(&code)).then_some(Self::Exactly(code))
            }
        }
    }

    fn fits(self, code: u16) -> bool {
        match self {
            Self::Any => true,
            Self::Class(class) => code / 100 == class,
            Self::Exactly(exactly) => code == exactly,
        }
    }
}

impl fmt::Display for CodePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Class(class) => write!(f, "{class}xx"),
            Self::Exactly(code) => write!(f, "{code}"),
        }
    }
}

/// `5.7.30`, `5.7.606-649`, or `5.6.*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusPattern {
    /// `5.7.`, with the last dot.
    head: String,
    /// The last number, from and to.
    least: u16,
    most: u16,
}

impl StatusPattern {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (head, last) = text.rsplit_once('.')?;
        let (class, subject) = head.split_once('.')?;
        let digits = |part: &str, most: usize| {
            (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !matches!(class, "4" | "5") || !digits(subject, 3) {
            return None;
        }
        let number = |part: &str| digits(part, 3).then(|| part.parse::<u16>().ok()).flatten();
        let (least, most) = match last.split_once('-') {
            _ if last == "*" => (0, u16::MAX),
            Some((least, most)) => (number(least)?, number(most)?),
            None => (number(last)?, number(last)?),
        };
        (least <= most).then(|| Self {
            head: format!("{head}."),
            least,
            most,
        })
    }

    fn fits(&self, status: &str) -> bool {
        status
            .strip_prefix(&self.head)
            .and_then(|last| last.parse().ok())
            .is_some_and(|last: u16| (self.least..=self.most).contains(&last))
    }
}

impl fmt::Display for StatusPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.least, self.most) {
            (0, u16::MAX) => write!(f, "{}*", self.head),
            (least, most) if least == most => write!(f, "{}{least}", self.head),
            (least, most) => write!(f, "{}{least}-{most}", self.head),
        }
    }
}
