//! One message on its way in.
//!
//! ```text
//!   octets ─▶ held back (header section, and up to 64 KiB) ─▶ judged ─▶ body writer
//!                                                               │
//!                      our fields go on top: Received, repairs ◀┘
//! ```
//!
//! A repair stands above the header section, so nothing is written before the
//! header has been judged. A small message is judged once, when it is
//! complete; a large one when its header is, and again at its end.

use std::sync::Arc;

use mailward_mail::header::{HEADER_OCTETS_MAX, Header};
use mailward_mail::{Envelope, MessageId, Timestamp};
use mailward_policy::content::Scanner;
use mailward_policy::limits::MESSAGES_PER_MINUTE;
use mailward_policy::repair::ORIGINAL_PREFIX;
use mailward_policy::{ContentFacts, DataClass, Decision, Facts, Finding, Severity, Verdict};
use mailward_queue::{
    AcceptError, Actor, Diversion, Found, Hold, HoldReason, Idempotency, Lane, MessageClass,
    NewMessage, Repair, Rerouting, Ruling,
};
use mailward_store::{BodyWriter, NewBody, WriteError};

use super::wishes::{Wishes, class_of_header};
use super::{Intake, Received, Rejection};
use crate::check;
use crate::observe::{AcceptedMessage, TraceParent};
use crate::register::Registered;
use crate::route::choose::{ChoiceFacts, HighSending, choose};

/// A message larger than this does not wait in memory for its end.
const HELD_BACK_OCTETS_MAX: usize = 64 * 1024;

/// Everything about a submission but its octets.
pub(crate) struct Submission<'a> {
    pub(crate) registered: &'a Registered,
    pub(crate) envelope: &'a Envelope,
    pub(crate) received: &'a Received,
    pub(crate) data_class: Option<DataClass>,
}

/// A message whose end has not come.
#[derive(Debug)]
pub(crate) struct Incoming {
    id: MessageId,
    at: Timestamp,
    octets: u64,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Nothing is judged yet; all octets so far.
    HeldBack(Vec<u8>),
    Streaming(Box<Streaming>),
}

#[derive(Debug)]
struct Streaming {
    gathered: Gathered,
    scanner: Scanner,
    body: BodyWriter,
    /// As judged by the header.
    verdict: Verdict,
}

/// A judged message, ready to be kept.
struct Complete {
    facts: Facts,
    subject: Option<String>,
    /// What its header asks, where that counts.
    class: Option<MessageClass>,
    lane: Lane,
    /// Why this lane, where there was a choice.
    routed: Option<String>,
    body: NewBody,
    verdict: Verdict,
    checked: (Timestamp, Timestamp),
}

/// What goes into the queue beside the message.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    pub(crate) wishes: Wishes,
    pub(crate) idempotency: Option<Idempotency>,
    /// Repairs that the door itself has made.
    pub(crate) repairs: Vec<Repair>,
    /// The caller's place in a trace of its own.
    pub(crate) parent: Option<TraceParent>,
}

/// The message is on stable storage.
#[derive(Debug)]
pub(crate) struct Acceptance {
    pub(crate) id: MessageId,
    /// An earlier request with the same key; nothing new was kept.
    pub(crate) repeated: bool,
    pub(crate) held: bool,
    pub(crate) verdict: Verdict,
}

impl Incoming {
    pub(crate) fn new(intake: &Intake) -> Self {
        let at = intake.clock.now();
        Self {
            id: MessageId::new(at, &*intake.dice),
            at,
            octets: 0,
            stage: Stage::HeldBack(Vec::new()),
        }
    }

    pub(crate) fn id(&self) -> MessageId {
        self.id
    }

    /// Takes the next octets. After a refusal drop it: nothing is kept.
    pub(crate) fn write(
        &mut self,
        intake: &Intake,
        submission: &Submission<'_>,
        octets: &[u8],
    ) -> Result<(), Rejection> {
        self.octets += octets.len() as u64;
        let octets_max = intake.limits.message_octets_max;
        if self.octets > octets_max {
            return Err(Rejection::TooLarge { octets_max });
        }
        match &mut self.stage {
            Stage::Streaming(streaming) => {
                streaming.scanner.feed(octets);
                Ok(streaming.body.write(octets)?)
            }
            Stage::HeldBack(held_back) => {
                held_back.extend_from_slice(octets);
                let waits = held_back.len() < HELD_BACK_OCTETS_MAX
                    || (held_back.len() < HEADER_OCTETS_MAX && Header::end_of(held_back).is_none());
                if waits {
                    Ok(())
                } else {
                    self.start_streaming(intake, submission)
                }
            }
        }
    }

