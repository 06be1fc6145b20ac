//! What the pages show, as plain structs. Whoever implements
//! [`Source`](crate::Source) fills them; nothing in here fetches anything.
//!
//! Texts are shown as they are given, escaped: a text from outside (a subject,
//! an address, a server's reply) needs no preparation.

mod account;
mod control;
mod mailbox;
mod message;
mod overview;
mod rehearsal;
mod service_event;
mod session;
mod status;
mod world;

pub use account::{
    AccountAct, AccountDetail, AccountVerb, AutoReplyView, ProtocolView, SenderView,
};
pub use control::{
    ActView, ControlAct, ControlDone, ControlVerb, ControlView, RefusedView, Scope, SuspensionView,
};
pub use mailbox::{
    AccountFilter, AccountKind, AccountState, AccountView, FolderView, ItemKey, ItemRow,
    MailboxFilter, MailboxView, QuotaLevel,
};
pub use message::{
    Action, AttemptView, EventView, FindingView, MessageFilter, MessageRow, MessageView,
    RecipientView, RecipientsSummary, RouteView, TlsView, VerdictView, WaitView,
};
pub use overview::{
    AlarmView, BreakerView, DivertedView, EndingView, GatewayOverview, LimitView, OldestView,
    Overview, PausedView, SpaceView, StoreHealth, TwinOverview,
};
pub use rehearsal::{
    FaultRow, ModeRow, RehearsalAct, RehearsalView, ScenarioRow, ServiceChange, Standing,
};
pub use service_event::{
    BehaviourView, ClauseView, ServiceEvent, ServiceEventFilter, ServiceEventPage,
};
pub use session::{LineView, SessionFilter, SessionPage, SessionRow, SessionView, Speaker};
pub use status::{Decision, Status};
pub use world::{WorldAct, WorldFilter, WorldOrigin, WorldRow, WorldVerb, WorldView, WorldsView};

/// Where a page of a list starts: whatever the source finds its place by. The
/// console hands it back as it came and never looks inside. Keep it under
/// [`Cursor::OCTETS_MAX`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    /// A longer cursor in a request is answered as if there were none.
    pub const OCTETS_MAX: usize = 512;

    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Leads to the page before this one; `None` on the first, or where the
    /// source cannot go back (the console then offers the first page).
    pub previous: Option<Cursor>,
    /// Leads to the page after this one; `None` on the last.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// A list that fits on one page.
    pub fn only(items: Vec<T>) -> Self {
        Self {
            items,
            previous: None,
            next: None,
        }
    }
}
