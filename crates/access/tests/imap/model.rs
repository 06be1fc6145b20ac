//! Many sessions on one folder, thrown by dice, each checked against what its
//! client may believe: numbers shift only when told, UIDs rise, flags and
//! mod-sequences end up the same for all.
//!
//! `MAILWARD_MODEL_STEPS` makes the walk longer, `MAILWARD_MODEL_SEED` takes
//! one way again.

use std::collections::VecDeque;

use mailward_mail::Dice as _;
use mailward_net::SeededDice;

use crate::model_session::{FlagNames, Manner, Moment, Picture, Wrong, hold};
use crate::support::{Bench, Client, profile};

const STEPS: u64 = 800;
const MANNERS: [Manner; 6] = [
    Manner::Plain,
    Manner::Plain,
    Manner::CondStore,
    Manner::QResync,
    Manner::QResync,
    Manner::Plain,
];
/// Lines of a failing session that are shown.
const TRACE_LINES: usize = 60;
const FLAGS: [&str; 5] = ["\\Seen", "\\Deleted", "\\Flagged", "\\Answered", "later"];

struct Session {
    client: Client,
    picture: Picture,
    is_selected: bool,
    is_idle: bool,
    /// Left the folder with this in mind.
    before: Option<Picture>,
    trace: VecDeque<String>,
}

/// A command, what it allows, and what it does to the client's own picture.
struct Act {
    text: String,
    moment: Moment,
    then: Then,
}

enum Then {
    Nothing,
    Selected,
    /// SELECT without asking, to ask by UID FETCH afterwards.
    SelectedFirst,
    CaughtUp,
    Left,
    Idle,
    /// STORE .SILENT: places, whether to add, remove or replace, and flags.
    Silently(Vec<usize>, char, FlagNames),
}

impl Act {
    fn new(text: impl Into<String>, moment: Moment) -> Self {
        Self {
            text: text.into(),
            moment,
            then: Then::Nothing,
        }
    }

    fn then(self, then: Then) -> Self {
        Self { then, ..self }
    }
}

impl Session {
    async fn enter(bench: &Bench, manner: Manner) -> Self {
        let mut client = bench.enter().await;
        let enable = match manner {
            Manner::Plain => None,
            Manner::CondStore => Some("CONDSTORE"),
            Manner::QResync => Some("QRESYNC"),
        };
        if let Some(enable) = enable {
            client.command(&format!("e ENABLE {enable}")).await;
        }
        Self {
            client,
            picture: Picture::new(manner),
            is_selected: false,
            is_idle: false,
            before: None,
            trace: VecDeque::new(),
        }
    }

    fn note(&mut self, line: &str) {
        if self.trace.len() == TRACE_LINES {
            self.trace.pop_front();
        }
        self.trace.push_back(line.to_owned());
    }

    /// What this client does next.
    fn choose(&self, dice: &SeededDice) -> Act {
        if self.is_idle {
            return Act::new("DONE", Moment::Any);
        }
        if !self.is_selected {
            if self.before.is_some() && dice.below(3) == 0 {
                let act = Act::new("t SELECT INBOX", Moment::Selecting);
                return act.then(Then::SelectedFirst);
            }
            let text = match &self.before {
                Some(before) => format!(
                    "t SELECT INBOX (QRESYNC ({} {}))",
                    before.uid_validity, before.highest_modseq
                ),
                _ => "t SELECT INBOX".to_owned(),
            };
            return Act::new(text, Moment::Selecting).then(Then::Selected);
        }
        if let Some(before) = &self.before {
            let since = before.highest_modseq;
            let text = format!("t UID FETCH 1:* (FLAGS) (CHANGEDSINCE {since} VANISHED)");
            return Act::new(text, Moment::Fetching).then(Then::CaughtUp);
        }
        let unknown = self.picture.uids().iter().any(Option::is_none);
        if self.picture.manner == Manner::QResync && unknown {
            // VANISHED means nothing to who does not know the UIDs.
            return Act::new("t UID FETCH 1:* (UID FLAGS)", Moment::Fetching);
        }
        let message = "Subject: x\r\n\r\nbody";
        let octets = message.len();
        let append = || {
            let flag = FLAGS[below(dice, FLAGS.len())];
            let text = format!("t APPEND INBOX ({flag}) {{{octets}+}}\r\n{message}");
            Act::new(text, Moment::Any)
        };
        if self.picture.messages.is_empty() {
            return append();
        }
        let places = self.places(dice);
        let (uid, set) = self.set(dice, &places);
        match dice.below(100) {
            0..12 => Act::new("t NOOP", Moment::Any),
            12..24 => Act::new(format!("t {uid}FETCH {set} (UID FLAGS)"), Moment::Fetching),
            24..28 => Act::new(format!("t {uid}FETCH {set} BODY[]"), Moment::Fetching),
            28..54 => self.store(dice, places, uid, &set),
            54..58 => Act::new(format!("t {uid}SEARCH FLAGGED"), Moment::NumbersStay),
            58..66 => Act::new("t EXPUNGE", Moment::Any),
            66..69 => Act::new(
                format!("t UID EXPUNGE {}", self.uid_set(&places)),
                Moment::Any,
            ),
            69..84 => append(),
            84..88 => Act::new(format!("t {uid}COPY {set} INBOX"), Moment::Any),
            88..91 => Act::new(format!("t {uid}MOVE {set} Drafts"), Moment::Any),
            91..93 => Act::new("t CLOSE", Moment::NumbersStay).then(Then::Left),
            93..96 => Act::new("t UNSELECT", Moment::NumbersStay).then(Then::Left),
            _ => Act::new("t IDLE", Moment::Any).then(Then::Idle),
        }
    }

