//! The preflight against servers that follow a script, and name servers that
//! follow none.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mailward_gateway::config::Config;
use mailward_gateway::doctor::{Doctor, Finding, Report, Scope, Severity, Times};
use mailward_gateway::{Keystore, Secrets};
use mailward_mail::{Clock, Secret, Timestamp};
use mailward_net::dns::Resolving;
use mailward_net::{
    Listener, Resolver, SeededDice, StaticResolver, Stream, SystemClock, SystemResolver, Tasks,
};
use mailward_testkit::{SimulatedClock, TestTls, ports};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// What a server says; what it was told is kept.
#[derive(Clone, Copy)]
struct Script {
    /// Nothing: it keeps silent.
    greeting: &'static str,
    /// The words of EHLO's reply in the clear, and under TLS.
    offers: [&'static str; 2],
    auth: &'static str,
}

const GOOD: Script = Script {
    greeting: "220 mail.northmoor.example ready at Sat, 21 Nov 2026 09:00:00 +0000",
    offers: ["STARTTLS", "AUTH LOGIN XOAUTH2|SIZE 157286400"],
    auth: "235 2.7.0 Authentication successful",
};

const DISABLED: &str = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox. Visit https://aka.ms/smtp_auth_disabled for more information. [X]";

/// A server on a port of its own, for as long as `tasks` runs.
struct Server {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
    tasks: Tasks,
}

impl Server {
    fn start(script: Script, tls: &TestTls) -> Self {
        let (listener, address) = ports::listener();
        let (heard, tasks) = (Arc::default(), Tasks::new());
        let (config, log) = (tls.server(), Arc::clone(&heard));
        tasks.spawn("script", async move {
            loop {
                let stream = accept(&listener).await;
                talk(stream, script, Arc::clone(&config), &log).await;
            }
        });
        Self {
            port: address.port(),
            heard,
            tasks,
        }
    }

    fn heard(&self, verb: &str) -> usize {
        let heard = self.heard.lock().unwrap();
        heard.iter().filter(|line| line.starts_with(verb)).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tasks.shutdown().begin();
    }
}

async fn accept(listener: &Listener) -> Stream {
    listener.accept().await
}

async fn talk(
    mut stream: Stream,
    script: Script,
    config: Arc<rustls::ServerConfig>,
    log: &Mutex<Vec<String>>,
) {
    let mut is_tls = false;
    if script.greeting.is_empty() {
        let _ = line(&mut stream).await;
        return;
    }
    let mut reply = script.greeting.to_owned();
    loop {
        let octets = format!("{reply}\r\n");
        if stream.write_all(octets.as_bytes()).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        let Some(said) = line(&mut stream).await else {
            return;
        };
        log.lock().unwrap().push(said.clone());
        let words: Vec<&str> = said.split(' ').collect();
        reply = match words[0] {
            "EHLO" => offered(script.offers[usize::from(is_tls)]),
            "STARTTLS" => {
                stream.write_all(b"220 2.0.0 go\r\n").await.unwrap();
                stream.flush().await.unwrap();
                let Ok(upgraded) = stream.upgrade_server(Arc::clone(&config)).await else {
                    return;
                };
                (stream, is_tls) = (upgraded, true);
                let Some(said) = line(&mut stream).await else {
                    return;
                };
                log.lock().unwrap().push(said);
                offered(script.offers[1])
            }
            "AUTH" => "334 VXNlcm5hbWU6".to_owned(),
            "QUIT" => "221 bye".to_owned(),
            // The name first, then the password.
            _ if log
                .lock()
                .unwrap()
                .iter()
                .rev()
                .nth(1)
                .is_some_and(|said| said.starts_with("AUTH")) =>
            {
                "334 UGFzc3dvcmQ6".to_owned()
            }
            _ => script.auth.to_owned(),
        };
    }
}

fn offered(words: &str) -> String {
    let mut text = "250-mail.northmoor.example".to_owned();
    let words: Vec<&str> = words.split('|').collect();
    for (index, word) in words.iter().enumerate() {
        let mark = if index + 1 == words.len() { ' ' } else { '-' };
        text.push_str(&format!("\r\n250{mark}{word}"));
    }
    text
}

async fn line(stream: &mut Stream) -> Option<String> {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n") {
        text.push(stream.read_u8().await.ok()?);
    }
    text.truncate(text.len() - 2);
    String::from_utf8(text).ok()
}

