//! `GET` and `POST /console/rehearsal`: faults, modes, the clock and the day of
//! the behaviour, behind a mode that somebody has to begin.
//!
//! ```text
//!   off ── begin ──▶ on: play, switch, move the clock ── end ──▶ off, sound
//! ```

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Form;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use mailward_mail::Timestamp;
use serde::Deserialize;

use super::ACTING;
use crate::guard::Visitor;
use crate::links::WorldLinks;
use crate::page::{Answered, Layout, Problem, render, see_other};
use crate::rehearsal::Rehearsal;
use crate::view::{FaultRow, RehearsalAct, RehearsalView, ScenarioRow};
use crate::world::InWorld;
use crate::{Console, display, links};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Steps by which the clock is advanced, in seconds.
const STEPS: [(u64, &str); 8] = [
    (MINUTE, "1 minute"),
    (10 * MINUTE, "10 minutes"),
    (HOUR, "1 hour"),
    (8 * HOUR, "8 hours"),
    (DAY, "1 day"),
    (7 * DAY, "1 week"),
    (30 * DAY, "30 days"),
    (365 * DAY, "1 year"),
];

#[derive(Template)]
#[template(path = "rehearsal.html")]
struct RehearsalPage<'a> {
    layout: Layout<'a>,
    at: &'a WorldLinks,
    view: &'a RehearsalView,
    steps: [(u64, &'static str); 8],
    rehearsal: Option<Rehearsal>,
    /// It is on, and the visitor may act.
    is_open: bool,
    may_act: bool,
    csrf: &'a str,
}

impl RehearsalPage<'_> {
    fn hazards(&self) -> impl Iterator<Item = &ScenarioRow> {
        self.view.scenarios.iter().filter(|one| one.is_hazard)
    }

    fn others(&self) -> impl Iterator<Item = &ScenarioRow> {
        self.view.scenarios.iter().filter(|one| !one.is_hazard)
    }
}

/// The table of the faults that are set, also by itself for pages that hear of
/// a change.
#[derive(Template)]
#[template(path = "faults.html")]
pub(super) struct FaultsTable<'a> {
    pub(super) at: &'a WorldLinks,
    pub(super) faults: &'a [FaultRow],
    pub(super) is_open: bool,
    pub(super) csrf: &'a str,
}

impl RehearsalPage<'_> {
    fn faults_table(&self) -> FaultsTable<'_> {
        FaultsTable {
            at: self.at,
            faults: &self.view.faults,
            is_open: self.is_open,
            csrf: self.csrf,
        }
    }
}

/// What the forms send.
#[derive(Deserialize)]
pub(crate) struct Asked {
    act: String,
    #[serde(default)]
    what: String,
}

pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    world: InWorld,
) -> Answered {
    let latest = world.source.latest_event();
    let view = world.source.rehearsal().await?;
    let rehearsal = console.rehearsals.of(world.links.world());
    let may_act = visitor.role >= ACTING;
    Ok(render(
        StatusCode::OK,
        &RehearsalPage {
            layout: Layout::within(&console, &visitor, links::REHEARSAL, "Rehearsal", &world)
                .live(Some(world.links.live_rehearsal(latest))),
            at: &world.links,
            view: &view,
            steps: STEPS,
            is_open: may_act && rehearsal.is_some(),
            rehearsal,
            may_act,
            csrf: visitor.csrf(),
        },
    ))
}

pub(crate) async fn act(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    world: InWorld,
    Form(asked): Form<Asked>,
) -> Answered {
    visitor.require(ACTING)?;
    let name = world.links.world();
    let who = visitor.name.clone();
    match asked.act.as_str() {
        "begin" => {
            let rehearsal = Rehearsal {
                by: who,
                since: console.time.now(),
            };
            console.rehearsals.begin(name, rehearsal);
        }
        "end" => {
            world.source.rehearse(RehearsalAct::MakeSound, who).await?;
            console.rehearsals.end(name);
        }
        _ if console.rehearsals.of(name).is_none() => {
            let text = "No rehearsal is on in this world. Begin one first.";
            return Err(Problem::Conflict(text.to_owned()));
        }
        _ => {
            let act = read(&asked)?;
            world.source.rehearse(act, who).await?;
        }
    }
    Ok(see_other(&world.links.to(links::REHEARSAL)))
}

fn read(asked: &Asked) -> Result<RehearsalAct, Problem> {
    let what = asked.what.trim().to_owned();
    Ok(match asked.act.as_str() {
        "switch-on" => RehearsalAct::SwitchOn(what),
        "switch-off" => RehearsalAct::SwitchOff(what),
        "play" => RehearsalAct::Play(what),
        "end-scenario" => RehearsalAct::EndScenario(what),
        "remove-fault" => RehearsalAct::RemoveFault(what),
        "make-sound" => RehearsalAct::MakeSound,
        "advance" => {
            let seconds = what.parse().map_err(|_| wrong("Choose a step."))?;
            RehearsalAct::Advance(Duration::from_secs(seconds))
        }
        "set-clock" => RehearsalAct::SetClock(moment(&what)?),
        "end-clock" => RehearsalAct::EndClock,
        "choose-day" => RehearsalAct::ChooseDay(Some(moment(&what)?)),
        "end-day" => RehearsalAct::ChooseDay(None),
        _ => return Err(Problem::NotFound),
    })
}

/// A day, or a day and a time as browsers write them: `2027-01-05T09:00`.
fn moment(text: &str) -> Result<Timestamp, Problem> {
    let found = [text.to_owned(), format!("{text}:00Z"), format!("{text}Z")]
        .iter()
        .find_map(|form| Timestamp::parse(form).ok());
    found.ok_or_else(|| wrong("Enter a day and a time, such as 2027-01-05T09:00, and try again."))
}

fn wrong(text: &str) -> Problem {
    Problem::Conflict(text.to_owned())
}
