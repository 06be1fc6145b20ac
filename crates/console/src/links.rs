//! Addresses of the console's own pages.

use mailward_mail::MessageId;

use crate::view::{
    AccountVerb, Action, Cursor, ItemKey, MessageFilter, ServiceEventFilter, SessionFilter, Status,
    WorldVerb,
};

pub(crate) const OVERVIEW: &str = "/console";
pub(crate) const SIGN_IN: &str = "/console/sign-in";
pub(crate) const SIGN_OUT: &str = "/console/sign-out";
pub(crate) const MESSAGES: &str = "/console/messages";
pub(crate) const CONTROL: &str = "/console/control";
pub(crate) const MAILBOXES: &str = "/console/mailboxes";
pub(crate) const ACCOUNTS: &str = "/console/accounts";
pub(crate) const EVENTS: &str = "/console/events";
pub(crate) const TRACES: &str = "/console/traces";
pub(crate) const SESSIONS: &str = "/console/sessions";
pub(crate) const REHEARSAL: &str = "/console/rehearsal";
pub(crate) const WORLDS: &str = "/console/worlds";
const LIVE: &str = "/console/live";

/// Whether an address is that of a stream.
pub(crate) fn is_live(path: &str) -> bool {
    path.starts_with(LIVE)
}

/// A longer way back is forgotten: after sign-in the overview opens.
const RETURN_OCTETS_MAX: usize = 2000;

/// Sign-in, and from there to `target`.
pub(crate) fn sign_in_for(target: &str) -> String {
    Link::new(SIGN_IN).with("next", target).done()
}

/// `target` if it is a page of this console, for a redirect: an address with a
/// host of its own, in any of the ways browsers read one, is not.
pub(crate) fn local_target(target: &str) -> Option<&str> {
    let rest = target.strip_prefix(OVERVIEW)?;
    let is_page = rest.is_empty() || rest.starts_with('/') || rest.starts_with('?');
    let is_plain = target
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\' && byte != b'#');
    (is_page && is_plain && target.len() <= RETURN_OCTETS_MAX).then_some(target)
}

pub(crate) fn messages(filter: &MessageFilter, cursor: Option<&Cursor>) -> String {
    Link::new(MESSAGES)
        .with_some("status", filter.status.map(Status::as_str))
        .with_some("search", filter.search.as_deref())
        .with_some("cursor", cursor.map(Cursor::as_str))
        .done()
}

pub(crate) fn messages_in(status: Status) -> String {
    Link::new(MESSAGES).with("status", status.as_str()).done()
}

pub(crate) fn message(id: &MessageId) -> String {
    format!("{MESSAGES}/{id}")
}

pub(crate) fn message_after(id: &MessageId, action: Action) -> String {
    Link::new(message(id)).with("done", action.as_str()).done()
}

pub(crate) fn action(id: &MessageId, action: &Action) -> String {
    format!("{MESSAGES}/{id}/{}", action.as_str())
}

/// The address of a world in the list of all.
pub(crate) fn world(name: &str) -> String {
    format!("{WORLDS}/{}", encode(name))
}

pub(crate) fn worlds(cursor: Option<&Cursor>) -> String {
    Link::new(WORLDS)
        .with_some("cursor", cursor.map(Cursor::as_str))
        .done()
}

/// Asks about a world, and about one of its snapshots where that is meant.
pub(crate) fn world_ask(name: &str, verb: WorldVerb, snapshot: Option<&str>) -> String {
    Link::new(format!("{}/{}", world(name), verb.as_str()))
        .with_some("snapshot", snapshot)
        .done()
}

/// The page of a world's mailboxes, from outside of it.
pub(crate) fn into_world(name: &str) -> String {
    Link::new(MAILBOXES).with("world", name).done()
}

/// Addresses of the pages of one world: all but the default one is named in
/// the query, so that an address can be handed on.
#[derive(Clone, Debug)]
pub(crate) struct WorldLinks(Option<String>);

impl WorldLinks {
    pub(crate) fn new(world: Option<&str>) -> Self {
        Self(world.map(str::to_owned))
    }

