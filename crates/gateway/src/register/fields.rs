//! The fields of an entry: what each is for, which clauses ask for it, how it
//! is read from a text and written as one.
//!
//! One list for the command line, for import and export, for the interface
//! record and for the manual.

use mailward_mail::Address;
use mailward_policy::clause::{dhc, eng, guide};
use mailward_policy::{ClauseId, DataClass, DisplayNameDuty};
use mailward_queue::{AccountName, RouteName};

use super::values::{self, Unfit};
use crate::config::{Application, DeadlineMinutes, Deployment, Direction};

/// One field of the register.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// As configuration, seed, import files and JSON write it; a dot leads
    /// into a table: `references.iams`.
    pub name: &'static str,
    /// As the command line writes it: `iams`.
    pub flag: &'static str,
    pub clauses: &'static [ClauseId],
    pub about: &'static str,
    /// The attribute of a configuration item that carries it in an export.
    pub attribute: &'static str,
    pub form: Form,
    /// As a text; `None` when it is not given.
    pub get: fn(&Application) -> Option<String>,
    set: Set,
}

/// What a field holds, for those who ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Text,
    Flag,
    /// Several texts; written in one with `;` between them.
    List,
}

type Setter = fn(&mut Application, &str) -> Result<(), Unfit>;

#[derive(Clone, Copy, Debug)]
enum Set {
    To(Setter),
    /// The state and what goes with it has commands of its own.
    ByCommand(&'static str),
}

impl Field {
    /// The field of this name, or of this attribute of a configuration item.
    pub fn find(name: &str) -> Option<&'static Self> {
        FIELDS
            .iter()
            .find(|field| field.name == name || field.attribute == name)
    }

    /// Whether a text can be put into it.
    pub fn is_open(&self) -> bool {
        matches!(self.set, Set::To(_))
    }

    /// Puts `text` into the field. An empty text empties it, where it may be
    /// empty.
    ///
    /// # Errors
    /// In words that follow the field's name.
    pub fn set(&self, application: &mut Application, text: &str) -> Result<(), Unfit> {
        match self.set {
            Set::To(set) => set(application, values::checked(text)?),
            Set::ByCommand(command) => Err(Unfit(format!(
                "is not set like other fields; use `mailward register {command}`"
            ))),
        }
    }
}

/// An optional text of the entry, by the path to it.
macro_rules! text {
    ($name:literal, $flag:literal, $attribute:literal, [$($clause:expr),*], $about:literal, $($path:ident).+) => {
        Field {
            name: $name,
            flag: $flag,
            clauses: &[$($clause),*],
            about: $about,
            attribute: $attribute,
            form: Form::Text,
            get: |one| one.$($path).+.clone(),
            set: Set::To(|one, text| {
                one.$($path).+ = values::optional(text);
                Ok(())
            }),
        }
    };
}

/// How long messages of a class may wait.
macro_rules! minutes {
    ($class:literal, $name:literal, $field:ident) => {
        Field {
            name: $name,
            flag: concat!("deadline-minutes-", $class),
            clauses: &[],
            about: concat!(
                "how long its ",
                $class,
                " messages may wait, where other than usual"
            ),
            attribute: concat!("u_deadline_minutes_", $class),
            form: Form::Text,
            get: |one| one.deadline_minutes.$field.map(|one| one.to_string()),
            set: Set::To(|one, text| {
                one.deadline_minutes.$field = values::optional_of(text, deadline_minutes)?;
                Ok(())
            }),
        }
    };
}

/// An optional day of the entry.
macro_rules! day {
    ($name:literal, $flag:literal, $attribute:literal, [$($clause:expr),*], $about:literal, $path:ident) => {
        Field {
            name: $name,
            flag: $flag,
            clauses: &[$($clause),*],
            about: $about,
            attribute: $attribute,
            form: Form::Text,
            get: |one| one.$path.map(values::day),
            set: Set::To(|one, text| {
                one.$path = values::optional_of(text, values::moment)?;
                Ok(())
            }),
        }
    };
}

