//! A server on loopback that answers each verb as it is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use mailward_net::{Stream, Tasks};
use mailward_testkit::{TestTls, ports};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// What stands for the final dot in [`Far::answer`].
pub(crate) const DOT: &str = ".";
/// And for the greeting, and what comes after both lines of a sign-in.
pub(crate) const GREETING: &str = "greeting";
pub(crate) const SIGNED: &str = "signed";

/// Hangs up instead of an answer.
pub(crate) const DROP: &str = "(drop)";

#[derive(Default)]
struct State {
    answers: HashMap<String, String>,
    heard: Vec<String>,
}

pub(crate) struct Far {
    pub(crate) port: u16,
    state: Arc<Mutex<State>>,
    tasks: Tasks,
}

impl Far {
    pub(crate) fn start(tls: &TestTls) -> Self {
        let (listener, address) = ports::listener();
        let (state, tasks) = (Arc::<Mutex<State>>::default(), Tasks::new());
        let (config, shared, spawner) = (tls.server(), Arc::clone(&state), tasks.clone());
        tasks.spawn("far end", async move {
            loop {
                let stream = listener.accept().await;
                let (config, shared) = (Arc::clone(&config), Arc::clone(&shared));
                spawner.spawn("session", async move {
                    talk(stream, config, &shared).await;
                });
            }
        });
        Self {
            port: address.port(),
            state,
            tasks,
        }
    }

    /// From now on `verb` is answered so; several lines with `\n` between.
    pub(crate) fn answer(&self, verb: &str, reply: &str) {
        change(&self.state, |state| {
            state.answers.insert(verb.to_owned(), reply.to_owned());
        });
    }

    /// All is well again.
    pub(crate) fn recover(&self) {
        change(&self.state, |state| state.answers.clear());
    }

    /// How often a verb came.
    pub(crate) fn heard(&self, verb: &str) -> usize {
        change(&self.state, |state| {
            let heard = state.heard.iter();
            heard.filter(|line| line.starts_with(verb)).count()
        })
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        self.tasks.shutdown().begin();
    }
}

fn change<T>(state: &Mutex<State>, change: impl FnOnce(&mut State) -> T) -> T {
    change(&mut state.lock().unwrap())
}

async fn talk(mut stream: Stream, config: Arc<rustls::ServerConfig>, state: &Mutex<State>) {
    let answer = |verb: &str, else_: &str| {
        change(state, |state| {
            state.heard.push(verb.to_owned());
            state.answers.get(verb).cloned()
        })
        .unwrap_or_else(|| else_.to_owned())
    };
    let mut secure = false;
    let mut reply = answer(GREETING, "220 far.northmoor.example ready");
    loop {
        if say(&mut stream, &reply).await.is_none() {
            return;
        }
        let Some(line) = hear(&mut stream).await else {
            return;
        };
        let verb = line
            .split([' ', ':'])
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase();
        reply = match verb.as_str() {
            "EHLO" if secure => answer(
                "EHLO",
                "250-far\n250-DSN\n250-SIZE 100000000\n250 AUTH LOGIN",
            ),
            "EHLO" => answer("EHLO", "250-far\n250 STARTTLS"),
            "STARTTLS" => {
                let reply = answer("STARTTLS", "220 2.0.0 go");
                if say(&mut stream, &reply).await.is_none() || !reply.starts_with("220") {
                    return;
                }
                let Ok(upgraded) = stream.upgrade_server(Arc::clone(&config)).await else {
                    return;
                };
                (stream, secure) = (upgraded, true);
                match hear(&mut stream).await {
                    Some(_) => answer(
                        "EHLO",
                        "250-far\n250-DSN\n250-SIZE 100000000\n250 AUTH LOGIN",
                    ),
                    None => return,
                }
            }
            "AUTH" => {
                answer("AUTH", "");
                for prompt in ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"] {
                    if say(&mut stream, prompt).await.is_none() || hear(&mut stream).await.is_none()
                    {
                        return;
                    }
                }
                answer(SIGNED, "235 2.7.0 Authentication successful")
            }
            "DATA" => {
                let reply = answer("DATA", "354 go on");
                if reply.starts_with("354") {
                    if say(&mut stream, &reply).await.is_none() {
                        return;
                    }
                    while hear(&mut stream).await.is_some_and(|line| line != ".") {}
                    answer(DOT, "250 2.0.0 OK")
                } else {
                    reply
                }
            }
            "QUIT" => {
                let _ = say(&mut stream, "221 2.0.0 bye").await;
                return;
            }
            verb => answer(verb, "250 2.1.0 OK"),
        };
    }
}

async fn say(stream: &mut Stream, reply: &str) -> Option<()> {
    if reply == DROP {
        return None;
    }
    let octets = format!("{}\r\n", reply.replace('\n', "\r\n"));
    stream.write_all(octets.as_bytes()).await.ok()?;
    stream.flush().await.ok()
}

async fn hear(stream: &mut Stream) -> Option<String> {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n") {
        text.push(stream.read_u8().await.ok()?);
    }
    text.truncate(text.len() - 2);
    String::from_utf8(text).ok()
}