    /// `None` in the default world.
    pub(crate) fn world(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// A page that takes nothing else.
    pub(crate) fn to(&self, page: &str) -> String {
        self.link(page).done()
    }

    pub(crate) fn accounts(&self, search: Option<&str>, cursor: Option<&Cursor>) -> String {
        self.link(MAILBOXES)
            .with_some("search", search)
            .with_some("cursor", cursor.map(Cursor::as_str))
            .done()
    }

    /// A mailbox, open at `folder`. Folder names go into the query: as part of
    /// a path, one named `..` would be taken for a step up.
    pub(crate) fn mailbox(
        &self,
        account: &str,
        folder: Option<&str>,
        cursor: Option<&Cursor>,
    ) -> String {
        self.link(format!("{MAILBOXES}/{}", encode(account)))
            .with_some("folder", folder)
            .with_some("cursor", cursor.map(Cursor::as_str))
            .done()
    }

    pub(crate) fn item(&self, key: &ItemKey, view: Option<&str>) -> String {
        self.item_link(key, "").with_some("view", view).done()
    }

    /// The HTML of an item, for its frame.
    pub(crate) fn item_frame(&self, key: &ItemKey) -> String {
        self.item_link(key, "/html").done()
    }

    pub(crate) fn item_download(&self, key: &ItemKey) -> String {
        self.item_link(key, "/download").done()
    }

    pub(crate) fn attachment(&self, key: &ItemKey, part: &usize) -> String {
        self.item_link(key, &format!("/attachments/{part}")).done()
    }

    /// What the Local Administrator sees of an account.
    pub(crate) fn account(&self, account: &str) -> String {
        self.link(format!("{ACCOUNTS}/{}", encode(account))).done()
    }

    pub(crate) fn account_after(&self, account: &str, verb: AccountVerb) -> String {
        self.link(format!("{ACCOUNTS}/{}", encode(account)))
            .with("done", verb.as_str())
            .done()
    }

    pub(crate) fn account_act(&self, account: &str, verb: &AccountVerb) -> String {
        let account = encode(account);
        self.link(format!("{ACCOUNTS}/{account}/{}", verb.as_str()))
            .done()
    }

    pub(crate) fn events(&self, filter: &ServiceEventFilter, cursor: Option<&Cursor>) -> String {
        self.filtered(EVENTS, filter)
            .with_some("cursor", cursor.map(Cursor::as_str))
            .done()
    }

    /// What the service did to one account, over all protocols.
    pub(crate) fn events_of(&self, account: &str) -> String {
        self.link(EVENTS).with("account", account).done()
    }

    /// What became of a message, by its number.
    pub(crate) fn trace(&self, message: &u64) -> String {
        self.link(TRACES)
            .with("message", &message.to_string())
            .done()
    }

    pub(crate) fn sessions(&self, filter: &SessionFilter, cursor: Option<&Cursor>) -> String {
        self.filtered_sessions(SESSIONS, filter)
            .with_some("cursor", cursor.map(Cursor::as_str))
            .done()
    }

    pub(crate) fn sessions_of(&self, account: &str) -> String {
        self.link(SESSIONS).with("account", account).done()
    }

    pub(crate) fn session(&self, id: &str, cursor: Option<&Cursor>) -> String {
        self.link(format!("{SESSIONS}/{}", encode(id)))
            .with_some("cursor", cursor.map(Cursor::as_str))
            .done()
    }

    /// The stream of what changes on a page after the event `after`.
    pub(crate) fn live_events(&self, filter: &ServiceEventFilter, after: u64) -> String {
        self.filtered(&format!("{LIVE}/events"), filter)
            .with("after", &after.to_string())
            .done()
    }

    pub(crate) fn live_trace(&self, message: u64, after: u64) -> String {
        self.link(format!("{LIVE}/traces"))
            .with("message", &message.to_string())
            .with("after", &after.to_string())
            .done()
    }

    pub(crate) fn live_accounts(&self, after: u64) -> String {
        self.link(format!("{LIVE}/accounts"))
            .with("after", &after.to_string())
            .done()
    }

    pub(crate) fn live_mailbox(&self, account: &str, folder: &str, uid: u32, after: u64) -> String {
        self.link(format!("{LIVE}/mailboxes/{}", encode(account)))
            .with("folder", folder)
            .with("uid", &uid.to_string())
            .with("after", &after.to_string())
            .done()
    }

    pub(crate) fn live_sessions(&self, filter: &SessionFilter, after: u64) -> String {
        self.filtered_sessions(&format!("{LIVE}/sessions"), filter)
            .with("after", &after.to_string())
            .done()
    }

    pub(crate) fn live_overview(&self, after: u64) -> String {
        self.link(format!("{LIVE}/overview"))
            .with("after", &after.to_string())
            .done()
    }

    pub(crate) fn live_rehearsal(&self, after: u64) -> String {
        self.link(format!("{LIVE}/rehearsal"))
            .with("after", &after.to_string())
            .done()
    }

    fn filtered(&self, page: &str, filter: &ServiceEventFilter) -> Link {
        self.link(page)
            .with_some("account", filter.account.as_deref())
            .with_some("protocol", filter.protocol.as_deref())
            .with_some("refusals", filter.refusals.then_some("only"))
    }

    fn filtered_sessions(&self, page: &str, filter: &SessionFilter) -> Link {
        self.link(page)
            .with_some("account", filter.account.as_deref())
            .with_some("protocol", filter.protocol.as_deref())
    }

    fn item_link(&self, key: &ItemKey, below: &str) -> Link {
        let account = encode(&key.account);
        self.link(format!("{MAILBOXES}/{account}/items/{}{below}", key.uid))
            .with("folder", &key.folder)
    }

    fn link(&self, path: impl Into<String>) -> Link {
        Link::new(path).with_some("world", self.world())
    }
}

/// A path that takes query parameters.
struct Link {
    text: String,
    has_query: bool,
}

impl Link {
    fn new(path: impl Into<String>) -> Self {
        Self {
            text: path.into(),
            has_query: false,
        }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.text.push(if self.has_query { '&' } else { '?' });
        self.has_query = true;
        self.text.push_str(name);
        self.text.push('=');
        self.text.push_str(&encode(value));
        self
    }

