//! The sense of `[keystore]` and of the console's users.

use std::collections::HashSet;

use super::check::Checker;
use super::file::{self, Text};
use super::secret_ref::is_secret_name;
use super::{ConsoleUser, KeystoreFile, KeystoreOpener};
use crate::register::PasswordHash;

/// Makes an opener of the name after the colon.
type MakeOpener = fn(String) -> KeystoreOpener;

impl Checker<'_> {
    pub(super) fn keystore(&mut self, keystore: &file::Keystore) -> Option<KeystoreFile> {
        let opener = match (&keystore.passphrase, &keystore.key) {
            (Some(text), None) => self.opener(
                text,
                [
                    ("env", KeystoreOpener::PassphraseEnv),
                    ("credential", KeystoreOpener::PassphraseCredential),
                ],
                "Write \"env:NAME\" or \"credential:NAME\".",
            ),
            (None, Some(text)) => {
                let folder = self.folder.clone();
                match text.get_ref().strip_prefix("file:") {
                    Some(path) if !path.is_empty() => {
                        Some(KeystoreOpener::KeyFile(folder.join(path)))
                    }
                    _ => self.opener(
                        text,
                        [("credential", KeystoreOpener::KeyCredential)],
                        "Write \"file:PATH\" or \"credential:NAME\".",
                    ),
                }
            }
            _ => {
                self.fail(
                    keystore.file.span(),
                    "the keystore needs either a passphrase or a key to open it",
                    "Add passphrase = \"env:NAME\" or key = \"file:PATH\".",
                );
                None
            }
        };
        Some(KeystoreFile {
            file: self.folder.join(keystore.file.get_ref()),
            opened_by: opener?,
        })
    }

    fn opener<const N: usize>(
        &mut self,
        text: &Text,
        kinds: [(&str, MakeOpener); N],
        remedy: &str,
    ) -> Option<KeystoreOpener> {
        if let Some((kind, name)) = text.get_ref().split_once(':')
            && is_secret_name(name)
            && let Some((_, make)) = kinds.iter().find(|(known, _)| *known == kind)
        {
            return Some(make(name.to_owned()));
        }
        self.fail_unseen(
            text.span(),
            "does not say where to find it, and it may not stand here itself (GUIDE-23, ENG-13)",
            remedy,
        );
        None
    }

    pub(super) fn console_users(&mut self, users: Vec<file::ConsoleUser>) -> Vec<ConsoleUser> {
        const ROLES: [&str; 4] = ["viewer", "operator", "approver", "administrator"];
        let mut seen = HashSet::new();
        for user in &users {
            self.once(&mut seen, &user.name, "a console user");
            self.no_inline(
                user.password.as_ref(),
                "Write password_hash as docs/how-to/run-the-gateway-for-nhsmail.md says.",
            );
            if !ROLES.contains(&user.role.get_ref().as_str()) {
                self.fail(
                    user.role.span(),
                    "there is no such role",
                    format!("Write one of {}.", ROLES.join(", ")),
                );
            }
            if PasswordHash::parse_slow(user.password_hash.get_ref()).is_err() {
                self.fail_unseen(
                    user.password_hash.span(),
                    "this is no Argon2id hash in PHC form ($argon2id$...)",
                    "docs/how-to/run-the-gateway-for-nhsmail.md says how to make one.",
                );
            }
        }
        users
            .into_iter()
            .map(|user| ConsoleUser {
                name: user.name.into_inner(),
                role: user.role.into_inner(),
                password_hash: user.password_hash.into_inner(),
            })
            .collect()
    }
}