    /// The message is complete: judges it, keeps it, and returns once it is
    /// safe.
    pub(crate) async fn finish(
        self,
        intake: &Intake,
        submission: &Submission<'_>,
        extras: Extras,
    ) -> Result<Acceptance, Rejection> {
        let (id, at, octets) = (self.id, self.at, self.octets);
        let complete = match self.stage {
            Stage::HeldBack(held_back) => {
                let mut gathered = gather(intake, submission, &held_back, octets, at);
                gathered.facts.content = scan(&held_back);
                let judged = judge_whole(intake, submission, gathered).await?;
                let mut body = intake.queue.new_body();
                body.write(&top(submission, &judged.verdict, id, at))?;
                write_start(&mut body, &judged.verdict, &held_back)?;
                judged.with(body.finish()?)
            }
            Stage::Streaming(streaming) => streaming.complete(intake, submission, octets).await?,
        };
        keep(intake, submission, complete, extras, id).await
    }

    fn start_streaming(
        &mut self,
        intake: &Intake,
        submission: &Submission<'_>,
    ) -> Result<(), Rejection> {
        let Stage::HeldBack(held_back) = &self.stage else {
            return Ok(());
        };
        // One octet more than there is says that more is to come.
        let mut gathered = gather(intake, submission, held_back, self.octets + 1, self.at);
        let mut scanner = Scanner::new();
        scanner.feed(held_back);
        // The subject is among it, and with it whether the service encrypts.
        gathered.facts.content = scanner.so_far();
        let verdict = judge(intake, &gathered.facts)?;
        let mut body = intake.queue.new_body();
        body.write(&top(submission, &verdict, self.id, self.at))?;
        write_start(&mut body, &verdict, held_back)?;
        self.stage = Stage::Streaming(Box::new(Streaming {
            gathered,
            scanner,
            body,
            verdict,
        }));
        Ok(())
    }
}

impl Streaming {
    /// Judges it again by its size, its content and what was sent before, which
    /// were not known before its end. Repairs are made already.
    async fn complete(
        self,
        intake: &Intake,
        submission: &Submission<'_>,
        octets: u64,
    ) -> Result<Complete, Rejection> {
        let Self {
            mut gathered,
            scanner,
            body,
            verdict,
        } = self;
        gathered.facts.message.octets = octets;
        gathered.facts.content = scanner.finish();
        let mut judged = judge_whole(intake, submission, gathered).await?;
        judged.verdict.repairs = verdict.repairs;
        Ok(judged.with(body.finish()?))
    }
}

/// What is known of a message by itself.
#[derive(Debug)]
struct Gathered {
    facts: Facts,
    subject: Option<String>,
    class: Option<MessageClass>,
}

fn gather(
    intake: &Intake,
    submission: &Submission<'_>,
    octets_so_far: &[u8],
    octets: u64,
    at: Timestamp,
) -> Gathered {
    let facts = intake.checker.gather(
        submission.registered,
        submission.envelope,
        octets_so_far,
        octets,
        submission.data_class,
        at,
    );
    let section = &octets_so_far[..facts.message.header_octets.min(octets_so_far.len())];
    let heeds_header = submission.registered.application.header_priority;
    Gathered {
        class: heeds_header.then(|| class_of_header(section)).flatten(),
        subject: subject(section),
        facts,
    }
}

fn scan(message: &[u8]) -> ContentFacts {
    let mut scanner = Scanner::new();
    scanner.feed(message);
    scanner.finish()
}

fn judge(intake: &Intake, facts: &Facts) -> Result<Verdict, Rejection> {
    let verdict = intake.checker.judge(facts);
    if verdict.decision == Decision::Refuse {
        return Err(Rejection::Refused(Box::new(verdict)));
    }
    Ok(verdict)
}

struct Judged {
    gathered: Gathered,
    lane: Lane,
    routed: Option<String>,
    verdict: Verdict,
    /// From when to when.
    checked: (Timestamp, Timestamp),
}