    fn with_some(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    fn done(self) -> String {
        self.text
    }
}

/// Percent-encodes all but the unreserved characters of RFC 3986 section 2.3
/// and `@`, which paths may hold and account names do.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for digit in [byte >> 4, byte & 15] {
                encoded.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leads_back_to_pages_of_this_console_only() {
        for target in [
            "/console",
            "/console?x=1",
            "/console/messages?status=held&search=a%20b",
            "/console/mailboxes/clinic@northmoor.example?folder=..",
        ] {
            assert_eq!(local_target(target), Some(target));
        }
        for target in [
            "",
            "/",
            "/v1/messages",
            "/consoles",
            "console",
            "//evil.example/console",
            "/\\evil.example",
            "/console\\..\\..\\evil",
            "https://evil.example/console",
            "javascript:alert(1)//console",
            "/console/\r\nSet-Cookie: a=b",
            "/console/\u{a0}x",
            " /console",
        ] {
            assert_eq!(local_target(target), None, "{target:?}");
        }
        let long = format!("/console/{}", "a".repeat(RETURN_OCTETS_MAX));
        assert_eq!(local_target(&long), None);
    }

    #[test]
    fn no_name_breaks_out_of_its_place() {
        let key = ItemKey {
            account: "o'neil/..?x=1@northmoor.example".to_owned(),
            folder: "../Ünread & \"more\"#1".to_owned(),
            uid: 7,
        };
        assert_eq!(
            WorldLinks::new(None).attachment(&key, &2),
            "/console/mailboxes/o%27neil%2F..%3Fx%3D1@northmoor.example/items/7/attachments/2\
             ?folder=..%2F%C3%9Cnread%20%26%20%22more%22%231"
        );
        assert_eq!(
            WorldLinks::new(Some("a&b")).item_frame(&key),
            "/console/mailboxes/o%27neil%2F..%3Fx%3D1@northmoor.example/items/7/html\
             ?world=a%26b&folder=..%2F%C3%9Cnread%20%26%20%22more%22%231"
        );
    }
}
