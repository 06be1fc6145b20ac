//! Published numbers. Each stands here once, with what it rests on and since
//! when it holds; a figure of the service written elsewhere is a bug.

use mailward_mail::header::HEADER_OCTETS_MAX;

use crate::clause::{ClauseId, dhc, eng, guide};
use crate::period::{Date, Period};

/// One published figure.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub name: &'static str,
    pub figure: u64,
    pub unit: Unit,
    pub clauses: &'static [ClauseId],
    /// Who publishes it, and how it is to be read.
    pub source: &'static str,
    /// Since when the source says so; not a switch. Code uses the figure
    /// whatever the clock says, because a wrong clock must not lift a limit.
    pub holds: Period,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Octets,
    Recipients,
    Messages,
    Connections,
    Minutes,
    Hours,
    Characters,
    Passwords,
    Days,
    Months,
    Percent,
    MessagesPerHour,
}

impl Unit {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Octets => "octets",
            Self::Recipients => "recipients",
            Self::Messages => "messages",
            Self::Connections => "connections",
            Self::Minutes => "minutes",
            Self::Hours => "hours",
            Self::Characters => "characters",
            Self::Passwords => "passwords",
            Self::Days => "days",
            Self::Months => "calendar months",
            Self::Percent => "percent",
            Self::MessagesPerHour => "messages an hour",
        }
    }
}

/// Version 14 of the guide bears this month.
const GUIDE_14: Period = Period::since(Date::new(2022, 3, 1));

/// The service's own pages and transcripts give the figure and no day since when.
const NO_DATES_GIVEN: Period = Period::ALWAYS;

/// 35 MB means 35 × 2^20 octets: the service is Exchange, which counts a
/// megabyte so, and whose own default bears the same name. It is measured on
/// the message as it travels, with its attachments encoded; what the guide
/// leaves open (raw or encoded) is thereby read the stricter way, and about
/// 25 MB of attachments fit.
pub const MESSAGE_OCTETS: Limit = Limit {
    name: "message size",
    figure: 35 * 1024 * 1024,
    unit: Unit::Octets,
    clauses: &[guide(67)],
    source: "Applications Guide: 35 MB a message, read as 35 MiB of the encoded message",
    holds: GUIDE_14,
};

/// What we may add on top of a message (Received, Message-ID, Date) before it
/// leaves. Our own figure: kept free below [`MESSAGE_OCTETS`], so that a
/// message that we accepted is not too large for the service by our doing.
pub const ADDED_OCTETS_MAX: u64 = 1024;

/// The largest message to accept from an application, in octets: what SIZE
/// announces (RFC 1870).
pub const ACCEPTED_OCTETS_MAX: u64 = MESSAGE_OCTETS.figure - ADDED_OCTETS_MAX;

/// What the submission service announces as SIZE, whatever the mailbox allows.
pub const SIZE_ANNOUNCED_BY_SERVICE: Limit = Limit {
    name: "size announced by the submission service",
    figure: 150 * 1024 * 1024,
    unit: Unit::Octets,
    clauses: &[guide(79)],
    source: "observed in every transcript of smtp.office365.com",
    holds: NO_DATES_GIVEN,
};

/// All header fields together.
pub const HEADER_OCTETS: Limit = Limit {
    name: "header section",
    figure: HEADER_OCTETS_MAX as u64,
    unit: Unit::Octets,
    clauses: &[guide(79)],
    source: "default of Exchange's receive connectors, 256 KB",
    holds: NO_DATES_GIVEN,
};

/// Effective by default: the least of the three figures for recipients.
pub const RECIPIENTS_PER_MESSAGE: Limit = Limit {
    name: "recipients per message, default",
    figure: 500,
    unit: Unit::Recipients,
    clauses: &[guide(68), guide(79), guide(80)],
    source: "Exchange Online: default of a mailbox, which an administrator can change",
    holds: NO_DATES_GIVEN,
};

/// No mailbox can be set above this.
pub const RECIPIENTS_PER_MESSAGE_CEILING: Limit = Limit {
    name: "recipients per message, ceiling of the service",
    figure: 1000,
    unit: Unit::Recipients,
    clauses: &[guide(79), guide(80)],
    source: "Exchange Online: ceiling of the service",
    holds: NO_DATES_GIVEN,
};

/// The guide's own figure, above what the service takes today.
pub const RECIPIENTS_PER_MESSAGE_GUIDE: Limit = Limit {
    name: "recipients per message, guide",
    figure: 5000,
    unit: Unit::Recipients,
    clauses: &[guide(68)],
    source: "Applications Guide",
    holds: GUIDE_14,
};

