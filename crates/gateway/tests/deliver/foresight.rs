//! What people are told in time, once over restarts: days on which a route
//! ends, accounts that send more than they may.

use std::time::Duration;

use mailward_queue::{Cause, RerouteJudge, Walk};

use crate::far::Far;
use crate::setting::{LETTERS, Running, Setting};

const TO: &str = "p.shah@northmoor.example";
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn raised(running: &Running, kind: &str) -> u64 {
    running.alarms.raised().get(kind).copied().unwrap_or(0)
}

/// The clock of tests starts on 21 November 2026 at half past nine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_is_told_once_at_each_stage_and_then_the_route_is_left() {
    let mut setting = Setting::new();
    let other = Far::start(&setting.tls);
    setting.of_nhsmail = "fails_over_to = [\"second\"]\n\
         retires = [{ date = \"2027-01-20\", what = \"the contract ends\" }]\n"
        .to_owned();
    setting.more = format!(
        "[[route]]\nname = \"second\"\nkind = \"submission\"\nserver = \"localhost\"\n\
         port = {}\nca_file = \"{}\"\nmechanism = \"login\"\n",
        other.port,
        setting.tls.ca_file().display()
    );
    for (days, told, words) in [
        (
            0,
            1,
            "route nhsmail: in 59 days, on 2027-01-20, the contract ends",
        ),
        (1, 0, "in 58 days"),
        (40, 1, "in 18 days"),
        (12, 1, "in 6 days"),
        (3, 0, "in 3 days"),
        (
            4,
            1,
            "route nhsmail is retired since 2027-01-20: the contract ends",
        ),
        (9, 0, "is retired since"),
    ] {
        setting.clock.advance(DAY * days);
        let running = setting.start().await;
        running
            .until(words, || {
                let alarm = running.alarm("route_retires");
                alarm.is_some_and(|text| text.contains(words))
            })
            .await;
        assert_eq!(raised(&running, "route_retires"), told, "{words}");
        running.stop().await;
    }
    let running = setting.start().await;
    // What had no time to leave by the old route leaves by the new.
    let queue = &running.gateway.queue;
    running.send(LETTERS, "nhsmail", TO).await;
    for _ in 0..200 {
        if !queue.diversions().await.unwrap().is_empty() {
            break;
        }
        running.send(LETTERS, "nhsmail", TO).await;
        running.pass(Duration::from_secs(5)).await;
    }
    let found = queue.diversions().await.unwrap();
    assert_eq!(found[0].cause, Cause::Retired);
    assert!(found[0].why.contains("the contract ends"), "{found:?}");
    // Whatever the judge refuses stays, and nothing is lost of it.
    let none = RerouteJudge::none();
    let moved = queue.move_diverted(&found[0], Walk::START, &none).await;
    assert_eq!(moved.unwrap().moved, 0);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sends_too_much_is_advised_and_moved_where_the_register_has_it() {
    for registered in [false, true] {
        let mut setting = Setting::new();
        setting.of_nhsmail = "messages_per_minute = 1\n".to_owned();
        let high_sending = match registered {
            true => "high_sending_route = \"bulk\"\n",
            false => "",
        };
        setting.more = format!(
            "[[application]]\nname = \"letters\"\nowner = \"Outpatients\"\n\
             purpose = \"Letters\"\ndata_class = \"OFFICIAL\"\npatient_data = false\n\
             account = \"{LETTERS}\"\nstate = \"live\"\n{high_sending}"
        );
        let running = setting.start().await;
        let mut sent = Vec::new();
        for _ in 0..40 {
            sent.push(running.send(LETTERS, "nhsmail", TO).await);
        }
        for _ in 0..12 {
            running.pass(MINUTE).await;
        }
        running.stop().await;
        // Figures are kept over a restart.
        let running = setting.start().await;
        for _ in 0..8 {
            running.pass(MINUTE).await;
        }
        let queue = &running.gateway.queue;
        let found = queue.diversions().await.unwrap();
        let Some(last) = sent.pop() else { return };
        if !registered {
            assert_eq!(found, []);
            let text = running.alarm("high_sending_advised").unwrap();
            for words in ["messages a minute in", "GUIDE-81", "high_sending_route="] {
                assert!(text.contains(words), "{text}");
            }
            running.stop().await;
            continue;
        }
        running.reaches(last, "relayed").await;
        let found = &queue.diversions().await.unwrap()[0];
        assert_eq!((found.cause, found.to.as_str()), (Cause::Limits, "bulk"));
        let (why, _) = running.why(last).await;
        assert!(
            why.contains("It was moved from nhsmail to bulk") && why.contains("GUIDE-81"),
            "{why}"
        );
        // An hour of calm, and then another, and it has its own way again.
        for _ in 0..240 {
            running.pass(MINUTE).await;
            if queue.diversions().await.unwrap().is_empty() {
                break;
            }
        }
        assert_eq!(queue.diversions().await.unwrap(), []);
        running.stop().await;
    }
}
