//! Scenarios: ready-made faults with what they are for, from the files of
//! `scenarios/`, which are built in. The clinical hazards of GUIDE-101 are
//! four of them.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::{FaultError, FaultSpec, FaultView, Faults};

/// Between a scenario's name and the number of its fault; in no name.
const SEPARATOR: char = '_';

/// What a file holds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioFile {
    #[serde(default)]
    pub scenario: Option<Header>,
    #[serde(default)]
    pub fault: Vec<FaultSpec>,
}

/// What a scenario says of itself.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    pub title: String,
    /// What happens.
    pub text: String,
    /// What an application does that stands it.
    #[serde(default)]
    pub look_for: Vec<String>,
    #[serde(default)]
    pub clauses: Vec<String>,
}

/// One that is built in.
#[derive(Clone, Debug, Serialize)]
pub struct Scenario {
    /// The name of its file.
    pub name: &'static str,
    /// One of the clinical hazards.
    pub is_hazard: bool,
    #[serde(flatten)]
    pub header: Header,
    pub faults: Vec<FaultSpec>,
}

impl Scenario {
    /// Whether a fault of this id belongs to it.
    pub fn is_part(&self, id: &str) -> bool {
        let rest = id.strip_prefix(self.name);
        rest.is_some_and(|rest| rest.starts_with(SEPARATOR))
    }
}

macro_rules! files {
    ($($folder:literal / $name:literal),+ $(,)?) => {
        &[$((
            $folder,
            $name,
            include_str!(concat!("../../../../scenarios/", $folder, "/", $name, ".toml")),
        )),+]
    };
}

/// The hazards first.
const FILES: &[(&str, &str, &str)] = files![
    "hazards" / "non-delivery",
    "hazards" / "delay",
    "hazards" / "out-of-sequence",
    "hazards" / "unavailability",
    "faults" / "busy-recipients",
    "faults" / "cut-off",
    "faults" / "lost-reply",
    "faults" / "slow-answers",
    "faults" / "no-tls",
    "faults" / "passwords-refused",
    "faults" / "no-tokens",
    "faults" / "slow-mailboxes",
    "faults" / "broken-mailboxes",
    "faults" / "lost-mail",
    "faults" / "doubled-mail",
    "faults" / "late-bounces",
];

/// All that are built in.
pub fn all() -> &'static [Scenario] {
    static ALL: LazyLock<Vec<Scenario>> = LazyLock::new(|| {
        let files = FILES.iter();
        files
            .map(|(folder, name, text)| {
                let file: ScenarioFile = toml::from_str(text).expect("what is built in is tested");
                Scenario {
                    name,
                    is_hazard: *folder == "hazards",
                    header: file.scenario.unwrap_or_default(),
                    faults: numbered(name, file.fault),
                }
            })
            .collect()
    });
    &ALL
}

pub fn find(name: &str) -> Option<&'static Scenario> {
    all().iter().find(|one| one.name == name)
}

fn numbered(name: &str, mut faults: Vec<FaultSpec>) -> Vec<FaultSpec> {
    for (index, fault) in faults.iter_mut().enumerate() {
        fault.id = format!("{name}{SEPARATOR}{}", index + 1);
    }
    faults
}

impl Faults {
    /// Plays a scenario from its beginning.
    pub fn play(&self, scenario: &Scenario) -> Result<Vec<FaultView>, FaultError> {
        self.set(scenario.faults.clone())
    }

    /// Ends it; says whether anything of it was left.
    pub fn end(&self, scenario: &Scenario) -> bool {
        self.retain(|rule| !scenario.is_part(&rule.spec.id)) > 0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn each_can_be_played_and_says_what_it_is_for() {
        for one in all() {
            assert!(!one.faults.is_empty(), "{}", one.name);
            for fault in &one.faults {
                assert_eq!(fault.check(), Ok(()), "{}", one.name);
                assert!(one.is_part(&fault.id), "{}", fault.id);
            }
            let header = &one.header;
            assert!(!header.title.is_empty() && !header.text.is_empty());
            assert!(!header.look_for.is_empty(), "{}", one.name);
            let others = all()
                .iter()
                .filter(|other| other.is_part(&one.faults[0].id));
            assert_eq!(others.count(), 1, "{}", one.name);
            let hazard = header.clauses == ["GUIDE-101"];
            assert_eq!(one.is_hazard, hazard, "{}", one.name);
        }
        assert_eq!(all().iter().filter(|one| one.is_hazard).count(), 4);
    }

    #[test]
    fn every_file_is_built_in() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
        let mut found = BTreeSet::new();
        for folder in ["hazards", "faults"] {
            for entry in std::fs::read_dir(root.join(folder)).expect("a folder") {
                let path = entry.expect("an entry").path();
                let name = path.file_stem().expect("a name").to_string_lossy();
                found.insert(name.into_owned());
            }
        }
        let known: BTreeSet<String> = all().iter().map(|one| one.name.to_owned()).collect();
        assert_eq!(found, known);
    }
}
