//! A world at one moment: what is forked, and what is put back.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use mailward_mail::Timestamp;

use crate::accounts::AccountsImage;
use crate::asof::Chosen;
use crate::deliver::{HabitsState, HeldBack, Received};
use crate::due;
use crate::events::Ring;
use crate::faults::Rules;
use crate::manners::ServiceSpec;
use crate::oauth::AppRegistration;
use crate::pace::Sent;
use crate::seed::RelayRegistrationSpec;
use crate::senders::Sender;
use crate::sessions::KeptImage;
use crate::tally;
use crate::trace::Traced;
use crate::world::World;

/// Everything in a world that is not running at the moment. Large things are
/// shared with the world until one of the two changes them.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(super) accounts: AccountsImage,
    mailboxes: mailward_mailbox::Image,
    senders: Arc<HashMap<String, Sender>>,
    tally: Arc<tally::State>,
    habits: Arc<HabitsState>,
    receipts: Arc<Received>,
    warned: Arc<HashMap<String, Timestamp>>,
    overtaken: Arc<HeldBack>,
    traces: Arc<Traced>,
    due: Arc<due::Waiting>,
    manners: Arc<ServiceSpec>,
    day: Arc<Chosen>,
    admissions: Arc<HashMap<IpAddr, RelayRegistrationSpec>>,
    registrations: Arc<HashMap<String, Arc<AppRegistration>>>,
    pace: Arc<Sent>,
    high_sending_pace: Arc<Sent>,
    /// Of none in the twin's origin: each world of the seed has its own, by its
    /// own clock.
    past: Option<Past>,
    pub(super) clock_shift_millis: i64,
}

/// What has happened in a world, and what is to go wrong.
#[derive(Clone, Debug)]
struct Past {
    events: Arc<Ring>,
    sessions: KeptImage,
    faults: Arc<Rules>,
}

impl Image {
    /// The same, before anything happened.
    pub(super) fn without_past(self) -> Self {
        Self { past: None, ..self }
    }
}

impl World {
    /// `None` for a world that is kept in a folder.
    pub(super) fn image(&self) -> Option<Image> {
        let deliveries = &self.deliveries;
        Some(Image {
            mailboxes: deliveries.mailboxes.image()?,
            accounts: self.accounts.image(),
            senders: deliveries.senders.image(),
            tally: deliveries.tally.image(),
            habits: deliveries.habits.image(),
            receipts: deliveries.receipts.image(),
            warned: deliveries.warned.image(),
            overtaken: deliveries.overtaken.image(),
            traces: deliveries.traces.image(),
            due: deliveries.due.image(),
            manners: self.manners.now(),
            day: self.day.image(),
            admissions: self.admissions.image(),
            registrations: self.tokens.registrations.image(),
            pace: self.pace.image(),
            high_sending_pace: self.high_sending_pace.image(),
            past: Some(Past {
                events: self.events.image(),
                sessions: self.sessions.image(),
                faults: self.faults.image(),
            }),
            clock_shift_millis: self.clock.shift_millis(),
        })
    }

    /// Becomes as the image says; sessions hear that their folders are gone.
    /// Clock and dice are the caller's to set. False for a world that is kept
    /// in a folder: nothing is done.
    pub(super) fn adopt(&self, image: &Image) -> bool {
        let deliveries = &self.deliveries;
        if !deliveries.mailboxes.restore(&image.mailboxes) {
            return false;
        }
        self.accounts.adopt(&image.accounts);
        deliveries.senders.adopt(&image.senders);
        deliveries.tally.adopt(&image.tally);
        deliveries.habits.adopt(&image.habits);
        deliveries.receipts.adopt(&image.receipts);
        deliveries.warned.adopt(&image.warned);
        deliveries.overtaken.adopt(&image.overtaken);
        deliveries.traces.adopt(&image.traces);
        deliveries.due.adopt(&image.due);
        deliveries.due.run(deliveries);
        self.manners.adopt(&image.manners);
        self.day.adopt(&image.day);
        self.admissions.adopt(&image.admissions);
        self.tokens.registrations.adopt(&image.registrations);
        self.pace.adopt(&image.pace);
        self.high_sending_pace.adopt(&image.high_sending_pace);
        if let Some(past) = &image.past {
            self.faults.adopt(&past.faults);
            self.sessions.adopt(&past.sessions);
            self.events.adopt(&past.events);
        }
        true
    }
}
