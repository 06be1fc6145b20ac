//! What every page shares: its frame of header and navigation, how it is
//! rendered, and the pages for what went wrong.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use crate::credentials::Role;
use crate::guard::Visitor;
use crate::rehearsal::Rehearsal;
use crate::source::SourceError;
use crate::view::Standing;
use crate::world::InWorld;
use crate::{Console, assets, display, links};

/// What the base template shows around a page.
pub(crate) struct Layout<'a> {
    pub(crate) service: &'a str,
    pub(crate) banner: Option<&'a str>,
    /// Shown to those who have signed in.
    pub(crate) strip: Option<Strip>,
    /// Where the page hears what is new.
    pub(crate) live: Option<String>,
    pub(crate) script: &'static str,
    pub(crate) page: &'a str,
    pub(crate) stylesheet: &'static str,
    pub(crate) icon: &'static str,
    /// `None` on pages shown before sign-in.
    pub(crate) visitor: Option<&'a Visitor>,
    pub(crate) sections: Vec<Section>,
}

/// One entry of the navigation.
pub(crate) struct Section {
    pub(crate) label: &'static str,
    pub(crate) href: String,
    pub(crate) is_current: bool,
}

/// How the world that a page shows stands apart from the service as it is.
#[derive(Template)]
#[template(path = "strip.html")]
pub(crate) struct Strip {
    /// Its name; `None` for the default world.
    world: Option<String>,
    standing: Standing,
    rehearsal: Option<Rehearsal>,
    /// The rehearsal of that world.
    href: String,
}

impl Strip {
    pub(crate) fn new(console: &Console, world: &InWorld) -> Self {
        let name = world.links.world();
        Self {
            standing: world.source.standing(),
            rehearsal: console.rehearsals.of(name),
            href: world.links.to(links::REHEARSAL),
            world: name.map(str::to_owned),
        }
    }
}

impl<'a> Layout<'a> {
    /// `page` is the page's own part of the title.
    pub(crate) fn new(
        console: &'a Console,
        visitor: Option<&'a Visitor>,
        section: &str,
        page: &'a str,
    ) -> Self {
        let halves = console.source.halves();
        let world = (halves.twin && visitor.is_some())
            .then(|| InWorld::default_of(console))
            .flatten();
        Self::made(console, visitor, section, page, world.as_ref())
    }

    /// For a page of one world.
    pub(crate) fn within(
        console: &'a Console,
        visitor: &'a Visitor,
        section: &str,
        page: &'a str,
        world: &InWorld,
    ) -> Self {
        Self::made(console, Some(visitor), section, page, Some(world))
    }

    /// Where the page hears what is new.
    pub(crate) fn live(mut self, address: Option<String>) -> Self {
        self.live = address;
        self
    }

    fn made(
        console: &'a Console,
        visitor: Option<&'a Visitor>,
        section: &str,
        page: &'a str,
        world: Option<&InWorld>,
    ) -> Self {
        let halves = console.source.halves();
        let sections = [
            ("Overview", links::OVERVIEW, true, false),
            ("Messages", links::MESSAGES, halves.gateway, false),
            ("Control", links::CONTROL, halves.gateway, false),
            ("Mailboxes", links::MAILBOXES, halves.twin, true),
            ("Events", links::EVENTS, halves.twin, true),
            ("Sessions", links::SESSIONS, halves.twin, true),
            ("Rehearsal", links::REHEARSAL, halves.twin, true),
            ("Worlds", links::WORLDS, halves.twin, false),
        ];
        let section = |(label, page, _, of_world): (&'static str, &str, bool, bool)| Section {
            label,
            href: match world {
                Some(world) if of_world => world.links.to(page),
                _ => page.to_owned(),
            },
            is_current: page == section,
        };
        Layout {
            service: &console.title,
            banner: console.banner.as_deref(),
            strip: world.map(|world| Strip::new(console, world)),
            live: None,
            page,
            stylesheet: &assets::STYLESHEET.path,
            script: &assets::SCRIPT.path,
            icon: &assets::ICON.path,
            visitor,
            sections: sections
                .into_iter()
                .filter(|(_, _, exists, _)| *exists)
                .map(section)
                .collect(),
        }
    }
}

