//! Ctrl-C and SIGTERM end the run by way of an error, so that the servers are
//! stopped and their folder is removed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};

use crate::run::Result;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static LOCK: Mutex<()> = Mutex::new(());
static CHANGED: Condvar = Condvar::new();

/// From now on the signals are heard here.
pub(super) fn install() -> Result {
    let failed = |error: std::io::Error| format!("can't listen for signals: {error}");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .map_err(failed)?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        (
            signal(SignalKind::interrupt()).map_err(failed)?,
            signal(SignalKind::terminate()).map_err(failed)?,
        )
    };
    std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
        INTERRUPTED.store(true, Ordering::Relaxed);
        let _held = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
        CHANGED.notify_all();
    });
    Ok(())
}

pub(super) fn check() -> Result {
    if INTERRUPTED.load(Ordering::Relaxed) {
        Err("interrupted".to_owned())
    } else {
        Ok(())
    }
}

/// Lets the time pass until `moment`, unless interrupted.
pub(super) fn wait_until(moment: Instant) -> Result {
    let mut held = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        check()?;
        let left = moment.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        held = CHANGED
            .wait_timeout(held, left)
            .unwrap_or_else(PoisonError::into_inner)
            .0;
    }
}

pub(super) fn wait(duration: Duration) -> Result {
    wait_until(Instant::now() + duration)
}
