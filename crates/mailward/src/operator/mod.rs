//! What an operator asks of a queue, from the command line.
//!
//! ```text
//!   mailward queue … ──▶ ask ──┬─ DIR/operator.sock ──▶ serve ──▶ answer ──▶ queue
//!                              └─ nobody there: opens the store itself ──▶ answer
//! ```
//!
//! Both ways lead through the same [`answer`], so a command says the same
//! whether the gateway runs or not. One line of JSON asks and one answers.

mod answer;
mod ask;
pub(crate) mod backup;
pub(crate) mod control;
pub(crate) mod doctor;
pub(crate) mod register;
pub(crate) mod sentences;
pub(crate) mod shapes;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mailward_gateway::Register;
use mailward_gateway::deliver::SendingLimits;
use mailward_gateway::password::AccountAge;
use mailward_gateway::route::reroute::{self, RerouteFacts};
use mailward_mail::MessageId;
use mailward_net::local::{LocalError, LocalListener};
use mailward_net::{SystemClock, Tasks};
use mailward_policy::Profile;
use mailward_queue::{
    AccountName, Actor, ApplicationName, MessageClass, Queue, RerouteJudge, RouteName, StateWord,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use answer::answer;
pub(crate) use ask::{ask, is_store};
pub(crate) use backup::{BackupPart, BackupState};
pub(crate) use control::ControlRequest;
pub(crate) use doctor::{DoctorPart, DoctorRequest};
pub(crate) use register::{RegisterPart, RegisterRequest};

/// The socket's name in the store's folder.
const SOCKET: &str = "operator.sock";

/// One question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(crate) enum Request {
    List {
        state: Option<StateWord>,
        application: Option<ApplicationName>,
        #[serde(default)]
        account: Option<AccountName>,
        #[serde(default)]
        route: Option<RouteName>,
        #[serde(default)]
        class: Option<MessageClass>,
        text: Option<String>,
        cursor: Option<String>,
        limit: u32,
    },
    Show {
        id: MessageId,
    },
    Explain {
        id: MessageId,
    },
    Act {
        act: Act,
        id: MessageId,
        /// Its address or number; all that can be moved, if `None`.
        recipient: Option<String>,
        who: Actor,
        why: String,
    },
    /// Acts beyond one message, and what is suspended.
    Control(ControlRequest),
    Summary,
    /// Closes the account's breakers and has its pauses try at once.
    ResumeAccount {
        account: String,
        who: Actor,
        why: String,
    },
    /// Replies that no row of the table knows.
    UnknownReplies,
    /// How old the passwords are; only a running gateway knows.
    Accounts,
    /// What is left of each limit, of one account or of all.
    Limits {
        account: Option<String>,
    },
    /// The preflight of the gateway that answers.
    Doctor(DoctorRequest),
    /// Begins a backup to a folder on the gateway's machine.
    Backup {
        to: PathBuf,
    },
    /// How the last backup stands.
    BackupState,
    /// Of the register, and nothing of the queue.
    Register {
        who: Actor,
        why: String,
        request: RegisterRequest,
    },
}

/// What is done to a message that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Act {
    Retry,
    Cancel,
    Hold,
    Release,
    ConfirmSent,
    Reroute { to: RouteName },
}

/// Why there is no answer, by what the operator does about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "kind", content = "text", rename_all = "snake_case")]
pub(crate) enum OperatorError {
    #[error("{0}")]
    NotFound(String),
    /// It cannot be done as things stand.
    #[error("{0}")]
    Refused(String),
    /// The question makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// No store, or one that does not answer.
    #[error("{0}")]
    Unavailable(String),
}

/// One line of the socket.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    Answer(Value),
    Error(OperatorError),
}

/// What answers need that is not the queue's to know.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) sending_limits: SendingLimits,
    pub(crate) judge: RerouteJudge,
    /// `None` where no gateway was started over the store yet.
    pub(crate) register: Option<Arc<Register>>,
}

/// The accounts as the gateway knows them now.
pub(crate) type AccountsNow = Arc<dyn Fn() -> Vec<AccountAge> + Send + Sync>;

