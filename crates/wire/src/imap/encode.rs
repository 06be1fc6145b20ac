//! Commands as bytes: what a client sends, and the way back for the tests of
//! the parser. Secrets are written in the clear, as the protocol has it.

use super::command::{Command, Flag, IdField, StoreMode, Tagged};
use super::encode_extended::{put_criteria, put_listing, put_opening, put_returns, status_names};
use super::fetch::{FetchItem, Section, SectionText};
use super::read::is_atom_char;
use super::search::{Charset, SearchKey};
use super::write::{put_literal, put_quoted, put_string, quotable};

impl Tagged {
    /// The command with its final line end. Literals are synchronizing; a
    /// sender waits for the continuation after each announcement.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out, &self.tag);
        put(&mut out, " ");
        put_command(&mut out, &self.command);
        put(&mut out, "\r\n");
        out
    }
}

pub(super) fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

fn put_astring(out: &mut Vec<u8>, string: &[u8]) {
    let atom = !string.is_empty()
        && string
            .iter()
            .all(|byte| byte.is_ascii() && is_atom_char(*byte))
        && !string.eq_ignore_ascii_case(b"NIL");
    if atom {
        out.extend_from_slice(string);
    } else if quotable(string) {
        put_quoted(out, string);
    } else {
        put_literal(out, string);
    }
}

fn put_command(out: &mut Vec<u8>, command: &Command) {
    use Command as C;
    if let C::Search { by_uid: true, .. }
    | C::Sort { by_uid: true, .. }
    | C::Thread { by_uid: true, .. }
    | C::Fetch { by_uid: true, .. }
    | C::Store { by_uid: true, .. }
    | C::Copy { by_uid: true, .. }
    | C::Move { by_uid: true, .. }
    | C::Expunge(Some(_)) = command
    {
        put(out, "UID ");
    }
    put(out, command.name());
    match command {
        C::Capability
        | C::Noop
        | C::Logout
        | C::Namespace
        | C::Idle
        | C::Check
        | C::Close
        | C::Unselect
        | C::Expunge(None) => {}
        C::Id(fields) => put_id(out, fields),
        C::Login { user, password } => {
            put_arguments(out, &[user.as_bytes(), password.expose().as_bytes()]);
        }
        C::Authenticate {
            mechanism,
            initial_response,
        } => {
            put(out, " ");
            put(out, mechanism.name());
            if let Some(response) = initial_response {
                put(out, " ");
                put(out, response.expose());
            }
        }
        C::Enable(names) => {
            for name in names {
                put(out, " ");
                put(out, name);
            }
        }
        C::Select(opening) | C::Examine(opening) => put_opening(out, opening),
        C::Create(mailbox)
        | C::Delete(mailbox)
        | C::Subscribe(mailbox)
        | C::Unsubscribe(mailbox)
        | C::GetQuotaRoot(mailbox) => put_arguments(out, &[mailbox.to_wire().as_bytes()]),
        C::Rename { from, to } => {
            put_arguments(out, &[from.to_wire().as_bytes(), to.to_wire().as_bytes()]);
        }
        C::GetQuota(root) => put_root(out, root),
        C::SetQuota(root) => {
            put_root(out, root);
            put(out, " ()");
        }
        C::List(listing) => put_listing(out, listing),
        C::Lsub { reference, pattern } => {
            let pattern = super::mailbox::encode(pattern);
            put_arguments(out, &[reference.to_wire().as_bytes(), pattern.as_bytes()]);
        }
        C::Status { mailbox, items } => {
            put_arguments(out, &[mailbox.to_wire().as_bytes()]);
            put(out, &format!(" ({})", status_names(items)));
        }
        C::Expunge(Some(set)) => put(out, &format!(" {set}")),
        C::Search { search, .. } => {
            put_returns(out, search.returns);
            put_search(out, &search.charset, &search.key);
        }
        C::Sort {
            criteria, search, ..
        } => {
            put_criteria(out, criteria);
            put_named_search(out, &search.charset, &search.key);
        }
        C::Thread { search, .. } => {
            put(out, " REFERENCES");
            put_named_search(out, &search.charset, &search.key);
        }
        C::Fetch {
            set,
            items,
            changed_since,
            vanished,
            ..
        } => {
            put(out, &format!(" {set} ("));
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    put(out, " ");
                }
                put_fetch_item(out, item);
            }
            put(out, ")");
            if let Some(since) = changed_since {
                let vanished = if *vanished { " VANISHED" } else { "" };
                put(out, &format!(" (CHANGEDSINCE {since}{vanished})"));
            }
        }
        C::Store {
            set,
            mode,
            silent,
            flags,
            unchanged_since,
            ..
        } => {
            let sign = match mode {
                StoreMode::Replace => "",
                StoreMode::Add => "+",
                StoreMode::Remove => "-",
            };
            let silent = if *silent { ".SILENT" } else { "" };
            let flags: Vec<&str> = flags.iter().map(Flag::name).collect();
            let unchanged = unchanged_since
                .map(|since| format!(" (UNCHANGEDSINCE {since})"))
                .unwrap_or_default();
            put(
                out,
                &format!(
                    " {set}{unchanged} {sign}FLAGS{silent} ({})",
                    flags.join(" ")
                ),
            );
        }
        C::Copy { set, mailbox, .. } | C::Move { set, mailbox, .. } => {
            put(out, &format!(" {set}"));
            put_arguments(out, &[mailbox.to_wire().as_bytes()]);
        }
    }
}

