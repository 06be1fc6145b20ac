//! How much a mailbox receives in an hour, from everybody and from one sender
//! (non-delivery reports 5.2.122 and 5.2.121). In memory: an hour is short.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use mailward_mail::Timestamp;

use crate::own::Own;

const HOUR: Duration = Duration::from_secs(60 * 60);
const MINUTE_MILLIS: i64 = 60 * 1000;

/// Senders of one mailbox that are counted apart; more count together only.
const SENDERS_MAX: usize = 4096;

/// What a mailbox may receive in a rolling hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReceiptLimits {
    pub(crate) all: u64,
    pub(crate) one_sender: u64,
}

/// Which limit a message is beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beyond {
    All,
    OneSender,
}

/// Counts of the last hour by mailbox. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Receipts(Own<Received>);

/// By mailbox.
pub(crate) type Received = HashMap<String, Mailbox>;

/// What one mailbox received.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mailbox {
    all: Hour,
    senders: HashMap<String, Hour>,
}

impl Receipts {
    /// Counts one message, unless it is beyond a limit. Without limits it is
    /// counted all the same: mail from within takes the room of others.
    pub(crate) fn take(
        &self,
        mailbox: &str,
        sender: &str,
        limits: Option<ReceiptLimits>,
        now: Timestamp,
    ) -> Result<(), Beyond> {
        let mut mailboxes = self.0.write();
        if !mailboxes.contains_key(mailbox) {
            mailboxes.insert(mailbox.to_owned(), Mailbox::default());
        }
        let Some(mailbox) = mailboxes.get_mut(mailbox) else {
            return Ok(());
        };
        mailbox.all.roll(now);
        if limits.is_some_and(|limits| mailbox.all.count >= limits.all) {
            return Err(Beyond::All);
        }
        if mailbox.senders.len() >= SENDERS_MAX {
            mailbox.senders.retain(|_, hour| {
                hour.roll(now);
                hour.count > 0
            });
        }
        if mailbox.senders.len() < SENDERS_MAX || mailbox.senders.contains_key(sender) {
            let hour = mailbox.senders.entry(sender.to_owned()).or_default();
            hour.roll(now);
            if limits.is_some_and(|limits| hour.count >= limits.one_sender) {
                return Err(Beyond::OneSender);
            }
            hour.add(now);
        }
        mailbox.all.add(now);
        Ok(())
    }

    pub(crate) fn image(&self) -> Arc<Received> {
        self.0.image()
    }

    pub(crate) fn adopt(&self, image: &Arc<Received>) {
        self.0.adopt(image);
    }
}

/// An hour's messages by the minute; a minute leaves an hour after it began.
#[derive(Clone, Debug, Default)]
struct Hour {
    minutes: VecDeque<(Timestamp, u64)>,
    count: u64,
}

impl Hour {
    fn roll(&mut self, now: Timestamp) {
        while let Some((began, count)) = self.minutes.front()
            && began.plus(HOUR) <= now
        {
            self.count -= count;
            self.minutes.pop_front();
        }
    }

    fn add(&mut self, now: Timestamp) {
        let millis = now.as_millis();
        let began = Timestamp::from_millis(millis - millis.rem_euclid(MINUTE_MILLIS));
        match self.minutes.back_mut() {
            Some((last, count)) if *last >= began => *count += 1,
            _ => self.minutes.push_back((began, 1)),
        }
        self.count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_rolls_for_all_and_for_each_sender() {
        let receipts = Receipts::default();
        let limits = Some(ReceiptLimits {
            all: 3,
            one_sender: 2,
        });
        for (minute, sender, limits, expected) in [
            (0, "a", limits, Ok(())),
            (0, "a", limits, Ok(())),
            (0, "a", limits, Err(Beyond::OneSender)),
            (1, "b", None, Ok(())),
            (1, "c", limits, Err(Beyond::All)),
            (1, "c", None, Ok(())),
            (60, "a", limits, Ok(())),
            (60, "d", limits, Err(Beyond::All)),
            (61, "d", limits, Ok(())),
        ] {
            let now = Timestamp::from_millis(minute * MINUTE_MILLIS);
            let taken = receipts.take("ward", sender, limits, now);
            assert_eq!(taken, expected, "{minute} {sender}");
        }
        let other = Timestamp::from_millis(0);
        assert_eq!(receipts.take("clinic", "a", limits, other), Ok(()));
    }
}
