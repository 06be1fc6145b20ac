//! How full a mailbox may be: a warning, then no more sending, then no more
//! receiving (GUIDE-63, GUIDE-64).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use mailward_mail::{Address, Timestamp};
use mailward_mailbox::MailboxError;

use super::{Deliveries, INBOX, Work};
use crate::accounts::Account;
use crate::behaviour;
use crate::names::BACK_END;
use crate::oauth::guid;
use crate::own::Own;

/// A full mailbox hears of it so often.
const WARNING_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// When each mailbox was warned last. In memory: at worst it is told again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Warned(Own<HashMap<String, Timestamp>>);

impl Warned {
    pub(crate) fn is_due(&self, mailbox: &str, now: Timestamp) -> bool {
        let mut warned = self.0.write();
        let last = warned.get(mailbox).copied();
        let due = last.is_none_or(|last| now < last || last.plus(WARNING_INTERVAL) <= now);
        if due {
            warned.insert(mailbox.to_owned(), now);
        }
        due
    }

    pub(crate) fn image(&self) -> Arc<HashMap<String, Timestamp>> {
        self.0.image()
    }

    pub(crate) fn adopt(&self, image: &Arc<HashMap<String, Timestamp>>) {
        self.0.adopt(image);
    }
}

/// Why a mailbox may not send.
#[derive(Clone, Debug)]
pub(crate) enum Unsendable {
    /// From here on it may not send; it may still receive.
    NearlyFull,
    /// At its quota it may do neither.
    Full,
    Trouble(MailboxError),
}

impl Deliveries {
    /// Without room in the sender's own mailbox nothing is sent at all
    /// (GUIDE-64).
    pub(crate) async fn check_quota(
        &self,
        sender: &Account,
        octets: u64,
    ) -> Result<(), Unsendable> {
        let usage = self.mailboxes.usage(&sender.address.key()).await;
        let usage = usage.map_err(Unsendable::Trouble)?;
        let Some(quota_octets) = usage.quota_octets else {
            return Ok(());
        };
        let mail = &self.manners.now().mail;
        let part = |percent: u64| {
            u64::try_from(u128::from(quota_octets) * u128::from(percent) / 100).unwrap_or(u64::MAX)
        };
        let after = usage.octets.saturating_add(octets);
        if after >= part(mail.quota_warning_percent()) {
            self.warn_of_quota(sender).await;
        }
        if after > quota_octets {
            return Err(Unsendable::Full);
        }
        if after > part(mail.prohibit_send_percent()) {
            return Err(Unsendable::NearlyFull);
        }
        Ok(())
    }

    pub(super) async fn warn_of_quota(&self, account: &Account) {
        let now = self.clock.now();
        if self.warned.is_due(&account.address.key(), now) {
            let account = account.address.clone();
            self.promise(now, Work::QuotaWarning { account }).await;
        }
    }

    /// The service writes to a mailbox that is nearly full; the words are ours.
    pub(super) async fn file_quota_warning(&self, address: &Address) {
        let owner = address.key();
        let Ok(usage) = self.mailboxes.usage(&owner).await else {
            return;
        };
        let used = usage.octets.div_ceil(1024);
        let quota = usage.quota_octets.unwrap_or(usage.octets) / 1024;
        let message = format!(
            "From: \"Microsoft Outlook\" <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@{}>\r\n\
             To: <{address}>\r\nDate: {}\r\nSubject: Your mailbox is almost full.\r\nMessage-ID: <{}@{BACK_END}>\r\n\
             Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\nX-MS-Exchange-Organization-StorageQuota: warning\r\n\
             MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
             Your mailbox is almost full: {used} KB of {quota} KB.\r\n\
             Delete what you no longer need. From a point on you cannot send, and when it is full you cannot receive either.\r\n",
            self.domain,
            self.clock.now().to_rfc5322(),
            guid(&*self.dice),
        );
        match self.file(&owner, INBOX, message.as_bytes()).await {
            Ok(()) => {
                let why = format!("{used} KB of {quota} KB are used");
                let behaviour = behaviour::QUOTA_WARNING;
                self.events
                    .punish("service", "warned", Some(address.as_str()), why, behaviour);
            }
            Err(error) => tracing::warn!(%error, "a quota warning could not be filed"),
        }
    }
}
