//! FETCH.

use mailward_mailbox::{FlagChange, Flags, Item, MailboxError, Uid};
use mailward_wire::imap::write::{put, put_section_name};
use mailward_wire::imap::{FetchItem, SequenceSet};
use tokio::io::AsyncWrite;

use crate::imap::binary::part_name;
use crate::imap::body::header;
use crate::imap::host::Host;
use crate::imap::numbers::{Numbered, named};
use crate::imap::section::{Known, Octets};
use crate::imap::serve::End;
use crate::imap::session::{Answer, Session, modseq};
use crate::mime::envelope;

/// Messages whose `\Seen` is set by one write.
const BATCH_MESSAGES: usize = 32;

/// The arguments of FETCH.
pub(crate) struct Fetch {
    pub(crate) by_uid: bool,
    pub(crate) set: SequenceSet,
    pub(crate) items: Vec<FetchItem>,
    pub(crate) changed_since: Option<u64>,
    pub(crate) vanished: bool,
}

/// Why a message was not told.
enum Missed {
    Mailbox(MailboxError),
    /// RFC 3516 section 4.3.
    UnknownEncoding,
}

impl<H: Host, W: AsyncWrite + Unpin + Send> Session<'_, H, W> {
    pub(crate) async fn fetch(
        &mut self,
        fetch: Fetch,
    ) -> Result<Result<Answer, MailboxError>, End> {
        let Fetch {
            by_uid,
            set,
            mut items,
            changed_since,
            vanished,
        } = fetch;
        if vanished && !self.enabled.qresync {
            return Ok(Ok(Answer::bad(&self.profile.words.bad_arguments)));
        }
        if changed_since.is_some() && !items.contains(&FetchItem::ModSeq) {
            items.push(FetchItem::ModSeq);
        }
        if items.contains(&FetchItem::ModSeq) {
            self.enable_condstore();
        }
        if let Some(since) = changed_since.filter(|_| vanished) {
            self.put_vanished(Some(&set), since).await;
        }
        let Some(selected) = &self.selected else {
            return Ok(Ok(self.failed()));
        };
        let reads = !selected.read_only && items.iter().any(FetchItem::reads);
        let Some(messages) = named(&selected.view, &set, by_uid, &self.saved) else {
            return Ok(Ok(Answer::bad(&self.profile.words.bad_arguments)));
        };
        if by_uid && !items.contains(&FetchItem::Uid) {
            items.insert(0, FetchItem::Uid);
        }
        let mut missing = false;
        for batch in messages.chunks(BATCH_MESSAGES) {
            let mut newly_seen = Vec::new();
            if reads {
                match self.set_seen(batch).await {
                    Ok(uids) => newly_seen = uids,
                    Err(error) => return Ok(Err(error)),
                }
            }
            for message in batch {
                let Some(item) = self.item(message.uid) else {
                    missing = true;
                    continue;
                };
                if changed_since.is_some_and(|since| modseq(item.change) <= since) {
                    continue;
                }
                let tell_flags = newly_seen.contains(&item.uid);
                let fetched = self
                    .fetch_message(message.number, &item, &items, tell_flags)
                    .await?;
                match fetched {
                    Ok(()) if items.iter().any(FetchItem::has_text) => self.was_read(&item),
                    Ok(()) => {}
                    Err(Missed::Mailbox(MailboxError::NoItem)) => missing = true,
                    Err(Missed::Mailbox(error)) => return Ok(Err(error)),
                    Err(Missed::UnknownEncoding) => {
                        return Ok(Ok(self.failed().with_code("UNKNOWN-CTE")));
                    }
                }
            }
        }
        // UIDs that name nothing are no error (RFC 3501 section 6.4.8);
        // numbers that do, because somebody else expunged, are.
        if missing && !by_uid {
            return Ok(Err(MailboxError::NoItem));
        }
        Ok(Ok(self.completed()))
    }

    fn item(&self, uid: Uid) -> Option<Item> {
        self.selected.as_ref()?.folder.item(uid)
    }

    /// For who watches the mailboxes; the client may have peeked.
    fn was_read(&self, item: &Item) {
        if let Some(selected) = &self.selected {
            let (folder, body) = (&selected.folder, item.body.number());
            let mailboxes = &self.imap.mailboxes;
            mailboxes.was_read(folder.owner(), folder.name(), item.uid, body);
        }
    }

    /// Marks messages as seen; gives those that were not.
    async fn set_seen(&mut self, batch: &[Numbered]) -> Result<Vec<Uid>, MailboxError> {
        let Some(selected) = &mut self.selected else {
            return Ok(Vec::new());
        };
        let unseen: Vec<Uid> = batch
            .iter()
            .filter_map(|message| selected.folder.item(message.uid))
            .filter(|item| !item.flags.contains(Flags::SEEN))
            .map(|item| item.uid)
            .collect();
        if unseen.is_empty() {
            return Ok(unseen);
        }
        // The FLAGS are told with what is fetched.
        let change = FlagChange::Add(Flags::SEEN);
        let stored = selected.folder.store_flags(&unseen, change, None).await?;
        for change in stored.changes {
            selected.view.was_told(change);
        }
        Ok(unseen)
    }

    /// One untagged FETCH. An error of the mailbox comes before anything of
    /// the item in question was written.
    async fn fetch_message(
        &mut self,
        number: u32,
        item: &Item,
        items: &[FetchItem],
        tell_flags: bool,
    ) -> Result<Result<(), Missed>, End> {
        let mut known = Known::default();
        self.learn(item.flags).await;
        // What must be read is read first: a response can't be taken back.
        if let Err(error) = self.find_out(item, items, &mut known).await {
            return Ok(Err(Missed::Mailbox(error)));
        }
        if known.decoded.iter().any(|(_, decoded)| decoded.unknown) {
            return Ok(Err(Missed::UnknownEncoding));
        }
        put(&mut self.out.buffer, &format!("* {number} FETCH ("));
        let recent = self
            .selected
            .as_ref()
            .is_some_and(|selected| selected.view.is_recent(item.uid));
        for (index, wanted) in items.iter().enumerate() {
            if index > 0 {
                put(&mut self.out.buffer, " ");
            }
            self.put_item(item, wanted, &known, recent).await?;
            self.out.breathe().await?;
        }
        if tell_flags && !items.contains(&FetchItem::Flags) {
            put(&mut self.out.buffer, " FLAGS ");
            self.put_flags(item.flags, recent);
            if !items.contains(&FetchItem::ModSeq) {
                self.put_modseq_after(item.change);
            }
        }
        put(&mut self.out.buffer, ")\r\n");
        self.out.breathe().await?;
        Ok(Ok(()))
    }

    /// Reads header and structure as far as the items need them.
    async fn find_out(
        &self,
        item: &Item,
        items: &[FetchItem],
        known: &mut Known,
    ) -> Result<(), MailboxError> {
        let mailboxes = &self.imap.mailboxes;
        let needs_header = |wanted: &FetchItem| match wanted {
            FetchItem::Envelope | FetchItem::Rfc822Header | FetchItem::Rfc822Text => true,
            FetchItem::Section { section, .. } => section.part.is_empty() && section.text.is_some(),
            _ => false,
        };
        if items.iter().any(needs_header) {
            known.header = Some(header(mailboxes, &item.body).await?);
        }
        let long_header = matches!(known.header, Some((None, _)));
        let needs_structure = |wanted: &FetchItem| match wanted {
            FetchItem::Body | FetchItem::BodyStructure => true,
            FetchItem::Section { section, .. } => !section.part.is_empty(),
            FetchItem::Binary { .. } | FetchItem::BinarySize(_) => true,
            _ => false,
        };
        if long_header || items.iter().any(needs_structure) {
            known.structure = Some(self.imap.structures.of(mailboxes, &item.body).await?);
        }
        for wanted in items {
            if let FetchItem::Binary { part, .. } | FetchItem::BinarySize(part) = wanted {
                self.measure(item, part, known).await?;
            }
        }
        Ok(())
    }

    async fn put_item(
        &mut self,
        item: &Item,
        wanted: &FetchItem,
        known: &Known,
        recent: bool,
    ) -> Result<(), End> {
        let out = &mut self.out.buffer;
        match wanted {
            FetchItem::Uid => put(out, &format!("UID {}", item.uid)),
            FetchItem::Flags => {
                put(out, "FLAGS ");
                self.put_flags(item.flags, recent);
            }
            FetchItem::ModSeq => put(out, &format!("MODSEQ ({})", modseq(item.change))),
            FetchItem::Binary { part, partial, .. } => {
                let start = partial.map(|partial| format!("<{}>", partial.start));
                let name = part_name(part);
                put(
                    out,
                    &format!("BINARY[{name}]{} ", start.unwrap_or_default()),
                );
                return self.put_binary(item, part, *partial, known).await;
            }
            FetchItem::BinarySize(part) => {
                let octets = known.decoded_octets(part);
                put(out, &format!("BINARY.SIZE[{}] {octets}", part_name(part)));
            }
            FetchItem::InternalDate => {
                put(
                    out,
                    &format!("INTERNALDATE \"{}\"", item.internal_date.to_imap()),
                );
            }
            FetchItem::Rfc822Size => put(out, &format!("RFC822.SIZE {}", item.octets())),
            FetchItem::Envelope => {
                put(out, "ENVELOPE ");
                envelope(known.header_start()).put(out);
            }
            FetchItem::Body | FetchItem::BodyStructure => {
                let extended = *wanted == FetchItem::BodyStructure;
                put(out, if extended { "BODYSTRUCTURE " } else { "BODY " });
                if let Some(structure) = &known.structure {
                    structure.body_structure().put(out, extended);
                }
            }
            FetchItem::Rfc822 => {
                put(out, "RFC822 ");
                return self
                    .put_octets(item, Octets::Range(0..item.octets()), None)
                    .await;
            }
            FetchItem::Rfc822Header => {
                put(out, "RFC822.HEADER ");
                let octets = Octets::Range(0..known.header_end());
                return self.put_octets(item, octets, None).await;
            }
            FetchItem::Rfc822Text => {
                put(out, "RFC822.TEXT ");
                let octets = Octets::Range(known.header_end()..item.octets());
                return self.put_octets(item, octets, None).await;
            }
            FetchItem::Section {
                section, partial, ..
            } => {
                put_section_name(out, section, partial.map(|partial| partial.start));
                put(out, " ");
                let octets = self.section(item, section, known).await?;
                return self.put_octets(item, octets, *partial).await;
            }
        }
        Ok(())
    }
}
