//! Which lanes draw on one budget. The service counts by mailbox: two routes
//! by which an account submits, by token and by password say, are one mailbox
//! to it. The high sending service counts for itself, and a relay asks for no
//! mailbox at all.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mailward_policy::RouteKind;
use mailward_policy::limits::{CONNECTIONS, MESSAGES_PER_MINUTE};
use mailward_queue::{AccountName, Budget, Lane, LaneLimits, RouteName, Sharing};

use crate::config::Config;

/// The window of the published rate.
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// The budgets of a configuration's accounts.
#[derive(Clone, Debug, Default)]
pub struct Budgets {
    routes: BTreeMap<RouteName, (RouteKind, LaneLimits)>,
    accounts: BTreeMap<AccountName, BTreeSet<RouteName>>,
}

impl Budgets {
    pub fn of(config: &Config) -> Self {
        let routes = config.routes.iter().map(|route| {
            let limits = LaneLimits {
                connections_max: u32::try_from(route.connections_max).unwrap_or(u32::MAX),
                messages_max: route.messages_per_minute,
                window: MINUTE,
            };
            (route.name.clone(), (route.kind, limits))
        });
        let accounts = config.accounts.iter().map(|account| {
            let routes = config.routes_of(account);
            (
                account.name(),
                routes.map(|route| route.name.clone()).collect(),
            )
        });
        Self {
            routes: routes.collect(),
            accounts: accounts.collect(),
        }
    }

    /// The budget that a lane draws on. One whose route the configuration does
    /// not have counts as submission, with what the service publishes.
    pub fn of_lane(&self, lane: &Lane) -> Budget {
        let (kind, limits) = self.route(&lane.route);
        let account = lane.account.clone();
        match kind {
            RouteKind::Relay => Budget {
                name: format!("{}:{} {account}", kind.as_str(), lane.route),
                ..Budget::of_lane(lane, limits)
            },
            RouteKind::HighSending => Budget {
                name: format!("{} {account}", RouteKind::HighSending.as_str()),
                limits: self.strictest(lane, |kind| kind == RouteKind::HighSending, limits),
                sharing: Sharing::Only(self.routes_of(|kind| kind == RouteKind::HighSending)),
                account,
            },
            _ => Budget {
                name: format!("{} {account}", RouteKind::Submission.as_str()),
                limits: self.strictest(lane, of_mailbox, limits),
                sharing: Sharing::AllBut(self.routes_of(|kind| !of_mailbox(kind))),
                account,
            },
        }
    }

    /// Every budget of every account, with the routes that draw on it.
    pub(crate) fn all(&self) -> Vec<(Budget, Vec<RouteName>)> {
        let mut all: Vec<(Budget, Vec<RouteName>)> = Vec::new();
        for (account, routes) in &self.accounts {
            for route in routes {
                let budget = self.of_lane(&Lane::new(route.clone(), account.clone()));
                match all.iter_mut().find(|(known, _)| known.name == budget.name) {
                    Some((_, routes)) => routes.push(route.clone()),
                    None => all.push((budget, vec![route.clone()])),
                }
            }
        }
        all
    }

    fn route(&self, name: &RouteName) -> (RouteKind, LaneLimits) {
        let known = self.routes.get(name).copied();
        known.unwrap_or((RouteKind::Submission, published()))
    }

    fn routes_of(&self, wanted: impl Fn(RouteKind) -> bool) -> BTreeSet<RouteName> {
        let routes = self.routes.iter();
        let wanted = routes.filter(|(_, (kind, _))| wanted(*kind));
        wanted.map(|(name, _)| name.clone()).collect()
    }

