//! The gateway's pages: overview, messages, and what people do to them.

use mailward_access::mime::decode_field;
use mailward_console::SourceError;
use mailward_console::view::{
    Action, AlarmView, BreakerView, Cursor, DivertedView, EndingView, GatewayOverview, LimitView,
    MessageFilter, MessageRow, OldestView, Page, PausedView, RecipientsSummary, SpaceView, Status,
};
use mailward_gateway::deliver::LimitLine;
use mailward_gateway::route::retirement::ends;
use mailward_mail::MessageId;
use mailward_queue::{
    Actor, ApplicationName, BreakerState, Filter, ListItem, MessageClass, QueueError, StateWord,
};
use mailward_store::{ReadError, WriteError};

use super::GatewayPart;

/// Mailboxes whose limits the overview shows.
const MAILBOXES_SHOWN_MAX: usize = 20;

/// What the timeline says of an act on the console that asks for no reason.
const WHY: &str = "asked for on the console";

impl GatewayPart {
    pub(super) async fn overview(&self) -> Result<GatewayOverview, SourceError> {
        let summary = self.queue.summary().await.map_err(trouble)?;
        let counts = summary
            .recipients
            .iter()
            .map(|(state, count)| (status(*state), *count));
        let oldest_waiting = match summary.oldest_waiting {
            None => None,
            Some((id, accepted)) => Some(OldestView {
                id,
                accepted,
                status: self.status_of(id).await?,
            }),
        };
        Ok(GatewayOverview {
            counts: counts.collect(),
            oldest_waiting,
            breakers_open: self.breakers().await?,
            limits: self.limits().await?,
            oldest_by_class: self.oldest_by_class().await?,
            paused: self.paused(),
            diverted: self.diverted().await?,
            endings: self.endings(),
            space: self.space(),
        })
    }

    async fn oldest_by_class(&self) -> Result<Vec<(String, OldestView)>, SourceError> {
        let mut views = Vec::new();
        for class in MessageClass::ALL {
            if let Some(oldest) = self.queue.oldest_open(class).await.map_err(trouble)? {
                let view = OldestView {
                    id: oldest.id,
                    accepted: oldest.received_at,
                    status: self.status_of(oldest.id).await?,
                };
                views.push((class.as_str().to_owned(), view));
            }
        }
        Ok(views)
    }

    fn paused(&self) -> Vec<PausedView> {
        let paused = self.observe.paused().into_iter();
        paused
            .map(|(route, account)| PausedView { account, route })
            .collect()
    }

    async fn diverted(&self) -> Result<Vec<DivertedView>, SourceError> {
        let diversions = self.queue.diversions().await.map_err(trouble)?;
        let views = diversions.into_iter().map(|one| DivertedView {
            account: one.from.account.into(),
            from: one.from.route.into(),
            to: one.to.into(),
            since: one.since,
            why: one.why,
        });
        Ok(views.collect())
    }

    /// On the gateway's own clock.
    fn endings(&self) -> Vec<EndingView> {
        let now = self.queue.clock().now();
        let routes = self.config.routes.iter();
        let mut endings: Vec<EndingView> = routes
            .flat_map(|route| {
                ends(route).into_iter().map(|end| EndingView {
                    route: route.name.as_str().to_owned(),
                    days_left: end.days_left(now),
                    date: end.date.to_date(),
                    what: end.what,
                })
            })
            .collect();
        endings.sort_by_key(|one| one.days_left);
        endings
    }

    fn space(&self) -> Option<SpaceView> {
        let space = self.queue.store().space();
        Some(SpaceView {
            free: space.free_octets?,
            floor: space.floor_octets,
        })
    }

