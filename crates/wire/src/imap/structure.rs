//! ENVELOPE and BODYSTRUCTURE (RFC 3501 section 7.4.2).

use super::write::{put, put_nstring, put_string};

/// The fields of a header that FETCH ENVELOPE gives, as they were written
/// (encoded words stay encoded).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    pub date: Option<Vec<u8>>,
    pub subject: Option<Vec<u8>>,
    pub from: Vec<EnvelopeAddress>,
    pub sender: Vec<EnvelopeAddress>,
    pub reply_to: Vec<EnvelopeAddress>,
    pub to: Vec<EnvelopeAddress>,
    pub cc: Vec<EnvelopeAddress>,
    pub bcc: Vec<EnvelopeAddress>,
    pub in_reply_to: Option<Vec<u8>>,
    pub message_id: Option<Vec<u8>>,
}

/// One address. A group starts with one that has only a mailbox, its name,
/// and ends with one that has nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvelopeAddress {
    pub name: Option<Vec<u8>>,
    pub mailbox: Option<Vec<u8>>,
    pub host: Option<Vec<u8>>,
    /// An obsolete source route, `@one,@two`.
    pub route: Option<Vec<u8>>,
}

/// One part and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyStructure {
    Multipart {
        parts: Vec<BodyStructure>,
        subtype: Vec<u8>,
        parameters: Vec<(Vec<u8>, Vec<u8>)>,
        extension: Extension,
    },
    Single {
        media_type: Vec<u8>,
        subtype: Vec<u8>,
        parameters: Vec<(Vec<u8>, Vec<u8>)>,
        id: Option<Vec<u8>>,
        description: Option<Vec<u8>>,
        encoding: Vec<u8>,
        octets: u64,
        content: Content,
        md5: Option<Vec<u8>>,
        extension: Extension,
    },
}

/// What distinguishes the three forms of a single part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Basic,
    Text {
        lines: u64,
    },
    Message {
        envelope: Box<Envelope>,
        structure: Box<BodyStructure>,
        lines: u64,
    },
}

/// What BODYSTRUCTURE says beyond BODY.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extension {
    pub disposition: Option<Disposition>,
    pub language: Vec<Vec<u8>>,
    pub location: Option<Vec<u8>>,
}

/// A value and its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disposition {
    pub kind: Vec<u8>,
    pub parameters: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Envelope {
    pub fn put(&self, out: &mut Vec<u8>) {
        put(out, "(");
        put_nstring(out, self.date.as_deref());
        put(out, " ");
        put_nstring(out, self.subject.as_deref());
        let from = &self.from;
        // Sender and Reply-To stand for From when they are absent.
        let or_from = |list: &Vec<EnvelopeAddress>| {
            if list.is_empty() {
                from.clone()
            } else {
                list.clone()
            }
        };
        for list in [
            from,
            &or_from(&self.sender),
            &or_from(&self.reply_to),
            &self.to,
            &self.cc,
            &self.bcc,
        ] {
            put(out, " ");
            put_addresses(out, list);
        }
        put(out, " ");
        put_nstring(out, self.in_reply_to.as_deref());
        put(out, " ");
        put_nstring(out, self.message_id.as_deref());
        put(out, ")");
    }
}

fn put_addresses(out: &mut Vec<u8>, list: &[EnvelopeAddress]) {
    if list.is_empty() {
        return put(out, "NIL");
    }
    put(out, "(");
    for address in list {
        put(out, "(");
        put_nstring(out, address.name.as_deref());
        put(out, " ");
        put_nstring(out, address.route.as_deref());
        put(out, " ");
        put_nstring(out, address.mailbox.as_deref());
        put(out, " ");
        put_nstring(out, address.host.as_deref());
        put(out, ")");
    }
    put(out, ")");
}

impl BodyStructure {
    /// Writes the structure; `extended` for BODYSTRUCTURE, else as for BODY.
    /// The depth is bounded by whoever built the structure.
    pub fn put(&self, out: &mut Vec<u8>, extended: bool) {
        put(out, "(");
        match self {
            Self::Multipart {
                parts,
                subtype,
                parameters,
                extension,
            } => {
                for part in parts {
                    part.put(out, extended);
                }
                put(out, " ");
                put_string(out, subtype);
                if extended {
                    put(out, " ");
                    put_parameters(out, parameters);
                    extension.put(out);
                }
            }
            Self::Single {
                media_type,
                subtype,
                parameters,
                id,
                description,
                encoding,
                octets,
                content,
                md5,
                extension,
            } => {
                put_string(out, media_type);
                put(out, " ");
                put_string(out, subtype);
                put(out, " ");
                put_parameters(out, parameters);
                put(out, " ");
                put_nstring(out, id.as_deref());
                put(out, " ");
                put_nstring(out, description.as_deref());
                put(out, " ");
                put_string(out, encoding);
                put(out, &format!(" {octets}"));
                content.put(out, extended);
                if extended {
                    put(out, " ");
                    put_nstring(out, md5.as_deref());
                    extension.put(out);
                }
            }
        }
        put(out, ")");
    }
}

impl Content {
    fn put(&self, out: &mut Vec<u8>, extended: bool) {
        match self {
            Self::Basic => {}
            Self::Text { lines } => put(out, &format!(" {lines}")),
            Self::Message {
                envelope,
                structure,
                lines,
            } => {
                put(out, " ");
                envelope.put(out);
                put(out, " ");
                structure.put(out, extended);
                put(out, &format!(" {lines}"));
            }
        }
    }
}

impl Extension {
    fn put(&self, out: &mut Vec<u8>) {
        match &self.disposition {
            None => put(out, " NIL"),
            Some(disposition) => {
                put(out, " (");
                put_string(out, &disposition.kind);
                put(out, " ");
                put_parameters(out, &disposition.parameters);
                put(out, ")");
            }
        }
        match self.language.as_slice() {
            [] => put(out, " NIL"),
            [only] => {
                put(out, " ");
                put_string(out, only);
            }
            several => {
                put(out, " (");
                for (index, language) in several.iter().enumerate() {
                    if index > 0 {
                        put(out, " ");
                    }
                    put_string(out, language);
                }
                put(out, ")");
            }
        }
        put(out, " ");
        put_nstring(out, self.location.as_deref());
    }
}

fn put_parameters(out: &mut Vec<u8>, parameters: &[(Vec<u8>, Vec<u8>)]) {
    if parameters.is_empty() {
        return put(out, "NIL");
    }
    put(out, "(");
    for (index, (name, value)) in parameters.iter().enumerate() {
        if index > 0 {
            put(out, " ");
        }
        put_string(out, name);
        put(out, " ");
        put_string(out, value);
    }
    put(out, ")");
}
