//! Who is at the door: SASL mechanisms and what they show.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use mailward_mail::Secret;
use zeroize::Zeroizing;

/// A SASL mechanism.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mechanism {
    Plain,
    XOAuth2,
    Other(String),
}

impl Mechanism {
    pub fn named(name: &str) -> Self {
        match name.to_ascii_uppercase().as_str() {
            "PLAIN" => Self::Plain,
            "XOAUTH2" => Self::XOAuth2,
            other => Self::Other(other.to_owned()),
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Self::Plain => "PLAIN",
            Self::XOAuth2 => "XOAUTH2",
            Self::Other(name) => name,
        }
    }
}

/// What a client showed at the door.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// LOGIN.
    Login { user: String, password: Secret },
    /// AUTHENTICATE PLAIN (RFC 4616). `authorization` is empty unless the
    /// client wants to act as somebody else.
    Plain {
        authorization: String,
        user: String,
        password: Secret,
    },
    /// AUTHENTICATE XOAUTH2: `user=…^Aauth=Bearer …^A^A`.
    XOAuth2 { user: String, token: Secret },
}

impl Credentials {
    /// Reads the decoded response of a mechanism; `None` when it is malformed
    /// or the mechanism is none of ours.
    pub fn parse(mechanism: &Mechanism, response: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(response).ok()?;
        match mechanism {
            Mechanism::Plain => {
                let mut fields = text.split('\0');
                let (authorization, user, password) =
                    (fields.next()?, fields.next()?, fields.next()?);
                if fields.next().is_some() || user.is_empty() {
                    return None;
                }
                Some(Self::Plain {
                    authorization: authorization.to_owned(),
                    user: user.to_owned(),
                    password: Secret::new(password),
                })
            }
            Mechanism::XOAuth2 => {
                let mut user = None;
                let mut token = None;
                for field in text.split('\u{1}') {
                    match field.split_once('=') {
                        Some(("user", value)) => user = Some(value),
                        Some(("auth", value)) => token = bearer(value),
                        _ => {}
                    }
                }
                Some(Self::XOAuth2 {
                    user: user?.to_owned(),
                    token: Secret::new(token?),
                })
            }
            Mechanism::Other(_) => None,
        }
    }

    /// The response of AUTHENTICATE that shows it, in Base64.
    pub fn to_response(&self) -> Zeroizing<String> {
        let text = Zeroizing::new(match self {
            Self::Login { user, password } => format!("\0{user}\0{}", password.expose()),
            Self::Plain {
                authorization,
                user,
                password,
            } => format!("{authorization}\0{user}\0{}", password.expose()),
            Self::XOAuth2 { user, token } => {
                format!("user={user}\u{1}auth=Bearer {}\u{1}\u{1}", token.expose())
            }
        });
        Zeroizing::new(BASE64.encode(text.as_bytes()))
    }

    /// The secret shown, whatever its kind.
    pub fn secret(&self) -> &Secret {
        match self {
            Self::Login { password, .. } | Self::Plain { password, .. } => password,
            Self::XOAuth2 { token, .. } => token,
        }
    }
}

/// The token after `Bearer `, whose scheme may be in any case (RFC 9110
/// section 11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_mechanism_responses() {
        let plain = Credentials::parse(&Mechanism::Plain, b"\0asha\0pass word").expect("plain");
        assert!(
            matches!(plain, Credentials::Plain { user, password, authorization }
            if user == "asha" && password.matches(b"pass word") && authorization.is_empty())
        );
        let token = b"user=asha@northmoor.example\x01auth=Bearer a.b.c\x01\x01";
        let oauth = Credentials::parse(&Mechanism::XOAuth2, token).expect("xoauth2");
        assert!(matches!(oauth, Credentials::XOAuth2 { user, token }
            if user == "asha@northmoor.example" && token.matches(b"a.b.c")));
    }

    #[test]
    fn refuses_malformed_responses() {
        for (mechanism, response) in [
            (Mechanism::Plain, &b""[..]),
            (Mechanism::Plain, b"asha\0password"),
            (Mechanism::Plain, b"\0\0password"),
            (Mechanism::Plain, b"\0a\0b\0c"),
            (Mechanism::Plain, b"\0\xff\0b"),
            (Mechanism::XOAuth2, b"user=asha"),
            (Mechanism::XOAuth2, b"auth=Bearer a\x01\x01"),
            (Mechanism::XOAuth2, b"user=a\x01auth=Basic b\x01\x01"),
            (Mechanism::named("login"), b"\0a\0b"),
        ] {
            assert!(
                Credentials::parse(&mechanism, response).is_none(),
                "{mechanism:?} {response:?}"
            );
        }
    }
}
