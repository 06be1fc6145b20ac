//! HTTP/1.1 both ways: an axum router behind a listener, and a small client.

mod body;
pub mod client;
pub mod server;
mod stall;
mod timer;

pub use client::{HttpClient, HttpError, HttpResponse};
pub use server::{HttpServer, Limits};
