//! What one client knows of a folder, changed by what the server tells alone.

use std::collections::{BTreeMap, BTreeSet};

pub(crate) type FlagNames = BTreeSet<String>;

/// One message as a client knows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// Unknown until it was told: EXISTS only counts.
    pub(crate) uid: Option<u32>,
    pub(crate) flags: Option<FlagNames>,
    pub(crate) modseq: u64,
}

/// Which of the extensions a client has switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Plain,
    CondStore,
    QResync,
}

/// A client's picture of the selected folder: message numbers are places.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    pub(crate) manner: Manner,
    pub(crate) messages: Vec<Known>,
    pub(crate) uid_validity: u32,
    /// Where a client that takes every mod-sequence at its word would have
    /// itself brought up to date from.
    pub(crate) highest_modseq: u64,
    /// The last that was told as HIGHESTMODSEQ, which never falls.
    settled_modseq: u64,
}

/// What the command under way allows the server to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// FETCH: numbers stay (RFC 3501 section 7.4.1), and flags may be asked
    /// for without their mod-sequence.
    Fetching,
    /// STORE and SEARCH: numbers stay.
    NumbersStay,
    Any,
    /// SELECT: EXISTS counts anew, and after it the past is told.
    Selecting,
}

impl Moment {
    fn may_shift(self) -> bool {
        matches!(self, Self::Any | Self::Selecting)
    }
}

/// What is wrong with what the server said.
pub(crate) type Wrong = String;

macro_rules! hold {
    ($condition:expr, $($why:tt)*) => {
        if !$condition {
            return Err(format!($($why)*));
        }
    };
}
pub(crate) use hold;

impl Picture {
    pub(crate) fn new(manner: Manner) -> Self {
        Self {
            manner,
            messages: Vec::new(),
            uid_validity: 0,
            highest_modseq: 0,
            settled_modseq: 0,
        }
    }

    /// UIDs and flags that are known, by place.
    pub(crate) fn uids(&self) -> Vec<Option<u32>> {
        self.messages.iter().map(|message| message.uid).collect()
    }

    /// Takes one line that is not a completion.
    pub(crate) fn take(&mut self, line: &str, moment: Moment) -> Result<(), Wrong> {
        let Some(line) = line.strip_prefix("* ") else {
            hold!(line.starts_with("+ "), "neither data nor a continuation");
            return Ok(());
        };
        let mut words = line.splitn(3, ' ');
        let (first, second) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let rest = words.next().unwrap_or("");
        if let Ok(number) = first.parse::<usize>() {
            return match second {
                "EXISTS" => self.exists(number, moment),
                "EXPUNGE" => self.expunged(number, moment),
                "FETCH" => self.fetched(number, rest, moment),
                "RECENT" => Ok(()),
                _ => Err("an unknown number".to_owned()),
            };
        }
        match first {
            "OK" => self.code(line),
            "VANISHED" => self.vanished(&line["VANISHED ".len()..], moment),
            "SEARCH" => self.searched(&line["SEARCH".len()..]),
            "FLAGS" => Ok(()),
            _ => Err("an unknown response".to_owned()),
        }
    }

    fn exists(&mut self, count: usize, moment: Moment) -> Result<(), Wrong> {
        hold!(
            moment == Moment::Selecting || count > self.messages.len(),
            "EXISTS {count} where {} were known",
            self.messages.len()
        );
        // What is kept from before a resynchronisation is put in order there.
        if moment != Moment::Selecting || count > self.messages.len() {
            self.messages.resize(count, Known::default());
        }
        Ok(())
    }

    fn expunged(&mut self, number: usize, moment: Moment) -> Result<(), Wrong> {
        hold!(moment.may_shift(), "EXPUNGE while numbers must stay");
        hold!(
            self.manner != Manner::QResync,
            "EXPUNGE in place of VANISHED"
        );
        hold!(
            (1..=self.messages.len()).contains(&number),
            "EXPUNGE of a number that is not there"
        );
        self.messages.remove(number - 1);
        Ok(())
    }

    fn vanished(&mut self, rest: &str, moment: Moment) -> Result<(), Wrong> {
        hold!(self.manner == Manner::QResync, "VANISHED unasked");
        let (earlier, set) = match rest.strip_prefix("(EARLIER) ") {
            Some(set) => (true, set),
            None => (false, rest),
        };
        hold!(
            earlier || moment.may_shift(),
            "VANISHED while numbers must stay"
        );
        let gone = numbers(set)?;
        if !earlier {
            // One that was only counted is known by what lies around it.
            for uid in &gone {
                if self.place_of(*uid).is_none() {
                    let place = self.unknown_place_of(*uid);
                    let place = place.ok_or("what vanished was not there")?;
                    self.messages[place].uid = Some(*uid);
                }
            }
        }
        self.messages
            .retain(|message| message.uid.is_none_or(|uid| !gone.contains(&uid)));
        Ok(())
    }

    fn place_of(&self, uid: u32) -> Option<usize> {
        self.messages.iter().position(|one| one.uid == Some(uid))
    }

    fn unknown_place_of(&self, uid: u32) -> Option<usize> {
        let (mut before, mut found) = (0, None);
        for (place, message) in self.messages.iter().enumerate() {
            match message.uid {
                None if before < uid && found.is_none() => found = Some(place),
                None => {}
                Some(known) if known > uid => break,
                Some(known) => (before, found) = (known, None),
            }
        }
        found
    }

