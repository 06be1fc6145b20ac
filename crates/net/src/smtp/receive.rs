//! Reading without keeping: a connection holds a read buffer only while there
//! is something in it, so that thousands of idle ones cost next to nothing.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// As much as a TLS record can hold (RFC 8446 section 5.1).
const BUFFER_OCTETS: usize = 16 * 1024;

/// Buffers kept for the next reader; more are given back to the allocator.
const SPARE_BUFFERS_MAX: usize = 64;

/// The read buffers of one server.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffers(Arc<Mutex<Vec<Box<[u8]>>>>);

impl Buffers {
    fn take(&self) -> Box<[u8]> {
        let spare = self.lock().pop();
        spare.unwrap_or_else(|| vec![0; BUFFER_OCTETS].into_boxed_slice())
    }

    fn give(&self, buffer: Box<[u8]>) {
        let mut spare = self.lock();
        if spare.len() < SPARE_BUFFERS_MAX {
            spare.push(buffer);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Box<[u8]>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What has been read and not yet used.
#[derive(Debug)]
pub(super) struct Input {
    buffers: Buffers,
    buffer: Option<Box<[u8]>>,
    from: usize,
    upto: usize,
}

impl Input {
    pub(super) fn new(buffers: Buffers) -> Self {
        Self {
            buffers,
            buffer: None,
            from: 0,
            upto: 0,
        }
    }

    pub(super) fn unused(&self) -> &[u8] {
        match &self.buffer {
            Some(buffer) => &buffer[self.from..self.upto],
            None => &[],
        }
    }

    /// All but the last `left` octets have been used.
    pub(super) fn leave(&mut self, left: usize) {
        self.from = self.upto.saturating_sub(left);
        if self.from == self.upto {
            self.release();
        }
    }

    /// Reads once; zero octets mean the end. A buffer is taken for the moment
    /// of reading and kept only when something came.
    pub(super) fn poll_fill<R: AsyncRead + Unpin>(
        &mut self,
        stream: &mut R,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        debug_assert!(self.unused().is_empty(), "what was read before is used");
        let mut buffer = self.buffer.take().unwrap_or_else(|| self.buffers.take());
        let mut reading = ReadBuf::new(&mut buffer);
        let polled = Pin::new(stream).poll_read(context, &mut reading);
        let length = reading.filled().len();
        self.from = 0;
        self.upto = length;
        if length == 0 {
            self.buffers.give(buffer);
        } else {
            self.buffer = Some(buffer);
        }
        ready!(polled)?;
        Poll::Ready(Ok(length))
    }

    /// Wipes and gives back the buffer: it may have held a password.
    fn release(&mut self) {
        if let Some(mut buffer) = self.buffer.take() {
            buffer[..self.upto].fill(0);
            self.buffers.give(buffer);
        }
        self.from = 0;
        self.upto = 0;
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        self.release();
    }
}
