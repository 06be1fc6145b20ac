//! Access tokens: what they claim, how they are issued, how they are judged.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, Header, Validation};
use mailward_mail::{Address, Clock, Dice};
use serde::{Deserialize, Serialize};

use super::keys::SigningKey;
use super::registration::Registrations;

/// How long a token lasts: an hour less a second, as the service grants.
pub(crate) const TOKEN_SECONDS: i64 = 3599;

/// The audience of tokens for SMTP, IMAP and POP.
pub(crate) const OUTLOOK_AUDIENCE: &str = "https://outlook.office365.com";

/// Who a token was given to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// Client credentials: an application by itself, with application roles.
    Application {
        client_id: String,
        roles: Vec<String>,
    },
    /// A user through an application, with delegated scopes.
    User {
        client_id: String,
        address: Address,
        scopes: Vec<String>,
    },
}

/// What a client wants to do with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Smtp,
    Imap,
    Pop,
}

impl Access {
    fn role(self) -> &'static str {
        match self {
            Self::Smtp => "SMTP.SendAsApp",
            Self::Imap => "IMAP.AccessAsApp",
            Self::Pop => "POP.AccessAsApp",
        }
    }

    fn scope(self) -> &'static str {
        match self {
            Self::Smtp => "SMTP.Send",
            Self::Imap => "IMAP.AccessAsUser.All",
            Self::Pop => "POP.AccessAsUser.All",
        }
    }
}

/// Why a token opens nothing. The client hears none of this; the event log does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("the token is no JWT signed by this tenant: {0}")]
    Signature(String),
    #[error("the token is for {0:?}, not for {OUTLOOK_AUDIENCE}")]
    Audience(String),
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    NotYet,
    #[error("the token lacks {0}")]
    Permission(&'static str),
    #[error("the application registration has gone")]
    Registration,
    #[error("the token's holder has no right to the mailbox {0}")]
    Mailbox(Address),
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    aud: String,
    iss: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    appid: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    roles: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scp: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    upn: Option<String>,
    sub: String,
    tid: String,
    uti: String,
    ver: String,
}

/// Issues and judges the tokens of one tenant.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub(crate) tenant_id: String,
    pub(crate) key: SigningKey,
    pub(crate) registrations: Registrations,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) dice: Arc<dyn Dice>,
}

impl Tokens {
    pub fn new(
        tenant_id: String,
        key: SigningKey,
        registrations: Registrations,
        clock: Arc<dyn Clock>,
        dice: Arc<dyn Dice>,
    ) -> Self {
        Self {
            tenant_id,
            key,
            registrations,
            clock,
            dice,
        }
    }

    /// A signed token for `audience`.
    pub(crate) fn issue(&self, grant: &Grant, audience: &str) -> Result<String, String> {
        let now = self.clock.now().as_millis() / 1000;
        let (client_id, roles, scp, upn) = match grant {
            Grant::Application { client_id, roles } => (client_id, roles.clone(), None, None),
            Grant::User {
                client_id,
                address,
                scopes,
            } => (
                client_id,
                Vec::new(),
                Some(scopes.join(" ")),
                Some(address.as_str().to_owned()),
            ),
        };
        let claims = Claims {
            aud: audience.to_owned(),
            iss: format!("https://sts.windows.net/{}/", self.tenant_id),
            iat: now,
            // Five minutes back, as the service allows for clocks that differ.
            nbf: now - 300,
            exp: now + TOKEN_SECONDS,
            appid: client_id.clone(),
            roles,
            scp,
            sub: upn.clone().unwrap_or_else(|| client_id.clone()),
            upn,
            tid: self.tenant_id.clone(),
            uti: format!("{:016x}", self.dice.next_u64()),
            ver: "1.0".to_owned(),
        };
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.key.id().to_owned());
        header.x5t = header.kid.clone();
        jsonwebtoken::encode(&header, &claims, self.key.encoding())
            .map_err(|error| error.to_string())
    }

    /// Whether `token` lets its holder use `mailbox` for `access`: signature,
    /// audience, time, role or scope, and the right to that mailbox, which is
    /// a user's own or one that `full_access` lets the user into.
    pub fn verify(
        &self,
        token: &str,
        access: Access,
        mailbox: &Address,
        full_access: &[Address],
    ) -> Result<Grant, TokenError> {
        let claims = self.read(token)?;
        if claims.aud.trim_end_matches('/') != OUTLOOK_AUDIENCE {
            return Err(TokenError::Audience(claims.aud));
        }
        let now = self.clock.now().as_millis() / 1000;
        if now >= claims.exp {
            return Err(TokenError::Expired);
        }
        if now < claims.nbf {
            return Err(TokenError::NotYet);
        }
        match (claims.scp, claims.upn) {
            (Some(scopes), Some(upn)) => {
                let scopes: Vec<String> = scopes.split(' ').map(str::to_owned).collect();
                if !scopes.iter().any(|scope| scope == access.scope()) {
                    return Err(TokenError::Permission(access.scope()));
                }
                let address =
                    Address::parse(&upn).map_err(|_| TokenError::Mailbox(mailbox.clone()))?;
                if address != *mailbox && !full_access.contains(&address) {
                    return Err(TokenError::Mailbox(mailbox.clone()));
                }
                Ok(Grant::User {
                    client_id: claims.appid,
                    address,
                    scopes,
                })
            }
            _ => {
                if !claims.roles.iter().any(|role| role == access.role()) {
                    return Err(TokenError::Permission(access.role()));
                }
                let registration = self
                    .registrations
                    .find(&claims.appid)
                    .ok_or(TokenError::Registration)?;
                if !registration.may_use(mailbox) {
                    return Err(TokenError::Mailbox(mailbox.clone()));
                }
                Ok(Grant::Application {
                    client_id: claims.appid,
                    roles: claims.roles,
                })
            }
        }
    }

    fn read(&self, token: &str) -> Result<Claims, TokenError> {
        // Times are judged above, on the twin's clock; the library knows only the system's.
        let mut validation = Validation::new(Algorithm::RS256);
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        validation.set_required_spec_claims::<&str>(&[]);
        validation.set_issuer(&[format!("https://sts.windows.net/{}/", self.tenant_id)]);
        jsonwebtoken::decode::<Claims>(token, self.key.decoding(), &validation)
            .map(|data| data.claims)
            .map_err(|error| TokenError::Signature(error.to_string()))
    }
}
