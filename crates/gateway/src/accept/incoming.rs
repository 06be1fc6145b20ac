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
//! complete; a large one when its header is, and again by its final size.

use mailward_mail::header::{HEADER_OCTETS_MAX, Header};
use mailward_mail::{Envelope, MessageId, Timestamp};
use mailward_policy::{DataClass, Decision, Facts, Verdict};
use mailward_queue::{Actor, Hold, HoldReason, Idempotency, MessageClass, NewMessage, Repair};
use mailward_store::{BodyWriter, NewBody};

use super::{Intake, Received, Rejection};
use crate::check;
use crate::register::Registered;

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
    facts: Facts,
    subject: Option<String>,
    body: BodyWriter,
    /// As judged by the header.
    verdict: Verdict,
}

/// A judged message, ready to be kept.
struct Complete {
    facts: Facts,
    subject: Option<String>,
    body: NewBody,
    verdict: Verdict,
}

/// What goes into the queue beside the message.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    pub(crate) message_class: MessageClass,
    pub(crate) idempotency: Option<Idempotency>,
    pub(crate) sequence_key: Option<String>,
    /// Repairs that the door itself has made.
    pub(crate) repairs: Vec<Repair>,
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
            Stage::Streaming(streaming) => Ok(streaming.body.write(octets)?),
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
                let judged = judge(intake, submission, &held_back, octets, at)?;
                let mut body = intake.queue.new_body();
                body.write(&top(submission, &judged.verdict, id, at))?;
                body.write(&held_back)?;
                judged.with(body.finish()?)
            }
            Stage::Streaming(streaming) => streaming.complete(intake, octets)?,
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
        let judged = judge(intake, submission, held_back, self.octets + 1, self.at)?;
        let mut body = intake.queue.new_body();
        body.write(&top(submission, &judged.verdict, self.id, self.at))?;
        body.write(held_back)?;
        let Judged {
            facts,
            subject,
            verdict,
        } = judged;
        self.stage = Stage::Streaming(Box::new(Streaming {
            facts,
            subject,
            body,
            verdict,
        }));
        Ok(())
    }
}

impl Streaming {
    /// Only the size was not known before; repairs are made already.
    fn complete(self, intake: &Intake, octets: u64) -> Result<Complete, Rejection> {
        let Self {
            mut facts,
            subject,
            body,
            verdict,
        } = self;
        facts.message.octets = octets;
        let last = intake.checker.judge(&facts);
        if last.decision == Decision::Refuse {
            return Err(Rejection::Refused(Box::new(last)));
        }
        let verdict = Verdict {
            repairs: verdict.repairs,
            ..last
        };
        Ok(Complete {
            facts,
            subject,
            body: body.finish()?,
            verdict,
        })
    }
}

struct Judged {
    facts: Facts,
    subject: Option<String>,
    verdict: Verdict,
}

impl Judged {
    fn with(self, body: NewBody) -> Complete {
        Complete {
            facts: self.facts,
            subject: self.subject,
            body,
            verdict: self.verdict,
        }
    }
}

fn judge(
    intake: &Intake,
    submission: &Submission<'_>,
    octets_so_far: &[u8],
    octets: u64,
    at: Timestamp,
) -> Result<Judged, Rejection> {
    let facts = check::gather(
        submission.registered,
        submission.envelope,
        octets_so_far,
        octets,
        submission.data_class,
        at,
    );
    let verdict = intake.checker.judge(&facts);
    if verdict.decision == Decision::Refuse {
        return Err(Rejection::Refused(Box::new(verdict)));
    }
    let section = &octets_so_far[..facts.message.header_octets.min(octets_so_far.len())];
    Ok(Judged {
        subject: subject(section),
        facts,
        verdict,
    })
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
        body,
        verdict,
    } = complete;
    let registered = submission.registered;
    let application = &registered.application;
    let account = &registered.account.address;
    let made = verdict.repairs.iter().map(|repair| Repair {
        rule: repair.rule.to_owned(),
        change: format!("{} added", repair.field.name()),
    });
    let message_id = facts.message.message_id.clone().or_else(|| {
        let mut repairs = verdict.repairs.iter();
        let added = repairs.find(|one| one.field == mailward_policy::RepairField::MessageId)?;
        Some(added.value(id, facts.at, account))
    });
    let held = verdict.decision == Decision::Hold;
    let new = NewMessage {
        message_id,
        subject,
        message_class: extras.message_class,
        data_class: facts.strictest_class().as_str().to_owned(),
        wants_callback: application.callback.is_some(),
        idempotency: extras.idempotency,
        sequence_key: extras.sequence_key,
        hold: held.then(|| hold(&verdict)),
        repairs: extras.repairs.into_iter().chain(made).collect(),
        ..NewMessage::new(
            id,
            application.name.clone(),
            registered.lane.clone(),
            submission.envelope.clone(),
        )
    };
    let accepted = intake.queue.accept(new, body).await?;
    intake.alarm.clear();
    tracing::debug!(id = %accepted.id, application = %application.name, held, "accepted");
    Ok(Acceptance {
        id: accepted.id,
        repeated: accepted.repeated,
        held,
        verdict,
    })
}

/// Why a person is asked, in the words of the rules.
fn hold(verdict: &Verdict) -> Hold {
    let reasons = verdict
        .findings
        .iter()
        .filter(|finding| finding.severity == mailward_policy::Severity::Hold)
        .map(mailward_policy::verdict::Finding::sentence);
    Hold {
        reason: HoldReason::Approval,
        by: Actor::new("check"),
        why: reasons.collect::<Vec<_>>().join(" "),
    }
}
