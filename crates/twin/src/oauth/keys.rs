//! The key that signs tokens. Making 2048 bits of RSA takes up to a few tenths
//! of a second, so it is made beside the start and waited for at first use.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde_json::{Value, json};

/// An RSA key with the names that a key set gives it.
#[derive(Clone)]
pub struct SigningKey(Arc<OnceLock<Material>>);

struct Material {
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

impl Material {
    fn generate() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("the system has randomness");
        let private: Pkcs8V1Der<'static> = pair.as_der().expect("a fresh key has a DER form");
        let pem = pem(private.as_ref());
        let public = pair.public_key();
        let modulus = URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero());
        let exponent = URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero());
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, modulus.as_bytes());
        Self {
            id: URL_SAFE_NO_PAD.encode(&digest.as_ref()[..20]),
            encoding: EncodingKey::from_rsa_pem(pem.as_bytes()).expect("a PKCS #8 key made here"),
            decoding: DecodingKey::from_rsa_components(&modulus, &exponent)
                .expect("modulus and exponent made here"),
            modulus,
            exponent,
        }
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
