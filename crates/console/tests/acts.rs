//! What people do on the console: to a message, and to all of an application,
//! account or route.

#[allow(dead_code, reason = "no test here moves the clock")]
#[path = "../src/test_time.rs"]
mod test_time;

mod fake;
mod support;

use axum::http::StatusCode;
use fake::{Fake, HOSTILE};
use mailward_console::Role;
use mailward_console::view::{
    Action, ControlVerb, ControlView, RefusedView, Scope, SuspensionView,
};
use support::{Browser, id, now, three_messages};

const ACCOUNT: &str = "ward7@northmoor.example";

#[tokio::test]
async fn acts_in_the_name_of_who_is_signed_in() {
    let browser = Browser::signed_in(three_messages(), Role::Operator).await;
    let path = format!("/console/messages/{}", id(1));
    let why = [("why", " seen in Sent Items ")];
    for action in ["retry", "hold", "release", "confirm-sent", "cancel"] {
        let answer = browser.post(&format!("{path}/{action}"), &why).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        let after = browser.get(answer.header("location")).await;
        assert!(
            after.body.contains("nhsuk-notification-banner--success"),
            "{action}"
        );
    }
    let why = Some("seen in Sent Items".to_owned());
    let expected = Action::ALL.map(|action| (id(1), action, "ada".to_owned(), why.clone()));
    assert_eq!(*browser.source.acted.lock().expect("sound"), expected);
}

#[tokio::test]
async fn what_cannot_be_undone_asks_first_and_for_a_reason() {
    let mut fake = three_messages();
    fake.messages[0].actions = Action::ALL.to_vec();
    let browser = Browser::signed_in(fake, Role::Operator).await;
    let path = format!("/console/messages/{}", id(1));
    for (action, text) in [("cancel", "(1)"), ("confirm-sent", "among sent mail")] {
        let page = browser.get(&format!("{path}/{action}")).await;
        for text in ["This cannot be undone", text, "name=\"why\""] {
            assert!(page.body.contains(text), "{action}: {text}");
        }
        let bare = browser.post(&format!("{path}/{action}"), &[]).await;
        assert_eq!(bare.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(bare.body.contains("Enter a reason"), "{action}");
    }
    assert!(browser.source.acted.lock().expect("sound").is_empty());
    let other = browser.get(&format!("{path}/hold")).await;
    assert_eq!(
        (other.status, other.header("location")),
        (StatusCode::SEE_OTHER, path.as_str())
    );
}

fn controllable() -> Fake {
    Fake {
        control: ControlView {
            suspended: vec![
                suspension(Scope::Application, HOSTILE, true),
                suspension(Scope::Route, "relay", false),
            ],
            applications: vec!["rota".to_owned()],
            accounts: vec![ACCOUNT.to_owned()],
            routes: vec!["relay".to_owned()],
            refused: vec![RefusedView {
                scope: Scope::Account,
                name: ACCOUNT.to_owned(),
                what: "Sign-in refused".to_owned(),
                since: now(),
                until: None,
                reply: "535 5.7.3 Authentication unsuccessful".to_owned(),
            }],
            ..ControlView::default()
        },
        ..Fake::default()
    }
}

fn suspension(scope: Scope, name: &str, can_resume: bool) -> SuspensionView {
    SuspensionView {
        scope,
        name: name.to_owned(),
        since: now(),
        by: "j.doe".to_owned(),
        why: "wrong recipients".to_owned(),
        can_resume,
    }
}

#[tokio::test]
async fn whole_applications_are_stopped_by_who_may() {
    let browser = Browser::signed_in(controllable(), Role::Operator).await;
    let page = browser.get("/console/control").await.body;
    assert!(page.contains("wrong recipients") && page.contains("By the register"));
    assert!(!page.contains("<script>"), "{page}");
    assert_eq!(
        page.matches("value=\"resume\"").count(),
        3,
        "two buttons and a choice"
    );
    for shown in ["535 5.7.3", "When it is resumed", "account:ward7@"] {
        assert!(page.contains(shown), "{shown}");
    }
    let on = ("on", "application:rota");
    let path = "/console/control";
    let send = async |fields: &[(&str, &str)]| browser.post(path, fields).await.body;
    let sure = ("sure", "yes");
    for verb in ControlVerb::ALL {
        // What will happen is said first, and a reason asked for.
        let asks = send(&[on, ("verb", verb.as_str())]).await;
        assert!(asks.contains("name=\"sure\"") && !asks.contains("There is a problem"));
        let bare = send(&[on, ("verb", verb.as_str()), ("why", " "), sure]).await;
        assert!(bare.contains("Enter a reason"), "{bare}");
        let undone = asks.contains("This cannot be undone");
        assert_eq!(undone, verb == ControlVerb::Cancel);
        let mut fields = vec![on, ("verb", verb.as_str()), ("why", "audit"), sure];
        if verb == ControlVerb::Reroute {
            let bare = send(&fields).await;
            assert!(bare.contains("Choose the other route"), "{bare}");
            fields.push(("to_route", "relay"));
        }
        let done = send(&fields).await;
        assert!(done.contains("1,234 recipients"), "{done}");
    }
    // What is not there is not suspended by a slip.
    let unknown = [("on", "application:rotas"), ("verb", "suspend"), sure];
    let unknown = browser.post(path, &unknown).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    {
        let acted = browser.source.control_acted.lock().expect("sound");
        let verbs: Vec<_> = acted.iter().map(|(act, _)| act.verb).collect();
        assert_eq!(verbs, ControlVerb::ALL);
        let (first, who) = &acted[0];
        let said = (first.name.as_str(), first.why.as_str(), who.as_str());
        assert_eq!(said, ("rota", "audit", "ada"));
    }

    let viewer = Browser::signed_in(controllable(), Role::Viewer).await;
    let page = viewer.get(path).await.body;
    assert!(page.contains("you need the role operator") && !page.contains("name=\"verb\""));
    let denied = viewer
        .post(path, &[on, ("verb", "suspend"), ("why", "x")])
        .await;
    assert_eq!(denied.status, StatusCode::FORBIDDEN);
}
