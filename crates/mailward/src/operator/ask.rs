//! The asking side: a running gateway if there is one, else the store itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mailward_gateway::deliver::{Budgets, SendingLimits};
use mailward_gateway::register::Configured;
use mailward_gateway::{Register, SCHEMA};
use mailward_net::local::{self, LocalError};
use mailward_net::{SystemClock, SystemDice};
use mailward_queue::{Filter, Gates, Queue, QueueError, RerouteJudge, Terms};
use mailward_store::{Options, ReadError, Store};
use serde_json::Value;

use super::{Known, OperatorError, RegisterPart, RegisterRequest, Reply, Request, SOCKET, answer};

/// Where `up` keeps the gateway's store within its folder.
const WITHIN_UP: &str = "gateway";

/// Asks about the store in `dir`, or in the folder of `mailward up` that
/// `dir` is.
pub(crate) async fn ask(dir: &Path, request: Request) -> Result<Value, OperatorError> {
    let store_dir = store_dir(dir)?;
    let question = serde_json::to_string(&request).map_err(unavailable)?;
    match local::call(&store_dir, SOCKET, &question, &SystemClock).await {
        Ok(line) => match serde_json::from_str(&line).map_err(unavailable)? {
            Reply::Answer(value) => Ok(value),
            Reply::Error(error) => Err(error),
        },
        Err(LocalError::NobodyThere { .. }) => directly(&store_dir, request).await,
        Err(error) => Err(unavailable(error)),
    }
}

/// Whether somebody has kept a store here.
pub(crate) fn is_store(dir: &Path) -> bool {
    ["rows.sqlite", "segments"]
        .iter()
        .any(|part| dir.join(part).exists())
}

fn store_dir(dir: &Path) -> Result<PathBuf, OperatorError> {
    [dir.to_owned(), dir.join(WITHIN_UP)]
        .into_iter()
        .find(|place| is_store(place))
        .ok_or_else(|| {
            OperatorError::Unavailable(format!(
                "{} holds no store of a gateway; name the `dir` of a ready object or of the \
                 gateway's configuration",
                dir.display()
            ))
        })
}

async fn directly(store_dir: &Path, request: Request) -> Result<Value, OperatorError> {
    let store = Store::open(Options::new(store_dir, SCHEMA)).map_err(unavailable)?;
    if let Request::Register { who, why, request } = request {
        let answered = of_register(store_dir, &store, who.as_str(), why, request).await;
        store.close().await;
        return answered;
    }
    // What a killed gateway took of a limit is given back as it took it; where
    // another version noted its configuration, at that one's next start.
    let config = Configured::read(&store).await.ok().flatten();
    let gates = config.map_or_else(Gates::default, |config| mailward_gateway::gates(&config));
    let queue = Queue::over(
        store,
        Arc::new(SystemClock),
        Arc::new(SystemDice),
        Terms::default(),
        gates,
    );
    let answered = settled(store_dir, &queue, request).await;
    queue.close().await;
    answered
}

/// Asks the register by what the gateway was last configured with.
async fn of_register(
    store_dir: &Path,
    store: &Store,
    who: &str,
    why: String,
    request: RegisterRequest,
) -> Result<Value, OperatorError> {
    let config = Configured::read(store).await?.ok_or_else(|| {
        OperatorError::Unavailable(format!(
            "no gateway of this version has used {} yet; start it once",
            store_dir.display()
        ))
    })?;
    let register = Register::open(Arc::new(config), store.clone())
        .await
        .map_err(unavailable)?;
    let part = RegisterPart {
        register: Arc::new(register),
        clock: Arc::new(SystemClock),
        dice: Arc::new(SystemDice),
    };
    part.answer(who.to_owned(), why, request).await
}

/// Settles what a killed gateway left as under way, as its next start would,
/// then answers.
async fn settled(
    store_dir: &Path,
    queue: &Queue,
    request: Request,
) -> Result<Value, OperatorError> {
    let probe = queue.list(&Filter::default(), None, 1).await;
    if let Err(QueueError::Read(ReadError::Sql(_))) = probe {
        return Err(OperatorError::Unavailable(format!(
            "{} is the store of something else than a gateway",
            store_dir.display()
        )));
    }
    let recovered = queue.recover().await;
    let acts = matches!(request, Request::Act { .. } | Request::Control(_));
    if let (Err(error), true) = (recovered, acts) {
        return Err(error.into());
    }
    // By what the gateway was last configured with; the published limits for
    // what that does not have.
    let config = Configured::read(queue.store()).await?;
    let budgets = config.as_ref().map(Budgets::of).unwrap_or_default();
    let register = match config {
        Some(config) => {
            let register = Register::open(Arc::new(config), queue.store().clone()).await;
            Some(Arc::new(register.map_err(unavailable)?))
        }
        None => None,
    };
    let known = Known {
        sending_limits: SendingLimits::new(queue.clone(), budgets),
        judge: RerouteJudge::none(),
        register,
    };
    answer(queue, &known, request).await
}

fn unavailable(error: impl std::fmt::Display) -> OperatorError {
    OperatorError::Unavailable(error.to_string())
}
