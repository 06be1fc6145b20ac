//! One look: a session at the account's mailbox, and every doubt of its lane
//! looked for in it.

use std::sync::Arc;
use std::time::Duration;

use mailward_mail::{Reply, Timestamp};
use mailward_net::ConnectError;
use mailward_net::clock::within;
use mailward_net::imap::client::{ImapError, ImapOptions, ImapSession, ImapTimes};
use mailward_queue::{
    Actor, AfterLook, BreakerState, Credential, DueDoubt, Lane, Looked, QueueError, Rest,
};
use mailward_wire::imap::client::{Error, Fetched, Stage};
use mailward_wire::imap::{Credentials, Date, FetchItem, SearchKey, Section, SectionText};

use super::folder::{self, FolderError};
use super::judge::{Copy, judge};
use super::mark::{FIELD, Mark};
use crate::deliver::oauth::TokenError;
use crate::deliver::{Alarm, DeliverOptions, connection};
use crate::route::{Mechanism, Route, SendingAccount, SentItems};

/// One session from its beginning to its end, however much is looked for.
const LOOK_LENGTH_MAX: Duration = Duration::from_secs(600);
/// Copies of one Message-ID that are looked at, the latest ones: some
/// applications use one for everything they send.
const COPIES_MAX: usize = 2_000;
/// A search names days, and the service may count them in any time zone.
const SEARCH_MARGIN: Duration = Duration::from_secs(36 * 3600);

const REFUSED: &str = "sent_items_refused";
const UNUSABLE: &str = "sent_items_unusable";

/// Why nobody could look.
enum Trouble {
    /// It may work later.
    Passing(String),
    /// Not before somebody changes something.
    Lasting(String),
}

/// Looks for all of them, and writes down what that came to.
pub(super) async fn run(
    options: &DeliverOptions,
    lane: &Lane,
    doubts: Vec<DueDoubt>,
) -> Result<(), QueueError> {
    let by = Actor::new("doubt");
    let (looked, trouble) = match options.routes.of_lane(lane) {
        Some((route, account)) => {
            let looking = Box::pin(look(options, lane, route, account, &doubts));
            within(&*options.clock, LOOK_LENGTH_MAX, looking)
                .await
                .unwrap_or_else(|_| {
                    let seconds = LOOK_LENGTH_MAX.as_secs();
                    let why = format!("looking took more than {seconds} s");
                    (Vec::new(), Some(Trouble::Passing(why)))
                })
        }
        None => {
            let why = format!("the configuration has no {lane} any more");
            (Vec::new(), Some(Trouble::Lasting(why)))
        }
    };
    if let Some(Trouble::Passing(why) | Trouble::Lasting(why)) = &trouble {
        tracing::warn!(%lane, why, "sent mail can't be looked into");
    }
    let mut looked = looked.into_iter();
    for doubt in doubts {
        let came_to = looked.next().unwrap_or_else(|| Looked {
            found: Vec::new(),
            rest: match &trouble {
                Some(Trouble::Lasting(why)) => Rest::Unknowable { why: why.clone() },
                Some(Trouble::Passing(why)) => Rest::Unreadable { why: why.clone() },
                None => Rest::Unreadable {
                    why: "the look broke off".to_owned(),
                },
            },
        });
        let after = options
            .queue
            .doubt_looked(doubt.attempt, came_to, &by)
            .await?;
        match after {
            AfterLook::Settled => tracing::info!(message = %doubt.message, "a doubt is settled"),
            AfterLook::LookAgain(at) => {
                tracing::info!(message = %doubt.message, %at, "a doubt is looked into again");
            }
        }
    }
    Ok(())
}

