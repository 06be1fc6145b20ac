//! The SMTP drivers over loopback: our server against a scripted client, our
//! client against a scripted server, and the two against each other.

mod client;
mod server;
mod taker;
