//! The interface record of one application: what an architect files.
//!
//! Sections of rows are made once, and written as Markdown here or as a page
//! of HTML in [`super::page`].

use mailward_mail::Timestamp;
use mailward_policy::ClauseId;
use mailward_queue::ApplicationName;
use serde::{Deserialize, Serialize};

use super::page;
use crate::config::{Config, Route};
use crate::register::life::Event;
use crate::register::{Entry, FIELDS, Field, Register, RegisterError, values};

/// How a record is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Markdown,
    Html,
}

impl Format {
    /// Of a file's name.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Markdown => "md",
            Self::Html => "html",
        }
    }
}

/// A heading, the heads of columns, and rows of as many cells.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) heads: &'static [&'static str],
    pub(super) rows: Vec<Vec<String>>,
}

const PAIR: &[&str] = &["", ""];
const NOT_GIVEN: &str = "not given";

impl Register {
    /// The interface record of an application.
    pub async fn document(
        &self,
        name: &ApplicationName,
        format: Format,
        now: Timestamp,
    ) -> Result<String, RegisterError> {
        let entry = self
            .entry(name)
            .ok_or_else(|| RegisterError::NoSuchApplication(name.clone()))?;
        let history = match &self.store {
            Some(_) => self.history(name).await?,
            None => Vec::new(),
        };
        let title = format!("Interface record: {name}");
        let about = format!(
            "Kept in the interface register of {}. Written {}.",
            self.config.hostname,
            now.to_rfc3339()
        );
        let sections = sections(&entry, &self.config, &history, now);
        Ok(match format {
            Format::Markdown => markdown(&title, &about, &sections),
            Format::Html => page::html(&title, &about, &sections),
        })
    }
}

fn sections(entry: &Entry, config: &Config, history: &[Event], now: Timestamp) -> Vec<Section> {
    let application = &entry.application;
    let value = |name: &str| {
        let field = Field::find(name);
        let text = field.and_then(|field| (field.get)(application));
        text.unwrap_or_else(|| NOT_GIVEN.to_owned())
    };
    let pairs = |names: &[(&str, &str)]| -> Vec<Vec<String>> {
        let row = |(label, name): &(&str, &str)| vec![(*label).to_owned(), value(name)];
        names.iter().map(row).collect()
    };
    let mut interface = pairs(&[
        ("Name", "name"),
        ("Purpose", "purpose"),
        ("Direction", "direction"),
        ("State", "state"),
        ("Data class", "data_class"),
        ("Patient data", "patient_data"),
        ("Clinical system", "clinical"),
        ("Deployment", "deployment"),
        ("Migration from legacy mail by", "migration_date"),
        ("Review date", "review_date"),
    ]);
    if entry.overlays() {
        let said = format!("{}; set by command since", entry.base.state.as_str());
        interface.push(vec!["State in the configuration".to_owned(), said]);
    }
    let parties = pairs(&[
        ("Owner", "owner"),
        ("Contact", "owner_contact"),
        ("Information Governance", "information_governance_contact"),
        ("ODS code", "ods_code"),
        ("Sponsoring organisation", "sponsoring_organisation"),
    ]);
    let volumes = pairs(&[
        ("Messages a day", "volumes.messages_per_day"),
        (
            "Messages in the busiest minute",
            "volumes.messages_per_minute_peak",
        ),
        (
            "People before it is a mass mailing",
            "mass_mailing_recipients_max",
        ),
    ]);
    let two = |title, rows| Section {
        title,
        heads: PAIR,
        rows,
    };
    vec![
        two("Interface", interface),
        two("Parties", parties),
        endpoints(entry, config),
        accounts(entry, config),
        two("Volumes", volumes),
        approvals(entry, now),
        exceptions(entry, now),
        events(history),
        evidence(entry),
    ]
}

fn endpoints(entry: &Entry, config: &Config) -> Section {
    let application = &entry.application;
    let mut rows = vec![vec![
        "application to gateway".to_owned(),
        config.hostname.clone(),
        "SMTP submission (STARTTLS or implicit TLS); HTTPS".to_owned(),
        "TLS 1.2 or later".to_owned(),
        "username and password; API key".to_owned(),
    ]];
    if let Some(route) = config.route(&application.route) {
        rows.push(vec![
            "gateway to mail service".to_owned(),
            format!("{}:{}", route.server, route.port),
            format!("SMTP, route {} of kind {}", route.name, route.kind.as_str()),
            match route.facts().tls {
                Some(least) => format!("{} or later", least.as_str()),
                None => "not always".to_owned(),
            },
            mechanism(route),
        ]);
    }
    if let Some(callback) = &application.callback {
        rows.push(vec![
            "gateway to application".to_owned(),
            callback.url.clone(),
            "HTTPS callback (Standard Webhooks)".to_owned(),
            "TLS 1.2 or later".to_owned(),
            "signed".to_owned(),
        ]);
    }
    Section {
        title: "Endpoints and protocols",
        heads: &[
            "From and to",
            "Endpoint",
            "Protocol",
            "Encryption",
            "Authentication",
        ],
        rows,
    }
}

