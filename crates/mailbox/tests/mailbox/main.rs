//! Mailboxes on a real store, closed and opened again, and in memory, forked
//! and looked at there: every test runs over both.

#![allow(clippy::duplicate_mod, reason = "every test runs over each engine")]

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engine {
    Store,
    Memory,
}

#[path = "."]
mod on_a_store {
    const ENGINE: crate::Engine = crate::Engine::Store;

    #[path = "life.rs"]
    mod life;
    #[path = "sessions.rs"]
    mod sessions;
    #[path = "support.rs"]
    mod support;
    #[path = "tree.rs"]
    mod tree;
}

#[path = "."]
mod in_memory {
    const ENGINE: crate::Engine = crate::Engine::Memory;

    #[path = "images.rs"]
    mod images;
    #[path = "life.rs"]
    mod life;
    #[path = "sessions.rs"]
    mod sessions;
    #[path = "support.rs"]
    mod support;
    #[path = "tree.rs"]
    mod tree;
}
