//! The token endpoint (`/{tenant}/oauth2/v2.0/token`), discovery and key set.
//!
//! Grants: `client_credentials` (RFC 6749 section 4.4) and `password`
//! (section 4.3). Errors carry the AADSTS number and text that the identity
//! platform gives for the same mistake.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::Engine as _;
use mailward_mail::{Address, Secret};
use serde::Deserialize;
use serde_json::{Value, json};

use super::token::{Grant, OUTLOOK_AUDIENCE, TOKEN_SECONDS, Tokens};
use crate::accounts::{Accounts, Refusal, SignIn};
use crate::events::EventLog;

#[derive(Clone, Debug)]
struct Endpoint {
    tokens: Tokens,
    accounts: Accounts,
    events: EventLog,
    /// The tenant's mail domain; it names the tenant as well as the id does.
    domain: String,
}

/// The identity service's pages, for the twin's HTTPS endpoint.
pub(crate) fn router(
    tokens: Tokens,
    accounts: Accounts,
    events: EventLog,
    domain: String,
) -> Router {
    Router::new()
        .route("/{tenant}/oauth2/v2.0/token", post(token))
        .route(
            "/{tenant}/v2.0/.well-known/openid-configuration",
            get(discovery),
        )
        .route("/{tenant}/discovery/v2.0/keys", get(keys))
        .with_state(Endpoint {
            tokens,
            accounts,
            events,
            domain,
        })
}

#[derive(Debug, Default, Deserialize)]
struct TokenForm {
    grant_type: Option<String>,
    client_id: Option<String>,
    client_secret: Option<Secret>,
    scope: Option<String>,
    username: Option<String>,
    password: Option<Secret>,
}

async fn token(
    State(endpoint): State<Endpoint>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    form: Result<Form<TokenForm>, axum::extract::rejection::FormRejection>,
) -> Response {
    let form = form.map(|Form(form)| form).unwrap_or_default();
    let answer = endpoint
        .check_tenant(&tenant)
        .and_then(|()| with_basic(form, &headers));
    match answer {
        Ok(form) => match endpoint.grant(form).await {
            Ok(answer) => (StatusCode::OK, no_store(), Json(answer)).into_response(),
            Err(error) => endpoint.refuse(&error),
        },
        Err(error) => endpoint.refuse(&error),
    }
}

/// A refusal as the identity platform words it.
#[derive(Debug)]
struct OAuthError {
    status: StatusCode,
    error: &'static str,
    number: u32,
    text: String,
}

fn error(
    status: StatusCode,
    error: &'static str,
    number: u32,
    text: impl Into<String>,
) -> OAuthError {
    OAuthError {
        status,
        error,
        number,
        text: text.into(),
    }
}

fn missing(field: &str) -> OAuthError {
    error(
        StatusCode::BAD_REQUEST,
        "invalid_request",
        900_144,
        format!("The request body must contain the following parameter: '{field}'."),
    )
}

/// Client id and secret may come as HTTP Basic too (RFC 6749 section 2.3.1).
fn with_basic(mut form: TokenForm, headers: &HeaderMap) -> Result<TokenForm, OAuthError> {
    let Some(value) = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
    else {
        return Ok(form);
    };
    let decoded = value
        .strip_prefix("Basic ")
        .and_then(|text| {
            base64::engine::general_purpose::STANDARD
                .decode(text.trim())
                .ok()
        })
        .and_then(|octets| String::from_utf8(octets).ok());
    match decoded.as_deref().and_then(|text| text.split_once(':')) {
        Some((id, secret)) => {
            form.client_id.get_or_insert_with(|| id.to_owned());
            form.client_secret
                .get_or_insert_with(|| Secret::new(secret));
            Ok(form)
        }
        None => Err(error(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            900_023,
            "The Authorization header holds no client id and secret.",
        )),
    }
}

impl Endpoint {
    fn check_tenant(&self, tenant: &str) -> Result<(), OAuthError> {
        let known = tenant.eq_ignore_ascii_case(&self.tokens.tenant_id)
            || tenant.eq_ignore_ascii_case(&self.domain)
            || tenant == "organizations";
        if known {
            return Ok(());
        }
        Err(error(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            90_002,
            format!(
                "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud."
            ),
        ))
    }

