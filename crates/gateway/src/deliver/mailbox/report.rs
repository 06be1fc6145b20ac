//! What is left of each limit, and until when, as people ask for it.

use std::time::Duration;

use mailward_mail::Timestamp;
use mailward_queue::{Budget, PaceLimit, QueueError, RouteName};

use super::{Mailbox, SendingLimits};

/// Every limit that is kept for the accounts asked about.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[schema(as = SendingLimits)]
pub struct Limits {
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub mailboxes: Vec<MailboxLimits>,
    /// Distribution lists that had a message of late or have some waiting;
    /// their spacing holds for all accounts together.
    pub lists: Vec<ListLine>,
}

/// The limits of one mailbox.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct MailboxLimits {
    pub account: String,
    /// The routes that draw on it.
    pub routes: Vec<String>,
    pub limits: Vec<LimitLine>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct LimitLine {
    /// `connections`, `messages_per_minute`, `recipients_per_day`.
    pub limit: String,
    /// As configured or published; missing without a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<u64>,
    /// Of connections those that are open, idle ones too.
    pub used: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<u64>,
    /// When there is room again, while nothing is left or a rest is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub free_at: Option<Timestamp>,
    /// What the service's replies taught.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learnt: Option<LearntLine>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct LearntLine {
    /// So many are allowed now.
    pub allowed: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// The last reply that asked for less.
    pub reply: String,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct ListLine {
    pub list: String,
    /// The last message to it was begun then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_at: Option<Timestamp>,
    /// The next may go from then on; missing when it may go now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub free_at: Option<Timestamp>,
    /// Recipients that wait for their turn.
    pub waiting: u64,
}

impl SendingLimits {
    /// The limits of one account, in any case of its letters, or of all.
    pub async fn limits(&self, account: Option<&str>) -> Result<Limits, QueueError> {
        let wanted = account.map(str::to_ascii_lowercase);
        let mut mailboxes = Vec::new();
        for (budget, routes) in self.0.budgets.all() {
            if wanted
                .as_deref()
                .is_none_or(|one| one == budget.account.as_str())
            {
                mailboxes.push(self.mailbox(budget, routes).await?);
            }
        }
        let lists = self.0.queue.list_turns().await?;
        let lists = lists.into_iter().map(|turns| ListLine {
            list: turns.list,
            last_at: Some(turns.last_at),
            free_at: turns.free_at,
            waiting: turns.waiting,
        });
        Ok(Limits {
            at: self.0.clock.now(),
            mailboxes,
            lists: lists.collect(),
        })
    }

    async fn mailbox(
        &self,
        budget: Budget,
        routes: Vec<RouteName>,
    ) -> Result<MailboxLimits, QueueError> {
        let day = match routes.first() {
            Some(route) => self.0.queue.day_of(&budget.account, route).await?,
            None => None,
        };
        let account = budget.account.as_str().to_owned();
        let mailbox = self.of(budget);
        mailbox.restore().await?;
        let mut limits = vec![mailbox.connections(), mailbox.messages()];
        limits.extend(day.map(|day| LimitLine {
            limit: "recipients_per_day".to_owned(),
            most: Some(day.most),
            used: day.sent,
            left: Some(day.most.saturating_sub(day.sent)),
            free_at: day.free_at,
            learnt: None,
        }));
        Ok(MailboxLimits {
            account,
            routes: routes.into_iter().map(String::from).collect(),
            limits,
        })
    }
}

impl Mailbox {
    fn connections(&self) -> LimitLine {
        let used = self.leases.in_use();
        let allowed = self.allowed(PaceLimit::Connections);
        let most = u64::from(self.budget.limits.connections_max);
        LimitLine {
            limit: PaceLimit::Connections.as_str().to_owned(),
            most: Some(most),
            used: u64::from(used.open),
            left: Some(allowed.unwrap_or(most).saturating_sub(u64::from(used.open))),
            free_at: used.rest_until.map(|until| self.wall_of(until)),
            learnt: self.learnt(PaceLimit::Connections),
        }
    }

    fn messages(&self) -> LimitLine {
        let used = self.leases.in_use();
        let most = self.budget.limits.messages_max.map(u64::from);
        let allowed = self.allowed(PaceLimit::MessagesPerMinute);
        let counted = u64::from(used.counted);
        let free: Option<Duration> = used.messages_free_at.max(used.rest_until);
        LimitLine {
            limit: PaceLimit::MessagesPerMinute.as_str().to_owned(),
            most,
            used: counted,
            left: allowed.map(|allowed| allowed.saturating_sub(counted)),
            free_at: free.map(|free| self.wall_of(free)),
            learnt: self.learnt(PaceLimit::MessagesPerMinute),
        }
    }

    fn allowed(&self, limit: PaceLimit) -> Option<u64> {
        let level = self.learning().learnt.level(limit)?;
        Some(u64::from(level.allowed))
    }

    fn learnt(&self, limit: PaceLimit) -> Option<LearntLine> {
        let learning = self.learning();
        let level = learning.learnt.level(limit)?;
        level.is_lowered().then(|| LearntLine {
            allowed: u64::from(level.allowed),
            since: learning.low_since,
            reply: learning.reply.clone(),
        })
    }
}
