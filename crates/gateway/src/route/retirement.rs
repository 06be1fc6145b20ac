//! Days on which the service takes away what a route uses: those that the
//! configuration names, and those that are published.

use mailward_mail::Timestamp;
use mailward_policy::RouteKind;
use mailward_policy::conflict::{EWS_BY_ALLOW_LIST, EWS_ENDED, SUBMISSION_PASSWORDS_OFF};
use mailward_policy::period::Date;

use crate::config::{Mechanism, Route};
use crate::doctor::is_production;

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// One such day of one route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    pub date: Timestamp,
    /// In a clause.
    pub what: String,
    pub remedy: &'static str,
    /// From that day on the route counts as ended: mail goes another way where
    /// there is one. Otherwise it is a change that some leave may put off.
    pub is_the_routes: bool,
    pub is_published: bool,
}

impl End {
    /// Whole days, below 0 once it is past.
    pub fn days_left(&self, now: Timestamp) -> i64 {
        (self.date.as_millis() - now.as_millis()).div_euclid(DAY_MILLIS)
    }
}

/// Every day that is known for a route, the first one first.
pub fn ends(route: &Route) -> Vec<End> {
    let published = PUBLISHED.iter().filter(|one| (one.binds)(route));
    let published = published.map(|one| End {
        date: one.date.start(),
        what: one.what.to_owned(),
        remedy: one.remedy,
        is_the_routes: one.is_final,
        is_published: true,
    });
    let own = route.retirements.iter().map(|one| End {
        date: one.date,
        what: one.what.clone(),
        remedy: "Make sure that the route does without it, then take the line out of the configuration.",
        is_the_routes: true,
        is_published: false,
    });
    let mut ends: Vec<End> = published.chain(own).collect();
    ends.sort_by_key(|end| end.date);
    ends
}

/// The day since which the route counts as ended, if one has passed.
pub fn retired(route: &Route, now: Timestamp) -> Option<End> {
    let mut ends = ends(route).into_iter();
    ends.find(|end| end.is_the_routes && end.date <= now)
}

struct Published {
    binds: fn(&Route) -> bool,
    date: Date,
    what: &'static str,
    remedy: &'static str,
    /// Whether nothing goes from that day on, by anybody's leave.
    is_final: bool,
}

const PUBLISHED: &[Published] = &[
    Published {
        binds: |route| {
            is_production(&route.server)
                && route.kind == RouteKind::Submission
                && !matches!(route.mechanism, Mechanism::XOAuth2 { .. })
        },
        date: SUBMISSION_PASSWORDS_OFF,
        what: "sign-in with a password over SMTP is off by default (Message Center MC786329); an administrator can switch it on again until a day that is announced in 2027",
        remedy: "Move the route to mechanism = \"xoauth2\", or ask the Local Administrator whether passwords stay on for this organisation.",
        is_final: false,
    },
    Published {
        binds: |route| route.kind == RouteKind::Ews,
        date: EWS_BY_ALLOW_LIST,
        what: "Exchange Web Services work only for applications on the organisation's list (MC1227454)",
        remedy: "Ask the Local Administrator whether this registration is on the list; move to Graph or SMTP.",
        is_final: false,
    },
    Published {
        binds: |route| route.kind == RouteKind::Ews,
        date: EWS_ENDED,
        what: "Exchange Web Services end for good (MC1227454)",
        remedy: "Move to Graph or SMTP.",
        is_final: true,
    },
    Published {
        binds: |route| {
            let name = route.server.to_ascii_lowercase();
            name.ends_with("-legacy.office365.com")
        },
        date: Date::new(2026, 12, 31),
        what: "the hosts for TLS older than 1.2 are closed (MC1293480)",
        remedy: "Use smtp.office365.com: this program speaks TLS 1.2 and 1.3.",
        is_final: true,
    },
];