    async fn grant(&self, form: TokenForm) -> Result<Value, OAuthError> {
        let grant_type = form
            .grant_type
            .as_deref()
            .ok_or_else(|| missing("grant_type"))?;
        match grant_type {
            "client_credentials" => self.client_credentials(&form),
            "password" => self.password(&form).await,
            other => Err(error(
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                70_003,
                format!("The app requested an unsupported grant type '{other}'."),
            )),
        }
    }

    fn client_credentials(&self, form: &TokenForm) -> Result<Value, OAuthError> {
        let client_id = form
            .client_id
            .as_deref()
            .ok_or_else(|| missing("client_id"))?;
        let registration = self
            .tokens
            .registrations
            .find(client_id)
            .ok_or_else(|| unknown_client(client_id))?;
        let secret = form.client_secret.as_ref().ok_or_else(|| {
            error(
                StatusCode::UNAUTHORIZED,
                "invalid_client",
                7_000_216,
                "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
            )
        })?;
        if !registration
            .client_secret
            .matches(secret.expose().as_bytes())
        {
            return Err(error(
                StatusCode::UNAUTHORIZED,
                "invalid_client",
                7_000_215,
                format!(
                    "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{client_id}'."
                ),
            ));
        }
        let scope = form.scope.as_deref().ok_or_else(|| missing("scope"))?;
        let audience = default_scope_audience(scope).ok_or_else(|| {
            error(
                StatusCode::BAD_REQUEST,
                "invalid_scope",
                1_002_012,
                format!("The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI)."),
            )
        })?;
        let grant = Grant::Application {
            client_id: registration.client_id.clone(),
            roles: registration.roles.clone(),
        };
        self.answer(&grant, audience, None)
    }

    async fn password(&self, form: &TokenForm) -> Result<Value, OAuthError> {
        let client_id = form
            .client_id
            .as_deref()
            .ok_or_else(|| missing("client_id"))?;
        if self.tokens.registrations.find(client_id).is_none() {
            return Err(unknown_client(client_id));
        }
        let username = form
            .username
            .as_deref()
            .ok_or_else(|| missing("username"))?;
        let password = form.password.as_ref().ok_or_else(|| missing("password"))?;
        let refused = || {
            error(
                StatusCode::BAD_REQUEST,
                "invalid_grant",
                50_126,
                "Error validating credentials due to invalid username or password.",
            )
        };
        let address = Address::parse(username).map_err(|_| refused())?;
        match self.accounts.sign_in(&address, password).await {
            SignIn::Accepted(_) => {}
            SignIn::Refused(refusal) => {
                let user = Some(address.as_str());
                let (why, behaviour) = (refusal.why(), refusal.behaviour());
                self.events.punish("oauth", "refused", user, why, behaviour);
                return Err(account_refused(refusal).unwrap_or_else(refused));
            }
        }
        let scopes = delegated_scopes(form.scope.as_deref().unwrap_or_default());
        let grant = Grant::User {
            client_id: client_id.to_owned(),
            address,
            scopes: scopes.clone(),
        };
        self.answer(&grant, OUTLOOK_AUDIENCE, Some(scopes.join(" ")))
    }

    fn answer(
        &self,
        grant: &Grant,
        audience: &str,
        scope: Option<String>,
    ) -> Result<Value, OAuthError> {
        let token = self.tokens.issue(grant, audience).map_err(|problem| {
            error(
                StatusCode::INTERNAL_SERVER_ERROR,
                "server_error",
                90_033,
                problem,
            )
        })?;
        let mut answer = json!({
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "ext_expires_in": TOKEN_SECONDS,
            "access_token": token,
        });
        if let Some(scope) = scope {
            answer["scope"] = json!(scope);
        }
        Ok(answer)
    }