impl Judged {
    fn with(self, body: NewBody) -> Complete {
        Complete {
            facts: self.gathered.facts,
            subject: self.gathered.subject,
            class: self.gathered.class,
            lane: self.lane,
            routed: self.routed,
            body,
            verdict: self.verdict,
            checked: self.checked,
        }
    }
}

/// Judges a message that is there to its end, by the route that it takes.
async fn judge_whole(
    intake: &Intake,
    submission: &Submission<'_>,
    mut gathered: Gathered,
) -> Result<Judged, Rejection> {
    let registered = submission.registered;
    let began = intake.clock.now();
    let facts = &mut gathered.facts;
    let account = &registered.lane.account;
    facts.history = check::history(&intake.queue, account, facts)
        .await
        .map_err(|error| AcceptError::Store(WriteError::Disk(error.to_string())))?;
    let (mut lane, mut routed) = (&registered.lane, None);
    if let Some(way) = &registered.high_sending {
        let choice = choose(&ChoiceFacts {
            own: &registered.lane.route,
            high_sending: Some(HighSending {
                route: &way.lane.route,
                dcb1596: way.route_facts.dcb1596,
            }),
            messages_last_minute: facts.history.messages_last_minute,
            declared_peak: registered.application.volumes.messages_per_minute_peak,
            messages_per_minute_max: MESSAGES_PER_MINUTE.figure,
            confidential: facts.strictest_class().is_confidential(),
        });
        if choice.route == way.lane.route {
            lane = &way.lane;
            facts.route = way.route_facts.clone();
        }
        routed = Some(choice.reason);
    }
    let mut verdict = judge(intake, facts)?;
    let mut lane = lane.clone();
    let diverted = intake.queue.diversion_of(&lane).await;
    let diverted =
        diverted.map_err(|error| AcceptError::Store(WriteError::Disk(error.to_string())))?;
    if let Some(diversion) = diverted
        && let Some((facts_there, verdict_there)) =
            there(intake, submission, facts, &verdict, &diversion)
    {
        lane.route = diversion.to;
        routed = Some(diversion.why);
        (*facts, verdict) = (facts_there, verdict_there);
    }
    Ok(Judged {
        lane,
        routed,
        verdict,
        checked: (began, intake.clock.now()),
        gathered,
    })
}

/// Facts and verdict by the route that stands in for the message's own, where
/// it may take that: what the rules say is no stricter there.
fn there(
    intake: &Intake,
    submission: &Submission<'_>,
    facts: &Facts,
    here: &Verdict,
    diversion: &Diversion,
) -> Option<(Facts, Verdict)> {
    let registered = submission.registered;
    let asked = Rerouting {
        message: MessageId::new(facts.at, &*intake.dice),
        application: registered.application.name.clone(),
        data_class: facts.strictest_class().as_str().to_owned(),
        reverse_path: submission.envelope.reverse_path.clone(),
        recipients: submission.envelope.recipients.len(),
        from: diversion.from.clone(),
        to: Lane::new(diversion.to.clone(), diversion.from.account.clone()),
    };
    intake.ways.ask(&asked).ok()?;
    let facts = Facts {
        route: intake.ways_facts.get(&diversion.to)?.clone(),
        ..facts.clone()
    };
    let verdict = intake.checker.judge(&facts);
    (verdict.decision <= here.decision).then_some((facts, verdict))
}

/// The fields we put on top, our Received first: trace fields stand above all
/// others.
fn top(submission: &Submission<'_>, verdict: &Verdict, id: MessageId, at: Timestamp) -> Vec<u8> {
    let mut top = Vec::with_capacity(512);
    submission
        .received
        .write(id, submission.envelope, at, &mut top);
    let account = &submission.registered.account.address;
    top.extend_from_slice(check::repairs(verdict, id, at, account).as_bytes());
    top
}

/// The message's start as the application wrote it, but that a field which a
/// repair replaces bears another name.
fn write_start(
    body: &mut BodyWriter,
    verdict: &Verdict,
    held_back: &[u8],
) -> Result<(), WriteError> {
    let replaced = verdict
        .repairs
        .iter()
        .find_map(|repair| repair.original_at(held_back));
    let (before, from_field) = held_back.split_at(replaced.unwrap_or(0));
    body.write(before)?;
    if replaced.is_some() {
        body.write(ORIGINAL_PREFIX.as_bytes())?;
    }
    body.write(from_field)
}

