//! The console over made-up data, in plain text on loopback:
//! `cargo run --release -p mailward-console --example demo`, then sign in as
//! `ada` (operator) or `vera` (viewer), password `demonstration`.

#[path = "../../tests/fake/mod.rs"]
mod fake;
#[allow(dead_code, reason = "nothing moves the clock here")]
#[path = "../../src/test_time.rs"]
mod test_time;

mod letters;
mod story;
mod twin;

use std::io::Write as _;
use std::sync::Arc;

use mailward_console::{ConsoleOptions, PasswordHash, Role, User, Users, router};
use mailward_mail::{Clock, Secret};
use test_time::{FixedClock, SeededDice};

#[tokio::main]
#[allow(
    clippy::disallowed_methods,
    reason = "an example to look at, with no net crate below it"
)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:8480".to_owned());
    // A clock that stands still and dice that always fall alike: the same
    // pages each time, and no secrets worth guessing.
    let (clock, dice) = (
        Arc::new(FixedClock::default()),
        Arc::new(SeededDice::default()),
    );
    let user = |name: &str, role| -> Result<User, Box<dyn std::error::Error>> {
        Ok(User {
            name: name.to_owned(),
            password: PasswordHash::new(&Secret::new("demonstration"), &*dice)?,
            role,
        })
    };
    let users = vec![user("ada", Role::Operator)?, user("vera", Role::Viewer)?];
    let console = router(ConsoleOptions {
        source: Arc::new(fake::Shared(Arc::new(story::source(clock.now(), &*dice)))),
        credentials: Arc::new(Users::new(users, &*dice)?),
        clock: clock.clone(),
        time: clock,
        dice,
        title: "Mailward, Northmoor".to_owned(),
        banner: Some(ConsoleOptions::DEVELOPMENT_BANNER.to_owned()),
        secure_cookie: false,
    });
    let listener = tokio::net::TcpListener::bind(&address).await?;
    writeln!(
        std::io::stdout(),
        "http://{}/console",
        listener.local_addr()?
    )?;
    axum::serve(listener, console).await?;
    Ok(())
}
