//! Everything the service checks once it has the whole message, in its order,
//! and what it then does. Every offence is an event that names its behaviour.

use std::time::Duration;

use mailward_mail::header::Header;
use mailward_mail::{Address, Reply};
use mailward_mailbox::MailboxError;
use mailward_policy::limits;

use super::session::{DoorKind, SignedIn, Submission};
use crate::accounts::{Account, Addressee};
use crate::behaviour::{self, Behaviour};
use crate::deliver::{Filing, Letter, Origin, Unsendable};
use crate::manners::{DayFull, ListSpacing, NonDelivery};
use crate::message::{Message, taken, trouble};
use crate::senders::SenderSpec;
use crate::tally::{ListSend, Sent};

/// What a message that passed all checks brings with it.
#[derive(Debug)]
pub(super) struct Passed {
    filing: Filing,
    /// What to add to the tally, with the lists addressed.
    counted: Option<(Sent, Vec<ListSend>)>,
}

impl Submission {
    pub(super) fn check_blocked(&self, account: &Account) -> Result<(), Reply> {
        if !self.door.deliveries.senders.of(&account.address).blocked {
            return Ok(());
        }
        let why = "the account is blocked";
        Err(self.refuse(account, why, behaviour::SENDER_BLOCKED, blocked()))
    }

    pub(super) async fn check(
        &self,
        signed_in: &SignedIn,
        message: &Message,
    ) -> Result<Passed, Reply> {
        let account = &signed_in.account;
        if signed_in.connected.too_many {
            let reply = Reply::status(
                432,
                3,
                2,
                "Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information.",
            );
            let why = "more connections at once than a mailbox may have";
            return Err(self.refuse(account, why, behaviour::CONNECTIONS, reply));
        }
        self.check_size(account, message)?;
        self.check_from(account, message)?;
        self.check_non_delivery(account, message).await?;
        let mut filing = message.verdict().filing(
            self.door.kind.as_str(),
            Some(account.address.as_str()),
            &self.door.events,
            self.door.manners.now().mail.verdict_after_seconds > 0,
        );
        if self.has_too_many_recipients(account, message) {
            filing = Filing::Returned;
        }
        let lists = self.check_lists(account, message)?;
        let quota = self.door.deliveries.check_quota(account, message.octets);
        quota
            .await
            .map_err(|unsendable| self.may_not_send(account, &unsendable))?;
        let counted = match self.check_day(account, message, lists) {
            Ok(counted) => counted,
            Err(_) if self.door.manners.now().mail.day_full == DayFull::Report => {
                filing = Filing::DayFull;
                None
            }
            Err(reply) => return Err(reply),
        };
        Ok(Passed { filing, counted })
    }

    fn check_size(&self, account: &Account, message: &Message) -> Result<(), Reply> {
        if message.octets <= limits::MESSAGE_OCTETS.figure {
            return Ok(());
        }
        let reply = Reply::status(552, 3, 4, "Message size exceeds fixed maximum message size");
        let why = "the message is larger than a single message may be";
        Err(self.refuse(account, why, behaviour::MESSAGE_SIZE, reply))
    }

    fn check_from(&self, account: &Account, message: &Message) -> Result<(), Reply> {
        let from = message.addresses("From");
        let has_sender = Header::parse(&message.header).count("Sender") > 0;
        match from.as_slice() {
            [] => Err(self.refuse(
                account,
                "the message has no From that can be read",
                behaviour::FROM_MISSING,
                Reply::status(
                    550,
                    7,
                    512,
                    "Access denied, message must be RFC 5322 section 3.6.2 compliant",
                ),
            )),
            [_, _, ..] if !has_sender => Err(self.refuse(
                account,
                "several From addresses and no Sender",
                behaviour::FROM_SEVERAL,
                Reply::status(
                    550,
                    1,
                    20,
                    "Multiple From addresses are not allowed without Sender address",
                ),
            )),
            addresses => {
                let own = &account.address;
                let spoofed = addresses
                    .iter()
                    .chain(message.reverse_path.address())
                    .find(|address| *address != own);
                match spoofed {
                    None => Ok(()),
                    Some(other) => {
                        let why = format!("{own} sends as {other}");
                        let reply = self.send_as_denied(own, other);
                        Err(self.refuse(account, &why, behaviour::SEND_AS, reply))
                    }
                }
            }
        }
    }

