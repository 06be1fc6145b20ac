//! Where every clause stands: what in this product holds it, or why nothing
//! can.

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
    /// Something else that the gateway does, and the page below `docs` that
    /// shows it.
    Gateway(&'static str, &'static str),
    /// A behaviour of the twin that plays it, or punishes its breach.
    Twin(&'static str),
    /// Not built; why, and what will bring it.
    Later(&'static str),
    /// Nothing that software could do or see.
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
            Self::Twin(_) => "twin",
            Self::Later(_) => "later",
            Self::Cannot(_) => "cannot",
        }
    }
}

/// As a cell of a table below `docs/reference`.
impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.kind())?;
        match self {
            Self::Rule(id) | Self::Repair(id) => write!(f, "[{id}](rules.md#{id})"),
            Self::Limit(name) => write!(f, "[{name}](rules.md#published-limits)"),
            Self::Preflight(id) | Self::Twin(id) | Self::Register(id) => write!(f, "`{id}`"),
            Self::Gateway(what, page) => write!(f, "{what} ([{page}](../{page}))"),
            Self::Later(why) | Self::Cannot(why) => f.write_str(why),
        }
    }
}