/// An optional number of the entry.
macro_rules! number {
    ($name:literal, $flag:literal, $attribute:literal, [$($clause:expr),*], $about:literal, $($path:ident).+) => {
        Field {
            name: $name,
            flag: $flag,
            clauses: &[$($clause),*],
            about: $about,
            attribute: $attribute,
            form: Form::Text,
            get: |one| one.$($path).+.map(|number| number.to_string()),
            set: Set::To(|one, text| {
                one.$($path).+ = values::optional_of(text, values::number)?;
                Ok(())
            }),
        }
    };
}

/// Every field, in the order in which people ask for them.
pub const FIELDS: &[Field] = &[
    Field {
        name: "name",
        flag: "name",
        clauses: &[eng(14), dhc(1)],
        about: "the application's name",
        attribute: "name",
        form: Form::Text,
        get: |one| Some(one.name.as_str().to_owned()),
        set: Set::ByCommand("add NAME"),
    },
    Field {
        name: "owner",
        flag: "owner",
        clauses: &[eng(14), dhc(1)],
        about: "the department or person that answers for it",
        attribute: "owned_by",
        form: Form::Text,
        get: |one| Some(one.owner.clone()),
        set: Set::To(|one, text| {
            one.owner = values::required(text)?;
            Ok(())
        }),
    },
    text!(
        "owner_contact",
        "owner-contact",
        "managed_by",
        [eng(14), guide(75)],
        "whom to reach about it: an address or a telephone number",
        owner_contact
    ),
    Field {
        name: "purpose",
        flag: "purpose",
        clauses: &[eng(14), dhc(1)],
        about: "what it sends and why",
        attribute: "short_description",
        form: Form::Text,
        get: |one| Some(one.purpose.clone()),
        set: Set::To(|one, text| {
            one.purpose = values::required(text)?;
            Ok(())
        }),
    },
    Field {
        name: "data_class",
        flag: "data-class",
        clauses: &[eng(19), eng(20), eng(23)],
        about: "OFFICIAL or OFFICIAL-SENSITIVE: the class of its messages unless they say otherwise",
        attribute: "u_data_class",
        form: Form::Text,
        get: |one| Some(one.data_class.to_string()),
        set: Set::To(|one, text| {
            one.data_class = data_class(text)?;
            Ok(())
        }),
    },
    Field {
        name: "patient_data",
        flag: "patient-data",
        clauses: &[guide(22), eng(20)],
        about: "whether its messages identify patients",
        attribute: "u_patient_data",
        form: Form::Flag,
        get: |one| Some(one.patient_data.to_string()),
        set: Set::To(|one, text| {
            one.patient_data = values::flag(text)?;
            Ok(())
        }),
    },
    Field {
        name: "clinical",
        flag: "clinical",
        clauses: &[guide(22), guide(101)],
        about: "whether it is treated as a clinical system",
        attribute: "u_clinical",
        form: Form::Flag,
        get: |one| Some(one.clinical.to_string()),
        set: Set::To(|one, text| {
            one.clinical = values::flag(text)?;
            Ok(())
        }),
    },
    Field {
        name: "direction",
        flag: "direction",
        clauses: &[eng(14), dhc(1)],
        about: "send, receive or both",
        attribute: "u_direction",
        form: Form::Text,
        get: |one| Some(one.direction.as_str().to_owned()),
        set: Set::To(|one, text| {
            one.direction = values::word(text, &Direction::ALL, |one| one.as_str())?;
            Ok(())
        }),
    },
    number!(
        "volumes.messages_per_day",
        "messages-per-day",
        "u_messages_per_day",
        [guide(80), eng(3)],
        "messages a day that its owner expects",
        volumes.messages_per_day
    ),
    number!(
        "volumes.messages_per_minute_peak",
        "messages-per-minute-peak",
        "u_messages_per_minute_peak",
        [guide(81), dhc(7)],
        "messages in the busiest minute that its owner expects",
        volumes.messages_per_minute_peak
    ),
    Field {
        name: "account",
        flag: "account",
        clauses: &[guide(70), dhc(12)],
        about: "the address of its application account, which no other application has",
        attribute: "u_account",
        form: Form::Text,
        get: |one| Some(one.account.as_str().to_owned()),
        set: Set::To(|one, text| {
            one.account = AccountName::new(address(&values::required(text)?)?.key());
            Ok(())
        }),
    },
    Field {
        name: "route",
        flag: "route",
        clauses: &[dhc(4), dhc(6)],
        about: "the way out; its account's",
        attribute: "u_route",
        form: Form::Text,
        get: |one| Some(one.route.as_str().to_owned()),
        set: Set::To(|one, text| {
            one.route = RouteName::new(values::required(text)?);
            Ok(())
        }),
    },
    Field {
        name: "high_sending_route",
        flag: "high-sending-route",
        clauses: &[guide(81), dhc(7)],
        about: "the route by the high sending service, where it sends more than its own carries",
        attribute: "u_high_sending_route",
        form: Form::Text,
        get: |one| {
            one.high_sending_route
                .as_ref()
                .map(|route| route.as_str().to_owned())
        },
        set: Set::To(|one, text| {
            one.high_sending_route = values::optional(text).map(RouteName::from);
            Ok(())
        }),
    },
    text!(
        "references.application_documentation",
        "application-documentation",
        "u_application_documentation",
        [eng(14), eng(16), dhc(1), dhc(3)],
        "where the integration is documented with the application",
        references.application_documentation
    ),
    text!(
        "references.architecture_documentation",
        "architecture-documentation",
        "u_architecture_documentation",
        [eng(14), eng(16), dhc(2), dhc(3)],
        "its identity in the repository of the organisation's architecture",
        references.architecture_documentation
    ),
    text!(
        "references.architecture_approval",
        "architecture-approval",
        "u_architecture_approval",
        [dhc(14), dhc(15)],
        "the architects' approval",
        references.architecture_approval
    ),
    text!(
        "references.cmdb",
        "cmdb",
        "u_cmdb",
        [eng(15)],
        "its item in the configuration management database",
        references.cmdb
    ),
    text!(
        "references.iams",
        "iams",
        "u_iams",
        [eng(21)],
        "its entry in the Information Asset Management System",
        references.iams
    ),
    text!(
        "references.la_request",
        "la-request",
        "u_la_request",
        [guide(6), guide(47), guide(104)],
        "the request to the Local Administrator to enable its protocols",
        references.la_request
    ),
    text!(
        "references.account_request",
        "account-request",
        "u_account_request",
        [guide(18), dhc(13)],
        "the request for its application account, or to make one of a user account",
        references.account_request
    ),
    text!(
        "references.dns_request",
        "dns-request",
        "u_dns_request",
        [guide(53), guide(58)],
        "the request to register the sending address, where it uses the relay",
        references.dns_request
    ),
    text!(
        "references.nhsmail_contact",
        "nhsmail-contact",
        "u_nhsmail_contact",
        [guide(102)],
        "where the NHSmail team was told of the plan",
        references.nhsmail_contact
    ),
    text!(
        "references.clinical_safety_case",
        "clinical-safety-case",
        "u_clinical_safety_case",
        [guide(22), guide(101)],
        "the clinical safety case",
        references.clinical_safety_case
    ),
    text!(
        "information_governance_contact",
        "information-governance-contact",
        "u_information_governance_contact",
        [eng(22)],
        "the Information Governance representative who was asked",
        information_governance_contact
    ),
    text!(
        "ods_code",
        "ods-code",
        "u_ods_code",
        [guide(12), guide(105)],
        "the organisation's code in the Organisation Data Service",
        ods_code
    ),
    text!(
        "sponsoring_organisation",
        "sponsoring-organisation",
        "u_sponsoring_organisation",
        [guide(105)],
        "who sponsors a party outside the NHS",
        sponsoring_organisation
    ),
    Field {
        name: "deployment",
        flag: "deployment",
        clauses: &[guide(103), eng(24)],
        about: "where it runs: internet, hscn, cloud or on-premises",
        attribute: "u_deployment",
        form: Form::Text,
        get: |one| one.deployment.map(|one| one.as_str().to_owned()),
        set: Set::To(|one, text| {
            one.deployment = values::optional_of(text, |text| {
                values::word(text, &Deployment::ALL, |one| one.as_str())
            })?;
            Ok(())
        }),
    },
    day!(
        "migration_date",
        "migration-date",
        "u_migration_date",
        [eng(25)],
        "by when it leaves legacy mail on the premises",
        migration_date
    ),
    day!(
        "review_date",
        "review-date",
        "u_review_date",
        [eng(14), eng(16)],
        "when the entry is to be looked at again",
        review_date
    ),
    Field {
        name: "approval_expires",
        flag: "approval-expires",
        clauses: &[dhc(14), dhc(15), eng(16)],
        about: "when the approval lapses; from that moment nothing is sent",
        attribute: "u_approval_expires",
        form: Form::Text,
        get: |one| one.approval_expires.map(values::day),
        set: Set::ByCommand("approve NAME --expires DAY"),
    },
    Field {
        name: "state",
        flag: "state",
        clauses: &[eng(16), dhc(3), dhc(14)],
        about: "draft, approved, live, suspended or retired",
        attribute: "u_state",
        form: Form::Text,
        get: |one| Some(one.state.as_str().to_owned()),
        set: Set::ByCommand("approve, go-live, suspend or retire"),
    },
    number!(
        "mass_mailing_recipients_max",
        "mass-mailing-recipients-max",
        "u_mass_mailing_recipients_max",
        [eng(4), dhc(10)],
        "people whom one text may reach before it is a mass mailing, where other than usual",
        mass_mailing_recipients_max
    ),
    Field {
        name: "header_priority",
        flag: "header-priority",
        clauses: &[],
        about: "whether X-Priority, Importance and Priority in its messages name their class",
        attribute: "u_header_priority",
        form: Form::Flag,
        get: |one| Some(one.header_priority.to_string()),
        set: Set::To(|one, text| {
            one.header_priority = values::flag(text)?;
            Ok(())
        }),
    },
    minutes!("urgent", "deadline_minutes.urgent", urgent),
    minutes!("routine", "deadline_minutes.routine", routine),
    minutes!("bulk", "deadline_minutes.bulk", bulk),
    Field {
        name: "display_name",
        flag: "display-name",
        clauses: &[guide(78)],
        about: "advised, or required: every wrong display name is refused",
        attribute: "u_display_name",
        form: Form::Text,
        get: |one| Some(values::duty(one.display_name).to_owned()),
        set: Set::To(|one, text| {
            let duties = [DisplayNameDuty::Advised, DisplayNameDuty::Required];
            one.display_name = values::word(text, &duties, |one| values::duty(*one))?;
            Ok(())
        }),
    },
    Field {
        name: "send_as",
        flag: "send-as",
        clauses: &[guide(10)],
        about: "addresses other than its account's that it was granted to send as",
        attribute: "u_send_as",
        form: Form::List,
        get: |one| values::list(one.send_as.iter().map(Address::as_str)),
        set: Set::To(|one, text| {
            one.send_as = values::parts(text).map(address).collect::<Result<_, _>>()?;
            Ok(())
        }),
    },
    Field {
        name: "service_names",
        flag: "service-names",
        clauses: &[guide(78)],
        about: "names of services that may stand in place of a person's",
        attribute: "u_service_names",
        form: Form::List,
        get: |one| values::list(one.service_names.iter().map(String::as_str)),
        set: Set::To(|one, text| {
            one.service_names = values::parts(text).map(str::to_owned).collect();
            Ok(())
        }),
    },
    Field {
        name: "approvals",
        flag: "approvals",
        clauses: &[guide(6), guide(22), eng(22), dhc(14), dhc(15)],
        about: "who approved what, by which reference, until when",
        attribute: "u_approvals",
        form: Form::List,
        get: |_| None,
        set: Set::ByCommand("approve NAME"),
    },
    Field {
        name: "exceptions",
        flag: "exceptions",
        clauses: &[guide(51), guide(78), eng(18), dhc(8), dhc(15)],
        about: "approved departures: relay, plaintext_device or service_name, each with reference, end and subject",
        attribute: "u_exceptions",
        form: Form::List,
        get: |_| None,
        set: Set::ByCommand("exception add NAME"),
    },
];

