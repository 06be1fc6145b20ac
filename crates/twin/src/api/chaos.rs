//! Mailpit's chaos: three errors by chance, here as [faults](crate::faults) of
//! all that speaks SMTP.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::{Api, failure};
use crate::faults::{ActionSpec, FaultSpec, Faults, LifetimeSpec, MatchSpec, Scope};

/// The triggers by Mailpit's names: their stage, and the code that they have
/// until they are given one.
const TRIGGERS: [(&str, &str, u16); 3] = [
    ("Authentication", "auth", 535),
    ("Recipient", "rcpt", 451),
    ("Sender", "mail", 451),
];

/// What they strike.
const SCOPES: [(Scope, &str); 2] = [(Scope::Smtp, "smtp"), (Scope::Catch, "catch")];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Trigger {
    /// 400 to 599.
    error_code: u16,
    /// In a hundred.
    probability: u8,
}

type Triggers = BTreeMap<String, Trigger>;

pub(super) async fn show(State(api): State<Api>) -> Response {
    Json(triggers(api.sessions.faults())).into_response()
}

/// Triggers that are not named go back to never. Without a body all do.
pub(super) async fn set(State(api): State<Api>, body: Bytes) -> Response {
    let wishes: Triggers = match body.is_empty() {
        true => Triggers::new(),
        false => match serde_json::from_slice(&body) {
            Ok(wishes) => wishes,
            Err(error) => return wrong(&error.to_string()),
        },
    };
    let faults = api.sessions.faults();
    let mut specs = Vec::new();
    for (name, wish) in &wishes {
        let Some((_, stage, _)) = TRIGGERS.iter().find(|(own, ..)| own == name) else {
            let names = TRIGGERS.map(|(name, ..)| name).join(", ");
            return wrong(&format!("there is no trigger {name}; there are {names}"));
        };
        if !(400..=599).contains(&wish.error_code) || wish.probability > 100 {
            let bounds = "ErrorCode is from 400 to 599, Probability from 0 to 100";
            return wrong(&format!("{name}: {bounds}"));
        }
        if wish.probability > 0 {
            specs.extend(SCOPES.map(|scope| fault(name, stage, *wish, scope)));
        }
    }
    let set = match faults.set(specs) {
        Ok(set) => set,
        Err(error) => return wrong(&error.to_string()),
    };
    for (name, ..) in TRIGGERS {
        for (_, scope) in SCOPES {
            let id = id(name, scope);
            if !set.iter().any(|view| view.spec.id == id) {
                faults.remove(&id);
            }
        }
    }
    Json(triggers(faults)).into_response()
}

fn triggers(faults: &Faults) -> Triggers {
    let read = |(name, _, usual): (&str, &str, u16)| {
        let set = faults.find(&id(name, SCOPES[0].1));
        let trigger = set.and_then(|view| {
            let ActionSpec::Reply { text } = &view.spec.action else {
                return None;
            };
            Some(Trigger {
                error_code: text.get(..3)?.parse().ok()?,
                probability: view.spec.percent.unwrap_or(100),
            })
        });
        let never = Trigger {
            error_code: usual,
            probability: 0,
        };
        (name.to_owned(), trigger.unwrap_or(never))
    };
    TRIGGERS.into_iter().map(read).collect()
}

fn fault(name: &str, stage: &str, wish: Trigger, (scope, scope_name): (Scope, &str)) -> FaultSpec {
    let code = wish.error_code;
    FaultSpec {
        id: id(name, scope_name),
        note: Some("set as Mailpit's chaos".to_owned()),
        matching: MatchSpec::of(scope, stage),
        action: ActionSpec::Reply {
            text: format!("{code} {}.0.0 Chaos {}", code / 100, name.to_lowercase()),
        },
        lifetime: LifetimeSpec::default(),
        percent: Some(wish.probability),
        seed: None,
    }
}

fn id(name: &str, scope: &str) -> String {
    format!("chaos-{}-{scope}", name.to_lowercase())
}

fn wrong(problem: &str) -> Response {
    failure(StatusCode::BAD_REQUEST, format!("Error: {problem}"))
}
