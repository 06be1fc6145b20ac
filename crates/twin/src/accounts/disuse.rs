//! Protocols that nobody has used for a while are switched off (GUIDE-7). How
//! long that is has not been published, so it is a setting, and off without it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use mailward_mail::Timestamp;

use super::{Account, Accounts};
use crate::error::TwinError;
use crate::kept::{Kept, Kind};
use crate::own::Own;
use crate::seed::Protocol;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Whether an account may go in by a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entrance {
    Open,
    /// The Local Administrator has not enabled it, or disuse had switched it off.
    Off,
    /// Switched off by this very look, for disuse.
    Disused,
}

/// When each protocol of each account was last used.
#[derive(Clone, Debug)]
pub(super) struct Uses {
    /// What was never used counts from the first start that saw any use.
    start: Timestamp,
    by_account: HashMap<String, HashMap<Protocol, Timestamp>>,
}

/// When each protocol of each account was last used, to the day.
#[derive(Clone, Debug)]
pub(super) struct LastUses {
    uses: Own<Uses>,
    kept: Kept,
}

impl LastUses {
    pub(super) async fn open(kept: Kept, start: Timestamp) -> Result<Self, TwinError> {
        let rows: Vec<(String, HashMap<Protocol, Timestamp>)> = kept.all(Kind::LastUse).await?;
        Ok(Self {
            uses: Own::new(Uses {
                start,
                by_account: rows.into_iter().collect(),
            }),
            kept,
        })
    }

    pub(super) fn image(&self) -> Arc<Uses> {
        self.uses.image()
    }

    /// For worlds in memory: it is written nowhere.
    pub(super) fn adopt(&self, image: &Arc<Uses>) {
        self.uses.adopt(image);
    }

    fn last(&self, account: &str, protocol: Protocol) -> Timestamp {
        let uses = self.uses.read();
        let one = uses.by_account.get(account);
        let one = one.and_then(|uses| uses.get(&protocol));
        one.copied().unwrap_or(uses.start)
    }

    /// Written down once a day for each protocol.
    pub(super) async fn note(
        &self,
        account: &str,
        protocols: &[Protocol],
        now: Timestamp,
    ) -> Result<(), TwinError> {
        let row = {
            let mut uses = self.uses.write();
            let start = uses.start;
            let one = uses.by_account.entry(account.to_owned()).or_default();
            let fresh = |at: &Timestamp| *at <= now && now < at.plus(DAY);
            if protocols
                .iter()
                .all(|protocol| one.get(protocol).is_some_and(fresh))
            {
                return Ok(());
            }
            for other in super::ALL_PROTOCOLS {
                one.entry(other).or_insert(start);
            }
            one.extend(protocols.iter().map(|protocol| (*protocol, now)));
            one.clone()
        };
        self.kept.put(Kind::LastUse, account, &row).await
    }
}

impl Accounts {
    /// For a session that has signed in: notes the use, or finds that the
    /// protocol is off.
    pub(crate) async fn enter(&self, account: &Account, protocol: Protocol) -> Entrance {
        if !account.allows(protocol) {
            return Entrance::Off;
        }
        let Some(days) = self.rules.disuse_days else {
            return Entrance::Open;
        };
        let (key, now) = (account.address.key(), self.clock.now());
        let interval = DAY.saturating_mul(days);
        let done = if now >= self.last_uses.last(&key, protocol).plus(interval) {
            let off = self.alter(&account.address, |account| {
                account.protocols.retain(|one| *one != protocol);
            });
            off.await.map(|()| Entrance::Disused)
        } else {
            let noted = self.last_uses.note(&key, &[protocol], now).await;
            noted.map(|()| Entrance::Open)
        };
        done.unwrap_or_else(|error| {
            tracing::warn!(%error, "the use of a protocol could not be written down");
            Entrance::Open
        })
    }
}
