//! What `up` and `twin` start with: one TOML file, or the sample organisation.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use mailward_gateway::config::{
    Application, Config, DeadlineMinutes, Deployment, Direction, DomainPattern, Exception,
    References, Volumes,
};
use mailward_mail::{Address, Domain, Secret};
use mailward_policy::{ApplicationState, DataClass, DisplayNameDuty, Level, Profile, Settings};
use mailward_queue::{AccountName, ApplicationName, RouteName};
use mailward_twin::Population;
use mailward_twin::faults::{FaultSpec, ScenarioFile};
use mailward_twin::manners::ServiceSpec;
use mailward_twin::seed::{
    AccountSpec, DistributionListSpec, HostSpec, Organisation, PtrSpec, RelayRegistrationSpec,
    SignInSpec,
};
use serde::Deserialize;

const SAMPLE: &str = include_str!("sample/organisation.toml");

/// The whole seed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seed {
    /// Which documents bind the organisation; for `up` alone.
    #[serde(default)]
    pub(crate) profile: Profile,
    /// Certified to DCB1596 beside the organisation's own domain; for `up` alone.
    #[serde(default)]
    pub(crate) accredited_domains: Vec<String>,
    /// Levels by rule id, as in the configuration; for `up` alone.
    #[serde(default)]
    pub(crate) rules: BTreeMap<String, Level>,
    pub(crate) organisation: Organisation,
    #[serde(default)]
    pub(crate) account: Vec<AccountSpec>,
    #[serde(default)]
    pub(crate) distribution_list: Vec<DistributionListSpec>,
    #[serde(default)]
    pub(crate) relay_registration: Vec<RelayRegistrationSpec>,
    /// The reverse zone that the relay asks.
    #[serde(default)]
    pub(crate) ptr: Vec<PtrSpec>,
    /// Names that the twin's name server tells.
    #[serde(default)]
    pub(crate) host: Vec<HostSpec>,
    #[serde(default)]
    pub(crate) service: ServiceSpec,
    /// A list of breached passwords for the twin, beside the one in the program.
    #[serde(default)]
    pub(crate) breached_passwords: Option<std::path::PathBuf>,
    /// Lockout of the twin.
    #[serde(default)]
    pub(crate) sign_in: SignInSpec,
    /// What goes wrong at the twin from the start.
    #[serde(default)]
    pub(crate) fault: Vec<FaultSpec>,
    /// For `up` alone; the twin knows no applications.
    #[serde(default)]
    pub(crate) application: Vec<SeedApplication>,
}

/// An application of the register. What a test does not care about has a default.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeedApplication {
    pub(crate) name: String,
    #[serde(default = "sample_owner")]
    pub(crate) owner: String,
    #[serde(default)]
    pub(crate) owner_contact: Option<String>,
    #[serde(default = "sample_purpose")]
    pub(crate) purpose: String,
    #[serde(default = "official")]
    pub(crate) data_class: DataClass,
    #[serde(default)]
    pub(crate) patient_data: bool,
    #[serde(default)]
    pub(crate) clinical: bool,
    #[serde(default)]
    pub(crate) direction: Direction,
    #[serde(default)]
    pub(crate) volumes: Volumes,
    /// One of the accounts above.
    pub(crate) account: Address,
    /// Whether the account's display name takes the place of a wrong one.
    #[serde(default)]
    pub(crate) repair_display_name: bool,
    /// Made up where the seed has none, so that what a test does not care
    /// about does not stand in its way.
    #[serde(default = "sample_references")]
    pub(crate) references: References,
    #[serde(default)]
    pub(crate) information_governance_contact: Option<String>,
    #[serde(default)]
    pub(crate) ods_code: Option<String>,
    #[serde(default)]
    pub(crate) sponsoring_organisation: Option<String>,
    #[serde(default)]
    pub(crate) deployment: Option<Deployment>,
    #[serde(default)]
    pub(crate) migration_date: Option<mailward_mail::Timestamp>,
    #[serde(default)]
    pub(crate) review_date: Option<mailward_mail::Timestamp>,
    #[serde(default)]
    pub(crate) approval_expires: Option<mailward_mail::Timestamp>,
    #[serde(default = "live")]
    pub(crate) state: ApplicationState,
    #[serde(default)]
    pub(crate) mass_mailing_recipients_max: Option<u64>,
    #[serde(default)]
    pub(crate) deadline_minutes: DeadlineMinutes,
    #[serde(default)]
    pub(crate) header_priority: bool,
    #[serde(default)]
    pub(crate) display_name: DisplayNameDuty,
    #[serde(default)]
    pub(crate) send_as: Vec<Address>,
    #[serde(default)]
    pub(crate) service_names: Vec<String>,
    #[serde(default)]
    pub(crate) exceptions: Vec<Exception>,
    #[serde(default)]
    pub(crate) callback: Option<SeedCallback>,
    /// How the gateway signs the account in at the twin.
    #[serde(default)]
    pub(crate) mechanism: SeedMechanism,
    /// Another route than that of its account.
    #[serde(default)]
    pub(crate) route: Option<SeedRoute>,
    /// May go by the high sending service as well, when its account sends much.
    #[serde(default)]
    pub(crate) high_sending: bool,
    /// For SMTP; the application's name without one.
    #[serde(default)]
    pub(crate) username: Option<String>,
    /// Made when absent, and shown in the ready object.
    #[serde(default)]
    pub(crate) password: Option<Secret>,
    #[serde(default)]
    pub(crate) api_key: Option<Secret>,
}

