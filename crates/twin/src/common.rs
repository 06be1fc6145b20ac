//! What all worlds keep of the past together: a bound on it, and who forgets
//! when it is reached.
//!
//! ```text
//!   worlds, forks, snapshots ──▶ pieces (shared) ◀── weakly, by age ── Common
//!                                   └ emptied, the oldest first, wherever they are kept
//! ```

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// A piece of the past.
pub(crate) trait Piece {
    /// Empties it and gives what it held back. True when more will come.
    fn forget(&self) -> bool;
}

/// How much there may be, and the pieces that hold it.
#[derive(Debug)]
pub(crate) struct Common<T> {
    max: usize,
    held: AtomicUsize,
    /// The oldest first. Some may be gone.
    pieces: Mutex<VecDeque<Weak<T>>>,
}

/// The list of pieces is tidied when it has grown to twice what was left the
/// last time, and not before it has so many.
const TIDIED_FROM: usize = 1024;

impl<T: Piece> Common<T> {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            max,
            held: AtomicUsize::new(0),
            pieces: Mutex::default(),
        })
    }

    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// A piece that is younger than all before it.
    pub(crate) fn enter(&self, piece: &Arc<T>) {
        let mut pieces = self.lock();
        if pieces.len() == pieces.capacity() && pieces.len() >= TIDIED_FROM {
            pieces.retain(|one| one.strong_count() > 0);
            // Grows only when most of it is in use.
            let room = pieces.len().max(TIDIED_FROM);
            pieces.reserve_exact(room);
        }
        pieces.push_back(Arc::downgrade(piece));
    }

    /// Counts what a piece is about to hold, before anybody can forget it.
    pub(crate) fn take(&self, amount: usize) {
        self.held.fetch_add(amount, Ordering::Relaxed);
    }

    /// Has the oldest forgotten if there is too much. The caller has no piece
    /// locked.
    pub(crate) fn make_room(&self) {
        let mut held = self.held();
        if held <= self.max {
            return;
        }
        // Those that go on come back at the end; once round is enough.
        let pieces = self.lock().len();
        for _ in 0..pieces {
            if held <= self.max {
                return;
            }
            let Some(oldest) = self.lock().pop_front() else {
                return;
            };
            if let Some(piece) = oldest.upgrade()
                && piece.forget()
            {
                self.lock().push_back(oldest);
            }
            held = self.held();
        }
    }

    /// What a piece held, and does not any more.
    pub(crate) fn give_back(&self, amount: usize) {
        self.held.fetch_sub(amount, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Weak<T>>> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Holds a number, and may go on.
    #[derive(Debug)]
    struct Heap {
        common: Arc<Common<Heap>>,
        amount: AtomicUsize,
        goes_on: bool,
    }

    impl Heap {
        fn new(common: &Arc<Common<Self>>, amount: usize, goes_on: bool) -> Arc<Self> {
            let heap = Arc::new(Self {
                common: Arc::clone(common),
                amount: AtomicUsize::new(amount),
                goes_on,
            });
            common.take(amount);
            common.enter(&heap);
            common.make_room();
            heap
        }

        fn amount(&self) -> usize {
            self.amount.load(Ordering::Relaxed)
        }
    }

    impl Piece for Heap {
        fn forget(&self) -> bool {
            let gone = self.amount.swap(0, Ordering::Relaxed);
            self.common.give_back(gone);
            self.goes_on
        }
    }

    impl Drop for Heap {
        fn drop(&mut self) {
            self.forget();
        }
    }

    #[test]
    fn the_oldest_go_first_and_no_more_than_must() {
        let common = Common::new(10);
        let one = Heap::new(&common, 4, true);
        let two = Heap::new(&common, 4, false);
        let gone = Heap::new(&common, 2, false);
        drop(gone);
        assert_eq!(common.held(), 8);
        let three = Heap::new(&common, 3, false);
        assert_eq!([one.amount(), two.amount(), three.amount()], [0, 4, 3]);
        // What goes on is asked again, at its turn.
        one.amount.store(9, Ordering::Relaxed);
        common.take(9);
        common.make_room();
        assert_eq!([one.amount(), two.amount(), three.amount()], [9, 0, 0]);
        assert_eq!(common.held(), 9);
        // More than all may hold: nothing is left, and nobody waits for ever.
        let large = Heap::new(&common, 11, true);
        assert_eq!([one.amount(), large.amount()], [0, 0]);
        assert_eq!(common.held(), 0);
    }

    #[test]
    fn pieces_that_are_gone_leave_the_list() {
        let common = Common::new(10);
        let kept = Heap::new(&common, 1, false);
        for _ in 0..20 * TIDIED_FROM {
            Heap::new(&common, 1, false);
        }
        assert!(common.lock().len() <= 4 * TIDIED_FROM);
        assert_eq!((kept.amount(), common.held()), (1, 1));
    }
}