    fn send_as_denied(&self, account: &Address, other: &Address) -> Reply {
        Reply::status(
            554,
            2,
            252,
            format!(
                "SendAsDenied; {account} not allowed to send as {other}; STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied; Failed to process message due to a permanent exception with message [BeginDiagnosticData]Cannot submit message. 0.35250:{:08X}[EndDiagnosticData]",
                self.door.dice.next_u64() & 0xffff_ffff
            ),
        )
    }

    /// Addresses that nobody reads: recorded, or the account is blocked.
    async fn check_non_delivery(&self, account: &Account, message: &Message) -> Result<(), Reply> {
        let found = message
            .addresses("From")
            .into_iter()
            .chain(message.addresses("Reply-To"))
            .chain(message.reverse_path.address().cloned())
            .find(is_non_delivery);
        let Some(address) = found else { return Ok(()) };
        let why = format!("nobody reads what is sent to {address}");
        if self.door.manners.now().non_delivery_address == NonDelivery::Record {
            self.punish(account, "recorded", &why, behaviour::NON_DELIVERY_ADDRESS);
            return Ok(());
        }
        let block = SenderSpec {
            address: account.address.clone(),
            recipients_max: None,
            blocked: Some(true),
        };
        if let Err(error) = self.door.deliveries.senders.set(block).await {
            tracing::warn!(%error, "a block could not be written down");
            return Err(trouble(&MailboxError::Unavailable(error.to_string())));
        }
        Err(self.refuse(account, &why, behaviour::NON_DELIVERY_ADDRESS, blocked()))
    }

    /// Taken all the same, then reported.
    fn has_too_many_recipients(&self, account: &Account, message: &Message) -> bool {
        let sender = self.door.deliveries.senders.of(&account.address);
        let (count, most) = (message.recipients.len() as u64, sender.recipients_max());
        if count <= most {
            return false;
        }
        let why = format!("{count} recipients, where the mailbox may have {most}");
        self.punish(account, "returned", &why, behaviour::RECIPIENTS_PER_MESSAGE);
        true
    }

    /// Gives the lists among the recipients.
    fn check_lists(&self, account: &Account, message: &Message) -> Result<Vec<ListSend>, Reply> {
        let spacing = Duration::from_secs(limits::LIST_SPACING.figure * 60);
        let now = self.door.clock.now();
        let mut lists = Vec::new();
        for recipient in &message.recipients {
            let Some(Addressee::List(list)) = self.door.accounts.addressee(recipient) else {
                continue;
            };
            let list = &list.address;
            let send = ListSend {
                account: account.address.key(),
                list: list.key(),
            };
            let tally = &self.door.deliveries.tally;
            let last = tally.list_sent_at(&send.account, &send.list);
            if let Some(last) = last
                && now < last.plus(spacing)
            {
                let why = format!("the last message to {list} came at {last}");
                let words = format!("Messages to distribution list {list} are too close together");
                let behaviour = behaviour::LIST_SPACING;
                match self.door.manners.now().list_spacing {
                    ListSpacing::Record => self.punish(account, "recorded", &why, behaviour),
                    ListSpacing::Delay => {
                        let reply = Reply::status(450, 7, 1, words);
                        return Err(self.refuse(account, &why, behaviour, reply));
                    }
                    ListSpacing::Refuse => {
                        let reply = Reply::status(550, 7, 1, words);
                        return Err(self.refuse(account, &why, behaviour, reply));
                    }
                }
            }
            lists.push(send);
        }
        Ok(lists)
    }

    /// A list counts as one recipient. The high sending service counts apart.
    fn check_day(
        &self,
        account: &Account,
        message: &Message,
        lists: Vec<ListSend>,
    ) -> Result<Option<(Sent, Vec<ListSend>)>, Reply> {
        let most = match self.door.kind {
            DoorKind::Submission => Some(limits::RECIPIENTS_PER_DAY.figure),
            DoorKind::HighSending => self.door.manners.now().high_sending.recipients_per_day,
        };
        let most = most.filter(|_| self.door.rates);
        if most.is_none() && lists.is_empty() {
            return Ok(None);
        }
        let key = match self.door.kind {
            DoorKind::Submission => account.address.key(),
            DoorKind::HighSending => format!("high_sending {}", account.address.key()),
        };
        let count = message.recipients.len() as u64;
        let now = self.door.clock.now();
        let taken = self.door.deliveries.tally.take(&key, count, most, now);
        match taken {
            Ok(sent) => Ok(Some((sent, lists))),
            Err(full) => {
                let why = format!(
                    "{count} recipients more than the {} of the last day",
                    full.sent
                );
                let reply = Reply::status(
                    554,
                    2,
                    0,
                    "STOREDRV.Submission.Exception:SubmissionQuotaExceededException",
                );
                Err(self.refuse(account, &why, behaviour::RECIPIENTS_PER_DAY, reply))
            }
        }
    }

