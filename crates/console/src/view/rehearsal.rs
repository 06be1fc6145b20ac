//! How a world stands apart from the service as it is, and what can be
//! rehearsed in it.

use std::time::Duration;

use mailward_mail::Timestamp;

/// What everybody must know of a world while it lasts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// What is struck, in a sentence or two.
    pub faults: Option<String>,
    /// What its clock shows, where that is not the time.
    pub clock: Option<Timestamp>,
    /// The day of the behaviour, where one was chosen: `2027-01-05`.
    pub as_of: Option<String>,
}

#[derive(Clone, Debug)]
pub struct RehearsalView {
    pub now: Timestamp,
    /// `2022-03-01`.
    pub as_of: String,
    /// Pieces of work that wait for their moment.
    pub due: u64,
    pub modes: Vec<ModeRow>,
    pub faults: Vec<FaultRow>,
    /// The hazards first.
    pub scenarios: Vec<ScenarioRow>,
    /// Days on which the service changes, the earliest first.
    pub changes: Vec<ServiceChange>,
}

#[derive(Clone, Debug)]
pub struct ModeRow {
    /// `enforcement-rehearsal`.
    pub name: String,
    pub says: String,
    pub is_on: bool,
}

/// A fault that is set.
#[derive(Clone, Debug)]
pub struct FaultRow {
    pub id: String,
    /// When it strikes and what it does.
    pub what: String,
    pub note: Option<String>,
    /// The mode or scenario that it belongs to.
    pub part_of: Option<String>,
    pub until: Option<Timestamp>,
    /// How often it struck, and may in all.
    pub struck: u64,
    pub times: Option<u64>,
}

/// Ready-made faults.
#[derive(Clone, Debug)]
pub struct ScenarioRow {
    pub name: String,
    pub title: String,
    pub text: String,
    /// What an application does that stands it.
    pub look_for: Vec<String>,
    pub clauses: Vec<String>,
    pub is_hazard: bool,
    pub is_on: bool,
}

/// A day on which the service changes.
#[derive(Clone, Debug)]
pub struct ServiceChange {
    /// `2026-12-31`.
    pub day: String,
    pub what: String,
}

/// What is done in a rehearsal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RehearsalAct {
    SwitchOn(String),
    SwitchOff(String),
    Play(String),
    EndScenario(String),
    RemoveFault(String),
    /// Ends every fault and mode.
    MakeSound,
    Advance(Duration),
    SetClock(Timestamp),
    /// Shows the time as it is.
    EndClock,
    /// Behaves as on this day; without one as the guide was written.
    ChooseDay(Option<Timestamp>),
}
