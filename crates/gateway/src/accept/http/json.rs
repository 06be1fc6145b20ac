//! A submission as JSON fields.
//!
//! ```text
//!   octets ─▶ Cutter ─▶ skeleton ─▶ MessageRequest ─▶ Letter ─▶ compose ─▶ Incoming
//!                └────▶ spool (long strings) ─────────────────────┘
//! ```

use std::sync::Arc;

use axum::body::Body;
use mailward_mail::Envelope;
use mailward_policy::DataClass;
use serde_json::Value;

use super::super::{Incoming, Submission};
use super::HttpIntake;
use super::compose::compose;
use super::cutter::{CutError, Cutter, SKELETON_OCTETS_MAX, Skeleton};
use super::letter::Letter;
use super::problem::Problem;
use super::request::MessageRequest;
use super::submit::{Context, Parcel, next_piece};
use super::wishes::Asked;
use crate::config::Limits;

/// Room for the JSON around the attachments.
const JSON_OVERHEAD_OCTETS: u64 = 2 * 1024 * 1024;

/// A message with its attachments in base64, every stroke of it escaped, is
/// half as large again.
pub(super) fn json_octets_max(limits: &Limits) -> u64 {
    limits.message_octets_max / 2 * 3 + JSON_OVERHEAD_OCTETS
}

/// Takes a JSON submission.
pub(super) async fn take(
    context: &mut Context,
    query: &str,
    length: Option<u64>,
    body: Body,
) -> Result<Parcel, Problem> {
    if !query.is_empty() {
        return Err(
            Problem::malformed("A JSON submission takes no query parameters.").field("query"),
        );
    }
    let octets_max = json_octets_max(context.limits());
    let too_large = || Problem::too_large("A request", octets_max);
    if length.is_some_and(|length| length > octets_max) {
        return Err(too_large());
    }
    let http = Arc::clone(&context.http);
    let mut cutter = Cutter::new(&http.spool, &*http.intake.dice);
    let mut octets = 0;
    let mut body = body;
    while let Some(piece) = next_piece(&mut body).await? {
        octets += piece.len() as u64;
        if octets > octets_max {
            return Err(too_large());
        }
        context.digest.update(&piece);
        cutter.write(&piece)?;
    }
    let skeleton = cutter.finish()?;
    let request: MessageRequest = read(&skeleton)?;
    let data_class = request.data_class;
    let asked = Asked {
        message_class: request.message_class,
        priority: request.priority,
        send_at: request.send_at.clone(),
        deadline_at: request.deadline_at.clone(),
        sequence_key: request.sequence_key.clone(),
    };
    let wishes = asked.wishes(http.intake.clock.now(), context.limits())?;
    let letter = Letter::new(
        request,
        &skeleton,
        &context.registered.account,
        context.limits(),
    )?;
    let mut envelope = context.envelope(letter.recipients());
    envelope.smtputf8 = letter.needs_utf8();
    let incoming = Incoming::new(&http.intake);
    let incoming = if octets > context.limits().json_small_octets {
        // Waits here, and not in memory, for its turn.
        let _turn = http.large.acquire().await;
        write_large(context, incoming, &envelope, letter, skeleton, data_class).await?
    } else {
        let submission = context.submission(&envelope, data_class);
        write(&http, incoming, &submission, &letter, &skeleton)?
    };
    Ok(Parcel {
        incoming,
        envelope,
        data_class,
        wishes,
        repairs: Vec::new(),
    })
}

/// Composing a large message takes a core for a tenth of a second: it is done
/// off the threads that serve others.
async fn write_large(
    context: &Context,
    incoming: Incoming,
    envelope: &Envelope,
    letter: Letter,
    skeleton: Skeleton,
    data_class: Option<DataClass>,
) -> Result<Incoming, Problem> {
    let (http, registered) = (Arc::clone(&context.http), Arc::clone(&context.registered));
    let (received, envelope) = (context.received.clone(), envelope.clone());
    let work = tokio::task::spawn_blocking(move || {
        let submission = Submission {
            registered: &registered,
            envelope: &envelope,
            received: &received,
            data_class,
        };
        write(&http, incoming, &submission, &letter, &skeleton)
    });
    work.await
        .map_err(|_| Problem::unavailable("The message could not be composed."))?
}

fn write(
    http: &HttpIntake,
    mut incoming: Incoming,
    submission: &Submission<'_>,
    letter: &Letter,
    skeleton: &Skeleton,
) -> Result<Incoming, Problem> {
    let id = incoming.id();
    let date = http.intake.clock.now();
    let spool = skeleton.spool.as_ref();
    compose(letter, spool, id, date, &mut |octets| {
        Ok(incoming.write(&http.intake, submission, octets)?)
    })?;
    Ok(incoming)
}

fn read(skeleton: &Skeleton) -> Result<MessageRequest, Problem> {
    serde_json::from_slice(&skeleton.json).map_err(|error| {
        let mut text = error.to_string();
        if skeleton.is_cut() {
            // Lines and columns of the skeleton say nothing to its sender.
            text.truncate(text.rfind(" at line ").unwrap_or(text.len()));
        }
        for integer in ["expected i64", "expected u32", "expected u64"] {
            text = text.replace(integer, "expected a whole number");
        }
        let text = format!("{text}.");
        if !error.is_data() {
            return Problem::malformed(text).remedy("Send one JSON object.");
        }
        let named = ["unknown field `", "missing field `", "duplicate field `"]
            .iter()
            .find_map(|start| text.strip_prefix(start)?.split('`').next())
            .map(str::to_owned);
        match named.or_else(|| culprit(&skeleton.json)) {
            Some(field) => Problem::invalid(field, text),
            None => Problem::invalid("", text).anywhere(),
        }
    })
}

/// The field whose value cannot be taken, where that is why.
fn culprit(json: &[u8]) -> Option<String> {
    let fields: serde_json::Map<String, Value> = serde_json::from_slice(json).ok()?;
    fields.into_iter().find_map(|(name, value)| {
        let alone = Value::Object([(name.clone(), value)].into_iter().collect());
        let read = serde_json::from_value::<MessageRequest>(alone);
        read.err().map(|_| name)
    })
}

impl From<CutError> for Problem {
    fn from(error: CutError) -> Self {
        match error {
            CutError::TooLarge => Self::too_large(
                "A request, its attachments and long texts aside,",
                SKELETON_OCTETS_MAX as u64,
            ),
            CutError::TooManyCuts => Self::invalid("attachments", format!("{error}.")),
            CutError::Malformed => Self::malformed(format!("{error}.")),
            CutError::Spool(error) => {
                tracing::error!(%error, "the spool cannot be written");
                Self::from(mailward_store::WriteError::Full(String::new()))
            }
        }
    }
}
