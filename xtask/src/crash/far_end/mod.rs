//! Where the mail goes: a server of the laboratory's own, or a Postfix with a
//! Dovecot, which file a copy of what they take for the gateway to look into.

pub(super) mod ledger;
mod own;
mod postfix;
mod session;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::options::FarEndKind;
use super::scene::Scene;
use crate::run::Result;
use ledger::Taken;
use own::Own;
pub(super) use own::{COMMAND, run};
use postfix::Postfix;

/// The running far end.
#[derive(Debug)]
pub(super) enum FarEnd {
    Own(Own),
    Postfix(Postfix),
}

impl FarEnd {
    pub(super) fn start(kind: FarEndKind, scene: &Scene, seed: u64) -> Result<Self> {
        match kind {
            FarEndKind::Own => Own::start(&scene.dir, seed).map(Self::Own),
            FarEndKind::Postfix => Postfix::start(scene).map(Self::Postfix),
        }
    }

    pub(super) fn port(&self) -> u16 {
        match self {
            Self::Own(own) => own.port,
            Self::Postfix(postfix) => postfix.port,
        }
    }

    /// Where sent mail can be looked into.
    pub(super) fn imaps(&self) -> Option<u16> {
        match self {
            Self::Own(_) => None,
            Self::Postfix(postfix) => Some(postfix.imaps),
        }
    }

    /// Recipients taken so far, copies included.
    pub(super) fn taken(&self) -> &Arc<AtomicU64> {
        match self {
            Self::Own(own) => &own.taken,
            Self::Postfix(postfix) => &postfix.taken,
        }
    }

    /// What it took, after its end.
    pub(super) fn stop(self, scene: &Scene) -> Result<Vec<Taken>> {
        match self {
            Self::Own(own) => own.stop(&scene.dir),
            Self::Postfix(postfix) => postfix.stop(),
        }
    }
}