fn config(dir: &Path, tls: &TestTls, routes: &[(&str, &str, u16)]) -> Config {
    let mut text = format!(
        "[gateway]\nhostname = \"gateway.northmoor.example\"\ndir = \"{}\"\n\
         [keystore]\nfile = \"secrets\"\nkey = \"file:key\"\n",
        dir.join("store").display()
    );
    for (name, server, port) in routes {
        text.push_str(&format!(
            "[[route]]\nname = \"{name}\"\nkind = \"submission\"\nserver = \"{server}\"\n\
             port = {port}\nca_file = \"{ca}\"\nmechanism = \"login\"\n\
             [[account]]\naddress = \"{name}@northmoor.example\"\nroute = \"{name}\"\n\
             secret = \"keystore:{name}\"\n",
            ca = tls.ca_file().display()
        ));
    }
    Config::parse(&text, &dir.join("gateway.toml")).unwrap_or_else(|errors| panic!("{errors}"))
}

fn secrets(config: &Config) -> Arc<Secrets> {
    let keystore = Keystore::in_memory();
    for (index, route) in config.routes.iter().enumerate() {
        let password = Secret::new(format!("a password of some length {index}"));
        let now = Timestamp::from_millis(0);
        keystore
            .set(route.name.as_str(), &password, now, &SeededDice::new(1))
            .unwrap();
    }
    Arc::new(Secrets::new(Some(keystore), None))
}

fn doctor(config: Config, clock: Arc<dyn Clock>, resolver: Arc<dyn Resolver>) -> Doctor {
    Doctor {
        secrets: Ok(secrets(&config)),
        config: Arc::new(config),
        clock,
        dice: Arc::new(SeededDice::new(7)),
        resolver,
        standing: None,
        times: Times::default(),
        at: None,
    }
}

async fn examine(config: &Config, check: Option<&str>) -> Report {
    let scope = Scope {
        check: check.map(str::to_owned),
        ..Scope::default()
    };
    let resolver = Arc::new(SystemResolver::default());
    doctor(config.clone(), Arc::new(SystemClock), resolver)
        .examine(&scope)
        .await
        .unwrap()
}

fn of<'r>(report: &'r Report, check: &str, subject: &str) -> &'r Finding {
    let found = report
        .findings
        .iter()
        .find(|one| one.check == check && one.subject == subject);
    found.unwrap_or_else(|| panic!("{check} says nothing of {subject}: {report:#?}"))
}

#[tokio::test]
async fn each_trouble_is_told_by_the_check_that_it_concerns() {
    let (dir, tls) = (tempfile::tempdir().unwrap(), TestTls::new());
    for (script, check, severity, text) in [
        (GOOD, "server-greeting", Severity::Ok, "ready at Sat"),
        (GOOD, "tls-version", Severity::Ok, "TLSv1.3"),
        (GOOD, "server-certificate", Severity::Ok, "trusted"),
        (GOOD, "mechanism", Severity::Ok, "LOGIN"),
        (GOOD, "message-size", Severity::Ok, "157286400"),
        (GOOD, "sign-in", Severity::Ok, "signed in"),
        (
            Script {
                greeting: "554 5.7.1 no",
                ..GOOD
            },
            "server-greeting",
            Severity::Error,
            "554 5.7.1 no",
        ),
        (
            Script {
                offers: ["8BITMIME", ""],
                ..GOOD
            },
            "starttls",
            Severity::Error,
            "does not offer STARTTLS",
        ),
        (
            Script {
                offers: ["STARTTLS", "AUTH XOAUTH2"],
                ..GOOD
            },
            "mechanism",
            Severity::Error,
            "LOGIN is not offered, but XOAUTH2",
        ),
        (
            Script {
                auth: "454 4.7.0 later",
                ..GOOD
            },
            "sign-in",
            Severity::Error,
            "454 4.7.0 later",
        ),
    ] {
        let server = Server::start(script, &tls);
        let config = config(dir.path(), &tls, &[("main", "localhost", server.port)]);
        let report = examine(&config, Some(check)).await;
        let subject = match check {
            "sign-in" => "account main@northmoor.example",
            _ => "route main",
        };
        let found = of(&report, check, subject);
        assert_eq!(found.severity, severity, "{found:?}");
        assert!(found.seen.contains(text), "{found:?}");
    }
}

