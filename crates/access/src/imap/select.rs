//! SELECT and EXAMINE (RFC 3501 section 6.3.1, RFC 7162 section 3.2.5).

use std::sync::Arc;

use mailward_mailbox::{Flags, KEYWORDS_MAX, MailboxError, Uid, UidRange, View};
use mailward_wire::imap::sequence::compact;
use mailward_wire::imap::write::put;
use mailward_wire::imap::{Opening, Resync, SequenceSet, State};
use tokio::io::AsyncWrite;

use crate::imap::commands::folder_name;
use crate::imap::host::Host;
use crate::imap::serve::End;
use crate::imap::session::{Answer, Selected, Session, modseq};

impl<H: Host, W: AsyncWrite + Unpin + Send> Session<'_, H, W> {
    pub(crate) async fn select(
        &mut self,
        opening: &Opening,
        read_only: bool,
    ) -> Result<Result<Answer, MailboxError>, End> {
        if opening.resync.is_some() && !self.enabled.qresync {
            return Ok(Ok(Answer::bad(&self.profile.words.bad_arguments)));
        }
        // A SELECT that fails leaves nothing selected (RFC 3501 section 6.3.1).
        let closes = self.selected.is_some();
        self.leave();
        if closes && (self.enabled.qresync || self.enabled.rev2) {
            // What follows is about another folder (RFC 7162 section 3.2.11).
            self.out.untagged("OK [CLOSED] Previous folder is closed");
        }
        self.enabled.condstore |= opening.condstore;
        if let Err(error) = self.open(opening, read_only).await {
            return Ok(Err(error));
        }
        if let Some(resync) = &opening.resync {
            self.put_resync(resync).await?;
        }
        self.server.enter(State::Selected);
        let code = if read_only { "READ-ONLY" } else { "READ-WRITE" };
        Ok(Ok(self.completed().with_code(code)))
    }

    async fn open(&mut self, opening: &Opening, read_only: bool) -> Result<(), MailboxError> {
        let name = folder_name(&opening.mailbox)?;
        let owner = self.owner();
        let folder = self.imap.mailboxes.folder(&owner, &name).await?;
        if self.profile.extended {
            self.keywords = self.imap.mailboxes.keywords(&owner).await?;
        }
        let mut view = folder.view();
        folder.claim_recent(&mut view, read_only).await;
        let selected = Selected {
            folder,
            view,
            read_only,
            standing_due: false,
        };
        self.put_selected(&selected);
        if self.enabled.rev2 {
            put(&mut self.out.buffer, "* LIST () \"/\" ");
            self.put_name(name.as_str());
            put(&mut self.out.buffer, "\r\n");
        }
        self.selected = Some(selected);
        Ok(())
    }

    fn put_selected(&mut self, selected: &Selected) {
        let Selected { folder, view, .. } = selected;
        let (rev2, out) = (self.enabled.rev2, &mut self.out);
        out.untagged(&format!("{} EXISTS", view.count()));
        if !rev2 {
            out.untagged(&format!("{} RECENT", view.recent_count()));
        }
        self.put_flag_names(selected.read_only);
        let unseen = folder
            .first_without(Flags::SEEN)
            .filter(|_| !rev2)
            .and_then(|uid| view.sequence_number_of(uid));
        let out = &mut self.out;
        if let Some(unseen) = unseen {
            out.untagged(&format!("OK [UNSEEN {unseen}] Is the first unseen message"));
        }
        out.untagged(&format!(
            "OK [UIDVALIDITY {}] UIDVALIDITY value",
            folder.uid_validity()
        ));
        out.untagged(&format!(
            "OK [UIDNEXT {}] The next unique identifier value",
            view.uid_next()
        ));
        if self.profile.extended {
            let highest = selected.highest_modseq();
            out.untagged(&format!("OK [HIGHESTMODSEQ {highest}] Highest"));
        }
    }

    /// FLAGS and PERMANENTFLAGS; `\*` while there is room for more keywords.
    pub(crate) fn put_flag_names(&mut self, read_only: bool) {
        let profile = Arc::clone(&self.profile);
        let mut names: Vec<&str> = profile.flags.iter().flat_map(|flag| flag.names()).collect();
        names.extend(self.keywords.iter().map(String::as_str));
        let flags = names.join(" ");
        if profile.extended && self.keywords.len() < KEYWORDS_MAX {
            names.push("\\*");
        }
        let permanent = if read_only {
            String::new()
        } else {
            names.join(" ")
        };
        self.out.untagged(&format!("FLAGS ({flags})"));
        self.out.untagged(&format!(
            "OK [PERMANENTFLAGS ({permanent})] Permanent flags"
        ));
    }

    /// What happened since the client was last here.
    async fn put_resync(&mut self, resync: &Resync) -> Result<(), End> {
        let Some(selected) = &self.selected else {
            return Ok(());
        };
        if resync.uid_validity != selected.folder.uid_validity() {
            return Ok(());
        }
        self.put_vanished(resync.known_uids.as_ref(), resync.modseq)
            .await;
        let Some(selected) = &self.selected else {
            return Ok(());
        };
        let last = selected.view.uid_next().saturating_sub(1);
        let known = resync
            .known_uids
            .as_ref()
            .map_or_else(|| vec![(1, u32::MAX)], |known| known.ranges(last));
        let mut changed = Vec::new();
        for uid in selected.view.uids() {
            if let Some(item) = selected.folder.item(*uid)
                && modseq(item.change) > resync.modseq
                && within(&known, *uid)
            {
                changed.push(item);
            }
        }
        for item in changed {
            self.learn(item.flags).await;
            let Some(selected) = &self.selected else {
                return Ok(());
            };
            let Some(number) = selected.view.sequence_number_of(item.uid) else {
                continue;
            };
            let recent = selected.view.is_recent(item.uid);
            let start = format!("* {number} FETCH (UID {} FLAGS ", item.uid);
            put(&mut self.out.buffer, &start);
            self.put_flags(item.flags, recent);
            let end = format!(" MODSEQ ({}))\r\n", modseq(item.change));
            put(&mut self.out.buffer, &end);
            self.out.breathe().await?;
        }
        Ok(())
    }

    /// `VANISHED (EARLIER)` with those of the UIDs, or of all there ever were,
    /// that went since. Where that is no longer known, all that are not there
    /// are told, so that what the client has forgotten already may be among
    /// them (RFC 7162 section 3.2.5.1).
    pub(crate) async fn put_vanished(&mut self, known: Option<&SequenceSet>, since: u64) {
        let Some(selected) = &self.selected else {
            return;
        };
        let change = since.saturating_sub(1);
        if !selected.folder.expunged_since(change) {
            return;
        }
        let last = selected.view.uid_next().saturating_sub(1);
        let known = known.map_or_else(|| vec![(1, last)], |known| known.ranges(last));
        let gone = match selected.folder.gone_since(change).await {
            Ok(Some(gone)) => untold(gone, &selected.view),
            Ok(None) => gaps(selected.view.uids(), last),
            Err(error) => {
                tracing::warn!(%error, "what went from the folder could not be read");
                gaps(selected.view.uids(), last)
            }
        };
        let gone: Vec<String> = gone
            .into_iter()
            .flat_map(|(start, end)| {
                let place = known.partition_point(|(_, last)| *last < start);
                known[place..]
                    .iter()
                    .take_while(move |(first, _)| *first <= end)
                    .map(move |(first, last)| (start.max(*first), end.min(*last)))
            })
            .map(|(start, end)| match start == end {
                true => start.to_string(),
                false => format!("{start}:{end}"),
            })
            .collect();
        if !gone.is_empty() {
            self.out
                .untagged(&format!("VANISHED (EARLIER) {}", gone.join(",")));
        }
    }

    /// VANISHED for messages that the client knows the numbers of.
    pub(crate) fn put_vanished_now(&mut self, mut uids: Vec<Uid>) {
        uids.sort_unstable();
        let set = compact(uids.into_iter().map(|uid| uid.0));
        self.out.untagged(&format!("VANISHED {set}"));
    }
}

