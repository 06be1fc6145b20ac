//! What is left of the limits of the account that an application sends as.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};

use super::HttpIntake;
use super::problem::{Problem, ProblemOut};
use crate::deliver::Limits;

/// The limits of the application's account: most, used, left, free again at,
/// and what the service's replies taught. Others that send as the account use
/// them up too.
#[utoipa::path(
    get,
    path = "/v1/limits",
    responses(
        (status = 200, body = Limits),
        (status = 401, body = ProblemOut, content_type = "application/problem+json"),
    )
)]
pub(super) async fn show(
    State(http): State<Arc<HttpIntake>>,
    request: Request,
) -> Result<Json<Limits>, Problem> {
    let principal = http.principal(request.headers(), request.extensions())?;
    let account = principal.registered.application.account.as_str();
    let mut limits = http.intake.sending_limits.limits(Some(account)).await?;
    // Whom others write to is not this application's to know.
    limits.lists.clear();
    Ok(Json(limits))
}
