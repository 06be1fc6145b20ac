//! Recordings of a world's sessions: a bounded number of them, the oldest
//! forgotten first.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::transcripts::{Recording, SessionView};

/// Transcripts kept; the oldest are forgotten beyond this many.
const SESSIONS_MAX: usize = 1000;

/// Octets of text that all transcripts of a world together may hold.
const TRANSCRIPT_OCTETS_MAX: usize = 16 * 1024 * 1024;

#[derive(Debug, Default)]
pub(super) struct Kept {
    /// By sequence.
    recordings: VecDeque<Recording>,
    begun: u64,
    /// Of all of them.
    octets: Arc<AtomicUsize>,
}

/// What is kept of sessions that have ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeptImage {
    recordings: VecDeque<Recording>,
    begun: u64,
    octets: usize,
}

impl Kept {
    pub(super) fn next_sequence(&mut self) -> u64 {
        self.begun += 1;
        self.begun
    }

    pub(super) fn octets(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.octets)
    }

    pub(super) fn add(&mut self, recording: Recording) {
        self.recordings.push_back(recording);
        while self.recordings.len() > SESSIONS_MAX
            || (self.recordings.len() > 1
                && self.octets.load(Ordering::Relaxed) > TRANSCRIPT_OCTETS_MAX)
        {
            if let Some(oldest) = self.recordings.pop_front() {
                self.forget(&oldest);
            }
        }
    }

    /// One that goes on, or goes elsewhere.
    pub(super) fn remove(&mut self, recording: &Recording) {
        let place = self
            .recordings
            .binary_search_by_key(&recording.sequence(), Recording::sequence);
        if let Ok(place) = place {
            self.recordings.remove(place);
        }
    }

    pub(super) fn forget_ended(&mut self) {
        let (ended, others) = std::mem::take(&mut self.recordings)
            .into_iter()
            .partition(Recording::has_ended);
        self.recordings = others;
        let ended: VecDeque<Recording> = ended;
        ended.iter().for_each(|one| self.forget(one));
    }

    /// One that has ended may be kept by other worlds, too.
    fn forget(&self, recording: &Recording) {
        if recording.has_ended() {
            self.octets.fetch_sub(recording.octets(), Ordering::Relaxed);
        } else {
            recording.forget();
        }
    }

    pub(super) fn after(&self, after: u64, limit: usize) -> Vec<SessionView> {
        let start = self
            .recordings
            .partition_point(|one| one.sequence() <= after);
        let newer = self.recordings.range(start..);
        newer
            .filter(|one| !one.is_idle_http())
            .take(limit)
            .map(Recording::view)
            .collect()
    }

    pub(super) fn before(
        &self,
        before: Option<u64>,
        limit: usize,
        is_wanted: impl Fn(&SessionView) -> bool,
    ) -> Vec<SessionView> {
        let before = before.unwrap_or(u64::MAX);
        let end = self
            .recordings
            .partition_point(|one| one.sequence() < before);
        let older = self.recordings.range(..end).rev();
        older
            .filter(|one| !one.is_idle_http())
            .map(Recording::view)
            .filter(is_wanted)
            .take(limit)
            .collect()
    }

    pub(super) fn find(&self, name: &str) -> Option<Recording> {
        let mut newest_first = self.recordings.iter().rev();
        newest_first.find(|one| *one.name() == *name).cloned()
    }

    pub(super) fn image(&self) -> KeptImage {
        let ended = self.recordings.iter().filter(|one| one.has_ended());
        let recordings: VecDeque<Recording> = ended.cloned().collect();
        KeptImage {
            octets: recordings.iter().map(Recording::octets).sum(),
            recordings,
            begun: self.begun,
        }
    }

    /// Sessions that go on stay, with their numbers.
    pub(super) fn adopt(&mut self, image: &KeptImage) {
        self.forget_ended();
        self.begun = image.begun;
        self.octets.fetch_add(image.octets, Ordering::Relaxed);
        if self.recordings.is_empty() {
            self.recordings.clone_from(&image.recordings);
            return;
        }
        self.recordings.extend(image.recordings.iter().cloned());
        self.recordings
            .make_contiguous()
            .sort_by_key(Recording::sequence);
        let last = self.recordings.back().map_or(0, Recording::sequence);
        self.begun = self.begun.max(last);
    }
}
