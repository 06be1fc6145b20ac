//! Sessions of the twin and their transcripts.

use mailward_console::SourceError;
use mailward_console::view::{
    Cursor, LineView, Page, SessionFilter, SessionPage, SessionRow, SessionView, Speaker,
};
use mailward_twin::faults::Protocol;
use mailward_twin::portal::{Outcome, SessionSummary};
use mailward_twin::transcripts::{Direction, Entry, SessionView as TwinSession};

use super::twin_events;
use super::world::WorldPart;

impl WorldPart {
    pub(super) fn session_page(&self, filter: &SessionFilter) -> SessionPage {
        let before = filter
            .cursor
            .as_ref()
            .and_then(|cursor| cursor.as_str().parse().ok());
        let account = filter.account.as_deref().map(str::to_lowercase);
        let named = filter.protocol.as_deref();
        let protocol = Protocol::ALL
            .into_iter()
            .find(|one| Some(one.as_str()) == named);
        // One more than wanted tells whether there is another page.
        let limit = filter.limit.saturating_add(1);
        let mut found = self
            .desk
            .sessions(before, limit, protocol, account.as_deref());
        let more = found.len() > filter.limit;
        found.truncate(filter.limit);
        let next = found
            .last()
            .filter(|_| more)
            .map(|last| Cursor::new(last.session.sequence.to_string()));
        let spoken = Protocol::ALL.into_iter().filter(|one| one.has_line());
        SessionPage {
            sessions: Page {
                items: found.into_iter().map(summary).collect(),
                previous: None,
                next,
            },
            protocols: spoken.map(|one| one.as_str().to_owned()).collect(),
        }
    }

    /// The cursor is the number of lines before the page.
    pub(super) fn session_view(
        &self,
        id: &str,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<SessionView, SourceError> {
        let (transcript, outcome, events) =
            self.desk.transcript(id).ok_or(SourceError::NotFound)?;
        let count = transcript.lines.len();
        let start = cursor
            .and_then(|cursor| cursor.as_str().parse().ok())
            .unwrap_or(0)
            .min(count);
        let end = start.saturating_add(limit).min(count);
        let at = |place: usize| Cursor::new(place.to_string());
        let numbers = transcript.forgotten + start as u64 + 1..;
        let lines = transcript.lines[start..end].iter().zip(numbers);
        Ok(SessionView {
            session: row(transcript.session, &outcome),
            forgotten: transcript.forgotten,
            lines: Page {
                items: lines.map(|(entry, number)| line(entry, number)).collect(),
                previous: (start > 0).then(|| at(start.saturating_sub(limit))),
                next: (end < count).then(|| at(end)),
            },
            events: events.into_iter().map(twin_events::view).collect(),
        })
    }
}

fn summary(found: SessionSummary) -> SessionRow {
    row(found.session, &found.outcome)
}

fn row(session: TwinSession, outcome: &Outcome) -> SessionRow {
    SessionRow {
        id: session.id,
        protocol: session.protocol.as_str().to_owned(),
        peer: session.peer.to_string(),
        begun: session.begun,
        ended: session.ended,
        tls: session.tls,
        lines: session.entries as u64,
        account: outcome.account.clone(),
        outcome: words(outcome),
        is_bad: outcome.refused > 0 || outcome.faults > 0,
    }
}

/// `Signed in, 2 delivered, 1 refused`.
fn words(outcome: &Outcome) -> String {
    let counted = |count: u64, what: &str| (count > 0).then(|| format!("{count} {what}"));
    let mut parts: Vec<String> = Vec::new();
    parts.extend(outcome.signed_in.then(|| "signed in".to_owned()));
    parts.extend(counted(outcome.delivered, "delivered"));
    parts.extend(counted(outcome.refused, "refused"));
    parts.extend(match outcome.faults {
        0 => None,
        1 => Some("1 fault".to_owned()),
        many => Some(format!("{many} faults")),
    });
    let text = parts.join(", ");
    match text.get(..1) {
        None => "Nothing".to_owned(),
        Some(first) => first.to_uppercase() + &text[1..],
    }
}

fn line(entry: &Entry, number: u64) -> LineView {
    LineView {
        number,
        at: entry.at,
        speaker: match entry.direction {
            Direction::Client => Speaker::Client,
            Direction::Server => Speaker::Service,
            Direction::Note => Speaker::Note,
        },
        tls: entry.tls,
        text: entry.text.clone(),
    }
}
