//! The register out of the gateway and into another: as records of a
//! configuration management database (JSON, CSV), and as documents.
//!
//! A record is flat: attribute and text. It holds no credential and no hash
//! of one.

mod csv;
mod document;
mod import;
mod page;

use mailward_policy::ApplicationState;
use serde_json::{Map, Value};

use super::{Entry, FIELDS, Register, RegisterError};
use crate::config::Config;

pub use document::Format as DocumentFormat;
pub use import::{ImportError, ImportErrors, ImportFormat, Imported};

/// Which class of configuration item a record describes.
const CLASS: &str = "cmdb_ci_appl";

/// Attributes that follow from others: written, and passed over when read.
const DERIVED: [&str; 6] = [
    "sys_class_name",
    "operational_status",
    "install_status",
    "environment",
    "correlation_id",
    "correlation_display",
];

/// Every attribute with its text, in the order of the columns.
fn record(entry: &Entry, config: &Config) -> Vec<(&'static str, String)> {
    let application = &entry.application;
    let (operational, installed) = statuses(application.state);
    let twin = config
        .route(&application.route)
        .is_some_and(|route| route.twin);
    let derived = [
        CLASS.to_owned(),
        operational.to_owned(),
        installed.to_owned(),
        if twin { "Test" } else { "Production" }.to_owned(),
        format!("mailward:{}:{}", config.hostname, application.name),
        "Mailward interface register".to_owned(),
    ];
    let fields = FIELDS.iter().map(|field| {
        let text = match field.name {
            "approvals" => json_text(&entry.standing.approvals),
            "exceptions" => json_text(&application.exceptions),
            _ => (field.get)(application).unwrap_or_default(),
        };
        (field.attribute, text)
    });
    fields.chain(DERIVED.into_iter().zip(derived)).collect()
}

/// Empty for an empty list.
fn json_text<T: serde::Serialize>(list: &[T]) -> String {
    if list.is_empty() {
        return String::new();
    }
    serde_json::to_string(list).unwrap_or_default()
}

/// The labels of `operational_status` and `install_status`; an import set
/// finds the choice by its label.
fn statuses(state: ApplicationState) -> (&'static str, &'static str) {
    match state {
        ApplicationState::Draft => ("Non-Operational", "Pending Install"),
        ApplicationState::Approved => ("Ready", "Pending Install"),
        ApplicationState::Live => ("Operational", "Installed"),
        ApplicationState::Suspended => ("Non-Operational", "Installed"),
        ApplicationState::Retired => ("Retired", "Retired"),
    }
}

impl Register {
    /// All entries as `{"records": [...]}`, every value a text.
    pub fn export_json(&self) -> Result<String, RegisterError> {
        let records = self.entries().into_iter().map(|entry| {
            let record = record(&entry, &self.config).into_iter();
            let record = record.map(|(name, text)| (name.to_owned(), Value::String(text)));
            Value::Object(record.collect::<Map<_, _>>())
        });
        let document = serde_json::json!({ "records": records.collect::<Vec<_>>() });
        serde_json::to_string_pretty(&document)
            .map(|text| text + "\n")
            .map_err(|error| RegisterError::Refused(error.to_string()))
    }

    /// All entries as CSV, with a header line.
    pub fn export_csv(&self) -> String {
        let mut text = String::new();
        let names = FIELDS.iter().map(|field| field.attribute).chain(DERIVED);
        csv::line(&mut text, names);
        for entry in self.entries() {
            let record = record(&entry, &self.config);
            csv::line(&mut text, record.iter().map(|(_, value)| value.as_str()));
        }
        text
    }
}