impl SeedApplication {
    /// The register's entry, without credentials and callback.
    pub(crate) fn registered(&self, route: RouteName) -> Application {
        let seed = self.clone();
        Application {
            owner: seed.owner,
            owner_contact: seed.owner_contact,
            purpose: seed.purpose,
            data_class: seed.data_class,
            patient_data: seed.patient_data,
            clinical: seed.clinical,
            direction: seed.direction,
            volumes: seed.volumes,
            references: seed.references,
            information_governance_contact: seed.information_governance_contact,
            ods_code: seed.ods_code,
            sponsoring_organisation: seed.sponsoring_organisation,
            deployment: seed.deployment,
            migration_date: seed.migration_date,
            review_date: seed.review_date,
            approval_expires: seed.approval_expires,
            state: seed.state,
            mass_mailing_recipients_max: seed.mass_mailing_recipients_max,
            deadline_minutes: seed.deadline_minutes,
            header_priority: seed.header_priority,
            display_name: seed.display_name,
            send_as: seed.send_as,
            service_names: seed.service_names,
            exceptions: seed.exceptions,
            ..Application::draft(
                ApplicationName::new(&seed.name),
                AccountName::new(seed.account.key()),
                route,
            )
        }
    }
}

/// A seed is test data: its callback secret may stand in the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeedCallback {
    pub(crate) url: String,
    pub(crate) secret: Secret,
    #[serde(default)]
    pub(crate) ca_file: Option<std::path::PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SeedMechanism {
    Login,
    #[default]
    XOAuth2,
}

/// The routes of `up` that an application may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SeedRoute {
    HighSending,
    /// With an exception in force alone.
    Relay,
}

fn sample_owner() -> String {
    "not stated".to_owned()
}

fn sample_purpose() -> String {
    "not stated".to_owned()
}

/// Papers that exist nowhere, named so that everybody can see it.
fn sample_references() -> References {
    let paper = |what: &str| Some(format!("sample {what}"));
    References {
        application_documentation: paper("application documentation"),
        architecture_documentation: paper("architecture documentation"),
        architecture_approval: paper("architecture approval"),
        cmdb: paper("configuration item"),
        iams: paper("information asset"),
        la_request: paper("request to the Local Administrator"),
        account_request: paper("account request"),
        clinical_safety_case: paper("clinical safety case"),
        ..References::default()
    }
}

fn official() -> DataClass {
    DataClass::Official
}

fn live() -> ApplicationState {
    ApplicationState::Live
}

