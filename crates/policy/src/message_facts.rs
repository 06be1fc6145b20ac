//! The facts in a message's own header section (RFC 5322 sections 2.2, 3.6).
//! Bodies are not read here.

use mailward_mail::header::{
    AddressListError, Field, HEADER_OCTETS_MAX, Header, Mailbox, parse_address_list,
};

use crate::data_class::{DataClass, DataClassError};

/// The field that says a message's data class, where the application cannot
/// say it otherwise.
pub const DATA_CLASS_FIELD: &str = "X-Mailward-Data-Class";

/// How many line numbers are kept of each kind of trouble: enough to show.
pub const LINES_KEPT_MAX: usize = 16;

/// Fields that RFC 5322 section 3.6 and RFC 2045 section 3 allow once.
pub const ONCE_ONLY: [&str; 17] = [
    "Date",
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Bcc",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Subject",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Content-ID",
    "Content-Description",
    "Content-Disposition",
];

/// What the rules know of the message itself.
#[derive(Clone, Debug)]
pub struct MessageFacts {
    /// The whole message as the application handed it over, encoded.
    pub octets: u64,
    /// The header section with its empty line, as far as it was read.
    pub header_octets: usize,
    /// Whether the header section ended within what was read.
    pub header_ends: bool,
    /// Numbers of lines that are neither a field nor a continuation.
    pub stray_lines: Vec<usize>,
    /// Numbers of lines with NUL, or with CR that ends no line.
    pub forbidden_lines: Vec<usize>,
    pub from: AddressField,
    pub sender: AddressField,
    pub reply_to: AddressField,
    pub to: AddressField,
    pub cc: AddressField,
    pub bcc: AddressField,
    /// Once-only fields that stand more than once.
    pub doubled: Vec<DoubledField>,
    /// Date and Message-ID fields with nothing in them.
    pub empty: Vec<EmptyField>,
    /// The number of the line with the first Subject that says something.
    pub subject: Option<usize>,
    /// The number of the line with Date.
    pub date: Option<usize>,
    /// The value of Message-ID, angle brackets and all; `None` too when empty.
    pub message_id: Option<String>,
    pub data_class: Option<DataClassLabel>,
}

/// One address field, or several of the same name taken together.
#[derive(Clone, Debug)]
pub struct AddressField {
    pub name: &'static str,
    /// The numbers of the lines where it starts; empty when it is absent.
    pub lines: Vec<usize>,
    pub mailboxes: Vec<Mailbox>,
    /// Why it can't be read: then `mailboxes` is not all of it.
    pub error: Option<AddressFieldError>,
}

#[derive(Clone, Debug)]
pub struct AddressFieldError {
    pub line: usize,
    pub error: AddressListError,
}

#[derive(Clone, Debug)]
pub struct DoubledField {
    pub name: &'static str,
    /// At most [`LINES_KEPT_MAX`].
    pub lines: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
pub struct EmptyField {
    pub name: &'static str,
    pub line: usize,
}

/// What [`DATA_CLASS_FIELD`] says. Of several, the strictest; one that can't
/// be read counts as stricter than any.
#[derive(Clone, Debug)]
pub struct DataClassLabel {
    pub line: usize,
    pub class: Result<DataClass, DataClassError>,
}

impl MessageFacts {
    /// Reads the header section at the start of `header`, which may go on into
    /// the body. `octets` is the size of the whole message. No more than
    /// [`HEADER_OCTETS_MAX`] is read: a caller that streams need keep no more.
    pub fn read(header: &[u8], octets: u64) -> Self {
        let whole = header.len() as u64 >= octets;
        let cut = &header[..header.len().min(HEADER_OCTETS_MAX)];
        let parsed = Header::parse(cut);
        let section = &cut[..parsed.octets];
        let mut facts = Self {
            octets,
            header_octets: parsed.octets,
            header_ends: ends_in_empty_line(section) || (whole && cut.len() == header.len()),
            stray_lines: first_lines(&parsed.stray_lines),
            forbidden_lines: forbidden_lines(section),
            from: AddressField::absent("From"),
            sender: AddressField::absent("Sender"),
            reply_to: AddressField::absent("Reply-To"),
            to: AddressField::absent("To"),
            cc: AddressField::absent("Cc"),
            bcc: AddressField::absent("Bcc"),
            doubled: Vec::new(),
            empty: Vec::new(),
            subject: None,
            date: None,
            message_id: None,
            data_class: None,
        };
        let mut first_seen = [None; ONCE_ONLY.len()];
        for field in &parsed.fields {
            facts.take(field);
            if let Some(index) = ONCE_ONLY.iter().position(|name| field.is(name)) {
                match first_seen[index] {
                    None => first_seen[index] = Some(field.line),
                    Some(first) => facts.count_again(ONCE_ONLY[index], first, field.line),
                }
            }
        }
        facts
    }

