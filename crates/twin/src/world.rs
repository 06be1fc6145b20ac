//! One world: everything of the service that a client can see or change, and
//! the doors that open on it.

use std::sync::Arc;
use std::time::Duration;

use mailward_access::pop3::Profile;
use mailward_mail::{Clock, Dice};
use mailward_mailbox::Mailboxes;
use mailward_net::{ShiftedClock, Shutdown, Tasks};
use mailward_policy::limits;
use mailward_store::Store;

use crate::accounts::{Accounts, GivenBy, SignInRules};
use crate::api::{Api, Index};
use crate::asof::BehaviourDay;
use crate::deeds::Deeds;
use crate::deliver::{Deliveries, Habits, Overtaken, Receipts, Warned};
use crate::door::Door;
use crate::due::Due;
use crate::error::TwinError;
use crate::events::EventLog;
use crate::faults::Faults;
use crate::imap::{ImapDoor, Profiles};
use crate::kept::Kept;
use crate::manners::Manners;
use crate::oauth::{AppRegistration, Registrations, SigningKey, Tokens};
use crate::pace::{Pace, Rates};
use crate::pop::PopDoor;
use crate::relay::{Admissions, RelayDoor};
use crate::seed::Protocol;
use crate::senders::Senders;
use crate::service::TwinOptions;
use crate::sessions::Sessions;
use crate::shelf::Shelf;
use crate::submission::{DoorKind, SubmissionDoor};
use crate::tally::Tally;
use crate::trace::Traces;
use crate::worlds::{Bounds, SessionDoor, WorldName, Worlds};

/// Observed in 2022; the service has been slower since.
const REFUSAL_DELAY: Duration = Duration::from_secs(5);

/// One world. Clones are the same world.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) name: WorldName,
    pub(crate) accounts: Accounts,
    pub(crate) deliveries: Deliveries,
    pub(crate) tokens: Tokens,
    pub(crate) events: EventLog,
    pub(crate) pace: Pace,
    /// Nothing is limited at high sending but what the settings say.
    pub(crate) high_sending_pace: Pace,
    pub(crate) manners: Manners,
    pub(crate) admissions: Admissions,
    pub(crate) faults: Faults,
    pub(crate) sessions: Sessions,
    /// What the test API knows of the mail that came.
    pub(crate) index: Arc<Index>,
    /// False lifts every rate; wrong passwords lock an account all the same.
    pub(crate) rates: bool,
    pub(crate) day: BehaviourDay,
    pub(crate) clock: Arc<ShiftedClock>,
    pub(crate) dice: Arc<dyn Dice>,
    /// Of what runs for it. They heed its end as they heed that of the program:
    /// listeners close, sessions are told and end.
    pub(crate) tasks: Tasks,
}

impl World {
    /// The world of a seed, with what an earlier run left in the store. What
    /// it keeps in memory counts against `bounds`.
    pub(crate) async fn open(
        name: WorldName,
        options: &TwinOptions,
        store: Option<Store>,
        bounds: &Bounds,
        key: SigningKey,
    ) -> Result<Self, TwinError> {
        let clock = Arc::clone(&options.clock) as Arc<dyn Clock>;
        // The default world is the twin: without it the program ends.
        let tasks = if name == WorldName::main() {
            options.tasks.clone()
        } else {
            options.tasks.heeding(options.tasks.shutdown().of_part())
        };
        let (shelf, mailboxes) = match store {
            Some(store) => (
                Shelf::of(store.clone()),
                Mailboxes::open(store, Arc::clone(&clock)),
            ),
            None => (
                Shelf::default(),
                Mailboxes::in_memory(bounds.mail.clone(), Arc::clone(&clock)),
            ),
        };
        let kept = Kept::new(shelf.clone());
        let events = EventLog::within(Arc::clone(&clock), Arc::clone(&bounds.events));
        let traces = Traces::default();
        let mailboxes = mailboxes.watched_by(Arc::new(Deeds {
            traces: traces.clone(),
            events: events.clone(),
        }));
        let day = BehaviourDay::new(options.as_of, Arc::clone(&clock));
        let faults = Faults::new(
            events.clone(),
            Arc::clone(&clock),
            Arc::clone(&options.dice),
        );
        faults.set(options.population.faults.clone())?;
        let transcripts = Arc::clone(&bounds.transcripts);
        let sessions = Sessions::new(Arc::clone(&clock), faults.clone(), transcripts);
        let rules = SignInRules::new(
            &options.population.sign_in,
            day.clone(),
            Arc::clone(&options.breached),
        );
        let accounts = Accounts::open(shelf.clone(), Arc::clone(&clock), rules).await?;
        let manners = Manners::open(options.population.service.clone(), kept.clone()).await?;
        let due = Due::open(kept.clone(), tasks.clone()).await?;
        let deliveries = Deliveries {
            manners: manners.clone(),
            habits: Habits::open(kept.clone()).await?,
            receipts: Receipts::default(),
            warned: Warned::default(),
            due,
            rates: options.rates,
            tally: Tally::open(shelf.clone()).await?,
            senders: Senders::open(shelf).await?,
            mailboxes,
            accounts: accounts.clone(),
            events: events.clone(),
            clock: Arc::clone(&clock),
            dice: Arc::clone(&options.dice),
            domain: options.population.organisation.domain.clone(),
            faults: faults.clone(),
            overtaken: Overtaken::default(),
            traces,
        };
        if let Some(last) = deliveries.due.last_message() {
            deliveries.traces.go_on_after(last);
        }
        deliveries.make_outside().await?;
        deliveries
            .put_accounts(
                options.population.accounts.clone(),
                GivenBy::Seed,
                &*options.dice,
            )
            .await?;
        accounts.put_lists(options.population.lists.clone()).await?;
        let tokens = Tokens::new(
            options.tenant_id.clone(),
            key,
            registrations(options, &accounts, kept.clone()).await?,
            clock,
            Arc::clone(&options.dice),
        );
        deliveries.due.run(&deliveries);
        let index = Arc::new(Index::new(deliveries.mailboxes.clone()));
        let high_sending = manners.now().high_sending;
        Ok(Self {
            name,
            accounts,
            deliveries,
            tokens,
            events,
            pace: Pace::new(options.rates.then_some(Rates {
                connections_max: limits::CONNECTIONS.figure as usize,
                messages_per_minute: limits::MESSAGES_PER_MINUTE.figure as usize,
                refusal_delay: REFUSAL_DELAY,
            })),
            high_sending_pace: Pace::new(options.rates.then_some(Rates {
                connections_max: high_sending.connections_max.unwrap_or(usize::MAX),
                messages_per_minute: high_sending.messages_per_minute.unwrap_or(usize::MAX),
                refusal_delay: REFUSAL_DELAY,
            })),
            manners,
            admissions: Admissions::open(
                &options.population.organisation,
                options.population.relay_registrations.clone(),
                options.population.ptr_records.clone(),
                kept,
            )
            .await?
            .with_faults(faults.clone()),
            faults,
            sessions,
            index,
            rates: options.rates,
            day,
            clock: Arc::clone(&options.clock),
            dice: Arc::clone(&options.dice),
            tasks,
        })
    }

