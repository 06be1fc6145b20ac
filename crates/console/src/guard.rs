//! What stands before the pages: headers on every answer, a session for every
//! page, and the session's token on every form.

use std::sync::Arc;

use axum::Form;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use mailward_mail::Secret;

use crate::credentials::Role;
use crate::page::{Problem, see_other, with_problem_page};
use crate::{Console, links};

/// The most octets of a form; the largest, sign-in, needs a tenth.
pub(crate) const FORM_OCTETS_MAX: usize = 16 * 1024;

/// Nothing but our own stylesheet, script, images and frames, no script in the
/// page itself; it listens here alone; forms come back here; nobody frames us.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
                           connect-src 'self'; img-src 'self' data:; frame-src 'self'; form-action 'self'; frame-ancestors 'none'; \
                           base-uri 'none'";

/// Who looks at a page.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    pub(crate) name: String,
    pub(crate) role: Role,
    csrf: Secret,
}

impl Visitor {
    /// What forms carry in the field `csrf`.
    pub(crate) fn csrf(&self) -> &str {
        self.csrf.expose()
    }

    pub(crate) fn require(&self, role: Role) -> Result<(), Problem> {
        if self.role >= role {
            Ok(())
        } else {
            Err(Problem::Role(role))
        }
    }
}

/// Lets only the signed in pass, and of their forms only those that carry the
/// session's token. Handlers behind it find a [`Visitor`] in the extensions.
pub(crate) async fn require_session(
    State(console): State<Arc<Console>>,
    mut request: Request,
    next: Next,
) -> Response {
    // A page that listens is not somebody who looks.
    let is_use = !links::is_live(request.uri().path());
    let Some(visitor) = visitor(&console, request.headers(), is_use) else {
        return see_other(&sign_in_for(&request));
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        request = match check_token(request, &visitor).await {
            Ok(request) => request,
            Err(problem) => {
                return with_problem_page(&console, Some(&visitor), problem.into_response());
            }
        };
    }
    request.extensions_mut().insert(visitor.clone());
    let response = next.run(request).await;
    with_problem_page(&console, Some(&visitor), response)
}

/// The outermost layer: the headers of every answer, and a page for every
/// error that has none yet.
pub(crate) async fn dress(
    State(console): State<Arc<Console>>,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    let mut response = with_problem_page(&console, None, response);
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (header::X_DNS_PREFETCH_CONTROL, "off"),
    ] {
        // What a handler set itself it set on purpose.
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Who asks, if somebody who may. The user is looked up anew each time, so
/// that a removed user's sessions end with the next click.
pub(crate) fn visitor(console: &Console, headers: &HeaderMap, is_use: bool) -> Option<Visitor> {
    let token = cookie(headers, console.session_cookie())?;
    let session = console.sessions.find(token, is_use)?;
    match console.credentials.find(&session.user) {
        Some(user) => Some(Visitor {
            name: user.name,
            role: user.role,
            csrf: session.csrf,
        }),
        None => {
            console.sessions.close(token);
            None
        }
    }
}

/// The value of the first cookie of this name.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

/// Back to the page that was asked for; a form that was sent is not repeated.
fn sign_in_for(request: &Request) -> String {
    match (request.method(), request.uri().path_and_query()) {
        (&Method::GET, Some(target)) if target.path() != links::OVERVIEW => {
            links::sign_in_for(target.as_str())
        }
        _ => links::SIGN_IN.to_owned(),
    }
}

#[derive(serde::Deserialize)]
struct Token {
    csrf: String,
}

/// Reads the form, checks its token, and puts it back for the handler.
async fn check_token(request: Request, visitor: &Visitor) -> Result<Request, Problem> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, FORM_OCTETS_MAX)
        .await
        .map_err(|_| Problem::Forged)?;
    let again = Request::from_parts(parts.clone(), Body::from(body.clone()));
    match Form::<Token>::from_request(again, &()).await {
        Ok(Form(token)) if visitor.csrf.matches(token.csrf.as_bytes()) => {
            Ok(Request::from_parts(parts, Body::from(body)))
        }
        _ => Err(Problem::Forged),
    }
}
