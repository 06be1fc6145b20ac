//! How a world stands apart from the service as it is: faults that strike, a
//! clock that was moved, another day of the behaviour. And how that is led.

use std::time::Duration;

use mailward_mail::{Clock as _, Timestamp};

use super::{Desk, PortalError};
use crate::asof::AsOf;
use crate::events::Event;
use crate::faults::modes::{ModeSpec, Name};
use crate::faults::{Scenario, scenarios};

/// Less than this between two clocks is the time between two looks.
const CLOCKS_APART_MIN: Duration = Duration::from_secs(2);

/// A clock is moved no further at once.
const ADVANCE_MAX: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

/// The console waits so long for news before it says that there are none.
const QUIET: Duration = Duration::from_secs(15);

/// Events that are handed on at once.
const EVENTS_AT_ONCE_MAX: usize = 100;

/// What everybody who looks at a world must know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// What is struck, in a sentence or two.
    pub faults: Option<String>,
    /// What the clock shows, where that is not the time.
    pub clock: Option<Timestamp>,
    /// The day of the behaviour, where it was chosen.
    pub as_of: Option<Timestamp>,
}

impl Desk {
    pub fn standing(&self) -> Standing {
        let (now, time) = (self.world.clock.now(), self.base.now());
        let apart = now.since(time).max(time.since(now));
        let day = self.world.day.chosen();
        Standing {
            faults: self.world.faults.notice(),
            clock: (apart >= CLOCKS_APART_MIN).then_some(now),
            as_of: (day != AsOf::GUIDE.day()).then_some(day),
        }
    }

    /// The day of the behaviour that was chosen.
    pub fn as_of(&self) -> Timestamp {
        self.world.day.chosen()
    }

    /// Pieces of work that wait for their moment.
    pub fn due(&self) -> usize {
        self.world.deliveries.due.count()
    }

    /// Jumps ahead.
    pub fn advance(&self, duration: Duration, by: &str) -> Result<(), PortalError> {
        if duration > ADVANCE_MAX {
            let text = "The clock moves ten years at most at once.";
            return Err(PortalError::Refused(text.to_owned()));
        }
        self.world.clock.advance(duration);
        let what = format!("the clock shows {}", self.world.clock.now());
        self.note("clock_advanced", None, &what, by);
        Ok(())
    }

    /// Shows `moment` from now on.
    pub fn set_clock(&self, moment: Timestamp, by: &str) {
        self.world.clock.set(moment);
        let what = format!("the clock shows {moment}");
        self.note("clock_set", None, &what, by);
    }

    /// Shows the time as it is.
    pub fn end_clock(&self, by: &str) {
        self.world.clock.set(self.base.now());
        self.note("clock_set", None, "the clock shows the time again", by);
    }

    /// Behaves as on this day; without one as the guide was written.
    pub fn choose_day(&self, day: Option<Timestamp>, by: &str) {
        let day = day.unwrap_or_else(|| AsOf::GUIDE.day());
        self.world.day.choose(day);
        let what = format!("the service behaves as on {}", day.to_date());
        self.note("as_of_set", None, &what, by);
    }

    pub fn switch(&self, mode: Name, on: bool, by: &str) -> Result<(), PortalError> {
        let faults = &self.world.faults;
        if on {
            let spec = ModeSpec::default();
            let wrong = |error: crate::faults::FaultError| PortalError::Refused(error.to_string());
            faults.switch_on(mode, &spec).map_err(wrong)?;
        } else {
            faults.switch_off(mode);
        }
        let (kind, word) = match on {
            true => ("mode_on", "on"),
            false => ("mode_off", "off"),
        };
        let what = format!("{} was switched {word}", mode.as_str());
        self.note(kind, None, &what, by);
        Ok(())
    }

    /// The scenarios there are, and which of them are played here.
    pub fn scenarios(&self) -> Vec<(&'static Scenario, bool)> {
        let set = self.world.faults.list();
        scenarios::all()
            .iter()
            .map(|one| (one, set.iter().any(|view| one.is_part(&view.spec.id))))
            .collect()
    }

    pub fn play(&self, name: &str, by: &str) -> Result<(), PortalError> {
        let scenario = scenario(name)?;
        let played = self.world.faults.play(scenario);
        played.map_err(|error| PortalError::Refused(error.to_string()))?;
        let what = format!("{name} is played");
        self.note("scenario_played", None, &what, by);
        Ok(())
    }

    pub fn end_scenario(&self, name: &str, by: &str) -> Result<(), PortalError> {
        self.world.faults.end(scenario(name)?);
        let what = format!("{name} is over");
        self.note("scenario_ended", None, &what, by);
        Ok(())
    }

    pub fn remove_fault(&self, id: &str, by: &str) -> Result<(), PortalError> {
        if !self.world.faults.remove(id) {
            let text = format!("There is no fault {id}; it may be over.");
            return Err(PortalError::Refused(text));
        }
        let what = format!("the fault {id} was removed");
        self.note("fault_stopped", None, &what, by);
        Ok(())
    }

    /// Ends every fault and every mode.
    pub fn make_sound(&self, by: &str) {
        self.world.faults.clear();
        for mode in Name::ALL {
            self.world.faults.switch_off(mode);
        }
        self.note("made_sound", None, "every fault was ended", by);
    }

    /// The sequence of the latest event.
    pub fn latest_event(&self) -> u64 {
        self.world.events.latest()
    }

    /// The events after `cursor` as soon as there are any; none after a while
    /// without. Where the world was put back since, they begin with the first.
    /// `None` once the twin stops or the world is gone.
    pub async fn hear(&self, cursor: u64) -> Option<Vec<Event>> {
        let mut news = self.world.events.news();
        let quiet = self.base.wait(QUIET);
        tokio::pin!(quiet);
        loop {
            news.borrow_and_update();
            let log = &self.world.events;
            let is_same = log.turn() == self.turn && log.latest() >= cursor;
            let from = if is_same { cursor } else { 0 };
            let events = log.after(from, EVENTS_AT_ONCE_MAX);
            if !events.is_empty() {
                return Some(events);
            }
            tokio::select! {
                changed = news.changed() => changed.ok()?,
                () = self.world.closing().begun() => return None,
                () = &mut quiet => return Some(Vec::new()),
            }
        }
    }
}

fn scenario(name: &str) -> Result<&'static Scenario, PortalError> {
    scenarios::find(name)
        .ok_or_else(|| PortalError::NotFound(format!("there is no scenario {name}")))
}