pub(super) fn put_arguments(out: &mut Vec<u8>, arguments: &[&[u8]]) {
    for argument in arguments {
        put(out, " ");
        put_astring(out, argument);
    }
}

fn put_id(out: &mut Vec<u8>, fields: &[IdField]) {
    if fields.is_empty() {
        return put(out, " NIL");
    }
    put(out, " (");
    for (index, (name, value)) in fields.iter().enumerate() {
        if index > 0 {
            put(out, " ");
        }
        put_quoted(out, name);
        put(out, " ");
        match value {
            Some(value) if quotable(value) => put_quoted(out, value),
            Some(value) => put_literal(out, value),
            None => put(out, "NIL"),
        }
    }
    put(out, ")");
}

pub(super) fn put_fetch_item(out: &mut Vec<u8>, item: &FetchItem) {
    let name = match item {
        FetchItem::Envelope => "ENVELOPE",
        FetchItem::Flags => "FLAGS",
        FetchItem::InternalDate => "INTERNALDATE",
        FetchItem::Rfc822 => "RFC822",
        FetchItem::Rfc822Header => "RFC822.HEADER",
        FetchItem::Rfc822Size => "RFC822.SIZE",
        FetchItem::Rfc822Text => "RFC822.TEXT",
        FetchItem::Body => "BODY",
        FetchItem::BodyStructure => "BODYSTRUCTURE",
        FetchItem::Uid => "UID",
        FetchItem::ModSeq => "MODSEQ",
        FetchItem::Binary {
            peek,
            part,
            partial,
        } => {
            let name = if *peek { "BINARY.PEEK" } else { "BINARY" };
            put(out, &format!("{name}[{}]", part_numbers(part)));
            if let Some(partial) = partial {
                put(out, &format!("<{}.{}>", partial.start, partial.count));
            }
            return;
        }
        FetchItem::BinarySize(part) => {
            return put(out, &format!("BINARY.SIZE[{}]", part_numbers(part)));
        }
        FetchItem::Section {
            peek,
            section,
            partial,
        } => {
            put(out, if *peek { "BODY.PEEK[" } else { "BODY[" });
            put_section(out, section);
            put(out, "]");
            if let Some(partial) = partial {
                put(out, &format!("<{}.{}>", partial.start, partial.count));
            }
            return;
        }
    };
    put(out, name);
}

pub(super) fn part_numbers(part: &[u32]) -> String {
    let numbers: Vec<String> = part.iter().map(u32::to_string).collect();
    numbers.join(".")
}

/// What stands between the brackets.
pub(super) fn put_section(out: &mut Vec<u8>, section: &Section) {
    let numbers = part_numbers(&section.part);
    put(out, &numbers);
    let Some(text) = &section.text else { return };
    if !numbers.is_empty() {
        put(out, ".");
    }
    let (name, fields) = match text {
        SectionText::Header => ("HEADER", None),
        SectionText::Text => ("TEXT", None),
        SectionText::Mime => ("MIME", None),
        SectionText::HeaderFields(fields) => ("HEADER.FIELDS", Some(fields)),
        SectionText::HeaderFieldsNot(fields) => ("HEADER.FIELDS.NOT", Some(fields)),
    };
    put(out, name);
    if let Some(fields) = fields {
        put(out, " (");
        for (index, field) in fields.iter().enumerate() {
            if index > 0 {
                put(out, " ");
            }
            put_astring(out, field);
        }
        put(out, ")");
    }
}