/// Per mailbox. The service delays what exceeds it.
pub const MESSAGES_PER_MINUTE: Limit = Limit {
    name: "messages per minute",
    figure: 30,
    unit: Unit::Messages,
    clauses: &[guide(79), guide(80)],
    source: "Exchange Online: message rate of a mailbox",
    holds: NO_DATES_GIVEN,
};

/// Per mailbox, at one time. The service answers 432 above it.
pub const CONNECTIONS: Limit = Limit {
    name: "submission connections at one time",
    figure: 3,
    unit: Unit::Connections,
    clauses: &[guide(79), guide(80)],
    source: "Exchange Online: concurrent submissions of a mailbox",
    holds: NO_DATES_GIVEN,
};

/// Per mailbox, in any 24 hours.
pub const RECIPIENTS_PER_DAY: Limit = Limit {
    name: "recipients in a rolling 24 hours",
    figure: 10_000,
    unit: Unit::Recipients,
    clauses: &[guide(79), guide(80)],
    source: "Exchange Online: recipient rate of a mailbox",
    holds: NO_DATES_GIVEN,
};

/// Between two messages to one distribution list.
pub const LIST_SPACING: Limit = Limit {
    name: "time between messages to a distribution list",
    figure: 30,
    unit: Unit::Minutes,
    clauses: &[guide(69)],
    source: "Applications Guide",
    holds: GUIDE_14,
};

/// People whom one text may reach within [`MASS_MAILING_HOURS`] before it is
/// a mass mailing. Neither standard gives a figure: this is ours, for an
/// application that sets none of its own.
pub const MASS_MAILING_RECIPIENTS: Limit = Limit {
    name: "recipients of one text before it is a mass mailing",
    figure: 1000,
    unit: Unit::Recipients,
    clauses: &[eng(4), dhc(10)],
    source: "ours: the most recipients that one message can have; an application can set another",
    holds: NO_DATES_GIVEN,
};

/// The window of [`MASS_MAILING_RECIPIENTS`].
pub const MASS_MAILING_HOURS: Limit = Limit {
    name: "window for recipients of one text",
    figure: 24,
    unit: Unit::Hours,
    clauses: &[eng(4), dhc(10)],
    source: "ours: a rolling day, as the service counts recipients",
    holds: NO_DATES_GIVEN,
};

pub const PASSWORD_APPLICATION: Limit = Limit {
    name: "least password length, application account",
    figure: 20,
    unit: Unit::Characters,
    clauses: &[guide(19), guide(32)],
    source: "Applications Guide",
    holds: GUIDE_14,
};

pub const PASSWORD_USER: Limit = Limit {
    name: "least password length, user account",
    figure: 10,
    unit: Unit::Characters,
    clauses: &[guide(29)],
    source: "Applications Guide",
    holds: GUIDE_14,
};

pub const PASSWORD_HISTORY: Limit = Limit {
    name: "former passwords that may not return",
    figure: 4,
    unit: Unit::Passwords,
    clauses: &[guide(30)],
    source: "Applications Guide",
    holds: GUIDE_14,
};

/// Where this and [`PASSWORD_AGE_MONTHS`] differ, the earlier date counts.
pub const PASSWORD_AGE_DAYS: Limit = Limit {
    name: "password age",
    figure: 365,
    unit: Unit::Days,
    clauses: &[guide(31)],
    source: "Applications Guide",
    holds: GUIDE_14,
};

pub const PASSWORD_AGE_MONTHS: Limit = Limit {
    name: "password age, application account",
    figure: 12,
    unit: Unit::Months,
    clauses: &[guide(33)],
    source: "Applications Guide",
    holds: GUIDE_14,
};

/// The service's own mailbox of a user or an application.
pub const MAILBOX_STANDARD: Limit = Limit {
    name: "mailbox, standard service",
    figure: 4 * 1024 * 1024 * 1024,
    unit: Unit::Octets,
    clauses: &[guide(63)],
    source: "NHSmail, Managing Mailbox Quota",
    holds: NO_DATES_GIVEN,
};

pub const MAILBOX_SHARED: Limit = Limit {
    name: "mailbox, enhanced service and shared mailboxes",
    figure: 50 * 1024 * 1024 * 1024,
    unit: Unit::Octets,
    clauses: &[guide(63)],
    source: "NHSmail, Managing Mailbox Quota",
    holds: NO_DATES_GIVEN,
};

