//! The intake as its clients meet it: SMTP over loopback TLS, the API through
//! its router.

mod api;
mod check;
mod control;
mod disk;
mod register;
mod smtp;
mod state;
mod support;
