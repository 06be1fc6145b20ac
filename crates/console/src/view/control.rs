//! What is suspended, what people did, and what can be done to all that waits
//! of an application, an account or a route.

use mailward_mail::Timestamp;

#[derive(Clone, Debug, Default)]
pub struct ControlView {
    pub suspended: Vec<SuspensionView>,
    /// The latest first.
    pub acts: Vec<ActView>,
    pub applications: Vec<String>,
    pub accounts: Vec<String>,
    pub routes: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct SuspensionView {
    pub scope: Scope,
    pub name: String,
    pub since: Timestamp,
    pub by: String,
    pub why: String,
    /// False for what the register suspends: that is resumed there.
    pub can_resume: bool,
}

/// One act, over or under way.
#[derive(Clone, Debug)]
pub struct ActView {
    pub at: Timestamp,
    pub by: String,
    /// `Held`, `Re-routed to relay`.
    pub what: String,
    /// `application rota`.
    pub on: String,
    pub moved: u64,
    pub refused: u64,
    pub is_over: bool,
    pub why: String,
}

/// What an act is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Application,
    Account,
    Route,
}

impl Scope {
    pub const ALL: [Self; 3] = [Self::Application, Self::Account, Self::Route];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Account => "account",
            Self::Route => "route",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Application => "Application",
            Self::Account => "Account",
            Self::Route => "Route",
        }
    }
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlVerb {
    Suspend,
    Resume,
    Hold,
    Release,
    Retry,
    Reroute,
    /// Cannot be undone.
    Cancel,
}

impl ControlVerb {
    pub const ALL: [Self; 7] = [
        Self::Suspend,
        Self::Resume,
        Self::Hold,
        Self::Release,
        Self::Retry,
        Self::Reroute,
        Self::Cancel,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Retry => "retry",
            Self::Reroute => "reroute",
            Self::Cancel => "cancel",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Suspend => "Suspend: send nothing, new mail too, until resumed",
            Self::Resume => "Resume",
            Self::Hold => "Hold all that waits",
            Self::Release => "Release all that is held",
            Self::Retry => "Try all that is deferred again now",
            Self::Reroute => "Let all that waits go by another route",
            Self::Cancel => "Cancel all that waits",
        }
    }

    pub(crate) fn done(self) -> &'static str {
        match self {
            Self::Suspend => "Suspended",
            Self::Resume => "Resumed",
            Self::Hold => "Held",
            Self::Release => "Released",
            Self::Retry => "To be tried again now",
            Self::Reroute => "To go by the other route",
            Self::Cancel => "Cancelled",
        }
    }
}

/// One act that somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlAct {
    pub verb: ControlVerb,
    pub scope: Scope,
    pub name: String,
    /// Where to, of a re-route.
    pub to_route: Option<String>,
    pub why: String,
}

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ControlDone {
    /// Recipients moved so far; nothing for suspending and resuming.
    pub moved: Option<u64>,
    pub refused: u64,
    /// It goes on by itself.
    pub goes_on: bool,
    /// Why those that were refused were, or that nothing had to change.
    pub remark: Option<String>,
}
