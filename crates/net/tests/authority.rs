//! The development authority on disk, and what strangers' programs make of
//! its certificates.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use axum::Router;
use axum::routing::get;
use mailward_net::authority::AuthorityError;
use mailward_net::http::{HttpServer, Limits};
use mailward_net::{DevAuthority, Tasks};
use mailward_testkit::{SimulatedClock, TestTls, ports};
use tokio::io::AsyncWriteExt;

const NAMES: [&str; 6] = [
    "localhost",
    "127.0.0.1",
    "northmoor.example",
    "autodiscover.northmoor.example",
    "smtp.office365.com",
    "relay.nhs.uk",
];

fn load(dir: &Path, names: &[&str], today: &str) -> Result<DevAuthority, AuthorityError> {
    DevAuthority::load_or_create(dir, names, &SimulatedClock::at(today))
}

fn read(dir: &Path, file: &str) -> String {
    std::fs::read_to_string(dir.join(file)).expect("the file is there")
}

#[test]
fn is_kept_until_something_changes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dir = folder.path();
    load(dir, &NAMES, "2026-11-21").expect("made");
    for (file, mode) in [("ca.key", 0o600), ("server.key", 0o600), ("ca.pem", 0o644)] {
        let found = std::fs::metadata(dir.join(file))
            .expect("there")
            .permissions();
        assert_eq!(found.mode() & 0o777, mode, "{file}");
    }
    let ca = read(dir, "ca.pem");

    // (what happens, names, day, whether the certificate is issued anew)
    type Act = fn(&Path);
    let nothing: Act = |_| ();
    let steps: [(&str, &[&str], &str, Act, bool); 8] = [
        ("a restart", &NAMES, "2026-11-22", nothing, false),
        ("a virtual clock", &NAMES, "2022-03-01", nothing, false),
        ("a name less", &NAMES[..5], "2026-11-22", nothing, true),
        ("a name more", &NAMES, "2026-11-22", nothing, true),
        (
            "a lost key",
            &NAMES,
            "2026-11-22",
            |dir| std::fs::remove_file(dir.join("server.key")).expect("removed"),
            true,
        ),
        (
            "a key of another certificate",
            &NAMES,
            "2026-11-22",
            |dir| {
                std::fs::copy(dir.join("ca.key"), dir.join("server.key")).expect("copied");
            },
            true,
        ),
        (
            "a torn certificate",
            &NAMES,
            "2026-11-22",
            |dir| {
                let text = read(dir, "server.pem");
                std::fs::write(dir.join("server.pem"), &text[..text.len() / 2]).expect("written");
            },
            true,
        ),
        ("the last month", &NAMES, "2044-12-05", nothing, true),
    ];
    for (what, names, today, act, anew) in steps {
        let before = read(dir, "server.pem");
        act(dir);
        load(dir, names, today).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(read(dir, "server.pem") != before, anew, "{what}");
        assert_eq!(read(dir, "ca.pem"), ca, "{what}: trust must not change");
    }
}

#[test]
fn says_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dir = folder.path();
    let stranger = tempfile::tempdir().expect("a temporary folder");
    load(stranger.path(), &NAMES, "2026-11-21").expect("made");
    load(dir, &NAMES, "2026-11-21").expect("made");

    let check = |names: &[&str], today: &str, expected: &str| {
        let error = load(dir, names, today).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(&[], "2026-11-21", "no name was given");
    check(
        &["two words"],
        "2026-11-21",
        "\"two words\" is neither a host name",
    );
    check(&NAMES, "2019-12-31", "valid from 2020 to 2060 only");
    check(&NAMES, "2059-12-31", "valid from 2020 to 2060 only");
    std::fs::copy(stranger.path().join("ca.key"), dir.join("ca.key")).expect("copied");
    check(&NAMES[..2], "2026-11-21", "ca.pem is damaged");
    std::fs::write(dir.join("ca.key"), "scratched").expect("written");
    check(&NAMES, "2026-11-21", "ca.key is damaged");
    std::fs::write(dir.join("ca.pem"), "scratched").expect("written");
    check(&NAMES, "2026-11-21", "ca.pem is damaged");
}

