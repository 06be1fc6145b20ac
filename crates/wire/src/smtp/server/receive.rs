//! Reading bodies: the octets of DATA and of chunks, to their end.

use std::time::Duration;

use mailward_mail::Timestamp;

use super::body::{BodyLimits, BodyReader, Defect, Form, Piece};
use super::dialect::Situation;
use super::session::Session;
use super::state::{Asked, Body, Phase, Refusal};
use super::step::{Abort, Question, Step};

/// What reading a body came to.
pub(super) enum Read<'i> {
    Step(Step<'i>),
    /// The phase changed; look again.
    Again,
    /// The input is used up.
    Starved,
}

impl Session {
    pub(super) fn read_data<'i>(&mut self, input: &mut &'i [u8], now: Timestamp) -> Read<'i> {
        if !input.is_empty() {
            self.waiting_since = None;
        }
        let Some(body) = self.open_body() else {
            self.phase = Phase::Command;
            return Read::Again;
        };
        loop {
            match body.reader.next(input) {
                None => return Read::Starved,
                Some(Piece::End) => return self.end_body(now),
                Some(_) if body.refusal.is_some() => {}
                Some(Piece::Octets(octets)) => return Read::Step(Step::Body(octets)),
                Some(Piece::Unfit(defect)) => {
                    body.refusal = Some(Refusal::Unfit(defect));
                    return Read::Step(Step::BodyAborted(Abort::Unfit));
                }
            }
        }
    }

    pub(super) fn read_chunk<'i>(&mut self, input: &mut &'i [u8], now: Timestamp) -> Read<'i> {
        if !input.is_empty() {
            self.waiting_since = None;
        }
        let Phase::Chunk(chunk) = &mut self.phase else {
            return Read::Again;
        };
        if chunk.left == 0 {
            return self.end_chunk(now);
        }
        if input.is_empty() {
            return Read::Starved;
        }
        // What of the input belongs to this chunk.
        let length = usize::try_from(chunk.left).map_or(input.len(), |left| left.min(input.len()));
        let (mut piece, _) = input.split_at(length);
        let body = self
            .transaction
            .as_mut()
            .and_then(|open| open.body.as_mut())
            .filter(|body| body.refusal.is_none() && chunk.refusal.is_none());
        let step = match body {
            None => {
                piece = &[];
                Read::Again
            }
            Some(body) => match body.reader.next(&mut piece) {
                Some(Piece::Octets(octets)) => Read::Step(Step::Body(octets)),
                Some(Piece::Unfit(defect)) => {
                    body.refusal = Some(Refusal::Unfit(defect));
                    Read::Step(Step::BodyAborted(Abort::Unfit))
                }
                Some(Piece::End) | None => Read::Again,
            },
        };
        let used = length - piece.len();
        chunk.left -= used as u64;
        let (_, rest) = input.split_at(used);
        *input = rest;
        step
    }

    /// The body under way, wanted or not.
    pub(super) fn open_body(&mut self) -> Option<&mut Body> {
        self.transaction
            .as_mut()
            .and_then(|open| open.body.as_mut())
    }

    /// Until when the client may take over a body, if one is under way.
    /// `since` is when it last did something.
    pub(super) fn body_deadline(&self, since: Timestamp) -> Option<Timestamp> {
        let times = &self.settings.times;
        let body = self
            .transaction
            .as_ref()
            .and_then(|open| open.body.as_ref());
        let next = match self.phase {
            Phase::Data | Phase::Chunk(_) => since.plus(times.body_block),
            _ => since.plus(times.command),
        };
        let Some(body) = body else {
            return matches!(self.phase, Phase::Chunk(_)).then_some(next);
        };
        let seconds = body.reader.octets() / times.body_octets_per_second_min.max(1);
        let whole = times
            .body_grace
            .saturating_add(Duration::from_secs(seconds));
        Some(next.min(body.started.plus(whole)))
    }

    pub(super) fn begin_body(&mut self, form: Form, now: Timestamp) {
        let limits = BodyLimits {
            octets_max: self.settings.limits.message_octets_max,
            line_octets_max: self.settings.limits.body_line_octets_max,
        };
        if let Some(open) = &mut self.transaction {
            open.body = Some(Body {
                reader: BodyReader::new(form, limits),
                started: now,
                refusal: None,
            });
        }
    }

    fn end_body(&mut self, now: Timestamp) -> Read<'static> {
        let refusal = self.open_body().and_then(|body| body.refusal.take());
        match refusal {
            None => {
                self.phase = Phase::Asked(Asked::BodyEnd);
                Read::Step(Step::Ask(Question::BodyEnd))
            }
            Some(refusal) => {
                self.transaction = None;
                self.phase = Phase::Command;
                match refusal {
                    Refusal::Service(reply) => self.put(&reply),
                    Refusal::Unfit(defect) => {
                        let situation = self.unfit(defect);
                        self.say(&situation, now);
                    }
                }
                Read::Again
            }
        }
    }

    fn end_chunk(&mut self, now: Timestamp) -> Read<'static> {
        let Phase::Chunk(chunk) = &mut self.phase else {
            return Read::Again;
        };
        let (octets, last) = (chunk.octets, chunk.last);
        if let Some(reply) = chunk.refusal.take() {
            self.phase = Phase::Command;
            self.put(&reply);
            self.check_errors(now);
            return Read::Again;
        }
        let Some(body) = self.open_body() else {
            self.phase = Phase::Command;
            return Read::Again;
        };
        if body.refusal.is_none()
            && last
            && let Err(defect) = body.reader.finish()
        {
            body.refusal = Some(Refusal::Unfit(defect));
            return Read::Step(Step::BodyAborted(Abort::Unfit));
        }
        if body.refusal.is_some() || last {
            return self.end_body(now);
        }
        self.phase = Phase::Command;
        self.say(&Situation::ChunkTaken { octets }, now);
        Read::Again
    }

    fn unfit(&self, defect: Defect) -> Situation<'static> {
        let limits = &self.settings.limits;
        match defect {
            Defect::BareLineEnd => Situation::BodyBareLineEnd,
            Defect::Nul => Situation::BodyNul,
            Defect::LineTooLong => Situation::BodyLineTooLong {
                octets_max: limits.body_line_octets_max,
            },
            Defect::TooLarge => Situation::MessageTooLarge {
                octets_max: limits.message_octets_max,
                declared: false,
            },
        }
    }
}
