//! Automatic replies (RFC 3834) and read receipts (RFC 8098), as Exchange
//! writes them; their shape is inferred.

use mailward_mail::header::{Header, parse_address_list};
use mailward_mail::mime::encode_phrase;
use mailward_mail::{Address, Timestamp};
use mailward_mailbox::{FlagChange, Flags, FolderName, MailboxError, Uid};
use serde::{Deserialize, Serialize};

use super::habits::Audience;
use super::{Deliveries, INBOX, Letter, OUTSIDE, Work};
use crate::accounts::Account;
use crate::behaviour;
use crate::due;
use crate::names::{BACK_END, base64_lines};
use crate::ndr::clip;
use crate::oauth::guid;

/// What an answer needs to know of the message that it answers.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Asked {
    /// Who answers.
    pub(crate) account: Address,
    /// Who is answered.
    pub(crate) to: Address,
    pub(crate) subject: String,
    pub(crate) message_id: String,
    pub(crate) sent: String,
}

impl Asked {
    fn of(account: &Address, to: Address, header: &Header<'_>) -> Self {
        let field = |name| {
            let field = header.first(name);
            field.map(|field| clip(&field.value())).unwrap_or_default()
        };
        Self {
            account: account.clone(),
            to,
            subject: field("Subject"),
            message_id: field("Message-ID"),
            sent: field("Date"),
        }
    }
}

impl Deliveries {
    /// What the holder of the mailbox will do about a message in the inbox.
    pub(super) async fn promise_answers(&self, letter: &Letter<'_>, account: &Account, uid: Uid) {
        let Some(habit) = self.habits.of(&account.address.key()) else {
            return;
        };
        let header = Header::parse(letter.header);
        if habit.auto_reply.is_some()
            && let Some(sender) = letter.origin.reports_to()
            && may_be_answered(&header, sender, &account.address)
        {
            let asked = Asked::of(&account.address, sender.clone(), &header);
            self.promise(self.clock.now(), Work::AutomaticReply(asked))
                .await;
        }
        if let Some(reading) = habit.reading {
            let receipt_to = header
                .first("Disposition-Notification-To")
                .and_then(|field| parse_address_list(&field.value()).ok())
                .and_then(|list| list.into_iter().next())
                // A receipt goes to who sent the message and nobody else
                // (RFC 8098 section 2.1).
                .map(|mailbox| mailbox.address)
                .filter(|address| Some(address) == letter.origin.reports_to());
            let sender = receipt_to.as_ref().unwrap_or(&account.address);
            let work = Work::Read {
                uid: uid.0,
                receipt: receipt_to.is_some(),
                asked: Asked::of(&account.address, sender.clone(), &header),
            };
            let at = due::after(&*self.clock, reading.after_seconds);
            self.promise(at, work).await;
        }
    }

    /// Answers for somebody who is away, once for each sender and period.
    pub(super) async fn reply_automatically(&self, asked: &Asked) {
        let (key, now) = (asked.account.key(), self.clock.now());
        let Some(reply) = self.habits.of(&key).and_then(|one| one.auto_reply.clone()) else {
            return;
        };
        let within = reply.from.is_none_or(|from| from <= now)
            && reply.until.is_none_or(|until| now < until);
        let external = !asked.to.is_within(&self.domain);
        if !within || (external && reply.audience == Audience::Organisation) {
            return;
        }
        match self.habits.tell_once(&key, &asked.to.key()).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                tracing::warn!(%error, "an automatic reply could not be noted");
                return;
            }
        }
        let text = match &reply.external_text {
            Some(text) if external => text,
            _ => &reply.text,
        };
        let subject = format!("Automatic reply: {}", asked.subject);
        let fields = "Auto-Submitted: auto-replied\r\nX-Auto-Response-Suppress: All\r\n";
        let mut message = self.answer_header(asked, &subject, fields, now);
        message.push_str(
            "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n",
        );
        message.push_str(&base64_lines(text.as_bytes()));
        self.answer(asked, message, behaviour::AUTOMATIC_REPLY, "answered")
            .await;
    }

    /// The holder of the mailbox opens the message.
    pub(super) async fn read(&self, uid: Uid, receipt: bool, asked: &Asked) {
        let seen = self.mark_seen(&asked.account.key(), uid).await;
        match seen {
            Ok(true) => {}
            // It has gone, or a program of the holder's has it already.
            Ok(false) => return,
            Err(error) => {
                tracing::warn!(%error, "a message could not be opened");
                return;
            }
        }
        let account = Some(asked.account.as_str());
        let why = "its holder opened it";
        self.events.add("service", "opened", account, why, None);
        if !receipt {
            return;
        }
        let now = self.clock.now();
        let boundary = guid(&*self.dice);
        let subject = format!("Read: {}", asked.subject);
        let fields = "Auto-Submitted: auto-replied\r\nX-Auto-Response-Suppress: All\r\n";
        let mut message = self.answer_header(asked, &subject, fields, now);
        message.push_str(&format!(
            "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=disposition-notification;\r\n\tboundary=\"{boundary}\"\r\n\r\n\
             --{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
             Your message\r\n\r\n   To: {account}\r\n   Subject: {subject}\r\n   Sent: {sent}\r\n\r\nwas read on {read}.\r\n\
             \r\n--{boundary}\r\nContent-Type: message/disposition-notification\r\n\r\n\
             Reporting-UA: {BACK_END}; Microsoft Exchange\r\nFinal-Recipient: rfc822;{account}\r\n",
            account = asked.account,
            subject = asked.subject,
            sent = asked.sent,
            read = now.to_rfc5322(),
        ));
        if !asked.message_id.is_empty() {
            message.push_str(&format!("Original-Message-ID: {}\r\n", asked.message_id));
        }
        message.push_str(&format!(
            "Disposition: automatic-action/MDN-sent-automatically; displayed\r\n\r\n--{boundary}--\r\n"
        ));
        self.answer(asked, message, behaviour::READ_RECEIPT, "read")
            .await;
    }

    async fn mark_seen(&self, owner: &str, uid: Uid) -> Result<bool, MailboxError> {
        let folder = self
            .mailboxes
            .folder(owner, &FolderName::parse(INBOX)?)
            .await?;
        if folder
            .item(uid)
            .is_none_or(|item| item.flags.contains(Flags::SEEN))
        {
            return Ok(false);
        }
        folder
            .store_flags(&[uid], FlagChange::Add(Flags::SEEN), None)
            .await?;
        Ok(true)
    }

    fn answer_header(&self, asked: &Asked, subject: &str, fields: &str, now: Timestamp) -> String {
        let name = self.accounts.find(&asked.account);
        let name = name.map_or_else(String::new, |account| {
            format!("{} ", encode_phrase(&account.display_name))
        });
        let mut header = format!(
            "From: {name}<{}>\r\nTo: <{}>\r\nDate: {}\r\nSubject: {}\r\nMessage-ID: <{}@{BACK_END}>\r\n",
            asked.account,
            asked.to,
            now.to_rfc5322(),
            clip(subject),
            guid(&*self.dice)
        );
        if !asked.message_id.is_empty() {
            header.push_str(&format!(
                "In-Reply-To: {0}\r\nReferences: {0}\r\n",
                asked.message_id
            ));
        }
        header.push_str(fields);
        header
    }

    async fn answer(
        &self,
        asked: &Asked,
        message: String,
        behaviour: &'static behaviour::Behaviour,
        kind: &'static str,
    ) {
        let owner = match self.accounts.find(&asked.to) {
            Some(account) => account.address.key(),
            None if asked.to.is_within(&self.domain) => return,
            None => OUTSIDE.to_owned(),
        };
        let filed = self.file(&owner, INBOX, message.as_bytes()).await;
        if let Err(error) = filed {
            tracing::warn!(%error, "an answer could not be filed");
            return;
        }
        let why = format!("an answer went to {}", asked.to);
        let account = Some(asked.account.as_str());
        self.events.punish("service", kind, account, why, behaviour);
    }
}

