//! Calling servers: what succeeds, and how what fails is sorted.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use mailward_mail::time::Clock;
use mailward_net::dns::{ResolveError, Resolver, Resolving};
use mailward_net::tls::{TlsConfigError, client_config};
use mailward_net::{
    BindError, ConnectError, Listener, StaticResolver, Stream, SystemClock, Tasks, TlsFacts, Trust,
    connect,
};
use mailward_testkit::{Lines, PATIENCE, SimulatedClock, TestTls, ports};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

async fn call(resolver: &dyn Resolver, host: &str, port: u16) -> Result<Stream, ConnectError> {
    let deadline = SystemClock.now().plus(PATIENCE);
    connect(resolver, &SystemClock, host, port, None, deadline).await
}

/// A resolver whose servers are ill, or silent.
#[derive(Debug)]
enum Ill {
    Failing,
    Silent,
}

impl Resolver for Ill {
    fn resolve<'a>(&'a self, _: &'a str) -> Resolving<'a> {
        match self {
            Self::Failing => {
                let error = ResolveError::Failed("SERVFAIL".to_owned());
                Box::pin(std::future::ready(Err(error)))
            }
            Self::Silent => Box::pin(std::future::pending()),
        }
    }
}

#[tokio::test]
async fn tries_each_address_in_turn() {
    let (listener, address) = ports::listener();
    let names = StaticResolver::new()
        .with("mail.northmoor.example", ELSEWHERE)
        .with("mail.northmoor.example", LOOPBACK);
    let stream = call(&names, "mail.northmoor.example", address.port()).await;
    let stream = stream.expect("the second address listens");
    assert_eq!(stream.peer(), address);
    assert_eq!(stream.local(), listener.accept().await.peer());
    assert_eq!(stream.tls(), None);
}

#[tokio::test]
async fn sorts_what_goes_wrong_before_tls() {
    let nobody = ports::free().port();
    let names = StaticResolver::new().with("down.northmoor.example", LOOPBACK);
    let refused = "down.northmoor.example refused the connection: nothing listens on its port";
    let cases: [(&dyn Resolver, &str, &str); 3] = [
        (
            &names,
            "missing.example",
            "there is no host called missing.example",
        ),
        (
            &Ill::Failing,
            "a.example",
            "the name a.example could not be looked up: SERVFAIL",
        ),
        (&names, "down.northmoor.example", refused),
    ];
    for (resolver, host, expected) in cases {
        let error = call(resolver, host, nobody).await.expect_err(expected);
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}

/// Calls while a simulated clock runs to the deadline.
async fn call_until_late(resolver: &dyn Resolver, host: &str, port: u16) -> ConnectError {
    let clock = SimulatedClock::default();
    let deadline = clock.now().plus(Duration::from_secs(30));
    let calling = connect(resolver, &clock, host, port, None, deadline);
    let late = async {
        clock.until_waiting(1).await;
        clock.advance(Duration::from_secs(29));
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(1));
    };
    tokio::join!(calling, late).0.expect_err("nobody answers")
}

#[tokio::test]
async fn silence_ends_at_the_deadline() {
    let error = call_until_late(&Ill::Silent, "a.example", 25).await;
    assert!(
        matches!(error, ConnectError::NameLookupFailed { .. }),
        "{error}"
    );

    // Linux drops the opening segment when nobody takes the calls before it.
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind(ports::ANY).expect("a free port");
    let deaf = socket.listen(0).expect("listening");
    let port = deaf.local_addr().expect("bound").port();
    let names = StaticResolver::new().with("deaf.example", LOOPBACK);
    let _first = call(&names, "deaf.example", port)
        .await
        .expect("the queue takes one");
    let error = call_until_late(&names, "deaf.example", port).await;
    assert_eq!(
        error.to_string(),
        format!("deaf.example port {port} did not answer in time")
    );
}

