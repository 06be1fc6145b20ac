//! The key that signs tokens. Making 2048 bits of RSA takes up to a few tenths
//! of a second, so it is made beside the start and waited for at first use.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey};
use mailward_net::Tasks;
use serde_json::{Value, json};

use crate::error::TwinError;
use crate::kept::{Kept, Kind};

/// An RSA key with the names that a key set gives it.
#[derive(Clone)]
pub struct SigningKey(Arc<OnceLock<Material>>);

struct Material {
    /// PKCS #8.
    private: Vec<u8>,
    id: String,
    modulus: String,
    exponent: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl SigningKey {
    /// Starts making a key on a thread of its own and returns at once.
    pub fn make() -> Self {
        let slot = Arc::new(OnceLock::new());
        let maker = Arc::clone(&slot);
        // Should the thread not start, the first use makes the key itself.
        let _ = std::thread::Builder::new()
            .name("signing-key".to_owned())
            .spawn(move || {
                maker.get_or_init(Material::generate);
            });
        Self(slot)
    }

    /// The key of an earlier run, or one that later runs will have: it is
    /// written down once it is made, by a task that nobody waits for.
    pub(crate) async fn kept(kept: Kept, tasks: &Tasks) -> Result<Self, TwinError> {
        let rows: Vec<(String, String)> = kept.all(Kind::SigningKey).await?;
        if let Some((_, text)) = rows.first() {
            let private = base64::engine::general_purpose::STANDARD.decode(text);
            let material = private
                .ok()
                .and_then(|private| Material::read(private).ok());
            let material = material.ok_or_else(|| {
                TwinError::Seed(
                    "the signing key that is kept cannot be read; start with another folder"
                        .to_owned(),
                )
            })?;
            return Ok(Self(Arc::new(OnceLock::from(material))));
        }
        let key = Self::make();
        let made = key.clone();
        tasks.spawn("twin signing key", async move {
            let text = tokio::task::spawn_blocking(move || {
                let private = &made.material().private;
                base64::engine::general_purpose::STANDARD.encode(private)
            });
            let Ok(text) = text.await else { return };
            if let Err(error) = kept.put(Kind::SigningKey, "", &text).await {
                tracing::warn!(%error, "the signing key could not be kept");
            }
        });
        Ok(key)
    }

    fn material(&self) -> &Material {
        self.0.get_or_init(Material::generate)
    }

    pub(crate) fn id(&self) -> &str {
        &self.material().id
    }

    pub(crate) fn encoding(&self) -> &EncodingKey {
        &self.material().encoding
    }

    pub(crate) fn decoding(&self) -> &DecodingKey {
        &self.material().decoding
    }

    /// The key set of RFC 7517 as the discovery document points to it.
    pub(crate) fn to_jwks(&self) -> Value {
        let key = self.material();
        json!({ "keys": [{
            "kty": "RSA", "use": "sig", "alg": "RS256",
            "kid": key.id, "x5t": key.id, "n": key.modulus, "e": key.exponent,
        }] })
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(***)")
    }
}

/// No key that signs tokens here.
#[derive(Clone, Copy, Debug)]
struct Unreadable;

impl Material {
    fn generate() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("the system has randomness");
        let private: Pkcs8V1Der<'static> = pair.as_der().expect("a fresh key has a DER form");
        Self::of(&pair, private.as_ref().to_vec()).expect("a PKCS #8 key made here")
    }

    fn read(private: Vec<u8>) -> Result<Self, Unreadable> {
        let pair = KeyPair::from_pkcs8(&private).map_err(|_| Unreadable)?;
        Self::of(&pair, private)
    }

    fn of(pair: &KeyPair, private: Vec<u8>) -> Result<Self, Unreadable> {
        let pem = pem(&private);
        let public = pair.public_key();
        let modulus = URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero());
        let exponent = URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero());
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, modulus.as_bytes());
        let encoding = EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| Unreadable)?;
        let decoding = DecodingKey::from_rsa_components(&modulus, &exponent);
        Ok(Self {
            private,
            id: URL_SAFE_NO_PAD.encode(&digest.as_ref()[..20]),
            encoding,
            decoding: decoding.map_err(|_| Unreadable)?,
            modulus,
            exponent,
        })
    }
}

fn pem(der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap_or_default())
        .collect();
    format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        lines.join("\n")
    )
}
