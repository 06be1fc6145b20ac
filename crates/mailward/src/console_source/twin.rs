//! The twin's pages: accounts, mailboxes, items.

use futures_util::stream;
use mailward_access::mime::decode_field;
use mailward_console::view::{
    AccountFilter, AccountKind, AccountState, AccountView, Cursor, FolderView, ItemKey, ItemRow,
    MailboxFilter, MailboxView, Page, QuotaLevel,
};
use mailward_console::{Content, Item, SourceError};
use mailward_mail::Address;
use mailward_mail::header::Header;
use mailward_mailbox::{BodyReader, Flags, FolderInfo, FolderName, ItemSummary, MailboxError, Uid};
use mailward_twin::portal::QuotaLevel as TwinLevel;
use mailward_twin::seed::{AccountKind as TwinKind, AccountState as TwinState};
use mailward_twin::{Account, HELD, OUTSIDE, QUARANTINE};

use super::twin_accounts::SPOKEN;
use super::world::WorldPart;

/// What the outside mailbox is called.
const OUTSIDE_NAME: &str = "Everybody outside the organisation";
/// What the quarantine is called.
const QUARANTINE_NAME: &str = "Kept back by the service";
/// What faults hold back is called.
const HELD_NAME: &str = "Held back by a fault";

/// Whose mailbox it is, before its figures are looked up.
struct Owner {
    /// As the mailboxes are named.
    key: String,
    address: String,
    display_name: Option<String>,
    kind: AccountKind,
    state: AccountState,
}

impl Owner {
    fn of(account: &Account) -> Self {
        Self {
            key: account.address.key(),
            address: account.address.to_string(),
            display_name: Some(account.display_name.clone()),
            kind: match account.kind {
                TwinKind::User => AccountKind::User,
                TwinKind::Application => AccountKind::Application,
                TwinKind::Shared => AccountKind::Shared,
            },
            state: match account.state {
                TwinState::Active => AccountState::Active,
                TwinState::Locked => AccountState::Locked,
                TwinState::Disabled => AccountState::Disabled,
            },
        }
    }

    /// It takes what is sent to addresses of nobody here.
    fn outside() -> Self {
        Self::nobody(OUTSIDE, OUTSIDE_NAME)
    }

    fn quarantine() -> Self {
        Self::nobody(QUARANTINE, QUARANTINE_NAME)
    }

    fn held() -> Self {
        Self::nobody(HELD, HELD_NAME)
    }

    fn nobody(key: &str, name: &str) -> Self {
        Self {
            key: key.to_owned(),
            address: key.to_owned(),
            display_name: Some(name.to_owned()),
            kind: AccountKind::Shared,
            state: AccountState::Active,
        }
    }

    fn matches(&self, search: &str) -> bool {
        let name = self.display_name.as_deref().unwrap_or_default();
        [self.address.as_str(), name]
            .iter()
            .any(|text| text.to_lowercase().contains(search))
    }
}

impl WorldPart {
    pub(super) async fn account_page(
        &self,
        filter: AccountFilter,
    ) -> Result<Page<AccountView>, SourceError> {
        let search = filter.search.unwrap_or_default().to_lowercase();
        let after = filter.cursor.as_ref().map_or("", Cursor::as_str);
        // One more than wanted tells whether there is another page.
        let mut owners = self.owners(after, filter.limit.saturating_add(1), &search);
        let more = owners.len() > filter.limit;
        owners.truncate(filter.limit);
        let next = owners
            .last()
            .filter(|_| more)
            .map(|last| Cursor::new(&last.key));
        let mut items = Vec::with_capacity(owners.len());
        for owner in owners {
            let folders = self
                .desk
                .mailboxes()
                .folders(&owner.key)
                .await
                .map_err(trouble)?;
            items.push(self.account(owner, &folders).await?);
        }
        Ok(Page {
            items,
            previous: None,
            next,
        })
    }

