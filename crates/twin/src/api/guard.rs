//! Who may ask without credentials. A page of some web site must not reach the
//! API through a browser on this machine: neither by a name that resolves here
//! nor from its own origin.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::worlds::of_host;

/// What a request must name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    /// A host of this machine, or of a world.
    Loopback,
    /// Any host, from a page of the same if from a page at all: for listeners
    /// that others shall reach.
    SameOrigin,
}

impl Guard {
    pub(crate) async fn pass(State(guard): State<Self>, request: Request, next: Next) -> Response {
        if guard.lets(request.headers()) {
            return next.run(request).await;
        }
        let text = match guard {
            Self::Loopback => {
                "this API answers requests to localhost or a loopback address alone, from pages of the same\n"
            }
            Self::SameOrigin => "this API answers no pages of other hosts\n",
        };
        (StatusCode::FORBIDDEN, text).into_response()
    }

    fn lets(self, headers: &HeaderMap) -> bool {
        let text = |name| {
            headers
                .get(name)
                .map(|value| value.to_str().unwrap_or_default())
        };
        let host = text(header::HOST);
        let origin = text(header::ORIGIN);
        let origin = origin.map(|origin| origin.split_once("://").map_or("", |(_, host)| host));
        match self {
            Self::Loopback => host.is_some_and(is_loopback) && origin.is_none_or(is_loopback),
            Self::SameOrigin => host.is_some() && (origin.is_none() || origin == host),
        }
    }
}

/// A world's name is nobody's in the DNS (RFC 6761).
fn is_loopback(name: &str) -> bool {
    let host = name.rsplit_once(':').map_or(name, |(host, port)| {
        let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
        if is_port { host } else { name }
    });
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let is_address = |host: &str| host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    host == "localhost" || is_address(bare.unwrap_or(host)) || of_host(host).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_others_are_kept_out() {
        for (host, origin, on_loopback, anywhere) in [
            ("127.0.0.1:8025", None, true, true),
            ("localhost", Some("http://localhost:3000"), true, false),
            ("[::1]:8025", Some("http://[::1]:8025"), true, true),
            ("127.0.0.2:8025", Some("http://127.0.0.2:8025"), true, true),
            ("one.twin.test", None, true, true),
            ("mailward:8025", None, false, true),
            ("mailward:8025", Some("http://mailward:8025"), false, true),
            ("rebound.example", None, false, true),
            (
                "127.0.0.1:8025",
                Some("https://elsewhere.example"),
                false,
                false,
            ),
            ("127.0.0.1:8025", Some("null"), false, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().expect("a host"));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().expect("an origin"));
            }
            let lets = [Guard::Loopback, Guard::SameOrigin].map(|guard| guard.lets(&headers));
            assert_eq!(lets, [on_loopback, anywhere], "{host} {origin:?}");
        }
        assert!(!Guard::SameOrigin.lets(&HeaderMap::new()));
    }
}