/// Runs another program, which the tests need.
fn run(program: &str, arguments: &[&str]) -> (bool, String) {
    let output: Output = match Command::new(program)
        .args(arguments)
        .env_remove("https_proxy")
        .stdin(std::process::Stdio::null())
        .output()
    {
        Ok(output) => output,
        Err(error) => panic!("install {program}: {error}"),
    };
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

async fn run_beside(program: &'static str, arguments: &[&str]) -> (bool, String) {
    let owned: Vec<String> = arguments
        .iter()
        .map(|&argument| argument.to_owned())
        .collect();
    let running = tokio::task::spawn_blocking(move || {
        let borrowed: Vec<&str> = owned.iter().map(String::as_str).collect();
        run(program, &borrowed)
    });
    running.await.expect("the program could be run")
}

#[test]
fn openssl_verifies_every_name_strictly() {
    let tls = TestTls::covering(&NAMES);
    let (chain, _) = tls.authority().server_files();
    let ca = tls.ca_file().to_str().expect("a plain path");
    let chain = chain.to_str().expect("a plain path");
    let verify = |option: &str, name: &str| {
        let arguments = [
            "verify",
            "-x509_strict",
            "-purpose",
            "sslserver",
            option,
            name,
            "-CAfile",
            ca,
            chain,
        ];
        run("openssl", &arguments)
    };
    for name in NAMES.iter().chain(&["::1"]) {
        let is_address = name.parse::<std::net::IpAddr>().is_ok();
        let option = if is_address {
            "-verify_ip"
        } else {
            "-verify_hostname"
        };
        let (accepted, text) = verify(option, name);
        assert!(accepted, "{name}: {text}");
    }
    for (option, name) in [
        ("-verify_hostname", "outlook.office365.com"),
        ("-verify_ip", "127.0.0.2"),
    ] {
        let (accepted, text) = verify(option, name);
        assert!(!accepted && text.contains("mismatch"), "{name}: {text}");
    }
}

/// Greets every client under TLS and notes why a handshake failed.
fn greeter(tls: &TestTls, tasks: &Tasks) -> (SocketAddr, tokio::sync::mpsc::Receiver<String>) {
    let (listener, address) = ports::listener();
    let config = tls.server();
    let (failures, failed) = tokio::sync::mpsc::channel(16);
    tasks.spawn("greeter", async move {
        loop {
            let accepted = listener.accept().await;
            match accepted.upgrade_server(config.clone()).await {
                Ok(mut stream) => {
                    let _ = stream.write_all(b"220 here\r\n").await;
                    let _ = stream.shutdown().await;
                }
                Err(error) => failures.send(error.to_string()).await.expect("read"),
            }
        }
    });
    (address, failed)
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_connects_with_tls_1_2_and_1_3_only() {
    let tls = TestTls::new();
    let tasks = Tasks::new();
    let (address, mut failures) = greeter(&tls, &tasks);
    let address = address.to_string();
    let ca = tls.ca_file().to_str().expect("a plain path");
    let connect = async |version: &'static str| {
        let arguments = [
            "s_client",
            "-connect",
            &address,
            "-CAfile",
            ca,
            "-verify_return_error",
            "-verify_hostname",
            "localhost",
            version,
            "-brief",
            // Without this openssl itself would not offer TLS 1.1.
            "-cipher",
            "DEFAULT@SECLEVEL=0",
        ];
        run_beside("openssl", &arguments).await
    };
    for (version, expected) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let (_, text) = connect(version).await;
        assert!(text.contains("Verification: OK"), "{version}: {text}");
        assert!(text.contains(expected), "{version}: {text}");
    }
    for version in ["-tls1_1", "-tls1"] {
        let (connected, text) = connect(version).await;
        let why = failures.recv().await.expect("the greeter runs");
        assert!(!connected && text.contains("alert"), "{version}: {text}");
        assert!(why.contains("peer is incompatible"), "{version}: {why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_and_python_verify_the_certificate() {
    let tls = TestTls::covering(&["outlook.office365.com"]);
    let (listener, address) = ports::listener();
    let tasks = Tasks::new();
    let server = HttpServer {
        listener,
        tls: Some(tls.http_server()),
        router: Router::new().route("/", get(async || "here\n")),
        limits: Limits::default(),
        clock: SimulatedClock::default().shared(),
    };
    tasks.spawn("http", server.serve(tasks.shutdown().clone()));
    let ca = tls.ca_file().to_str().expect("a plain path");
    let port = address.port().to_string();

    let strict_python = "import socket, ssl, sys\n\
        host, port, ca = sys.argv[1:]\n\
        context = ssl.create_default_context(cafile=ca)\n\
        context.verify_flags |= ssl.VERIFY_X509_STRICT\n\
        plain = socket.create_connection(('127.0.0.1', int(port)))\n\
        with context.wrap_socket(plain, server_hostname=host) as tls: print(tls.version())\n";
    for (host, accepted) in [
        ("localhost", true),
        ("127.0.0.1", true),
        ("outlook.office365.com", true),
        ("elsewhere.example", false),
    ] {
        let arguments = ["-c", strict_python, host, &port, ca];
        let (connected, text) = run_beside("python3", &arguments).await;
        assert_eq!(connected, accepted, "python, {host}: {text}");

        let url = format!("https://{host}:{port}/");
        let resolve = format!("{host}:{port}:127.0.0.1");
        let arguments = ["-sS", "--cacert", ca, "--resolve", &resolve, &url];
        let (connected, text) = run_beside("curl", &arguments).await;
        assert_eq!(connected, accepted, "curl, {host}: {text}");
        assert_eq!(text == "here\n", accepted, "curl, {host}: {text}");
    }
}
