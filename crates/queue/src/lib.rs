//! The durable queue and its ledger: every accepted message, where each of its
//! recipients stands, every attempt, and everything that happened.
//!
//! ```text
//! accept ─► incoming ─► due ─► begin_attempt ─► record_final_dot ─► finish_attempt
//!             │hold              │killed             │killed             │
//!             ▼                  ▼                   ▼                   ▼
//!           release            again              in doubt      an outcome, and notices
//! ```
//!
//! What it promises: nothing accepted is lost; each recipient ends in exactly
//! one [`Outcome`](mailward_mail::Outcome); nothing is sent twice unawares; who
//! has to be told is written down together with what they have to be told.
//!
//! What it does not know: sockets, rules, what an application may do, and the
//! published limits. Those come in as values ([`LaneLimits`], [`Terms`]).
//! Nothing here waits or runs by itself: callers ask what is due and wait for
//! [`Queue::work_changes`] on their own clock.
//!
//! The pure parts are [`state`] (the legal moves), [`schedule`] (when to try
//! again), [`turn`] (who goes first), [`lane`] (how many at once and a minute)
//! and [`learnt`] (how many after what the replies said); [`timeline`] lists what
//! can happen. The rest are the queue's verbs, one file for each kind of caller.

mod accept;
mod acts;
pub mod archive;
mod attempt;
mod breaker;
mod budget;
mod control;
mod deadline;
mod divert;
mod doubt;
mod due;
mod error;
mod explain;
mod gates;
pub mod lane;
pub mod learnt;
mod ledger;
mod list;
mod looks;
mod message;
mod names;
mod notice;
mod overdue;
mod pause;
mod queue;
mod repair;
mod reroute;
mod restored;
mod retention;
pub mod schedule;
mod sending;
mod show;
pub mod state;
mod step;
mod suspend;
pub mod timeline;
mod told;
pub mod turn;
mod unknown;
mod usage;
mod watchdog;

pub use acts::{ActId, ActName, ActRecord, BulkAct};
pub use attempt::{Attempt, AttemptEnd, AttemptResult, Doubt, RecipientResult, Stage};
pub use breaker::{BreakerRecord, BreakerState};
pub use budget::{Budget, LearntRecord, Sharing, Throttle};
pub use control::{Reported, Target};
pub use deadline::{NEAR_COUNTED_MAX, NearDeadline, OldestOpen};
pub use divert::{Cause, Diversion, Diverted, FAIL_OVER};
pub use due::LaneLook;
pub use error::{AcceptError, QueueError, QueueOpenError};
pub use explain::{Explanation, WaitsFor, Way, WayOut};
pub use gates::{Gates, Limit};
pub use lane::{Decision, LaneLimits, Pace};
pub use learnt::{Learnt, Level, PaceLimit};
pub use ledger::MIGRATIONS;
pub use ledger::due::Walk;
pub use list::{Cursor, Filter, ListItem, PAGE_MAX, Page, Summary};
pub use looks::{AfterLook, Canary, DueDoubt, LookTable, LookTerms, Looked, Rest, Submission};
pub use message::{
    Accepted, DeliverBy, DueMessage, DueRecipient, Found, Hold, IDEMPOTENCY_KEY_OCTETS_MAX,
    Idempotency, NewMessage, RECIPIENTS_MAX, Repair, Ruling, SameText,
};
pub use names::{AccountName, Actor, ApplicationName, Credential, Lane, RouteName};
pub use notice::{NOTICE_LEASE, Notice, NoticeId, NoticeKind};
pub use overdue::{ATTEMPT_LENGTH_MAX, DOUBT_REST_MAX, Overdue, Recovered};
pub use pause::{Pause, PauseCause, PauseKey, Resumed, Resumption};
pub use queue::{Options, Queue};
pub use repair::Mender;
pub use reroute::{RerouteJudge, Rerouting};
pub use retention::{Forgotten, KEPT_LEAST};
pub use schedule::{ClassTerms, DoubtPolicy, Jitter, MessageClass, Terms};
pub use sending::Finished;
pub use show::{AttemptView, MessageView, RecipientView};
pub use state::{AttemptId, HoldReason, StateWord};
pub use suspend::{Scope, Suspension};
pub use timeline::{TimelineEntry, TimelineEvent};
pub use told::{LimitHits, UsedUp};
pub use turn::{BadPriority, Priority};
pub use unknown::UnknownReply;
pub use usage::{DayUse, ListTurns, Usage, WAITING_COUNTED_MAX};
pub use watchdog::Mended;
