//! The shape of a JSON submission. Its sense is checked by `letter`.

use std::collections::BTreeMap;
use std::fmt;

use mailward_policy::DataClass;
use mailward_queue::MessageClass;
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use utoipa::ToSchema;

/// A message as its fields. Everything not named here is refused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageRequest {
    /// Defaults to the account with its display name.
    #[schema(value_type = Option<String>, example = "Clinic, Letters (NORTHMOOR TRUST) <letters@northmoor.example>")]
    pub from: Option<Person>,
    /// Addresses, each as `Name <address>`, an address alone, or
    /// `{"name":…, "address":…}`; one or a list.
    #[serde(default)]
    #[schema(value_type = Vec<String>, example = json!(["ann@northmoor.example"]))]
    pub to: People,
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub cc: People,
    /// Told to nobody else.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub bcc: People,
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub reply_to: People,
    #[serde(default)]
    pub subject: String,
    pub text: Option<String>,
    pub html: Option<String>,
    #[serde(default)]
    pub attachments: Vec<AttachmentRequest>,
    /// Header fields beside the usual: `X-…`, `In-Reply-To`, `References`,
    /// `Auto-Submitted`, `Importance`, `List-…`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// `OFFICIAL` or `OFFICIAL-SENSITIVE`; the application's own if absent.
    #[schema(value_type = Option<String>)]
    pub data_class: Option<DataClass>,
    /// `urgent`, `routine` or `bulk`: who goes first, and how long it may wait.
    #[schema(value_type = Option<String>)]
    pub message_class: Option<MessageClass>,
    /// 9 to -9: its place among those of its class; 0 if absent.
    #[schema(minimum = -9, maximum = 9)]
    pub priority: Option<i64>,
    /// Not to be sent earlier (RFC 3339).
    #[schema(format = DateTime)]
    pub send_at: Option<String>,
    /// Given up then, instead of after the class's time (RFC 3339).
    #[schema(format = DateTime)]
    pub deadline_at: Option<String>,
    /// Messages with the same key leave in the order of their acceptance.
    pub sequence_key: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttachmentRequest {
    pub filename: String,
    /// For example `application/pdf`.
    pub content_type: String,
    /// Base64.
    pub content: String,
}

/// One mailbox as it was written; not yet known to be one.
#[derive(Debug)]
pub enum Person {
    Text(String),
    Parts {
        name: Option<String>,
        address: String,
    },
}

/// One or several.
#[derive(Debug, Default)]
pub struct People(pub Vec<Person>);

/// More than any message may have: a list is not read beyond it.
const PEOPLE_MAX: usize = 10_000;

struct PersonVisitor;

impl<'de> Visitor<'de> for PersonVisitor {
    type Value = Person;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address, or an object with name and address")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Person, E> {
        Ok(Person::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Person, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Parts {
            name: Option<String>,
            address: String,
        }
        let parts = Parts::deserialize(de::value::MapAccessDeserializer::new(map))?;
        Ok(Person::Parts {
            name: parts.name,
            address: parts.address,
        })
    }
}

impl<'de> Deserialize<'de> for Person {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PersonVisitor)
    }
}

struct PeopleVisitor;

impl<'de> Visitor<'de> for PeopleVisitor {
    type Value = People;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address or a list of addresses")
    }

    fn visit_unit<E: de::Error>(self) -> Result<People, E> {
        Ok(People::default())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<People, E> {
        Ok(People(vec![Person::Text(text.to_owned())]))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<People, A::Error> {
        PersonVisitor
            .visit_map(map)
            .map(|person| People(vec![person]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<People, A::Error> {
        let mut people = Vec::new();
        while let Some(person) = list.next_element()? {
            if people.len() >= PEOPLE_MAX {
                return Err(de::Error::custom(format!(
                    "a list has more than {PEOPLE_MAX} addresses"
                )));
            }
            people.push(person);
        }
        Ok(People(people))
    }
}

impl<'de> Deserialize<'de> for People {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PeopleVisitor)
    }
}
