//! QUOTA (RFC 9208): one root for all of a mailbox, in KiB of storage.

use mailward_mailbox::MailboxError;
use mailward_wire::imap::MailboxName;
use mailward_wire::imap::write::put;
use tokio::io::AsyncWrite;

use crate::imap::commands::folder_name;
use crate::imap::host::Host;
use crate::imap::session::{Answer, Session};

impl<H: Host, W: AsyncWrite + Unpin + Send> Session<'_, H, W> {
    pub(crate) async fn quota_root(&mut self, name: &MailboxName) -> Result<Answer, MailboxError> {
        let folder = folder_name(name)?;
        self.imap.mailboxes.status(&self.owner(), &folder).await?;
        put(&mut self.out.buffer, "* QUOTAROOT ");
        self.put_name(folder.as_str());
        put(&mut self.out.buffer, " \"\"\r\n");
        self.quota("").await
    }

    /// A mailbox without a quota has a root without resources.
    pub(crate) async fn quota(&mut self, root: &str) -> Result<Answer, MailboxError> {
        if !root.is_empty() {
            return Ok(self.failed().with_code("NONEXISTENT"));
        }
        let usage = self.imap.mailboxes.usage(&self.owner()).await?;
        let resources = usage.quota_octets.map_or_else(String::new, |limit| {
            format!("STORAGE {} {}", usage.octets.div_ceil(1024), limit / 1024)
        });
        self.out.untagged(&format!("QUOTA \"\" ({resources})"));
        Ok(self.completed())
    }
}