/// What RFC 3834 section 2 and Exchange's own field leave to be answered: mail
/// by a person, to this person.
fn may_be_answered(header: &Header<'_>, sender: &Address, account: &Address) -> bool {
    let value = |name: &str| {
        let field = header.first(name);
        field.map(|field| field.value().to_ascii_lowercase())
    };
    let automatic = value("Auto-Submitted").is_some_and(|value| !value.starts_with("no"));
    let bulk =
        value("Precedence").is_some_and(|value| ["bulk", "list", "junk"].contains(&value.as_str()));
    let list = ["List-Id", "List-Unsubscribe", "List-Post"];
    let list = list.iter().any(|name| header.count(name) > 0);
    let suppressed = value("X-Auto-Response-Suppress").is_some_and(|value| {
        value
            .split([',', ';'])
            .any(|word| ["all", "oof"].contains(&word.trim()))
    });
    let local = sender.local_part().to_ascii_lowercase();
    let machine = ["mailer-daemon", "postmaster", "noreply", "no-reply"].contains(&local.as_str())
        || local.starts_with("owner-")
        || local.ends_with("-request");
    let named = ["To", "Cc"].iter().any(|name| {
        header.all(name).any(|field| {
            parse_address_list(&field.value())
                .is_ok_and(|list| list.iter().any(|mailbox| mailbox.address == *account))
        })
    });
    let itself = sender == account;
    named && !(automatic || bulk || list || suppressed || machine || itself)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_people_and_nobody_else() {
        let account = Address::parse("away@northmoor.example").expect("an address");
        let to = "To: Someone <away@northmoor.example>\r\n";
        for (fields, sender, expected) in [
            (to.to_owned(), "a@elsewhere.example", true),
            (
                format!("{to}Auto-Submitted: no\r\n"),
                "a@elsewhere.example",
                true,
            ),
            (
                format!("{to}Auto-Submitted: auto-replied\r\n"),
                "a@elsewhere.example",
                false,
            ),
            (
                format!("{to}Precedence: Bulk\r\n"),
                "a@elsewhere.example",
                false,
            ),
            (
                format!("{to}List-Id: <x.example>\r\n"),
                "a@elsewhere.example",
                false,
            ),
            (
                format!("{to}X-Auto-Response-Suppress: DR, OOF\r\n"),
                "a@elsewhere.example",
                false,
            ),
            (
                format!("{to}X-Auto-Response-Suppress: DR\r\n"),
                "a@elsewhere.example",
                true,
            ),
            (to.to_owned(), "MAILER-DAEMON@elsewhere.example", false),
            (to.to_owned(), "news-request@elsewhere.example", false),
            (to.to_owned(), "away@northmoor.example", false),
            (
                "To: ward.seven@northmoor.example\r\n".to_owned(),
                "a@elsewhere.example",
                false,
            ),
            (
                "Cc: away@northmoor.example\r\n".to_owned(),
                "a@elsewhere.example",
                true,
            ),
        ] {
            let text = format!("{fields}\r\n");
            let header = Header::parse(text.as_bytes());
            let sender = Address::parse(sender).expect("an address");
            let answered = may_be_answered(&header, &sender, &account);
            assert_eq!(answered, expected, "{fields} {sender}");
        }
    }
}
