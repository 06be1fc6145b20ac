//! How a message or a recipient stands, and what a check decided.

use mailward_mail::Outcome;

/// The state of one recipient, or of a whole message (see [`Status::of_message`]).
///
/// Ordered by how much a person is needed: the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    Delivered,
    Relayed,
    Cancelled,
    /// Accepted, first attempt still to come.
    Incoming,
    /// An attempt is under way.
    Active,
    /// Waits for its next attempt.
    Deferred,
    /// Waits for a person.
    Held,
    Expired,
    Failed,
    /// The reply to the last attempt was lost.
    InDoubt,
}

impl Status {
    /// In the order in which filters and counts show them.
    pub const ALL: [Self; 10] = [
        Self::Incoming,
        Self::Active,
        Self::Deferred,
        Self::Held,
        Self::InDoubt,
        Self::Relayed,
        Self::Delivered,
        Self::Failed,
        Self::Expired,
        Self::Cancelled,
    ];

    /// The state of a message from those of its recipients: the one that most
    /// needs a person. `None` for no recipients.
    pub fn of_message(recipients: impl IntoIterator<Item = Self>) -> Option<Self> {
        recipients.into_iter().max()
    }

    /// The word in addresses of pages: `in-doubt`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Incoming => "incoming",
            Self::Active => "active",
            Self::Deferred => "deferred",
            Self::Held => "held",
            Self::InDoubt => "in-doubt",
            Self::Relayed => "relayed",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    /// The inverse of [`Status::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// The words on a page: `In doubt`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Incoming => "Incoming",
            Self::Active => "Active",
            Self::Deferred => "Deferred",
            Self::Held => "Held",
            Self::InDoubt => "In doubt",
            Self::Relayed => "Relayed",
            Self::Delivered => "Delivered",
            Self::Failed => "Failed",
            Self::Expired => "Expired",
            Self::Cancelled => "Cancelled",
        }
    }

    /// Whether something may still happen to it.
    pub(crate) fn is_unfinished(self) -> bool {
        matches!(
            self,
            Self::Incoming | Self::Active | Self::Deferred | Self::Held | Self::InDoubt
        )
    }

    /// The colour class of its tag. Colour only helps; the words say it.
    pub(crate) fn tag_class(self) -> &'static str {
        match self {
            Self::Incoming => "nhsuk-tag--white",
            Self::Active => "nhsuk-tag--blue",
            Self::Deferred => "nhsuk-tag--yellow",
            Self::Held => "nhsuk-tag--orange",
            Self::InDoubt => "nhsuk-tag--purple",
            Self::Relayed => "nhsuk-tag--aqua-green",
            Self::Delivered => "nhsuk-tag--green",
            Self::Failed | Self::Expired => "nhsuk-tag--red",
            Self::Cancelled => "nhsuk-tag--grey",
        }
    }
}

impl From<Outcome> for Status {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Relayed => Self::Relayed,
            Outcome::Delivered => Self::Delivered,
            Outcome::Failed => Self::Failed,
            Outcome::Expired => Self::Expired,
            Outcome::Cancelled => Self::Cancelled,
        }
    }
}

/// What one finding, or all of them together, decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    Accept,
    /// Accepted after a named repair.
    Repair,
    Hold,
    Refuse,
}

impl Decision {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Accept => "Accepted",
            Self::Repair => "Repaired",
            Self::Hold => "Held",
            Self::Refuse => "Refused",
        }
    }

    pub(crate) fn tag_class(self) -> &'static str {
        match self {
            Self::Accept => "nhsuk-tag--green",
            Self::Repair => "nhsuk-tag--blue",
            Self::Hold => "nhsuk-tag--orange",
            Self::Refuse => "nhsuk-tag--red",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lead_back_to_their_status() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
        for text in ["", "Held", "in doubt", "held "] {
            assert_eq!(Status::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_message_stands_as_its_neediest_recipient() {
        use Status::{Deferred, Delivered, Failed, InDoubt, Relayed};
        for (recipients, message) in [
            (vec![Relayed, Delivered], Some(Relayed)),
            (vec![Relayed, Deferred], Some(Deferred)),
            (vec![Failed, Deferred, Relayed], Some(Failed)),
            (vec![Failed, InDoubt], Some(InDoubt)),
            (vec![], None),
        ] {
            assert_eq!(
                Status::of_message(recipients.clone()),
                message,
                "{recipients:?}"
            );
        }
    }
}
