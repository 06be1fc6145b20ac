//! The twin's pages: accounts, mailboxes, items.

use futures_util::stream;
use mailward_access::mime::decode_field;
use mailward_console::view::{
    AccountFilter, AccountKind, AccountState, AccountView, Cursor, FolderView, ItemKey, ItemRow,
    MailboxFilter, MailboxView, Page, TwinOverview,
};
use mailward_console::{Content, Item, SourceError};
use mailward_mail::Address;
use mailward_mail::header::Header;
use mailward_mailbox::{BodyReader, Flags, FolderInfo, FolderName, ItemSummary, MailboxError, Uid};
use mailward_twin::seed::{AccountKind as TwinKind, AccountState as TwinState};
use mailward_twin::{Account, HELD, OUTSIDE, QUARANTINE};

use super::TwinPart;

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

impl TwinPart {
    pub(super) async fn overview(&self) -> Result<TwinOverview, SourceError> {
        let owners = self.owners();
        let mut overview = TwinOverview {
            // The service's own mailboxes are no accounts, though their mail counts.
            accounts: self.accounts.all().len() as u64,
            items: 0,
            octets: 0,
            clock: self.clock.now(),
        };
        for owner in &owners {
            let usage = self.mailboxes.usage(&owner.key).await.map_err(trouble)?;
            overview.items += usage.items;
            overview.octets += usage.octets;
        }
        Ok(overview)
    }

    pub(super) async fn account_page(
        &self,
        filter: AccountFilter,
    ) -> Result<Page<AccountView>, SourceError> {
        let search = filter.search.unwrap_or_default().to_lowercase();
        let after = filter.cursor.as_ref().map_or("", Cursor::as_str);
        let mut owners = self.owners();
        owners.retain(|owner| owner.matches(&search) && owner.key.as_str() > after);
        let next = owners.get(filter.limit).is_some();
        owners.truncate(filter.limit);
        let next = owners
            .last()
            .filter(|_| next)
            .map(|last| Cursor::new(&last.key));
        let mut items = Vec::with_capacity(owners.len());
        for owner in owners {
            let folders = self.mailboxes.folders(&owner.key).await.map_err(trouble)?;
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
        let mut folders = self.mailboxes.folders(&owner.key).await.map_err(trouble)?;
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
        let found = self.mailboxes.item(&owner.key, &folder, Uid(key.uid)).await;
        let found = found.map_err(trouble)?.ok_or(SourceError::NotFound)?;
        let reader = self.mailboxes.read_body(&found.body).map_err(trouble)?;
        Ok(Item {
            received: found.internal_date,
            octets: found.octets(),
            flags: found.flags.names().map(str::to_owned).collect(),
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
            .mailboxes
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
        let mut reader = self.mailboxes.read_body(&one.body).ok()?;
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
        let usage = self.mailboxes.usage(&owner.key).await.map_err(trouble)?;
        let address = Address::parse(&owner.address).ok();
        Ok(AccountView {
            address: owner.address,
            display_name: owner.display_name,
            kind: owner.kind,
            state: owner.state,
            throttled_until: address
                .and_then(|address| self.throttling.until(&address, self.clock.now())),
            items: usage.items,
            unseen: folders.iter().map(|folder| folder.status.unseen).sum(),
            octets: usage.octets,
            quota_octets: usage.quota_octets,
        })
    }

    /// Everybody with a mailbox, by key.
    fn owners(&self) -> Vec<Owner> {
        let accounts = self.accounts.all();
        let mut owners: Vec<Owner> = accounts.iter().map(|account| Owner::of(account)).collect();
        owners.extend([Owner::outside(), Owner::quarantine(), Owner::held()]);
        owners.sort_by(|one, other| one.key.cmp(&other.key));
        owners
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
        let account = self.accounts.find(&address).ok_or(SourceError::NotFound)?;
        Ok(Owner::of(&account))
    }
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
