//! Signing in and out.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{ConnectInfo, Extension, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use mailward_mail::Secret;
use serde::Deserialize;
use tokio::sync::Semaphore;

use crate::guard::{Visitor, cookie, visitor};
use crate::page::{Answered, Layout, Problem, render, see_other};
use crate::session::random_token;
use crate::{Console, PeerAddress, display, links};

/// Passwords tried at once: each takes a core and tens of MB for a while.
const HASHES_AT_ONCE_MAX: usize = 2;
/// Sign-ins that are tried or wait to be; more are asked to come back.
const SIGN_INS_MAX: usize = 32;

/// Longer ones are nobody's; not worth counting or hashing.
const NAME_CHARS_MAX: usize = 128;
const PASSWORD_OCTETS_MAX: usize = 1024;

/// 256 bits in base 64 without padding.
const FORM_TOKEN_CHARS: usize = 43;

/// Limits how many sign-ins run, so that they cannot take the machine's memory.
#[derive(Debug)]
pub(crate) struct Gate {
    waiting: Arc<Semaphore>,
    hashing: Arc<Semaphore>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self {
            waiting: Arc::new(Semaphore::new(SIGN_INS_MAX)),
            hashing: Arc::new(Semaphore::new(HASHES_AT_ONCE_MAX)),
        }
    }
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    layout: Layout<'a>,
    action: &'static str,
    next: &'a str,
    token: &'a str,
    name: &'a str,
    error: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    next: String,
}

/// `GET /console/sign-in`.
pub(crate) async fn form(
    State(console): State<Arc<Console>>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    if visitor(&console, &headers, true).is_some() {
        return see_other(target(&asked.next));
    }
    again(&console, &headers, StatusCode::OK, &asked.next, "", None)
}

#[derive(Deserialize)]
pub(crate) struct Attempt {
    #[serde(default)]
    token: String,
    #[serde(default)]
    name: String,
    #[serde(default = "no_password")]
    password: Secret,
    #[serde(default)]
    next: String,
}

fn no_password() -> Secret {
    Secret::new("")
}

/// `POST /console/sign-in`. An unknown name and a wrong password get the same
/// answer after the same work.
pub(crate) async fn submit(
    State(console): State<Arc<Console>>,
    parts: Parts,
    Form(attempt): Form<Attempt>,
) -> Answered {
    check_form_token(&console, &parts.headers, &attempt.token)?;
    let name = attempt.name.trim();
    let shown = |status, error: String| {
        again(
            &console,
            &parts.headers,
            status,
            &attempt.next,
            name,
            Some(error),
        )
    };

    let is_possible = name.chars().count() <= NAME_CHARS_MAX
        && attempt.password.expose().len() <= PASSWORD_OCTETS_MAX;
    if !is_possible || name.is_empty() || attempt.password.expose().is_empty() {
        return Ok(shown(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Enter your user name and your password".to_owned(),
        ));
    }
    let Ok(_place) = console.gate.waiting.clone().try_acquire_owned() else {
        return Err(Problem::Unavailable(
            "Too many people are signing in at this moment. Try again in a minute.".to_owned(),
        ));
    };
    let from = peer_address(&parts);
    if let Err(wait) = console.throttle.attempt(from, name) {
        return Ok(too_many(&shown, wait));
    }
    if !password_matches(&console, name, attempt.password.clone()).await? {
        tracing::warn!(address = ?from, "a sign-in to the console failed");
        return Ok(shown(
            StatusCode::FORBIDDEN,
            "The user name or the password is not right".to_owned(),
        ));
    }
    console.throttle.succeeded(from, name);
    tracing::info!(user = name, address = ?from, "signed in to the console");
    // A session this browser had before is over: one browser, one session.
    if let Some(old) = cookie(&parts.headers, console.session_cookie()) {
        console.sessions.close(old);
    }
    let session = console.sessions.open(name);
    let mut response = see_other(target(&attempt.next));
    set_cookie(
        &console,
        &mut response,
        console.session_cookie(),
        Some(&session),
    );
    set_cookie(&console, &mut response, console.form_cookie(), None);
    Ok(response)
}

