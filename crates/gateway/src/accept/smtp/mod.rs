//! The SMTP door: submission with STARTTLS (RFC 6409) and under TLS from the
//! first octet (RFC 8314). The conversation is `wire`'s, its driver `net`'s;
//! here are the answers to their questions.

mod connection;
mod dialect;
mod replies;

use std::sync::Arc;
use std::time::Duration;

use mailward_mail::Reply;
use mailward_net::smtp::{ConnectionLimits, Peer, Service};
use mailward_queue::RECIPIENTS_MAX;
use mailward_wire::smtp::server::{Extension, PlainDialect, Settings};

use super::Intake;
use super::wishes::{BY_RETURN_MIN, schedule_max};
pub(crate) use connection::IntakeConnection;
use dialect::IntakeDialect;

/// Answers for all listeners.
#[derive(Clone, Debug)]
pub(crate) struct SmtpIntake(pub(crate) Arc<Intake>);

impl Service for SmtpIntake {
    type Connection = IntakeConnection;

    fn connect(&self, peer: Peer) -> Result<IntakeConnection, Reply> {
        Ok(IntakeConnection::new(Arc::clone(&self.0), peer))
    }
}

/// What the listeners offer and insist on.
pub(crate) fn settings(intake: &Intake) -> Settings {
    let mut settings = Settings::submission();
    settings.limits.message_octets_max = intake.limits.message_octets_max;
    // The route's own figure comes first, with its clause; this is the wall.
    settings.limits.recipients_max = RECIPIENTS_MAX;
    settings.limits.future_release_max = schedule_max(&intake.limits);
    settings.limits.deliver_by_min = BY_RETURN_MIN;
    settings
        .extensions
        .extend([Extension::MtPriority, Extension::DeliverBy]);
    if settings.limits.future_release_max > Duration::ZERO {
        settings.extensions.push(Extension::FutureRelease);
    }
    settings
}

pub(crate) fn dialect(intake: &Intake) -> IntakeDialect {
    IntakeDialect(PlainDialect::new(intake.hostname.clone()))
}

pub(crate) fn connection_limits(intake: &Intake) -> ConnectionLimits {
    ConnectionLimits {
        total_max: intake.limits.smtp_connections_max,
        per_address_max: intake.limits.smtp_connections_per_address_max,
    }
}
