//! The IMAP client over sockets, against scripted servers.

use std::sync::Arc;
use std::time::Duration;

use mailward_mail::Secret;
use mailward_net::imap::client::{ImapError, ImapOptions, ImapSession, ImapTimes};
use mailward_net::{ConnectError, StaticResolver, Stream, SystemClock, Tasks};
use mailward_testkit::{SimulatedClock, TestTls, ports};
use mailward_wire::imap::client::{Error, Stage};
use mailward_wire::imap::{Credentials, MailboxName, SearchKey};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

/// A server that says its lines, each after a line of the client's but the
/// first; then it says nothing more and stays.
async fn scripted(tls: &TestTls, script: &'static [&'static str]) -> u16 {
    let (listener, address) = ports::listener();
    let port = address.port();
    let config = tls.server();
    Tasks::new().spawn("server", async move {
        let Ok(stream) = listener.accept().await.upgrade_server(config).await else {
            return;
        };
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        for said in script {
            if stream.write_all(said.as_bytes()).await.is_err() || stream.flush().await.is_err() {
                return;
            }
            line.clear();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
        }
        std::future::pending::<()>().await;
    });
    port
}

fn options(tls: &TestTls, port: u16) -> ImapOptions {
    ImapOptions {
        host: "127.0.0.1".to_owned(),
        port,
        tls: tls.client(),
        times: ImapTimes::default(),
    }
}

async fn connect(options: &ImapOptions) -> Result<ImapSession<Stream>, ImapError> {
    ImapSession::connect(options, &StaticResolver::new(), Arc::new(SystemClock)).await
}

fn password() -> Credentials {
    Credentials::Login {
        user: "asha@northmoor.example".to_owned(),
        password: Secret::new("secret"),
    }
}

#[tokio::test]
async fn a_refused_folder_leaves_the_session_open() {
    let tls = TestTls::new();
    let port = scripted(
        &tls,
        &[
            "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready\r\n",
            "A1 OK [CAPABILITY IMAP4rev1] in\r\n",
            "A2 NO [NONEXISTENT] no such folder\r\n",
            "* 2 EXISTS\r\nA3 OK done\r\n",
            "* SEARCH 2 1\r\nA4 OK done\r\n",
            "* BYE\r\nA5 OK done\r\n",
        ],
    )
    .await;
    let mut session = connect(&options(&tls, port)).await.expect("a greeting");
    assert_eq!(session.tls().expect("TLS").version, "TLSv1.3");
    session.sign_in(&password()).await.expect("signed in");
    let refused = session.examine(&MailboxName::new("Sent")).await;
    assert!(matches!(
        refused,
        Err(ImapError::Session(Error::Refused {
            stage: Stage::Examine,
            ..
        }))
    ));
    let opened = session.examine(&MailboxName::new("Sent Items")).await;
    assert_eq!(opened.expect("opened").messages, 2);
    assert_eq!(session.search(SearchKey::All).await.expect("found"), [1, 2]);
    session.logout().await;
}

#[tokio::test]
async fn a_refused_sign_in_ends_the_session() {
    let tls = TestTls::new();
    let port = scripted(
        &tls,
        &[
            "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready\r\n",
            "A1 NO AUTHENTICATE failed.\r\n",
        ],
    )
    .await;
    let mut session = connect(&options(&tls, port)).await.expect("a greeting");
    let refused = session.sign_in(&password()).await.expect_err("refused");
    assert_eq!(refused.stage(), Some(Stage::SignIn));
    assert!(matches!(
        session.list().await,
        Err(ImapError::Session(Error::Closed { .. }))
    ));
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_not_accepted() {
    let (tls, other) = (TestTls::new(), TestTls::new());
    let port = scripted(&tls, &["* OK ready\r\n"]).await;
    let refused = connect(&options(&other, port)).await.expect_err("refused");
    assert!(
        matches!(
            refused,
            ImapError::Connect(ConnectError::TlsCertificate { .. })
        ),
        "{refused}"
    );
}

#[tokio::test]
async fn a_server_that_drips_is_not_waited_for_longer_than_its_time() {
    let tls = TestTls::new();
    let port = scripted(&tls, &["* OK [CAPABILITY IMAP4rev1] ready\r\n", "* 1 EX"]).await;
    let clock = SimulatedClock::default();
    let options = options(&tls, port);
    let mut session = ImapSession::connect(&options, &StaticResolver::new(), clock.shared())
        .await
        .expect("a greeting");
    let folder = MailboxName::new("Sent Items");
    // Time passes only when nothing else does.
    let passing = async {
        loop {
            for _ in 0..2000 {
                tokio::task::yield_now().await;
            }
            clock.advance(Duration::from_secs(60));
        }
    };
    let asked = tokio::select! {
        asked = session.examine(&folder) => asked,
        () = passing => unreachable!("time passes for ever"),
    };
    assert!(matches!(
        asked,
        Err(ImapError::TimedOut {
            stage: Stage::Examine
        })
    ));
}
