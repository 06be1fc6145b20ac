//! One attempt: one message over one connection, recorded before the dot.

use bytes::Bytes;
use mailward_mail::Reply;
use mailward_net::smtp::client::{ClientError, ClientSession, Outgoing, Stopped};
use mailward_policy::RouteKind;
use mailward_queue::{
    Actor, Attempt, AttemptEnd, AttemptResult, Doubt, DueMessage, HoldReason, Lane, PauseCause,
    QueueError, RecipientResult, Stage,
};
use mailward_store::BodyReader;
use mailward_wire::smtp::client::{Error, Need, Verdict};

use super::conclude::conclude;
use super::connection::{self, OpenProblem, What, queue_stage};
use super::mailbox::{Leave, Mailbox};
use super::reply::Action;
use super::trouble::{self, Trouble};
use super::verdicts::{self, Learnt};
use super::{Alarm, DeliverOptions, doubt};
use crate::route::{Route, SendingAccount, relay};

/// What the lane learns from an attempt.
#[derive(Debug)]
pub(super) struct Ended {
    /// Fit for another message.
    pub(super) connection: Option<ClientSession>,
    /// Whether the service may have counted it.
    pub(super) counted: bool,
    pub(super) news: News,
    /// None where its connection carries the next message already.
    pub(super) leave: Option<Leave>,
}

#[derive(Debug)]
pub(super) enum News {
    /// Signed in and sent, whatever became of the recipients.
    Sent,
    /// Nothing was tried: the message was not due any more.
    NotDue,
    /// The lane, its account or its route is paused.
    Paused,
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
    mailbox: &Mailbox,
    kept: Option<ClientSession>,
    leave: Leave,
    due: DueMessage,
) -> Ended {
    let mut leave = Some(leave);
    let mut ended = attempt(options, route, account, mailbox, kept, &mut leave, due).await;
    ended.leave = leave;
    ended
}

async fn attempt(
    options: &DeliverOptions,
    route: &Route,
    account: &SendingAccount,
    mailbox: &Mailbox,
    kept: Option<ClientSession>,
    leave: &mut Option<Leave>,
    mut due: DueMessage,
) -> Ended {
    let attempt = match options
        .queue
        .begin_attempt_ahead(due.id, &due.numbers(), &due.lane)
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
        Ok(session) => {
            let line = Line { session, leave };
            send(options, route, account, mailbox, line, attempt, due).await
        }
        Err(problem) => {
            let heard = [(problem.stage, &problem.reply)];
            mailbox.hear(due.id, heard, &options.alarms).await;
            not_opened(options, route, attempt, &due, problem).await
        }
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
    match conclude(options, due, attempt, end, results).await {
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
        leave: None,
    }
}

/// A connection, and the leave to send one message over it.
struct Line<'a> {
    session: ClientSession,
    leave: &'a mut Option<Leave>,
}

/// The message stays queued: no word was said of it.
async fn not_opened(
    options: &DeliverOptions,
    route: &Route,
    attempt: Attempt,
    due: &DueMessage,
    problem: OpenProblem,
) -> Ended {
    let OpenProblem { stage, reply, what } = problem;
    let (news, trouble) = match &what {
        What::Refused => (News::Refused, None),
        What::Said(meaning) if meaning.action == Action::OpenBreaker => (News::Refused, None),
        _ => (News::Paused, Some(opening_trouble(stage, &reply, &what))),
    };
    // A person must change something first: a relay that does not know our
    // address (GUIDE-55).
    let held = matches!(&what, What::Said(meaning) if meaning.action == Action::Hold);
    let mut learnt = Learnt::default();
    if let What::Said(meaning) = what {
        learnt.note(stage, &reply, meaning);
    }
    learnt.report_unknown(options).await;
    let mut until = None;
    if let Some(trouble) = &trouble {
        match trouble::record(options, route, attempt.lane(), trouble).await {
            Ok(pause) => until = Some(pause.until),
            Err(error) => return ended(None, false, News::Store(error.to_string())),
        }
    }
    let result = if held {
        AttemptResult::Held {
            reason: HoldReason::Configuration,
            why: reply.to_string(),
        }
    } else {
        AttemptResult::Postponed {
            reply: reply.clone(),
            until,
        }
    };
    let results = each(due, &result);
    let end = AttemptEnd {
        reply: Some(reply),
        peer: Some(route.server().to_owned()),
        ..AttemptEnd::at(stage)
    };
    match conclude(options, due, attempt, end, results).await {
        Ok(_) => ended(None, false, news),
        Err(error) => ended(None, false, News::Store(error.to_string())),
    }
}

pub(super) fn opening_trouble(stage: Stage, reply: &Reply, what: &What) -> Trouble {
    let (cause, means) = match what {
        What::Said(meaning) => {
            let cause = verdicts::pause_of(meaning.action).unwrap_or(PauseCause::Down);
            (cause, meaning.means.as_str())
        }
        What::Certificate => (
            PauseCause::Down,
            "Nothing was sent. Look whether it is the server's certificate that is wrong, the \
             route's server name, or its ca_file.",
        ),
        What::Silent | What::Refused => (PauseCause::Down, ""),
    };
    let mut trouble = Trouble::new(cause, reply, means);
    // What happens before signing in happens to every account.
    trouble.whole_route |= cause == PauseCause::Down && stage < Stage::Authenticate;
    if matches!(what, What::Certificate) {
        trouble.at_once = Some(trouble::CERTIFICATE);
    }
    trouble
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
    /// By which a copy among sent mail is known; goes on top.
    mark: Option<Bytes>,
    body: BodyReader,
    options: &'a DeliverOptions,
    route: &'a Route,
    attempt: &'a Attempt,
    due: &'a DueMessage,
    /// Recipients that were settled at RCPT TO.
    settled: Vec<u32>,
    learnt: Learnt,
    damaged: Option<String>,
}

