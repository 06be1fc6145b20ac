//! Faults as data: what to do to whom, when, and how often.
//!
//! ```text
//!   seed, --faults FILE, control API ─▶ Faults ─┐
//!   modes ─ named sets of them ────────▲        │ strike(situation)
//!                                               ▼
//!   smtp (service, dialect)   imap, pop (host)   http (layer)   delivery   dns
//!                      └── line: hold back, slow down, cut off ──┘
//! ```
//!
//! Rules are tried in order. A delay or a throttle adds to what comes after
//! it; the first rule that does more ends the search. Without rules a question
//! costs one look at a number.

mod check;
mod dialect;
mod http;
mod line;
pub mod magic;
pub mod modes;
pub mod scenarios;
mod smtp;
mod spec;
mod stage;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mailward_mail::{Address, Clock, Dice, Timestamp};
use mailward_net::SeededDice;
use serde::Serialize;

pub(crate) use self::check::reply;
pub(crate) use self::dialect::FaultyDialect;
pub(crate) use self::http::{HttpFaults, layer};
pub(crate) use self::line::{Line, LineTap};
pub use self::scenarios::{Scenario, ScenarioFile};
pub(crate) use self::smtp::Faulty;
pub use self::spec::{ActionSpec, Credential, FaultError, FaultSpec, LifetimeSpec, MatchSpec};
use self::spec::{fits, fits_address};
pub use self::stage::{Protocol, Scope};
use crate::events::EventLog;
use crate::own::{Changing, Own};

/// Faults at once; a file or a mode with more is refused.
pub const FAULTS_MAX: usize = 1000;

/// Faults that a notice names; more are counted.
const NOTICE_NAMES_MAX: usize = 10;

/// What a client does at this moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Situation<'a> {
    pub(crate) protocol: Protocol,
    pub(crate) stage: &'static str,
    pub(crate) account: Option<&'a str>,
    pub(crate) sender: Option<&'a str>,
    pub(crate) recipients: &'a [Address],
    pub(crate) credential: Option<Credential>,
    pub(crate) command: Option<&'a str>,
    pub(crate) method: Option<&'a str>,
    pub(crate) path: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
}

impl Situation<'_> {
    pub(crate) fn of(protocol: Protocol, stage: &'static str) -> Self {
        Self {
            protocol,
            stage,
            account: None,
            sender: None,
            recipients: &[],
            credential: None,
            command: None,
            method: None,
            path: None,
            name: None,
        }
    }
}

/// What is to be done about it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Strike {
    pub(crate) delay: Duration,
    pub(crate) octets_per_second: Option<u64>,
    /// What ends the matter.
    pub(crate) action: Option<ActionSpec>,
}

/// All faults that are set. Clones share them.
#[derive(Clone)]
pub struct Faults(Arc<Inner>);

struct Inner {
    rules: Own<Rules>,
    /// How many rules there are: a look at this is all that it costs when
    /// there are none.
    count: AtomicUsize,
    events: EventLog,
    clock: Arc<dyn Clock>,
    dice: Arc<dyn Dice>,
}

/// All of them, and how often each has struck.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    rules: Vec<Rule>,
    /// For the ids that are made.
    made: u64,
}

#[derive(Clone, Debug)]
struct Rule {
    spec: FaultSpec,
    /// The mode that it belongs to.
    mode: Option<modes::Name>,
    set: Timestamp,
    until: Option<Timestamp>,
    chance: Option<SeededDice>,
    seen: u64,
    struck: u64,
}

/// A fault as it stands.
#[derive(Clone, Debug, Serialize)]
pub struct FaultView {
    #[serde(flatten)]
    pub spec: FaultSpec,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<modes::Name>,
    pub set: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Situations that it matched.
    pub seen: u64,
    /// How often it struck.
    pub struck: u64,
}

impl Faults {
    pub(crate) fn new(events: EventLog, clock: Arc<dyn Clock>, dice: Arc<dyn Dice>) -> Self {
        Self(Arc::new(Inner {
            rules: Own::default(),
            count: AtomicUsize::new(0),
            events,
            clock,
            dice,
        }))
    }

    /// All rules as they stand.
    pub(crate) fn image(&self) -> Arc<Rules> {
        self.0.rules.image()
    }

    pub(crate) fn adopt(&self, image: &Arc<Rules>) {
        self.0.rules.adopt(image);
        self.0.count.store(image.rules.len(), Ordering::Release);
    }

    /// Whether anything may be struck at all.
    pub(crate) fn is_any(&self) -> bool {
        self.0.count.load(Ordering::Acquire) > 0
    }

