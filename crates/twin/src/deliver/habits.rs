//! What the holder of a mailbox does by habit: answers while away, and reads.
//! Set over the control API, kept through restarts.

use std::collections::HashMap;
use std::sync::Arc;

use mailward_mail::{Address, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::TwinError;
use crate::kept::{Kept, Kind};
use crate::own::Own;

/// Senders that one period of absence remembers; beyond, nobody is answered.
const TOLD_MAX: usize = 10_000;

/// An automatic reply (out of office).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AutoReply {
    pub text: String,
    /// For senders outside the organisation; the same text when absent.
    #[serde(default)]
    pub external_text: Option<String>,
    #[serde(default)]
    pub audience: Audience,
    /// Always, when neither is there.
    #[serde(default)]
    pub from: Option<Timestamp>,
    #[serde(default)]
    pub until: Option<Timestamp>,
}

/// Who is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    #[default]
    All,
    /// Nobody outside.
    Organisation,
}

/// Reading: each message of the inbox is opened so long after it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    pub after_seconds: u64,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Habit {
    pub(crate) auto_reply: Option<AutoReply>,
    /// Counts the periods of absence, so that each begins with nobody told.
    period: u64,
    pub(crate) reading: Option<Reading>,
}

/// By mailbox; only those with a habit are held.
#[derive(Clone, Debug)]
pub(crate) struct State {
    habits: HashMap<String, Arc<Habit>>,
    /// By mailbox and sender: the period in which the sender was answered.
    told: HashMap<String, u64>,
}

/// All habits. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Habits {
    state: Own<State>,
    kept: Kept,
}

impl Habits {
    pub(crate) async fn open(kept: Kept) -> Result<Self, TwinError> {
        let habits: Vec<(String, Habit)> = kept.all(Kind::Habit).await?;
        let told: Vec<(String, u64)> = kept.all(Kind::Told).await?;
        let habits = habits.into_iter().map(|(key, one)| (key, Arc::new(one)));
        Ok(Self {
            state: Own::new(State {
                habits: habits.collect(),
                told: told.into_iter().collect(),
            }),
            kept,
        })
    }

    pub(crate) fn image(&self) -> Arc<State> {
        self.state.image()
    }

    pub(crate) fn adopt(&self, image: &Arc<State>) {
        self.state.adopt(image);
    }

    pub(crate) fn of(&self, mailbox: &str) -> Option<Arc<Habit>> {
        self.state.read().habits.get(mailbox).cloned()
    }

    /// Another absence, or none; either way a new period.
    pub(crate) async fn set_auto_reply(
        &self,
        mailbox: &Address,
        auto_reply: Option<AutoReply>,
    ) -> Result<(), TwinError> {
        self.change(mailbox, |habit| {
            habit.auto_reply = auto_reply;
            habit.period += 1;
        })
        .await
    }

    pub(crate) async fn set_reading(
        &self,
        mailbox: &Address,
        reading: Option<Reading>,
    ) -> Result<(), TwinError> {
        self.change(mailbox, |habit| habit.reading = reading).await
    }

    async fn change(
        &self,
        mailbox: &Address,
        change: impl FnOnce(&mut Habit),
    ) -> Result<(), TwinError> {
        let key = mailbox.key();
        let habit = {
            let mut state = self.state.write();
            let entry = state.habits.entry(key.clone()).or_default();
            let habit = Arc::make_mut(entry);
            change(habit);
            habit.clone()
        };
        self.kept.put(Kind::Habit, &key, &habit).await
    }

    /// True the first time in this period of absence (RFC 3834 section 2).
    pub(crate) async fn tell_once(&self, mailbox: &str, sender: &str) -> Result<bool, TwinError> {
        let Some(habit) = self.of(mailbox) else {
            return Ok(false);
        };
        let key = format!("{mailbox} {sender}");
        {
            let mut state = self.state.write();
            let before = state.told.get(&key).copied();
            if before == Some(habit.period) || (before.is_none() && state.told.len() >= TOLD_MAX) {
                return Ok(false);
            }
            state.told.insert(key.clone(), habit.period);
        }
        self.kept.put(Kind::Told, &key, &habit.period).await?;
        Ok(true)
    }
}