/// From here on a mailbox may not send; at the quota it may not receive either.
pub const MAILBOX_PROHIBIT_SEND_PERCENT: Limit = Limit {
    name: "part of the quota from which a mailbox may not send",
    figure: 99,
    unit: Unit::Percent,
    clauses: &[guide(64)],
    source: "University pages about Exchange Online; NHSmail gives no part",
    holds: NO_DATES_GIVEN,
};

/// Messages that a mailbox receives from outside.
pub const RECEIVED_PER_HOUR: Limit = Limit {
    name: "messages received, mailbox",
    figure: 3600,
    unit: Unit::MessagesPerHour,
    clauses: &[guide(74)],
    source: "Exchange Online, non-delivery reports 5.2.122; the figure by others",
    holds: NO_DATES_GIVEN,
};

/// The part of [`RECEIVED_PER_HOUR`] that one sender may have.
pub const RECEIVED_PER_HOUR_ONE_SENDER_PERCENT: Limit = Limit {
    name: "messages received from one sender, part of the mailbox's",
    figure: 33,
    unit: Unit::Percent,
    clauses: &[guide(74)],
    source: "Exchange Online, non-delivery reports 5.2.121; the figure by others",
    holds: NO_DATES_GIVEN,
};

/// One of the days on which the service reminds of a password that expires.
const fn password_warning(days: u64) -> Limit {
    Limit {
        name: "warning before a password expires",
        figure: days,
        unit: Unit::Days,
        clauses: const { &[guide(31), guide(33)] },
        source: "NHSmail password policy page, reviewed 27 July 2023",
        holds: NO_DATES_GIVEN,
    }
}

/// Days before expiry, the earliest warning first.
pub const PASSWORD_WARNINGS: [Limit; 5] = [
    password_warning(18),
    password_warning(10),
    password_warning(5),
    password_warning(2),
    password_warning(1),
];

/// Every limit, for the reference page.
pub const ALL: &[Limit] = &[
    MESSAGE_OCTETS,
    SIZE_ANNOUNCED_BY_SERVICE,
    HEADER_OCTETS,
    RECIPIENTS_PER_MESSAGE,
    RECIPIENTS_PER_MESSAGE_CEILING,
    RECIPIENTS_PER_MESSAGE_GUIDE,
    MESSAGES_PER_MINUTE,
    CONNECTIONS,
    RECIPIENTS_PER_DAY,
    LIST_SPACING,
    MASS_MAILING_RECIPIENTS,
    MASS_MAILING_HOURS,
    PASSWORD_APPLICATION,
    PASSWORD_USER,
    PASSWORD_HISTORY,
    PASSWORD_AGE_DAYS,
    PASSWORD_AGE_MONTHS,
    MAILBOX_STANDARD,
    MAILBOX_SHARED,
    MAILBOX_PROHIBIT_SEND_PERCENT,
    RECEIVED_PER_HOUR,
    RECEIVED_PER_HOUR_ONE_SENDER_PERCENT,
    PASSWORD_WARNINGS[0],
    PASSWORD_WARNINGS[1],
    PASSWORD_WARNINGS[2],
    PASSWORD_WARNINGS[3],
    PASSWORD_WARNINGS[4],
];

/// The recipients that one message may have on a route whose account is set to
/// `configured`, or to the default: never more than service and guide allow.
pub fn recipients_per_message(configured: Option<u64>) -> u64 {
    configured
        .unwrap_or(RECIPIENTS_PER_MESSAGE.figure)
        .min(RECIPIENTS_PER_MESSAGE_CEILING.figure)
        .min(RECIPIENTS_PER_MESSAGE_GUIDE.figure)
}

/// The octets that one message may have when it leaves, on a route that may
/// be configured for less: never more than the guide allows.
pub fn message_octets(configured: Option<u64>) -> u64 {
    configured
        .unwrap_or(MESSAGE_OCTETS.figure)
        .min(MESSAGE_OCTETS.figure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_cites_clauses_that_are_known() {
        for limit in ALL {
            assert!(!limit.clauses.is_empty() && !limit.source.is_empty());
            for id in limit.clauses {
                assert!(id.clause().is_some(), "{}: {id}", limit.name);
            }
        }
    }

    #[test]
    fn configuration_lowers_a_limit_but_lifts_none_above_the_ceiling() {
        for (configured, expected) in [
            (None, 500),
            (Some(50), 50),
            (Some(800), 800),
            (Some(5000), 1000),
        ] {
            assert_eq!(recipients_per_message(configured), expected);
        }
        assert_eq!(message_octets(None), MESSAGE_OCTETS.figure);
        assert_eq!(message_octets(Some(1_000_000)), 1_000_000);
        assert_eq!(message_octets(Some(u64::MAX)), MESSAGE_OCTETS.figure);
    }
}
