//! The watchdog's rounds: deadlines, what has no next event, and acts that
//! were left half done. What a person must see to becomes an alarm, one for
//! each class however much mail it concerns.

use std::sync::Arc;
use std::time::Duration;

use mailward_queue::{Lane, MessageClass, NEAR_COUNTED_MAX, NearDeadline, QueueError};

use super::{Alarm, DeliverOptions, foresight, forget};
use crate::route::reroute::{self, RerouteFacts};

/// How often it looks.
const PERIOD: Duration = Duration::from_secs(60);

/// Batches of one round; the rest is the next one's.
const BATCHES_MAX: usize = 200;

pub(super) async fn watch(options: Arc<DeliverOptions>) {
    loop {
        if let Err(error) = round(&options).await {
            tracing::error!(%error, "the watchdog can't do its round");
        }
        options.sending_limits.look(&options.alarms);
        if let Err(error) = foresight::look(&options).await {
            tracing::error!(%error, "what is to come can't be looked at");
        }
        if let Err(error) = forget(&options.queue).await {
            tracing::error!(%error, "what is old can't be forgotten");
        }
        options.clock.wait(PERIOD).await;
    }
}

async fn round(options: &DeliverOptions) -> Result<(), QueueError> {
    let queue = &options.queue;
    for _ in 0..BATCHES_MAX {
        let overdue = queue.expire_overdue(options.clock.now()).await?;
        options.observe.watchdog(&overdue);
        for (lane, why) in &overdue.given_up {
            tell_given_up(options, lane, why);
        }
        if !overdue.more {
            break;
        }
    }
    let mended = queue.mend(options.clock.now()).await?;
    if mended.woken + mended.let_go > 0 {
        options.alarms.raise(Alarm::new(
            "queue_mended",
            format!(
                "{} recipients waited for nothing and {} for an attempt that had ended: they are \
                 due again, and this is a mistake of the program",
                mended.woken, mended.let_go
            ),
        ));
    }
    let judge = reroute::judge(RerouteFacts {
        register: Arc::clone(&options.register),
        profile: options.profile,
        clock: Arc::clone(&options.clock),
    });
    for _ in 0..BATCHES_MAX {
        if !queue.continue_acts(&judge).await? {
            break;
        }
    }
    for class in MessageClass::ALL {
        let kind = alarm_of(class);
        match queue.near_deadline(class).await? {
            Some(near) => {
                let alarm = Alarm::new(kind, text(class, &near));
                // Told once; what is shown follows.
                options.alarms.raise(alarm.clone());
                options.alarms.keep(alarm);
            }
            None => options.alarms.clear(kind, ""),
        }
    }
    Ok(())
}

/// Mail in doubt went by its class, though it was to be looked for.
fn tell_given_up(options: &DeliverOptions, lane: &Lane, why: &str) {
    let text = format!(
        "mail of {} is in doubt, and {why}. Its class has decided; look for it in the queue",
        lane.account
    );
    let alarm = Alarm::new("doubt_not_looked_into", text).account(lane.account.as_str());
    options.alarms.renew(alarm);
}

fn alarm_of(class: MessageClass) -> &'static str {
    match class {
        MessageClass::Urgent => "urgent_deadline_near",
        MessageClass::Routine => "routine_deadline_near",
        MessageClass::Bulk => "bulk_deadline_near",
    }
}

fn text(class: MessageClass, near: &NearDeadline) -> String {
    let count = match near.messages {
        1 => "1 message".to_owned(),
        NEAR_COUNTED_MAX => format!("{NEAR_COUNTED_MAX} messages or more"),
        count => format!("{count} messages"),
    };
    format!(
        "{count} of class {} still waiting with most of the time over; the first to expire is {} \
         at {}: see `mailward queue explain {}`",
        class.as_str(),
        near.first,
        near.deadline,
        near.first
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use mailward_mail::Timestamp;

    #[test]
    fn an_alarm_names_count_and_the_first_to_expire() {
        let first: mailward_mail::MessageId = "0".repeat(20).parse().expect("an id");
        for (messages, start) in [
            (1, "1 message of class urgent"),
            (7, "7 messages of class urgent"),
            (NEAR_COUNTED_MAX, "10000 messages or more of class urgent"),
        ] {
            let near = NearDeadline {
                messages,
                first,
                deadline: Timestamp::from_millis(0),
            };
            let text = text(MessageClass::Urgent, &near);
            assert!(text.starts_with(start), "{text}");
            assert!(text.contains(&first.to_string()), "{text}");
            assert!(text.contains("1970-01-01T00:00:00"), "{text}");
        }
    }
}