    fn take(&mut self, field: &Field<'_>) {
        let address_field = [
            &mut self.from,
            &mut self.sender,
            &mut self.reply_to,
            &mut self.to,
            &mut self.cc,
            &mut self.bcc,
        ]
        .into_iter()
        .find(|known| field.is(known.name));
        if let Some(known) = address_field {
            known.take(field);
        } else if field.is("Subject") {
            if !field.raw_value.trim_ascii().is_empty() {
                self.subject.get_or_insert(field.line);
            }
        } else if field.is("Date") {
            self.date.get_or_insert(field.line);
            if field.raw_value.trim_ascii().is_empty() {
                self.note_empty("Date", field.line);
            }
        } else if field.is("Message-ID") {
            let value = field.value();
            if value.is_empty() {
                self.note_empty("Message-ID", field.line);
            } else {
                self.message_id.get_or_insert(value);
            }
        } else if field.is(DATA_CLASS_FIELD) {
            let label = DataClassLabel {
                line: field.line,
                class: field.value().parse(),
            };
            let stricter = match &self.data_class {
                None => true,
                Some(known) => match (known.class, label.class) {
                    (Ok(known), Ok(new)) => new > known,
                    (Ok(_), Err(_)) => true,
                    (Err(_), _) => false,
                },
            };
            if stricter {
                self.data_class = Some(label);
            }
        }
    }

    fn note_empty(&mut self, name: &'static str, line: usize) {
        if self.empty.len() < LINES_KEPT_MAX {
            self.empty.push(EmptyField { name, line });
        }
    }

    fn count_again(&mut self, name: &'static str, first: usize, again: usize) {
        match self.doubled.iter_mut().find(|known| known.name == name) {
            Some(known) if known.lines.len() < LINES_KEPT_MAX => known.lines.push(again),
            Some(_) => {}
            None => self.doubled.push(DoubledField {
                name,
                lines: vec![first, again],
            }),
        }
    }
}

impl AddressField {
    fn absent(name: &'static str) -> Self {
        Self {
            name,
            lines: Vec::new(),
            mailboxes: Vec::new(),
            error: None,
        }
    }

    /// The line where it first stands.
    pub fn line(&self) -> Option<usize> {
        self.lines.first().copied()
    }

    pub fn is_present(&self) -> bool {
        !self.lines.is_empty()
    }

