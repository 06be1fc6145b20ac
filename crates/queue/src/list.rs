//! Lists of messages, newest first, page by page, and the counts above them.

use std::fmt;
use std::str::FromStr;

use mailward_mail::{MessageId, Timestamp};
use mailward_store::{ReadTx, TxError};

use crate::error::QueueError;
use crate::ledger::listing::Range;
use crate::ledger::messages::Number;
use crate::ledger::{breakers, lanes, listing, messages, notices, recipients, summary};
use crate::names::{AccountName, ApplicationName, Lane, RouteName};
use crate::queue::Queue;
use crate::schedule::MessageClass;
use crate::show::RecipientView;
use crate::state::StateWord;
use crate::turn::Priority;

/// The longest page.
pub const PAGE_MAX: usize = 500;

/// Recipients named with each message of a list.
pub(crate) const RECIPIENTS_LISTED_MAX: usize = 10;

/// Text, lane and class are in no index, nor is a state together with an
/// application, so a page of these reads at most so many messages, and may come
/// out short with a cursor to go on from.
const SEARCHED_PER_PAGE_MAX: Number = 20_000;

/// The longest text to search for, in octets.
const SEARCH_OCTETS_MAX: usize = 256;

/// Which messages to list; all that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub application: Option<ApplicationName>,
    /// At least one recipient is in this state.
    pub state: Option<StateWord>,
    pub account: Option<AccountName>,
    pub route: Option<RouteName>,
    pub class: Option<MessageClass>,
    /// Found in sender, subject, Message-ID or a recipient, in any case.
    pub text: Option<String>,
    /// Received then or later.
    pub since: Option<Timestamp>,
}

/// Where the next page begins. Stays good while messages come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(Number);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m{:x}", self.0)
    }
}

impl FromStr for Cursor {
    type Err = QueueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix('m')
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| Number::from_str_radix(digits, 16).ok())
            .map(Self)
            .ok_or(QueueError::BadCursor)
    }
}

#[derive(Clone, Debug)]
pub struct Page {
    pub items: Vec<ListItem>,
    /// Missing on the last page.
    pub next: Option<Cursor>,
}

#[derive(Clone, Debug)]
pub struct ListItem {
    pub id: MessageId,
    pub application: ApplicationName,
    pub lane: Lane,
    pub received_at: Timestamp,
    pub deadline_at: Timestamp,
    /// When it is scheduled for.
    pub send_at: Option<Timestamp>,
    pub message_class: MessageClass,
    pub priority: Priority,
    pub ended_at: Option<Timestamp>,
    /// Empty for the null path.
    pub reverse_path: String,
    pub message_id: Option<String>,
    pub subject: Option<String>,
    pub size_octets: u64,
    /// The first ten.
    pub recipients: Vec<RecipientView>,
    /// How many recipients are in which state; those with none are left out.
    pub states: Vec<(StateWord, u64)>,
}

/// How the queue is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Recipients in each state, in the order of [`StateWord::ALL`].
    pub recipients: Vec<(StateWord, u64)>,
    /// The same by message class; what has none is left out.
    pub by_class: Vec<(MessageClass, StateWord, u64)>,
    /// The oldest message with a recipient that has no end yet.
    pub oldest_waiting: Option<(MessageId, Timestamp)>,
    pub notices_open: u64,
    pub breakers_open: usize,
}

impl Summary {
    pub fn count(&self, state: StateWord) -> u64 {
        self.recipients
            .iter()
            .find(|(word, _)| *word == state)
            .map_or(0, |(_, count)| *count)
    }
}

