//! One attempt: one message over one connection, recorded before the dot.

use bytes::Bytes;
use mailward_mail::Reply;
use mailward_net::smtp::client::{ClientError, ClientSession, Outgoing, Stopped};
use mailward_policy::RouteKind;
use mailward_queue::{
    Actor, Attempt, AttemptEnd, AttemptResult, Doubt, DueMessage, HoldReason, Queue, QueueError,
    RecipientResult, Stage,
};
use mailward_store::BodyReader;
use mailward_wire::smtp::client::{Error, Need, Verdict};

use super::classify::{Action, classify};
use super::connection::{self, OpenProblem, queue_stage};
use super::{Alarm, DeliverOptions};
use crate::route::{Route, SendingAccount, relay};

/// What the lane learns from an attempt.
#[derive(Debug)]
pub(super) struct Ended {
    /// Fit for another message.
    pub(super) connection: Option<ClientSession>,
    /// Whether the service may have counted it.
    pub(super) counted: bool,
    pub(super) news: News,
}

#[derive(Debug)]
pub(super) enum News {
    /// Signed in and sent, whatever became of the recipients.
    Sent,
    /// Nothing was tried: the message was not due any more.
    NotDue,
    /// No connection, or the service went away: pause.
    Down,
    /// Signing in was refused; the breaker is open.
    Refused,
    /// The store does not take our records: stop for a while.
    Store(String),
}

/// Runs one attempt from its record to its end.
pub(super) async fn run(
    options: &DeliverOptions,
    route: &Route,
    account: &SendingAccount,
    kept: Option<ClientSession>,
    mut due: DueMessage,
) -> Ended {
    let attempt = match options
        .queue
        .begin_attempt(due.id, &due.numbers(), &due.lane)
        .await
    {
        Ok(attempt) => attempt,
        Err(QueueError::NotDue(_)) => return ended(kept, false, News::NotDue),
        Err(error) => return ended(kept, false, News::Store(error.to_string())),
    };
    // A limit may have left some of them waiting.
    due.keep_only(attempt.recipients());
    if let Some(why) = barred(options, route, &due) {
        return not_sent(options, kept, attempt, &due, why).await;
    }
    let session = match reuse(kept).await {
        Some(session) => Ok(session),
        None => connection::open(options, route, account).await,
    };
    match session {
        Ok(session) => send(options, session, attempt, due).await,
        Err(problem) => not_opened(options, account, attempt, &due, problem).await,
    }
}

/// Why the message may not leave by this route now, though it was accepted
/// for it: what it rests on can end while it waits.
fn barred(options: &DeliverOptions, route: &Route, due: &DueMessage) -> Option<String> {
    if route.kind() != RouteKind::Relay {
        return None;
    }
    let registered = options.register.find(&due.application);
    let facts = registered.as_ref().map(|one| &one.application_facts);
    relay::bar(options.profile, facts, options.clock.now())
}

/// Held for a person; nothing was said to any server.
async fn not_sent(
    options: &DeliverOptions,
    kept: Option<ClientSession>,
    attempt: Attempt,
    due: &DueMessage,
    why: String,
) -> Ended {
    let held = AttemptResult::Held {
        reason: HoldReason::Configuration,
        why,
    };
    let results = each(due, &held);
    let end = AttemptEnd::at(Stage::Connect);
    match options.queue.finish_attempt(attempt, end, results).await {
        Ok(_) => ended(kept, false, News::NotDue),
        Err(error) => ended(kept, false, News::Store(error.to_string())),
    }
}

async fn reuse(kept: Option<ClientSession>) -> Option<ClientSession> {
    let mut session = kept?;
    session.is_open().await.then_some(session)
}

fn ended(connection: Option<ClientSession>, counted: bool, news: News) -> Ended {
    Ended {
        connection,
        counted,
        news,
    }
}