    fn take(&mut self, field: &Field<'_>) {
        if self.lines.len() < LINES_KEPT_MAX {
            self.lines.push(field.line);
        }
        match parse_address_list(&field.value()) {
            Ok(mailboxes) => self.mailboxes.extend(mailboxes),
            Err(error) => {
                self.error.get_or_insert(AddressFieldError {
                    line: field.line,
                    error,
                });
            }
        }
    }
}

fn ends_in_empty_line(section: &[u8]) -> bool {
    let Some(rest) = section.strip_suffix(b"\n") else {
        return false;
    };
    let rest = rest.strip_suffix(b"\r").unwrap_or(rest);
    rest.is_empty() || rest.ends_with(b"\n")
}

fn first_lines(lines: &[usize]) -> Vec<usize> {
    lines.iter().copied().take(LINES_KEPT_MAX).collect()
}

/// A reader that takes a lone CR for a line end, or stops at NUL, would see
/// other fields than we do.
fn forbidden_lines(section: &[u8]) -> Vec<usize> {
    let mut lines = Vec::new();
    for (index, line) in section.split(|byte| *byte == b'\n').enumerate() {
        let ended = line.strip_suffix(b"\r").unwrap_or(line);
        if ended.iter().any(|byte| matches!(byte, 0 | b'\r')) {
            lines.push(index + 1);
            if lines.len() == LINES_KEPT_MAX {
                break;
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> MessageFacts {
        MessageFacts::read(header.as_bytes(), header.len() as u64)
    }

    #[test]
    fn reads_the_fields_that_rules_ask_for() {
        let facts = read(
            "Received: from x\r\nfrom: \"Patel, Asha (NORTHMOOR TRUST)\"\r\n <asha@northmoor.example>\r\n\
             REPLY-TO: a@b.example, c@d.example\r\nDate: x\r\nMessage-Id: <1@a>\r\n\
             X-Mailward-Data-Class: official\r\nx-mailward-data-class: OFFICIAL-SENSITIVE\r\n\r\nSender: no@body.example\r\n",
        );
        assert_eq!(facts.from.lines, [2]);
        assert_eq!(
            facts.from.mailboxes[0].display_name.as_deref(),
            Some("Patel, Asha (NORTHMOOR TRUST)")
        );
        assert_eq!(facts.reply_to.mailboxes.len(), 2);
        assert!(!facts.sender.is_present());
        assert_eq!((facts.date, facts.subject), (Some(5), None));
        assert_eq!(facts.message_id.as_deref(), Some("<1@a>"));
        let label = facts.data_class.expect("a label");
        assert_eq!(label.class, Ok(DataClass::OfficialSensitive));
        assert!(facts.header_ends && facts.doubled.is_empty());
    }

    #[test]
    fn names_the_lines_of_trouble() {
        let facts = read(
            "From: a@b.example\r\nstray\r\nSubject: 1\r\nSUBJECT: 2\r\nX: a\rb\r\n\
             subject: 3\r\nTo: <never closed\r\nY: \0\r\n\r\n",
        );
        assert_eq!(facts.stray_lines, [2]);
        assert_eq!(facts.doubled[0].name, "Subject");
        assert_eq!(facts.doubled[0].lines, [3, 4, 6]);
        assert_eq!(facts.forbidden_lines, [5, 8]);
        assert_eq!(facts.to.error.expect("an error").line, 7);
    }

    #[test]
    fn an_unreadable_label_is_the_strictest() {
        for header in [
            "X-Mailward-Data-Class: what\r\nX-Mailward-Data-Class: SECRET\r\n\r\n",
            "X-Mailward-Data-Class: SECRET\r\nX-Mailward-Data-Class: what\r\n\r\n",
        ] {
            let label = read(header).data_class.expect("a label");
            assert_eq!(label.class, Err(DataClassError));
        }
    }

    #[test]
    fn knows_whether_the_header_section_ended() {
        for (header, octets, ends) in [
            ("From: a@b\r\n\r\n", 500, true),
            ("From: a@b\r\n\r\nbody", 17, true),
            ("From: a@b\n\nbody", 15, true),
            ("\r\nbody", 6, true),
            ("From: a@b\r\n", 11, true),
            ("From: a@b\r\n", 500, false),
            ("", 0, true),
        ] {
            let facts = MessageFacts::read(header.as_bytes(), octets);
            assert_eq!(facts.header_ends, ends, "{header:?}");
        }
        let long = "X: y\r\n".repeat(HEADER_OCTETS_MAX / 6 + 1) + "\r\n";
        assert!(!read(&long).header_ends);
    }
}
