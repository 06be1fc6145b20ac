//! Mail goes another way while its route can't be used, and comes back.

use std::time::Duration;

use mailward_mail::MessageId;
use mailward_queue::{Actor, Cause, Scope};

use crate::far::{DOT, DROP, Far, GREETING, SIGNED};
use crate::setting::{ALERTS, LETTERS, Running, Setting};

const TO: &str = "p.shah@northmoor.example";
const MINUTE: Duration = Duration::from_secs(60);

/// The gateway's nhsmail, and another server to which it fails over.
struct Two {
    setting: Setting,
    other: Far,
}

impl Two {
    fn new(of_nhsmail: &str, of_other: &str) -> Self {
        let mut setting = Setting::new();
        let other = Far::start(&setting.tls);
        setting.of_nhsmail = format!("fails_over_to = [\"second\"]\n{of_nhsmail}\n");
        setting.more = format!(
            "[[route]]\nname = \"second\"\nkind = \"submission\"\nserver = \"localhost\"\n\
             port = {}\nca_file = \"{}\"\nmechanism = \"login\"\n{of_other}\n",
            other.port,
            setting.tls.ca_file().display()
        );
        Self { setting, other }
    }
}

async fn diversions(running: &Running) -> usize {
    running.gateway.queue.diversions().await.unwrap().len()
}

async fn diverted(running: &Running, count: usize) {
    for _ in 0..400 {
        if diversions(running).await == count {
            return;
        }
        running.pass(Duration::from_secs(5)).await;
    }
    panic!("never {count} diversions");
}