fn subject(section: &[u8]) -> Option<String> {
    let header = Header::parse(section);
    header
        .first("Subject")
        .map(|field| field.value())
        .filter(|subject| !subject.is_empty())
}

async fn keep(
    intake: &Intake,
    submission: &Submission<'_>,
    complete: Complete,
    extras: Extras,
    id: MessageId,
) -> Result<Acceptance, Rejection> {
    let Complete {
        facts,
        subject,
        class,
        lane,
        routed,
        body,
        mut verdict,
        checked,
    } = complete;
    let facts = Arc::new(facts);
    let (same_text, said) = check::same_text(&intake.checker, &facts, ruling).unzip();
    let registered = submission.registered;
    let application = &registered.application;
    let account = &registered.account.address;
    let made = verdict.repairs.iter().map(|repair| Repair {
        rule: repair.rule.to_owned(),
        change: repair.change(),
    });
    let message_id = facts.message.message_id.clone().or_else(|| {
        let mut repairs = verdict.repairs.iter();
        let added = repairs.find(|one| one.field == mailward_policy::RepairField::MessageId)?;
        Some(added.value(id, facts.at, account))
    });
    let taken = lane.clone();
    let wishes = extras.wishes;
    let (message_class, deadline_at) = wishes.settle(application, class, facts.at);
    let new = NewMessage {
        message_id,
        subject,
        message_class,
        priority: wishes.priority.unwrap_or_default(),
        not_before: wishes.send_at,
        deadline_at,
        deliver_by: wishes.deliver_by,
        data_class: facts.strictest_class().as_str().to_owned(),
        wants_callback: application.callback.is_some(),
        idempotency: extras.idempotency,
        sequence_key: wishes.sequence_key,
        hold: hold(&verdict),
        repairs: extras.repairs.into_iter().chain(made).collect(),
        found: found(&verdict),
        routed,
        same_text,
        ..NewMessage::new(
            id,
            application.name.clone(),
            lane,
            submission.envelope.clone(),
        )
    };
    let accepted = intake.queue.accept(new, body).await;
    if let Some(last) = said.and_then(|said| said.get().cloned()) {
        let repairs = std::mem::take(&mut verdict.repairs);
        verdict = Verdict { repairs, ..last };
    }
    let accepted = match accepted {
        Err(AcceptError::SameText) => return Err(Rejection::Refused(Box::new(verdict))),
        other => other?,
    };
    let held = verdict.decision == Decision::Hold;
    intake.alarm.clear();
    if !accepted.repeated {
        intake.observe.accepted(&AcceptedMessage {
            door: submission.received.door(),
            id,
            application: &application.name,
            lane: &taken,
            class: message_class,
            octets: facts.message.octets,
            recipients: submission.envelope.recipients.len(),
            held,
            began: facts.at,
            checked: Some(checked),
            parent: extras.parent,
        });
    }
    Ok(Acceptance {
        id: accepted.id,
        repeated: accepted.repeated,
        held,
        verdict,
    })
}

/// What the rules say to a text that has reached many people.
fn ruling(verdict: &Verdict) -> Ruling {
    match verdict.decision {
        Decision::Refuse => Ruling::Refuse,
        _ => Ruling::Accept {
            found: found(verdict),
            hold: hold(verdict),
        },
    }
}

/// What is told of a message that is taken: warnings, and what could have been
/// repaired and was not. Repairs and holds tell of themselves.
fn found(verdict: &Verdict) -> Vec<Found> {
    let repaired = |finding: &Finding| {
        let mut repairs = verdict.repairs.iter();
        repairs.any(|repair| repair.rule == finding.rule)
    };
    let findings = verdict.findings.iter();
    findings
        .filter(|finding| match finding.severity {
            Severity::Warn => true,
            Severity::Repair => !repaired(finding),
            Severity::Hold | Severity::Refuse => false,
        })
        .map(|finding| Found {
            rule: finding.rule.to_owned(),
            severity: finding.severity.as_str().to_owned(),
            text: finding.sentence(),
        })
        .collect()
}

/// Why a person is asked, in the words of the rules.
fn hold(verdict: &Verdict) -> Option<Hold> {
    if verdict.decision != Decision::Hold {
        return None;
    }
    let reasons = verdict
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Hold)
        .map(Finding::sentence);
    Some(Hold {
        reason: HoldReason::Approval,
        by: Actor::new("check"),
        why: reasons.collect::<Vec<_>>().join(" "),
    })
}
