//! Answers one question from the queue.

use mailward_gateway::deliver::SendingLimits;
use mailward_mail::{Address, MessageId};
use mailward_queue::{
    AccountName, Actor, Cursor, Filter, MessageView, Queue, QueueError, Resumed, Target,
};
use mailward_store::{ReadError, WriteError};
use serde_json::Value;

use super::shapes::{
    Acted, Explained, ExplainedRecipient, MessageLine, MessagePage, MessageShape, ResumedShape,
    SummaryShape, UnknownReplies, UnknownShape,
};
use super::{Act, Known, OperatorError, Request, no_gateway};

/// The answer as JSON, in one of the [shapes](super::shapes).
pub(crate) async fn answer(
    queue: &Queue,
    known: &Known,
    request: Request,
) -> Result<Value, OperatorError> {
    match request {
        Request::List {
            state,
            application,
            account,
            route,
            class,
            text,
            cursor,
            limit,
        } => {
            let filter = Filter {
                application,
                state,
                account,
                route,
                class,
                text,
                since: None,
            };
            json(list(queue, &filter, cursor, limit).await?)
        }
        Request::Show { id } => json(MessageShape::from(view(queue, id).await?)),
        Request::Explain { id } => json(explain(queue, &known.sending_limits, id).await?),
        Request::Act {
            act,
            id,
            recipient,
            who,
            why,
        } => {
            let target = target(queue, id, recipient.as_deref()).await?;
            let recipients = perform(queue, known, act, target, &who, &why).await?;
            json(Acted { id, recipients })
        }
        Request::Control(request) => json(super::control::answer(queue, known, request).await?),
        Request::Accounts => Err(OperatorError::Unavailable(
            "no gateway runs here; name its configuration with --config instead".to_owned(),
        )),
        Request::Limits { account } => {
            let limits = known.sending_limits.limits(account.as_deref()).await?;
            match (&account, limits.mailboxes.is_empty()) {
                (Some(account), true) => Err(OperatorError::NotFound(format!(
                    "{account} is no account of the gateway's configuration; see `mailward \
                     accounts list`"
                ))),
                _ => json(limits),
            }
        }
        Request::Register { .. } => Err(super::no_register()),
        Request::Summary => json(SummaryShape::new(
            queue.summary().await?,
            queue.open_breakers().await?,
            queue.pauses().await?,
        )),
        Request::ResumeAccount { account, who, why } => {
            json(resume(queue, &account, &who, &why).await?)
        }
        Request::UnknownReplies => json(unknown_replies(queue).await?),
        Request::Doctor(_) => Err(no_gateway()),
        Request::Backup { .. } | Request::BackupState => Err(no_gateway()),
    }
}

/// Noted with who and why, and said to be refused where nothing was to resume.
async fn resume(
    queue: &Queue,
    account: &str,
    who: &Actor,
    why: &str,
) -> Result<ResumedShape, OperatorError> {
    if why.trim().is_empty() {
        return Err(OperatorError::Invalid(
            "say why with --why: it is noted with your name".to_owned(),
        ));
    }
    let address = Address::parse(account)
        .map_err(|error| OperatorError::Invalid(format!("{account:?}: {error}")))?;
    let name = AccountName::from(address.key());
    let resumed = queue.resume_account(&name, who, why).await?;
    if resumed == Resumed::default() {
        return Err(OperatorError::NotFound(format!(
            "nothing of {account} is refused or paused"
        )));
    }
    tracing::info!(account = %name, by = %who, why, "an account was resumed");
    Ok(ResumedShape {
        account: name.into(),
        breakers: resumed.breakers,
        pauses: resumed.pauses,
    })
}

async fn unknown_replies(queue: &Queue) -> Result<UnknownReplies, OperatorError> {
    let found = queue.unknown_replies().await?.into_iter();
    let replies = found.map(|one| UnknownShape {
        stage: one.stage,
        code: one.code,
        status: one.status,
        words: one.words,
        count: one.count,
        first_at: one.first_at,
        last_at: one.last_at,
    });
    Ok(UnknownReplies {
        replies: replies.collect(),
    })
}

