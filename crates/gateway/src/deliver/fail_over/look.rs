//! What one round of fail-over looks at: few rows, each read once, and what is
//! in memory.

use mailward_mail::Timestamp;
use mailward_queue::{
    BreakerState, Cause, Diversion, Lane, QueueError, RouteName, Scope, Suspension,
};

use mailward_policy::RouteKind;

use super::too_much::{TooMuch, high_sending};
use crate::config::{Config, FailOver};
use crate::deliver::{DeliverOptions, connection};
use crate::route::fail_over::{Candidate, Trouble, of_pause};
use crate::route::retirement::retired;

pub(super) struct Look<'o> {
    config: &'o Config,
    now: Timestamp,
    diversions: Vec<Diversion>,
    suspensions: Vec<Suspension>,
    /// Lanes with mail that waits.
    waiting: Vec<Lane>,
    none: FailOver,
}

impl<'o> Look<'o> {
    pub(super) async fn take(options: &'o DeliverOptions) -> Result<Self, QueueError> {
        let queue = &options.queue;
        let waiting = queue.waiting_by_lane().await?.into_iter();
        let waiting = waiting.filter(|(_, count)| *count > 0);
        Ok(Self {
            config: options.register.config(),
            now: options.clock.now(),
            diversions: queue.diversions().await?,
            suspensions: queue.suspensions().await?,
            waiting: waiting.map(|(lane, _)| lane).collect(),
            none: FailOver::default(),
        })
    }

    /// Those that may leave their route, or have left it.
    pub(super) fn lanes(&self, options: &DeliverOptions) -> Vec<Lane> {
        let diverted = self.diversions.iter().map(|one| one.from.clone());
        let mut lanes: Vec<Lane> = diverted.collect();
        for lane in &self.waiting {
            let route = self.config.route(&lane.route);
            let may = route.is_some_and(|route| {
                !route.fail_over.to.is_empty()
                    || (route.kind == RouteKind::Submission
                        && !high_sending(options, &lane.account).is_empty())
            });
            if may && !lanes.contains(lane) {
                lanes.push(lane.clone());
            }
        }
        lanes
    }

    pub(super) fn standing(&self, lane: &Lane) -> Option<&Diversion> {
        self.diversions.iter().find(|one| one.from == *lane)
    }

    pub(super) fn terms(&self, lane: &Lane) -> &FailOver {
        let route = self.config.route(&lane.route);
        route.map_or(&self.none, |route| &route.fail_over)
    }

    /// What is wrong with the lane's own route.
    pub(super) async fn trouble(
        &self,
        options: &DeliverOptions,
        lane: &Lane,
    ) -> Result<Option<Trouble>, QueueError> {
        let Some(route) = self.config.route(&lane.route) else {
            return Ok(None);
        };
        // What a person has stopped stays where it is.
        if self.is_suspended(lane) {
            return Ok(None);
        }
        let terms = &route.fail_over;
        if let Some(end) = retired(route, self.now) {
            return Ok(Some(Trouble {
                cause: Cause::Retired,
                since: end.date,
                is_serious: terms.on.contains(&Cause::Retired),
                words: format!(
                    "{} is retired since {} ({})",
                    route.name,
                    end.date.to_date(),
                    end.what
                ),
            }));
        }
        let pauses = options.queue.pauses_of(lane).await?;
        let mut found: Vec<Trouble> = pauses
            .iter()
            .filter_map(|pause| of_pause(pause, &lane.route, terms, self.now))
            .collect();
        found.sort_by_key(|trouble| !trouble.is_serious);
        if let Some(worst) = found.into_iter().next() {
            return Ok(Some(worst));
        }
        if terms.on.contains(&Cause::SignIn)
            && let Some(found) = self.refused_sign_in(options, lane).await?
        {
            return Ok(Some(found));
        }
        if route.kind != RouteKind::Submission {
            return Ok(None);
        }
        let account = &lane.account;
        let moves = TooMuch::of(options, account).await?.moves();
        Ok(moves.map(|what| Trouble {
            cause: Cause::Limits,
            since: self.now,
            is_serious: true,
            words: format!("{account} {what} (GUIDE-81, DHC-7)"),
        }))
    }

    async fn refused_sign_in(
        &self,
        options: &DeliverOptions,
        lane: &Lane,
    ) -> Result<Option<Trouble>, QueueError> {
        let Some((_, account)) = options.routes.of_lane(lane) else {
            return Ok(None);
        };
        let credential = connection::credential(account);
        let state = options.queue.breaker_state(&credential).await?;
        Ok(match state {
            BreakerState::Closed => None,
            BreakerState::Open { since, reply } => Some(Trouble {
                cause: Cause::SignIn,
                since,
                is_serious: true,
                words: format!(
                    "since {since} the service refuses the credential of {} on {} ({reply})",
                    lane.account, lane.route
                ),
            }),
        })
    }

    /// The other routes, and what bars each now.
    pub(super) async fn candidates(
        &self,
        options: &DeliverOptions,
        lane: &Lane,
        trouble: Option<&Trouble>,
        standing: Option<&Diversion>,
    ) -> Result<Vec<Candidate>, QueueError> {
        let causes = [
            trouble.map(|one| one.cause),
            standing.map(|standing| standing.cause),
        ];
        let too_much = causes.contains(&Some(Cause::Limits));
        let mut names = match trouble.map(|one| one.cause) {
            Some(Cause::Limits) => Vec::new(),
            _ => self.terms(lane).to.clone(),
        };
        if too_much {
            for name in high_sending(options, &lane.account) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        let mut candidates = Vec::new();
        for name in &names {
            let bar = match trouble {
                // Only what may be left for it needs an answer.
                None => None,
                Some(trouble) => self.bar(options, lane, name, trouble.cause).await?,
            };
            candidates.push(Candidate {
                route: name.clone(),
                bar,
            });
        }
        Ok(candidates)
    }

    async fn bar(
        &self,
        options: &DeliverOptions,
        own: &Lane,
        to: &RouteName,
        cause: Cause,
    ) -> Result<Option<String>, QueueError> {
        let there = Lane::new(to.clone(), own.account.clone());
        let (Some((_, account)), Some(route)) =
            (options.routes.of_lane(&there), self.config.route(to))
        else {
            return Ok(Some(format!("{} has no way by {to}", own.account)));
        };
        if self.is_suspended(&there) {
            return Ok(Some(format!("{to} is suspended")));
        }
        if let Some(end) = retired(route, self.now) {
            return Ok(Some(format!(
                "{to} is retired since {}",
                end.date.to_date()
            )));
        }
        let pauses = options.queue.pauses_of(&there).await?;
        // One that is over lets a message try.
        if let Some(pause) = pauses.iter().find(|pause| pause.until > self.now) {
            return Ok(Some(format!("{to} is paused ({})", pause.reply)));
        }
        let credential = connection::credential(account);
        if cause == Cause::SignIn
            && let Some((_, own)) = options.routes.of_lane(own)
            && connection::credential(own) == credential
        {
            return Ok(Some(format!("{to} takes the same credential")));
        }
        let state = options.queue.breaker_state(&credential).await?;
        Ok(match state {
            BreakerState::Closed => None,
            BreakerState::Open { .. } => Some(format!("the credential is refused on {to}")),
        })
    }

    fn is_suspended(&self, lane: &Lane) -> bool {
        let Lane { route, account } = lane;
        self.suspensions.iter().any(|one| match &one.scope {
            Scope::Route(name) => name == route,
            Scope::Account(name) => name == account,
            Scope::Application(_) => false,
        })
    }
}