impl Queue {
    /// One page of at most `limit` messages that came before `cursor`.
    pub async fn list(
        &self,
        filter: &Filter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Page, QueueError> {
        let (filter, limit) = (filter.clone(), limit.clamp(1, PAGE_MAX));
        Ok(self
            .read(move |tx| page(tx, &filter, cursor, limit))
            .await?)
    }

    /// Every lane ever used, with its recipients that wait to be sent, held
    /// ones included: kept with each move, not counted.
    pub async fn waiting_by_lane(&self) -> Result<Vec<(Lane, u64)>, QueueError> {
        Ok(self.read(lanes::waiting).await?)
    }

    /// Counts and alarms in one look, at the same cost whatever waits.
    pub async fn summary(&self) -> Result<Summary, QueueError> {
        let summary = self
            .read(|tx| {
                let by_class = summary::tallies(tx)?;
                let count_of = |state: StateWord| {
                    let of_state = by_class.iter().filter(|(_, word, _)| *word == state);
                    of_state.map(|(.., count)| count).sum()
                };
                Ok(Summary {
                    recipients: StateWord::ALL
                        .into_iter()
                        .map(|state| (state, count_of(state)))
                        .collect(),
                    by_class,
                    oldest_waiting: summary::oldest_waiting(tx)?,
                    notices_open: notices::count_open(tx)?,
                    breakers_open: breakers::all_open(tx, PAGE_MAX)?.len(),
                })
            })
            .await?;
        Ok(summary)
    }
}

fn page(
    tx: &ReadTx<'_>,
    filter: &Filter,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<Page, TxError> {
    let end = listing::end(tx)?;
    let before = cursor.map_or(end, |cursor| cursor.0.min(end));
    let lowest = match filter.since {
        Some(since) => listing::first_since(tx, since, end)?,
        None => 1,
    };
    let text = filter
        .text
        .as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty());
    let pattern =
        text.map(|text| listing::pattern(&text[..text.floor_char_boundary(SEARCH_OCTETS_MAX)]));
    let lanes = lanes_of(tx, filter)?;
    // No index has both, so one is walked and the other looked up.
    let walks = pattern.is_some()
        || lanes.is_some()
        || filter.class.is_some()
        || (filter.application.is_some() && filter.state.is_some());
    let floor = if walks {
        lowest.max(before.saturating_sub(SEARCHED_PER_PAGE_MAX))
    } else {
        lowest
    };
    let range = Range {
        before,
        floor,
        limit,
        pattern: pattern.as_deref(),
        lanes: lanes.as_deref(),
        class: filter.class,
    };
    let numbers = listing::numbers(tx, range, filter.application.as_ref(), filter.state)?;
    // A full page goes on after its last message; a short one has seen
    // everything down to the floor.
    let reached = if numbers.len() == limit {
        numbers.last().copied()
    } else {
        Some(floor)
    };
    let next = reached.filter(|reached| *reached > lowest).map(Cursor);
    let items = numbers
        .into_iter()
        .map(|number| item(tx, number))
        .collect::<Result<_, _>>()?;
    Ok(Page { items, next })
}

/// The numbers of the lanes that a filter means; `None` for all.
fn lanes_of(tx: &ReadTx<'_>, filter: &Filter) -> Result<Option<String>, TxError> {
    if filter.account.is_none() && filter.route.is_none() {
        return Ok(None);
    }
    let fits = |lane: &Lane| {
        filter
            .account
            .as_ref()
            .is_none_or(|one| *one == lane.account)
            && filter.route.as_ref().is_none_or(|one| *one == lane.route)
    };
    let meant = lanes::all(tx)?.into_iter().filter(|(_, lane)| fits(lane));
    // `,1,7,`: a number is sought with commas around it.
    let mut numbers = ",".to_owned();
    for (number, _) in meant {
        numbers.push_str(&format!("{number},"));
    }
    Ok(Some(numbers))
}

fn item(tx: &ReadTx<'_>, number: Number) -> Result<ListItem, TxError> {
    let message = messages::by_number(tx, number)?;
    let rows = recipients::first_of(tx, number, RECIPIENTS_LISTED_MAX)?;
    Ok(ListItem {
        id: message.id,
        application: message.application,
        lane: lanes::get(tx, message.lane)?,
        received_at: message.received_at,
        deadline_at: message.deadline_at,
        send_at: message.not_before,
        message_class: message.message_class,
        priority: message.priority,
        ended_at: message.ended_at,
        reverse_path: message.reverse_path.as_str().to_owned(),
        message_id: message.message_id,
        subject: message.subject,
        size_octets: message.size_octets,
        recipients: rows.into_iter().map(RecipientView::from).collect(),
        states: recipients::count_by_state(tx, number)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_read_back_and_nothing_else_does() {
        for number in [1, 255, Number::MAX] {
            assert_eq!(
                Cursor(number).to_string().parse::<Cursor>().expect("ours"),
                Cursor(number)
            );
        }
        for text in ["", "m", "12", "m-1", "m+1", "mzz", "m11111111111111111"] {
            assert!(text.parse::<Cursor>().is_err(), "{text:?}");
        }
    }
}
