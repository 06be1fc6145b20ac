//! What a server may say (RFC 3501 section 7).

use mailward_mail::Timestamp;

use super::super::command::Flag;
use super::super::structure::Envelope;

pub use super::super::write::Status;

/// One response, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Response {
    /// `+ text`.
    Continue(String),
    /// `A1 OK [code] text`.
    Completed {
        tag: String,
        status: Status,
        code: Option<String>,
        text: String,
    },
    Untagged(Data),
}

/// An untagged response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Data {
    Status {
        status: Status,
        code: Option<String>,
        text: String,
    },
    Preauth,
    Bye(String),
    Capability(String),
    List {
        attributes: Vec<String>,
        delimiter: Option<u8>,
        name: Vec<u8>,
    },
    Search(Vec<u32>),
    Exists(u32),
    Expunge,
    Fetch(Vec<FetchData>),
    /// What is nothing to us: FLAGS, RECENT, STATUS, ID and all that is not
    /// known.
    Other,
}

/// One thing that a FETCH response tells of its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FetchData {
    Uid(u32),
    Flags(Vec<Flag>),
    InternalDate(Option<Timestamp>),
    Size(u32),
    Envelope(Box<Envelope>),
    /// What stands between the brackets, and the octets.
    Section {
        name: String,
        octets: Vec<u8>,
    },
}