/// A rendered page, or the page that says why there is none.
pub(crate) type Answered = Result<Response, Problem>;

pub(crate) fn render(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (
            status,
            [(
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/html; charset=utf-8"),
            )],
            html,
        )
            .into_response(),
        Err(error) => {
            tracing::error!(%error, "a console page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// 303, so that reloading what follows repeats no form.
pub(crate) fn see_other(target: &str) -> Response {
    Redirect::to(target).into_response()
}

/// Why a request has no page of its own.
#[derive(Debug)]
pub(crate) enum Problem {
    NotFound,
    /// The form's token is missing or of another session.
    Forged,
    /// The visitor's role does not allow it.
    Role(Role),
    Conflict(String),
    Unavailable(String),
    Internal,
    /// A status axum itself answered with: wrong method, too large and such.
    Other(StatusCode),
}

impl From<SourceError> for Problem {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::NotFound => Self::NotFound,
            SourceError::Conflict(text) => Self::Conflict(text),
            SourceError::Unavailable(text) => Self::Unavailable(text),
            SourceError::Internal(reason) => {
                tracing::error!(%reason, "the console's source failed");
                Self::Internal
            }
        }
    }
}

/// Carries a problem out of its handler; the outermost layer, which knows the
/// visitor and the title, makes the page.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(ProblemText::of(&self));
        response
    }
}

/// Heading and sentence of a problem's page.
#[derive(Clone)]
pub(crate) struct ProblemText {
    heading: &'static str,
    text: String,
}

impl Problem {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forged | Self::Role(_) => StatusCode::FORBIDDEN,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Other(status) => *status,
        }
    }
}

impl ProblemText {
    fn of(problem: &Problem) -> Self {
        let (heading, text) = match problem {
            Problem::NotFound => (
                "Page not found",
                "There is nothing at this address. It may have been deleted, moved or mistyped."
                    .to_owned(),
            ),
            Problem::Forged => (
                "This form can no longer be used",
                "It does not belong to your present session, so nothing was done. \
                 Go back, reload the page and try again."
                    .to_owned(),
            ),
            Problem::Role(role) => (
                "You may not do this",
                format!(
                    "Nothing was done. This needs the role {} or one above it; yours is below it.",
                    role.as_str()
                ),
            ),
            Problem::Conflict(text) => ("This cannot be done now", text.clone()),
            Problem::Unavailable(text) => ("Not available at the moment", text.clone()),
            Problem::Internal => (
                "Sorry, there is a problem with this page",
                "The reason is in the program's log. Try again later.".to_owned(),
            ),
            Problem::Other(status) => (
                "This request cannot be answered",
                format!(
                    "The console does not answer such a request here ({} {}).",
                    status.as_u16(),
                    status.canonical_reason().unwrap_or("error")
                ),
            ),
        };
        Self { heading, text }
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    layout: Layout<'a>,
    text: &'a str,
}

/// Gives an answer without a page of its own one, where a browser would show
/// nothing.
pub(crate) fn with_problem_page(
    console: &Console,
    visitor: Option<&Visitor>,
    response: Response,
) -> Response {
    let status = response.status();
    let has_page = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    if has_page || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let told = response.extensions().get::<ProblemText>().cloned();
    let text = told.unwrap_or_else(|| {
        ProblemText::of(&match status {
            StatusCode::NOT_FOUND => Problem::NotFound,
            StatusCode::INTERNAL_SERVER_ERROR => Problem::Internal,
            _ => Problem::Other(status),
        })
    });
    let page = ProblemPage {
        layout: Layout::new(console, visitor, "", text.heading),
        text: &text.text,
    };
    let mut made = render(status, &page);
    for name in [header::ALLOW, header::RETRY_AFTER] {
        if let Some(value) = response.headers().get(&name) {
            made.headers_mut().insert(name, value.clone());
        }
    }
    made
}
