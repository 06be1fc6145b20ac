//! `GET` and `POST /console/accounts/{account}/{verb}`: asks, then does what
//! the Local Administrator can do.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use mailward_mail::Secret;

use super::ACTING;
use crate::guard::Visitor;
use crate::links::WorldLinks;
use crate::page::{Answered, Layout, Problem, render, see_other};
use crate::source::SourceError;
use crate::view::{AccountAct, AccountDetail, AccountKind, AccountVerb, AutoReplyView};
use crate::world::InWorld;
use crate::{Console, display, links};

/// The longest automatic reply and password that are taken, in characters.
const REPLY_CHARS_MAX: usize = 2000;
const PASSWORD_CHARS_MAX: usize = 256;

/// The fields of a form as they came, each as often as it came.
type Fields = Vec<(String, String)>;

#[derive(Template)]
#[template(path = "account_act.html")]
struct ActPage<'a> {
    layout: Layout<'a>,
    at: &'a WorldLinks,
    detail: &'a AccountDetail,
    verb: AccountVerb,
    csrf: &'a str,
    /// What is wrong with what was typed.
    error: Option<&'a str>,
    /// What was typed.
    fields: &'a Fields,
}

impl ActPage<'_> {
    /// The field that an error is about; the form itself where it has none.
    fn field(&self) -> &'static str {
        match self.verb {
            AccountVerb::Password => "new",
            AccountVerb::Convert => "kind",
            AccountVerb::Quota => "quota_mb",
            AccountVerb::Recipients => "recipients_max",
            AccountVerb::AutoReply => "text",
            AccountVerb::Reading => "after_seconds",
            _ => "act",
        }
    }

    /// What describes that field: its hint, and what is wrong.
    fn described(&self, hint: &str) -> String {
        let error = self.error.map_or("", |_| " field-error");
        format!("{hint}{error}").trim().to_owned()
    }

    /// What was typed, or what stands.
    fn typed(&self, name: &str, now: &str) -> String {
        field(self.fields, name).unwrap_or(now).to_owned()
    }

    fn quota_now(&self) -> String {
        let octets = self.detail.account.quota_octets;
        octets.map_or(String::new(), |octets| (octets / (1024 * 1024)).to_string())
    }

    fn is_kind(&self, kind: &AccountKind) -> bool {
        *kind == self.detail.account.kind
    }
}

pub(crate) async fn ask(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    world: InWorld,
    Path((account, verb)): Path<(String, String)>,
) -> Answered {
    let verb = AccountVerb::parse(&verb).ok_or(Problem::NotFound)?;
    visitor.require(ACTING)?;
    let detail = world.source.account(account).await?;
    Ok(page(
        &console,
        &visitor,
        &world,
        &detail,
        verb,
        &Fields::new(),
        None,
    ))
}

pub(crate) async fn act(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    world: InWorld,
    Path((account, verb)): Path<(String, String)>,
    Form(fields): Form<Fields>,
) -> Answered {
    let verb = AccountVerb::parse(&verb).ok_or(Problem::NotFound)?;
    visitor.require(ACTING)?;
    let who = visitor.name.clone();
    let done = match read(verb, &fields) {
        Ok(act) => match world.source.account_act(account.clone(), act, who).await {
            Ok(()) => Ok(()),
            Err(SourceError::Conflict(text)) => Err(text),
            Err(other) => return Err(other.into()),
        },
        Err(text) => Err(text.to_owned()),
    };
    match done {
        Ok(()) => Ok(see_other(&world.links.account_after(&account, verb))),
        Err(error) => {
            let detail = world.source.account(account).await?;
            let error = Some(error.as_str());
            Ok(page(
                &console, &visitor, &world, &detail, verb, &fields, error,
            ))
        }
    }
}

fn page(
    console: &Console,
    visitor: &Visitor,
    world: &InWorld,
    detail: &AccountDetail,
    verb: AccountVerb,
    fields: &Fields,
    error: Option<&str>,
) -> Response {
    let status = match error {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    render(
        status,
        &ActPage {
            layout: Layout::within(console, visitor, links::MAILBOXES, verb.question(), world),
            at: &world.links,
            detail,
            verb,
            csrf: visitor.csrf(),
            error,
            fields,
        },
    )
}

/// The act that a form asks for, or what is wrong with it.
fn read(verb: AccountVerb, fields: &Fields) -> Result<AccountAct, &'static str> {
    Ok(match verb {
        AccountVerb::Lock => AccountAct::Lock,
        AccountVerb::Unlock => AccountAct::Unlock,
        AccountVerb::Disable => AccountAct::Disable,
        AccountVerb::Enable => AccountAct::Enable,
        AccountVerb::Expire => AccountAct::Expire,
        AccountVerb::ForceChange => AccountAct::ForceChange,
        AccountVerb::Block => AccountAct::Block,
        AccountVerb::Unblock => AccountAct::Unblock,
        AccountVerb::EndAutoReply => AccountAct::EndAutoReply,
        AccountVerb::EndReading => AccountAct::EndReading,
        AccountVerb::Password => {
            let new = field(fields, "new").unwrap_or_default();
            if new.is_empty() || new.chars().count() > PASSWORD_CHARS_MAX {
                return Err("Enter a password of up to 256 characters");
            }
            AccountAct::Password {
                new: Secret::new(new),
                must_change: field(fields, "must_change").is_some(),
            }
        }
        AccountVerb::Protocols => {
            let chosen = fields.iter().filter(|(name, _)| name == "protocol");
            AccountAct::Protocols(chosen.map(|(_, value)| value.clone()).collect())
        }
        AccountVerb::Convert => {
            let kind = field(fields, "kind").and_then(AccountKind::parse);
            AccountAct::Convert(kind.ok_or("Choose a type of account")?)
        }
        AccountVerb::Quota => match field(fields, "quota_mb").unwrap_or_default() {
            "" => AccountAct::Quota(None),
            text => {
                let wrong = "Enter the quota as a whole number of MB, or nothing for none";
                AccountAct::Quota(Some(text.parse().map_err(|_| wrong)?))
            }
        },
        AccountVerb::Recipients => {
            let most = field(fields, "recipients_max").unwrap_or_default();
            AccountAct::Recipients(most.parse().map_err(|_| "Enter a whole number")?)
        }
        AccountVerb::AutoReply => {
            let reply = |name| -> String {
                let text = field(fields, name).unwrap_or_default();
                text.chars().take(REPLY_CHARS_MAX).collect()
            };
            let (text, outside) = (reply("text"), reply("external_text"));
            if text.is_empty() {
                return Err("Enter the text of the reply");
            }
            AccountAct::AutoReply(AutoReplyView {
                text,
                external_text: Some(outside).filter(|text| !text.is_empty()),
                organisation_only: field(fields, "organisation_only").is_some(),
            })
        }
        AccountVerb::Reading => {
            let after = field(fields, "after_seconds").unwrap_or_default();
            AccountAct::Reading {
                after_seconds: after
                    .parse()
                    .map_err(|_| "Enter a whole number of seconds")?,
            }
        }
    })
}

fn field<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    let found = fields.iter().find(|(found, _)| found == name);
    found.map(|(_, value)| value.trim())
}
