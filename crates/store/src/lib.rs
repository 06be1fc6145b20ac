//! Durable rows and bodies. Knows no mail.
//!
//! ```text
//! DIR/lock                      held while a process has the store open
//! DIR/rows.sqlite               the caller's tables, and where each body lies
//! DIR/segments/NNNNNNNN.seg     small bodies, appended one after another
//! DIR/bodies/N.body             a large body each
//! ```
//!
//! **A write** goes to one writer thread. Whatever waits while one group is
//! being synced makes up the next:
//!
//! ```text
//! append small bodies → run each change in its savepoint → fdatasync the segment → COMMIT → answer all
//! ```
//!
//! So a row that names a body is never durable before the body is, and
//! nobody is told "stored" before both are.
//!
//! **Space** comes back by whole files: a large body's when it is released, a
//! segment's when nothing in it is live. What is left in a segment of which
//! less than half is live is moved to the one that grows, as a write like any
//! other, at a bounded rate.
//!
//! **A failure** before the sync undoes the group and says
//! [`WriteError::Full`]; a failed sync or commit poisons the store for good,
//! since nothing is known about what the disk holds. Reads go on.
//!
//! **At open** leftovers of changes that were never acknowledged are removed;
//! anything acknowledged that is missing or altered refuses the start
//! ([`OpenError::Damaged`]) and names the file, the place and the commands
//! that help ([`check()`], [`repair()`], [`export()`]).

mod audit;
mod background;
mod backlog;
mod backup;
mod body;
mod check;
mod commit;
mod copy;
mod counts;
mod disk;
mod error;
mod export;
mod figures;
mod folder;
mod fresh;
mod group;
mod health;
mod identity;
mod keeper;
mod manifest;
mod new_body;
mod options;
mod pins;
mod read_body;
mod readers;
mod recover;
mod repair;
mod rows;
mod schema;
mod segment;
mod shared;
mod space;
mod store;
mod tally;
mod tx;
mod vacuum;
mod value;
mod wal;
mod writer;

pub use backup::{Backup, backup, restore};
pub use body::BodyRef;
pub use check::{Report, check};
pub use copy::{Copied, CopyError};
pub use disk::{Disk, DiskFile, Entry, Space, SystemDisk};
pub use error::{Damage, OpenError, ReadError, TxError, WriteError};
pub use export::{Exported, Rescue, Rescued, Whole, export, export_with};
pub use figures::Commits;
pub use health::Health;
pub use new_body::{BodyWriter, NewBody};
pub use options::{Limits, Options, Schema};
pub use read_body::BodyReader;
pub use repair::{Owner, Repaired, repair};
pub use space::StoreSpace;
pub use store::Store;
pub use tx::{ReadTx, Tx};
pub use value::{Column, FromColumn, Row, Value};
