//! SEARCH (RFC 3501 section 6.4.4), with ESEARCH (RFC 4731), SEARCHRES (RFC
//! 5182) and mod-sequences (RFC 7162 section 3.1.5).
//!
//! Strings are looked for without regard to case, in header fields with
//! encoded words decoded, in texts with transfer encoding and charset undone.
//! Attachments are not searched.

use mailward_mailbox::{Item, MailboxError};
use mailward_wire::imap::sequence::compact;
use mailward_wire::imap::write::put;
use mailward_wire::imap::{Charset, Search, SearchReturns};
use tokio::io::AsyncWrite;

use crate::imap::candidate::Candidate;
use crate::imap::host::Host;
use crate::imap::search_key::{Test, asks_modseq, exceeds};
use crate::imap::serve::End;
use crate::imap::session::{Answer, Session, modseq};

/// A message that was found: its number and what is known of it.
pub(crate) type Found = (u32, Item);

/// An answer instead of messages.
pub(crate) type Searched = Result<Result<Vec<Found>, Answer>, End>;

impl<H: Host, W: AsyncWrite + Unpin + Send> Session<'_, H, W> {
    pub(crate) async fn search(
        &mut self,
        by_uid: bool,
        search: Search,
    ) -> Result<Result<Answer, MailboxError>, End> {
        let with_modseq = asks_modseq(&search.key);
        if with_modseq {
            self.enable_condstore();
        }
        let returns = search.returns;
        let found = match self.find(search).await? {
            Ok(found) => found,
            Err(answer) => {
                // RFC 5182 section 2.1: a search that fails saves nothing.
                if returns.is_some_and(|returns| returns.save) {
                    self.saved = Vec::new();
                }
                return Ok(Ok(answer));
            }
        };
        let number = |(number, item): &Found| if by_uid { item.uid.0 } else { *number };
        // IMAP4rev2 knows no other answer (RFC 9051 section 6.4.4).
        let all = SearchReturns {
            all: true,
            ..SearchReturns::default()
        };
        if let Some(returns) = returns.or(self.enabled.rev2.then_some(all)) {
            self.put_esearch(by_uid, returns, &found, with_modseq);
            return Ok(Ok(self.completed()));
        }
        put(&mut self.out.buffer, "* SEARCH");
        let mut highest = 0;
        for message in &found {
            put(&mut self.out.buffer, &format!(" {}", number(message)));
            highest = highest.max(modseq(message.1.change));
            self.out.breathe().await?;
        }
        if with_modseq && !found.is_empty() {
            put(&mut self.out.buffer, &format!(" (MODSEQ {highest})"));
        }
        put(&mut self.out.buffer, "\r\n");
        Ok(Ok(self.completed()))
    }

    fn put_esearch(
        &mut self,
        by_uid: bool,
        returns: SearchReturns,
        found: &[Found],
        with_modseq: bool,
    ) {
        let number = |(number, item): &Found| if by_uid { item.uid.0 } else { *number };
        let ends_only = (returns.min || returns.max) && !returns.all && !returns.count;
        // With MIN and MAX alone only those count, for MODSEQ and for SAVE
        // (RFC 4731 section 3.2, RFC 5182 section 2.4).
        let (first, last) = (found.first(), found.last());
        let ends: Vec<&Found> = [first.filter(|_| returns.min), last.filter(|_| returns.max)]
            .into_iter()
            .flatten()
            .collect();
        let counted: Vec<&Found> = if ends_only {
            ends
        } else {
            found.iter().collect()
        };
        if returns.save {
            self.saved = counted.iter().map(|(_, item)| item.uid).collect();
            self.saved.dedup();
            let alone = SearchReturns {
                save: true,
                ..SearchReturns::default()
            };
            if returns == alone {
                return;
            }
        }
        let mut line = format!("ESEARCH (TAG \"{}\")", self.server.tag());
        if by_uid {
            line.push_str(" UID");
        }
        if let Some(first) = first.filter(|_| returns.min) {
            line.push_str(&format!(" MIN {}", number(first)));
        }
        if let Some(last) = last.filter(|_| returns.max) {
            line.push_str(&format!(" MAX {}", number(last)));
        }
        if returns.count {
            line.push_str(&format!(" COUNT {}", found.len()));
        }
        if returns.all && !found.is_empty() {
            let set = compact(found.iter().map(number));
            line.push_str(&format!(" ALL {set}"));
        }
        let highest = counted.iter().map(|(_, item)| modseq(item.change)).max();
        if let Some(highest) = highest.filter(|_| with_modseq) {
            line.push_str(&format!(" MODSEQ {highest}"));
        }
        self.out.untagged(&line);
    }

    /// The messages that fit, ascending. Those that can't be read are passed
    /// over: neither they nor what was expunged meanwhile should keep the
    /// others from being found.
    pub(crate) async fn find(&mut self, search: Search) -> Searched {
        if let Err(answer) = self.reads_charset(&search.charset) {
            return Ok(Err(answer));
        }
        let Some(selected) = &self.selected else {
            return Ok(Err(self.failed()));
        };
        // Exchange's manner; others find nothing there.
        if !self.profile.extended && exceeds(&search.key, selected.view.count()) {
            return Ok(Err(Answer::bad(&self.profile.words.bad_arguments)));
        }
        let Some(test) = Test::new(search.key, selected, &self.saved, &|flag| self.kept(flag))
        else {
            return Ok(Err(Answer::bad(&self.profile.words.bad_arguments)));
        };
        let mut found = Vec::new();
        for (place, uid) in selected.view.uids().iter().enumerate() {
            let Some(item) = selected.folder.item(*uid) else {
                continue;
            };
            let number = u32::try_from(place + 1).unwrap_or(u32::MAX);
            let recent = selected.view.is_recent(*uid);
            let mut candidate = Candidate::new(self.imap, number, recent, item);
            match candidate.passes(&test).await {
                Ok(true) => found.push((number, item)),
                Ok(false) | Err(MailboxError::NoItem) => {}
                Err(error) => tracing::warn!(%error, "a message could not be searched"),
            }
        }
        Ok(Ok(found))
    }

    fn reads_charset(&self, charset: &Charset) -> Result<(), Answer> {
        let words = &self.profile.words;
        if self.enabled.utf8 && !matches!(charset, Charset::Unnamed | Charset::Utf8) {
            // Who reads UTF-8 needs no other (RFC 6855 section 3).
            return Err(Answer::bad(&words.bad_arguments));
        }
        let (known, offered) = if self.profile.search_utf8 {
            (!matches!(charset, Charset::Other(_)), "US-ASCII UTF-8")
        } else {
            let known = matches!(charset, Charset::Unnamed | Charset::Ascii);
            (known, "US-ASCII")
        };
        if known {
            return Ok(());
        }
        let answer = Answer::no(&words.bad_charset);
        Err(answer.with_code(format!("BADCHARSET ({offered})")))
    }
}
