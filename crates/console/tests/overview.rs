//! What the overview says of routes.

#[allow(dead_code, reason = "no test here moves the clock")]
#[path = "../src/test_time.rs"]
mod test_time;

mod fake;
mod support;

use fake::Fake;
use mailward_console::Role;
use mailward_console::view::{DivertedView, EndingView};
use support::{Browser, now};

#[tokio::test]
async fn routes_that_were_left_and_that_end_are_named() {
    let mut fake = Fake::default().with_counts(now());
    let gateway = fake.overview.gateway.as_mut().expect("a gateway");
    gateway.diverted = vec![DivertedView {
        account: "rota@northmoor.example".to_owned(),
        from: "nhsmail".to_owned(),
        to: "relay".to_owned(),
        since: now(),
        why: "nhsmail could not be used".to_owned(),
    }];
    gateway.endings = [40, -2]
        .map(|days_left| EndingView {
            route: "nhsmail".to_owned(),
            days_left,
            date: "2026-12-31".to_owned(),
            what: "passwords end".to_owned(),
        })
        .to_vec();
    let browser = Browser::signed_in(fake, Role::Viewer).await;
    let page = browser.get("/console").await;
    for part in [
        "<bdi>rota@northmoor.example</bdi> by relay instead of nhsmail, since",
        "nhsmail in 40 days, on 2026-12-31: passwords end",
        "nhsmail, since 2026-12-31: passwords end",
    ] {
        assert!(page.body.contains(part), "no {part:?} in {}", page.body);
    }
}