async fn route_of(running: &Running, id: MessageId) -> String {
    let view = running.gateway.queue.show(id).await.unwrap().unwrap();
    let last = view.attempts.last().expect("an attempt");
    last.lane.route.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_that_is_down_is_left_and_come_back_to() {
    let two = Two::new("", "dcb1596 = true");
    two.setting.far.answer(GREETING, DROP);
    let running = two.setting.start().await;
    let first = running.send(LETTERS, "nhsmail", TO).await;
    running.reaches(first, "deferred").await;
    for _ in 0..14 {
        running.pass(MINUTE).await;
        assert_eq!(diversions(&running).await, 0, "not before the quarter hour");
    }
    let (why, _) = running.why(first).await;
    assert!(why.contains("It goes by second from"), "{why}");
    diverted(&running, 1).await;
    running.reaches(first, "relayed").await;
    assert_eq!(route_of(&running, first).await, "second");
    let (why, _) = running.why(first).await;
    assert!(
        why.contains("It was moved from nhsmail to second: since")
            && why.contains("nhsmail could not be used"),
        "{why}"
    );
    let alarm = running.alarm("failed_over").unwrap();
    assert!(alarm.contains("goes by second until nhsmail"), "{alarm}");
    // What comes for the route that was left goes over too, across a restart.
    running.stop().await;
    let running = two.setting.start().await;
    let second = running.send(LETTERS, "nhsmail", TO).await;
    for _ in 0..60 {
        if running.state(second).await == "relayed" {
            break;
        }
        running.pass(Duration::from_secs(5)).await;
    }
    assert_eq!(route_of(&running, second).await, "second");
    assert!(running.alarm("failed_over").is_some(), "shown again");
    // Well again: not before it is so for ten minutes, and without a message.
    two.setting.far.recover();
    let before = two.setting.far.heard("MAIL");
    diverted(&running, 0).await;
    assert_eq!(two.setting.far.heard("MAIL"), before, "no message tried");
    assert!(two.setting.far.heard("AUTH") >= 2, "but a sign-in did");
    assert_eq!(running.alarm("failed_over"), None);
    let third = running.send(LETTERS, "nhsmail", TO).await;
    running.reaches(third, "relayed").await;
    assert_eq!(route_of(&running, third).await, "nhsmail");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_that_takes_no_password_is_left_at_once() {
    let two = Two::new("", "");
    two.setting.far.answer(
        SIGNED,
        "535 5.7.139 Authentication unsuccessful, basic authentication is disabled.",
    );
    let running = two.setting.start().await;
    let goes = running.send(LETTERS, "nhsmail", TO).await;
    let stays = running
        .send_as(LETTERS, "nhsmail", TO, "OFFICIAL-SENSITIVE", None)
        .await;
    diverted(&running, 1).await;
    running.reaches(goes, "relayed").await;
    assert_eq!(route_of(&running, goes).await, "second");
    let state = running.state(stays).await;
    assert!(["incoming", "deferred"].contains(&&*state), "{state}");
    let (why, _) = running.why(stays).await;
    assert!(
        why.contains("It does not go by second instead") && why.contains("ENG-19"),
        "{why}"
    );
    let found = running.gateway.queue.diversions().await.unwrap();
    assert_eq!(found[0].cause, Cause::Refused);
    running.stop().await;
}

/// Which troubles move nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_accounts_own_fault_and_a_persons_word_are_no_trouble_of_the_route() {
    const WRONG: &str = "535 5.7.3 Authentication unsuccessful";
    const DAY: &str = "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException";
    for (of_nhsmail, verb, reply, suspended, said) in [
        ("", SIGNED, WRONG, false, "its account's own fault"),
        // The same password there: another route proves nothing.
        (
            "fails_over_on = [\"down\", \"sign_in\"]",
            SIGNED,
            WRONG,
            false,
            "takes the same credential",
        ),
        ("", DOT, DAY, false, "as many recipients"),
        ("", GREETING, DROP, true, "is suspended since"),
        (
            "fails_over_on = [\"refused\"]",
            GREETING,
            DROP,
            false,
            "goes no other way",
        ),
    ] {
        let two = Two::new(of_nhsmail, "");
        two.setting.far.answer(verb, reply);
        let running = two.setting.start().await;
        let id = running.send(LETTERS, "nhsmail", TO).await;
        running
            .until("a try", || two.setting.far.heard(verb) > 0)
            .await;
        let queue = &running.gateway.queue;
        if suspended {
            let by = Actor::new("j.doe");
            let scope = Scope::Route("nhsmail".into());
            queue.suspend(scope, &by, "maintenance").await.unwrap();
        }
        for _ in 0..30 {
            running.pass(MINUTE).await;
        }
        assert_eq!(diversions(&running).await, 0, "{of_nhsmail} {reply}");
        assert_eq!(running.state(id).await, "deferred", "{reply}");
        assert_eq!(two.other.heard("MAIL"), 0, "{reply}");
        let (why, _) = running.why(id).await;
        assert!(why.contains(said), "{reply}: {why}");
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sequence_keeps_its_order_and_doubt_its_place() {
    let two = Two::new("fails_over_after_minutes = 1", "");
    // Taken for all we know, and the connection is gone.
    two.setting.far.answer(DOT, DROP);
    let running = two.setting.start().await;
    let doubt = running.send(ALERTS, "nhsmail", TO).await;
    running
        .until("a dot", || two.setting.far.heard(DOT) == 1)
        .await;
    running.settle().await;
    let held = running.state(doubt).await;
    two.setting.far.answer(GREETING, DROP);
    let mut sequence = Vec::new();
    for _ in 0..3 {
        let id = running
            .send_as(LETTERS, "nhsmail", TO, "OFFICIAL", Some("patient 7"))
            .await;
        sequence.push(id);
    }
    for id in &sequence {
        for _ in 0..200 {
            if running.state(*id).await == "relayed" {
                break;
            }
            running.pass(Duration::from_secs(5)).await;
        }
        assert_eq!(route_of(&running, *id).await, "second");
    }
    let mut started = Vec::new();
    for id in &sequence {
        let view = running.gateway.queue.show(*id).await.unwrap().unwrap();
        started.push(view.attempts.last().unwrap().started_at);
    }
    assert!(started.is_sorted(), "{started:?}");
    assert_eq!(running.state(doubt).await, held, "not touched");
    running.stop().await;
}