    fn refuse(&self, error: &OAuthError) -> Response {
        let now = self.tokens.clock.now().to_rfc3339();
        let timestamp = format!("{} {}Z", &now[..10], &now[11..19]);
        let (trace, correlation) = (guid(&*self.tokens.dice), guid(&*self.tokens.dice));
        let body = json!({
            "error": error.error,
            "error_description": format!(
                "AADSTS{}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}",
                error.number, error.text
            ),
            "error_codes": [error.number],
            "timestamp": timestamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("https://login.microsoftonline.com/error?code={}", error.number),
        });
        (error.status, no_store(), Json(body)).into_response()
    }
}

/// What the identity platform says of accounts that do not open; it says so
/// only to who knows the right password, or of a locked one.
fn account_refused(refusal: Refusal) -> Option<OAuthError> {
    let (number, text) = match refusal {
        Refusal::Locked | Refusal::WrongPasswordLocks { .. } => (
            50_053,
            "You've tried to sign in too many times with an incorrect user ID or password.",
        ),
        Refusal::Disabled => (
            50_057,
            "The user account is disabled. The account has been disabled by an administrator.",
        ),
        Refusal::PasswordExpired | Refusal::PasswordMustChange => {
            (50_055, "The password is expired.")
        }
        Refusal::NoSuchAccount | Refusal::WrongPassword | Refusal::SharedMailbox => return None,
    };
    let status = StatusCode::BAD_REQUEST;
    Some(error(status, "invalid_grant", number, text))
}

fn unknown_client(client_id: &str) -> OAuthError {
    error(
        StatusCode::BAD_REQUEST,
        "unauthorized_client",
        700_016,
        format!(
            "Application with identifier '{client_id}' was not found in the directory. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant."
        ),
    )
}

fn no_store() -> [(header::HeaderName, &'static str); 2] {
    [
        (header::CACHE_CONTROL, "no-store, no-cache"),
        (header::PRAGMA, "no-cache"),
    ]
}

/// `https://outlook.office365.com/.default` and its spelling without `365`.
fn default_scope_audience(scope: &str) -> Option<&str> {
    let resource = scope.trim().strip_suffix("/.default")?;
    match resource {
        "https://outlook.office365.com" | "https://outlook.office.com" => Some(OUTLOOK_AUDIENCE),
        _ if resource.starts_with("https://") && !resource.contains(' ') => Some(resource),
        _ => None,
    }
}

/// The last part of each scope; all mail scopes when none was asked for.
fn delegated_scopes(asked: &str) -> Vec<String> {
    let mail = ["SMTP.Send", "IMAP.AccessAsUser.All", "POP.AccessAsUser.All"];
    let named: Vec<String> = asked
        .split_whitespace()
        .filter_map(|scope| scope.rsplit('/').next())
        .filter(|scope| mail.contains(scope))
        .map(str::to_owned)
        .collect();
    if named.is_empty() {
        mail.map(str::to_owned).to_vec()
    } else {
        named
    }
}

async fn discovery(
    State(endpoint): State<Endpoint>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
) -> Response {
    if let Err(error) = endpoint.check_tenant(&tenant) {
        return endpoint.refuse(&error);
    }
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("login.microsoftonline.com");
    let id = &endpoint.tokens.tenant_id;
    Json(json!({
        "token_endpoint": format!("https://{host}/{id}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "jwks_uri": format!("https://{host}/{id}/discovery/v2.0/keys"),
        "issuer": format!("https://sts.windows.net/{id}/"),
        "grant_types_supported": ["client_credentials", "password"],
        "response_types_supported": ["token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }))
    .into_response()
}

async fn keys(State(endpoint): State<Endpoint>, Path(tenant): Path<String>) -> Response {
    match endpoint.check_tenant(&tenant) {
        Ok(()) => Json(endpoint.tokens.key.to_jwks()).into_response(),
        Err(error) => endpoint.refuse(&error),
    }
}

/// A random GUID, version 4.
pub fn guid(dice: &dyn mailward_mail::Dice) -> String {
    let (high, low) = (dice.next_u64(), dice.next_u64());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | ((low >> 48) & 0x3fff),
        low & 0xffff_ffff_ffff
    )
}
