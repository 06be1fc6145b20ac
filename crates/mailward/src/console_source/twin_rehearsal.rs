//! Faults, modes, clock and day of a world.

use mailward_console::SourceError;
use mailward_console::view::{
    FaultRow, ModeRow, RehearsalAct, RehearsalView, ScenarioRow, ServiceChange,
};
use mailward_twin::CHANGES;
use mailward_twin::faults::modes::Name;
use mailward_twin::faults::{FaultView, Scenario};

use super::world::WorldPart;
use super::{sentence, trouble};

impl WorldPart {
    pub(super) fn rehearsal_view(&self) -> RehearsalView {
        let desk = &self.desk;
        let scenarios = desk.scenarios();
        let all: Vec<&Scenario> = scenarios.iter().map(|(one, _)| *one).collect();
        RehearsalView {
            now: desk.clock().now(),
            as_of: desk.as_of().to_date(),
            due: desk.due() as u64,
            modes: desk
                .faults()
                .modes()
                .into_iter()
                .map(|mode| ModeRow {
                    name: mode.name.as_str().to_owned(),
                    says: sentence(mode.says),
                    is_on: mode.on,
                })
                .collect(),
            faults: desk
                .faults()
                .list()
                .into_iter()
                .map(|fault| row(fault, &all))
                .collect(),
            scenarios: scenarios
                .iter()
                .map(|(one, is_on)| scenario(one, *is_on))
                .collect(),
            changes: CHANGES
                .iter()
                .map(|(day, what)| ServiceChange {
                    day: day.to_date(),
                    what: (*what).to_owned(),
                })
                .collect(),
        }
    }

    pub(super) fn rehearsal_act(&self, act: RehearsalAct, who: &str) -> Result<(), SourceError> {
        let desk = &self.desk;
        match act {
            RehearsalAct::SwitchOn(name) => desk.switch(mode(&name)?, true, who),
            RehearsalAct::SwitchOff(name) => desk.switch(mode(&name)?, false, who),
            RehearsalAct::Play(name) => desk.play(&name, who),
            RehearsalAct::EndScenario(name) => desk.end_scenario(&name, who),
            RehearsalAct::RemoveFault(id) => desk.remove_fault(&id, who),
            RehearsalAct::MakeSound => {
                desk.make_sound(who);
                Ok(())
            }
            RehearsalAct::Advance(duration) => desk.advance(duration, who),
            RehearsalAct::SetClock(moment) => {
                desk.set_clock(moment, who);
                Ok(())
            }
            RehearsalAct::EndClock => {
                desk.end_clock(who);
                Ok(())
            }
            RehearsalAct::ChooseDay(day) => {
                desk.choose_day(day, who);
                Ok(())
            }
        }
        .map_err(trouble)
    }
}

fn mode(name: &str) -> Result<Name, SourceError> {
    Name::parse(name).ok_or(SourceError::NotFound)
}

fn row(fault: FaultView, scenarios: &[&Scenario]) -> FaultRow {
    let of_scenario = scenarios.iter().find(|one| one.is_part(&fault.spec.id));
    let part_of = match (fault.mode, of_scenario) {
        (Some(mode), _) => Some(format!("the mode {}", mode.as_str())),
        (None, Some(scenario)) => Some(scenario.header.title.clone()),
        (None, None) => None,
    };
    FaultRow {
        what: what(&fault),
        id: fault.spec.id,
        note: fault.spec.note,
        part_of,
        until: fault.until,
        struck: fault.struck,
        times: fault.spec.lifetime.times,
    }
}

/// Match and action as they are written, in one line.
fn what(fault: &FaultView) -> String {
    let written = |value: serde_json::Result<serde_json::Value>| match value {
        Ok(serde_json::Value::Object(fields)) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| match value.as_str() {
                Some(text) if name == "kind" || name == "protocol" => text.to_owned(),
                Some(text) => format!("{name} {text}"),
                None => format!("{name} {value}"),
            })
            .collect::<Vec<_>>()
            .join(", "),
        _ => String::new(),
    };
    let chance = fault.spec.percent;
    let chance = chance.map_or(String::new(), |percent| format!(" ({percent} of 100)"));
    format!(
        "{}{chance}: {}",
        written(serde_json::to_value(&fault.spec.matching)),
        written(serde_json::to_value(&fault.spec.action))
    )
}

fn scenario(one: &Scenario, is_on: bool) -> ScenarioRow {
    ScenarioRow {
        name: one.name.to_owned(),
        title: one.header.title.clone(),
        text: one.header.text.clone(),
        look_for: one.header.look_for.clone(),
        clauses: one.header.clauses.clone(),
        is_hazard: one.is_hazard,
        is_on,
    }
}
