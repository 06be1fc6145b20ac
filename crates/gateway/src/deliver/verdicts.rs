//! From the service's verdicts to what becomes of each recipient, and what is
//! learnt beside it.

use mailward_mail::Reply;
use mailward_queue::{AttemptResult, HoldReason, PauseCause, Stage};
use mailward_wire::smtp::client::Verdict;

use super::connection::queue_stage;
use super::reply::{Action, Meaning, Party, SPACING_BEFORE_FAILURE, TRIES_BEFORE_FAILURE, scrub};
use super::trouble::Trouble;
use super::{Alarm, DeliverOptions};
use crate::route::Route;

/// What an attempt learnt that is not its recipients'.
#[derive(Debug, Default)]
pub(super) struct Learnt {
    pub(super) troubles: Vec<Trouble>,
    /// The credential was refused after all.
    pub(super) refusal: Option<Reply>,
    unknown: Vec<(Stage, Reply, Meaning)>,
}

/// What becomes of the recipient that `verdict` is on.
pub(super) fn judge(
    options: &DeliverOptions,
    route: &Route,
    verdict: &Verdict,
    notify_passed_on: bool,
    learnt: &mut Learnt,
) -> AttemptResult {
    let reply = verdict.reply.clone();
    if verdict.is_positive() {
        return AttemptResult::Relayed {
            reply,
            notify_passed_on,
        };
    }
    let stage = queue_stage(verdict.stage);
    let meaning = options.replies.classify(route.kind(), stage, &reply);
    let postponed = AttemptResult::Postponed {
        reply: reply.clone(),
        until: None,
    };
    let result = match meaning.action {
        Action::Fail => AttemptResult::Failed { reply },
        Action::TryThenFail => AttemptResult::Refused {
            reply,
            tries_max: TRIES_BEFORE_FAILURE,
            spacing: SPACING_BEFORE_FAILURE,
        },
        Action::Hold => AttemptResult::Held {
            reason: HoldReason::Configuration,
            why: reply.to_string(),
        },
        Action::Defer => {
            // Nothing was said of the message yet: the others would hear the same.
            if stage <= Stage::MailFrom && meaning.party == Party::ServiceDown {
                learnt.add(Trouble::new(PauseCause::Down, &reply, &meaning.means));
            }
            AttemptResult::Deferred { reply, until: None }
        }
        Action::OpenBreaker => {
            learnt.refusal = Some(reply);
            postponed
        }
        action => {
            if let Some(cause) = pause_of(action) {
                learnt.add(Trouble::new(cause, &reply, &meaning.means));
            }
            postponed
        }
    };
    learnt.note(stage, &verdict.reply, meaning);
    result
}

/// The pause that an action asks for.
pub(super) fn pause_of(action: Action) -> Option<PauseCause> {
    match action {
        Action::WaitForTheDay => Some(PauseCause::Day),
        Action::PauseAccount => Some(PauseCause::Account),
        Action::PauseRoute => Some(PauseCause::Route),
        _ => None,
    }
}

impl Learnt {
    /// One of a kind is enough: every recipient may have had the same reply.
    fn add(&mut self, trouble: Trouble) {
        if self.troubles.iter().all(|one| one.cause != trouble.cause) {
            self.troubles.push(trouble);
        }
    }

    /// Keeps a reply that was decided by its code alone.
    pub(super) fn note(&mut self, stage: Stage, reply: &Reply, meaning: Meaning) {
        if !meaning.known && self.unknown.iter().all(|(_, one, _)| one != reply) {
            self.unknown.push((stage, reply.clone(), meaning));
        }
    }

    /// Counts what no row knows, and tells a person of it.
    pub(super) async fn report_unknown(&self, options: &DeliverOptions) {
        for (stage, reply, meaning) in &self.unknown {
            let (status, words) = (reply.status_text(), scrub(&reply.text()));
            let counted = options
                .queue
                .count_unknown_reply(*stage, reply.code(), &status, &words)
                .await;
            if let Err(error) = counted {
                tracing::error!(%error, "an unknown reply could not be counted");
            }
            let text = format!(
                "no row of the reply table has these words: at {}, {} {status} {words}. It was \
                 taken for {} by its code ({}). `mailward replies unknown` lists all such, with \
                 a row to add",
                stage.as_str(),
                reply.code(),
                meaning.party,
                meaning.action
            );
            options.alarms.raise(Alarm::new("reply_unknown", text));
        }
    }
}
