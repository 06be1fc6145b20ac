//! A world at one moment: what is forked, and what is put back.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::accounts::AccountsImage;
use crate::asof::Chosen;
use crate::deliver::HabitsImage;
use crate::due::DueImage;
use crate::manners::ServiceSpec;
use crate::oauth::AppRegistration;
use crate::seed::RelayRegistrationSpec;
use crate::senders::SendersImage;
use crate::tally;
use crate::world::World;

/// Everything in a world that clients can change, its event log apart. Large
/// things are shared with the world until one of the two changes them.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(super) accounts: AccountsImage,
    mailboxes: mailward_mailbox::Image,
    senders: SendersImage,
    tally: tally::State,
    habits: HabitsImage,
    due: DueImage,
    manners: Arc<ServiceSpec>,
    day: Chosen,
    admissions: HashMap<IpAddr, RelayRegistrationSpec>,
    registrations: HashMap<String, Arc<AppRegistration>>,
    pub(super) clock_shift_millis: i64,
}

impl World {
    /// `None` for a world that is kept in a folder.
    pub(super) fn image(&self) -> Option<Image> {
        Some(Image {
            mailboxes: self.deliveries.mailboxes.image()?,
            accounts: self.accounts.image(),
            senders: self.deliveries.senders.image(),
            tally: self.deliveries.tally.image(),
            habits: self.deliveries.habits.image(),
            due: self.deliveries.due.image(),
            manners: self.manners.now(),
            day: self.day.image(),
            admissions: self.admissions.image(),
            registrations: self.tokens.registrations.image(),
            clock_shift_millis: self.clock.shift_millis(),
        })
    }

    /// Becomes as the image says; sessions hear that their folders are gone,
    /// and the event log begins anew. Clock and dice are the caller's to set.
    /// False for a world that is kept in a folder: nothing is done.
    pub(super) fn adopt(&self, image: &Image) -> bool {
        if !self.deliveries.mailboxes.restore(&image.mailboxes) {
            return false;
        }
        self.accounts.adopt(&image.accounts);
        self.deliveries.senders.adopt(&image.senders);
        self.deliveries.tally.adopt(&image.tally);
        self.deliveries.habits.adopt(&image.habits);
        self.deliveries.due.adopt(&image.due);
        self.deliveries.due.run(&self.deliveries);
        self.manners.adopt(&image.manners);
        self.day.adopt(image.day);
        self.admissions.adopt(&image.admissions);
        self.tokens.registrations.adopt(&image.registrations);
        self.pace.forget_messages();
        self.high_sending_pace.forget_messages();
        self.events.begin_anew();
        true
    }
}
