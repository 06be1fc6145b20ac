//! What sends nothing, what people did, and what can be done to all that waits
//! of an application, an account or a route.

use mailward_mail::Timestamp;

#[derive(Clone, Debug, Default)]
pub struct ControlView {
    pub suspended: Vec<SuspensionView>,
    /// What the service makes wait.
    pub refused: Vec<RefusedView>,
    /// The latest first.
    pub acts: Vec<ActView>,
    pub applications: Vec<String>,
    pub accounts: Vec<String>,
    pub routes: Vec<String>,
}

impl ControlView {
    /// What there is of a kind.
    pub(crate) fn names(&self, scope: Scope) -> &[String] {
        match scope {
            Scope::Application => &self.applications,
            Scope::Account => &self.accounts,
            Scope::Route => &self.routes,
        }
    }
}

/// A refused sign-in, or a pause, which a person may say is over.
#[derive(Clone, Debug)]
pub struct RefusedView {
    /// An account or a route.
    pub scope: Scope,
    pub name: String,
    /// `Sign-in refused`, `Paused on nhsmail: its day is used up`.
    pub what: String,
    pub since: Timestamp,
    /// When one message tries by itself.
    pub until: Option<Timestamp>,
    /// What the service said.
    pub reply: String,
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
    /// Recipients; nothing for suspending and resuming.
    pub moved: Option<u64>,
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
            Self::Suspend => "Suspend: send nothing until it is resumed",
            Self::Resume => "Resume what is suspended, refused or paused",
            Self::Hold => "Hold all that waits now",
            Self::Release => "Release all that is held",
            Self::Retry => "Try all that is deferred again now",
            Self::Reroute => "Let all that waits go by another route",
            Self::Cancel => "Cancel all that waits",
        }
    }

    /// The heading of the page that asks.
    pub(crate) fn question(self, scope: Scope) -> String {
        let scope = scope.as_str();
        match self {
            Self::Suspend => format!("Suspend this {scope}?"),
            Self::Resume => format!("Resume this {scope}?"),
            Self::Hold => format!("Hold all that waits of this {scope}?"),
            Self::Release => format!("Release all that is held of this {scope}?"),
            Self::Retry => format!("Try the mail of this {scope} again now?"),
            Self::Reroute => format!("Let all that waits of this {scope} go by another route?"),
            Self::Cancel => format!("Cancel all that waits of this {scope}?"),
        }
    }

    /// The button that does it.
    pub(crate) fn yes(self) -> &'static str {
        match self {
            Self::Suspend => "Yes, suspend it",
            Self::Resume => "Yes, resume it",
            Self::Hold => "Yes, hold all that waits",
            Self::Release => "Yes, release all that is held",
            Self::Retry => "Yes, try it again now",
            Self::Reroute => "Yes, change the route",
            Self::Cancel => "Yes, cancel all that waits",
        }
    }

    /// What will happen.
    fn effect(self, scope: Scope) -> &'static str {
        match self {
            Self::Resume if scope == Scope::Application => {
                "Its mail is sent again, in turn. What the register suspended is approved there."
            }
            Self::Resume if scope == Scope::Route => {
                "What people suspended is sent again, and pauses are over. One message tries \
                 first, and the rest follows when it gets through."
            }
            Self::Suspend => {
                "Nothing of it is sent until somebody resumes it: neither what waits nor what \
                 comes. Mail goes on being accepted, and deadlines go on. What is on the wire \
                 goes to its end."
            }
            Self::Resume => {
                "What people suspended is sent again. A sign-in that the service refused counts \
                 as good, so do this once its cause has been put right: repeated refusals lock \
                 the account. Pauses are over. One message tries first, and the rest follows \
                 when it gets through."
            }
            Self::Hold => {
                "Every recipient that waits now is held until somebody releases it. What comes \
                 later is sent. Deadlines go on."
            }
            Self::Release => {
                "Everything that is held goes on, whatever it was held for. Mail that may have \
                 been sent already is sent again: look for it first."
            }
            Self::Retry => {
                "What is deferred is tried at once, as far as the limits of its account allow."
            }
            Self::Reroute => {
                "What waits goes by the other route, where its account may use that and its \
                 rules allow it. The rest stays as it is, and is counted."
            }
            Self::Cancel => {
                "Every recipient that waits is given up as cancelled, and the applications are \
                 told. What comes later is not concerned. This cannot be undone."
            }
        }
    }

    pub(crate) fn done(self) -> &'static str {
        match self {
            Self::Suspend => "suspended",
            Self::Resume => "resumed",
            Self::Hold => "held",
            Self::Release => "released",
            Self::Retry => "to be tried again now",
            Self::Reroute => "to go by the other route",
            Self::Cancel => "cancelled",
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

impl ControlAct {
    pub(crate) fn effect(&self) -> &'static str {
        self.verb.effect(self.scope)
    }
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
