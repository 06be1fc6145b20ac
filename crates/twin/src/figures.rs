//! The twin in numbers, for whoever watches a test.

use mailward_net::metrics::{Definition, Exposition, Kind};

use crate::accounts::Accounts;
use crate::events::EventLog;
use crate::service::Twin;

/// Everything that the twin counts.
pub static TABLE: &[&Definition] = &[&EVENTS, &ACCOUNTS];

static EVENTS: Definition = Definition {
    name: "mailward_twin_events_total",
    kind: Kind::Counter,
    labels: &["protocol", "kind"],
    help: "Entries of the twin's event log, by protocol and kind.",
    watch: "In a test: what the gateway was refused.",
};

static ACCOUNTS: Definition = Definition {
    name: "mailward_twin_accounts",
    kind: Kind::Gauge,
    labels: &[],
    help: "Accounts of the twin.",
    watch: "",
};

impl Twin {
    /// What it counts, as families that follow those of others.
    pub fn figures(&self) -> impl Fn() -> String + Send + Sync + 'static {
        let (events, accounts) = (self.events.clone(), self.accounts.clone());
        move || text(&events, &accounts)
    }
}

/// What is counted at this moment. Holds no address.
pub(crate) fn text(events: &EventLog, accounts: &Accounts) -> String {
    let mut text = Exposition::new(TABLE);
    for ((protocol, kind), count) in events.counts() {
        text.put(&EVENTS, &[protocol, kind], count as f64);
    }
    let none: [&str; 0] = [];
    text.put(&ACCOUNTS, &none, accounts.all().len() as f64);
    text.into_text()
}