    /// Sets faults, all or none. One of an id that is known takes the other's
    /// place and begins anew.
    pub fn set(&self, specs: Vec<FaultSpec>) -> Result<Vec<FaultView>, FaultError> {
        self.put(specs, None)
    }

    fn put(
        &self,
        mut specs: Vec<FaultSpec>,
        mode: Option<modes::Name>,
    ) -> Result<Vec<FaultView>, FaultError> {
        for (index, spec) in specs.iter().enumerate() {
            spec.check().map_err(|error| FaultError {
                fault: if spec.id.is_empty() {
                    format!("number {}", index + 1)
                } else {
                    error.fault
                },
                ..error
            })?;
        }
        let now = self.0.clock.now();
        let mut rules = self.lock();
        rules.prune(now);
        if rules.rules.len() + specs.len() > FAULTS_MAX {
            return Err(FaultError {
                fault: specs.last().map(|spec| spec.id.clone()).unwrap_or_default(),
                field: "id",
                problem: format!("there may be {FAULTS_MAX} faults at once; remove some"),
            });
        }
        let mut views = Vec::new();
        for spec in &mut specs {
            if spec.id.is_empty() {
                spec.id = rules.next_id();
            }
            let rule = Rule::new(spec.clone(), mode, now, &*self.0.dice);
            views.push(rule.view());
            match rules.rules.iter_mut().find(|one| one.spec.id == spec.id) {
                Some(one) => *one = rule,
                None => rules.rules.push(rule),
            }
        }
        self.count(&rules);
        drop(rules);
        for view in &views {
            let why = format!("{}: {}", view.spec.id, view.spec.action.as_str());
            self.0.events.add("control", "fault_set", None, why, None);
        }
        Ok(views)
    }

    /// Those that still may strike, in the order in which they are tried.
    pub fn list(&self) -> Vec<FaultView> {
        let now = self.0.clock.now();
        let mut rules = self.lock();
        // Looking alone changes nothing that an image shares.
        if rules.has_any_over(now) {
            rules.prune(now);
            self.count(&rules);
        }
        rules.rules.iter().map(Rule::view).collect()
    }

    /// What people must know, in a sentence or two; nothing while all is sound.
    pub fn notice(&self) -> Option<String> {
        if !self.is_any() {
            return None;
        }
        let all = self.list();
        let modes = modes::Name::ALL.into_iter();
        let modes = modes.filter(|name| all.iter().any(|view| view.mode == Some(*name)));
        let mut sentences: Vec<String> = modes
            .map(|name| format!("{} ({}).", name.sentence(), name.as_str()))
            .collect();
        let own: Vec<&str> = all
            .iter()
            .filter(|view| view.mode.is_none())
            .map(|view| view.spec.id.as_str())
            .collect();
        if !own.is_empty() {
            let named = own[..own.len().min(NOTICE_NAMES_MAX)].join(", ");
            let more = own.len().saturating_sub(NOTICE_NAMES_MAX);
            sentences.push(match more {
                0 => format!("The twin plays {named}."),
                more => format!("The twin plays {named} and {more} more."),
            });
        }
        (!sentences.is_empty()).then(|| sentences.join(" "))
    }

    pub fn find(&self, id: &str) -> Option<FaultView> {
        self.list().into_iter().find(|view| view.spec.id == id)
    }

    /// Whether it was there.
    pub fn remove(&self, id: &str) -> bool {
        self.retain(|rule| rule.spec.id != id) > 0
    }

    /// How many there were. Modes stay.
    pub fn clear(&self) -> usize {
        self.retain(|rule| rule.mode.is_some())
    }

    fn retain(&self, keep: impl Fn(&Rule) -> bool) -> usize {
        let mut rules = self.lock();
        let (kept, removed): (Vec<Rule>, Vec<Rule>) = std::mem::take(&mut rules.rules)
            .into_iter()
            .partition(|rule| keep(rule));
        rules.rules = kept;
        self.count(&rules);
        drop(rules);
        for rule in &removed {
            let id = rule.spec.id.as_str();
            self.0
                .events
                .add("control", "fault_removed", None, id, None);
        }
        removed.len()
    }

