//! SASL as SMTP uses it: PLAIN (RFC 4616), LOGIN (the expired
//! draft-murchison-sasl-login, as every server speaks it) and XOAUTH2 (as
//! Exchange Online and Gmail document it).
//!
//! Everything secret is wiped when dropped and never printed.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mailward_mail::Secret;
use zeroize::{Zeroize as _, Zeroizing};

/// The two prompts of LOGIN, in base64: `Username:` and `Password:`.
pub const USERNAME_PROMPT: &str = "VXNlcm5hbWU6";
pub const PASSWORD_PROMPT: &str = "UGFzc3dvcmQ6";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mechanism {
    Plain,
    Login,
    XOAuth2,
}

impl Mechanism {
    pub const ALL: [Self; 3] = [Self::Plain, Self::Login, Self::XOAuth2];

    /// As written in EHLO and AUTH.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::XOAuth2 => "XOAUTH2",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|mechanism| mechanism.as_str().eq_ignore_ascii_case(text))
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who signs in, and by what proof.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// PLAIN or LOGIN.
    Password {
        mechanism: Mechanism,
        /// Whom to act as (PLAIN only); empty for oneself.
        authorization: String,
        username: String,
        password: Secret,
    },
    /// XOAUTH2.
    Bearer { username: String, token: Secret },
}

impl Credentials {
    /// A name and password for PLAIN or LOGIN.
    pub fn password(
        mechanism: Mechanism,
        username: impl Into<String>,
        password: impl Into<Secret>,
    ) -> Self {
        Self::Password {
            mechanism,
            authorization: String::new(),
            username: username.into(),
            password: password.into(),
        }
    }

    pub fn bearer(username: impl Into<String>, token: impl Into<Secret>) -> Self {
        Self::Bearer {
            username: username.into(),
            token: token.into(),
        }
    }

    pub fn mechanism(&self) -> Mechanism {
        match self {
            Self::Password { mechanism, .. } => *mechanism,
            Self::Bearer { .. } => Mechanism::XOAuth2,
        }
    }

    pub fn username(&self) -> &str {
        match self {
            Self::Password { username, .. } | Self::Bearer { username, .. } => username,
        }
    }
}

/// A response that is no base64, or not of the mechanism's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SaslError {
    #[error("the response is not base64")]
    Base64,
    #[error("the response does not have the form of its mechanism")]
    Form,
}

/// `authzid NUL authcid NUL passwd` (RFC 4616 section 2).
pub fn decode_plain(response: &[u8]) -> Result<Credentials, SaslError> {
    let text = decode_text(response)?;
    let mut parts = text.split('\0');
    let (Some(authorization), Some(username), Some(password), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(SaslError::Form);
    };
    if username.is_empty() {
        return Err(SaslError::Form);
    }
    Ok(Credentials::Password {
        mechanism: Mechanism::Plain,
        authorization: authorization.to_owned(),
        username: username.to_owned(),
        password: Secret::new(password),
    })
}

/// `user=NAME ^A auth=Bearer TOKEN ^A ^A`.
pub fn decode_xoauth2(response: &[u8]) -> Result<Credentials, SaslError> {
    let text = decode_text(response)?;
    let fields = text.strip_suffix("\x01\x01").ok_or(SaslError::Form)?;
    let (mut username, mut token) = (None, None);
    for field in fields.split('\x01') {
        match field.split_once('=') {
            Some(("user", name)) if username.is_none() => username = Some(name),
            Some(("auth", scheme)) if token.is_none() => {
                token = scheme
                    .split_once(' ')
                    .filter(|(word, _)| word.eq_ignore_ascii_case("Bearer"))
                    .map(|(_, token)| token.trim());
            }
            _ => return Err(SaslError::Form),
        }
    }
    match (username, token) {
        (Some(username), Some(token)) if !username.is_empty() => {
            Ok(Credentials::bearer(username, Secret::new(token)))
        }
        _ => Err(SaslError::Form),
    }
}

/// One answer of LOGIN, or any response as text.
pub fn decode_text(response: &[u8]) -> Result<Zeroizing<String>, SaslError> {
    let bytes = STANDARD.decode(response).map_err(|_| SaslError::Base64)?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            error.into_bytes().zeroize();
            Err(SaslError::Form)
        }
    }
}

/// The initial response of PLAIN or XOAUTH2, in base64. LOGIN has none here:
/// see [`encode_text`].
pub fn encode_initial(credentials: &Credentials) -> Zeroizing<String> {
    match credentials {
        Credentials::Password {
            authorization,
            username,
            password,
            ..
        } => encode_text(&Zeroizing::new(format!(
            "{authorization}\0{username}\0{}",
            password.expose()
        ))),
        Credentials::Bearer { username, token } => encode_text(&Zeroizing::new(format!(
            "user={username}\x01auth=Bearer {}\x01\x01",
            token.expose()
        ))),
    }
}

pub fn encode_text(text: &str) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(credentials: &Credentials) -> (String, String) {
        match credentials {
            Credentials::Password {
                username, password, ..
            } => (username.clone(), password.expose().to_owned()),
            Credentials::Bearer { username, token } => {
                (username.clone(), token.expose().to_owned())
            }
        }
    }

    #[test]
    fn there_and_back() {
        let plain = Credentials::password(Mechanism::Plain, "pat", "pass word".to_owned());
        let again = decode_plain(encode_initial(&plain).as_bytes()).expect("PLAIN");
        assert_eq!(read(&again), read(&plain));

        let bearer = Credentials::bearer("pat@northmoor.example", "ey.J.x".to_owned());
        let again = decode_xoauth2(encode_initial(&bearer).as_bytes()).expect("XOAUTH2");
        assert_eq!(read(&again), read(&bearer));

        assert_eq!(encode_text("Username:").as_str(), USERNAME_PROMPT);
        assert_eq!(encode_text("Password:").as_str(), PASSWORD_PROMPT);
    }

    #[test]
    fn refuses_other_forms() {
        use SaslError::{Base64, Form};
        for (text, error) in [
            ("", Form),
            ("a", Form),
            ("a\0b", Form),
            ("\0\0secret", Form),
            ("a\0b\0c\0d", Form),
        ] {
            let response = encode_text(text);
            assert_eq!(decode_plain(response.as_bytes()).err(), Some(error));
        }
        for text in [
            "",
            "user=pat\x01auth=Bearer t\x01",
            "user=pat\x01\x01",
            "auth=Bearer t\x01\x01",
            "user=\x01auth=Bearer t\x01\x01",
            "user=pat\x01auth=Basic t\x01\x01",
            "user=pat\x01auth=Bearer t\x01host=x\x01\x01",
        ] {
            let response = encode_text(text);
            assert_eq!(decode_xoauth2(response.as_bytes()).err(), Some(Form));
        }
        assert_eq!(decode_plain(b"!!").err(), Some(Base64));
        assert_eq!(decode_plain(b"/w==").err(), Some(Form));
    }

    #[test]
    fn never_prints_a_secret() {
        let shown = format!("{:?}", Credentials::bearer("pat", "token-17".to_owned()));
        assert!(shown.contains("pat") && !shown.contains("token-17"));
    }
}