/// The message stays queued; the breaker opens where signing in was refused.
async fn not_opened(
    options: &DeliverOptions,
    account: &SendingAccount,
    attempt: Attempt,
    due: &DueMessage,
    problem: OpenProblem,
) -> Ended {
    let news = if problem.credential_refused {
        let credential = connection::credential(account);
        if let Err(error) = options
            .queue
            .breaker_open(&credential, &problem.reply)
            .await
        {
            tracing::error!(%error, "an opened breaker could not be recorded");
        }
        options.alarms.raise(
            Alarm::new(
                "authentication_refused",
                format!(
                    "the service refused to sign {} in: {}. Nothing more is tried with this credential; its mail stays queued. Put a new credential in place.",
                    account.address, problem.reply
                ),
            )
            .account(&account.address.key()),
        );
        News::Refused
    } else {
        News::Down
    };
    let result = if problem.misconfigured {
        AttemptResult::Held {
            reason: HoldReason::Configuration,
            why: problem.reply.to_string(),
        }
    } else {
        AttemptResult::Deferred {
            reply: problem.reply.clone(),
            until: None,
        }
    };
    let results = each(due, &result);
    let end = AttemptEnd {
        reply: Some(problem.reply),
        ..AttemptEnd::at(problem.stage)
    };
    match options.queue.finish_attempt(attempt, end, results).await {
        Ok(_) => ended(None, false, news),
        Err(error) => ended(None, false, News::Store(error.to_string())),
    }
}

/// The same result for every recipient of the attempt.
fn each(due: &DueMessage, result: &AttemptResult) -> Vec<RecipientResult> {
    due.recipients
        .iter()
        .map(|recipient| RecipientResult {
            n: recipient.n,
            result: result.clone(),
        })
        .collect()
}

/// The stored message on its way out; the dot is recorded before it leaves.
struct Stored<'a> {
    body: BodyReader,
    queue: &'a Queue,
    attempt: &'a Attempt,
    due: &'a DueMessage,
    /// Recipients that were settled at RCPT TO.
    settled: Vec<u32>,
    damaged: Option<String>,
}

impl Outgoing for Stored<'_> {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Stopped> {
        self.body.chunk().await.map_err(|error| {
            self.damaged = Some(error.to_string());
            Stopped(error.to_string())
        })
    }

    async fn before_final_dot(&mut self, verdicts: &[Verdict]) -> Result<(), Stopped> {
        let refused: Vec<RecipientResult> = self
            .due
            .recipients
            .iter()
            .zip(verdicts)
            .filter(|(_, verdict)| !verdict.is_positive())
            .map(|(recipient, verdict)| RecipientResult {
                n: recipient.n,
                result: result_of(verdict, false),
            })
            .collect();
        self.settled = refused.iter().map(|one| one.n).collect();
        self.queue
            .record_final_dot(self.attempt, refused)
            .await
            .map_err(|error| Stopped(error.to_string()))
    }
}

