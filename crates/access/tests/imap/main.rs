//! IMAP sessions over real mailboxes: scripts, and other people's programs.

mod clients;
mod extended;
mod folders;
mod limits;
mod messages;
mod model;
mod model_session;
mod searching;
mod sections;
mod signing_in;
mod support;
mod two_sessions;
