//! The sense of a route's `fails_over_…`.

use mailward_queue::{Cause, RouteName};
use toml::Spanned;

use super::Route;
use super::check::Checker;
use super::fail_over::FailOver;
use super::file::{self, Text};

/// A day: beyond it, mail that waits for another way has expired.
const MINUTES_MAX: u64 = 24 * 60;

/// Other routes of one route.
const ROUTES_MAX: usize = 8;

/// What the file says, for when all routes are known.
pub(super) struct Asked {
    route: RouteName,
    to: Vec<Text>,
}

impl Checker<'_> {
    /// All but whether the other routes exist.
    pub(super) fn fail_over(&mut self, route: &mut file::Route) -> FailOver {
        let mut terms = FailOver::default();
        for (asked, minutes) in [
            (&route.fails_over_after_minutes, &mut terms.after_minutes),
            (
                &route.fails_back_after_minutes,
                &mut terms.back_after_minutes,
            ),
        ] {
            if let Some(asked) = asked {
                *minutes = self.minutes(asked);
            }
        }
        if let Some(on) = route.fails_over_on.take() {
            terms.on = on.iter().filter_map(|text| self.cause(text)).collect();
        }
        if route.fails_over_to.len() > ROUTES_MAX
            && let Some(one) = route.fails_over_to.get(ROUTES_MAX)
        {
            self.fail(
                one.span(),
                format!("a route may name {ROUTES_MAX} others at most"),
                "Remove the last.",
            );
        }
        terms
    }

    fn minutes(&mut self, asked: &Spanned<u64>) -> u64 {
        let minutes = *asked.get_ref();
        if minutes == 0 || minutes > MINUTES_MAX {
            self.fail(
                asked.span(),
                "this is no time to wait for",
                format!("Write minutes, 1 to {MINUTES_MAX}."),
            );
        }
        minutes
    }

    fn cause(&mut self, text: &Text) -> Option<Cause> {
        let found = Cause::parse(text.get_ref()).filter(|one| FailOver::CAUSES.contains(one));
        if found.is_none() {
            let names = FailOver::CAUSES.map(|one| format!("{:?}", one.as_str()));
            self.fail(
                text.span(),
                "mail does not change its route for this",
                format!("Write one of {}.", names.join(", ")),
            );
        }
        found
    }

    pub(super) fn asked(route: &file::Route) -> Option<Asked> {
        (!route.fails_over_to.is_empty()).then(|| Asked {
            route: RouteName::new(route.name.get_ref()),
            to: route.fails_over_to.clone(),
        })
    }

    /// Puts the other routes in place, once every route is known.
    pub(super) fn others(&mut self, asked: Vec<Asked>, routes: &mut [Route]) {
        for one in asked {
            let Some(place) = routes.iter().position(|route| route.name == one.route) else {
                continue;
            };
            let mut to: Vec<RouteName> = Vec::new();
            for text in &one.to {
                let Some(other) = self.known_route(text, routes) else {
                    continue;
                };
                let own = &routes[place];
                let problem = if other.name == own.name || to.contains(&other.name) {
                    Some(("this is the route itself, or named twice", "Remove it."))
                } else if other.twin != own.twin {
                    Some((
                        "one of the two routes ends in the twin and the other does not",
                        "Name a route that ends where this one does.",
                    ))
                } else if other.service != own.service {
                    Some((
                        "the two routes end at different services (DHC-24)",
                        "Name a route to the same service.",
                    ))
                } else {
                    None
                };
                match problem {
                    Some((problem, remedy)) => self.fail(text.span(), problem, remedy),
                    None => to.push(other.name.clone()),
                }
            }
            routes[place].fail_over.to = to;
        }
    }
}
