//! Non-delivery reports, at once.

use mailward_mail::Address;

use super::{Deliveries, INBOX, Letter, OUTSIDE};
use crate::names::BACK_END;
use crate::ndr::{Cause, NonDelivery, Outcome};
use crate::oauth::guid;

/// Recipients that the event of a report names.
const RECIPIENTS_NAMED_MAX: usize = 20;

impl Deliveries {
    /// A report in the sender's inbox. It is the service's own promise, made
    /// after the message itself was safe; a failure here is only logged.
    pub(super) async fn report(&self, letter: &Letter<'_>, failed: &[(Address, Cause)]) {
        if let Some(to) = letter.origin.reports_to() {
            self.file_report(to, letter.header, failed, Outcome::Failed)
                .await;
        }
    }

    pub(super) async fn file_report(
        &self,
        to: &Address,
        original_header: &[u8],
        recipients: &[(Address, Cause)],
        outcome: Outcome,
    ) {
        let text = NonDelivery {
            to,
            domain: &self.domain,
            server: BACK_END,
            now: self.clock.now(),
            ids: [guid(&*self.dice), guid(&*self.dice)],
            outcome,
            recipients,
            original_header,
        }
        .to_message();
        let owner = match self.accounts.find(to) {
            Some(account) => account.address.key(),
            None => OUTSIDE.to_owned(),
        };
        if let Err(error) = self.file(&owner, INBOX, &text).await {
            tracing::error!(%error, "a non-delivery report could not be filed");
            return;
        }
        let about: Vec<&str> = recipients
            .iter()
            .take(RECIPIENTS_NAMED_MAX)
            .map(|(recipient, _)| recipient.as_str())
            .collect();
        let why = format!(
            "{} of {} went to the sender",
            match outcome {
                Outcome::Failed => "a non-delivery report",
                Outcome::Delayed => "a notice of delay",
            },
            about.join(", ")
        );
        self.events
            .add("service", "reported", Some(to.as_str()), why, None);
    }
}