    /// Limits of mailboxes that are in use, those without room first; the
    /// command line shows all.
    async fn limits(&self) -> Result<Vec<LimitView>, SourceError> {
        let limits = self.sending_limits.limits(None).await.map_err(trouble)?;
        let is_used =
            |line: &LimitLine| line.used > 0 || line.free_at.is_some() || line.learnt.is_some();
        let mut mailboxes = limits.mailboxes;
        mailboxes.retain(|mailbox| mailbox.limits.iter().any(is_used));
        mailboxes.sort_by_key(|mailbox| mailbox.limits.iter().all(|line| line.free_at.is_none()));
        let mut views = Vec::new();
        for mailbox in mailboxes.into_iter().take(MAILBOXES_SHOWN_MAX) {
            for line in mailbox.limits {
                views.push(LimitView {
                    account: mailbox.account.clone(),
                    routes: mailbox.routes.join(", "),
                    limit: title(&line.limit),
                    most: line.most,
                    used: line.used,
                    left: line.left,
                    free_at: line.free_at,
                    learnt: line.learnt.map(|learnt| {
                        format!(
                            "{} allowed since the service said: {}",
                            learnt.allowed, learnt.reply
                        )
                    }),
                });
            }
        }
        Ok(views)
    }

    pub(super) fn alarm_views(&self) -> Vec<AlarmView> {
        let standing = self.alarms.standing().into_iter();
        standing
            .map(|alarm| AlarmView {
                since: alarm.since,
                title: title(alarm.kind),
                detail: alarm.text,
                message: None,
            })
            .collect()
    }

    pub(super) async fn messages(
        &self,
        filter: MessageFilter,
    ) -> Result<Page<MessageRow>, SourceError> {
        if let Some(id) = filter.search.as_deref().and_then(|text| text.parse().ok()) {
            return self.by_id(id, filter.status).await;
        }
        let application = filter.search.as_deref().and_then(|text| self.named(text));
        let wanted = Filter {
            text: filter.search.filter(|_| application.is_none()),
            application,
            state: filter.status.map(state),
            ..Filter::default()
        };
        // A cursor that is none of ours leads to the first page.
        let cursor = filter
            .cursor
            .and_then(|cursor| cursor.as_str().parse().ok());
        let page = self.queue.list(&wanted, cursor, filter.limit).await;
        let page = page.map_err(trouble)?;
        Ok(Page {
            items: page.items.into_iter().map(row).collect(),
            previous: None,
            next: page.next.map(|next| Cursor::new(next.to_string())),
        })
    }

    pub(super) async fn act(
        &self,
        id: MessageId,
        action: Action,
        who: &str,
        why: Option<&str>,
    ) -> Result<(), SourceError> {
        let (queue, who, why) = (&self.queue, &Actor::new(who), why.unwrap_or(WHY));
        let moved = match action {
            Action::Retry => queue.retry(id, who, why).await,
            Action::Hold => queue.hold(id, who, why).await,
            Action::Release => queue.release(id, who, why).await,
            Action::ConfirmSent => queue.confirm_sent(id, who, why).await,
            Action::Cancel => queue.cancel(id, who, why).await,
        };
        moved.map(drop).map_err(trouble)
    }

    /// The application of this name, in any case.
    fn named(&self, text: &str) -> Option<ApplicationName> {
        let mut applications = self.config.applications.iter();
        let found = applications.find(|one| one.name.as_str().eq_ignore_ascii_case(text));
        found.map(|one| one.name.clone())
    }

    async fn by_id(
        &self,
        id: MessageId,
        wanted: Option<Status>,
    ) -> Result<Page<MessageRow>, SourceError> {
        let Some(view) = self.queue.show(id).await.map_err(trouble)? else {
            return Ok(Page::only(Vec::new()));
        };
        let statuses: Vec<Status> = view
            .recipients
            .iter()
            .map(|one| status(one.state))
            .collect();
        if wanted.is_some_and(|wanted| !statuses.contains(&wanted)) {
            return Ok(Page::only(Vec::new()));
        }
        let addresses = view.envelope.recipients.iter();
        let mut addresses = addresses.map(|one| one.forward_path.address().to_string());
        Ok(Page::only(vec![MessageRow {
            id,
            accepted: view.received_at,
            application: view.application.into(),
            from: sender(
                view.envelope.reverse_path.as_str(),
                view.lane.account.as_str(),
            ),
            recipients: RecipientsSummary {
                first: addresses.next().unwrap_or_default(),
                count: statuses.len(),
            },
            subject: view.subject.map(|text| decode_field(text.as_bytes())),
            status: Status::of_message(statuses).unwrap_or(Status::Incoming),
        }]))
    }