/// What questions are answered from.
#[derive(Clone)]
pub(crate) struct Sources {
    pub(crate) queue: Queue,
    pub(crate) sending_limits: SendingLimits,
    /// By whose rules mail may take another way.
    pub(crate) profile: Profile,
    pub(crate) doctor: Option<DoctorPart>,
    pub(crate) register: Option<RegisterPart>,
    pub(crate) accounts: AccountsNow,
    /// How fast a backup copies; 0 is as fast as it can.
    pub(crate) backup_octets_per_second: u64,
}

impl Sources {
    fn known(&self) -> Known {
        let judge = match &self.register {
            Some(part) => reroute::judge(RerouteFacts {
                register: Arc::clone(&part.register),
                profile: self.profile,
                clock: Arc::clone(&part.clock),
            }),
            None => RerouteJudge::none(),
        };
        Known {
            sending_limits: self.sending_limits.clone(),
            judge,
            register: self
                .register
                .as_ref()
                .map(|part| Arc::clone(&part.register)),
        }
    }
}

/// Answers the operator on a socket in the store's folder until shutdown
/// begins. Needs a runtime.
pub(crate) fn serve(store_dir: &Path, sources: Sources, tasks: &Tasks) -> Result<(), LocalError> {
    let listener = LocalListener::bind(store_dir, SOCKET)?;
    let known = sources.known();
    let backup = BackupPart {
        queue: sources.queue.clone(),
        octets_per_second: sources.backup_octets_per_second,
        tasks: tasks.clone(),
        state: Arc::default(),
    };
    let respond = move |question: String| {
        let (backup, sources, known) = (backup.clone(), sources.clone(), known.clone());
        async move {
            match serde_json::from_str(&question) {
                Ok(Request::Backup { to }) => line(backup.begin(to)),
                Ok(Request::BackupState) => line(Ok(backup.state())),
                _ => respond(sources, known, question).await,
            }
        }
    };
    // On the system's clock: how long a caller is silent has nothing to do
    // with the day that the gateway is set to.
    let serving = listener.serve(Arc::new(SystemClock), tasks.shutdown().clone(), respond);
    tasks.spawn("operator", serving);
    Ok(())
}

fn line(answered: Result<BackupState, OperatorError>) -> String {
    let reply = match answered.map(serde_json::to_value) {
        Ok(Ok(value)) => Reply::Answer(value),
        Ok(Err(error)) => Reply::Error(OperatorError::Unavailable(error.to_string())),
        Err(error) => Reply::Error(error),
    };
    serde_json::to_string(&reply).unwrap_or_else(|_| UNSAYABLE.to_owned())
}

async fn respond(sources: Sources, known: Known, question: String) -> String {
    let Sources {
        queue,
        doctor,
        register,
        accounts,
        ..
    } = sources;
    let reply = match serde_json::from_str(&question) {
        Ok(Request::Accounts) => match serde_json::to_value(accounts()) {
            Ok(value) => Reply::Answer(value),
            Err(error) => Reply::Error(OperatorError::Unavailable(error.to_string())),
        },
        Ok(Request::Register { who, why, request }) => {
            let answered = match register {
                Some(register) => {
                    let who = who.as_str().to_owned();
                    Box::pin(register.answer(who, why, request)).await
                }
                None => Err(no_register()),
            };
            answered.map_or_else(Reply::Error, Reply::Answer)
        }
        Ok(Request::Doctor(request)) => {
            let answered = match doctor {
                Some(doctor) => Box::pin(doctor.answer(request)).await,
                None => Err(no_gateway()),
            };
            answered.map_or_else(Reply::Error, Reply::Answer)
        }
        Ok(request) => match answer(&queue, &known, request).await {
            Ok(value) => Reply::Answer(value),
            Err(error) => Reply::Error(error),
        },
        Err(error) => Reply::Error(OperatorError::Invalid(format!(
            "the running gateway does not understand the command ({error}); \
             use the program of the same version"
        ))),
    };
    serde_json::to_string(&reply).unwrap_or_else(|_| UNSAYABLE.to_owned())
}

fn no_gateway() -> OperatorError {
    OperatorError::Unavailable(
        "no gateway runs here; look at its configuration with `mailward doctor --config FILE`"
            .to_owned(),
    )
}

pub(super) fn no_register() -> OperatorError {
    OperatorError::Unavailable("there is no register here".to_owned())
}

/// Values made of text, numbers and lists always become JSON; this is for the
/// compiler.
const UNSAYABLE: &str = r#"{"error":{"kind":"unavailable","text":"the answer cannot be written"}}"#;
