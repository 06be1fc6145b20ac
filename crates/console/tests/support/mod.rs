//! A browser without a window: keeps cookies, sends forms, reads links.

#![allow(dead_code, reason = "each test file uses a part")]

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use mailward_console::view::Status;
use mailward_console::{
    ConsoleOptions, Cost, PasswordHash, PeerAddress, Role, User, Users, router,
};
use mailward_mail::{Clock, MessageId, Secret, Timestamp};
use tower::ServiceExt as _;

use crate::fake::{Fake, Shared, message};
use crate::test_time::{FixedClock, SeededDice};

pub(crate) const PASSWORD: &str = "correct horse";

pub(crate) struct Browser {
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) source: Arc<Fake>,
    router: Router,
    cookies: Mutex<BTreeMap<String, String>>,
    address: IpAddr,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
    /// The same as text.
    pub(crate) body: String,
}

impl Browser {
    /// Nobody signed in; `ada` may, as operator.
    pub(crate) fn new(fake: Fake) -> Self {
        Self::with_role(fake, Role::Operator)
    }

    pub(crate) fn with_role(fake: Fake, role: Role) -> Self {
        let dice = Arc::new(SeededDice::default());
        // As cheap as the algorithm allows.
        let cost = Cost {
            memory_kib: 8,
            passes: 1,
            lanes: 1,
        };
        let password = PasswordHash::with_cost(&Secret::new(PASSWORD), cost, &*dice);
        let user = User {
            name: "ada".to_owned(),
            password: password.expect("a hash"),
            role,
        };
        let clock = Arc::new(FixedClock::default());
        let source = Arc::new(fake);
        let router = router(ConsoleOptions {
            source: Arc::new(Shared(source.clone())),
            credentials: Arc::new(Users::new(vec![user], &*dice).expect("a decoy")),
            clock: clock.clone(),
            time: clock.clone(),
            dice,
            title: "Mailward".to_owned(),
            banner: Some(ConsoleOptions::DEVELOPMENT_BANNER.to_owned()),
            secure_cookie: true,
        });
        Self {
            clock,
            source,
            router,
            cookies: Mutex::default(),
            address: IpAddr::from([192, 0, 2, 1]),
        }
    }

    pub(crate) async fn signed_in(fake: Fake, role: Role) -> Self {
        let browser = Self::with_role(fake, role);
        let answer = browser.sign_in("ada", PASSWORD, "").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        browser
    }

    /// The same console, seen from elsewhere.
    pub(crate) fn another(&self, address: [u8; 4]) -> Self {
        Self {
            clock: self.clock.clone(),
            source: self.source.clone(),
            router: self.router.clone(),
            cookies: Mutex::default(),
            address: IpAddr::from(address),
        }
    }

    pub(crate) async fn sign_in(&self, name: &str, password: &str, next: &str) -> Answer {
        let form = self.get("/console/sign-in").await;
        let token = form.hidden("token");
        let fields = [
            ("token", token.as_str()),
            ("name", name),
            ("password", password),
            ("next", next),
        ];
        self.post_bare("/console/sign-in", &fields).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path), String::new()).await
    }

    pub(crate) async fn get_with(&self, path: &str, name: &str, value: &str) -> Answer {
        self.send(Request::get(path).header(name, value), String::new())
            .await
    }

    /// A form with the token of this session, as the pages' forms have it.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.get("/console").await.hidden("csrf");
        let mut fields = fields.to_vec();
        fields.push(("csrf", &token));
        self.post_bare(path, &fields).await
    }

    pub(crate) async fn post_bare(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        let request =
            Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, body.join("&")).await
    }

    pub(crate) async fn send(&self, request: axum::http::request::Builder, body: String) -> Answer {
        let cookies: Vec<String> = self
            .cookies
            .lock()
            .expect("sound")
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = request
            .header(header::COOKIE, cookies.join("; "))
            .extension(PeerAddress(self.address))
            .body(Body::from(body))
            .expect("a valid request");
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("infallible");
        let (parts, body) = response.into_parts();
        self.keep_cookies(&parts.headers);
        let bytes = body
            .collect()
            .await
            .expect("a whole body")
            .to_bytes()
            .to_vec();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&bytes).into_owned(),
            bytes,
        }
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().expect("sound").get(name).cloned()
    }

    pub(crate) fn set_cookie(&self, name: &str, value: &str) {
        let mut cookies = self.cookies.lock().expect("sound");
        cookies.insert(name.to_owned(), value.to_owned());
    }

    fn keep_cookies(&self, headers: &HeaderMap) {
        let mut cookies = self.cookies.lock().expect("sound");
        for value in headers.get_all(header::SET_COOKIE) {
            let value = value.to_str().expect("ASCII");
            let (name, rest) = value.split_once('=').expect("a name");
            let (value, attributes) = rest.split_once(';').expect("attributes");
            if attributes.contains("Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("ASCII"))
    }

    /// The value of the first hidden field of this name.
    pub(crate) fn hidden(&self, name: &str) -> String {
        let start = format!("<input type=\"hidden\" name=\"{name}\" value=\"");
        let rest = self.body.split(&start).nth(1).expect("such a field");
        rest.split('"').next().expect("its value").to_owned()
    }

    /// The address of the first link with `mark` in its tag.
    pub(crate) fn link(&self, mark: &str) -> String {
        self.links(mark).into_iter().next().expect("such a link")
    }

    pub(crate) fn links(&self, mark: &str) -> Vec<String> {
        self.body
            .split('<')
            .filter(|tag| tag.starts_with("a ") || tag.starts_with("link "))
            .filter(|tag| tag.split('>').next().is_some_and(|tag| tag.contains(mark)))
            .filter_map(|tag| tag.split("href=\"").nth(1)?.split('"').next())
            .map(|href| href.replace("&#38;", "&").replace("&amp;", "&"))
            .collect()
    }

    /// The links inside table cells.
    pub(crate) fn links_of_cells(&self) -> Vec<String> {
        self.links("/items/")
    }
}

pub(crate) fn now() -> Timestamp {
    FixedClock::default().now()
}

/// The id of this number.
pub(crate) fn id(number: u32) -> MessageId {
    format!("01JD4Q0V8{number:011}").parse().expect("an id")
}

/// A late letter, a relayed rota and a failed alert.
pub(crate) fn three_messages() -> Fake {
    let mut fake = Fake::default();
    for (number, subject, status) in [
        (1, "Clinic letter", Status::Deferred),
        (2, "Rota", Status::Relayed),
        (3, "Laboratory alert", Status::Failed),
    ] {
        let mut made = message(id(number), now(), subject);
        made.status = status;
        fake.messages.push(made);
    }
    fake
}

/// Percent-encodes all but letters and digits.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