async fn list(
    queue: &Queue,
    filter: &Filter,
    cursor: Option<String>,
    limit: u32,
) -> Result<MessagePage, OperatorError> {
    let cursor: Option<Cursor> = cursor.map(|text| text.parse()).transpose()?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let page = queue.list(filter, cursor, limit).await?;
    Ok(MessagePage {
        messages: page.items.into_iter().map(MessageLine::from).collect(),
        next: page.next.map(|cursor| cursor.to_string()),
    })
}

async fn view(queue: &Queue, id: MessageId) -> Result<MessageView, OperatorError> {
    let view = queue.show(id).await?;
    view.ok_or_else(|| QueueError::NoSuchMessage(id).into())
}

async fn explain(
    queue: &Queue,
    sending_limits: &SendingLimits,
    id: MessageId,
) -> Result<Explained, OperatorError> {
    let sending_limits = sending_limits.clone();
    let explanations = queue
        .explain(id, move |lane| sending_limits.budget(lane))
        .await?;
    let view = view(queue, id).await?;
    let address = |n: u32| {
        let found = view.recipients.iter().find(|one| one.n == n);
        found.map_or_else(String::new, |one| {
            one.recipient.forward_path.address().to_string()
        })
    };
    let recipients = explanations
        .into_iter()
        .map(|one| ExplainedRecipient {
            n: one.n,
            address: address(one.n),
            state: one.state,
            waits_for: word(&one.waits_for),
            until: one.until,
            sentence: one.sentence,
        })
        .collect();
    Ok(Explained { id, recipients })
}

/// The word by which serde writes a plain enum.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

/// The recipient that an address or a number means.
async fn target(
    queue: &Queue,
    id: MessageId,
    recipient: Option<&str>,
) -> Result<Target, OperatorError> {
    let Some(text) = recipient else {
        return Ok(Target::from(id));
    };
    let view = view(queue, id).await?;
    let address = Address::parse(text).ok();
    let number = text.parse().ok();
    let found = view.recipients.iter().find(|one| {
        number == Some(one.n) || address.as_ref() == Some(one.recipient.forward_path.address())
    });
    let found = found.ok_or_else(|| {
        OperatorError::NotFound(format!(
            "message {id} has no recipient {text}; give an address or number of `mailward queue show`"
        ))
    })?;
    Ok(Target {
        message: id,
        recipient: Some(found.n),
    })
}

async fn perform(
    queue: &Queue,
    known: &Known,
    act: Act,
    target: Target,
    who: &Actor,
    why: &str,
) -> Result<u32, QueueError> {
    match act {
        Act::Retry => queue.retry(target, who, why).await,
        Act::Cancel => queue.cancel(target, who, why).await,
        Act::Hold => queue.hold(target, who, why).await,
        Act::Release => queue.release(target, who, why).await,
        Act::ConfirmSent => queue.confirm_sent(target, who, why).await,
        Act::Reroute { to } => queue.reroute(target, &to, &known.judge, who, why).await,
    }
}

fn json(shape: impl serde::Serialize) -> Result<Value, OperatorError> {
    serde_json::to_value(shape).map_err(|error| OperatorError::Unavailable(error.to_string()))
}

impl From<QueueError> for OperatorError {
    fn from(error: QueueError) -> Self {
        let text = error.to_string();
        match error {
            QueueError::NoSuchMessage(_) | QueueError::NoSuchRecipient(..) => Self::NotFound(text),
            QueueError::NoSuchAct(_) => Self::NotFound(text),
            QueueError::Illegal { .. } | QueueError::NotThatWay { .. } => Self::Refused(text),
            QueueError::BadCursor => Self::Invalid(text),
            QueueError::Write(WriteError::Full(_)) => {
                Self::Unavailable(format!("{text}; make room and try again"))
            }
            QueueError::Read(ReadError::Closed) | QueueError::Write(WriteError::Closed) => {
                Self::Unavailable("the gateway is stopping; try again".to_owned())
            }
            _ => Self::Unavailable(text),
        }
    }
}