impl Seed {
    /// The file, or the sample organisation.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self, String> {
        match path {
            None => Ok(Self::sample()),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|error| format!("can't read the seed {}: {error}", path.display()))?;
                Self::parse(&text).map_err(|problem| format!("{}: {problem}", path.display()))
            }
        }
    }

    /// The seed with the faults of a file of their own beside its own.
    pub(crate) fn with_faults(mut self, path: Option<&Path>) -> Result<Self, String> {
        if let Some(path) = path {
            let wrong = |problem: String| format!("--faults {}: {problem}", path.display());
            let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
            let file: ScenarioFile =
                toml::from_str(&text).map_err(|error| wrong(problem(&error, &text)))?;
            file.fault
                .iter()
                .try_for_each(FaultSpec::check)
                .map_err(|error| wrong(error.to_string()))?;
            self.fault.extend(file.fault);
        }
        Ok(self)
    }

    pub(crate) fn sample() -> Self {
        Self::parse(SAMPLE).expect("the sample organisation is tested")
    }

    fn parse(text: &str) -> Result<Self, String> {
        let seed: Self = toml::from_str(text).map_err(|error| problem(&error, text))?;
        seed.check()?;
        Ok(seed)
    }

    /// What the shape of the file does not say.
    fn check(&self) -> Result<(), String> {
        self.check_names()?;
        self.settings()?;
        self.accredited()?;
        self.fault
            .iter()
            .try_for_each(FaultSpec::check)
            .map_err(|error| error.to_string())?;
        for application in &self.application {
            let name = &application.name;
            if !self
                .account
                .iter()
                .any(|account| account.address == application.account)
            {
                return Err(format!(
                    "application {name} sends as {}, which is none of the accounts: add it as an [[account]]",
                    application.account
                ));
            }
            if self
                .application
                .iter()
                .filter(|other| other.name == *name)
                .count()
                > 1
            {
                return Err(format!(
                    "there are two applications called {name}: rename one"
                ));
            }
        }
        Ok(())
    }

    /// The domain, and addresses that are given once.
    fn check_names(&self) -> Result<(), String> {
        let domain = &self.organisation.domain;
        Domain::parse(domain).map_err(|error| {
            format!(
                "[organisation] domain {domain:?}: {error}; write one such as \"trust.example\""
            )
        })?;
        let mut seen = BTreeSet::new();
        let accounts = self.account.iter().map(|one| &one.address);
        for address in accounts.chain(self.distribution_list.iter().map(|one| &one.address)) {
            if !seen.insert(address.key()) {
                return Err(format!(
                    "there are two accounts or distribution lists called {address}: remove or rename one"
                ));
            }
        }
        let is_empty = |account: &&AccountSpec| {
            let password = account.password.as_ref();
            password.is_some_and(|password| password.expose().is_empty())
        };
        match self.account.iter().find(is_empty) {
            Some(account) => Err(format!(
                "the account {} has an empty password: leave the field out to have one made",
                account.address
            )),
            None => Ok(()),
        }
    }

    /// Levels of rules.
    fn settings(&self) -> Result<Settings, String> {
        Settings::new(self.rules.iter().map(|(rule, level)| (rule, *level)))
            .map_err(|error| format!("[rules]: {error}"))
    }

    /// The organisation's domain and those named beside it.
    fn accredited(&self) -> Result<Vec<DomainPattern>, String> {
        let named = self.accredited_domains.iter().map(|text| {
            text.parse().map_err(|error| {
                format!(
                    "accredited_domains: {text:?}: {error}; write one such as \"trust.example\", \
                     or \"*.trust.example\" for all below it"
                )
            })
        });
        let own = DomainPattern::exactly(&self.organisation.domain);
        std::iter::once(Ok(own)).chain(named).collect()
    }

    /// Whether an application of the account asks for its name to be repaired.
    pub(crate) fn repairs_name_of(&self, account: &Address) -> bool {
        let mut applications = self.application.iter();
        applications.any(|one| one.account == *account && one.repair_display_name)
    }

    /// The gateway's part, but for applications, accounts and routes.
    pub(crate) fn apply(&self, config: &mut Config) -> Result<(), String> {
        config.profile = self.profile;
        config.rules = self.settings()?;
        config.accredited_domains = self.accredited()?;
        let lists = self.distribution_list.iter();
        config.distribution_lists = lists.map(|list| list.address.clone()).collect();
        Ok(())
    }

    /// The twin's part.
    pub(crate) fn population(&self) -> Population {
        Population {
            organisation: self.organisation.clone(),
            accounts: self.account.clone(),
            lists: self.distribution_list.clone(),
            relay_registrations: self.relay_registration.clone(),
            ptr_records: self.ptr.clone(),
            hosts: self.host.clone(),
            service: self.service.clone(),
            sign_in: self.sign_in.clone(),
            faults: self.fault.clone(),
        }
    }
}

/// What is wrong with a file, by its line.
fn problem(error: &toml::de::Error, text: &str) -> String {
    let line = error
        .span()
        .map_or(0, |span| text[..span.start].matches('\n').count() + 1);
    let words: Vec<&str> = error.message().lines().collect();
    format!("line {line}: {}", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_has_what_the_manual_says() {
        let seed = Seed::sample();
        let kind = |wanted| {
            seed.account
                .iter()
                .filter(|account| account.kind == wanted)
                .count()
        };
        assert_eq!(kind(mailward_twin::seed::AccountKind::Application), 2);
        assert_eq!(kind(mailward_twin::seed::AccountKind::User), 3);
        assert_eq!(seed.application.len(), 2);
        assert_eq!(seed.distribution_list.len(), 1);
    }

    #[test]
    fn faults_name_their_line() {
        let organisation = "[organisation]\nname = \"X\"\ndomain = \"x.example\"\n";
        for (rest, problem) in [
            ("[[acount]]\n", "line 4: unknown field `acount`"),
            ("[[account]]\naddress = \"nobody\"\n", "line 5: "),
            (
                "[[account]]\naddress = \"a@x.example\"\n[[account]]\naddress = \"A@X.example\"\n",
                "there are two accounts or distribution lists called A@X.example",
            ),
            (
                "[[account]]\naddress = \"a@x.example\"\n[[distribution_list]]\naddress = \"a@x.example\"\nmembers = []\n",
                "there are two accounts or distribution lists called a@x.example",
            ),
            (
                "[[account]]\naddress = \"a@x.example\"\npassword = \"\"\n",
                "the account a@x.example has an empty password",
            ),
            (
                "[[application]]\nname = \"a\"\naccount = \"a@x.example\"\n",
                "application a sends as a@x.example, which is none of the accounts",
            ),
        ] {
            let error = Seed::parse(&format!("{organisation}{rest}")).expect_err(rest);
            assert!(error.starts_with(problem), "{error}");
        }
    }
}