/// What was found of each doubt, in order, as far as it came; and what ended
/// it before.
async fn look(
    options: &DeliverOptions,
    lane: &Lane,
    route: &Route,
    account: &SendingAccount,
    doubts: &[DueDoubt],
) -> (Vec<Looked>, Option<Trouble>) {
    let mut looked = Vec::with_capacity(doubts.len());
    let Some(sent_items) = route.sent_items() else {
        let why = "the route's sent mail is not looked into any more".to_owned();
        return (looked, Some(Trouble::Lasting(why)));
    };
    let mut session = match open(options, sent_items, account).await {
        Ok(session) => session,
        Err(trouble) => return (looked, Some(trouble)),
    };
    let key = account.address.key();
    let folder = match folder::open(&mut session, sent_items.folder.as_deref()).await {
        Ok((name, _)) => name,
        Err(FolderError::Absent(why)) => {
            let text = format!(
                "mail in doubt of {} can't be looked for: {why}",
                account.address
            );
            options
                .alarms
                .raise(Alarm::new(UNUSABLE, text).account(&key));
            session.logout().await;
            return (looked, Some(Trouble::Lasting(why)));
        }
        Err(FolderError::Imap(error)) => return (looked, Some(passing(sent_items, &error))),
    };
    options.alarms.clear(REFUSED, &key);
    options.alarms.clear(UNUSABLE, &key);
    let here = Here {
        options,
        lane,
        place: format!("{} of {}", folder.as_str(), account.address),
        files: sent_items.files,
    };
    let mut trouble = None;
    for doubt in doubts {
        match here.look_for(&mut session, doubt).await {
            Ok(one) => looked.push(one),
            Err(error) => {
                trouble = Some(passing(sent_items, &error));
                break;
            }
        }
    }
    session.logout().await;
    (looked, trouble)
}

/// Signs in, unless this credential was refused before, for reading or for
/// sending. A refusal here opens a breaker of its own: a service may shut the
/// door for reading while the one for sending stays open, and sending must not
/// end for that.
async fn open(
    options: &DeliverOptions,
    sent_items: &SentItems,
    account: &SendingAccount,
) -> Result<ImapSession, Trouble> {
    let Some(mechanism) = account.sent_items.as_ref() else {
        return Err(Trouble::Lasting(
            "the account has nothing to sign in with".to_owned(),
        ));
    };
    let reading = reading_credential(account, mechanism);
    for credential in [&connection::credential(account), &reading] {
        match options.queue.breaker_state(credential).await {
            Ok(BreakerState::Closed) => {}
            Ok(BreakerState::Open { reply, .. }) => {
                let why = format!("{} was refused earlier: {reply}", account.address);
                return Err(Trouble::Lasting(why));
            }
            Err(error) => return Err(Trouble::Passing(error.to_string())),
        }
    }
    let credentials = match proof(account, mechanism).await {
        Ok(credentials) => credentials,
        Err(error @ TokenError::Refused { .. }) => {
            return Err(refused(options, account, &reading, &error.to_string()).await);
        }
        Err(error) => return Err(Trouble::Passing(error.to_string())),
    };
    let imap = ImapOptions {
        host: sent_items.server.clone(),
        port: sent_items.port,
        tls: Arc::clone(&sent_items.tls),
        times: ImapTimes::default(),
    };
    let clock = Arc::clone(&options.clock);
    let mut session = match ImapSession::connect(&imap, &*options.resolver, clock).await {
        Ok(session) => session,
        Err(error) => {
            if let ImapError::Connect(ConnectError::TlsCertificate { .. }) = &error {
                let text = format!(
                    "mail in doubt of {} can't be looked for: {error}",
                    account.address
                );
                let alarm = Alarm::new(UNUSABLE, text).account(&account.address.key());
                options.alarms.raise(alarm);
            }
            return Err(passing(sent_items, &error));
        }
    };
    match session.sign_in(&credentials).await {
        Ok(()) => Ok(session),
        Err(ImapError::Session(Error::Refused {
            stage: Stage::SignIn,
            code,
            text,
            ..
        })) if folder::is_lasting(code.as_deref()) => {
            if let Mechanism::XOAuth2 { tokens } = mechanism {
                tokens.forget().await;
            }
            Err(refused(options, account, &reading, &text).await)
        }
        Err(ImapError::Session(error @ Error::NotOffered { .. })) => {
            let text = format!(
                "mail in doubt of {} can't be looked for: {error}",
                account.address
            );
            let alarm = Alarm::new(UNUSABLE, text).account(&account.address.key());
            options.alarms.raise(alarm);
            Err(Trouble::Lasting(error.to_string()))
        }
        Err(error) => Err(passing(sent_items, &error)),
    }
}

/// What the breaker for reading watches.
fn reading_credential(account: &SendingAccount, mechanism: &Mechanism) -> Credential {
    Credential {
        account: account.address.key().into(),
        name: mechanism.credential_name().to_owned(),
        version: mechanism.credential_version(),
    }
    .for_reading()
}

