//! Verdicts that come after delivery, as the service has them: what is found
//! late is taken out of the inbox again.

use mailward_mail::Address;
use mailward_mailbox::{Appended, Content, Flags, FolderName, MailboxError, Summary, Uid};
use serde::{Deserialize, Serialize};

use super::{Deliveries, Filing, INBOX, JUNK, Letter, QUARANTINE, Work, target};
use crate::accounts::Account;
use crate::behaviour;
use crate::due;

/// A message that is in an inbox and should not be.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct LateVerdict {
    account: Address,
    uid: u32,
    uid_validity: u32,
    filing: Filing,
}

impl Deliveries {
    /// The seconds until the verdict, where a scanner's verdict comes late.
    pub(super) fn late_verdict(&self, letter: &Letter<'_>) -> Option<u64> {
        let seconds = self.manners.now().mail.verdict_after_seconds;
        let odd = matches!(letter.filing, Filing::Junk | Filing::Quarantine);
        (letter.scanned && odd && seconds > 0).then_some(seconds)
    }

    pub(super) async fn promise_verdict(
        &self,
        letter: &Letter<'_>,
        account: &Account,
        appended: Appended,
        seconds: u64,
    ) {
        let verdict = LateVerdict {
            account: account.address.clone(),
            uid: appended.uid.0,
            uid_validity: appended.uid_validity,
            filing: letter.filing,
        };
        let at = due::after(&*self.clock, seconds);
        self.promise(at, Work::Verdict(verdict)).await;
    }

    pub(super) async fn judge_late(&self, verdict: LateVerdict) {
        let why = match verdict.filing {
            Filing::Junk => "found late: moved to Junk Email",
            _ => "found late: taken into the quarantine",
        };
        match self.take_out(&verdict).await {
            // Its holder was faster.
            Ok(false) => {}
            Ok(true) => {
                let account = Some(verdict.account.as_str());
                let behaviour = behaviour::LATE_VERDICT;
                self.events
                    .punish("service", "taken_out", account, why, behaviour);
            }
            Err(error) => tracing::warn!(%error, "a message could not be taken out"),
        }
    }

    async fn take_out(&self, verdict: &LateVerdict) -> Result<bool, MailboxError> {
        let (owner, uid) = (verdict.account.key(), Uid(verdict.uid));
        let inbox = FolderName::parse(INBOX)?;
        let folder = self.mailboxes.folder(&owner, &inbox).await?;
        let item = folder.item(uid);
        let Some(item) = item.filter(|_| folder.uid_validity() == verdict.uid_validity) else {
            return Ok(false);
        };
        if verdict.filing == Filing::Junk {
            folder.move_to(&[uid], &FolderName::parse(JUNK)?).await?;
            return Ok(true);
        }
        // Kept back first, so that a cut-off leaves two rather than none.
        let content = Content::Existing {
            body: item.body,
            summary: self.summary(&owner, &inbox, uid).await?,
        };
        let kept_back = target(QUARANTINE.to_owned(), INBOX, Flags::NONE)?;
        let now = self.clock.now();
        self.mailboxes.append(kept_back, content, now).await?;
        self.mailboxes.remove(&owner, &inbox, &[uid]).await?;
        Ok(true)
    }

    async fn summary(
        &self,
        owner: &str,
        folder: &FolderName,
        uid: Uid,
    ) -> Result<Summary, MailboxError> {
        let before = Some(Uid(uid.0.saturating_add(1)));
        let listed = self.mailboxes.list(owner, folder, before, 1).await?;
        let found = listed.into_iter().find(|item| item.uid == uid);
        Ok(found.map(|item| item.summary).unwrap_or_default())
    }
}