    async fn status_of(&self, id: MessageId) -> Result<Status, SourceError> {
        let view = self.queue.show(id).await.map_err(trouble)?;
        let recipients = view.into_iter().flat_map(|view| view.recipients);
        let waiting = recipients.filter(|one| !one.state.is_end());
        // Between the two looks it may have ended.
        Ok(Status::of_message(waiting.map(|one| status(one.state))).unwrap_or(Status::Active))
    }

    async fn breakers(&self) -> Result<Vec<BreakerView>, SourceError> {
        let lanes = self.queue.waiting_by_lane().await.map_err(trouble)?;
        let mut views = Vec::new();
        for record in self.queue.open_breakers().await.map_err(trouble)? {
            if let BreakerState::Open { since, reply } = record.state {
                let account = record.credential.account;
                let own = lanes.iter().filter(|(lane, _)| lane.account == account);
                views.push(BreakerView {
                    waiting: own.map(|(_, waiting)| waiting).sum(),
                    account: account.into(),
                    opened: since,
                    reply,
                });
            }
        }
        Ok(views)
    }
}

fn row(item: ListItem) -> MessageRow {
    let count: u64 = item.states.iter().map(|(_, count)| count).sum();
    let first = item.recipients.first();
    MessageRow {
        id: item.id,
        accepted: item.received_at,
        from: sender(&item.reverse_path, item.lane.account.as_str()),
        application: item.application.into(),
        recipients: RecipientsSummary {
            first: first.map_or_else(String::new, |one| {
                one.recipient.forward_path.address().to_string()
            }),
            count: usize::try_from(count).unwrap_or(usize::MAX),
        },
        subject: item.subject.map(|text| decode_field(text.as_bytes())),
        status: Status::of_message(item.states.iter().map(|(state, _)| status(*state)))
            .unwrap_or(Status::Incoming),
    }
}

/// A report has the null path; then it is the account that sends it.
fn sender(reverse_path: &str, account: &str) -> String {
    match reverse_path {
        "" => account.to_owned(),
        address => address.to_owned(),
    }
}

/// `authentication_refused` as a heading.
fn title(kind: &str) -> String {
    let words = kind.replace('_', " ");
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => words,
    }
}

pub(super) fn status(state: StateWord) -> Status {
    match state {
        StateWord::Incoming => Status::Incoming,
        StateWord::Active => Status::Active,
        StateWord::Deferred => Status::Deferred,
        StateWord::Hold => Status::Held,
        StateWord::InDoubt => Status::InDoubt,
        StateWord::Ended(outcome) => Status::from(outcome),
    }
}

fn state(wanted: Status) -> StateWord {
    let found = StateWord::ALL
        .into_iter()
        .find(|one| status(*one) == wanted);
    found.unwrap_or(StateWord::Incoming)
}

/// Sorted by what the console can say to the person who asked.
pub(super) fn trouble(error: QueueError) -> SourceError {
    let text = error.to_string();
    match error {
        QueueError::NoSuchMessage(_) | QueueError::NoSuchRecipient(..) => SourceError::NotFound,
        QueueError::Illegal { illegal, .. } => SourceError::Conflict(format!("{illegal}.")),
        QueueError::Write(WriteError::Full(_)) => {
            SourceError::Unavailable("There is no room in the store.".to_owned())
        }
        QueueError::Write(WriteError::Poisoned(_)) => SourceError::Unavailable(
            "The store no longer takes changes; Mailward has to be restarted.".to_owned(),
        ),
        QueueError::Write(WriteError::Closed) | QueueError::Read(ReadError::Closed) => {
            SourceError::Unavailable("Mailward is stopping.".to_owned())
        }
        _ => SourceError::Internal(text),
    }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn states_and_statuses_are_the_same_list() {
        for word in StateWord::ALL {
            assert_eq!(state(status(word)), word);
        }
        assert_eq!(StateWord::ALL.len(), Status::ALL.len());
    }

    #[test]
    fn alarms_have_headings() {
        assert_eq!(title("authentication_refused"), "Authentication refused");
        assert_eq!(title(""), "");
    }
}
