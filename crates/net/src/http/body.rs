//! Request bodies that can neither grow nor stall without end.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::BoxError;
use bytes::Bytes;
use http_body_util::Limited;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use mailward_mail::time::{Clock, Waiting};

/// A body of at most so many octets, each part of which arrives in time.
pub(super) struct BoundedBody {
    body: Limited<Incoming>,
    clock: Arc<dyn Clock>,
    part_timeout: Duration,
    late: Option<Waiting>,
}

impl BoundedBody {
    pub(super) fn new(
        body: Incoming,
        octets_max: usize,
        part_timeout: Duration,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            body: Limited::new(body, octets_max),
            clock,
            part_timeout,
            late: None,
        }
    }
}

impl Body for BoundedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.late = None;
            return Poll::Ready(frame);
        }
        let this = &mut *self;
        let late = this
            .late
            .get_or_insert_with(|| this.clock.wait(this.part_timeout));
        ready!(late.as_mut().poll(context));
        Poll::Ready(Some(Err(Box::new(io::Error::new(
            io::ErrorKind::TimedOut,
            "the request body stopped arriving",
        )))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