fn put_root(out: &mut Vec<u8>, root: &str) {
    put(out, " ");
    put_string(out, root.as_bytes());
}

/// As [`put_search`], where the charset has to be named.
fn put_named_search(out: &mut Vec<u8>, charset: &Charset, key: &SearchKey) {
    put_arguments(out, &[charset.name().as_bytes()]);
    put_search(out, &Charset::Unnamed, key);
}

fn put_search(out: &mut Vec<u8>, charset: &Charset, key: &SearchKey) {
    match charset {
        Charset::Unnamed => {}
        Charset::Ascii => put(out, " CHARSET US-ASCII"),
        Charset::Utf8 => put(out, " CHARSET UTF-8"),
        Charset::Other(name) => {
            put(out, " CHARSET ");
            put_astring(out, name.as_bytes());
        }
    }
    put(out, " ");
    // Side by side is how clients write what has to hold at once.
    match key {
        SearchKey::And(keys) if keys.len() > 1 => {
            for (index, key) in keys.iter().enumerate() {
                if index > 0 {
                    put(out, " ");
                }
                put_key(out, key);
            }
        }
        key => put_key(out, key),
    }
}

fn put_key(out: &mut Vec<u8>, key: &SearchKey) {
    use SearchKey as K;
    let (name, string) = match key {
        K::All => return put(out, "ALL"),
        K::New => return put(out, "NEW"),
        K::And(keys) => {
            put(out, "(");
            for (index, key) in keys.iter().enumerate() {
                if index > 0 {
                    put(out, " ");
                }
                put_key(out, key);
            }
            return put(out, ")");
        }
        K::Or(first, second) => {
            put(out, "OR ");
            put_key(out, first);
            put(out, " ");
            return put_key(out, second);
        }
        K::Not(key) => {
            put(out, "NOT ");
            return put_key(out, key);
        }
        K::Has(Flag::Other(name)) => return put(out, &format!("KEYWORD {name}")),
        K::HasNot(Flag::Other(name)) => return put(out, &format!("UNKEYWORD {name}")),
        K::HasNot(Flag::Recent) => return put(out, "OLD"),
        K::Has(flag) => return put(out, &flag.name()[1..].to_ascii_uppercase()),
        K::HasNot(flag) => {
            return put(out, &format!("UN{}", flag.name()[1..].to_ascii_uppercase()));
        }
        K::Header { name, value } => {
            put(out, "HEADER");
            put_arguments(out, &[name]);
            put(out, " ");
            // An atom would do for most; strings are what servers are used to.
            return put_string(out, value);
        }
        K::Before(date) => return put(out, &format!("BEFORE {date}")),
        K::On(date) => return put(out, &format!("ON {date}")),
        K::Since(date) => return put(out, &format!("SINCE {date}")),
        K::SentBefore(date) => return put(out, &format!("SENTBEFORE {date}")),
        K::SentOn(date) => return put(out, &format!("SENTON {date}")),
        K::SentSince(date) => return put(out, &format!("SENTSINCE {date}")),
        K::Larger(octets) => return put(out, &format!("LARGER {octets}")),
        K::Smaller(octets) => return put(out, &format!("SMALLER {octets}")),
        K::ModSeq(modseq) => return put(out, &format!("MODSEQ {modseq}")),
        K::Sequence(set) => return put(out, &set.to_string()),
        K::Uid(set) => return put(out, &format!("UID {set}")),
        K::Bcc(string) => ("BCC", string),
        K::Cc(string) => ("CC", string),
        K::From(string) => ("FROM", string),
        K::To(string) => ("TO", string),
        K::Subject(string) => ("SUBJECT", string),
        K::Body(string) => ("BODY", string),
        K::Text(string) => ("TEXT", string),
    };
    put(out, name);
    put_arguments(out, &[string]);
}
