//! Signing in and out, sessions, form tokens and limits.

#[path = "../src/test_time.rs"]
mod test_time;

mod fake;
mod support;

use std::time::Duration;

use axum::http::{Request, StatusCode, header};
use fake::{Fake, message};
use mailward_console::Role;
use support::{Answer, Browser, PASSWORD, id, now};

const SESSION: &str = "__Host-mailward-session";

fn one_message() -> Fake {
    Fake {
        messages: vec![message(id(1), now(), "Clinic letter")],
        ..Fake::default()
    }
}

#[tokio::test]
async fn strangers_are_sent_to_sign_in_and_back_to_their_page() {
    for (path, next) in [
        ("/console", None),
        (
            "/console/messages?status=held&search=a%20b",
            Some("/console/messages?status=held&search=a%20b"),
        ),
        ("/console/nothing-here", Some("/console/nothing-here")),
    ] {
        let browser = Browser::new(one_message());
        let sent = browser.get(path).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{path}");
        let form = browser.get(sent.header("location")).await;
        assert_eq!(
            form.hidden("next").replace("&#38;", "&"),
            next.unwrap_or("/console")
        );
        let answer = browser
            .sign_in("ada", PASSWORD, next.unwrap_or_default())
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert_eq!(answer.header("location"), next.unwrap_or("/console"));
    }
}

#[tokio::test]
async fn nobody_is_sent_elsewhere() {
    for next in [
        "https://evil.example/",
        "//evil.example/console",
        "/\\evil.example",
        "/v1/messages",
        "/console\r\nLocation: https://evil.example",
        "javascript:alert(1)",
        "console",
    ] {
        let browser = Browser::new(one_message());
        let form = browser
            .get(&format!("/console/sign-in?next={}", support::encoded(next)))
            .await;
        assert_eq!(form.hidden("next"), "/console", "{next}");
        let answer = browser.sign_in("ada", PASSWORD, next).await;
        assert_eq!(answer.header("location"), "/console", "{next}");
        let form = browser
            .get(&format!("/console/sign-in?next={}", support::encoded(next)))
            .await;
        assert_eq!(form.header("location"), "/console", "{next}, signed in");
    }
}