fn deadline_minutes(text: &str) -> Result<u64, Unfit> {
    let minutes = values::number(text)?;
    if (1..=DeadlineMinutes::MAX).contains(&minutes) {
        return Ok(minutes);
    }
    let most = DeadlineMinutes::MAX;
    Err(Unfit(format!("is 1 to {most} minutes, not {minutes}")))
}

/// The fields as the manual shows them.
pub fn fields_table() -> String {
    let mut table = String::from(
        "| field | is | clauses | attribute of a configuration item |\n| --- | --- | --- | --- |\n",
    );
    for field in FIELDS {
        let clauses: Vec<String> = field.clauses.iter().map(ClauseId::to_string).collect();
        table.push_str(&format!(
            "| `{}` | {} | {} | `{}` |\n",
            field.name,
            field.about,
            clauses.join(", "),
            field.attribute
        ));
    }
    table
}

fn data_class(text: &str) -> Result<DataClass, Unfit> {
    let class: DataClass = text
        .parse()
        .map_err(|_| Unfit::of(text, "is no class; write OFFICIAL or OFFICIAL-SENSITIVE"))?;
    if class > DataClass::OfficialSensitive {
        return Err(Unfit(format!(
            "{class} may not be sent by mail through this gateway (ENG-23); ask your IT or cyber \
             security team for another way"
        )));
    }
    Ok(class)
}

