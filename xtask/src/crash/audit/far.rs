//! The far end's ledger, by message.

use std::collections::HashMap;

use crate::crash::far_end::ledger::{ReplyFate, Taken};
use crate::crash::message::Token;
use crate::crash::scene::{WARDS, address};

/// One transaction in which the far end took a message.
#[derive(Clone, Debug)]
pub(super) struct Copy {
    /// Place in the ledger.
    pub(super) place: u64,
    /// Milliseconds since 1970.
    pub(super) at: i64,
    pub(super) wards: Box<[u8]>,
}

#[derive(Debug, Default)]
pub(super) struct FarEnd {
    /// In the order in which they were taken.
    pub(super) copies: HashMap<Token, Vec<Copy>>,
    /// Messages without a token: the gateway's reports.
    pub(super) reports: u64,
    pub(super) recipients: u64,
    /// In words.
    pub(super) breaches: Vec<String>,
}

impl FarEnd {
    pub(super) fn read(ledger: Vec<Taken>) -> Self {
        let wards: HashMap<String, u8> = (0..WARDS).map(|ward| (address(ward), ward)).collect();
        let mut far = Self::default();
        for (place, taken) in (0..).zip(ledger) {
            if taken.reply == ReplyFate::NotTaken {
                continue;
            }
            far.recipients += taken.to.len() as u64;
            let Some(text) = taken.token else {
                far.reports += 1;
                continue;
            };
            let Ok(token) = text.parse() else {
                far.breaches.push(format!("{text:?} is no token"));
                continue;
            };
            if !taken.whole {
                far.breaches.push(format!("{token} arrived spoilt"));
            }
            let mut known = Vec::with_capacity(taken.to.len());
            for address in &taken.to {
                match wards.get(address) {
                    Some(ward) => known.push(*ward),
                    None => far
                        .breaches
                        .push(format!("{token} arrived for {address}, who is nobody")),
                }
            }
            far.copies.entry(token).or_default().push(Copy {
                place,
                at: taken.at,
                wards: known.into(),
            });
        }
        far
    }

    pub(super) fn of(&self, token: Token) -> &[Copy] {
        self.copies.get(&token).map_or(&[], Vec::as_slice)
    }
}
