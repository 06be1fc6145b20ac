//! One account of the twin, and what the Local Administrator does to it.

use mailward_console::SourceError;
use mailward_console::view::{
    AccountAct, AccountDetail, AccountKind, AutoReplyView, ProtocolView, SenderView, ServiceEvent,
};
use mailward_mail::Address;
use mailward_twin::seed::{AccountKind as TwinKind, Protocol};
use mailward_twin::{Account, Audience, AutoReply, Change, Reading};

use super::world::WorldPart;
use super::{trouble, twin_events};

/// Protocols that an account may use: as the twin has them, as forms and as
/// people write them.
pub(super) const SPOKEN: [(Protocol, &str, &str); 5] = [
    (Protocol::Smtp, "smtp", "SMTP"),
    (Protocol::Imap, "imap", "IMAP"),
    (Protocol::Pop, "pop", "POP3"),
    (Protocol::Ews, "ews", "EWS"),
    (Protocol::Graph, "graph", "Graph"),
];

/// The latest events that an account's page shows.
const EVENTS: usize = 20;

impl WorldPart {
    pub(super) async fn account_detail(&self, name: &str) -> Result<AccountDetail, SourceError> {
        let account = self.found(name)?;
        let detail = self.desk.account_detail(&account);
        let named = account.address.as_str();
        let events = self.desk.events().newest(None, EVENTS, |event| {
            let account = event.account.as_deref().unwrap_or_default();
            account.eq_ignore_ascii_case(named)
        });
        Ok(AccountDetail {
            account: self.account_row(name).await?,
            protocols: SPOKEN
                .iter()
                .map(|(protocol, name, label)| {
                    let is_on = account.allows(*protocol);
                    let why = if detail.disused.contains(protocol) {
                        "Switched off because it was not used for so long (GUIDE-7)"
                    } else {
                        "Not enabled by the Local Administrator (GUIDE-6)"
                    };
                    ProtocolView {
                        name: (*name).to_owned(),
                        label: (*label).to_owned(),
                        is_on,
                        why_off: (!is_on).then(|| why.to_owned()),
                    }
                })
                .collect(),
            password_changed: account.password_changed,
            password_expires: detail.password_expires,
            wrong_passwords: account.wrong_passwords,
            wrong_passwords_max: detail.wrong_passwords_max,
            sender: SenderView {
                recipients_max: detail.recipients_max,
            },
            auto_reply: detail.auto_reply.map(|reply| AutoReplyView {
                text: reply.text,
                external_text: reply.external_text,
                organisation_only: reply.audience == Audience::Organisation,
            }),
            reading_after_seconds: detail.reading.map(|reading| reading.after_seconds),
            events: events
                .into_iter()
                .map(twin_events::view)
                .collect::<Vec<ServiceEvent>>(),
        })
    }

    pub(super) async fn change_account(
        &self,
        name: &str,
        act: AccountAct,
        who: &str,
    ) -> Result<(), SourceError> {
        let address = &self.found(name)?.address.clone();
        let desk = &self.desk;
        let change = match act {
            AccountAct::Lock => Change::Lock,
            AccountAct::Unlock => Change::Unlock,
            AccountAct::Disable => Change::Disable,
            AccountAct::Enable => Change::Enable,
            AccountAct::Expire => Change::Expire,
            AccountAct::ForceChange => Change::ForcePassword,
            AccountAct::Protocols(names) => Change::Protocols(protocols(&names)),
            AccountAct::Convert(kind) => Change::Kind(twin_kind(kind)),
            AccountAct::Quota(quota_mb) => Change::Quota(quota_mb.filter(|mb| *mb > 0)),
            AccountAct::Password { new, must_change } => {
                let done = desk.set_password(address, new, must_change, who);
                return done.await.map_err(trouble);
            }
            AccountAct::Recipients(most) => {
                let done = desk.set_sender(address, Some(most), None, who);
                return done.await.map_err(trouble);
            }
            AccountAct::Block => {
                let done = desk.set_sender(address, None, Some(true), who);
                return done.await.map_err(trouble);
            }
            AccountAct::Unblock => {
                let done = desk.set_sender(address, None, Some(false), who);
                return done.await.map_err(trouble);
            }
            AccountAct::AutoReply(view) => {
                let done = desk.set_auto_reply(address, Some(auto_reply(view)), who);
                return done.await.map_err(trouble);
            }
            AccountAct::EndAutoReply => {
                let done = desk.set_auto_reply(address, None, who);
                return done.await.map_err(trouble);
            }
            AccountAct::Reading { after_seconds } => {
                let done = desk.set_reading(address, Some(Reading { after_seconds }), who);
                return done.await.map_err(trouble);
            }
            AccountAct::EndReading => {
                let done = desk.set_reading(address, None, who);
                return done.await.map_err(trouble);
            }
        };
        let done = desk.change_account(address, &change, who);
        done.await.map_err(trouble)
    }

    fn found(&self, name: &str) -> Result<std::sync::Arc<Account>, SourceError> {
        let address = Address::parse(name).map_err(|_| SourceError::NotFound)?;
        let found = self.desk.accounts().find(&address);
        found.ok_or(SourceError::NotFound)
    }
}

/// Those that are named; names of none are passed over.
fn protocols(names: &[String]) -> Vec<Protocol> {
    let chosen = SPOKEN
        .iter()
        .filter(|(_, name, _)| names.iter().any(|one| one == name));
    chosen.map(|(protocol, _, _)| *protocol).collect()
}

fn twin_kind(kind: AccountKind) -> TwinKind {
    match kind {
        AccountKind::User => TwinKind::User,
        AccountKind::Application => TwinKind::Application,
        AccountKind::Shared => TwinKind::Shared,
    }
}

fn auto_reply(view: AutoReplyView) -> AutoReply {
    AutoReply {
        text: view.text,
        external_text: view.external_text,
        audience: match view.organisation_only {
            true => Audience::Organisation,
            false => Audience::All,
        },
        from: None,
        until: None,
    }
}