    /// What strikes here, if anything. Counts it.
    pub(crate) fn strike(&self, situation: &Situation<'_>) -> Option<Strike> {
        if !self.is_any() {
            return None;
        }
        let now = self.0.clock.now();
        let mut strike = Strike::default();
        let mut struck = Vec::new();
        let mut rules = self.lock();
        rules.prune(now);
        for rule in &mut rules.rules {
            if !rule.strikes(situation) {
                continue;
            }
            struck.push((rule.spec.id.clone(), rule.spec.action.as_str()));
            match &rule.spec.action {
                ActionSpec::Delay { seconds } => strike.delay += Duration::from_secs(*seconds),
                ActionSpec::Throttle { octets_per_second } => {
                    strike.octets_per_second = Some(*octets_per_second);
                }
                other => {
                    strike.action = Some(other.clone());
                    break;
                }
            }
        }
        rules.prune(now);
        self.count(&rules);
        drop(rules);
        for (id, action) in &struck {
            let who = situation.account.or_else(|| {
                let only = situation.recipients.first();
                only.map(Address::as_str)
            });
            let why = format!("{id}: {action} at {}", situation.stage);
            let protocol = situation.protocol.as_str();
            self.0.events.add(protocol, "fault", who, why, None);
        }
        (!struck.is_empty()).then_some(strike)
    }

    fn count(&self, rules: &Rules) {
        self.0.count.store(rules.rules.len(), Ordering::Release);
    }

    fn lock(&self) -> Changing<'_, Rules> {
        self.0.rules.write()
    }
}

impl Rules {
    fn prune(&mut self, now: Timestamp) {
        self.rules.retain(|rule| !rule.is_over(now));
    }

    fn has_any_over(&self, now: Timestamp) -> bool {
        self.rules.iter().any(|rule| rule.is_over(now))
    }

    fn next_id(&mut self) -> String {
        loop {
            self.made += 1;
            let id = format!("fault-{}", self.made);
            if self.rules.iter().all(|rule| rule.spec.id != id) {
                return id;
            }
        }
    }
}

impl Rule {
    fn new(
        mut spec: FaultSpec,
        mode: Option<modes::Name>,
        now: Timestamp,
        dice: &dyn Dice,
    ) -> Self {
        let ends = spec
            .lifetime
            .seconds
            .map(|seconds| now.plus(Duration::from_secs(seconds)));
        let until = match (ends, spec.lifetime.until) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let chance = spec.percent.map(|_| {
            // Small enough for every reader of JSON.
            let seed = *spec.seed.get_or_insert_with(|| dice.next_u64() >> 12);
            SeededDice::new(seed)
        });
        Self {
            spec,
            mode,
            set: now,
            until,
            chance,
            seen: 0,
            struck: 0,
        }
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
            || self
                .spec
                .lifetime
                .times
                .is_some_and(|times| self.struck >= times)
    }

    /// Counts the situation if it matches, and says whether it is struck.
    fn strikes(&mut self, situation: &Situation<'_>) -> bool {
        if !matches(&self.spec.matching, situation) {
            return false;
        }
        self.seen += 1;
        let matching = &self.spec.matching;
        let by_count = matching.nth.is_none_or(|nth| self.seen == nth)
            && matching
                .every
                .is_none_or(|every| self.seen.is_multiple_of(every));
        let by_chance = match (&self.chance, self.spec.percent) {
            (Some(chance), Some(percent)) => chance.below(100) < u64::from(percent),
            _ => true,
        };
        let strikes = by_count && by_chance;
        self.struck += u64::from(strikes);
        strikes
    }

    fn view(&self) -> FaultView {
        FaultView {
            spec: self.spec.clone(),
            mode: self.mode,
            set: self.set,
            until: self.until,
            seen: self.seen,
            struck: self.struck,
        }
    }
}

