//! A plainly fictional submission that keeps every rule: what examples, tests
//! and measurements start from.

use mailward_mail::{Address, ReversePath};

use crate::content::ContentFacts;
use crate::data_class::DataClass;
use crate::facts::{
    AccountFacts, AccountKind, ApplicationFacts, ApplicationState, DisplayNameDuty, EnvelopeFacts,
    Facts, RecipientFacts, ReferenceFacts, RouteFacts, RouteKind,
};
use crate::history::HistoryFacts;
use crate::message_facts::MessageFacts;
use crate::period::Date;
use crate::profile::Profile;

/// The header section of the sample, lines parted by `\n`, without its empty line.
pub const HEADER: &str = "\
From: \"Reminders, Appointment (NORTHMOOR TRUST)\" <appointments@northmoor.example>
Reply-To: bookings@northmoor.example
To: asha.patel@northmoor.example
Date: Sat, 21 Nov 2026 09:30:00 +0000
Message-ID: <1@northmoor.example>
Subject: Your appointment";

/// Octets that the sample claims to have in all.
const OCTETS: u64 = 4096;

/// A live application, sending an OFFICIAL message to one person by the
/// submission route of the real service.
pub fn facts() -> Facts {
    facts_of(HEADER)
}

/// The same with another header section, written as [`HEADER`] is.
pub fn facts_of(header: &str) -> Facts {
    Facts {
        at: Date::new(2026, 11, 21).start(),
        profile: Profile::Current,
        application: Some(ApplicationFacts {
            name: "clinic-letters".to_owned(),
            state: ApplicationState::Live,
            approval_expires: None,
            send_as: vec![address("rota@northmoor.example")],
            patient_data: false,
            display_name: DisplayNameDuty::Advised,
            service_names: vec!["Appointment Reminders".to_owned()],
            account_shared_with: Vec::new(),
            references: ReferenceFacts {
                application_documentation: Some("DOC-0001".to_owned()),
                architecture_documentation: Some("ARCH-0001".to_owned()),
                iams: Some("IAMS-0001".to_owned()),
                architecture_approval: Some("APPROVAL-0001".to_owned()),
            },
            exceptions: Vec::new(),
            mass_mailing_recipients_max: None,
            high_sending: false,
        }),
        account: Some(AccountFacts {
            address: address("appointments@northmoor.example"),
            kind: AccountKind::Application,
            display_name: Some("Reminders, Appointment (NORTHMOOR TRUST)".to_owned()),
            repair_display_name: false,
        }),
        envelope: EnvelopeFacts {
            reverse_path: ReversePath::Address(address("appointments@northmoor.example")),
            recipients: vec![RecipientFacts {
                accredited: true,
                ..address("asha.patel@northmoor.example").into()
            }],
        },
        message: message(header),
        content: ContentFacts::default(),
        history: HistoryFacts::default(),
        route: RouteFacts::nhsmail(RouteKind::Submission),
        data_class: DataClass::Official,
    }
}

fn message(header: &str) -> MessageFacts {
    let wire = header.replace('\n', "\r\n") + "\r\n\r\n";
    MessageFacts::read(wire.as_bytes(), OCTETS.max(wire.len() as u64))
}

/// An address written in the source.
pub(crate) fn address(text: &str) -> Address {
    Address::parse(text).expect("addresses in the source are well formed")
}