    pub(super) async fn mailbox(
        &self,
        account: &str,
        filter: MailboxFilter,
    ) -> Result<MailboxView, SourceError> {
        let owner = self.owner(account)?;
        let folder = match &filter.folder {
            None => FolderName::inbox(),
            Some(name) => folder_name(name)?,
        };
        let mut folders = self
            .desk
            .mailboxes()
            .folders(&owner.key)
            .await
            .map_err(trouble)?;
        // By levels, so that children follow their parents.
        folders.sort_by_cached_key(|one| {
            let levels = one.name.as_str().split(FolderName::SEPARATOR);
            let levels: Vec<String> = levels.map(str::to_owned).collect();
            (
                !(one.name.is_inbox() || one.name.is_below(&FolderName::inbox())),
                levels,
            )
        });
        let items = self.items(&owner.key, &folder, &filter).await?;
        Ok(MailboxView {
            account: self.account(owner, &folders).await?,
            folders: folders
                .iter()
                .filter(|one| one.selectable)
                .map(folder_view)
                .collect(),
            folder: folder.as_str().to_owned(),
            items,
        })
    }

    pub(super) async fn item(&self, key: ItemKey) -> Result<Item, SourceError> {
        let owner = self.owner(&key.account)?;
        let folder = folder_name(&key.folder)?;
        let found = self
            .desk
            .mailboxes()
            .item(&owner.key, &folder, Uid(key.uid))
            .await;
        let found = found.map_err(trouble)?.ok_or(SourceError::NotFound)?;
        let reader = self
            .desk
            .mailboxes()
            .read_body(&found.body)
            .map_err(trouble)?;
        Ok(Item {
            received: found.internal_date,
            octets: found.octets(),
            flags: found.flags.names().map(str::to_owned).collect(),
            message: self.desk.message_of(&found.body),
            content: content(reader),
        })
    }

    async fn items(
        &self,
        owner: &str,
        folder: &FolderName,
        filter: &MailboxFilter,
    ) -> Result<Page<ItemRow>, SourceError> {
        let before = filter
            .cursor
            .as_ref()
            .and_then(|cursor| cursor.as_str().parse().ok());
        // One more than wanted tells whether there is another page.
        let limit = filter.limit.saturating_add(1);
        let listed = self
            .desk
            .mailboxes()
            .list(owner, folder, before.map(Uid), limit)
            .await;
        let mut listed = listed.map_err(trouble)?;
        let more = listed.len() > filter.limit;
        listed.truncate(filter.limit);
        let next = listed
            .last()
            .filter(|_| more)
            .map(|last| Cursor::new(last.uid.to_string()));
        let mut items = Vec::with_capacity(listed.len());
        for one in listed {
            items.push(self.row(one).await);
        }
        Ok(Page {
            items,
            previous: None,
            next,
        })
    }

    async fn row(&self, one: ItemSummary) -> ItemRow {
        let octets = one.octets();
        ItemRow {
            uid: one.uid.0,
            received: one.internal_date,
            to: self.to(&one).await,
            from: decoded(&one.summary.from),
            subject: decoded(&one.summary.subject),
            octets,
            seen: one.flags.contains(Flags::SEEN),
            flagged: one.flags.contains(Flags::FLAGGED),
            answered: one.flags.contains(Flags::ANSWERED),
        }
    }

    /// The list has no To; it is read from the item's beginning. A body that
    /// cannot be read is told of when the item itself is opened.
    async fn to(&self, one: &ItemSummary) -> Option<String> {
        let mut reader = self.desk.mailboxes().read_body(&one.body).ok()?;
        let start = reader.chunk().await.ok()??;
        let header = Header::parse(&start);
        let value = header.first("To")?.value();
        decoded(&value)
    }

    async fn account(
        &self,
        owner: Owner,
        folders: &[FolderInfo],
    ) -> Result<AccountView, SourceError> {
        let usage = self.desk.mailboxes().usage(&owner.key).await;
        let usage = usage.map_err(trouble)?;
        let now = self.desk.clock().now();
        let address = Address::parse(&owner.address).ok();
        let found = address.and_then(|address| self.desk.accounts().find(&address));
        let account = found.as_deref();
        Ok(AccountView {
            is_account: account.is_some(),
            is_expired: account.is_some_and(|account| account.password_expires() <= now),
            must_change: account.is_some_and(|account| account.must_change),
            is_blocked: account.is_some_and(|account| self.desk.is_blocked(&account.address)),
            throttled_until: account
                .and_then(|account| self.desk.throttling().until(&account.address, now)),
            off: account.map(off).unwrap_or_default(),
            address: owner.address,
            display_name: owner.display_name,
            kind: owner.kind,
            state: owner.state,
            items: usage.items,
            unseen: folders.iter().map(|folder| folder.status.unseen).sum(),
            octets: usage.octets,
            quota_octets: usage.quota_octets,
            quota: quota_level(self.desk.quota_level(usage.octets, usage.quota_octets)),
        })
    }

