//! Bodies that were stored a moment ago, still in memory: most are sent at once,
//! and need not be read back from the disk.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::body::{BodyRef, HEADER_OCTETS};
use crate::read_body::CHUNK_OCTETS;

/// What they take together; the oldest make room for the newest.
const OCTETS_MAX: usize = 8 * 1024 * 1024;

#[derive(Debug, Default)]
pub(crate) struct Fresh(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    bodies: HashMap<u64, Kept>,
    /// By age. Some may be gone already.
    order: VecDeque<u64>,
    octets: usize,
}

#[derive(Debug)]
struct Kept {
    content: Bytes,
    /// What it takes of memory.
    octets: usize,
}

impl Fresh {
    /// Keeps the content of a record that is on the disk now, if it is no
    /// larger than one chunk of a reader.
    pub(crate) fn keep(&self, body: &BodyRef, record: Vec<u8>) {
        let octets = record.capacity();
        if body.octets() > CHUNK_OCTETS || octets > OCTETS_MAX {
            return;
        }
        let content = Bytes::from(record).slice(HEADER_OCTETS..);
        let mut state = self.lock();
        while state.octets + octets > OCTETS_MAX {
            let Some(oldest) = state.order.pop_front() else {
                break;
            };
            state.remove(oldest);
        }
        state.remove(body.number());
        state.octets += octets;
        state.order.push_back(body.number());
        state.bodies.insert(body.number(), Kept { content, octets });
    }

    /// The content, once: whoever asks again has had trouble, and can wait.
    pub(crate) fn take(&self, body: &BodyRef) -> Option<Bytes> {
        let content = self.lock().remove(body.number())?;
        let same =
            content.len() as u64 == body.octets() && crc32c::crc32c(&content) == body.crc32c();
        same.then_some(content)
    }

    /// The body is released: nobody reads it any more.
    pub(crate) fn forget(&self, body: u64) {
        self.lock().remove(body);
    }

    /// Nothing is given any more.
    pub(crate) fn clear(&self) {
        *self.lock() = State::default();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn remove(&mut self, body: u64) -> Option<Bytes> {
        let kept = self.bodies.remove(&body)?;
        self.octets -= kept.octets;
        // Most leave in the order in which they came.
        while let Some(oldest) = self.order.front()
            && !self.bodies.contains_key(oldest)
        {
            self.order.pop_front();
        }
        Some(kept.content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(number: u64, content: &[u8]) -> (BodyRef, Vec<u8>) {
        let mut record = vec![0; HEADER_OCTETS];
        record.extend_from_slice(content);
        let octets = content.len() as u64;
        (
            BodyRef::new(number, octets, crc32c::crc32c(content)),
            record,
        )
    }

    #[test]
    fn is_given_once_and_to_its_own_reference_alone() {
        let fresh = Fresh::default();
        let (one, record) = body(1, b"one");
        fresh.keep(&one, record.clone());
        let (other, _) = body(1, b"two");
        assert_eq!(fresh.take(&other), None);
        assert_eq!(fresh.take(&one), None, "the wrong one took it");
        fresh.keep(&one, record.clone());
        assert_eq!(fresh.take(&one).as_deref(), Some(&b"one"[..]));
        assert_eq!(fresh.take(&one), None);
        fresh.keep(&one, record);
        fresh.forget(1);
        assert_eq!(fresh.take(&one), None);
    }

    #[test]
    fn the_oldest_make_room_and_all_of_it_comes_back() {
        let fresh = Fresh::default();
        let content = vec![b'a'; 60_000];
        let references: Vec<BodyRef> = (0..1_000)
            .map(|number| {
                let (reference, record) = body(number, &content);
                fresh.keep(&reference, record);
                reference
            })
            .collect();
        assert!(fresh.lock().octets <= OCTETS_MAX);
        assert_eq!(fresh.take(&references[0]), None);
        assert!(fresh.take(&references[999]).is_some());
        for reference in &references {
            fresh.forget(reference.number());
        }
        let state = fresh.lock();
        assert_eq!((state.octets, state.order.len()), (0, 0));
    }

    #[test]
    fn what_a_reader_gives_in_pieces_is_not_kept() {
        let fresh = Fresh::default();
        let (large, record) = body(7, &vec![0; CHUNK_OCTETS as usize + 1]);
        fresh.keep(&large, record);
        assert_eq!(fresh.take(&large), None);
    }
}
