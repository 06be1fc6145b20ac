//! LIST, with its extensions: options (RFC 5258), STATUS (RFC 5819) and
//! special uses (RFC 6154).

use std::collections::{BTreeMap, HashSet};

use mailward_mailbox::{FolderInfo, FolderName, MailboxError};
use mailward_wire::imap::write::put;
use mailward_wire::imap::{ListSelection, Listing};
use tokio::io::AsyncWrite;

use crate::imap::host::Host;
use crate::imap::pattern::Pattern;
use crate::imap::session::{Answer, Session};

/// A name that may be listed.
#[derive(Default)]
struct Name {
    /// `None`: no such folder, but it is subscribed to, or one below it is.
    folder: Option<FolderInfo>,
    subscribed: bool,
    usage: Option<&'static str>,
    /// The name itself was asked for.
    wanted: bool,
    /// A name below it was, which does not fit the pattern.
    child_wanted: bool,
}

impl<H: Host, W: AsyncWrite + Unpin + Send> Session<'_, H, W> {
    pub(crate) async fn list(&mut self, listing: &Listing) -> Result<Answer, MailboxError> {
        let reference = listing.reference.as_str();
        if let ([only], false) = (listing.patterns.as_slice(), listing.extended)
            && only.is_empty()
        {
            // Asks for the separator and the root (RFC 3501 section 6.3.8).
            self.out.untagged(r#"LIST (\Noselect) "/" """#);
            return Ok(self.completed());
        }
        let patterns: Option<Vec<Pattern>> = listing
            .patterns
            .iter()
            .map(|pattern| Pattern::new(reference, pattern))
            .collect();
        let Some(patterns) = patterns else {
            return Ok(self.failed());
        };
        let fits = |name: &FolderName| {
            patterns
                .iter()
                .any(|pattern| pattern.matches(name.as_str()))
        };
        for (name, entry) in self.names(listing, fits).await? {
            let children = entry.child_wanted.then_some(&listing.select);
            self.put_name_listed(&name, &entry, listing, children);
            if let Some(folder) = entry.folder.filter(|folder| folder.selectable)
                && !listing.returns.status.is_empty()
            {
                self.put_status_of(&name, &folder.status, &listing.returns.status)
                    .await?;
            }
        }
        Ok(self.completed())
    }

    /// The names to list, in order, INBOX first.
    async fn names(
        &self,
        listing: &Listing,
        fits: impl Fn(&FolderName) -> bool,
    ) -> Result<Vec<(FolderName, Name)>, MailboxError> {
        let owner = self.owner();
        let select = &listing.select;
        let mut names: BTreeMap<FolderName, Name> = BTreeMap::new();
        for folder in self.imap.mailboxes.folders(&owner).await? {
            let entry = names.entry(folder.name.clone()).or_default();
            entry.subscribed = folder.subscribed;
            entry.usage = self.usage(&folder.name);
            entry.folder = Some(folder);
        }
        if select.subscribed {
            for name in self.imap.mailboxes.subscriptions(&owner).await? {
                names.entry(name).or_default().subscribed = true;
            }
        }
        let mut parents: HashSet<FolderName> = HashSet::new();
        for (name, entry) in &mut names {
            let chosen = (!select.subscribed || entry.subscribed)
                && (!select.special_use || entry.usage.is_some());
            entry.wanted = chosen && fits(name);
            if chosen && !entry.wanted && select.recursive_match {
                parents.extend(std::iter::successors(name.parent(), FolderName::parent));
            }
        }
        for parent in parents.into_iter().filter(|parent| fits(parent)) {
            names.entry(parent).or_default().child_wanted = true;
        }
        let mut listed: Vec<(FolderName, Name)> = names
            .into_iter()
            .filter(|(_, entry)| entry.wanted || entry.child_wanted)
            .collect();
        listed.sort_by_key(|(name, _)| !name.is_inbox());
        Ok(listed)
    }

    fn usage(&self, name: &FolderName) -> Option<&'static str> {
        let uses = &self.profile.special_use;
        uses.iter()
            .find(|(own, _)| own == name.as_str())
            .map(|(_, usage)| *usage)
    }

    fn put_name_listed(
        &mut self,
        name: &FolderName,
        entry: &Name,
        listing: &Listing,
        children: Option<&ListSelection>,
    ) {
        let mut attributes = Vec::new();
        match &entry.folder {
            None => attributes.push("\\NonExistent"),
            Some(folder) if !folder.selectable => attributes.push("\\Noselect"),
            Some(_) => {}
        }
        if let Some(folder) = &entry.folder {
            attributes.push(match folder.has_children {
                true => "\\HasChildren",
                false => "\\HasNoChildren",
            });
        }
        if entry.subscribed && (listing.select.subscribed || listing.returns.subscribed) {
            attributes.push("\\Subscribed");
        }
        if self.profile.extended {
            attributes.extend(entry.usage);
        }
        let line = format!("* LIST ({}) \"/\" ", attributes.join(" "));
        put(&mut self.out.buffer, &line);
        self.put_name(name.as_str());
        if let Some(select) = children {
            // RFC 5258 section 4: which of the criteria a child met.
            let options = [
                (select.subscribed, "\"SUBSCRIBED\""),
                (select.special_use, "\"SPECIAL-USE\""),
            ];
            let met: Vec<&str> = options
                .iter()
                .filter(|(chosen, _)| *chosen)
                .map(|(_, option)| *option)
                .collect();
            let text = format!(" (\"CHILDINFO\" ({}))", met.join(" "));
            put(&mut self.out.buffer, &text);
        }
        put(&mut self.out.buffer, "\r\n");
    }
}
