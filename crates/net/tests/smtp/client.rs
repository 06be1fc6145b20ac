//! The client against our server, and against a scripted one.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mailward_mail::{Address, Envelope, ForwardPath, Recipient, ReversePath};
use mailward_net::smtp::client::{
    ClientError, ClientOptions, ClientSecurity, ClientSession, ClientTimes, Outgoing, Stopped,
};
use mailward_net::{StaticResolver, Stream, SystemClock, Tasks};
use mailward_testkit::{SimulatedClock, TestTls, ports};
use mailward_wire::smtp::client::{Stage, Verdict};
use mailward_wire::smtp::{Credentials, Mechanism};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::taker::{Running, Setup, Taker, serve};

/// A message in pieces, which tells the taker when its end is near.
struct Letter {
    pieces: Vec<&'static [u8]>,
    taker: Option<Arc<Taker>>,
    is_stopped: bool,
}

impl Letter {
    fn new(pieces: &[&'static [u8]]) -> Self {
        Self {
            pieces: pieces.iter().rev().copied().collect(),
            taker: None,
            is_stopped: false,
        }
    }
}

impl Outgoing for Letter {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Stopped> {
        Ok(self.pieces.pop().map(Bytes::from_static))
    }

    async fn before_final_dot(&mut self, verdicts: &[Verdict]) -> Result<(), Stopped> {
        if let Some(taker) = &self.taker {
            taker.tell(format!("recorded {}", verdicts.len()));
        }
        if self.is_stopped {
            return Err(Stopped("withdrawn".to_owned()));
        }
        Ok(())
    }
}

fn envelope(to: &[&str]) -> Envelope {
    let mut envelope = Envelope::new(ReversePath::parse("a@b.example").expect("an address"));
    for text in to {
        let address = Address::parse(text).expect("an address");
        envelope
            .recipients
            .push(Recipient::new(ForwardPath(address)));
    }
    envelope
}

fn options(port: u16, security: ClientSecurity) -> ClientOptions {
    ClientOptions {
        source: None,
        host: "127.0.0.1".to_owned(),
        port,
        client_name: "client.example".to_owned(),
        security,
        times: ClientTimes::default(),
    }
}

async fn connect(options: &ClientOptions) -> Result<ClientSession, ClientError> {
    ClientSession::connect(options, &StaticResolver::new(), Arc::new(SystemClock)).await
}

async fn signed_in(server: &Running) -> ClientSession {
    let security = ClientSecurity::StartTls(server.tls.client());
    let mut session = connect(&options(server.address.port(), security))
        .await
        .expect("a server that listens");
    let credentials = Credentials::password(Mechanism::Login, "pat", "right".to_owned());
    session.authenticate(&credentials).await.expect("signed in");
    session
}

fn shown(verdicts: &[Verdict]) -> Vec<String> {
    let show = |verdict: &Verdict| format!("{}: {}", verdict.stage, verdict.reply);
    verdicts.iter().map(show).collect()
}

#[tokio::test]
async fn sends_one_message_after_another() {
    let server = serve(Setup::default());
    let mut session = signed_in(&server).await;
    assert_eq!(session.tls().expect("under TLS").version, "TLSv1.3");
    for _ in 0..2 {
        let mut letter = Letter::new(&[b"Subject: x\r\n\r", b"\n.a\r\n", b"..b\r\nend"]);
        letter.taker = Some(Arc::clone(&server.taker));
        let verdicts = session
            .send(
                &envelope(&["c@d.example", "nobody@d.example"]),
                Some(28),
                &mut letter,
            )
            .await
            .expect("a verdict");
        assert_eq!(
            shown(&verdicts),
            [
                "end of message: 250 2.6.0 Taken",
                "RCPT TO: 550 5.1.1 Nobody here"
            ]
        );
        assert!(session.is_open().await);
    }
    // Nobody takes it: no body is sent, and the next message fares better.
    let mut letter = Letter::new(&[b"never sent"]);
    let verdicts = session
        .send(&envelope(&["nobody@d.example"]), None, &mut letter)
        .await
        .expect("a verdict");
    assert_eq!(shown(&verdicts), ["RCPT TO: 550 5.1.1 Nobody here"]);
    let verdicts = session
        .send(&envelope(&["c@d.example"]), None, &mut Letter::new(&[]))
        .await
        .expect("a verdict");
    assert_eq!(shown(&verdicts), ["end of message: 250 2.6.0 Taken"]);
    session.quit().await;

    let body = b"Subject: x\r\n\r\n.a\r\n..b\r\nend\r\n".to_vec();
    assert_eq!(server.taker.bodies(), [body.clone(), body, Vec::new()]);
    let story = server.taker.story();
    let at = |line: &str| story.iter().position(|told| told == line);
    assert!(
        at("recorded 2").expect("recorded") < at("promising").expect("promising"),
        "the attempt is recorded before the final dot: {story:?}"
    );
}

#[tokio::test]
async fn a_message_withdrawn_or_unfit_is_not_sent() {
    let server = serve(Setup::default());
    for (mut letter, expected) in [
        (
            Letter {
                is_stopped: true,
                ..Letter::new(&[b"a\r\n"])
            },
            "stopped before the end of the message: withdrawn",
        ),
        (
            Letter::new(&[b"a\n.\nb\r\n"]),
            "the message cannot be sent: the message has a bare CR or LF",
        ),
        (
            Letter::new(&[b"a\r\n", b"b\r"]),
            "the message cannot be sent: the message has a bare CR or LF",
        ),
    ] {
        let mut session = signed_in(&server).await;
        let error = session
            .send(&envelope(&["c@d.example"]), None, &mut letter)
            .await
            .expect_err(expected);
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.stage(), Stage::Body);
        assert!(!error.is_in_doubt() && !session.is_open().await);
        session.quit().await;
        while server.tasks.count() > 1 {
            tokio::task::yield_now().await;
        }
    }
    let aborted = |line: &&String| *line == "aborted Disconnected";
    assert_eq!(server.taker.story().iter().filter(aborted).count(), 3);
    assert!(server.taker.bodies().is_empty());
}

