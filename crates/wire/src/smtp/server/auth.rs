//! The exchanges of AUTH (RFC 4954 section 4), from its first word to the
//! credentials. Whether they are right is asked of others.

use mailward_mail::Secret;
use zeroize::Zeroizing;

use super::super::sasl::{
    Credentials, Mechanism, PASSWORD_PROMPT, SaslError, USERNAME_PROMPT, decode_plain, decode_text,
    decode_xoauth2,
};

/// Which response is awaited.
#[derive(Debug)]
pub(super) enum Exchange {
    Plain,
    LoginUsername,
    LoginPassword { username: Zeroizing<String> },
    XOAuth2,
}

/// What follows from a response.
#[derive(Debug)]
pub(super) enum Next {
    /// 334 with this challenge, already in base64.
    Challenge(Exchange, &'static str),
    Credentials(Credentials),
}

impl Exchange {
    /// Begins with the initial response, if the client gave one.
    pub(super) fn start(mechanism: Mechanism, initial: Option<&str>) -> Result<Next, SaslError> {
        let exchange = match mechanism {
            Mechanism::Plain => Self::Plain,
            Mechanism::Login => Self::LoginUsername,
            Mechanism::XOAuth2 => Self::XOAuth2,
        };
        match initial {
            None => {
                let challenge = match mechanism {
                    Mechanism::Plain | Mechanism::XOAuth2 => "",
                    Mechanism::Login => USERNAME_PROMPT,
                };
                Ok(Next::Challenge(exchange, challenge))
            }
            // A lone equals sign is an empty response.
            Some("=") => exchange.respond(b""),
            Some(response) => exchange.respond(response.as_bytes()),
        }
    }

    pub(super) fn respond(self, response: &[u8]) -> Result<Next, SaslError> {
        match self {
            Self::Plain => decode_plain(response).map(Next::Credentials),
            Self::XOAuth2 => decode_xoauth2(response).map(Next::Credentials),
            Self::LoginUsername => {
                let username = decode_text(response)?;
                if username.is_empty() {
                    return Err(SaslError::Form);
                }
                Ok(Next::Challenge(
                    Self::LoginPassword { username },
                    PASSWORD_PROMPT,
                ))
            }
            Self::LoginPassword { username } => {
                let password = decode_text(response)?;
                Ok(Next::Credentials(Credentials::password(
                    Mechanism::Login,
                    username.as_str(),
                    Secret::new(password.as_str()),
                )))
            }
        }
    }

    pub(super) fn mechanism(&self) -> Mechanism {
        match self {
            Self::Plain => Mechanism::Plain,
            Self::LoginUsername | Self::LoginPassword { .. } => Mechanism::Login,
            Self::XOAuth2 => Mechanism::XOAuth2,
        }
    }
}
