//! Accounts that send more than their mailbox may: what is known of one.

use mailward_queue::{AccountName, Lane, LimitHits, PauseCause, QueueError, RouteName};

use crate::deliver::DeliverOptions;
use crate::route::advice::AdviceFacts;

/// What the advice for one account rests on.
pub(in crate::deliver) struct TooMuch {
    hits: LimitHits,
    is_day_used_up: bool,
    is_said_by_service: bool,
    /// Where its applications are registered for high sending.
    pub(super) high_sending: Vec<RouteName>,
}

impl TooMuch {
    pub(in crate::deliver) async fn of(
        options: &DeliverOptions,
        account: &AccountName,
    ) -> Result<Self, QueueError> {
        Ok(Self {
            hits: options.queue.limit_hits(account).await?,
            is_day_used_up: is_day_used_up(options, account).await?,
            is_said_by_service: match own_lane(options, account) {
                Some(lane) => is_said_by_service(options, &lane).await?,
                None => false,
            },
            high_sending: high_sending(options, account),
        })
    }

    fn facts(&self) -> AdviceFacts<'_> {
        AdviceFacts {
            hits: self.hits,
            is_day_used_up: self.is_day_used_up,
            is_said_by_service: self.is_said_by_service,
            high_sending: self.high_sending.first(),
        }
    }

    pub(super) fn moves(&self) -> Option<String> {
        self.facts().moves()
    }

    pub(in crate::deliver) fn text(&self, account: &AccountName) -> Option<String> {
        self.facts().text(account.as_str())
    }
}

/// High sending routes that the register names for applications of the account.
pub(super) fn high_sending(options: &DeliverOptions, account: &AccountName) -> Vec<RouteName> {
    let mut routes = Vec::new();
    for one in options.register.list() {
        let named = &one.application.high_sending_route;
        if let Some(route) = named
            && one.application.account == *account
            && !routes.contains(route)
        {
            routes.push(route.clone());
        }
    }
    routes
}

/// By our own count, or by what the service said.
pub(in crate::deliver) async fn is_day_used_up(
    options: &DeliverOptions,
    account: &AccountName,
) -> Result<bool, QueueError> {
    let Some(lane) = own_lane(options, account) else {
        return Ok(false);
    };
    let day = options.queue.day_of(account, &lane.route).await?;
    let is_full = day.is_some_and(|day| day.sent >= day.most);
    Ok(is_full || is_said_by_service(options, &lane).await?)
}

async fn is_said_by_service(options: &DeliverOptions, lane: &Lane) -> Result<bool, QueueError> {
    let now = options.clock.now();
    let pauses = options.queue.pauses_of(lane).await?;
    let mut pauses = pauses.iter();
    Ok(pauses.any(|pause| pause.cause == PauseCause::Day && pause.until > now))
}

fn own_lane(options: &DeliverOptions, account: &AccountName) -> Option<Lane> {
    let known = options.register.config().account(account)?;
    Some(Lane::new(known.route.clone(), account.clone()))
}