/// The mechanism's name, as SASL has it.
fn mechanism(route: &Route) -> String {
    let name = match serde_json::to_value(&route.mechanism) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(serde_json::Value::Object(object)) => object.keys().next().cloned().unwrap_or_default(),
        _ => String::new(),
    };
    name.to_uppercase()
}

fn accounts(entry: &Entry, config: &Config) -> Section {
    let application = &entry.application;
    let pair = |label: &str, text: String| vec![label.to_owned(), text];
    let mut rows = vec![pair("Account", application.account.as_str().to_owned())];
    if let Some(account) = config.account(&application.account) {
        let name = account.display_name.clone();
        let kind = serde_json::to_value(account.kind).unwrap_or_default();
        rows.push(pair("Kind", kind.as_str().unwrap_or_default().to_owned()));
        rows.push(pair(
            "Display name",
            name.unwrap_or_else(|| NOT_GIVEN.to_owned()),
        ));
    }
    let own = |name: &str| {
        let field = Field::find(name);
        let text = field.and_then(|field| (field.get)(application));
        text.unwrap_or_else(|| "none".to_owned())
    };
    rows.push(pair("May also send as", own("send_as")));
    rows.push(pair("Service names", own("service_names")));
    let usernames: Vec<&str> = application
        .passwords
        .iter()
        .map(|password| password.username.as_str())
        .collect();
    rows.push(pair("Usernames at the gateway", usernames.join(", ")));
    rows.push(pair("API keys", application.api_keys.len().to_string()));
    Section {
        title: "Accounts",
        heads: PAIR,
        rows,
    }
}

fn until(expires: Option<Timestamp>, now: Timestamp) -> String {
    match expires {
        None => "without end".to_owned(),
        Some(expires) if now >= expires => format!("{}, lapsed", values::day(expires)),
        Some(expires) => values::day(expires),
    }
}

fn approvals(entry: &Entry, now: Timestamp) -> Section {
    let rows = entry.standing.approvals.iter().map(|one| {
        vec![
            one.kind.as_str().to_owned(),
            one.reference.clone(),
            one.by.clone(),
            one.at.to_date(),
            until(one.expires, now),
        ]
    });
    let mut rows: Vec<_> = rows.collect();
    if let Some(reference) = &entry.base.references.architecture_approval {
        rows.insert(
            0,
            vec![
                "architecture".to_owned(),
                reference.clone(),
                "as the entry says".to_owned(),
                String::new(),
                until(entry.base.approval_expires, now),
            ],
        );
    }
    Section {
        title: "Approvals",
        heads: &["Kind", "Reference", "By", "On", "Until"],
        rows,
    }
}

fn exceptions(entry: &Entry, now: Timestamp) -> Section {
    let rows = entry.application.exceptions.iter().map(|one| {
        vec![
            one.kind.as_str().to_owned(),
            one.reference.clone(),
            one.subject.clone(),
            until(Some(one.expires), now),
        ]
    });
    Section {
        title: "Exceptions",
        heads: &["Kind", "Reference", "Subject", "Until"],
        rows: rows.collect(),
    }
}

fn events(history: &[Event]) -> Section {
    let rows = history.iter().map(|event| {
        vec![
            event.at.to_rfc3339(),
            event.act.as_str().to_owned(),
            event.who.clone(),
            event.why.clone(),
            event.detail.clone(),
        ]
    });
    Section {
        title: "History",
        heads: &["When", "What", "Who", "Why", "Detail"],
        rows: rows.collect(),
    }
}

/// Every field with the clauses that ask for it.
fn evidence(entry: &Entry) -> Section {
    let rows = FIELDS.iter().map(|field| {
        let text = match field.name {
            "approvals" => entry.standing.approvals.len().to_string(),
            "exceptions" => entry.application.exceptions.len().to_string(),
            _ => (field.get)(&entry.application).unwrap_or_else(|| NOT_GIVEN.to_owned()),
        };
        let clauses: Vec<String> = field.clauses.iter().map(ClauseId::to_string).collect();
        vec![field.name.to_owned(), text, clauses.join(", ")]
    });
    Section {
        title: "Evidence by clause",
        heads: &["Field", "Value", "Clauses"],
        rows: rows.collect(),
    }
}

fn markdown(title: &str, about: &str, sections: &[Section]) -> String {
    let mut text = format!("# {}\n\n{}\n", escaped(title), escaped(about));
    for section in sections {
        text.push_str(&format!("\n## {}\n\n", section.title));
        if section.rows.is_empty() {
            text.push_str("None.\n");
            continue;
        }
        text.push_str(&format!("| {} |\n", section.heads.join(" | ")));
        text.push_str(&format!("|{}\n", " --- |".repeat(section.heads.len())));
        for row in &section.rows {
            let cells: Vec<String> = row.iter().map(|cell| escaped(cell)).collect();
            text.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
    }
    text
}

/// As Markdown shows it, whatever stands in it; on one line.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\\' | '|' | '*' | '_' | '[' | ']' | '`' | '#' => {
                safe.push('\\');
                safe.push(char);
            }
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            char if char.is_control() => safe.push(' '),
            char => safe.push(char),
        }
    }
    safe
}