#[tokio::test]
async fn a_refused_sign_in_is_told_with_its_reply() {
    let server = serve(Setup::default());
    let security = ClientSecurity::StartTls(server.tls.client());
    let mut session = connect(&options(server.address.port(), security))
        .await
        .expect("a server that listens");
    let credentials = Credentials::password(Mechanism::Plain, "pat", "wrong".to_owned());
    let error = session.authenticate(&credentials).await.expect_err("wrong");
    assert_eq!(error.to_string(), "the server refused AUTH: 535 5.7.8 No");
    assert!(!session.is_open().await);
}

#[tokio::test]
async fn a_stranger_is_not_talked_to() {
    let server = serve(Setup::default());
    let stranger = TestTls::new();
    for security in [
        ClientSecurity::StartTls(stranger.client()),
        ClientSecurity::ImplicitTls(server.tls.client()),
    ] {
        let error = connect(&options(server.address.port(), security))
            .await
            .expect_err("no trust");
        assert_eq!(error.stage(), Stage::Tls, "{error}");
    }
    assert!(
        !server
            .taker
            .story()
            .iter()
            .any(|line| line.starts_with("auth"))
    );
}

/// A server that expects each line's beginning and says what follows it; then
/// it hangs up, or falls silent.
async fn scripted(stream: Stream, turns: &[(&str, &str)], hangs_up: bool) {
    let mut stream = BufReader::new(stream);
    for (expected, said) in turns {
        if !expected.is_empty() {
            let mut line = String::new();
            stream.read_line(&mut line).await.expect("a line");
            assert!(line.starts_with(expected), "{line:?} is not {expected:?}");
        }
        stream.write_all(said.as_bytes()).await.expect("sent");
    }
    if !hangs_up {
        std::future::pending::<()>().await;
    }
}

const UP_TO_DATA: [(&str, &str); 5] = [
    ("", "220 x\r\n"),
    ("EHLO", "250 x\r\n"),
    ("MAIL", "250 x\r\n"),
    ("RCPT", "250 x\r\n"),
    ("DATA", "354 x\r\n"),
];

#[tokio::test]
async fn a_reply_that_does_not_come_leaves_the_message_in_doubt() {
    let with_dot = [&UP_TO_DATA[..], &[("a", ""), (".", "")]].concat();
    for (turns, hangs_up, stage) in [
        (&with_dot[..], true, Stage::FinalDot),
        (&with_dot[..], false, Stage::FinalDot),
        (&UP_TO_DATA[..1], true, Stage::Ehlo),
        (&UP_TO_DATA[..1], false, Stage::Ehlo),
        (&UP_TO_DATA[..0], false, Stage::Greeting),
        (&UP_TO_DATA[..4], true, Stage::Data),
        (&UP_TO_DATA[..4], false, Stage::Data),
    ] {
        let (listener, address) = ports::listener();
        let clock = SimulatedClock::default();
        let options = options(address.port(), ClientSecurity::Plain);
        let sending = async {
            let resolver = StaticResolver::new();
            let mut session = ClientSession::connect(&options, &resolver, clock.shared()).await?;
            let letter = &mut Letter::new(&[b"a\r\n"]);
            session
                .send(&envelope(&["c@d.example"]), None, letter)
                .await
        };
        let serving = async {
            scripted(listener.accept().await, turns, hangs_up).await;
            std::future::pending::<()>().await;
        };
        // Time passes only when nothing else does.
        let passing = async {
            if hangs_up {
                std::future::pending::<()>().await;
            }
            loop {
                for _ in 0..2000 {
                    tokio::task::yield_now().await;
                }
                clock.advance(Duration::from_secs(60));
            }
        };
        let error = tokio::select! {
            sent = sending => sent.expect_err("no verdict"),
            () = serving => unreachable!("it waits for ever"),
            () = passing => unreachable!("it goes on for ever"),
        };
        assert_eq!(error.stage(), stage, "{error}");
        assert_eq!(error.is_in_doubt(), stage == Stage::FinalDot);
        assert_eq!(
            matches!(error, ClientError::TimedOut { .. }),
            !hangs_up,
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_session_the_server_left_is_not_open() {
    let (listener, address) = ports::listener();
    let tasks = Tasks::new();
    tasks.spawn("server", async move {
        let stream = listener.accept().await;
        scripted(stream, &UP_TO_DATA[..2], true).await;
    });
    let options = options(address.port(), ClientSecurity::Plain);
    let mut session = connect(&options).await.expect("greeted");
    while session.is_open().await {
        tokio::task::yield_now().await;
    }
    let error = session
        .send(&envelope(&["c@d.example"]), None, &mut Letter::new(&[]))
        .await
        .expect_err("it is gone");
    assert!(!error.is_in_doubt());
}
