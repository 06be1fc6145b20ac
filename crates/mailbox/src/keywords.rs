//! Keywords: flags that clients name themselves (RFC 3501 section 2.3.2).
//!
//! A mailbox knows [`KEYWORDS_MAX`] of them. Each has a place, for good, and an
//! item carries the places in its [`crate::Flags`].

use crate::error::MailboxError;
use crate::flags::KEYWORDS_MAX;
use crate::mailboxes::Mailboxes;
use crate::rows::MailboxRow;

/// Octets of one keyword.
pub const KEYWORD_OCTETS_MAX: usize = 64;

impl Mailboxes {
    /// The keywords of a mailbox; the first has place 0.
    pub async fn keywords(&self, owner: &str) -> Result<Vec<String>, MailboxError> {
        let owner = owner.to_owned();
        self.read(move |tx| {
            let mailbox = MailboxRow::find(tx, &owner)?;
            Ok(tx.keywords(mailbox.id)?)
        })
        .await
    }

    /// Gives places to keywords that have none, as long as there is room, and
    /// then all keywords. Names are the same in any case and keep the spelling
    /// that came first; those that are too long get no place.
    pub async fn add_keywords(
        &self,
        owner: &str,
        names: Vec<String>,
    ) -> Result<Vec<String>, MailboxError> {
        let owner = owner.to_owned();
        self.write(Vec::new(), move |tx, _| {
            let mailbox = MailboxRow::find(tx, &owner)?;
            let mut known = tx.keywords(mailbox.id)?;
            for name in names {
                let is_known = known.iter().any(|own| own.eq_ignore_ascii_case(&name));
                if is_known || known.len() >= KEYWORDS_MAX || name.len() > KEYWORD_OCTETS_MAX {
                    continue;
                }
                tx.add_keyword(mailbox.id, known.len(), &name)?;
                known.push(name);
            }
            Ok(known)
        })
        .await
    }
}