    fn store(&self, dice: &SeededDice, places: Vec<usize>, uid: &str, set: &str) -> Act {
        let sign = ['+', '-', ' '][below(dice, 3)];
        let flag = FLAGS[below(dice, FLAGS.len())];
        let with_condition = self.picture.manner != Manner::Plain && dice.below(4) == 0;
        let silent = !with_condition && dice.below(3) == 0;
        let condition = if with_condition {
            format!("(UNCHANGEDSINCE {}) ", self.picture.highest_modseq)
        } else {
            String::new()
        };
        let name = if silent { "FLAGS.SILENT" } else { "FLAGS" };
        let sign_text = sign.to_string();
        let text = format!(
            "t {uid}STORE {set} {condition}{}{name} ({flag})",
            sign_text.trim()
        );
        let act = Act::new(text, Moment::NumbersStay);
        if !silent {
            return act;
        }
        let flags = FlagNames::from([flag.to_owned()]);
        act.then(Then::Silently(places, sign, flags))
    }

    /// One to five places next to each other.
    fn places(&self, dice: &SeededDice) -> Vec<usize> {
        let count = self.picture.messages.len();
        let first = below(dice, count);
        let last = (first + below(dice, 5)).min(count - 1);
        (first..=last).collect()
    }

    /// The places as numbers, or as UIDs where all are known.
    fn set(&self, dice: &SeededDice, places: &[usize]) -> (&'static str, String) {
        let all_known = places
            .iter()
            .all(|place| self.picture.messages[*place].uid.is_some());
        if all_known && dice.below(2) == 0 {
            return ("UID ", self.uid_set(places));
        }
        let numbers: Vec<String> = places.iter().map(|place| (place + 1).to_string()).collect();
        ("", numbers.join(","))
    }

    fn uid_set(&self, places: &[usize]) -> String {
        let uids: Vec<String> = places
            .iter()
            .filter_map(|place| self.picture.messages[*place].uid)
            .map(|uid| uid.to_string())
            .collect();
        if uids.is_empty() {
            "1".to_owned()
        } else {
            uids.join(",")
        }
    }

    async fn say(&mut self, act: &Act) {
        let text = format!("{}\r\n", act.text);
        self.note(&act.text);
        self.client.send(&text).await;
    }

    /// Reads the answer to what was said.
    async fn hear(&mut self, act: Act) -> Result<(), Wrong> {
        if let Then::Idle = act.then {
            while !self.is_idle {
                let line = self.client.line().await;
                self.note(&line);
                self.is_idle = line.starts_with("+ ");
                let took = self.picture.take(&line, act.moment);
                took.map_err(|wrong| format!("{wrong}: {line}"))?;
            }
            return Ok(());
        }
        self.is_idle = false;
        if let Then::Silently(places, sign, flags) = &act.then {
            self.store_silently(places, *sign, flags);
        }
        let before = match act.then {
            Then::SelectedFirst => None,
            _ => self.before.take(),
        };
        if let Then::Selected | Then::SelectedFirst = act.then {
            self.picture.messages.clear();
        }
        let counted = self.picture.messages.len();
        let lines = self.client.until("t").await;
        for line in &lines {
            self.note(line);
        }
        let (last, told) = lines.split_last().ok_or("no answer")?;
        for line in told {
            let resynchronises = matches!(act.then, Then::Selected | Then::CaughtUp)
                && before.is_some()
                && (line.contains(" FETCH (") || line.starts_with("* VANISHED"));
            if !resynchronises {
                let took = self.picture.take(line, act.moment);
                took.map_err(|wrong| format!("{wrong}: {line}"))?;
            }
        }
        let took = self.picture.completed(last);
        took.map_err(|wrong| format!("{wrong}: {last}"))?;
        match act.then {
            Then::Selected => {
                self.is_selected = true;
                if let Some(before) = before {
                    self.picture.resynchronised(&before, told)?;
                }
            }
            Then::SelectedFirst => self.is_selected = true,
            Then::CaughtUp => {
                let new = self.picture.messages.split_off(counted);
                let before = before.ok_or("nothing to catch up from")?;
                self.picture.resynchronised(&before, &lines)?;
                self.picture.messages.extend(new);
            }
            Then::Left => {
                self.is_selected = false;
                let asks = self.picture.manner == Manner::QResync;
                self.before = asks.then(|| self.picture.clone());
            }
            _ => {}
        }
        Ok(())
    }

