//! Who asks: a bearer token (RFC 6750) that is an API key.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap, header};

use super::HttpIntake;
use super::problem::Problem;
use crate::observe::Door;
use crate::register::Principal;

impl HttpIntake {
    /// The application behind the request, within its rate.
    pub(super) fn principal(
        &self,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Result<Principal, Problem> {
        let key = bearer(headers).ok_or_else(Problem::unauthorised)?;
        let principal = self
            .intake
            .sign_in
            .api_key(peer(extensions), key)
            .inspect_err(|denied| self.intake.observe.sign_in_refused(Door::Http, denied))?;
        let now = self.intake.clock.now();
        self.rate
            .take(&principal.registered.application.name, now)
            .map_err(Problem::too_many_requests)?;
        Ok(principal)
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (all.next()?.to_str().ok()?, all.next()) else {
        return None;
    };
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// The address the request came from; only a test asks without one.
pub(super) fn peer(extensions: &Extensions) -> IpAddr {
    extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip())
}
