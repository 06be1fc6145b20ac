//! Mailboxes on a real store, closed and opened again.

mod life;
mod sessions;
mod support;
mod tree;
