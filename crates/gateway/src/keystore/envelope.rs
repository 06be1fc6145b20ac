//! The sealed form of a keystore, and the key to it.
//!
//! ```text
//! magic "MWKS" | format 1 | key kind | memory KiB u32 | passes u32 | lanes u32 | salt 16
//!   | key check 16 | header check 8 | nonce 12 | content, sealed, with tag 16
//! ```
//!
//! Numbers are little-endian. The header check tells a damaged header from a
//! wrong key, the key check a wrong key from damaged content. Everything
//! before the content is authenticated with it.

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{digest, hmac};
use mailward_mail::Dice;
use zeroize::Zeroizing;

use super::opener::Opener;
use super::{KeystoreError, OpenerError};

const MAGIC: [u8; 4] = *b"MWKS";
const FORMAT: u8 = 1;
const KIND_KEY: u8 = 0;
const KIND_PASSPHRASE: u8 = 1;

const STRETCH_AT: usize = 6;
const SALT_AT: usize = 18;
const KEY_CHECK_AT: usize = 34;
const HEADER_CHECK_AT: usize = 50;
const NONCE_AT: usize = 58;
const CONTENT_AT: usize = 70;
const TAG_OCTETS: usize = 16;

/// RFC 9106 section 4, second recommendation: 64 MiB, three passes, four lanes.
const STRETCH: Stretch = Stretch {
    memory_kib: 64 * 1024,
    passes: 3,
    lanes: 4,
};

/// The most a file may ask for, so that a forged one cannot stall its reader.
const STRETCH_MAX: Stretch = Stretch {
    memory_kib: 1024 * 1024,
    passes: 64,
    lanes: 64,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// The key with what it was made of, so that it can be told whether it fits.
pub(super) struct Key {
    octets: Zeroizing<[u8; 32]>,
    /// The header up to the key check.
    origin: [u8; KEY_CHECK_AT],
}

/// A sealed keystore whose header holds together.
pub(super) struct Envelope<'a> {
    sealed: &'a [u8],
    stretch: Stretch,
}

pub(super) enum EnvelopeError {
    Newer(u8),
    Damaged(&'static str),
}

impl Key {
    /// A key for a new file.
    pub(super) fn new(opener: &Opener, dice: &dyn Dice) -> Result<Self, KeystoreError> {
        let mut origin = [0; KEY_CHECK_AT];
        origin[..4].copy_from_slice(&MAGIC);
        origin[4] = FORMAT;
        origin[5] = kind(opener);
        for (at, number) in [STRETCH.memory_kib, STRETCH.passes, STRETCH.lanes]
            .into_iter()
            .enumerate()
        {
            origin[STRETCH_AT + 4 * at..][..4].copy_from_slice(&number.to_le_bytes());
        }
        dice.fill(&mut origin[SALT_AT..]);
        Self::derive(opener, origin, STRETCH)
    }

    fn derive(
        opener: &Opener,
        origin: [u8; KEY_CHECK_AT],
        stretch: Stretch,
    ) -> Result<Self, KeystoreError> {
        let octets = match opener {
            Opener::Key(key) => key.clone(),
            Opener::Passphrase(passphrase) => {
                let mut octets = Zeroizing::new([0; 32]);
                let stretched =
                    Params::new(stretch.memory_kib, stretch.passes, stretch.lanes, Some(32))
                        .and_then(|params| {
                            Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                                .hash_password_into(
                                    passphrase.expose().as_bytes(),
                                    &origin[SALT_AT..],
                                    &mut *octets,
                                )
                        });
                stretched.map_err(|error| OpenerError::Unusable(error.to_string()))?;
                octets
            }
        };
        Ok(Self { octets, origin })
    }

    /// Tells whether a key is the right one, and nothing else about it.
    fn check(&self) -> [u8; 16] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &*self.octets);
        let tag = hmac::sign(&key, b"mailward keystore key check");
        first(tag.as_ref())
    }

    fn cipher(&self) -> LessSafeKey {
        let key = UnboundKey::new(&AES_256_GCM, &*self.octets);
        LessSafeKey::new(key.expect("the key is as long as the cipher asks"))
    }
}

