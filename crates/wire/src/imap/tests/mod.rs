//! The codec there and back, and conversations as scripts.

mod codec;
mod conversation;
mod frame;
mod hostile;
mod structure;
