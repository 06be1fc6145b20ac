//! `GET /console/accounts/{account}`: one account as its Local Administrator
//! sees it, and the way to what can be done.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::ACTING;
use crate::guard::Visitor;
use crate::links::WorldLinks;
use crate::page::{Answered, Layout, render};
use crate::view::{AccountDetail, AccountState, AccountVerb, QuotaLevel};
use crate::world::InWorld;
use crate::{Console, display, links};

#[derive(Deserialize)]
pub(crate) struct Asked {
    /// The act that led here.
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage<'a> {
    layout: Layout<'a>,
    at: &'a WorldLinks,
    detail: &'a AccountDetail,
    done: Option<AccountVerb>,
    acts: Vec<(&'static str, Vec<AccountVerb>)>,
    may_act: bool,
}

pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    world: InWorld,
    Path(account): Path<String>,
    Query(asked): Query<Asked>,
) -> Answered {
    let detail = world.source.account(account).await?;
    let heading = display::plain(&detail.account.address);
    Ok(render(
        StatusCode::OK,
        &AccountPage {
            layout: Layout::within(&console, &visitor, links::MAILBOXES, &heading, &world),
            at: &world.links,
            done: asked.done.as_deref().and_then(AccountVerb::parse),
            acts: acts(&detail),
            detail: &detail,
            may_act: visitor.role >= ACTING,
        },
    ))
}

/// What makes sense as the account is, by what it concerns.
fn acts(detail: &AccountDetail) -> Vec<(&'static str, Vec<AccountVerb>)> {
    use AccountVerb::{
        AutoReply, Block, Convert, Disable, Enable, EndAutoReply, EndReading, Expire, ForceChange,
        Lock, Password, Protocols, Quota, Reading, Recipients, Unblock, Unlock,
    };
    let account = &detail.account;
    let state = match account.state {
        AccountState::Active if detail.wrong_passwords > 0 => vec![Unlock, Lock, Disable],
        AccountState::Active => vec![Lock, Disable],
        AccountState::Locked => vec![Unlock, Disable],
        AccountState::Disabled => vec![Enable],
    };
    let mut holder = vec![AutoReply];
    holder.extend(detail.auto_reply.is_some().then_some(EndAutoReply));
    holder.push(Reading);
    holder.extend(detail.reading_after_seconds.is_some().then_some(EndReading));
    let block = if account.is_blocked { Unblock } else { Block };
    vec![
        ("Account", [state, vec![Convert]].concat()),
        ("Password", vec![Password, ForceChange, Expire]),
        ("Use", vec![Protocols, Quota, Recipients, block]),
        ("Its holder", holder),
    ]
}
