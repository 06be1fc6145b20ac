//! Scripts of sent and expected lines.

use std::sync::atomic::Ordering;
use std::time::Duration;

use mailward_access::pop3::Profile;
use mailward_mailbox::{FolderName, Uid};

use crate::support::Bench;

const ONE: &str = "Subject: one\r\n\r\n.first\r\nsecond\r\n";
const TWO: &str = "Subject: two\r\n\r\nbody\r\n";

#[tokio::test]
async fn signing_in() {
    let bench = Bench::new().await;
    let mut client = bench.connect().await;
    client
        .expect(
            "CAPA",
            &[
                "+OK",
                "TOP",
                "UIDL",
                "SASL PLAIN XOAUTH2",
                "USER",
                "RESP-CODES",
                "AUTH-RESP-CODE",
                "PIPELINING",
                "EXPIRE NEVER",
                ".",
            ],
        )
        .await;
    client
        .expect("AUTH", &["+OK", "PLAIN", "XOAUTH2", "."])
        .await;
    client
        .expect("STAT", &["-ERR Command is not valid in this state."])
        .await;
    client
        .expect("AUTH NTLM", &["-ERR [AUTH] Unknown mechanism."])
        .await;
    client.expect("AUTH XOAUTH2", &["+ "]).await;
    // user=asha@northmoor.example^Aauth=Bearer good.token^A^A
    client
        .expect(
            "dXNlcj1hc2hhQG5vcnRobW9vci5leGFtcGxlAWF1dGg9QmVhcmVyIGdvb2QudG9rZW4BAQ==",
            &["+OK User successfully authenticated."],
        )
        .await;
    client.expect("STAT", &["+OK 0 0"]).await;
    client
        .expect("USER asha", &["-ERR Command is not valid in this state."])
        .await;
    client.expect("QUIT", &["+OK Signing off."]).await;
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn refused_sign_ins() {
    let bench = Bench::new().await;
    let mut client = bench.connect().await;
    for (user, refusal) in [
        (
            "asha@northmoor.example",
            "-ERR [AUTH] Unknown user name or bad password.",
        ),
        (
            "blocked@northmoor.example",
            "-ERR Basic authentication is disabled",
        ),
        (
            "off@northmoor.example",
            "-ERR [AUTH] Unknown user name or bad password.",
        ),
    ] {
        client.expect(&format!("USER {user}"), &["+OK"]).await;
        client.expect("PASS wrong", &[refusal]).await;
    }
    assert!(client.is_closed().await);
    // Nobody acts as somebody else.
    let mut client = bench.connect().await;
    client
        .expect(
            "AUTH PLAIN b3RoZXIAYXNoYUBub3J0aG1vb3IuZXhhbXBsZQBzZWNyZXQ=",
            &["-ERR [AUTH] Authentication failed."],
        )
        .await;
}

#[tokio::test]
async fn an_initial_response_may_end_the_session() {
    let mut profile = Profile::plain();
    profile.words.no_initial_response = Some("Protocol error. Connection is closed. 10".to_owned());
    let bench = Bench::with(profile).await;
    let mut client = bench.connect().await;
    client
        .expect(
            "AUTH PLAIN AGFzaGFAbm9ydGhtb29yLmV4YW1wbGUAc2VjcmV0",
            &["-ERR Protocol error. Connection is closed. 10"],
        )
        .await;
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn reading() {
    let bench = Bench::new().await;
    let mut client = bench.enter(&[ONE, TWO]).await;
    client.expect("STAT", &["+OK 2 54"]).await;
    client.expect("LIST", &["+OK", "1 32", "2 22", "."]).await;
    client.expect("LIST 2", &["+OK 2 22"]).await;
    client
        .expect("LIST 3", &["-ERR There is no such message."])
        .await;
    client
        .expect("RETR 0", &["-ERR There is no such message."])
        .await;
    client
        .expect(
            "RETR 1",
            &["+OK", "Subject: one", "", "..first", "second", "."],
        )
        .await;
    client
        .expect("TOP 1 1", &["+OK", "Subject: one", "", "..first", "."])
        .await;
    client
        .expect("TOP 1 0", &["+OK", "Subject: one", "", "."])
        .await;
    client.expect("NOOP", &["+OK"]).await;
    // What comes meanwhile is for the next session.
    bench.deliver(b"Subject: three\r\n\r\n").await;
    client.expect("STAT", &["+OK 2 54"]).await;
    client.expect("QUIT", &["+OK Signing off."]).await;
    assert_eq!(bench.inbox().await, ["one []", "two []", "three []"]);
}

#[tokio::test]
async fn unique_ids_stay() {
    let bench = Bench::new().await;
    let mut client = bench.enter(&[ONE, TWO]).await;
    client.send("UIDL\r\n").await;
    let mut ids = Vec::new();
    loop {
        let line = client.line().await;
        if line == "." {
            break;
        }
        ids.push(line);
    }
    let id = ids[2].strip_prefix("2 ").expect("a number").to_owned();
    assert_eq!(id.len(), 16);
    client
        .expect("UIDL 2", &[format!("+OK 2 {id}").as_str()])
        .await;
    client
        .expect("DELE 1\r\nQUIT", &["+OK", "+OK Signing off."])
        .await;
    let mut client = bench.enter(&[]).await;
    client
        .expect("UIDL", &["+OK", &format!("1 {id}"), "."])
        .await;
}

#[tokio::test]
async fn deletions_count_at_quit_alone() {
    let bench = Bench::new().await;
    let mut client = bench.enter(&[ONE, TWO]).await;
    client.expect("DELE 1", &["+OK"]).await;
    client
        .expect("DELE 1", &["-ERR The message is marked as deleted."])
        .await;
    client
        .expect("RETR 1", &["-ERR The message is marked as deleted."])
        .await;
    client.expect("LIST", &["+OK", "2 22", "."]).await;
    client.expect("STAT", &["+OK 1 22"]).await;
    client.expect("RSET", &["+OK"]).await;
    client.expect("STAT", &["+OK 2 54"]).await;
    client.expect("DELE 2", &["+OK"]).await;
    // A connection that breaks deletes nothing.
    drop(client);
    let mut client = loop {
        let mut client = bench.connect().await;
        client
            .send("USER asha@northmoor.example\r\nPASS secret\r\n")
            .await;
        assert_eq!(client.line().await, "+OK");
        // The session that broke may still be giving the maildrop back.
        if client.line().await.starts_with("+OK") {
            break client;
        }
    };
    client.expect("STAT", &["+OK 2 54"]).await;
    client.expect("DELE 2", &["+OK"]).await;
    // What another client removed meanwhile is no trouble.
    let inbox = FolderName::inbox();
    let removed = bench.mailboxes.remove("asha", &inbox, &[Uid(1)]).await;
    assert_eq!(removed.expect("removed"), 1);
    client
        .expect("RETR 1", &["-ERR There is no such message."])
        .await;
    client.expect("DELE 1", &["+OK"]).await;
    client.expect("QUIT", &["+OK Signing off."]).await;
    assert_eq!(bench.inbox().await, [""; 0]);
}

#[tokio::test]
async fn a_maildrop_is_one_sessions_alone() {
    let bench = Bench::new().await;
    let mut first = bench.enter(&[ONE]).await;
    let mut second = bench.connect().await;
    second.expect("USER asha@northmoor.example", &["+OK"]).await;
    second
        .expect(
            "PASS secret",
            &["-ERR [IN-USE] Another session has the mailbox open."],
        )
        .await;
    assert_eq!(bench.host.in_use.load(Ordering::Relaxed), 1);
    first.expect("QUIT", &["+OK Signing off."]).await;
    assert!(first.is_closed().await);
    second.expect("USER asha@northmoor.example", &["+OK"]).await;
    second
        .expect("PASS secret", &["+OK User successfully logged on."])
        .await;
}

#[tokio::test]
async fn commands_may_come_together() {
    let bench = Bench::new().await;
    let mut client = bench.enter(&[ONE, TWO]).await;
    client
        .expect(
            "STAT\r\nFOO\r\nRETR 2\r\nDELE 1\r\nLIST\r\nQUIT",
            &[
                "+OK 2 54",
                "-ERR Unknown command.",
                "+OK",
                "Subject: two",
                "",
                "body",
                ".",
                "+OK",
                "+OK",
                "2 22",
                ".",
                "+OK Signing off.",
            ],
        )
        .await;
    assert_eq!(bench.inbox().await, ["two []"]);
}

#[tokio::test]
async fn what_was_read_may_be_marked() {
    let mut profile = Profile::plain();
    profile.marks_seen = true;
    let bench = Bench::with(profile).await;
    let mut client = bench.enter(&[ONE, TWO]).await;
    client
        .expect("TOP 1 0", &["+OK", "Subject: one", "", "."])
        .await;
    client
        .expect("RETR 2", &["+OK", "Subject: two", "", "body", "."])
        .await;
    client.expect("QUIT", &["+OK Signing off."]).await;
    assert!(client.is_closed().await);
    assert_eq!(bench.inbox().await, ["one []", "two [\\Seen]"]);
}

#[tokio::test]
async fn hostile_clients() {
    let bench = Bench::new().await;
    let mut client = bench.connect().await;
    client.send_octets(&[b'x'; 40_000]).await;
    client
        .expect("\r\nCAPA", &["-ERR Command is too long.", "+OK"])
        .await;
    let mut client = bench.connect().await;
    client
        .send_octets(b"\0\xff\xfe\r\nUSER \xff\xfe\r\nRETR 99999999999999999999\r\n")
        .await;
    for expected in [
        "-ERR Unknown command.",
        "-ERR Invalid arguments.",
        "-ERR Command is not valid in this state.",
    ] {
        assert_eq!(client.line().await, expected);
    }
    // As many wrong commands as nobody types.
    for _ in 3..51 {
        client.send("FOO\r\n").await;
        client.line().await;
    }
    assert_eq!(client.line().await, "-ERR Too many invalid commands.");
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn who_says_nothing_is_let_go() {
    let bench = Bench::new().await;
    let mut client = bench.connect().await;
    bench.clock.advance(Duration::from_secs(61));
    assert_eq!(
        client.line().await,
        "-ERR Connection is closed, it was idle for too long."
    );
    assert!(client.is_closed().await);
    let mut client = bench.enter(&[ONE]).await;
    client.expect("DELE 1", &["+OK"]).await;
    bench.clock.advance(Duration::from_secs(31 * 60));
    assert_eq!(
        client.line().await,
        "-ERR Connection is closed, it was idle for too long."
    );
    assert_eq!(bench.inbox().await, ["one []"]);
}

#[tokio::test]
async fn who_goes_on_without_signing_in_is_let_go() {
    let bench = Bench::new().await;
    let mut client = bench.connect().await;
    for _ in 0..5 {
        client.send("CAPA\r\n").await;
        while client.line().await != "." {}
        bench.clock.advance(Duration::from_secs(55));
    }
    bench.clock.advance(Duration::from_secs(26));
    assert_eq!(
        client.line().await,
        "-ERR Connection is closed, it was idle for too long."
    );
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn an_account_may_be_closed_meanwhile() {
    let bench = Bench::new().await;
    let mut client = bench.enter(&[ONE]).await;
    client.expect("DELE 1", &["+OK"]).await;
    bench.host.is_open.store(false, Ordering::Relaxed);
    client.expect("QUIT", &["-ERR Connection closed."]).await;
    assert!(client.is_closed().await);
    assert_eq!(bench.inbox().await, ["one []"]);
}

#[tokio::test]
async fn a_large_message_streams() {
    const OCTETS: usize = 35_000_000;
    let bench = Bench::new().await;
    let mut message = b"Subject: large\r\n\r\n".to_vec();
    while message.len() < OCTETS {
        message.extend_from_slice(&[b'x'; 76]);
        message.extend_from_slice(b"\r\n");
    }
    bench.deliver(&message).await;
    let mut client = bench.enter(&[]).await;
    client.expect("RETR 1", &["+OK"]).await;
    assert_eq!(client.skip_to_dot().await, message.len());
    client.expect("QUIT", &["+OK Signing off."]).await;
}