    fn searched(&mut self, rest: &str) -> Result<(), Wrong> {
        let found = rest.split(" (MODSEQ").next().unwrap_or("");
        let mut last = 0;
        for number in found.split_whitespace() {
            let number: u32 = number.parse().map_err(|_| "no number".to_owned())?;
            hold!(number > last, "found out of order");
            last = number;
        }
        Ok(())
    }

    fn code(&mut self, line: &str) -> Result<(), Wrong> {
        if let Some(highest) = number_after(line, "[HIGHESTMODSEQ ") {
            hold!(highest >= self.settled_modseq, "HIGHESTMODSEQ fell");
            self.settled_modseq = highest;
            // Below what FETCH told while expunges wait.
            self.highest_modseq = highest;
        }
        if let Some(validity) = number_after(line, "[UIDVALIDITY ") {
            self.uid_validity = u32::try_from(validity).unwrap_or(0);
        }
        Ok(())
    }

    /// The text of a completion may say how far the client is now.
    pub(crate) fn completed(&mut self, line: &str) -> Result<(), Wrong> {
        hold!(!line.contains(" BAD "), "BAD");
        self.code(line)
    }

    fn fetched(&mut self, number: usize, rest: &str, moment: Moment) -> Result<(), Wrong> {
        hold!(
            (1..=self.messages.len()).contains(&number),
            "FETCH of a number that is not there"
        );
        let place = number - 1;
        if let Some(uid) = number_after(rest, "UID ") {
            self.has_uid(place, u32::try_from(uid).unwrap_or(0))?;
        }
        let message = &mut self.messages[place];
        if let Some(modseq) = number_after(rest, "MODSEQ (") {
            hold!(self.manner != Manner::Plain, "MODSEQ unasked");
            hold!(
                modseq >= message.modseq,
                "MODSEQ fell from {}",
                message.modseq
            );
            message.modseq = modseq;
            self.highest_modseq = self.highest_modseq.max(modseq);
        }
        let message = &mut self.messages[place];
        if let Some((_, flags)) = rest.split_once("FLAGS (") {
            let flags = flags.split(')').next().unwrap_or("");
            message.flags = Some(names(flags));
            hold!(
                self.manner == Manner::Plain
                    || moment == Moment::Fetching
                    || rest.contains("MODSEQ ("),
                "FLAGS without MODSEQ"
            );
        }
        Ok(())
    }

    fn has_uid(&mut self, place: usize, uid: u32) -> Result<(), Wrong> {
        let known = self.messages[place].uid;
        hold!(
            known.is_none_or(|known| known == uid),
            "number {} was {known:?} and is {uid}",
            place + 1
        );
        let before = self.messages[..place].iter().rev().find_map(|one| one.uid);
        let after = self.messages[place + 1..].iter().find_map(|one| one.uid);
        hold!(
            before.is_none_or(|before| before < uid) && after.is_none_or(|after| uid < after),
            "UID {uid} between {before:?} and {after:?}"
        );
        self.messages[place].uid = Some(uid);
        Ok(())
    }

    /// What the client knew when it left, to be brought up to date: UIDs and
    /// flags, not numbers.
    pub(crate) fn resynchronised(
        &mut self,
        before: &Picture,
        lines: &[String],
    ) -> Result<(), Wrong> {
        let mut kept: BTreeMap<u32, Known> = before
            .messages
            .iter()
            .filter_map(|one| Some((one.uid?, one.clone())))
            .collect();
        for line in lines {
            if let Some(set) = line.strip_prefix("* VANISHED ") {
                let earlier = set.strip_prefix("(EARLIER) ");
                let gone = numbers(earlier.unwrap_or(set))?;
                kept.retain(|uid, _| !gone.contains(uid));
                if earlier.is_none() {
                    // Counted by EXISTS, and gone before the answer's end.
                    let left = self.messages.len().saturating_sub(gone.len());
                    self.messages.truncate(left);
                }
            } else if line.contains(" FETCH (") {
                let uid = number_after(line, "UID ").ok_or("FETCH without UID")?;
                let mut one = Picture::new(self.manner);
                one.messages.push(Known::default());
                let (_, data) = line.split_once(" FETCH ").unwrap_or_default();
                one.fetched(1, data, Moment::Selecting)?;
                kept.extend(
                    [u32::try_from(uid).unwrap_or(0)]
                        .into_iter()
                        .zip(one.messages),
                );
            }
        }
        let expunges_wait = lines
            .last()
            .is_some_and(|last| last.starts_with("t OK [HIGHESTMODSEQ"));
        if expunges_wait && kept.len() < self.messages.len() {
            // Some came and went since, and are counted: which is known when
            // they are all asked for.
            self.messages.fill(Known::default());
            return Ok(());
        }
        hold!(
            kept.len() == self.messages.len(),
            "{} are there, {:?} came of what was known ({:?})",
            self.messages.len(),
            kept.keys(),
            before.uids()
        );
        self.messages = kept.into_values().collect();
        Ok(())
    }
}

/// `\Recent` is nobody else's to know.
pub(crate) fn names(flags: &str) -> FlagNames {
    let names = flags.split_whitespace().filter(|name| *name != "\\Recent");
    names.map(str::to_owned).collect()
}

fn number_after(line: &str, start: &str) -> Option<u64> {
    let (_, rest) = line.split_once(start)?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// `1:3,7`
fn numbers(set: &str) -> Result<BTreeSet<u32>, Wrong> {
    let mut all = BTreeSet::new();
    for range in set.split(',') {
        let (start, end) = range.split_once(':').unwrap_or((range, range));
        let number = |text: &str| text.parse::<u32>().map_err(|_| format!("{text}: no UID"));
        all.extend(number(start)?..=number(end)?);
    }
    Ok(all)
}