    /// A client that asks not to be told reckons for itself.
    fn store_silently(&mut self, places: &[usize], sign: char, flags: &FlagNames) {
        for place in places {
            if let Some(known) = &mut self.picture.messages[*place].flags {
                match sign {
                    '+' => known.extend(flags.iter().cloned()),
                    '-' => known.retain(|flag| !flags.contains(flag)),
                    _ => known.clone_from(flags),
                }
            }
        }
    }

    async fn act(&mut self, act: Act) -> Result<(), Wrong> {
        self.say(&act).await;
        self.hear(act).await
    }

    /// Brings the client to where it was told everything.
    async fn settle(&mut self) -> Result<(), Wrong> {
        if self.is_idle {
            self.act(Act::new("DONE", Moment::Any)).await?;
        }
        if !self.is_selected {
            return Ok(());
        }
        self.act(Act::new("t NOOP", Moment::Any)).await
    }
}

fn below(dice: &SeededDice, count: usize) -> usize {
    usize::try_from(dice.below(count as u64)).unwrap_or(0)
}

/// Everybody knows the same, and it is what is there.
async fn agree(bench: &Bench, sessions: &mut [Session]) -> Result<(), Wrong> {
    for session in sessions.iter_mut() {
        session.settle().await?;
    }
    let mut truth = Session::enter(bench, Manner::CondStore).await;
    truth
        .act(Act::new("t SELECT INBOX", Moment::Selecting).then(Then::Selected))
        .await?;
    let all = "t UID FETCH 1:* (UID FLAGS)";
    truth.act(Act::new(all, Moment::Fetching)).await?;
    for (index, session) in sessions.iter().enumerate() {
        if !session.is_selected {
            continue;
        }
        let (knows, is) = (&session.picture.messages, &truth.picture.messages);
        hold!(
            knows.len() == is.len(),
            "session {index} counts {}, there are {}",
            knows.len(),
            is.len()
        );
        for (number, (knows, is)) in (1..).zip(knows.iter().zip(is)) {
            hold!(
                knows.uid.is_none_or(|uid| Some(uid) == is.uid)
                    && (knows.flags.is_none() || knows.flags == is.flags),
                "session {index} knows {knows:?} as number {number}, which is {is:?}"
            );
        }
    }
    Ok(())
}

async fn step(
    bench: &Bench,
    sessions: &mut [Session],
    dice: &SeededDice,
    number: u64,
) -> Result<(), Wrong> {
    if number % 100 == 99 {
        return agree(bench, sessions).await;
    }
    let one = below(dice, sessions.len());
    let act = sessions[one].choose(dice);
    // Now and then two speak before either is answered.
    let other = below(dice, sessions.len());
    if dice.below(5) > 0 || other == one {
        return sessions[one].act(act).await;
    }
    let other_act = sessions[other].choose(dice);
    sessions[one].say(&act).await;
    sessions[other].say(&other_act).await;
    sessions[one].hear(act).await?;
    sessions[other].hear(other_act).await
}

async fn walk(bench: Bench, seed: u64) {
    let dice = SeededDice::new(seed);
    let mut sessions = Vec::new();
    for manner in MANNERS {
        sessions.push(Session::enter(&bench, manner).await);
    }
    let steps = from_environment("MAILWARD_MODEL_STEPS").unwrap_or(STEPS);
    for number in 0..steps {
        if let Err(wrong) = step(&bench, &mut sessions, &dice, number).await {
            let traces: Vec<String> = (0..).zip(&sessions).map(trace).collect();
            panic!("{}\nseed {seed}, step {number}: {wrong}", traces.join("\n"));
        }
    }
}

fn trace((index, session): (usize, &Session)) -> String {
    let lines: Vec<&str> = session.trace.iter().map(String::as_str).collect();
    format!(
        "session {index}, {:?}:\n  {}",
        session.picture.manner,
        lines.join("\n  ")
    )
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[tokio::test]
async fn sessions_agree_in_memory() {
    let seeds = match from_environment("MAILWARD_MODEL_SEED") {
        Some(seed) => seed..=seed,
        None => 1..=4,
    };
    for seed in seeds {
        walk(Bench::in_memory(profile().full()).await, seed).await;
    }
}

#[tokio::test]
async fn sessions_agree_over_a_store() {
    let seed = from_environment("MAILWARD_MODEL_SEED").unwrap_or(5);
    walk(Bench::with(profile().full()).await, seed).await;
}
