//! What the service has set for single accounts as senders: how many
//! recipients a message may have, and whether they are blocked. Kept through
//! restarts.

use std::collections::HashMap;
use std::sync::Arc;

use mailward_mail::Address;
use mailward_policy::limits;
use mailward_store::{Row, TxError, Value};
use serde::Deserialize;

use crate::error::TwinError;
use crate::own::Own;
use crate::shelf::Shelf;

/// A change over the control API; what is absent stays as it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SenderSpec {
    pub(crate) address: Address,
    /// From 1 to the service's ceiling.
    #[serde(default)]
    pub(crate) recipients_max: Option<u64>,
    #[serde(default)]
    pub(crate) blocked: Option<bool>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sender {
    recipients_max: Option<u64>,
    pub(crate) blocked: bool,
}

impl Sender {
    pub(crate) fn recipients_max(self) -> u64 {
        self.recipients_max
            .unwrap_or(limits::RECIPIENTS_PER_MESSAGE.figure)
            .min(limits::RECIPIENTS_PER_MESSAGE_CEILING.figure)
    }
}

/// Only accounts with something set are held. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Senders {
    senders: Own<HashMap<String, Sender>>,
    store: Shelf,
}

impl Senders {
    pub(crate) async fn open(store: Shelf) -> Result<Self, TwinError> {
        let rows = store
            .read(|tx| {
                tx.query(
                    "SELECT address, recipients_max, blocked FROM twin_sender",
                    &[],
                    read_sender,
                )
            })
            .await?;
        Ok(Self {
            senders: Own::new(rows.into_iter().collect()),
            store,
        })
    }

    pub(crate) fn of(&self, address: &Address) -> Sender {
        let senders = self.senders.read();
        senders.get(&address.key()).copied().unwrap_or_default()
    }

    /// Changes one account and returns once that is on stable storage.
    pub(crate) async fn set(&self, spec: SenderSpec) -> Result<Sender, TwinError> {
        let ceiling = limits::RECIPIENTS_PER_MESSAGE_CEILING.figure;
        if let Some(count) = spec.recipients_max
            && !(1..=ceiling).contains(&count)
        {
            return Err(TwinError::Seed(format!(
                "recipients_max = {count} for {}: set 1 to {ceiling}",
                spec.address
            )));
        }
        let before = self.of(&spec.address);
        let sender = Sender {
            recipients_max: spec.recipients_max.or(before.recipients_max),
            blocked: spec.blocked.unwrap_or(before.blocked),
        };
        let key = spec.address.key();
        let row = key.clone();
        self.store
            .write(Vec::new(), move |tx, _| {
                tx.execute(
                    "INSERT INTO twin_sender (address, recipients_max, blocked) VALUES (?1, ?2, ?3) ON CONFLICT (address) DO UPDATE SET recipients_max = excluded.recipients_max, blocked = excluded.blocked",
                    &[
                        Value::from(row),
                        sender.recipients_max.map_or(Value::Null, Value::from),
                        Value::from(i64::from(sender.blocked)),
                    ],
                )
            })
            .await?;
        self.senders.write().insert(key, sender);
        Ok(sender)
    }
}

impl Senders {
    pub(crate) fn image(&self) -> Arc<HashMap<String, Sender>> {
        self.senders.image()
    }

    pub(crate) fn adopt(&self, image: &Arc<HashMap<String, Sender>>) {
        self.senders.adopt(image);
    }
}

fn read_sender(row: &Row<'_>) -> Result<(String, Sender), TxError> {
    let sender = Sender {
        recipients_max: row
            .get::<Option<i64>>(1)?
            .and_then(|count| u64::try_from(count).ok()),
        blocked: row.get::<i64>(2)? != 0,
    };
    Ok((row.get(0)?, sender))
}