    /// Up to `limit` of those with a mailbox after `key`, by key.
    fn owners(&self, key: &str, limit: usize, search: &str) -> Vec<Owner> {
        let accounts = self.desk.accounts();
        let found = accounts.after(key, limit, |account| Owner::of(account).matches(search));
        let mut owners: Vec<Owner> = found.iter().map(|account| Owner::of(account)).collect();
        let service = [Owner::outside(), Owner::quarantine(), Owner::held()];
        let later = |owner: &Owner| owner.key.as_str() > key && owner.matches(search);
        owners.extend(service.into_iter().filter(later));
        owners.sort_by(|one, other| one.key.cmp(&other.key));
        owners.truncate(limit);
        owners
    }

    pub(super) async fn account_row(&self, name: &str) -> Result<AccountView, SourceError> {
        let owner = self.owner(name)?;
        let mailboxes = self.desk.mailboxes();
        let folders = mailboxes.folders(&owner.key).await.map_err(trouble)?;
        self.account(owner, &folders).await
    }

    fn owner(&self, name: &str) -> Result<Owner, SourceError> {
        if name == QUARANTINE {
            return Ok(Owner::quarantine());
        }
        if name == HELD {
            return Ok(Owner::held());
        }
        if name == OUTSIDE {
            return Ok(Owner::outside());
        }
        let address = Address::parse(name).map_err(|_| SourceError::NotFound)?;
        let account = self
            .desk
            .accounts()
            .find(&address)
            .ok_or(SourceError::NotFound)?;
        Ok(Owner::of(&account))
    }
}

fn quota_level(level: TwinLevel) -> QuotaLevel {
    match level {
        TwinLevel::Room => QuotaLevel::Room,
        TwinLevel::Warning => QuotaLevel::Warning,
        TwinLevel::ProhibitSend => QuotaLevel::ProhibitSend,
        TwinLevel::ProhibitSendReceive => QuotaLevel::ProhibitSendReceive,
    }
}

/// Protocols that are not enabled, of those that the twin speaks.
fn off(account: &Account) -> Vec<String> {
    let off = SPOKEN.iter().filter(|(one, _, _)| !account.allows(*one));
    off.map(|(_, _, label)| (*label).to_owned()).collect()
}

fn folder_view(folder: &FolderInfo) -> FolderView {
    let name = folder.name.as_str();
    let levels: Vec<&str> = name.split(FolderName::SEPARATOR).collect();
    let label = match levels.last() {
        _ if folder.name.is_inbox() => "Inbox",
        Some(last) => last,
        None => name,
    };
    FolderView {
        name: name.to_owned(),
        label: label.to_owned(),
        depth: levels.len().saturating_sub(1),
        items: folder.status.items,
        unseen: folder.status.unseen,
    }
}

fn folder_name(text: &str) -> Result<FolderName, SourceError> {
    FolderName::parse(text).map_err(|_| SourceError::NotFound)
}

/// `None` for an absent or empty field.
fn decoded(value: &str) -> Option<String> {
    let text = decode_field(value.as_bytes());
    (!text.is_empty()).then_some(text)
}

/// Read from the store as the browser takes it.
fn content(reader: BodyReader) -> Content {
    Content::new(stream::try_unfold(reader, |mut reader| async move {
        let chunk = reader.chunk().await;
        match chunk.map_err(|error| SourceError::Internal(error.to_string()))? {
            Some(chunk) => Ok(Some((chunk, reader))),
            None => Ok(None),
        }
    }))
}

fn trouble(error: MailboxError) -> SourceError {
    match error {
        MailboxError::NoMailbox
        | MailboxError::NoFolder
        | MailboxError::NoItem
        | MailboxError::NotSelectable => SourceError::NotFound,
        other => SourceError::Internal(other.to_string()),
    }
}