/// What of it the view does not have: an expunge that waits is still counted.
/// Ranges that ascend.
fn untold(mut gone: Vec<UidRange>, view: &View) -> Vec<(u32, u32)> {
    gone.sort_unstable();
    let mut untold: Vec<(u32, u32)> = Vec::with_capacity(gone.len());
    let mut add = |start: u32, end: u32| match untold.last_mut() {
        _ if start > end => {}
        Some((_, last)) if *last + 1 == start => *last = end,
        _ => untold.push((start, end)),
    };
    // What came and went since the view was made is unknown to the client.
    let known_last = view.uid_next().saturating_sub(1);
    for (first, last) in gone {
        let (mut start, last) = (first.0, last.0.min(known_last));
        let place = view.uids().partition_point(|uid| *uid < first);
        for waiting in view.uids()[place..].iter().take_while(|uid| uid.0 <= last) {
            add(start, waiting.0.saturating_sub(1));
            start = waiting.0.saturating_add(1);
        }
        add(start, last);
    }
    untold
}

/// The UIDs up to `last` that are not there, as ranges.
fn gaps(uids: &[Uid], last: u32) -> Vec<(u32, u32)> {
    let mut gaps = Vec::new();
    let mut next = 1;
    for uid in uids {
        if uid.0 > next {
            gaps.push((next, uid.0 - 1));
        }
        next = uid.0.saturating_add(1);
    }
    if next <= last {
        gaps.push((next, last));
    }
    gaps
}

fn within(ranges: &[(u32, u32)], uid: Uid) -> bool {
    let place = ranges.partition_point(|(_, end)| *end < uid.0);
    ranges.get(place).is_some_and(|(start, _)| *start <= uid.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_what_is_not_there() {
        for (uids, last, expected) in [
            (&[][..], 0, &[][..]),
            (&[], 3, &[(1, 3)]),
            (&[1, 2, 3], 3, &[]),
            (&[2, 3, 7], 9, &[(1, 1), (4, 6), (8, 9)]),
        ] {
            let uids: Vec<Uid> = uids.iter().map(|uid| Uid(*uid)).collect();
            assert_eq!(gaps(&uids, last), expected);
        }
        let ranges = [(2, 4), (8, 8)];
        let inside: Vec<u32> = (1..10).filter(|uid| within(&ranges, Uid(*uid))).collect();
        assert_eq!(inside, [2, 3, 4, 8]);
    }
}
