//! Access tokens by client credentials (RFC 6749 section 4.4): fetched when
//! first needed, kept, and fetched anew before they expire.

use std::sync::Arc;
use std::time::Duration;

use mailward_mail::{Clock, Secret, Timestamp};
use mailward_net::http::{HttpClient, HttpError};
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::secrets::LiveSecret;

/// A token this close to its end is fetched anew: a connection that signs in
/// with it should not be refused for the time it took to open.
const REFRESH_BEFORE_EXPIRY: Duration = Duration::from_secs(5 * 60);

/// Where tokens for one account come from. Clones share the kept token.
#[derive(Clone, Debug)]
pub struct TokenSource(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: TokenSettings,
    http: HttpClient,
    clock: Arc<dyn Clock>,
    /// Held while a token is fetched, so that one fetch serves all who wait.
    kept: Mutex<Option<Kept>>,
}

/// One `[oauth.NAME]` table of the configuration, secrets resolved.
#[derive(Clone, Debug)]
pub struct TokenSettings {
    /// `https://login.microsoftonline.com/TENANT/oauth2/v2.0/token`.
    pub token_url: String,
    pub client_id: String,
    pub client_secret: LiveSecret,
    /// `https://outlook.office365.com/.default` for SMTP.
    pub scope: String,
}

#[derive(Debug)]
struct Kept {
    token: Secret,
    expires_at: Timestamp,
}

/// Why there is no token, by whose move it is.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The identity service refused the client: trying again changes nothing
    /// until somebody changes the registration or its secret.
    #[error("the token was refused: {status} {error}: {description}")]
    Refused {
        status: u16,
        error: String,
        description: String,
    },
    /// It may work later.
    #[error("no token at the moment: {0}")]
    Unavailable(String),
}

impl From<HttpError> for TokenError {
    fn from(error: HttpError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: Secret,
    expires_in: u64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refused {
    error: String,
    error_description: String,
}

impl TokenSource {
    pub fn new(settings: TokenSettings, http: HttpClient, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner {
            settings,
            http,
            clock,
            kept: Mutex::new(None),
        }))
    }

    /// The version of the client's secret as it is now: what the breaker
    /// watches.
    pub fn credential_version(&self) -> String {
        self.0.settings.client_secret.current().version
    }

    /// The client that tokens are granted to, by its public identifier. Its
    /// secret is the same for every account that it stands for.
    pub fn client_id(&self) -> &str {
        &self.0.settings.client_id
    }

    /// A token that is here, with time left.
    pub async fn kept(&self) -> Option<Secret> {
        self.with_time_left(&*self.0.kept.lock().await)
    }

    fn with_time_left(&self, kept: &Option<Kept>) -> Option<Secret> {
        let soon = self.0.clock.now().plus(REFRESH_BEFORE_EXPIRY);
        let kept = kept.as_ref().filter(|kept| kept.expires_at > soon);
        kept.map(|kept| kept.token.clone())
    }

    /// A token with time left.
    pub async fn token(&self) -> Result<Secret, TokenError> {
        let mut kept = self.0.kept.lock().await;
        if let Some(token) = self.with_time_left(&kept) {
            return Ok(token);
        }
        let fresh = self.fetch().await?;
        let token = fresh.token.clone();
        *kept = Some(fresh);
        Ok(token)
    }

    /// Forgets the kept token, since a server refused it.
    pub async fn forget(&self) {
        *self.0.kept.lock().await = None;
    }

    async fn fetch(&self) -> Result<Kept, TokenError> {
        let asked_at = self.0.clock.now();
        let settings = &self.0.settings;
        let client_secret = settings.client_secret.current().secret;
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", settings.client_id.as_str()),
            ("client_secret", client_secret.expose()),
            ("scope", settings.scope.as_str()),
        ];
        let response = self.0.http.post_form(&settings.token_url, &fields).await?;
        match response.status.as_u16() {
            200 => {
                let granted: Granted = serde_json::from_slice(&response.body).map_err(|error| {
                    TokenError::Unavailable(format!("the token answer can't be read: {error}"))
                })?;
                let lifetime = Duration::from_secs(granted.expires_in);
                Ok(Kept {
                    token: granted.access_token,
                    expires_at: asked_at.plus(lifetime),
                })
            }
            // RFC 6749 section 5.2 has 400 and 401 for refusals; all else may pass.
            status @ (400 | 401) => {
                let refused: Refused = serde_json::from_slice(&response.body).unwrap_or_default();
                Err(TokenError::Refused {
                    status,
                    error: refused.error,
                    description: first_sentence(&refused.error_description),
                })
            }
            status => Err(TokenError::Unavailable(format!(
                "the token endpoint answered {status}"
            ))),
        }
    }
}

/// Trace ids and the like are for the identity service's own people.
fn first_sentence(description: &str) -> String {
    const CHARACTERS_MAX: usize = 200;
    let end = description.find(" Trace ID:").unwrap_or(description.len());
    description[..end]
        .chars()
        .filter(|char| !char.is_control())
        .take(CHARACTERS_MAX)
        .collect()
}
