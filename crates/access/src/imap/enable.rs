//! ENABLE (RFC 5161), and what the client has switched on.

use mailward_mailbox::{Flags, MailboxError};
use mailward_wire::imap::write::{put, put_mailbox, put_mailbox_utf8};
use mailward_wire::imap::{Dialect, Flag};
use tokio::io::AsyncWrite;

use crate::imap::host::Host;
use crate::imap::session::{Answer, Session};

/// What this client said it understands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Enabled {
    /// Flags come with their mod-sequence (RFC 7162 section 3.1).
    pub(crate) condstore: bool,
    /// VANISHED comes in place of EXPUNGE (section 3.2).
    pub(crate) qresync: bool,
    /// Names are plain UTF-8 (RFC 6855).
    pub(crate) utf8: bool,
    /// RFC 9051: no `\Recent`, and ESEARCH for every search.
    pub(crate) rev2: bool,
}

impl<H: Host, W: AsyncWrite + Unpin + Send> Session<'_, H, W> {
    pub(crate) fn enable(&mut self, names: &[String]) -> Answer {
        if !self.profile.extended {
            return self.failed();
        }
        let mut line = "ENABLED".to_owned();
        for name in names {
            let enabled = &mut self.enabled;
            let switched = match name.as_str() {
                "CONDSTORE" => !std::mem::replace(&mut enabled.condstore, true),
                "QRESYNC" => {
                    enabled.condstore = true;
                    !std::mem::replace(&mut enabled.qresync, true)
                }
                "UTF8=ACCEPT" => !std::mem::replace(&mut enabled.utf8, true),
                "IMAP4REV2" => {
                    enabled.utf8 = true;
                    !std::mem::replace(&mut enabled.rev2, true)
                }
                _ => false,
            };
            if switched {
                line.push(' ');
                line.push_str(if name == "IMAP4REV2" {
                    "IMAP4rev2"
                } else {
                    name
                });
            }
        }
        self.server.speak(Dialect {
            extended: true,
            utf8_names: self.enabled.utf8,
        });
        self.out.untagged(&line);
        self.completed()
    }

    /// A command that shows that the client knows mod-sequences (RFC 7162
    /// section 3.1.2): the open folder's is told the first time.
    pub(crate) fn enable_condstore(&mut self) {
        if std::mem::replace(&mut self.enabled.condstore, true) {
            return;
        }
        if let Some(selected) = &self.selected {
            let line = format!("OK [HIGHESTMODSEQ {}] Highest", selected.highest_modseq());
            self.out.untagged(&line);
        }
    }

    pub(crate) fn put_name(&mut self, name: &str) {
        if self.enabled.utf8 {
            put_mailbox_utf8(&mut self.out.buffer, name);
        } else {
            put_mailbox(&mut self.out.buffer, name);
        }
    }

    /// `(\Seen $Forwarded later \Recent)`
    pub(crate) fn put_flags(&mut self, flags: Flags, recent: bool) {
        let mut names: Vec<&str> = flags.names().collect();
        let places = flags.keyword_places();
        names.extend(places.filter_map(|place| self.keywords.get(place).map(String::as_str)));
        if recent && !self.enabled.rev2 {
            names.push("\\Recent");
        }
        let line = format!("({})", names.join(" "));
        put(&mut self.out.buffer, &line);
    }

    /// Learns of keywords that others named, and tells the client before it
    /// sees them (RFC 3501 section 7.2.6).
    pub(crate) async fn learn(&mut self, flags: Flags) {
        if flags.keyword_places_end() <= self.keywords.len() {
            return;
        }
        match self.imap.mailboxes.keywords(&self.owner()).await {
            Ok(keywords) => self.tell_keywords(keywords),
            Err(error) => tracing::warn!(%error, "keywords could not be read"),
        }
    }

    fn tell_keywords(&mut self, keywords: Vec<String>) {
        if keywords.len() <= self.keywords.len() {
            return;
        }
        self.keywords = keywords;
        if let Some(read_only) = self.selected.as_ref().map(|selected| selected.read_only) {
            self.put_flag_names(read_only);
        }
    }

    /// Those of the flags that are kept; keywords are given a place while there
    /// is one.
    pub(crate) async fn kept_flags(&mut self, flags: &[Flag]) -> Result<Flags, MailboxError> {
        let new: Vec<String> = flags
            .iter()
            .filter(|flag| self.profile.extended && self.kept(flag).is_none())
            .filter_map(|flag| match flag {
                Flag::Other(name) if !name.starts_with('\\') => Some(name.clone()),
                _ => None,
            })
            .collect();
        if !new.is_empty() {
            let keywords = self.imap.mailboxes.add_keywords(&self.owner(), new).await?;
            self.tell_keywords(keywords);
        }
        Ok(flags
            .iter()
            .filter_map(|flag| self.kept(flag))
            .fold(Flags::NONE, Flags::with))
    }

    /// The flag, if it is one that is kept.
    pub(crate) fn kept(&self, flag: &Flag) -> Option<Flags> {
        if let Some(named) = Flags::named(flag.name()) {
            return self.profile.flags.contains(&named).then_some(named);
        }
        let Flag::Other(name) = flag else { return None };
        let place = self
            .keywords
            .iter()
            .position(|own| own.eq_ignore_ascii_case(name))?;
        Flags::keyword(place)
    }
}