async fn proof(account: &SendingAccount, mechanism: &Mechanism) -> Result<Credentials, TokenError> {
    // The user name is always the full address (GUIDE-9, GUIDE-59).
    let user = account.address.as_str().to_owned();
    Ok(match mechanism {
        Mechanism::Login { password } | Mechanism::Plain { password } => Credentials::Plain {
            authorization: String::new(),
            user,
            password: password.current().secret,
        },
        Mechanism::XOAuth2 { tokens } => Credentials::XOAuth2 {
            user,
            token: tokens.token().await?,
        },
    })
}

async fn refused(
    options: &DeliverOptions,
    account: &SendingAccount,
    credential: &Credential,
    text: &str,
) -> Trouble {
    let reply = Reply::status(535, 7, 8, format!("IMAP: {text}"));
    if let Err(error) = options.queue.breaker_open(credential, &reply).await {
        tracing::error!(%error, "an opened breaker could not be recorded");
    }
    options.alarms.raise(
        Alarm::new(
            REFUSED,
            format!(
                "the service refused to let {} read its sent mail: {text}. It is not tried again with this credential; what is in doubt is settled by its class. Sending goes on.",
                account.address
            ),
        )
        .account(&account.address.key()),
    );
    Trouble::Lasting(format!("signing in to read sent mail was refused: {text}"))
}

fn passing(sent_items: &SentItems, error: &ImapError) -> Trouble {
    Trouble::Passing(format!("{}: {error}", sent_items.server))
}

/// An open folder, and what is known of it.
struct Here<'a> {
    options: &'a DeliverOptions,
    lane: &'a Lane,
    place: String,
    files: bool,
}

impl Here<'_> {
    async fn look_for(
        &self,
        session: &mut ImapSession,
        doubt: &DueDoubt,
    ) -> Result<Looked, ImapError> {
        let Some(message_id) = &doubt.message_id else {
            return Ok(Looked {
                found: Vec::new(),
                rest: Rest::Unknowable {
                    why: "it has no Message-ID to look for".to_owned(),
                },
            });
        };
        let first = doubt.submissions.iter().map(|one| one.dot_at).min();
        let since = first.unwrap_or(doubt.dot_at);
        let copies = copies(session, message_id, since).await?;
        // Asked only where it matters: a service that keeps our mark answers it.
        let has_unmarked = copies.iter().any(|copy| copy.marks.is_empty());
        let has_namesake = has_unmarked
            && match self.options.queue.has_namesake(doubt).await {
                Ok(found) => found,
                Err(error) => {
                    tracing::error!(%error, "messages of the same Message-ID can't be read");
                    true
                }
            };
        let verdict = judge(doubt, &copies, has_namesake, &self.place);
        if let Some((_, evidence)) = verdict.found.first() {
            self.filed(evidence).await;
        }
        let rest = match verdict.unclear {
            Some(why) => Rest::Unknowable { why },
            None => Rest::Absent {
                words: format!("it is not in {}", self.place),
                believed: if doubt.is_last && verdict.found.len() < doubt.recipients.len() {
                    self.believes(session, doubt).await?
                } else {
                    Err("more looks are to come".to_owned())
                },
            },
        };
        Ok(Looked {
            found: verdict.found,
            rest,
        })
    }

    /// Whether what is not in the folder was surely not sent: only where sent
    /// mail is known to be filed there. A message that was surely sent a while
    /// ago is looked for first; where it is missing, nothing else counts.
    async fn believes(
        &self,
        session: &mut ImapSession,
        doubt: &DueDoubt,
    ) -> Result<Result<String, String>, ImapError> {
        for canary in &doubt.canaries {
            let copies = copies(session, &canary.message_id, canary.sent_at).await?;
            if let Some(copy) = copies.first() {
                let evidence = format!(
                    "{}, sent at {}, is in {} (UID {})",
                    canary.message, canary.sent_at, self.place, copy.uid
                );
                self.filed(&evidence).await;
                return Ok(Ok(evidence));
            }
        }
        if !doubt.canaries.is_empty() {
            let count = doubt.canaries.len();
            return Ok(Err(format!(
                "of {count} sent before it none is there either: sent mail does not seem to be filed there"
            )));
        }
        Ok(match &doubt.proof {
            Some((at, evidence)) => Ok(format!(
                "sent mail is filed there: at {at} {evidence} was found"
            )),
            None if self.files => {
                Ok("the configuration says that sent mail is filed there".to_owned())
            }
            None => Err("it is not known that sent mail is filed there".to_owned()),
        })
    }

    async fn filed(&self, evidence: &str) {
        let queue = &self.options.queue;
        if let Err(error) = queue.sent_mail_is_filed(self.lane, evidence).await {
            tracing::error!(%error, "that sent mail is filed could not be recorded");
        }
    }
}