fn matches(spec: &MatchSpec, situation: &Situation<'_>) -> bool {
    let text = |wanted: &Option<String>, found: Option<&str>| match wanted {
        None => true,
        Some(pattern) => found.is_some_and(|found| fits(pattern, found)),
    };
    let recipient = |pattern: &String| {
        let mut all = situation.recipients.iter();
        all.any(|address| fits_address(pattern, address))
    };
    spec.protocol.covers(situation.protocol)
        && spec
            .stage
            .as_deref()
            .is_none_or(|stage| stage == situation.stage)
        && text(&spec.account, situation.account)
        && text(&spec.sender, situation.sender)
        && spec.recipient.as_ref().is_none_or(recipient)
        && spec
            .credential
            .is_none_or(|one| situation.credential == Some(one))
        && text(&spec.command, situation.command)
        && text(&spec.method, situation.method)
        && text(&spec.path, situation.path)
        && text(&spec.name, situation.name)
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.count.load(Ordering::Acquire);
        f.debug_struct("Faults")
            .field("count", &count)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mailward_net::{ShiftedClock, SystemClock};

    use super::*;

    fn faults() -> (Faults, Arc<ShiftedClock>) {
        let clock = Arc::new(ShiftedClock::new(Arc::new(SystemClock)));
        let events = EventLog::new(Arc::clone(&clock) as Arc<dyn Clock>);
        let dice = Arc::new(SeededDice::new(1));
        let faults = Faults::new(events, Arc::clone(&clock) as Arc<dyn Clock>, dice);
        (faults, clock)
    }

    fn set(faults: &Faults, text: &str) {
        let spec = serde_json::from_str(text).expect("a fault");
        faults.set(vec![spec]).expect("a sound fault");
    }

    /// Which of so many RCPTs to `who` are struck, as digits from 1.
    fn struck(faults: &Faults, who: &str, times: usize) -> String {
        let who = Address::parse(who).expect("an address");
        let situation = Situation {
            recipients: std::slice::from_ref(&who),
            ..Situation::of(Protocol::Submission, "rcpt")
        };
        let hits = (1..=times).filter(|_| {
            let strike = faults.strike(&situation);
            strike.is_some_and(|strike| strike.action.is_some())
        });
        hits.map(|nth| nth.to_string()).collect()
    }

    #[test]
    fn counts_and_lifetimes_hold() {
        let cases = [
            (r#""nth": 3"#, "", "3"),
            (r#""every": 2"#, "", "246"),
            (r#""every": 2"#, r#""lifetime": {"times": 2},"#, "24"),
            (
                r#""recipient": "WARD@*""#,
                r#""lifetime": {"times": 1},"#,
                "1",
            ),
            (r#""recipient": "other@*""#, "", ""),
            (r#""stage": "data""#, "", ""),
            (r#""account": "*""#, "", ""),
        ];
        for (matching, more, expected) in cases {
            let (faults, _) = faults();
            let stage = if matching.contains("stage") {
                ""
            } else {
                r#""stage": "rcpt","#
            };
            set(
                &faults,
                &format!(
                    r#"{{"match": {{"protocol": "smtp", {stage} {matching}}}, {more} "action": {{"kind": "close"}}}}"#
                ),
            );
            let found = struck(&faults, "ward@northmoor.example", 6);
            assert_eq!(found, expected, "{matching} {more}");
        }
    }

    #[test]
    fn time_ends_a_fault_and_the_last_one_costs_nothing() {
        let (faults, clock) = faults();
        set(
            &faults,
            r#"{"id": "a", "match": {"protocol": "submission"}, "action": {"kind": "reset"}, "lifetime": {"seconds": 60}}"#,
        );
        assert_eq!(struck(&faults, "ward@northmoor.example", 2), "12");
        clock.advance(Duration::from_secs(61));
        assert_eq!(struck(&faults, "ward@northmoor.example", 2), "");
        assert!(!faults.is_any() && faults.list().is_empty() && faults.notice().is_none());
    }

    #[test]
    fn the_same_seed_strikes_the_same() {
        let play = |seed: u64| {
            let (faults, _) = faults();
            set(
                &faults,
                &format!(
                    r#"{{"match": {{"protocol": "submission"}}, "percent": 30, "seed": {seed}, "action": {{"kind": "close"}}}}"#
                ),
            );
            struck(&faults, "ward@northmoor.example", 60)
        };
        assert_eq!(play(5), play(5));
        assert_ne!(play(5), play(6));
        assert!(!play(5).is_empty());
    }

    #[test]
    fn a_delay_adds_to_what_follows() {
        let (faults, _) = faults();
        for text in [
            r#"{"match": {"protocol": "submission"}, "action": {"kind": "delay", "seconds": 5}}"#,
            r#"{"match": {"protocol": "submission"}, "action": {"kind": "throttle", "octets_per_second": 9}}"#,
            r#"{"match": {"protocol": "submission"}, "action": {"kind": "close"}}"#,
            r#"{"match": {"protocol": "submission"}, "action": {"kind": "reset"}}"#,
        ] {
            set(&faults, text);
        }
        let situation = Situation::of(Protocol::Submission, "mail");
        let strike = faults.strike(&situation).expect("a strike");
        assert_eq!(strike.delay, Duration::from_secs(5));
        assert_eq!(strike.octets_per_second, Some(9));
        assert_eq!(strike.action, Some(ActionSpec::Close));
        let mode = modes::ModeSpec::default();
        faults
            .switch_on(modes::Name::Outage, &mode)
            .expect("a mode");
        assert_eq!(faults.clear(), 4);
        assert!(faults.notice().is_some_and(|text| text.contains("outage")));
        assert!(faults.switch_off(modes::Name::Outage) && faults.list().is_empty());
    }
}
