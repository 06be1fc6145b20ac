//! Why no verdict came.

use std::io;
use std::time::Duration;

use mailward_wire::smtp::client::{BodyError, Error, Stage};

use super::Stopped;
use crate::connect::ConnectError;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Session(#[from] Error),
    #[error("the server did not answer within {} s at {stage}", .limit.as_secs())]
    TimedOut { stage: Stage, limit: Duration },
    #[error("the connection broke at {stage}: {why}")]
    Broken { stage: Stage, why: io::Error },
    /// Not sent.
    #[error("the message cannot be sent: {0}")]
    Body(#[from] BodyError),
    /// Not sent.
    #[error("stopped before the end of the message: {0}")]
    Stopped(#[from] Stopped),
}

impl ClientError {
    pub fn stage(&self) -> Stage {
        match self {
            Self::Connect(
                ConnectError::TlsCertificate { .. } | ConnectError::TlsProtocol { .. },
            ) => Stage::Tls,
            Self::Connect(_) => Stage::Connect,
            Self::Session(error) => match error {
                Error::Refused { stage, .. }
                | Error::Violation { stage, .. }
                | Error::Closed { stage } => *stage,
                Error::TlsNotOffered => Stage::StartTls,
                Error::MechanismNotOffered { .. } | Error::AuthNeedsTls => Stage::Auth,
                Error::CannotCarry(_) => Stage::MailFrom,
            },
            Self::TimedOut { stage, .. } | Self::Broken { stage, .. } => *stage,
            Self::Body(_) | Self::Stopped(_) => Stage::Body,
        }
    }

    /// The final dot was, perhaps, sent and its reply did not come: the
    /// message may have been taken or not.
    pub fn is_in_doubt(&self) -> bool {
        self.stage() == Stage::FinalDot
    }
}
