//! Accounts over the control API: what a Local Administrator does at the
//! portal, and a holder who changes a password.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use mailward_mail::{Address, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Control, problem, read};
use crate::accounts::{Account, Change, GivenBy, PasswordChange, Refused, WeakPassword, sentence};
use crate::behaviour;
use crate::portal::change_account as administer;
use crate::seed::{AccountKind, AccountSpec, AccountState, Protocol};

pub(super) fn routes() -> Router<Control> {
    let act = |change: Change| {
        post(move |state, path| {
            let change = change.clone();
            change_account(state, path, change)
        })
    };
    Router::new()
        .route("/control/v1/accounts", get(list).post(put))
        .route("/control/v1/accounts/{address}", get(show))
        .route("/control/v1/accounts/{address}/lock", act(Change::Lock))
        .route("/control/v1/accounts/{address}/unlock", act(Change::Unlock))
        .route(
            "/control/v1/accounts/{address}/disable",
            act(Change::Disable),
        )
        .route("/control/v1/accounts/{address}/enable", act(Change::Enable))
        .route("/control/v1/accounts/{address}/expire", act(Change::Expire))
        .route(
            "/control/v1/accounts/{address}/force-change",
            act(Change::ForcePassword),
        )
        .route(
            "/control/v1/accounts/{address}/protocols",
            post(set_protocols).put(set_protocols),
        )
        .route("/control/v1/accounts/{address}/convert", post(convert))
        .merge(super::habits::routes())
        .route(
            "/control/v1/accounts/{address}/quota",
            post(set_quota).put(set_quota),
        )
        .route(
            "/control/v1/accounts/{address}/password",
            post(set_password),
        )
}

#[derive(Serialize)]
struct AccountView {
    address: String,
    password: String,
    kind: &'static str,
    display_name: String,
    state: AccountState,
    must_change: bool,
    password_changed: Timestamp,
    password_expires: Timestamp,
    wrong_passwords: u32,
    protocols: Vec<Protocol>,
    quota_mb: Option<u64>,
    full_access: Vec<Address>,
}

impl From<&Account> for AccountView {
    fn from(account: &Account) -> Self {
        Self {
            address: account.address.as_str().to_owned(),
            password: account.password.expose().to_owned(),
            kind: account.kind.as_str(),
            display_name: account.display_name.clone(),
            state: account.state,
            must_change: account.must_change,
            password_changed: account.password_changed,
            password_expires: account.password_expires(),
            wrong_passwords: account.wrong_passwords,
            protocols: account.protocols.clone(),
            quota_mb: account.quota_mb,
            full_access: account.full_access.clone(),
        }
    }
}

fn view(account: &Account) -> Response {
    Json(AccountView::from(account)).into_response()
}

fn no_such_account(address: &str) -> Response {
    problem(
        StatusCode::NOT_FOUND,
        &format!("there is no account {address}; GET /control/v1/accounts lists them"),
    )
}

async fn list(State(control): State<Control>) -> Response {
    let accounts = control.accounts.all();
    let views: Vec<AccountView> = accounts
        .iter()
        .map(|account| AccountView::from(&**account))
        .collect();
    Json(views).into_response()
}

async fn show(State(control): State<Control>, Path(address): Path<String>) -> Response {
    let parsed = Address::parse(&address).ok();
    match parsed.and_then(|address| control.accounts.find(&address)) {
        Some(account) => view(&account),
        None => no_such_account(&address),
    }
}

async fn put(State(control): State<Control>, body: Bytes) -> Response {
    let spec: AccountSpec = match read(&body) {
        Ok(spec) => spec,
        Err(response) => return *response,
    };
    let put = control
        .deliveries
        .put_accounts(vec![spec], GivenBy::Control, &*control.dice)
        .await;
    match put {
        Ok(accounts) => {
            let view = accounts
                .first()
                .map(|account| AccountView::from(&**account));
            (StatusCode::CREATED, Json(view)).into_response()
        }
        Err(error) => error.into_response(),
    }
}

async fn change_account(
    State(control): State<Control>,
    Path(address): Path<String>,
    change: Change,
) -> Response {
    let Ok(parsed) = Address::parse(&address) else {
        return no_such_account(&address);
    };
    match administer(&control.deliveries, &parsed, &change, None).await {
        Ok(Some(account)) => view(&account),
        Ok(None) => no_such_account(&address),
        Err(error) => error.into_response(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetProtocols {
    protocols: Vec<Protocol>,
}

async fn set_protocols(state: State<Control>, path: Path<String>, body: Bytes) -> Response {
    match read::<SetProtocols>(&body) {
        Ok(wish) => change_account(state, path, Change::Protocols(wish.protocols)).await,
        Err(response) => *response,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Convert {
    kind: AccountKind,
}

async fn convert(state: State<Control>, path: Path<String>, body: Bytes) -> Response {
    match read::<Convert>(&body) {
        Ok(wish) => change_account(state, path, Change::Kind(wish.kind)).await,
        Err(response) => *response,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetQuota {
    quota_mb: Option<u64>,
}

async fn set_quota(state: State<Control>, path: Path<String>, body: Bytes) -> Response {
    match read::<SetQuota>(&body) {
        Ok(wish) => change_account(state, path, Change::Quota(wish.quota_mb)).await,
        Err(response) => *response,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetPassword {
    new: Secret,
    /// From its holder; the Local Administrator gives none.
    #[serde(default)]
    old: Option<Secret>,
    #[serde(default)]
    must_change: bool,
}

async fn set_password(
    State(control): State<Control>,
    Path(address): Path<String>,
    body: Bytes,
) -> Response {
    let wish: SetPassword = match read(&body) {
        Ok(wish) => wish,
        Err(response) => return *response,
    };
    let Ok(parsed) = Address::parse(&address) else {
        return no_such_account(&address);
    };
    let account = Some(parsed.as_str());
    let refused = |why: &str, behaviour| {
        let events = &control.events;
        events.punish("control", "password_refused", account, why, behaviour);
    };
    let change = PasswordChange {
        old: wish.old,
        new: wish.new,
        must_change: wish.must_change,
    };
    match control.accounts.change_password(&parsed, change).await {
        Ok(account) => {
            let (kind, why) = ("password_changed", "the password was changed");
            control.events.add(
                "control",
                kind,
                Some(parsed.as_str()),
                why,
                Some("GUIDE-25"),
            );
            view(&account)
        }
        Err(Refused::NoSuchAccount) => no_such_account(&address),
        Err(Refused::SignIn(refusal)) => {
            refused(&refusal.why(), refusal.behaviour());
            problem(StatusCode::FORBIDDEN, "the old password does not sign in")
        }
        Err(Refused::Weak(faults)) => {
            refused(&sentence(&faults), behaviour::PASSWORD_POLICY);
            weak(&faults)
        }
        Err(Refused::Trouble(error)) => error.into_response(),
    }
}

/// `application/problem+json` with every fault.
fn weak(faults: &[WeakPassword]) -> Response {
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    let body = json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "detail": sentence(faults),
        "faults": faults,
    });
    let content_type = [(header::CONTENT_TYPE, "application/problem+json")];
    (status, content_type, body.to_string()).into_response()
}
