//! The ways in which a clause can be seen to.

use std::fmt;

/// One way in which a clause is seen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A rule of the catalogue refuses, holds or warns.
    Rule(&'static str),
    /// A rule of the catalogue mends.
    Repair(&'static str),
    /// A figure of [`crate::limits`], by its name, that rules or queue keep.
    Limit(&'static str),
    /// A check of `mailward doctor`.
    Preflight(&'static str),
    /// A field of the interface register, as evidence.
    Register(&'static str),
    /// Something else that the gateway does or a command gives, and the page
    /// below `docs` that shows it.
    Gateway(&'static str, &'static str),
    /// A behaviour of the twin that punishes the breach.
    Twin(&'static str),
    /// Something else that the twin plays, and the page below `docs` that
    /// shows it.
    Plays(&'static str, &'static str),
    /// Not built; what will bring it.
    Later(&'static str),
    /// Nothing that software could do or see, because.
    Cannot(&'static str),
}

impl Standing {
    /// How the pages call this kind.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Rule(_) => "rule",
            Self::Repair(_) => "repaired by",
            Self::Limit(_) => "limit",
            Self::Preflight(_) => "preflight",
            Self::Register(_) => "register",
            Self::Gateway(..) => "gateway",
            Self::Twin(_) | Self::Plays(..) => "twin",
            Self::Later(_) => "later",
            Self::Cannot(_) => "cannot, because",
        }
    }

    /// Whether something stands today.
    pub const fn stands(self) -> bool {
        !matches!(self, Self::Later(_) | Self::Cannot(_))
    }
}

/// As a part of a page in `docs/reference`.
impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.kind())?;
        match self {
            Self::Rule(id) | Self::Repair(id) => write!(f, "[{id}](rules.md#{id})"),
            Self::Limit(name) => write!(f, "[{name}](rules.md#published-limits)"),
            Self::Register(name) => write!(f, "[`{name}`](register.md#fields)"),
            Self::Preflight(id) => write!(f, "`{id}`"),
            Self::Twin(id) => write!(f, "[`{id}`](behaviours.md)"),
            Self::Gateway(what, page) | Self::Plays(what, page) => {
                // From docs/reference to docs.
                let near = page.strip_prefix("reference/");
                let far = format!("../{page}");
                write!(f, "[{what}]({})", near.unwrap_or(&far))
            }
            Self::Later(why) | Self::Cannot(why) => f.write_str(why),
        }
    }
}