#[tokio::test]
async fn a_refused_credential_is_tried_once_and_remembered() {
    let (dir, tls) = (tempfile::tempdir().unwrap(), TestTls::new());
    let server = Server::start(
        Script {
            auth: DISABLED,
            ..GOOD
        },
        &tls,
    );
    let config = config(dir.path(), &tls, &[("main", "localhost", server.port)]);
    let account = "account main@northmoor.example";
    for seen in [
        "SMTP is not enabled for this account; its breaker is open",
        "and not tried again",
        "and not tried again",
    ] {
        let report = examine(&config, None).await;
        let found = of(&report, "sign-in", account);
        assert!(found.seen.contains(seen), "{found:?}");
        let found = of(&report, "smtp-enabled", account);
        assert_eq!(found.severity, Severity::Error, "{found:?}");
        let remedy = found.remedy.as_deref().unwrap_or_default();
        assert!(remedy.contains("Local Administrator"), "{found:?}");
        assert_eq!(server.heard("AUTH"), 1);
    }
}

#[tokio::test]
async fn other_checks_sign_in_nowhere_and_leave_no_store() {
    let (dir, tls) = (tempfile::tempdir().unwrap(), TestTls::new());
    let server = Server::start(GOOD, &tls);
    let config = config(dir.path(), &tls, &[("main", "localhost", server.port)]);
    examine(&config, Some("mechanism")).await;
    examine(&config, Some("secrets")).await;
    assert_eq!(server.heard("AUTH"), 0);
    examine(&config, Some("sign-in")).await;
    assert_eq!(server.heard("AUTH"), 1);
    // Nothing was refused, so there is nothing to keep.
    assert!(!config.dir.exists());
}

#[tokio::test]
async fn nothing_is_tried_while_another_process_holds_the_record() {
    let (dir, tls) = (tempfile::tempdir().unwrap(), TestTls::new());
    let server = Server::start(GOOD, &tls);
    let config = config(dir.path(), &tls, &[("main", "localhost", server.port)]);
    let schema = mailward_gateway::SCHEMA;
    let held = mailward_store::Store::open(mailward_store::Options::new(&config.dir, schema));
    let held = held.unwrap();
    let report = examine(&config, None).await;
    let found = of(&report, "sign-in", "account main@northmoor.example");
    assert!(!found.ran && found.seen.contains("in use"), "{found:?}");
    assert_eq!(server.heard("AUTH"), 0);
    let found = of(&report, "store-folder", "store");
    assert!(found.seen.contains("--dir"), "{found:?}");
    held.close().await;
}

/// Answers for `localhost` and never for anything else.
#[derive(Debug)]
struct Silent(StaticResolver);

impl Resolver for Silent {
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a> {
        match name {
            "localhost" => self.0.resolve(name),
            _ => Box::pin(std::future::pending()),
        }
    }
}

#[tokio::test]
async fn what_keeps_silent_holds_up_neither_the_rest_nor_us() {
    let (dir, tls) = (tempfile::tempdir().unwrap(), TestTls::new());
    let mute = Server::start(
        Script {
            greeting: "",
            ..GOOD
        },
        &tls,
    );
    let good = Server::start(GOOD, &tls);
    let loopback: IpAddr = "127.0.0.1".parse().unwrap();
    let resolver = Silent(StaticResolver::new().with("localhost", loopback));
    let routes = [
        ("unnamed", "silent.northmoor.example", 587),
        ("mute", "localhost", mute.port),
        ("good", "localhost", good.port),
    ];
    let config = config(dir.path(), &tls, &routes);
    let clock = SimulatedClock::default();
    let scope = Scope {
        check: Some("server-greeting".to_owned()),
        ..Scope::default()
    };
    let asking = doctor(config, Arc::new(clock.clone()), Arc::new(resolver));
    let examining = asking.examine(&scope);
    let passing = async {
        // The look-up, the conversation and the greeting are waited for once
        // the good server has said all that it has to say.
        while good.heard("QUIT") == 0 {
            tokio::task::yield_now().await;
        }
        clock.until_waiting(3).await;
        clock.advance(Duration::from_secs(31));
    };
    let (report, ()) = tokio::join!(examining, passing);
    let report = report.unwrap();
    for (route, ran, text) in [
        ("route unnamed", false, "no connection"),
        ("route mute", true, "did not answer within 30 s at greeting"),
        ("route good", true, "ready at Sat"),
    ] {
        let found = of(&report, "server-greeting", route);
        assert_eq!(found.ran, ran, "{found:?}");
        assert!(found.seen.contains(text), "{found:?}");
    }
}
