//! Which message something is about: whatever happens while a message is
//! taken, filed, judged late, answered or read names it by one number.
//!
//! ```text
//!   text begins ─ begin ─▶ number ─ within, during ─▶ events
//!                             ├─ work for later remembers it
//!                             └─ filed ─▶ its body ─ of_body ─▶ what mail
//!                                                   programs do with a copy
//! ```
//!
//! Copies of a message share its body, in whichever folder they lie, so that
//! the body leads back to the number.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::num::NonZeroU64;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::own::Own;

/// Bodies whose messages are remembered; the oldest are forgotten beyond this
/// many, as events are, a part at a time.
const BODIES_MAX: usize = 10_000;

/// Numbers of bodies that one part is for: forks share a part until one of
/// them changes it.
const PART_BODIES: u64 = 128;

/// Acts of mail programs on one message that are told.
const ACTS_MAX: u16 = 100;

/// The number of a message in its world, from 1 in the order in which their
/// texts began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(transparent)]
pub struct MessageNumber(NonZeroU64);

impl MessageNumber {
    pub fn new(number: u64) -> Option<Self> {
        NonZeroU64::new(number).map(Self)
    }

    pub fn get(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for MessageNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

tokio::task_local! {
    /// The message that this task works on.
    static MESSAGE: Option<MessageNumber>;
}

/// The message that what happens now is about.
pub(crate) fn current() -> Option<MessageNumber> {
    MESSAGE.try_with(|message| *message).ok().flatten()
}

/// Does `work` for a message: its events name it.
pub(crate) fn within<T>(message: Option<MessageNumber>, work: impl FnOnce() -> T) -> T {
    MESSAGE.sync_scope(message, work)
}

/// The same for work that waits.
pub(crate) async fn during<F: Future>(message: Option<MessageNumber>, work: F) -> F::Output {
    MESSAGE.scope(message, work).await
}

/// The messages of a world. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traces(Own<Traced>);

/// What is known at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traced {
    last: u64,
    /// By the numbers of bodies, which rise, and before that by parts.
    parts: BTreeMap<u64, Arc<BTreeMap<u64, Filed>>>,
    count: usize,
}

/// A message that was filed.
#[derive(Clone, Debug)]
struct Filed {
    message: MessageNumber,
    /// What mail programs did with its copies, as far as it was told.
    acts: u16,
    /// The session that read it last.
    reader: Option<Arc<str>>,
}

impl Traces {
    /// Another message.
    pub(crate) fn begin(&self) -> Option<MessageNumber> {
        let mut traced = self.0.write();
        traced.last += 1;
        MessageNumber::new(traced.last)
    }

    /// Counts on from a message of an earlier run, for which work still waits.
    pub(crate) fn go_on_after(&self, message: MessageNumber) {
        let mut traced = self.0.write();
        traced.last = traced.last.max(message.get());
    }

    /// The message under way was filed, as this body.
    pub(crate) fn filed(&self, body: u64) {
        let Some(message) = current() else { return };
        let mut traced = self.0.write();
        let filed = Filed {
            message,
            acts: 0,
            reader: None,
        };
        traced.put(body, filed);
    }

    /// The message that lies in a folder as this body.
    pub(crate) fn of_body(&self, body: u64) -> Option<MessageNumber> {
        let traced = self.0.read();
        let part = traced.parts.get(&(body / PART_BODIES))?;
        part.get(&body).map(|filed| filed.message)
    }

    /// A mail program does something with a copy; `reader` is the session that
    /// reads its text. Gives the message, unless that is not to be told: it is
    /// not remembered, too much was told of it, or the same session reads on.
    pub(crate) fn act(&self, body: u64, reader: Option<Arc<str>>) -> Option<MessageNumber> {
        self.of_body(body)?;
        let mut traced = self.0.write();
        let part = traced.parts.get_mut(&(body / PART_BODIES))?;
        let filed = Arc::make_mut(part).get_mut(&body)?;
        let reads_on = reader.is_some() && filed.reader == reader;
        if reads_on || filed.acts >= ACTS_MAX {
            return None;
        }
        filed.acts += 1;
        filed.reader = reader.or_else(|| filed.reader.take());
        Some(filed.message)
    }

    pub(crate) fn image(&self) -> Arc<Traced> {
        self.0.image()
    }

    pub(crate) fn adopt(&self, image: &Arc<Traced>) {
        self.0.adopt(image);
    }
}

impl Traced {
    fn put(&mut self, body: u64, filed: Filed) {
        let part = self.parts.entry(body / PART_BODIES).or_default();
        if Arc::make_mut(part).insert(body, filed).is_none() {
            self.count += 1;
        }
        while self.count > BODIES_MAX
            && let Some((_, oldest)) = self.parts.pop_first()
        {
            self.count -= oldest.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_leads_to_its_message_until_many_others_have_come() {
        let traces = Traces::default();
        let first = traces.begin();
        within(first, || traces.filed(7));
        traces.filed(8);
        assert_eq!((traces.of_body(7), traces.of_body(8)), (first, None));
        let many = 9..9 + BODIES_MAX as u64;
        within(traces.begin(), || many.for_each(|body| traces.filed(body)));
        assert_eq!(traces.of_body(7), None);
        let last = 9 + BODIES_MAX as u64 - 1;
        assert_eq!(traces.of_body(last), MessageNumber::new(2));
        assert!(traces.0.read().count > BODIES_MAX - PART_BODIES as usize);
    }

    #[test]
    fn acts_on_a_message_are_told_up_to_a_bound_and_reading_on_is_not() {
        let traces = Traces::default();
        let message = traces.begin();
        within(message, || traces.filed(7));
        let [one, other] = ["imap-1", "imap-2"].map(|name| Some(name.into()));
        for (reader, expected) in [
            (one.clone(), message),
            (one.clone(), None),
            (None, message),
            (one, None),
            (other, message),
        ] {
            assert_eq!(traces.act(7, reader), expected);
        }
        let told = (0..1000).filter(|_| traces.act(7, None).is_some()).count();
        assert_eq!(told, usize::from(ACTS_MAX) - 3);
        assert_eq!(traces.act(8, None), None);
    }

    #[test]
    fn work_within_work_is_about_its_own_message() {
        let [one, other] = [1, 2].map(MessageNumber::new);
        within(one, || {
            assert_eq!(within(other, current), other);
            assert_eq!(within(None, current), None);
            assert_eq!(current(), one);
        });
        assert_eq!(current(), None);
    }
}
