//! Whose turn it is among the messages of one lane. Pure.
//!
//! ```text
//!   urgent  +9 … -9 │ routine +9 … -9 │ bulk +9 … -9
//!   turn 0 … 18     │     20 … 38     │   40 … 58      the smaller goes first
//! ```
//!
//! A class goes before the next, whatever the priority within it. So that no
//! class waits for ever, one message in [`SHARE_OF`] is the longest overdue
//! routine one, and one the longest overdue bulk one, where there is any.

use crate::schedule::MessageClass;

/// Out of so many messages of a lane one goes to routine and one to bulk mail,
/// though there be urgent mail without end.
pub const SHARE_OF: u64 = 20;

/// The highest priority within a class, and the lowest with a minus: the range
/// of MT-PRIORITY (RFC 6710 section 4.1).
pub const PRIORITY_MAX: i8 = 9;

/// Turns between two classes.
const CLASS_TURNS: i64 = 20;

/// How much a message hurries within its class: 9 the most, -9 the least.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(try_from = "i64", into = "i64")]
pub struct Priority(i8);

/// A number beyond the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a priority is a number from -{PRIORITY_MAX} to {PRIORITY_MAX}, not {0}")]
pub struct BadPriority(pub i64);

impl Priority {
    /// What a message has that says nothing.
    pub const NORMAL: Self = Self(0);

    pub const fn get(self) -> i8 {
        self.0
    }
}

impl TryFrom<i64> for Priority {
    type Error = BadPriority;

    fn try_from(number: i64) -> Result<Self, BadPriority> {
        i8::try_from(number)
            .ok()
            .filter(|small| small.unsigned_abs() <= PRIORITY_MAX.unsigned_abs())
            .map(Self)
            .ok_or(BadPriority(number))
    }
}

impl From<Priority> for i64 {
    fn from(priority: Priority) -> Self {
        Self::from(priority.0)
    }
}

/// The place of a message in its lane; the smaller goes first.
pub(crate) fn turn_of(class: MessageClass, priority: Priority) -> i64 {
    place(class) * CLASS_TURNS + i64::from(PRIORITY_MAX - priority.0)
}

/// The class that a turn belongs to.
pub(crate) fn class_of(turn: i64) -> MessageClass {
    match turn.div_euclid(CLASS_TURNS) {
        0 => MessageClass::Urgent,
        1 => MessageClass::Routine,
        _ => MessageClass::Bulk,
    }
}

fn place(class: MessageClass) -> i64 {
    match class {
        MessageClass::Urgent => 0,
        MessageClass::Routine => 1,
        MessageClass::Bulk => 2,
    }
}

/// One message that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) message: i64,
    pub(crate) turn: i64,
    /// In milliseconds since 1970.
    pub(crate) due_at: i64,
}

/// At most `limit` messages in the order in which they go, when `begun` have
/// gone before them. Each stands once, however many recipients it has here.
pub(crate) fn in_order(mut due: Vec<Candidate>, begun: u64, limit: usize) -> Vec<i64> {
    due.sort_unstable_by_key(|one| (one.turn, one.due_at, one.message));
    let mut seen = std::collections::HashSet::new();
    due.retain(|one| seen.insert(one.message));
    let mut overdue = due.clone();
    overdue.sort_unstable_by_key(|one| (one.due_at, one.message));
    let longest = |class: MessageClass| {
        let of_class = overdue
            .iter()
            .filter(move |one| class_of(one.turn) == class);
        of_class.map(|one| one.message)
    };
    let (mut first, mut routine, mut bulk) = (
        due.iter().map(|one| one.message),
        longest(MessageClass::Routine),
        longest(MessageClass::Bulk),
    );
    let mut gone = std::collections::HashSet::new();
    let mut order = Vec::with_capacity(due.len().min(limit));
    while order.len() < limit.min(due.len()) {
        let place = (begun + order.len() as u64) % SHARE_OF;
        let shared = if place == SHARE_OF / 2 - 1 {
            routine.find(|message| !gone.contains(message))
        } else if place == SHARE_OF - 1 {
            bulk.find(|message| !gone.contains(message))
        } else {
            None
        };
        let next = shared.or_else(|| first.find(|message| !gone.contains(message)));
        let Some(next) = next else { break };
        gone.insert(next);
        order.push(next);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn priority(number: i64) -> Priority {
        Priority::try_from(number).expect("in range")
    }

    #[test]
    fn a_class_goes_before_the_next_whatever_the_priority() {
        let mut last = -1;
        for class in MessageClass::ALL {
            for number in (-9..=9).rev() {
                let turn = turn_of(class, priority(number));
                assert!(turn > last, "{class:?} {number}");
                assert_eq!(class_of(turn), class);
                last = turn;
            }
        }
        for number in [-10, 10, 300, i64::MIN] {
            assert_eq!(Priority::try_from(number), Err(BadPriority(number)));
        }
    }

    fn candidates(class: MessageClass, first: i64, count: i64) -> Vec<Candidate> {
        let turn = turn_of(class, Priority::NORMAL);
        (first..first + count)
            .map(|message| Candidate {
                message,
                turn,
                due_at: message,
            })
            .collect()
    }

    #[test]
    fn urgent_first_and_nobody_for_ever_last() {
        // The bulk is older than all else, and there is more urgent mail than
        // is ever sent.
        let mut due = candidates(MessageClass::Bulk, 1, 100);
        due.extend(candidates(MessageClass::Routine, 1_000, 100));
        due.extend(candidates(MessageClass::Urgent, 10_000, 1_000));
        let order = in_order(due, 0, 200);
        assert_eq!(order.len(), 200);
        assert!(order[..9].iter().all(|message| *message >= 10_000));
        let of = |low: i64, high: i64| {
            let within = order.iter().filter(|one| (low..high).contains(*one));
            within.copied().collect::<Vec<_>>()
        };
        assert_eq!(of(1, 1_000), (1..=10).collect::<Vec<_>>());
        assert_eq!(of(1_000, 10_000), (1_000..1_010).collect::<Vec<_>>());
    }

    #[test]
    fn the_share_holds_however_few_are_asked_for() {
        let mut bulk = 0;
        for begun in 0..200 {
            let mut due = candidates(MessageClass::Bulk, 1, 5);
            due.extend(candidates(MessageClass::Urgent, 10_000, 5));
            let order = in_order(due, begun, 1);
            bulk += usize::from(order[0] < 10_000);
        }
        assert_eq!(bulk as u64, 200 / SHARE_OF);
    }

    #[test]
    fn a_message_stands_once_and_the_share_forgets_priorities() {
        let mut due = candidates(MessageClass::Bulk, 5, 1);
        due.extend(candidates(MessageClass::Bulk, 5, 1));
        due.push(Candidate {
            message: 9,
            turn: turn_of(MessageClass::Bulk, priority(9)),
            due_at: 9,
        });
        assert_eq!(in_order(due.clone(), 0, 9), [9, 5]);
        assert_eq!(in_order(due, SHARE_OF - 1, 9), [5, 9]);
        assert_eq!(in_order(Vec::new(), 0, 9), Vec::<i64>::new());
    }
}