    /// The least of what the account's routes to one mailbox allow.
    fn strictest(
        &self,
        lane: &Lane,
        wanted: impl Fn(RouteKind) -> bool,
        own: LaneLimits,
    ) -> LaneLimits {
        let routes = self.accounts.get(&lane.account).into_iter().flatten();
        let limits = routes
            .filter_map(|name| self.routes.get(name))
            .filter(|(kind, _)| wanted(*kind))
            .map(|(_, limits)| *limits);
        limits.fold(own, |least, one| LaneLimits {
            connections_max: least.connections_max.min(one.connections_max),
            messages_max: [least.messages_max, one.messages_max]
                .into_iter()
                .flatten()
                .min(),
            window: least.window.max(one.window),
        })
    }
}

/// Whether a route of the kind hands over in the account's own mailbox.
fn of_mailbox(kind: RouteKind) -> bool {
    !matches!(kind, RouteKind::HighSending | RouteKind::Relay)
}

fn published() -> LaneLimits {
    let figure = |figure: u64| u32::try_from(figure).unwrap_or(u32::MAX);
    LaneLimits::per_minute(
        figure(CONNECTIONS.figure),
        figure(MESSAGES_PER_MINUTE.figure),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROTA: &str = "rota@northmoor.example";
    const LETTERS: &str = "letters@northmoor.example";

    fn budgets() -> Budgets {
        let route = |name: &str, kind, limits| (RouteName::new(name), (kind, limits));
        let account = |name: &str, routes: &[&str]| {
            let routes = routes.iter().map(RouteName::new).collect();
            (AccountName::new(name), routes)
        };
        let at_most = LaneLimits::per_minute;
        Budgets {
            routes: BTreeMap::from([
                route("by_token", RouteKind::Submission, at_most(3, 30)),
                route("by_password", RouteKind::Submission, at_most(2, 40)),
                route("bulk", RouteKind::HighSending, at_most(10, 600)),
                route("relay", RouteKind::Relay, LaneLimits::connections_only(5)),
            ]),
            accounts: BTreeMap::from([
                account(ROTA, &["by_token", "by_password", "bulk", "relay"]),
                account(LETTERS, &["by_token", "relay"]),
            ]),
        }
    }

    #[test]
    fn lanes_share_by_mailbox_and_what_is_apart_stays_apart() {
        let budgets = budgets();
        for (route, account, name, connections, messages, shares_with) in [
            (
                "by_token",
                ROTA,
                "submission",
                2,
                Some(30),
                "by_password by_token gone",
            ),
            (
                "by_password",
                ROTA,
                "submission",
                2,
                Some(30),
                "by_password by_token gone",
            ),
            (
                "by_token",
                LETTERS,
                "submission",
                3,
                Some(30),
                "by_password by_token gone",
            ),
            (
                "gone",
                LETTERS,
                "submission",
                3,
                Some(30),
                "by_password by_token gone",
            ),
            ("bulk", ROTA, "high_sending", 10, Some(600), "bulk"),
            ("relay", ROTA, "relay:relay", 5, None, "relay"),
            ("relay", LETTERS, "relay:relay", 5, None, "relay"),
        ] {
            let budget = budgets.of_lane(&Lane::new(route, account));
            assert_eq!(budget.name, format!("{name} {account}"));
            let limits = budget.limits;
            assert_eq!(
                (limits.connections_max, limits.messages_max),
                (connections, messages)
            );
            let routes = ["bulk", "by_password", "by_token", "gone", "relay"];
            let shared: Vec<&str> = routes
                .into_iter()
                .filter(|route| budget.includes(&RouteName::new(route)))
                .collect();
            assert_eq!(shared.join(" "), shares_with, "{route} {account}");
        }
        let all: Vec<String> = budgets
            .all()
            .into_iter()
            .map(|(budget, routes)| format!("{}: {}", budget.name, routes.len()))
            .collect();
        assert_eq!(
            all,
            [
                "submission letters@northmoor.example: 1",
                "relay:relay letters@northmoor.example: 1",
                "high_sending rota@northmoor.example: 1",
                "submission rota@northmoor.example: 2",
                "relay:relay rota@northmoor.example: 1",
            ]
        );
    }
}
