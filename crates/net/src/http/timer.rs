//! Our clock as the timer that hyper asks for.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};
use mailward_mail::time::{Clock, Timestamp, Waiting};

use crate::clock::instant_now;

/// Maps the library's monotonic moments onto our clock, both counted from the
/// moment this was made.
#[derive(Clone, Debug)]
pub(super) struct ClockTimer {
    clock: Arc<dyn Clock>,
    origin: (Instant, Timestamp),
}

impl ClockTimer {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let origin = (instant_now(), clock.now());
        Self { clock, origin }
    }
}

impl Timer for ClockTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(Nap(std::sync::Mutex::new(self.clock.wait(duration))))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.sleep(deadline.saturating_duration_since(self.now()))
    }

    fn now(&self) -> Instant {
        let (instant, moment) = self.origin;
        instant + self.clock.now().since(moment)
    }
}

/// A mutex only because the library asks for `Sync`; it is never contended.
struct Nap(std::sync::Mutex<Waiting>);

impl Future for Nap {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let waiting = self.get_mut().0.get_mut();
        waiting
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .as_mut()
            .poll(context)
    }
}

impl Sleep for Nap {}