/// Messages in the open folder with this Message-ID, filed since shortly
/// before the moment given.
async fn copies(
    session: &mut ImapSession,
    message_id: &str,
    since: Timestamp,
) -> Result<Vec<Copy>, ImapError> {
    let wanted = bare(message_id);
    let mut uids = session
        .search(SearchKey::And(vec![
            SearchKey::Since(Date::of(since.minus(SEARCH_MARGIN))),
            SearchKey::Header {
                name: b"Message-ID".to_vec(),
                value: wanted.as_bytes().to_vec(),
            },
        ]))
        .await?;
    uids.drain(..uids.len().saturating_sub(COPIES_MAX));
    if uids.is_empty() {
        return Ok(Vec::new());
    }
    let fields = vec![b"Message-ID".to_vec(), FIELD.as_bytes().to_vec()];
    let items = [
        FetchItem::InternalDate,
        FetchItem::Section {
            peek: true,
            section: Section {
                part: Vec::new(),
                text: Some(SectionText::HeaderFields(fields)),
            },
            partial: None,
        },
    ];
    let fetched = session.fetch(&uids, &items).await?;
    // A search finds parts of values too.
    Ok(fetched
        .into_iter()
        .filter(|one| uids.contains(&one.uid))
        .filter_map(|one| copy(&one, wanted))
        .collect())
}

/// `<left@right>` out of what may stand around it.
fn bare(message_id: &str) -> &str {
    let text = message_id.trim();
    match (text.find('<'), text.find('>')) {
        (Some(start), Some(end)) if start < end => &text[start..=end],
        _ => text,
    }
}

fn copy(fetched: &Fetched, wanted: &str) -> Option<Copy> {
    let (_, octets) = fetched.sections.first()?;
    let text = String::from_utf8_lossy(octets);
    let text = text.replace("\r\n ", " ").replace("\r\n\t", " ");
    let fields = || text.lines().filter_map(|line| line.split_once(':'));
    let values = |name: &'static str| {
        fields()
            .filter(move |(known, _)| known.trim().eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    };
    values("Message-ID").find(|value| value.contains(wanted))?;
    Some(Copy {
        uid: fetched.uid,
        date: fetched.internal_date,
        marks: values(FIELD).filter_map(Mark::parse).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mailward_queue::AttemptId;

    #[test]
    fn a_copy_is_read_by_its_fields() {
        let fetched = |header: &str| Fetched {
            uid: 3,
            sections: vec![("HEADER.FIELDS".to_owned(), header.as_bytes().to_vec())],
            ..Fetched::default()
        };
        let wanted = "<1@northmoor.example>";
        for (header, marks) in [
            ("Message-ID: <1@northmoor.example>\r\n\r\n", Some(vec![])),
            (
                "message-id:\r\n <1@northmoor.example>\r\nX-MAILWARD-ATTEMPT: m.7\r\n\r\n",
                Some(vec![7]),
            ),
            (
                "X-Mailward-Attempt: m.8\r\nX-Mailward-Attempt: m.7\r\nMessage-ID: <1@northmoor.example>\r\n",
                Some(vec![8, 7]),
            ),
            ("Message-ID: <11@northmoor.example>\r\n\r\n", None),
            ("\r\n", None),
        ] {
            let read = copy(&fetched(header), wanted);
            let read = read.map(|copy| {
                copy.marks
                    .iter()
                    .map(|mark| mark.attempt)
                    .collect::<Vec<_>>()
            });
            let marks = marks.map(|marks| marks.into_iter().map(AttemptId).collect());
            assert_eq!(read, marks, "{header:?}");
        }
        for (text, expected) in [
            (" <1@x> ", "<1@x>"),
            ("(comment) <1@x> more", "<1@x>"),
            ("1@x", "1@x"),
            ("> <", "> <"),
        ] {
            assert_eq!(bare(text), expected);
        }
    }
}
