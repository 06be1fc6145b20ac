use std::path::Path;

use mailward_net::SeededDice;
use mailward_testkit::SimulatedClock;

use super::*;
use crate::config::{Config, IntakeKey, IntakePassword};
use crate::register::rows::Kept;

static DICE: SeededDice = SeededDice::new(5);

/// Cheap to try, so that the tests are quick.
const CHOSEN: &str = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0$";

fn config() -> Config {
    let text = r#"
[gateway]
hostname = "gateway.northmoor.example"
dir = "data"
[[route]]
name = "submission"
kind = "submission"
server = "localhost"
port = 587
mechanism = "login"
[[account]]
address = "letters@northmoor.example"
route = "submission"
secret = "keystore:letters"
[[application]]
name = "letters"
owner = "o"
purpose = "p"
data_class = "OFFICIAL"
patient_data = false
account = "letters@northmoor.example"
state = "live"
"#;
    let mut config = Config::parse(text, Path::new("t.toml")).expect("a configuration");
    let application = &mut config.applications[0];
    let password = |username: &str, hash: String| IntakePassword {
        username: username.to_owned(),
        kind: KeyKind::Live,
        hash,
    };
    application.passwords = vec![
        password("chosen", cheap_hash("correct horse")),
        password("Made", KeyHash::of("made").to_text()),
    ];
    for kind in [KeyKind::Live, KeyKind::Team, KeyKind::Test] {
        let hash = KeyHash::of(kind.as_str()).to_text();
        application.api_keys.push(IntakeKey { kind, hash });
    }
    config
}

fn cheap_hash(password: &str) -> String {
    use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, Version};
    let params = Params::new(8, 1, 1, None).expect("parameters");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_with_salt(password.as_bytes(), b"saltsaltsalt")
        .expect("a hash")
        .to_string()
}

fn sign_in(limits: &Limits) -> (SignIn, SimulatedClock) {
    let clock = SimulatedClock::default();
    let register = Arc::new(Register::of(Arc::new(config())));
    (
        SignIn::new(register, limits, Arc::new(clock.clone()), &DICE),
        clock,
    )
}

fn peer() -> IpAddr {
    "192.0.2.7".parse().expect("an address")
}

async fn attempt(sign_in: &SignIn, username: &str, password: &str) -> Option<Denied> {
    sign_in
        .password(peer(), username, &Secret::new(password))
        .await
        .err()
}

fn checks(sign_in: &SignIn) -> usize {
    sign_in.slow_checks.swap(0, Ordering::Relaxed)
}

#[test]
fn the_cheap_hash_is_one() {
    assert!(cheap_hash("x").starts_with(CHOSEN));
}

#[tokio::test]
async fn every_refusal_costs_one_slow_check_and_says_the_same() {
    let (sign_in, _) = sign_in(&Limits::default());
    for (username, password) in [
        ("chosen", "wrong"),
        ("made", "wrong"),
        ("nobody", "wrong"),
        ("", ""),
        ("chosen", ""),
    ] {
        assert_eq!(
            attempt(&sign_in, username, password).await,
            Some(Denied::Refused),
            "{username}"
        );
        assert_eq!(checks(&sign_in), 1, "{username}");
    }
}

#[tokio::test]
async fn a_good_sign_in_is_checked_slowly_once() {
    let (sign_in, _) = sign_in(&Limits::default());
    for expected in [1, 0, 0] {
        assert_eq!(attempt(&sign_in, "Chosen", "correct horse").await, None);
        assert_eq!(checks(&sign_in), expected);
    }
    assert_eq!(attempt(&sign_in, "made", "made").await, None);
    assert_eq!(checks(&sign_in), 0, "made passwords need no slow check");
}

#[tokio::test]
async fn what_is_remembered_ends_with_a_change_and_is_bounded() {
    let limits = Limits {
        sign_ins_remembered_max: 2,
        ..Limits::default()
    };
    let (sign_in, _) = sign_in(&limits);
    assert_eq!(attempt(&sign_in, "chosen", "correct horse").await, None);
    assert_eq!((checks(&sign_in), sign_in.remembered.count()), (1, 1));
    sign_in.register.replace(Kept::default());
    assert_eq!(attempt(&sign_in, "chosen", "correct horse").await, None);
    assert_eq!((checks(&sign_in), sign_in.remembered.count()), (1, 1));
}

#[tokio::test]
async fn refusals_are_limited_by_name_and_address_but_good_ones_pass() {
    let limits = Limits {
        refusals_per_name_max: 2,
        refusals_per_address_max: 4,
        ..Limits::default()
    };
    let (sign_in, clock) = sign_in(&limits);
    assert_eq!(attempt(&sign_in, "chosen", "correct horse").await, None);
    for _ in 0..2 {
        assert_eq!(
            attempt(&sign_in, "chosen", "wrong").await,
            Some(Denied::Refused)
        );
    }
    checks(&sign_in);
    assert!(matches!(
        attempt(&sign_in, "chosen", "wrong").await,
        Some(Denied::TooOften { .. })
    ));
    for _ in 0..2 {
        assert_eq!(
            attempt(&sign_in, "other", "wrong").await,
            Some(Denied::Refused)
        );
    }
    assert!(matches!(
        attempt(&sign_in, "third", "wrong").await,
        Some(Denied::TooOften { .. })
    ));
    assert!(matches!(
        sign_in.api_key(peer(), "guess"),
        Err(Denied::TooOften { .. })
    ));
    assert_eq!(
        attempt(&sign_in, "chosen", "correct horse").await,
        None,
        "it is remembered"
    );
    assert!(sign_in.api_key(peer(), "live").is_ok());
    clock.advance(WINDOW);
    assert_eq!(
        attempt(&sign_in, "third", "wrong").await,
        Some(Denied::Refused)
    );
}

#[tokio::test]
async fn too_many_at_once_are_turned_away() {
    let limits = Limits {
        password_checks_waiting_max: 0,
        ..Limits::default()
    };
    let (sign_in, _) = sign_in(&limits);
    assert_eq!(
        attempt(&sign_in, "nobody", "wrong").await,
        Some(Denied::Busy)
    );
}

#[tokio::test]
async fn kinds_of_keys_reach_what_they_may() {
    let (sign_in, _) = sign_in(&Limits::default());
    assert!(sign_in.api_key(peer(), "live").is_ok());
    assert_eq!(
        sign_in.api_key(peer(), "test").err(),
        Some(Denied::WrongKind(KeyKind::Test))
    );
    assert_eq!(
        sign_in.api_key(peer(), "team").err(),
        Some(Denied::WrongKind(KeyKind::Team))
    );

    let mut config = config();
    config.routes[0].twin = true;
    let register = Arc::new(Register::of(Arc::new(config)));
    let clock = Arc::new(SimulatedClock::default());
    let sign_in = SignIn::new(register, &Limits::default(), clock, &DICE);
    assert!(sign_in.api_key(peer(), "test").is_ok());
    assert_eq!(
        sign_in.api_key(peer(), "team").err(),
        Some(Denied::WrongKind(KeyKind::Team))
    );
}