/// Upgrades every connection and sends back what it reads.
fn echo(tls: &TestTls, tasks: &Tasks) -> SocketAddr {
    let (listener, address) = ports::listener();
    let (config, connections) = (tls.server(), tasks.clone());
    tasks.spawn("echo", async move {
        loop {
            let handshake = listener.accept().await.upgrade_server(config.clone());
            connections.spawn("echo connection", async move {
                // The client under test says why when there is no handshake.
                let Ok(mut stream) = handshake.await else {
                    return;
                };
                let mut buffer = [0; 1024];
                while let Ok(octets @ 1..) = stream.read(&mut buffer).await {
                    stream.write_all(&buffer[..octets]).await.expect("sent");
                    stream.flush().await.expect("sent");
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn octets_pass_through_tls() {
    let tls = TestTls::covering(&["smtp.office365.com"]);
    let tasks = Tasks::new();
    let address = echo(&tls, &tasks);
    for name in ["smtp.office365.com", "SMTP.Office365.com.", "127.0.0.1"] {
        let mut lines = Lines::connect(address).await;
        lines.start_tls(tls.client(), name).await;
        lines.send("EHLO mail.northmoor.example").await;
        lines.expect("EHLO mail.northmoor.example").await;
        let facts = lines.into_stream().tls();
        let expected = TlsFacts {
            version: "TLSv1.3",
            cipher: "TLS_AES_256_GCM_SHA384".to_owned(),
            server_name: None,
        };
        assert_eq!(facts, Some(expected), "{name}");
    }
}

#[tokio::test]
async fn the_server_learns_the_name_that_was_asked_for() {
    let tls = TestTls::covering(&["relay.nhs.uk"]);
    let (listener, address) = ports::listener();
    let names = StaticResolver::new();
    let stream = call(&names, "127.0.0.1", address.port())
        .await
        .expect("it listens");
    let (client, server) =
        tokio::join!(stream.upgrade_client(tls.client(), "relay.nhs.uk"), async {
            listener.accept().await.upgrade_server(tls.server()).await
        },);
    let facts = server.expect("a handshake").tls().expect("under TLS");
    assert_eq!(facts.server_name.as_deref(), Some("relay.nhs.uk"));
    let again = client
        .expect("a handshake")
        .upgrade_client(tls.client(), "relay.nhs.uk")
        .await;
    let error = again.expect_err("there is no TLS in TLS").to_string();
    assert!(error.contains("under TLS already"), "{error}");
}

#[tokio::test]
async fn sorts_what_goes_wrong_in_tls() {
    let (tls, stranger) = (TestTls::new(), TestTls::new());
    let tasks = Tasks::new();
    let secure = echo(&tls, &tasks);
    let (plain_listener, plain) = ports::listener();
    tasks.spawn("plain", async move {
        let mut stream = plain_listener.accept().await;
        stream
            .write_all(b"220 plain as day\r\n")
            .await
            .expect("sent");
        plain_listener
            .accept()
            .await
            .shutdown()
            .await
            .expect("ended");
    });

    let hang_up = "the server hung up in the middle of the handshake";
    let cases = [
        (
            secure,
            stranger.client(),
            "localhost",
            "an authority that is not trusted here",
        ),
        (
            secure,
            tls.client(),
            "relay.nhs.uk",
            "it belongs to other names: localhost, 127.0.0.1",
        ),
        (
            secure,
            tls.client(),
            "not a name",
            "no certificate can carry this name",
        ),
        (
            plain,
            tls.client(),
            "localhost",
            "the server does not speak TLS on this port",
        ),
        (plain, tls.client(), "localhost", hang_up),
    ];
    for (address, config, name, expected) in cases {
        let names = StaticResolver::new();
        let stream = call(&names, "127.0.0.1", address.port())
            .await
            .expect("it listens");
        let error = stream
            .upgrade_client(config, name)
            .await
            .expect_err(expected);
        assert!(error.to_string().contains(expected), "{expected}: {error}");
        let of_certificate = matches!(error, ConnectError::TlsCertificate { .. });
        assert_eq!(of_certificate, address == secure, "{error:?}");
    }
}

#[test]
fn a_bad_authority_file_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("authorities.pem");
    let trust = Trust::CaFile(path.clone());
    let check = |expected: fn(&TlsConfigError) -> bool| {
        let error = client_config(&trust).expect_err("a bad file");
        assert!(
            expected(&error) && error.to_string().contains("authorities.pem"),
            "{error}"
        );
    };
    check(|error| matches!(error, TlsConfigError::Unreadable { .. }));
    std::fs::write(&path, "nothing of the kind\n").expect("written");
    check(|error| matches!(error, TlsConfigError::NoCertificate { .. }));
    let empty = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    std::fs::write(&path, empty).expect("written");
    check(|error| matches!(error, TlsConfigError::BadCertificate { .. }));
}

#[tokio::test]
async fn extra_authorities_are_trusted_beside_the_system() {
    let tls = TestTls::new();
    let tasks = Tasks::new();
    let address = echo(&tls, &tasks);
    let config = client_config(&Trust::Both(tls.ca_file().to_owned())).expect("both stores");
    let mut lines = Lines::connect_tls(address, config, "localhost").await;
    lines.send("NOOP").await;
    lines.expect("NOOP").await;
    let config = client_config(&Trust::System).expect("the system's store");
    let names: Arc<dyn Resolver> = Arc::new(StaticResolver::new());
    let stream = call(&*names, "127.0.0.1", address.port())
        .await
        .expect("it listens");
    let error = stream
        .upgrade_client(config, "localhost")
        .await
        .expect_err("a stranger");
    assert!(error.to_string().contains("not trusted here"), "{error}");
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let (listener, address) = ports::listener();
    let error = Listener::bind(address).expect_err("taken");
    assert!(matches!(error, BindError::InUse { .. }));
    let expected = format!(
        "port {} on 127.0.0.1 is in use by another program",
        address.port()
    );
    assert!(error.to_string().starts_with(&expected), "{error}");
    drop(listener);
    Listener::bind(address).expect("free again at once");
    let foreign = SocketAddr::from(([192, 0, 2, 1], 2525));
    let error = Listener::bind(foreign).expect_err("not ours");
    assert_eq!(
        error.to_string(),
        "192.0.2.1 is not an address of this machine"
    );
}

#[tokio::test]
async fn calls_from_the_address_that_was_asked_for() {
    let listener = Listener::bind("127.0.0.1:0".parse().expect("an address")).expect("a listener");
    let port = listener.address().port();
    let clock = SystemClock;
    let deadline = clock.now().plus(Duration::from_secs(10));
    for (source, expected) in [("127.0.0.5", Some("127.0.0.5")), ("::1", None)] {
        let source = source.parse().expect("an address");
        let resolver = StaticResolver::new();
        let calling = connect(&resolver, &clock, "127.0.0.1", port, Some(source), deadline);
        let seen = match calling.await {
            Ok(_held) => Some(listener.accept().await.peer().ip().to_string()),
            Err(_) => None,
        };
        assert_eq!(seen.as_deref(), expected, "{source}");
    }
}