fn address(text: &str) -> Result<Address, Unfit> {
    Address::parse(text).map_err(|error| Unfit::of(text, &format!("is no address: {error}")))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use mailward_queue::ApplicationName;

    use super::*;

    fn blank() -> Application {
        let name = ApplicationName::new("letters");
        Application::draft(
            name,
            AccountName::new("letters@northmoor.example"),
            RouteName::new("submission"),
        )
    }

    #[test]
    fn names_attributes_and_flags_are_unique_and_every_clause_exists() {
        let mut seen = HashSet::new();
        for field in FIELDS {
            assert!(seen.insert(format!("name {}", field.name)), "{field:?}");
            assert!(seen.insert(format!("at {}", field.attribute)), "{field:?}");
            assert!(seen.insert(format!("flag {}", field.flag)), "{field:?}");
            // Without a clause it is a setting of ours.
            assert!(!field.about.is_empty());
            for clause in field.clauses {
                assert!(clause.clause().is_some(), "{clause} of {}", field.name);
            }
        }
    }

    #[test]
    fn what_is_put_in_comes_out() {
        for (name, text, again) in [
            ("owner", "Outpatients", "Outpatients"),
            ("owner_contact", " 01632 960001 ", "01632 960001"),
            ("data_class", "OFFICIAL-SENSITIVE", "OFFICIAL-SENSITIVE"),
            ("patient_data", "yes", "true"),
            ("clinical", "false", "false"),
            ("direction", "both", "both"),
            ("volumes.messages_per_day", "1200", "1200"),
            (
                "account",
                "Rota@Northmoor.example",
                "rota@northmoor.example",
            ),
            ("references.iams", "IAMS-7", "IAMS-7"),
            ("deployment", "on-premises", "on-premises"),
            ("review_date", "2027-03-01", "2027-03-01"),
            ("display_name", "required", "required"),
            (
                "send_as",
                "a@northmoor.example; b@northmoor.example",
                "a@northmoor.example;b@northmoor.example",
            ),
            ("u_iams", "IAMS-8", "IAMS-8"),
        ] {
            let mut one = blank();
            let field = Field::find(name).expect(name);
            field.set(&mut one, text).expect(name);
            assert_eq!((field.get)(&one).as_deref(), Some(again), "{name}");
        }
    }

    #[test]
    fn what_does_not_fit_is_said() {
        for (name, text, problem) in [
            ("owner", " ", "may not be empty"),
            ("data_class", "SECRET", "(ENG-23)"),
            ("data_class", "PUBLIC", "is no class"),
            ("patient_data", "maybe", "write true or false"),
            ("volumes.messages_per_day", "-1", "is no whole number"),
            ("review_date", "soon", "is no day"),
            ("deployment", "moon", "internet, hscn, cloud or on-premises"),
            ("account", "nobody", "is no address"),
            ("state", "live", "mailward register"),
            ("purpose", "a\u{1b}b", "control character"),
        ] {
            let field = Field::find(name).expect(name);
            let said = field.set(&mut blank(), text).expect_err(name).to_string();
            assert!(said.contains(problem), "{name}: {said}");
        }
        let long = "x".repeat(values::TEXT_CHARS_MAX + 1);
        let field = Field::find("purpose").expect("a field");
        assert!(field.set(&mut blank(), &long).is_err());
    }
}