    /// Its endpoints close, and its sessions end.
    pub(crate) fn end(&self) {
        self.closing().begin();
    }

    /// The wish that whatever belongs to the world ends: it is being deleted,
    /// or the program stops. Sessions of every protocol heed it.
    pub(crate) fn closing(&self) -> &Shutdown {
        self.tasks.shutdown()
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock) as Arc<dyn Clock>
    }

    pub(crate) fn submission_door(&self, kind: DoorKind) -> SubmissionDoor {
        let pace = match kind {
            DoorKind::Submission => &self.pace,
            DoorKind::HighSending => &self.high_sending_pace,
        };
        SubmissionDoor {
            accounts: self.accounts.clone(),
            deliveries: self.deliveries.clone(),
            tokens: self.tokens.clone(),
            events: self.events.clone(),
            pace: pace.clone(),
            manners: self.manners.clone(),
            kind,
            rates: self.rates,
            day: self.day.clone(),
            clock: self.clock(),
            dice: Arc::clone(&self.dice),
        }
    }

    pub(crate) fn relay_door(&self) -> RelayDoor {
        RelayDoor {
            admissions: self.admissions.clone(),
            deliveries: self.deliveries.clone(),
            events: self.events.clone(),
            manners: self.manners.clone(),
            sessions: self.sessions.clone(),
            day: self.day.clone(),
            clock: self.clock(),
            dice: Arc::clone(&self.dice),
        }
    }

    pub(crate) fn imap_door(&self, worlds: &Worlds, profiles: Profiles) -> ImapDoor {
        ImapDoor {
            door: SessionDoor::new(worlds, self, Protocol::Imap),
            profiles,
        }
    }

    pub(crate) fn pop_door(&self, worlds: &Worlds, profile: &Arc<Profile>) -> PopDoor {
        PopDoor {
            door: SessionDoor::new(worlds, self, Protocol::Pop),
            profile: Arc::clone(profile),
        }
    }

    pub(crate) fn api(&self) -> Api {
        Api {
            index: Arc::clone(&self.index),
            traces: self.deliveries.traces.clone(),
            accounts: self.accounts.clone(),
            events: self.events.clone(),
            sessions: self.sessions.clone(),
            clock: self.clock(),
            dice: Arc::clone(&self.dice),
        }
    }

    pub(crate) fn door(&self, protocol: Protocol) -> Door {
        Door {
            protocol,
            accounts: self.accounts.clone(),
            tokens: self.tokens.clone(),
            events: self.events.clone(),
            pace: self.pace.clone(),
            day: self.day.clone(),
            clock: self.clock(),
            faults: self.faults.clone(),
            dice: Arc::clone(&self.dice),
            closing: self.closing().clone(),
        }
    }
}

/// The application registration that may use every account of the seed.
async fn registrations(
    options: &TwinOptions,
    accounts: &Accounts,
    kept: Kept,
) -> Result<Registrations, TwinError> {
    let registrations = Registrations::open(kept).await?;
    registrations.add(AppRegistration {
        client_id: options.oauth_client.client_id.clone(),
        client_secret: options.oauth_client.client_secret.clone(),
        name: "every account of the seed".to_owned(),
        roles: AppRegistration::mail_roles(),
        mailboxes: accounts
            .all()
            .iter()
            .map(|account| account.address.clone())
            .collect(),
    });
    Ok(registrations)
}