    /// Waits until the minute has room.
    pub(super) async fn keep_pace(&self, account: &Account) {
        let now = self.door.clock.now();
        let place = self.door.pace.next_message(&account.address, now);
        if place > now {
            let why = format!("the minute is full; taken at {place}");
            self.punish(account, "delayed", &why, behaviour::MESSAGES_PER_MINUTE);
            self.door.clock.wait_until(place).await;
        }
    }

    pub(super) async fn file(
        &self,
        account: &Account,
        message: Message,
        passed: Passed,
    ) -> Result<(), MailboxError> {
        let recipients = message.recipients.clone();
        let header = message.header.clone();
        let letter = Letter {
            protocol: self.door.kind.as_str(),
            origin: Origin::Account(account),
            recipients: &recipients,
            header: &header,
            filing: passed.filing,
            scanned: true,
        };
        let octets = message.octets;
        let (body, removed) = message.finish()?;
        let deliveries = &self.door.deliveries;
        let count = recipients.len();
        let (address, why) = (account.address.as_str(), taken(octets, count));
        let message_id = &body.summary().message_id;
        self.door
            .events
            .accept(letter.protocol, "accepted", Some(address), why, message_id);
        deliveries.note_removed(&letter, &removed);
        deliveries.deliver(&letter, body, passed.counted).await
    }

    /// From a part of the quota on nothing is sent (GUIDE-64).
    fn may_not_send(&self, account: &Account, unsendable: &Unsendable) -> Reply {
        let (why, exception) = match unsendable {
            Unsendable::Trouble(error) => return self.not_filed(account, error),
            Unsendable::Full => (
                "the mailbox would be beyond its quota",
                "MapiExceptionShutoffQuotaExceeded",
            ),
            Unsendable::NearlyFull => (
                "the mailbox is too full to send, though not to receive",
                "MapiExceptionQuotaExceeded",
            ),
        };
        let reply = Reply::status(
            554,
            2,
            2,
            format!(
                "mailbox full; STOREDRV.Submission.Exception:QuotaExceededException.{exception}"
            ),
        );
        self.refuse(account, why, behaviour::OVER_QUOTA, reply)
    }

    pub(super) fn not_filed(&self, account: &Account, error: &MailboxError) -> Reply {
        if let MailboxError::OverQuota { .. } = error {
            let why = error.to_string();
            self.punish(account, "refused", &why, behaviour::OVER_QUOTA);
        } else {
            tracing::warn!(%error, "a submission could not be filed");
        }
        trouble(error)
    }

    fn refuse(
        &self,
        account: &Account,
        why: &str,
        behaviour: &'static Behaviour,
        reply: Reply,
    ) -> Reply {
        self.punish(account, "refused", why, behaviour);
        reply
    }

    fn punish(
        &self,
        account: &Account,
        kind: &'static str,
        why: &str,
        behaviour: &'static Behaviour,
    ) {
        let (protocol, address) = (self.door.kind.as_str(), account.address.as_str());
        self.door
            .events
            .punish(protocol, kind, Some(address), why, behaviour);
    }
}

fn blocked() -> Reply {
    Reply::status(550, 1, 8, "Access denied, bad outbound sender")
}

/// Names that say of themselves that nobody reads them (GUIDE-72).
fn is_non_delivery(address: &Address) -> bool {
    const NAMES: [&str; 6] = [
        "noreply",
        "donotreply",
        "donotrespond",
        "noresponse",
        "unmonitored",
        "nonmonitored",
    ];
    let letters: String = address
        .local_part()
        .chars()
        .filter(|char| char.is_alphabetic())
        .flat_map(char::to_lowercase)
        .collect();
    NAMES.iter().any(|name| letters.starts_with(name))
}