impl Outgoing for Stored<'_> {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Stopped> {
        if let Some(mark) = self.mark.take() {
            return Ok(Some(mark));
        }
        self.body.chunk().await.map_err(|error| {
            self.damaged = Some(error.to_string());
            Stopped(error.to_string())
        })
    }

    async fn before_final_dot(&mut self, verdicts: &[Verdict]) -> Result<(), Stopped> {
        let (options, route, learnt) = (self.options, self.route, &mut self.learnt);
        let refused: Vec<RecipientResult> = self
            .due
            .recipients
            .iter()
            .zip(verdicts)
            .filter(|(_, verdict)| !verdict.is_positive())
            .map(|(recipient, verdict)| RecipientResult {
                n: recipient.n,
                result: verdicts::judge(options, route, verdict, false, learnt),
            })
            .collect();
        self.settled = refused.iter().map(|one| one.n).collect();
        let told = refused.clone();
        options
            .queue
            .record_final_dot(self.attempt, refused)
            .await
            .map_err(|error| Stopped(error.to_string()))?;
        let meaning = |reply: &Reply| options.replies.classify(route.kind(), Stage::RcptTo, reply);
        options.observe.results(self.due, &told, &meaning);
        Ok(())
    }
}

async fn send(
    options: &DeliverOptions,
    route: &Route,
    account: &SendingAccount,
    mailbox: &Mailbox,
    line: Line<'_>,
    attempt: Attempt,
    due: DueMessage,
) -> Ended {
    let Line { mut session, leave } = line;
    let body = match options.queue.store().read_body(&due.body) {
        Ok(body) => body,
        Err(error) => {
            return damaged(options, Some(session), attempt, &due, &error.to_string()).await;
        }
    };
    let is_marked = route.sent_items().is_some();
    let mark = is_marked.then(|| doubt::mark::field(due.id, attempt.id()));
    let octets = due.body.octets() + mark.as_ref().map_or(0, |mark| mark.len() as u64);
    let mut stored = Stored {
        mark,
        body,
        options,
        route,
        attempt: &attempt,
        due: &due,
        settled: Vec::new(),
        learnt: Learnt::default(),
        damaged: None,
    };
    // Both are gone once the connection is.
    let tls = session
        .tls()
        .map(|facts| format!("{} {}", facts.version, facts.cipher));
    let peer = session.peer().map_or_else(
        || route.server().to_owned(),
        |address| format!("{} [{address}]", route.server()),
    );
    let sent = session.send(&due.envelope, Some(octets), &mut stored).await;
    let (settled, mut learnt, damage) = (stored.settled, stored.learnt, stored.damaged);
    if let Some(why) = damage {
        return damaged(options, None, attempt, &due, &why).await;
    }
    if let Ok(verdicts) = &sent {
        let heard = verdicts
            .iter()
            .map(|one| (queue_stage(one.stage), &one.reply));
        mailbox.hear(due.id, heard, &options.alarms).await;
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
                    result: verdicts::judge(options, route, verdict, passed_on, &mut learnt),
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
            learnt
                .troubles
                .push(Trouble::new(PauseCause::Down, &reply, ""));
            (queue_stage(error.stage()), Some(reply), Vec::new(), false)
        }
    };
    let end = AttemptEnd {
        stage,
        reply,
        tls,
        peer: Some(peer),
    };
    let message = attempt.message();
    let mut connection = alive.then_some(session);
    let news = match record(options, route, account, attempt.lane(), &learnt).await {
        Ok(news) => news,
        Err(error) => News::Store(error.to_string()),
    };
    // The next message need not wait until this one's end is on the disk.
    if matches!(news, News::Sent)
        && connection.is_some()
        && let Some(leave) = leave.take()
    {
        leave.end(stage.counts(), connection.take());
    }
    match conclude(options, &due, attempt, end, results).await {
        Ok(finished) => {
            if !finished.in_doubt.is_empty() && !finished.is_looked_for {
                settle_doubt(options, message).await;
            }
            ended(connection, stage.counts(), news)
        }
        Err(error) => ended(connection, stage.counts(), News::Store(error.to_string())),
    }
}

/// Nobody can look whether the service has it, so the class's policy decides:
/// held for a person unless it says otherwise.
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
        reason: HoldReason::Damaged,
        why: why.to_owned(),
    };
    let results = each(due, &held);
    match conclude(options, due, attempt, AttemptEnd::at(Stage::Body), results).await {
        Ok(_) => ended(connection, true, News::Sent),
        Err(error) => ended(connection, true, News::Store(error.to_string())),
    }
}

/// Writes down what was learnt, before the recipients are due again.
async fn record(
    options: &DeliverOptions,
    route: &Route,
    account: &SendingAccount,
    lane: &Lane,
    learnt: &Learnt,
) -> Result<News, QueueError> {
    learnt.report_unknown(options).await;
    let mut news = News::Sent;
    for trouble in &learnt.troubles {
        trouble::record(options, route, lane, trouble).await?;
        news = News::Paused;
    }
    if let Some(reply) = &learnt.refusal {
        trouble::refuse(options, account, reply).await;
        news = News::Refused;
    }
    Ok(news)
}

/// In the form of a reply, with the codes of RFC 3463 for each.
fn cannot_carry(need: &Need) -> Reply {
    match need {
        Need::SmtpUtf8 => Reply::status(550, 6, 7, need.to_string()),
        Need::EightBitMime | Need::BinaryMime => Reply::status(550, 6, 3, need.to_string()),
        Need::Size { .. } => Reply::status(552, 3, 4, need.to_string()),
    }
}
