//! What sends nothing until a person resumes it. One row each, read by whoever
//! looks for work: there are few, and none of them touches a message.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use mailward_store::{ReadTx, Row, Tx, TxError};

use crate::ledger::columns::{get_time, time, unreadable};
use crate::ledger::messages::MessageRow;
use crate::ledger::sources;
use crate::names::{Actor, ApplicationName, Lane};
use crate::suspend::{Scope, Suspension};

/// All that is suspended at one moment.
#[derive(Debug, Default)]
pub(crate) struct Suspended {
    rows: Vec<Suspension>,
    /// By the register's word, and the words.
    by_register: Arc<HashMap<ApplicationName, Suspension>>,
    /// Numbers of suspended applications.
    sources: HashSet<i64>,
}

impl Suspended {
    pub(crate) fn has_source(&self, source: i64) -> bool {
        self.sources.contains(&source)
    }

    /// Why nothing of the lane is sent.
    pub(crate) fn of_lane(&self, lane: &Lane) -> Option<&Suspension> {
        self.rows.iter().find(|one| match &one.scope {
            Scope::Account(account) => *account == lane.account,
            Scope::Route(route) => *route == lane.route,
            Scope::Application(_) => false,
        })
    }

    /// Why nothing of the message's application is sent; reports go.
    pub(crate) fn of_message(&self, message: &MessageRow) -> Option<&Suspension> {
        if message.options.report {
            return None;
        }
        self.of_application(&message.application)
    }

    /// Why nothing of the application is sent but reports about its mail.
    pub(crate) fn of_application(&self, name: &ApplicationName) -> Option<&Suspension> {
        let by_person = self.rows.iter().find(|one| match &one.scope {
            Scope::Application(suspended) => suspended == name,
            Scope::Account(_) | Scope::Route(_) => false,
        });
        by_person.or_else(|| self.by_register.get(name))
    }
}

pub(crate) const ALL: &str =
    "SELECT scope, name, since, by_whom, why FROM suspensions ORDER BY scope, name";

/// By scope and name.
pub(crate) fn rows(tx: &ReadTx<'_>) -> Result<Vec<Suspension>, TxError> {
    tx.query(ALL, &[], read)
}

fn read(row: &Row<'_>) -> Result<Suspension, TxError> {
    let (scope, name): (String, String) = (row.get(0)?, row.get(1)?);
    Ok(Suspension {
        scope: Scope::parse(&scope, &name)
            .ok_or_else(|| unreadable(0, format!("{scope:?} can not be suspended")))?,
        since: get_time(row, 2)?,
        by: Actor::from(row.get::<String>(3)?),
        why: row.get(4)?,
    })
}

/// What is suspended now; `by_register` is added to the rows.
pub(crate) fn now(
    tx: &ReadTx<'_>,
    by_register: Arc<HashMap<ApplicationName, Suspension>>,
) -> Result<Suspended, TxError> {
    let mut suspended = by_name(tx, by_register)?;
    let of_rows = suspended.rows.iter().filter_map(|one| match &one.scope {
        Scope::Application(name) => Some(name),
        Scope::Account(_) | Scope::Route(_) => None,
    });
    let mut sources = HashSet::new();
    for name in of_rows.chain(suspended.by_register.keys()) {
        sources.extend(sources::find(tx, name)?);
    }
    suspended.sources = sources;
    Ok(suspended)
}

/// As [`now`], for whoever asks by name alone and not by number.
pub(crate) fn by_name(
    tx: &ReadTx<'_>,
    by_register: Arc<HashMap<ApplicationName, Suspension>>,
) -> Result<Suspended, TxError> {
    Ok(Suspended {
        rows: rows(tx)?,
        by_register,
        sources: HashSet::new(),
    })
}

/// False where it was suspended before; who and why stay the first's.
pub(crate) fn insert(tx: &mut Tx<'_>, one: &Suspension) -> Result<bool, TxError> {
    let added = tx.execute(
        "INSERT INTO suspensions (scope, name, since, by_whom, why) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (scope, name) DO NOTHING",
        &[
            one.scope.kind().into(),
            one.scope.name().into(),
            time(one.since),
            one.by.as_str().into(),
            (&one.why).into(),
        ],
    )?;
    Ok(added > 0)
}

/// False where it was not suspended.
pub(crate) fn remove(tx: &mut Tx<'_>, scope: &Scope) -> Result<bool, TxError> {
    let removed = tx.execute(
        "DELETE FROM suspensions WHERE scope = ?1 AND name = ?2",
        &[scope.kind().into(), scope.name().into()],
    )?;
    Ok(removed > 0)
}
