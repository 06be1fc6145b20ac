//! Finding the folder of sent mail and opening it to read.

use mailward_net::imap::client::{ImapError, ImapSession};
use mailward_wire::imap::MailboxName;
use mailward_wire::imap::client::{Error, Folder, Opened};

/// How a server marks the folder of sent mail, whatever its name (RFC 6154).
const SENT: &str = "\\Sent";
/// What it is called where no folder is marked: Exchange's name, and those of
/// others.
const NAMES: [&str; 4] = ["Sent Items", "Sent", "Sent Messages", "Sent Mail"];

/// Why the folder is not open.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FolderError {
    /// No waiting helps: it has to be named rightly.
    #[error("{0}")]
    Absent(String),
    #[error(transparent)]
    Imap(#[from] ImapError),
}

/// Opens the folder of that name, else the one for sent mail.
pub(crate) async fn open(
    session: &mut ImapSession,
    name: Option<&str>,
) -> Result<(MailboxName, Opened), FolderError> {
    let chosen = match name {
        Some(name) => MailboxName::new(name),
        None => {
            let folders = session.list().await?;
            choose(&folders).ok_or_else(|| FolderError::Absent(none(&folders)))?
        }
    };
    match session.examine(&chosen).await {
        Ok(opened) => Ok((chosen, opened)),
        Err(ImapError::Session(Error::Refused { text, code, .. }))
            if is_lasting(code.as_deref()) =>
        {
            let shown = chosen.as_str();
            Err(FolderError::Absent(format!(
                "the folder {shown:?} can't be opened: {text}"
            )))
        }
        Err(error) => Err(error.into()),
    }
}

/// A refusal that says of itself that it may pass is none (RFC 5530).
pub(crate) fn is_lasting(code: Option<&str>) -> bool {
    const PASSING: [&str; 4] = ["UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG"];
    let word = code.and_then(|code| code.split(' ').next());
    !word.is_some_and(|word| PASSING.iter().any(|known| known.eq_ignore_ascii_case(word)))
}

fn choose(folders: &[Folder]) -> Option<MailboxName> {
    let usable = || folders.iter().filter(|one| !one.has("\\Noselect"));
    let marked = usable().find(|folder| folder.has(SENT));
    let named = || {
        NAMES.iter().find_map(|name| {
            usable().find(|folder| folder.name.as_str().eq_ignore_ascii_case(name))
        })
    };
    marked.or_else(named).map(|folder| folder.name.clone())
}

fn none(folders: &[Folder]) -> String {
    format!(
        "none of the {} folders is marked or named as that of sent mail: set folder in sent_items",
        folders.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str, attributes: &[&str]) -> Folder {
        Folder {
            name: MailboxName::new(name),
            wire: name.as_bytes().to_vec(),
            attributes: attributes.iter().map(|one| (*one).to_owned()).collect(),
            delimiter: Some(b'/'),
        }
    }

    #[test]
    fn a_mark_comes_before_a_name() {
        for (folders, expected) in [
            (
                vec![folder("INBOX", &[]), folder("Sent Items", &[])],
                Some("Sent Items"),
            ),
            (
                vec![
                    folder("Sent", &[]),
                    folder("Gesendete Elemente", &["\\HasNoChildren", "\\sent"]),
                ],
                Some("Gesendete Elemente"),
            ),
            (
                vec![folder("Sent", &["\\Noselect"]), folder("sent items", &[])],
                Some("sent items"),
            ),
            (
                vec![folder("INBOX", &[]), folder("Gesendete Elemente", &[])],
                None,
            ),
            (vec![], None),
        ] {
            let chosen = choose(&folders);
            assert_eq!(chosen.as_ref().map(MailboxName::as_str), expected);
        }
        assert!(is_lasting(None) && is_lasting(Some("NONEXISTENT")));
        assert!(!is_lasting(Some("unavailable")) && !is_lasting(Some("LIMIT x")));
    }
}
