//! The sense of `[route.sent_items]`.

use std::collections::BTreeMap;

use mailward_policy::RouteKind;

use super::check::Checker;
use super::sent_items::{LOOKS, PATIENCE_MINUTES, PORT, SETTLE_SECONDS, SentItems};
use super::{Mechanism, OAuthClient, file};

const FOLDER_CHARACTERS_MAX: usize = 200;
/// Looks double their pauses: after so many they are an hour apart.
const LOOKS_MAX: u32 = 20;

impl Checker<'_> {
    /// `route` is the mechanism to send with, which holds here too unless
    /// another is named.
    pub(super) fn sent_items(
        &mut self,
        sent_items: file::SentItems,
        kind: Option<RouteKind>,
        route: Option<&Mechanism>,
        oauth: &BTreeMap<String, OAuthClient>,
    ) -> Option<SentItems> {
        let server = self.server_name(&sent_items.server);
        if kind == Some(RouteKind::Relay) {
            self.fail(
                sent_items.server.span(),
                "a relay keeps no sent mail: nobody signs in to it (GUIDE-51)",
                "Remove sent_items.",
            );
            return None;
        }
        let mechanism = match (&sent_items.mechanism, &sent_items.oauth) {
            (None, None) => route.cloned(),
            (None, Some(name)) => self.token_of(name, oauth),
            (Some(text), name) => match (text.get_ref().as_str(), name) {
                ("login" | "plain", None) => Some(Mechanism::Plain),
                ("login" | "plain", Some(name)) => {
                    self.fail(
                        name.span(),
                        "oauth is of no use where a password signs in",
                        "Remove it, or write mechanism = \"xoauth2\".",
                    );
                    None
                }
                ("xoauth2", Some(name)) => self.token_of(name, oauth),
                ("xoauth2", None) => match route {
                    Some(Mechanism::XOAuth2 { .. }) => route.cloned(),
                    _ => {
                        self.fail(
                            text.span(),
                            "xoauth2 needs a client registration",
                            "Add oauth = \"NAME\" and a table [oauth.NAME].",
                        );
                        None
                    }
                },
                _ => {
                    self.fail(
                        text.span(),
                        "there is no such mechanism",
                        "Write \"login\", \"plain\" or \"xoauth2\".",
                    );
                    None
                }
            },
        };
        if let Some(folder) = &sent_items.folder {
            let name = folder.get_ref();
            let is_name = !name.trim().is_empty()
                && !name.chars().any(char::is_control)
                && name.chars().count() <= FOLDER_CHARACTERS_MAX;
            if !is_name {
                self.fail(
                    folder.span(),
                    "this is no name of a folder",
                    "Write its name as mail programs show it, such as \"Sent Items\", or remove it.",
                );
            }
        }
        if let Some(looks) = &sent_items.looks
            && *looks.get_ref() > LOOKS_MAX
        {
            self.fail(
                looks.span(),
                "each pause is twice the one before: so many looks take days",
                format!("Set {LOOKS_MAX} or fewer."),
            );
        }
        let settle_seconds = match &sent_items.settle_seconds {
            None => SETTLE_SECONDS,
            Some(seconds) => *self.one_or_more(seconds, "a message is not filed at once"),
        };
        let looks = match &sent_items.looks {
            None => LOOKS,
            Some(looks) => *self.one_or_more(looks, "nothing is known without a look"),
        };
        let patience_minutes = match &sent_items.patience_minutes {
            None => PATIENCE_MINUTES,
            Some(minutes) => {
                *self.one_or_more(minutes, "a folder can be out of reach for a moment")
            }
        };
        Some(SentItems {
            server: server?,
            port: sent_items.port.unwrap_or(PORT),
            ca_file: sent_items.ca_file.map(|path| self.path(&path)),
            mechanism: mechanism?,
            folder: sent_items.folder.map(toml::Spanned::into_inner),
            settle_seconds,
            looks,
            patience_minutes,
            files: sent_items.files.unwrap_or(false),
        })
    }

    fn token_of(
        &mut self,
        name: &file::Text,
        oauth: &BTreeMap<String, OAuthClient>,
    ) -> Option<Mechanism> {
        if oauth.contains_key(name.get_ref()) {
            return Some(Mechanism::XOAuth2 {
                oauth: name.get_ref().clone(),
            });
        }
        if !self.declared_oauth.contains(name.get_ref()) {
            let table = name.get_ref();
            self.fail(
                name.span(),
                "there is no such client registration",
                format!("Add a table [oauth.{table}], or correct the name."),
            );
        }
        None
    }

    pub(super) fn one_or_more<'n, N: Default + PartialEq>(
        &mut self,
        count: &'n toml::Spanned<N>,
        why: &str,
    ) -> &'n N {
        if *count.get_ref() == N::default() {
            self.fail(count.span(), why, "Set 1 or more.");
        }
        count.get_ref()
    }
}
