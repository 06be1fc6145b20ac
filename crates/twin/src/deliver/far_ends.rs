//! Recipients outside whose servers refuse late, or are away: the settings say
//! which, and the reports come by the clock.

use mailward_mail::Address;
use serde::{Deserialize, Serialize};

use super::{Deliveries, Letter, Work};
use crate::behaviour;
use crate::due;
use crate::manners::FarEnd;
use crate::ndr::{Cause, Outcome};

/// A report for later.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct LateReport {
    pub(super) to: Address,
    pub(super) recipient: Address,
    pub(super) outcome: Outcome,
    pub(super) cause: Cause,
    /// The header section of the message, as far as it is text.
    pub(super) header: String,
}

impl Deliveries {
    pub(super) async fn promise_far_ends(&self, letter: &Letter<'_>, outside: &[Address]) {
        let manners = self.manners.now();
        if manners.mail.far_end.is_empty() {
            return;
        }
        let Some(to) = letter.origin.reports_to() else {
            return;
        };
        let found = outside.iter().filter_map(|recipient| {
            let mut far_ends = manners.mail.far_end.iter();
            let far_end = far_ends.find(|one| one.is_of(recipient))?;
            Some((recipient, far_end))
        });
        for (recipient, far_end) in found {
            for (seconds, outcome, cause) in promises(far_end) {
                let report = LateReport {
                    to: to.clone(),
                    recipient: recipient.clone(),
                    outcome,
                    cause,
                    header: String::from_utf8_lossy(letter.header).into_owned(),
                };
                let at = due::after(&*self.clock, seconds);
                self.promise(at, Work::Report(report)).await;
            }
        }
    }

    pub(super) async fn report_late(&self, report: LateReport) {
        let why = format!("{}: {}", report.cause.status(), report.cause.diagnostic());
        let kind = match report.outcome {
            Outcome::Failed => "not_delivered",
            Outcome::Delayed => "delayed",
        };
        let recipient = Some(report.recipient.as_str());
        let behaviour = behaviour::LATE_BOUNCE;
        self.events
            .punish("service", kind, recipient, why, behaviour);
        let recipients = [(report.recipient, report.cause)];
        let header = report.header.as_bytes();
        self.file_report(&report.to, header, &recipients, report.outcome)
            .await;
    }
}

fn promises(far_end: &FarEnd) -> impl Iterator<Item = (u64, Outcome, Cause)> {
    let delayed = far_end
        .delayed_after_seconds
        .map(|seconds| (seconds, Outcome::Delayed, Cause::Delayed));
    let bounced = far_end.bounces_after_seconds.map(|seconds| {
        let cause = match &far_end.says {
            Some(says) => Cause::FarEnd { says: says.clone() },
            None => Cause::Expired,
        };
        (seconds, Outcome::Failed, cause)
    });
    delayed.into_iter().chain(bounced)
}