#[tokio::test]
async fn the_cookie_is_for_us_alone() {
    let browser = Browser::new(one_message());
    let answer = browser.sign_in("ada", PASSWORD, "").await;
    let set: Vec<&str> = answer
        .headers
        .get_all(header::SET_COOKIE)
        .iter()
        .map(|value| value.to_str().expect("ASCII"))
        .filter(|value| value.starts_with(SESSION))
        .collect();
    let [cookie] = set[..] else { panic!("{set:?}") };
    for attribute in ["; Path=/;", "; HttpOnly", "; SameSite=Strict", "; Secure"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Domain"));
    let token = browser.cookie(SESSION).expect("signed in");
    assert_eq!(token.len(), 43, "256 bits");
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_sound_alike() {
    let body = |answer: Answer| {
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        answer.body.replace("value=\"nobody\"", "value=\"ada\"")
    };
    let browser = Browser::new(one_message());
    let wrong_password = body(browser.sign_in("ada", "wrong", "").await);
    let wrong_name = body(browser.sign_in("nobody", "wrong", "").await);
    assert_eq!(wrong_password, wrong_name);
    assert!(browser.cookie(SESSION).is_none());
    for (name, password) in [("", PASSWORD), ("ada", ""), ("ada", &"x".repeat(2000))] {
        let answer = browser.sign_in(name, password, "").await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn sign_in_needs_our_own_form() {
    let browser = Browser::new(one_message());
    browser.get("/console/sign-in").await;
    let fields = [("name", "ada"), ("password", PASSWORD)];
    for token in [None, Some(""), Some("guessed")] {
        let mut fields = fields.to_vec();
        fields.extend(token.map(|token| ("token", token)));
        let answer = browser.post_bare("/console/sign-in", &fields).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{token:?}");
        assert!(browser.cookie(SESSION).is_none());
    }
    let bare = browser.another([192, 0, 2, 2]);
    let answer = bare
        .post_bare("/console/sign-in", &[("token", ""), fields[0], fields[1]])
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "no cookie, no token");
}

#[tokio::test]
async fn a_form_without_its_token_does_nothing() {
    let browser = Browser::signed_in(one_message(), Role::Operator).await;
    let other = browser.another([192, 0, 2, 2]);
    assert_eq!(
        other.sign_in("ada", PASSWORD, "").await.status,
        StatusCode::SEE_OTHER
    );
    let foreign = other.get("/console").await.hidden("csrf");
    let path = format!("/console/messages/{}/hold", id(1));
    for fields in [
        vec![],
        vec![("csrf", "")],
        vec![("csrf", "guessed")],
        vec![("csrf", foreign.as_str())],
    ] {
        let answer = browser.post_bare(&path, &fields).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{fields:?}");
        assert!(answer.body.contains("This form can no longer be used"));
    }
    let token = browser.get("/console").await.hidden("csrf");
    for (content_type, body) in [
        ("text/plain", format!("csrf={token}")),
        ("application/json", format!("{{\"csrf\":\"{token}\"}}")),
        (
            "application/x-www-form-urlencoded",
            format!("csrf={token}&x={}", "x".repeat(20_000)),
        ),
    ] {
        let request = Request::post(&path).header(header::CONTENT_TYPE, content_type);
        assert_eq!(
            browser.send(request, body).await.status,
            StatusCode::FORBIDDEN,
            "{content_type}"
        );
    }
    let answer = browser.post_bare("/console/sign-out", &[]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "sign-out too");
    assert!(browser.source.acted.lock().expect("sound").is_empty());
    assert_eq!(browser.post(&path, &[]).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn viewers_look_and_do_not_act() {
    let browser = Browser::signed_in(one_message(), Role::Viewer).await;
    let path = format!("/console/messages/{}", id(1));
    let page = browser.get(&path).await;
    assert!(!page.body.contains("Retry now") && page.body.contains("you need the role operator"));
    for action in ["retry", "hold", "release", "cancel"] {
        let answer = browser.post(&format!("{path}/{action}"), &[]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{action}");
        assert!(answer.body.contains("You may not do this"));
    }
    assert_eq!(
        browser.get(&format!("{path}/cancel")).await.status,
        StatusCode::FORBIDDEN
    );
    assert!(browser.source.acted.lock().expect("sound").is_empty());
}

#[tokio::test]
async fn sessions_end() {
    let is_in = async |browser: &Browser| browser.get("/console").await.status == StatusCode::OK;

    let browser = Browser::signed_in(one_message(), Role::Viewer).await;
    browser.clock.advance(Duration::from_secs(29 * 60));
    assert!(is_in(&browser).await);
    browser.clock.advance(Duration::from_secs(30 * 60));
    assert!(!is_in(&browser).await, "idle for half an hour");

    let browser = Browser::signed_in(one_message(), Role::Viewer).await;
    for _ in 0..35 {
        browser.clock.advance(Duration::from_secs(20 * 60));
        assert!(is_in(&browser).await);
    }
    browser.clock.advance(Duration::from_secs(20 * 60));
    assert!(!is_in(&browser).await, "twelve hours old");

    let browser = Browser::signed_in(one_message(), Role::Viewer).await;
    let kept = browser.cookie(SESSION).expect("signed in");
    let answer = browser.post("/console/sign-out", &[]).await;
    assert_eq!(answer.header("location"), "/console/sign-in");
    assert!(browser.cookie(SESSION).is_none());
    browser.set_cookie(SESSION, &kept);
    assert!(!is_in(&browser).await, "the old cookie opens nothing");

    let browser = Browser::signed_in(one_message(), Role::Viewer).await;
    let first = browser.cookie(SESSION).expect("signed in");
    // The sign-in page is skipped while signed in: send its form from before.
    let stranger = browser.another([192, 0, 2, 2]);
    let token = stranger.get("/console/sign-in").await.hidden("token");
    browser.set_cookie("__Host-mailward-sign-in", &token);
    let fields = [
        ("token", token.as_str()),
        ("name", "ada"),
        ("password", PASSWORD),
    ];
    assert_eq!(
        browser.post_bare("/console/sign-in", &fields).await.status,
        StatusCode::SEE_OTHER
    );
    assert!(is_in(&browser).await);
    browser.set_cookie(SESSION, &first);
    assert!(
        !is_in(&browser).await,
        "signing in anew ends the session before"
    );
}

#[tokio::test]
async fn failures_are_limited() {
    let browser = Browser::new(one_message());
    for attempt in 0..20 {
        let answer = browser
            .sign_in(&format!("user{attempt}"), "wrong", "")
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    let answer = browser.sign_in("ada", PASSWORD, "").await;
    assert_eq!(
        answer.status,
        StatusCode::TOO_MANY_REQUESTS,
        "even with the right password"
    );
    assert_eq!(answer.header("retry-after"), "900");
    assert!(answer.body.contains("Try again in 15 minutes"));
    let elsewhere = browser.another([192, 0, 2, 2]);
    assert_eq!(
        elsewhere.sign_in("ada", PASSWORD, "").await.status,
        StatusCode::SEE_OTHER
    );
    browser.clock.advance(Duration::from_secs(15 * 60));
    assert_eq!(
        browser.sign_in("ada", PASSWORD, "").await.status,
        StatusCode::SEE_OTHER
    );
}
