//! Fetching an item into memory, few at a time.

use mailward_mail::Timestamp;
use tokio::sync::OwnedSemaphorePermit;

use super::{ITEM_BEGINNING_OCTETS, ITEM_OCTETS_MAX};
use crate::Console;
use crate::page::Problem;
use crate::source::Item;
use crate::view::ItemKey;
use crate::world::World;

/// An item in memory, with the permit to have it there.
pub(crate) struct Opened {
    pub(crate) facts: ItemFacts,
    pub(crate) bytes: Vec<u8>,
    _permit: OwnedSemaphorePermit,
}

pub(crate) struct ItemFacts {
    pub(crate) received: Timestamp,
    pub(crate) octets: u64,
    pub(crate) flags: Vec<String>,
    pub(crate) message: Option<u64>,
    /// False where only the beginning was read.
    pub(crate) is_whole: bool,
}

/// Reads the item, or the beginning of one that is too large.
pub(crate) async fn open(
    console: &Console,
    world: &dyn World,
    key: &ItemKey,
) -> Result<Opened, Problem> {
    let permit = console
        .readers
        .clone()
        .acquire_owned()
        .await
        .map_err(|_| Problem::Internal)?;
    let Item {
        received,
        octets,
        flags,
        message,
        content,
    } = world.item(key.clone()).await?;
    let is_whole = octets <= ITEM_OCTETS_MAX as u64;
    let octets_max = if is_whole {
        ITEM_OCTETS_MAX
    } else {
        ITEM_BEGINNING_OCTETS
    };
    Ok(Opened {
        bytes: content.read(octets_max).await?,
        facts: ItemFacts {
            received,
            octets,
            flags,
            message,
            is_whole,
        },
        _permit: permit,
    })
}

/// Taking tens of MB apart would hold up everybody else on the runtime's
/// threads.
pub(crate) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "a mail item could not be taken apart");
        Problem::Internal
    })
}