impl<'a> Envelope<'a> {
    /// The whole file for `plain`. The nonce is chance: a keystore is written
    /// a few thousand times at most.
    pub(super) fn seal(key: &Key, plain: &[u8], dice: &dyn Dice) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(CONTENT_AT + plain.len() + TAG_OCTETS);
        sealed.extend_from_slice(&key.origin);
        sealed.extend_from_slice(&key.check());
        sealed.extend_from_slice(&header_check(&sealed));
        let mut nonce = [0; 12];
        dice.fill(&mut nonce);
        sealed.extend_from_slice(&nonce);
        let mut content = Zeroizing::new(plain.to_vec());
        let tag = key.cipher().seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(&sealed[..]),
            &mut content,
        );
        let tag = tag.expect("the content is far below the cipher's limit");
        sealed.extend_from_slice(&content);
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    pub(super) fn parse(sealed: &'a [u8]) -> Result<Self, EnvelopeError> {
        if !sealed.starts_with(&MAGIC) {
            return Err(EnvelopeError::Damaged("it is no keystore"));
        }
        if sealed.len() < CONTENT_AT + TAG_OCTETS {
            return Err(EnvelopeError::Damaged("it is cut short"));
        }
        if sealed[4] != FORMAT {
            return Err(EnvelopeError::Newer(sealed[4]));
        }
        let number = |at: usize| {
            u32::from_le_bytes([sealed[at], sealed[at + 1], sealed[at + 2], sealed[at + 3]])
        };
        let stretch = Stretch {
            memory_kib: number(STRETCH_AT),
            passes: number(STRETCH_AT + 4),
            lanes: number(STRETCH_AT + 8),
        };
        let affordable = stretch.memory_kib <= STRETCH_MAX.memory_kib
            && stretch.passes <= STRETCH_MAX.passes
            && stretch.lanes <= STRETCH_MAX.lanes;
        let intact = header_check(&sealed[..HEADER_CHECK_AT]) == sealed[HEADER_CHECK_AT..NONCE_AT];
        if !affordable || !intact {
            return Err(EnvelopeError::Damaged(
                "its header does not match its checksum",
            ));
        }
        Ok(Self { sealed, stretch })
    }

    /// The key that `opener` gives for this file.
    pub(super) fn key(&self, opener: &Opener) -> Result<Key, KeystoreError> {
        Key::derive(opener, first(self.sealed), self.stretch)
    }

    pub(super) fn fits(&self, key: &Key) -> bool {
        key.origin == self.sealed[..KEY_CHECK_AT]
            && key.check() == self.sealed[KEY_CHECK_AT..HEADER_CHECK_AT]
            && matches!(self.sealed[5], KIND_KEY | KIND_PASSPHRASE)
    }

    /// The plain content; none when a single bit of the file has changed.
    pub(super) fn open(&self, key: &Key) -> Option<Zeroizing<Vec<u8>>> {
        let (header, content) = self.sealed.split_at(CONTENT_AT);
        let nonce = Nonce::assume_unique_for_key(first(&header[NONCE_AT..]));
        let mut content = Zeroizing::new(content.to_vec());
        let length = key
            .cipher()
            .open_in_place(nonce, Aad::from(header), &mut content)
            .ok()?
            .len();
        content.truncate(length);
        Some(content)
    }
}

fn kind(opener: &Opener) -> u8 {
    match opener {
        Opener::Key(_) => KIND_KEY,
        Opener::Passphrase(_) => KIND_PASSPHRASE,
    }
}

fn header_check(header: &[u8]) -> [u8; 8] {
    first(digest::digest(&digest::SHA256, header).as_ref())
}

fn first<const N: usize>(octets: &[u8]) -> [u8; N] {
    let mut found = [0; N];
    found.copy_from_slice(&octets[..N]);
    found
}
