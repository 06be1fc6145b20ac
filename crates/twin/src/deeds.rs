//! What mail programs do with messages that came: an event for each act, on
//! those messages whose coming is still remembered.

use mailward_mailbox::{Deed, Flags, Watcher, What};

use crate::events::EventLog;
use crate::faults::Protocol;
use crate::sessions;
use crate::trace::{self, Traces};

/// Hears what is done in the mailboxes of one world.
#[derive(Debug)]
pub(crate) struct Deeds {
    pub(crate) traces: Traces,
    pub(crate) events: EventLog,
}

impl Watcher for Deeds {
    fn saw(&self, deed: &Deed<'_>) {
        // What the service does by itself, it tells by itself.
        let Some(line) = sessions::current() else {
            return;
        };
        let protocol = line.protocol();
        if !matches!(protocol, Protocol::Imap | Protocol::Pop) {
            return;
        }
        let reader = (deed.what == What::Read).then(|| line.recording().name());
        let Some(message) = self.traces.act(deed.body, reader) else {
            return;
        };
        let folder = deed.folder.as_str();
        let (kind, why) = match deed.what {
            What::Read => (
                "fetched",
                format!("its text went to a client, from {folder}"),
            ),
            What::Marked { added, removed } => ("marked", marked(added, removed, folder)),
            What::Copied { to } => ("copied", format!("from {folder} to {to}")),
            What::Moved { to } => ("moved", format!("from {folder} to {to}")),
            What::Removed => ("deleted", format!("from {folder}")),
        };
        trace::within(Some(message), || {
            self.events
                .add(protocol.as_str(), kind, Some(deed.owner), why, None);
        });
    }
}

/// `\Seen was set in INBOX`.
fn marked(added: Flags, removed: Flags, folder: &str) -> String {
    let names = |flags: Flags| {
        let names: Vec<&str> = flags.names().collect();
        match names.is_empty() {
            true => "a keyword".to_owned(),
            false => names.join(" "),
        }
    };
    let mut done = Vec::new();
    if added != Flags::NONE {
        done.push(format!("{} set", names(added)));
    }
    if removed != Flags::NONE {
        done.push(format!("{} taken away", names(removed)));
    }
    format!("{}, in {folder}", done.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_named() {
        let keyword = Flags::keyword(3).expect("a place");
        for (added, removed, expected) in [
            (Flags::SEEN, Flags::NONE, "\\Seen set, in INBOX"),
            (keyword, Flags::NONE, "a keyword set, in INBOX"),
            (
                Flags::SEEN,
                Flags::DELETED,
                "\\Seen set and \\Deleted taken away, in INBOX",
            ),
        ] {
            assert_eq!(marked(added, removed, "INBOX"), expected);
        }
    }
}
