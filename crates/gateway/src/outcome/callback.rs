//! The report by callback: a POST to the application's address, signed as the
//! Standard Webhooks specification says: `webhook-id`, `webhook-timestamp` and
//! `webhook-signature: v1,` with HMAC-SHA256 over `id.timestamp.body`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mailward_mail::{Secret, Timestamp};
use mailward_net::http::HttpClient;
use mailward_queue::{ApplicationName, Notice, NoticeKind, QueueError};
use serde_json::{Value, json};

use super::OutcomeOptions;
use crate::observe::NoticeResult;
use crate::secrets::LiveSecret;

/// After this long nobody is listening: the notice is given up and alarmed.
pub const GIVE_UP_AFTER: Duration = Duration::from_secs(3 * 24 * 3600);

/// Waits after the first, second, ... refusal; the last repeats.
const BACK_OFF_SECONDS: [u64; 8] = [5, 30, 120, 300, 900, 1800, 3600, 7200];

/// Where one application wants to be called.
#[derive(Clone, Debug)]
pub struct CallbackTarget {
    pub url: String,
    /// `whsec_` and the key in base64, as Standard Webhooks writes it, or any
    /// other text, which is then the key itself.
    pub secret: LiveSecret,
    pub http: HttpClient,
}

/// The targets of all applications that have one.
#[derive(Clone, Debug, Default)]
pub struct Callbacks(Arc<HashMap<ApplicationName, CallbackTarget>>);

impl Callbacks {
    pub fn new(targets: impl IntoIterator<Item = (ApplicationName, CallbackTarget)>) -> Self {
        Self(Arc::new(targets.into_iter().collect()))
    }

    pub fn wants(&self, application: &ApplicationName) -> bool {
        self.0.contains_key(application)
    }

    pub fn target(&self, application: &ApplicationName) -> Option<&CallbackTarget> {
        self.0.get(application)
    }
}

/// Calls back about one notice, or puts it off.
pub(super) async fn send(options: &OutcomeOptions, notice: Notice) -> Result<(), QueueError> {
    let Some(target) = options.callbacks.target(&notice.application) else {
        let reason = "the application has no callback any more";
        return options.queue.abandon_notice(notice.id, reason).await;
    };
    let now = options.clock.now();
    let id = format!("notice_{}", notice.id.0);
    let event = match notice.kind {
        NoticeKind::CallbackDelay => delay_event(&notice),
        _ => outcome_event(&notice),
    };
    match post(target, &id, now, &event).await {
        Ok(status) => {
            options.observe.notice(&notice, now, NoticeResult::Done);
            options
                .queue
                .finish_notice(notice.id, &format!("answered {status}"))
                .await
        }
        Err(error) if now.since(notice.made_at) >= GIVE_UP_AFTER => {
            tracing::error!(application = %notice.application, message = %notice.message, error, "a callback is given up");
            options.observe.notice(&notice, now, NoticeResult::GivenUp);
            options.queue.abandon_notice(notice.id, &error).await
        }
        Err(error) => {
            options.observe.callback_failed(&notice, &error);
            options.observe.notice(&notice, now, NoticeResult::Failed);
            let next = now.plus(back_off(notice.tries));
            options.queue.defer_notice(notice.id, next, &error).await
        }
    }
}

/// Posts one signed event. Any 2xx will do; everything else is an error.
pub(crate) async fn post(
    target: &CallbackTarget,
    id: &str,
    now: Timestamp,
    event: &Value,
) -> Result<u16, String> {
    let body = event.to_string();
    let seconds = (now.as_millis() / 1000).to_string();
    let signature = sign(&target.secret.current().secret, id, &seconds, &body);
    let headers = [
        ("content-type", "application/json"),
        ("webhook-id", id),
        ("webhook-timestamp", seconds.as_str()),
        ("webhook-signature", signature.as_str()),
    ];
    match target
        .http
        .post_bytes(&target.url, &headers, body.into_bytes().into())
        .await
    {
        Ok(response) if response.status.is_success() => Ok(response.status.as_u16()),
        Ok(response) => Err(format!(
            "the callback answered {}",
            response.status.as_u16()
        )),
        Err(error) => Err(error.to_string()),
    }
}

/// `v1,` and the signature in base64.
pub fn sign(secret: &Secret, id: &str, seconds: &str, body: &str) -> String {
    let text = secret.expose();
    let key = text
        .strip_prefix("whsec_")
        .and_then(|encoded| STANDARD.decode(encoded).ok())
        .unwrap_or_else(|| text.as_bytes().to_vec());
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let tag = hmac::sign(&key, format!("{id}.{seconds}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(tag.as_ref()))
}

fn back_off(tries: u32) -> Duration {
    let place = (tries.max(1) as usize - 1).min(BACK_OFF_SECONDS.len() - 1);
    Duration::from_secs(BACK_OFF_SECONDS[place])
}

/// The event's JSON: its type, its moment, and the data of one outcome.
fn outcome_event(notice: &Notice) -> Value {
    let recipients: Vec<Value> = notice
        .recipients
        .iter()
        .map(|one| {
            json!({
                "recipient": one.recipient.forward_path.address(),
                "outcome": notice.outcome,
                "reply": one.last_reply,
                "at": one.outcome_at,
            })
        })
        .collect();
    json!({
        "type": format!("message.{}", notice.outcome),
        "timestamp": notice.made_at,
        "data": {
            "id": notice.message,
            "message_id": notice.message_id,
            "application": notice.application,
            "received_at": notice.received_at,
            "recipients": recipients,
        },
    })
}

/// The same of a message that still waits near its deadline.
fn delay_event(notice: &Notice) -> Value {
    let recipients: Vec<Value> = notice
        .recipients
        .iter()
        .map(|one| {
            json!({
                "recipient": one.recipient.forward_path.address(),
                "reply": one.last_reply,
            })
        })
        .collect();
    json!({
        "type": "message.deadline_near",
        "timestamp": notice.made_at,
        "data": {
            "id": notice.message,
            "message_id": notice.message_id,
            "application": notice.application,
            "received_at": notice.received_at,
            "deadline_at": notice.deadline_at,
            "recipients": recipients,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_the_specification_does() {
        // The example of the Standard Webhooks specification.
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let body = r#"{"test": 2432232314}"#;
        assert_eq!(
            sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn backs_off_further_each_time() {
        assert_eq!(back_off(1), Duration::from_secs(5));
        assert_eq!(back_off(2), Duration::from_secs(30));
        assert_eq!(back_off(100), Duration::from_secs(7200));
    }
}
