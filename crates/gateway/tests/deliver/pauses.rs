//! What is nobody's message keeps mail waiting and loses none of it.

use std::time::Duration;

use mailward_gateway::deliver::reply::{SPACING_BEFORE_FAILURE, TRIES_BEFORE_FAILURE};
use mailward_mail::Clock as _;
use mailward_queue::{Actor, PauseCause, RouteName};
use mailward_testkit::TestTls;

use crate::far::{DOT, DROP, GREETING, SIGNED};
use crate::setting::{ALERTS, LETTERS, Setting};

const TO: &str = "p.shah@northmoor.example";
const HOUR: Duration = Duration::from_secs(3600);
const QUOTA: &str = "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException";
const NO_PASSWORDS: &str =
    "535 5.7.139 Authentication unsuccessful, basic authentication is disabled. [X]";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_used_up_day_holds_all_mail_of_the_account_until_it_has_passed() {
    let setting = Setting::new();
    setting.far.answer(DOT, QUOTA);
    let running = setting.start().await;
    let first = running.send(LETTERS, "nhsmail", TO).await;
    let pauses = running.paused(1).await;
    assert_eq!(pauses[0].cause, PauseCause::Day);
    let second = running.send(LETTERS, "nhsmail", TO).await;
    let (sentence, until) = running.why(second).await;
    assert_eq!(until, Some(pauses[0].until));
    assert!(
        sentence.contains("as many recipients as it may"),
        "{sentence}"
    );
    running.pass(HOUR / 2).await;
    assert_eq!(setting.far.heard(DOT), 1, "no hammering");
    // The day holds for the mailbox, and not for high sending nor others.
    setting.far.recover();
    let elsewhere = running.send(LETTERS, "bulk", TO).await;
    let other = running.send(ALERTS, "nhsmail", TO).await;
    running.reaches(elsewhere, "relayed").await;
    running.reaches(other, "relayed").await;
    assert_eq!(running.state(second).await, "incoming");
    running.stop().await;

    // A restart forgets nothing; then one message tries and the rest follows.
    let running = setting.start().await;
    running.settle().await;
    assert_eq!(running.state(second).await, "incoming");
    running.pass(24 * HOUR).await;
    running.reaches(first, "relayed").await;
    running.reaches(second, "relayed").await;
    assert_eq!(running.paused(0).await, []);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_without_passwords_pauses_until_a_person_or_one_message_later() {
    let setting = Setting::new();
    setting.far.answer(SIGNED, NO_PASSWORDS);
    let running = setting.start().await;
    let first = running.send(LETTERS, "nhsmail", TO).await;
    let pauses = running.paused(1).await;
    assert_eq!(pauses[0].cause, PauseCause::Route);
    assert!(running.alarm("route_paused").unwrap().contains("OAuth"));
    let second = running.send(ALERTS, "nhsmail", TO).await;
    running.settle().await;
    assert_eq!(setting.far.heard("AUTH"), 1, "no other account tries");
    assert!(
        running
            .why(second)
            .await
            .0
            .contains("everybody on route nhsmail")
    );
    // The wait is over: one message tries, and waits longer.
    setting.clock.set(pauses[0].until);
    running
        .until("a second try", || setting.far.heard("AUTH") == 2)
        .await;
    running.settle().await;
    assert_eq!(setting.far.heard("AUTH"), 2);
    let longer = running.paused(1).await;
    assert_eq!(longer[0].tries, 2);
    assert!(longer[0].until.since(setting.clock.now()) > HOUR / 2);
    // Mended: a person need not wait for it.
    setting.far.recover();
    let by = Actor::new("j.doe");
    let route = RouteName::from("nhsmail");
    let queue = &running.gateway.queue;
    let resumed = queue
        .resume_route(&route, &by, "OAuth is set up")
        .await
        .unwrap();
    assert_eq!(resumed.pauses, 1);
    running.reaches(first, "relayed").await;
    running.reaches(second, "relayed").await;
    running.paused(0).await;
    assert_eq!(running.alarm("route_paused"), None);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_to_send_as_is_waited_for_and_then_the_sender_told() {
    let setting = Setting::new();
    setting.far.answer(DOT, "554 5.2.252 SendAsDenied; letters@northmoor.example not allowed to send as x@northmoor.example; STOREDRV.Submission.Exception:SendAsDeniedException");
    let running = setting.start().await;
    let id = running.send(LETTERS, "nhsmail", TO).await;
    for tries in 1..TRIES_BEFORE_FAILURE as usize {
        running
            .until("a try", || setting.far.heard(DOT) == tries)
            .await;
        running.reaches(id, "deferred").await;
        running.pass(SPACING_BEFORE_FAILURE).await;
    }
    running.reaches(id, "failed").await;
    // The report to the sender may be refused too, so the message's own count.
    let view = running.gateway.queue.show(id).await.unwrap().unwrap();
    assert_eq!(view.attempts.len(), TRIES_BEFORE_FAILURE as usize);
    assert_eq!(running.paused(0).await, []);
    running.stop().await;
}

/// Each trouble of the service, where it strikes: the mail stays, one message
/// tries after the pause, and goes when the service is well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_trouble_of_the_service_ends_a_message() {
    for (verb, reply) in [
        (GREETING, "421 4.3.2 Service not available"),
        (GREETING, "554 no SMTP service here"),
        (GREETING, DROP),
        ("EHLO", "421 4.3.2 closing"),
        ("EHLO", DROP),
        ("STARTTLS", "454 4.7.0 TLS not available"),
        ("STARTTLS", DROP),
        (SIGNED, "454 4.7.0 Temporary authentication failure"),
        (SIGNED, DROP),
        ("MAIL", "421 4.7.0 try later"),
        ("MAIL", DROP),
        ("RCPT", "451 4.7.1 Greylisting in action"),
        ("RCPT", DROP),
        ("DATA", "451 4.3.0 Temporary server error"),
        ("DATA", DROP),
        (DOT, "451 4.3.0 Temporary server error"),
        (DOT, "432 4.3.2 Concurrent connections limit exceeded."),
    ] {
        let setting = Setting::new();
        setting.far.answer(verb, reply);
        let running = setting.start().await;
        let id = running.send(LETTERS, "nhsmail", TO).await;
        running.reaches(id, "deferred").await;
        let before = setting.far.heard(verb);
        assert!(before <= 2, "{verb} {reply}: {before} tries");
        setting.far.recover();
        for _ in 0..4 {
            running.pass(Duration::from_secs(90)).await;
        }
        running.reaches(id, "relayed").await;
        assert_eq!(running.paused(0).await, [], "{verb} {reply}");
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_certificate_alarms_at_once_and_holds_no_mail_for_a_person() {
    let setting = Setting::new();
    let elsewhere = TestTls::new();
    let running = setting.start_trusting(elsewhere.ca_file()).await;
    let id = running.send(LETTERS, "nhsmail", TO).await;
    running
        .until("the alarm", || {
            running.alarm("certificate_refused").is_some()
        })
        .await;
    let text = running.alarm("certificate_refused").unwrap();
    assert!(
        text.contains("the certificate of localhost is not accepted"),
        "{text}"
    );
    running.reaches(id, "deferred").await;
    assert_eq!(setting.far.heard("AUTH"), 0);
    running.stop().await;
    let running = setting.start().await;
    running.pass(Duration::from_secs(120)).await;
    running.reaches(id, "relayed").await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_that_nobody_knows_are_counted_without_the_address() {
    let setting = Setting::new();
    setting
        .far
        .answer("RCPT", "550 <p.shah@northmoor.example> Nicht heute");
    let running = setting.start().await;
    for _ in 0..2 {
        let id = running.send(LETTERS, "nhsmail", TO).await;
        running.reaches(id, "failed").await;
    }
    let unknown = running.gateway.queue.unknown_replies().await.unwrap();
    assert_eq!(unknown.len(), 1);
    // The reports about them are refused in the same words.
    assert_eq!(unknown[0].code, 550);
    assert!((2..=4).contains(&unknown[0].count), "{}", unknown[0].count);
    assert_eq!(unknown[0].words, "<ADDRESS> Nicht heute");
    let alarm = running.alarm("reply_unknown").unwrap();
    assert!(
        !alarm.contains("shah") && alarm.contains("Nicht heute"),
        "{alarm}"
    );
    running.stop().await;
}
