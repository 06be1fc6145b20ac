//! Whether a lane may begin: not while it, its account or its route is
//! paused, and with one message alone when a pause is over.

use mailward_mail::Timestamp;
use mailward_queue::{Lane, PauseCause, QueueError};

use super::doors::Claim;
use super::{DeliverOptions, trouble};

/// A lane's rights to try what is paused.
#[derive(Debug, Default)]
pub(super) struct Gate {
    claims: Vec<Claim>,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MayBegin {
    Yes,
    /// With one message, and nothing else before its end.
    One,
    /// Not before then.
    Until(Timestamp),
    /// Another lane's message tries; its end wakes this one.
    AfterAnother,
}

impl Gate {
    /// Until when nothing may begin, if so. Takes no right to try.
    pub(super) async fn paused_until(
        &self,
        options: &DeliverOptions,
        lane: &Lane,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, QueueError> {
        let pauses = options.queue.pauses_of(lane).await?;
        let until = pauses.iter().map(|pause| pause.until).max();
        Ok(until.filter(|until| *until > now))
    }

    /// For a lane with a message in hand.
    pub(super) async fn may_begin(
        &mut self,
        options: &DeliverOptions,
        lane: &Lane,
        now: Timestamp,
    ) -> Result<MayBegin, QueueError> {
        let pauses = options.queue.pauses_of(lane).await?;
        // What ended meanwhile needs no right any more.
        self.claims
            .retain(|claim| pauses.iter().any(|pause| pause.key == claim.key));
        let Some(until) = pauses.iter().map(|pause| pause.until).max() else {
            return Ok(MayBegin::Yes);
        };
        if until > now {
            self.claims.clear();
            return Ok(MayBegin::Until(until));
        }
        for pause in &pauses {
            if self.claims.iter().any(|claim| claim.key == pause.key) {
                continue;
            }
            match options.doors.claim(&pause.key) {
                Some(claim) => self.claims.push(claim),
                None => {
                    self.claims.clear();
                    return Ok(MayBegin::AfterAnother);
                }
            }
        }
        Ok(MayBegin::One)
    }

    /// The message that tried got through: the pauses end.
    pub(super) async fn passed(&mut self, options: &DeliverOptions) {
        for claim in self.claims.drain(..) {
            if let Err(error) = options.queue.end_pause(&claim.key).await {
                tracing::error!(%error, pause = %claim.key, "the end of a pause could not be recorded");
            }
            for cause in PauseCause::ALL {
                trouble::clear(options, &claim.key, cause);
            }
        }
    }

    /// It did not; the pause that follows has been recorded.
    pub(super) fn give_up(&mut self) {
        self.claims.clear();
    }
}