/// `POST /console/sign-out`, behind the guard like every other form.
pub(crate) async fn sign_out(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
) -> Response {
    if let Some(token) = cookie(&headers, console.session_cookie()) {
        console.sessions.close(token);
    }
    tracing::info!(user = visitor.name, "signed out of the console");
    let mut response = see_other(links::SIGN_IN);
    set_cookie(&console, &mut response, console.session_cookie(), None);
    response
}

/// Whether the password is the user's. For a name that is nobody's the decoy
/// is tried, so that the time taken does not tell which names exist.
async fn password_matches(
    console: &Console,
    name: &str,
    password: Secret,
) -> Result<bool, Problem> {
    let user = console.credentials.find(name);
    let hash = match &user {
        Some(user) => user.password.clone(),
        None => console.credentials.decoy(),
    };
    let hashing = console.gate.hashing.clone().acquire_owned().await;
    let matches = tokio::task::spawn_blocking(move || {
        // Held until the work is done, even if the browser has gone away.
        let _hashing = hashing;
        hash.matches(&password)
    })
    .await
    .map_err(|error| {
        tracing::error!(%error, "a password could not be tried");
        Problem::Internal
    })?;
    Ok(matches && user.is_some())
}

/// The sign-in form's own guard against being sent from elsewhere: before
/// there is a session, a cookie that only our form can have repeated.
fn check_form_token(console: &Console, headers: &HeaderMap, sent: &str) -> Result<(), Problem> {
    let kept = cookie(headers, console.form_cookie()).unwrap_or_default();
    if !kept.is_empty() && Secret::new(kept).matches(sent.as_bytes()) {
        Ok(())
    } else {
        Err(Problem::Forged)
    }
}

fn again(
    console: &Console,
    headers: &HeaderMap,
    status: StatusCode,
    next: &str,
    name: &str,
    error: Option<String>,
) -> Response {
    // The same token for every open tab of this browser.
    let token = cookie(headers, console.form_cookie())
        .filter(|kept| kept.len() == FORM_TOKEN_CHARS)
        .map_or_else(|| random_token(&*console.dice), Secret::new);
    let page = if error.is_some() {
        "Error: Sign in"
    } else {
        "Sign in"
    };
    let mut response = render(
        status,
        &SignInPage {
            layout: Layout::new(console, None, links::SIGN_IN, page),
            action: links::SIGN_IN,
            next: target(next),
            token: token.expose(),
            name,
            error,
        },
    );
    set_cookie(console, &mut response, console.form_cookie(), Some(&token));
    response
}

fn too_many(
    shown: &impl Fn(StatusCode, String) -> Response,
    wait: std::time::Duration,
) -> Response {
    let error = format!(
        "Too many sign-ins have failed. Try again in {}",
        display::duration(wait)
    );
    let mut response = shown(StatusCode::TOO_MANY_REQUESTS, error);
    response.headers_mut().insert(
        header::RETRY_AFTER,
        HeaderValue::from(wait.as_secs().max(1)),
    );
    response
}

/// Where to go after sign-in: the page asked for if it is ours.
fn target(next: &str) -> &str {
    links::local_target(next).unwrap_or(links::OVERVIEW)
}

/// Sets a cookie, or with no value takes it away.
fn set_cookie(console: &Console, response: &mut Response, name: &str, value: Option<&Secret>) {
    let secure = if console.secure_cookie {
        "; Secure"
    } else {
        ""
    };
    let (value, age) = match value {
        Some(value) => (value.expose(), ""),
        None => ("", "; Max-Age=0"),
    };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}");
    if let Ok(text) = HeaderValue::from_str(&text) {
        response.headers_mut().append(header::SET_COOKIE, text);
    }
}

fn peer_address(parts: &Parts) -> Option<IpAddr> {
    let told = parts.extensions.get::<PeerAddress>().map(|peer| peer.0);
    told.or_else(|| {
        parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|connected| connected.0.ip())
    })
}
