//! Modes: named sets of faults that are switched on and off together.

use serde::{Deserialize, Serialize};

use super::{
    ActionSpec, Credential, FaultError, FaultSpec, FaultView, Faults, LifetimeSpec, MatchSpec,
    Protocol, Scope,
};

/// The modes there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Name {
    /// Nobody answers: connections end as they come.
    Outage,
    /// The service is slow, and busy for some.
    Degraded,
    /// Passwords are refused, as they will be once their day has come.
    EnforcementRehearsal,
}

impl Name {
    pub const ALL: [Self; 3] = [Self::Outage, Self::Degraded, Self::EnforcementRehearsal];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Outage => "outage",
            Self::Degraded => "degraded",
            Self::EnforcementRehearsal => "enforcement-rehearsal",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// One sentence for a banner.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Outage => "The service is down",
            Self::Degraded => "The service is slow and busy",
            Self::EnforcementRehearsal => "Password sign-in is refused",
        }
    }
}

/// How a mode is switched on.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModeSpec {
    /// Those with a connection; all of them when empty.
    #[serde(default)]
    pub protocols: Vec<Protocol>,
    /// Its end; without one it stays until it is switched off.
    #[serde(default)]
    pub lifetime: LifetimeSpec,
    /// Of degraded: how slow, 5 when absent.
    #[serde(default)]
    pub delay_seconds: Option<u64>,
    /// Of degraded: how many of a hundred are turned away, 20 when absent.
    #[serde(default)]
    pub busy_percent: Option<u8>,
}

/// A mode as it stands.
#[derive(Clone, Debug, Serialize)]
pub struct ModeView {
    pub name: Name,
    pub on: bool,
    pub says: &'static str,
    pub faults: Vec<FaultView>,
}

impl Faults {
    /// All modes, those that are off as well.
    pub fn modes(&self) -> Vec<ModeView> {
        let all = self.list();
        Name::ALL
            .into_iter()
            .map(|name| {
                let own = all.iter().filter(|view| view.mode == Some(name));
                let faults: Vec<FaultView> = own.cloned().collect();
                ModeView {
                    name,
                    on: !faults.is_empty(),
                    says: name.sentence(),
                    faults,
                }
            })
            .collect()
    }

    /// Switches a mode on, or on anew with other wishes.
    pub fn switch_on(&self, name: Name, spec: &ModeSpec) -> Result<(), FaultError> {
        let wrong = |field, problem: &str| FaultError {
            fault: name.as_str().to_owned(),
            field,
            problem: problem.to_owned(),
        };
        if spec.lifetime.times.is_some() {
            return Err(wrong("lifetime.times", "a mode ends by seconds or until"));
        }
        let lines: Vec<Protocol> = Protocol::ALL
            .into_iter()
            .filter(|one| one.has_line())
            .collect();
        if spec.protocols.iter().any(|one| !lines.contains(one)) {
            let known: Vec<&str> = lines.iter().map(|one| one.as_str()).collect();
            let problem = format!("write some of {}", known.join(", "));
            return Err(wrong("protocols", &problem));
        }
        let chosen = if spec.protocols.is_empty() {
            lines
        } else {
            spec.protocols.clone()
        };
        let mut faults = Vec::new();
        for protocol in chosen {
            faults.extend(of(name, protocol, spec));
        }
        for (index, fault) in faults.iter_mut().enumerate() {
            fault.id = format!("{}-{}", name.as_str(), index + 1);
            fault.lifetime = spec.lifetime;
            fault.note = Some(name.sentence().to_owned());
        }
        for fault in &faults {
            fault.check()?;
        }
        self.switch_off(name);
        self.put(faults, Some(name)).map(|_| ())
    }

    /// Whether it was on.
    pub fn switch_off(&self, name: Name) -> bool {
        self.retain(|rule| rule.mode != Some(name)) > 0
    }
}

fn of(name: Name, protocol: Protocol, spec: &ModeSpec) -> Vec<FaultSpec> {
    match name {
        Name::Outage => {
            let mut matching = MatchSpec::of(scope(protocol), "connect");
            // A session that is under way breaks at its next command.
            matching.stage = None;
            vec![fault(matching, ActionSpec::Close)]
        }
        Name::Degraded => degraded(protocol, spec),
        Name::EnforcementRehearsal => rehearsal(protocol),
    }
}

fn degraded(protocol: Protocol, spec: &ModeSpec) -> Vec<FaultSpec> {
    let seconds = spec.delay_seconds.unwrap_or(5);
    let (stage, busy) = match protocol {
        Protocol::Http => (
            "request",
            vec![
                ActionSpec::Status {
                    code: 429,
                    retry_after: Some(10),
                    detail: None,
                },
                ActionSpec::Status {
                    code: 503,
                    retry_after: Some(30),
                    detail: None,
                },
            ],
        ),
        // Clients of mailboxes know no words for it: some connections break.
        Protocol::Imap | Protocol::Pop => ("command", vec![ActionSpec::Close]),
        _ => (
            "mail",
            vec![reply("451 4.3.2 System not accepting network messages")],
        ),
    };
    let slow = ActionSpec::Delay { seconds };
    let mut faults = vec![fault(MatchSpec::of(scope(protocol), stage), slow)];
    for action in busy {
        let mut busy = fault(MatchSpec::of(scope(protocol), stage), action);
        busy.percent = Some(spec.busy_percent.unwrap_or(20));
        faults.push(busy);
    }
    faults
}

/// The words of the days on which passwords end: mailboxes in May 2023, SMTP at
/// the end of 2026.
fn rehearsal(protocol: Protocol) -> Vec<FaultSpec> {
    let words = match protocol {
        Protocol::Imap => "NO Basic authentication is disabled.",
        Protocol::Pop => "-ERR Basic authentication is disabled",
        Protocol::Submission | Protocol::HighSending => {
            "535 5.7.139 Authentication unsuccessful, basic authentication is disabled."
        }
        _ => return Vec::new(),
    };
    let mut matching = MatchSpec::of(scope(protocol), "auth");
    matching.credential = Some(Credential::Password);
    vec![fault(matching, reply(words))]
}

fn fault(matching: MatchSpec, action: ActionSpec) -> FaultSpec {
    FaultSpec {
        id: String::new(),
        note: None,
        matching,
        action,
        lifetime: LifetimeSpec::default(),
        percent: None,
        seed: None,
    }
}

fn reply(text: &str) -> ActionSpec {
    ActionSpec::Reply {
        text: text.to_owned(),
    }
}

fn scope(protocol: Protocol) -> Scope {
    match protocol {
        Protocol::Submission => Scope::Submission,
        Protocol::HighSending => Scope::HighSending,
        Protocol::Relay => Scope::Relay,
        Protocol::Catch => Scope::Catch,
        Protocol::Imap => Scope::Imap,
        Protocol::Pop => Scope::Pop,
        Protocol::Http => Scope::Http,
        Protocol::Dns => Scope::Dns,
        Protocol::Delivery => Scope::Delivery,
    }
}
