//! How the service deals with offences where its documents leave a choice, or
//! where it changed its ways: plain settings, from the seed and over the
//! control API.

mod mail;

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::asof::AsOf;
use crate::error::TwinError;
use crate::kept::{Kept, Kind};
use crate::own::Own;

pub use mail::{DayFull, ExternalBanner, FarEnd, MailSpec};

/// The `[service]` table of a seed. What is absent is as the twin takes the
/// service to be on its day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceSpec {
    /// What becomes of spoofed mail through the relay; by the day when absent.
    pub relay_spoofed: Option<Spoofed>,
    /// From where the relay is reached at all (GUIDE-2, GUIDE-11): networks
    /// such as `127.0.0.0/30`; from everywhere when empty.
    pub hscn_networks: Vec<IpNet>,
    /// When a client that is not registered hears of it.
    pub relay_refuses_at: RefusesAt,
    /// The words for it, after `554 5.7.1`; nobody has published them.
    pub relay_refusal: Option<String>,
    pub list_spacing: ListSpacing,
    pub non_delivery_address: NonDelivery,
    pub high_sending: HighSendingSpec,
    pub mail: MailSpec,
}

/// What becomes of mail whose sender is not who it says (GUIDE-14, GUIDE-50).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Spoofed {
    /// Taken and deleted: the practice since 9 July 2019.
    Drop,
    /// Filed in Junk Email with a banner: the practice before.
    Junk,
    Quarantine,
}

impl Spoofed {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Drop => "deleted",
            Self::Junk => "filed in Junk Email",
            Self::Quarantine => "kept in the quarantine",
        }
    }
}

/// Where an unregistered client is turned away (GUIDE-55).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RefusesAt {
    #[default]
    Connection,
    Rcpt,
}

/// What a breach of the spacing leads to (GUIDE-69 does not say).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ListSpacing {
    #[default]
    Record,
    /// Refused for the moment, so that the sender tries again.
    Delay,
    Refuse,
}

/// What an address that nobody reads leads to (GUIDE-73: "may be blocked").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NonDelivery {
    #[default]
    Record,
    /// The account is blocked from then on.
    Block,
}

/// The limits of the high sending service, none of which is published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct HighSendingSpec {
    pub connections_max: Option<usize>,
    pub messages_per_minute: Option<usize>,
    pub recipients_per_day: Option<u64>,
}

const RELAY_REFUSAL: &str = "Relay Access Denied";

impl ServiceSpec {
    pub(crate) fn spoofed(&self, as_of: AsOf) -> Spoofed {
        self.relay_spoofed.unwrap_or(if as_of.spoofed_is_deleted() {
            Spoofed::Drop
        } else {
            Spoofed::Junk
        })
    }

    pub(crate) fn is_on_hscn(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.hscn_networks.is_empty() || self.hscn_networks.iter().any(|one| one.contains(&address))
    }

    pub(crate) fn relay_refusal(&self) -> &str {
        self.relay_refusal.as_deref().unwrap_or(RELAY_REFUSAL)
    }
}

/// The settings in force. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Manners {
    spec: Own<ServiceSpec>,
    seed: Arc<ServiceSpec>,
    kept: Kept,
}

/// What was set over the control API, and beside which seed: another seed at
/// the next start takes its place.
#[derive(Debug, Deserialize, Serialize)]
struct SetBeside {
    seed: ServiceSpec,
    set: ServiceSpec,
}

impl Manners {
    pub(crate) async fn open(seed: ServiceSpec, kept: Kept) -> Result<Self, TwinError> {
        if let Some(fault) = seed.mail.fault() {
            return Err(TwinError::Seed(format!("[service.mail] {fault}")));
        }
        let before: Vec<(String, SetBeside)> = kept.all(Kind::Service).await?;
        let before = before.into_iter().map(|(_, one)| one);
        let set = before.into_iter().find(|one| one.seed == seed);
        let spec = set.map_or_else(|| seed.clone(), |one| one.set);
        Ok(Self {
            spec: Own::new(spec),
            seed: Arc::new(seed),
            kept,
        })
    }

    pub(crate) fn now(&self) -> Arc<ServiceSpec> {
        self.spec.image()
    }

    pub(crate) fn adopt(&self, spec: &Arc<ServiceSpec>) {
        self.spec.adopt(spec);
    }

    /// Holds at once; returns when the next start will know of it too.
    pub(crate) async fn set(&self, spec: ServiceSpec) -> Result<(), TwinError> {
        if let Some(fault) = spec.mail.fault() {
            return Err(TwinError::Seed(fault));
        }
        let row = SetBeside {
            seed: ServiceSpec::clone(&self.seed),
            set: spec.clone(),
        };
        self.spec.adopt(&Arc::new(spec));
        self.kept.put(Kind::Service, "", &row).await
    }
}