async fn send(
    options: &DeliverOptions,
    mut session: ClientSession,
    attempt: Attempt,
    due: DueMessage,
) -> Ended {
    let body = match options.queue.store().read_body(&due.body) {
        Ok(body) => body,
        Err(error) => {
            return damaged(options, Some(session), attempt, &due, &error.to_string()).await;
        }
    };
    let mut stored = Stored {
        body,
        queue: &options.queue,
        attempt: &attempt,
        due: &due,
        settled: Vec::new(),
        damaged: None,
    };
    let sent = session
        .send(&due.envelope, Some(due.body.octets()), &mut stored)
        .await;
    let (settled, damage) = (stored.settled, stored.damaged);
    if let Some(why) = damage {
        return damaged(options, None, attempt, &due, &why).await;
    }
    let passed_on = session.features().dsn;
    let (stage, reply, results, alive) = match sent {
        Ok(verdicts) => {
            let stage = verdicts
                .iter()
                .map(|one| queue_stage(one.stage))
                .max()
                .unwrap_or(Stage::MailFrom);
            let reply = verdicts.last().map(|one| one.reply.clone());
            let results = due
                .recipients
                .iter()
                .zip(&verdicts)
                .filter(|(recipient, _)| !settled.contains(&recipient.n))
                .map(|(recipient, verdict)| RecipientResult {
                    n: recipient.n,
                    result: result_of(verdict, passed_on),
                })
                .collect();
            (stage, reply, results, true)
        }
        Err(ClientError::Session(Error::CannotCarry(need))) => {
            let reply = cannot_carry(&need);
            let results = each(
                &due,
                &AttemptResult::Failed {
                    reply: reply.clone(),
                },
            );
            (Stage::MailFrom, Some(reply), results, true)
        }
        // Nothing is said of the recipients: those whose dot is recorded are
        // in doubt, the others are tried again.
        Err(error) => {
            let reply = Reply::status(451, 4, 2, error.to_string());
            (queue_stage(error.stage()), Some(reply), Vec::new(), false)
        }
    };
    let end = AttemptEnd {
        stage,
        reply,
        tls: session
            .tls()
            .map(|facts| format!("{} {}", facts.version, facts.cipher)),
        peer: None,
    };
    let message = attempt.message();
    let connection = alive.then_some(session);
    match options.queue.finish_attempt(attempt, end, results).await {
        Ok(finished) => {
            if !finished.in_doubt.is_empty() {
                settle_doubt(options, message).await;
            }
            ended(
                connection,
                stage.counts(),
                if alive { News::Sent } else { News::Down },
            )
        }
        Err(error) => ended(connection, stage.counts(), News::Store(error.to_string())),
    }
}

/// Nobody can tell yet whether the service has it, so the class's policy
/// decides: held for a person unless it says otherwise.
async fn settle_doubt(options: &DeliverOptions, message: mailward_mail::MessageId) {
    let by = Actor::from("deliver");
    if let Err(error) = options
        .queue
        .resolve_doubt(message, None, Doubt::Unresolved, &by)
        .await
    {
        tracing::error!(%message, %error, "a doubt could not be settled");
    }
}

/// What is stored can't be read whole: it is never sent, and a person is told.
async fn damaged(
    options: &DeliverOptions,
    connection: Option<ClientSession>,
    attempt: Attempt,
    due: &DueMessage,
    why: &str,
) -> Ended {
    options.alarms.raise(Alarm::new(
        "message_damaged",
        format!(
            "message {} can't be read from the store and is held: {why}",
            due.id
        ),
    ));
    let held = AttemptResult::Held {
        reason: HoldReason::Configuration,
        why: why.to_owned(),
    };
    let results = each(due, &held);
    match options
        .queue
        .finish_attempt(attempt, AttemptEnd::at(Stage::Body), results)
        .await
    {
        Ok(_) => ended(connection, true, News::Sent),
        Err(error) => ended(connection, true, News::Store(error.to_string())),
    }
}

fn result_of(verdict: &Verdict, notify_passed_on: bool) -> AttemptResult {
    let reply = verdict.reply.clone();
    if verdict.is_positive() {
        return AttemptResult::Relayed {
            reply,
            notify_passed_on,
        };
    }
    match classify(queue_stage(verdict.stage), &reply).action {
        Action::Fail => AttemptResult::Failed { reply },
        Action::Defer | Action::OpenBreaker => AttemptResult::Deferred { reply, until: None },
        Action::Hold => AttemptResult::Held {
            reason: HoldReason::Configuration,
            why: reply.to_string(),
        },
    }
}

/// In the form of a reply, with the codes of RFC 3463 for each.
fn cannot_carry(need: &Need) -> Reply {
    match need {
        Need::SmtpUtf8 => Reply::status(550, 6, 7, need.to_string()),
        Need::EightBitMime | Need::BinaryMime => Reply::status(550, 6, 3, need.to_string()),
        Need::Size { .. } => Reply::status(552, 3, 4, need.to_string()),
    }
}
