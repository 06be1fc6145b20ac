//! Comparing bodies with the rows that name them, at open and when asked.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;

use crate::body::HEADER_OCTETS;
use crate::disk::{Disk, DiskFile};
use crate::error::Damage;
use crate::folder::Folder;
use crate::read_body::Source;
use crate::rows::{Place, Placed};
use crate::tally::Segments;

/// What looking at a body costs beside reading it, in octets.
const COST_OCTETS: u64 = 1024;

/// Files in the folder, and what the rows said of them so far.
#[derive(Debug)]
pub(crate) struct Audit<'a> {
    disk: &'a dyn Disk,
    folder: &'a Folder,
    /// The segments there are, with their lengths.
    pub(crate) segments: HashMap<u64, u64>,
    /// The large bodies there are, with their lengths.
    pub(crate) bodies: HashMap<u64, u64>,
    /// Files of large bodies that were never finished.
    pub(crate) unfinished: Vec<String>,
    /// Live bodies by segment, as far as they were seen.
    pub(crate) live: Segments,
    pub(crate) live_files: HashSet<u64>,
    pub(crate) bodies_seen: u64,
    pub(crate) octets_seen: u64,
    /// Content that will still be compared with its checksums.
    content_octets_left: u64,
    /// The segment being read, kept open from body to body.
    open: Option<(u64, Arc<dyn DiskFile>)>,
    buffer: Vec<u8>,
}

impl<'a> Audit<'a> {
    pub(crate) fn new(
        disk: &'a dyn Disk,
        folder: &'a Folder,
        content_octets_max: u64,
    ) -> io::Result<Self> {
        let mut audit = Self {
            disk,
            folder,
            segments: HashMap::new(),
            bodies: HashMap::new(),
            unfinished: Vec::new(),
            live: Segments::new(),
            live_files: HashSet::new(),
            bodies_seen: 0,
            octets_seen: 0,
            content_octets_left: content_octets_max,
            open: None,
            buffer: Vec::new(),
        };
        for entry in disk.list(&folder.segments())? {
            if let Some(number) = Folder::segment_number(&entry.name) {
                audit.segments.insert(number, entry.octets);
            }
        }
        for entry in disk.list(&folder.bodies())? {
            if let Some(number) = Folder::body_number(&entry.name) {
                audit.bodies.insert(number, entry.octets);
            } else if Folder::is_unfinished_body(&entry.name) {
                audit.unfinished.push(entry.name);
            }
        }
        Ok(audit)
    }

    /// True if the folder holds any content, wanted or not.
    pub(crate) fn has_content(&self) -> bool {
        !self.bodies.is_empty() || self.segments.values().any(|octets| *octets > 0)
    }

    /// The segment that grows.
    pub(crate) fn active(&self) -> Option<u64> {
        self.segments.keys().max().copied()
    }

    /// False once the budget would not last for a body of this size.
    pub(crate) fn lasts_for(&self, placed: &Placed) -> bool {
        self.content_octets_left >= placed.body.octets() + COST_OCTETS
    }

    /// One body that the rows name. Everything about it is compared while
    /// the budget lasts; then presence and, in the active segment, headers.
    pub(crate) fn body(&mut self, placed: &Placed) -> Result<(), Damage> {
        self.bodies_seen += 1;
        self.octets_seen += placed.body.octets();
        self.count(placed);
        self.check_presence(placed)?;
        let octets = placed.body.octets();
        let cost = octets + COST_OCTETS;
        if self.content_octets_left >= cost {
            self.content_octets_left -= cost;
            let source = self.source(placed)?;
            return source.check_content(&mut self.buffer);
        }
        match placed.place {
            Place::Segment { segment, .. } if Some(segment) == self.active() => {
                self.source(placed).map(|_| ())
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn count(&mut self, placed: &Placed) {
        match placed.place {
            Place::Segment { segment, .. } => {
                let live = self.live.entry(segment).or_default();
                live.bodies += 1;
                live.octets += placed.body.octets() + HEADER_OCTETS as u64;
                live.ends_at = live.ends_at.max(placed.end());
            }
            Place::OwnFile => {
                self.live_files.insert(placed.body.number());
            }
        }
    }

    pub(crate) fn check_presence(&self, placed: &Placed) -> Result<(), Damage> {
        let damage = |what: &str| {
            let damage = Damage::new(self.folder.dir(), placed.path(self.folder), what)
                .record(placed.body.number());
            match placed.place {
                Place::Segment { position, .. } => damage.at(position),
                Place::OwnFile => damage,
            }
        };
        let octets = match placed.place {
            Place::Segment { segment, .. } => self.segments.get(&segment),
            Place::OwnFile => self.bodies.get(&placed.body.number()),
        };
        match octets {
            None => Err(damage("the file is missing")),
            Some(octets) if *octets < placed.end() => Err(damage(&format!(
                "the file has {octets} octets, the record ends at {}",
                placed.end()
            ))),
            Some(_) => Ok(()),
        }
    }

    fn source(&mut self, placed: &Placed) -> Result<Source, Damage> {
        let Place::Segment { segment, .. } = placed.place else {
            return Source::open(self.disk, self.folder, placed);
        };
        if let Some((open, file)) = &self.open
            && *open == segment
        {
            return Source::within(Arc::clone(file), self.folder, placed);
        }
        let source = Source::open(self.disk, self.folder, placed)?;
        self.open = Some((segment, source.file()));
        Ok(source)
    }
}
