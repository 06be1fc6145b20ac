//! The door: who gets in, and in which words.

use std::sync::atomic::Ordering;

use crate::support::{Bench, profile};

const BEFORE: &str = "* CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+";
const AFTER: &str =
    "* CAPABILITY IMAP4rev1 SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+";

#[tokio::test]
async fn every_way_in() {
    // base64 of ^@asha@northmoor.example^@secret
    let plain = "AGFzaGFAbm9ydGhtb29yLmV4YW1wbGUAc2VjcmV0";
    // base64 of user=asha@northmoor.example^Aauth=Bearer good.token^A^A
    let token = "dXNlcj1hc2hhQG5vcnRobW9vci5leGFtcGxlAWF1dGg9QmVhcmVyIGdvb2QudG9rZW4BAQ==";
    let bench = Bench::new().await;
    for (command, completion) in [
        (
            "a LOGIN asha@northmoor.example secret".to_owned(),
            "a OK LOGIN completed.",
        ),
        (
            "a LOGIN \"asha@northmoor.example\" {6+}\r\nsecret".to_owned(),
            "a OK LOGIN completed.",
        ),
        (
            format!("a AUTHENTICATE PLAIN {plain}"),
            "a OK AUTHENTICATE completed.",
        ),
        (
            format!("a AUTHENTICATE XOAUTH2 {token}"),
            "a OK AUTHENTICATE completed.",
        ),
    ] {
        let mut client = bench.connect().await;
        client
            .expect("0 CAPABILITY", &[BEFORE, "0 OK CAPABILITY completed."])
            .await;
        client.expect(&command, &[completion]).await;
        client
            .expect("b CAPABILITY", &[AFTER, "b OK CAPABILITY completed."])
            .await;
        assert_eq!(bench.inside.load(Ordering::Relaxed), 1);
        client
            .expect(
                "c LOGOUT",
                &["* BYE Signing off.", "c OK LOGOUT completed."],
            )
            .await;
        assert!(client.is_closed().await);
        assert_eq!(
            bench.inside.load(Ordering::Relaxed),
            0,
            "the permit came back"
        );
    }
    let mut client = bench.connect().await;
    client.send("a AUTHENTICATE PLAIN\r\n").await;
    assert_eq!(client.line().await, "+ ");
    client.send(&format!("{plain}\r\n")).await;
    assert_eq!(client.until("a").await, ["a OK AUTHENTICATE completed."]);
}

#[tokio::test]
async fn refusals_are_counted() {
    let bench = Bench::new().await;
    let mut client = bench.connect().await;
    for (command, completion) in [
        ("a LOGIN asha@northmoor.example wrong", "a NO LOGIN failed."),
        (
            "a LOGIN blocked@northmoor.example secret",
            "a NO Basic authentication is disabled.",
        ),
        // base64 of ben^@asha@northmoor.example^@secret: asks to be somebody else.
        (
            "a AUTHENTICATE PLAIN YmVuAGFzaGFAbm9ydGhtb29yLmV4YW1wbGUAc2VjcmV0",
            "a NO AUTHENTICATE failed.",
        ),
    ] {
        client.expect(command, &[completion]).await;
    }
    assert_eq!(client.line().await, "* BYE Connection closed.");
    assert!(client.is_closed().await);
    assert_eq!(bench.inside.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn authenticated_but_not_connected() {
    let mut profile = profile();
    profile.words.closed = "Connection closed. 14".to_owned();
    let bench = Bench::with(profile).await;
    let mut client = bench.connect().await;
    client
        .expect(
            "a LOGIN shared@northmoor.example secret",
            &["a OK LOGIN completed."],
        )
        .await;
    client
        .expect(
            "b NAMESPACE",
            &["b BAD User is authenticated but not connected."],
        )
        .await;
    client
        .expect(
            "c LIST \"\" *",
            &["c BAD User is authenticated but not connected."],
        )
        .await;
    assert_eq!(client.line().await, "* BYE Connection closed. 14");
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn what_is_not_offered_is_refused() {
    let bench = Bench::new().await;
    let mut client = bench.connect().await;
    client
        .expect("a STARTTLS", &["a BAD Unknown command."])
        .await;
    client
        .expect("b AUTHENTICATE GSSAPI", &["b NO AUTHENTICATE failed."])
        .await;
    client
        .expect(
            "c SELECT INBOX",
            &["c BAD Command received in invalid state."],
        )
        .await;
    client
        .expect("d ID NIL", &["* ID NIL", "d OK ID completed."])
        .await;
    client
        .expect(
            "e LOGIN asha@northmoor.example secret",
            &["e OK LOGIN completed."],
        )
        .await;
    client
        .expect("f ENABLE CONDSTORE", &["f NO ENABLE failed."])
        .await;
    client
        .expect(
            "g LOGIN asha@northmoor.example secret",
            &["g BAD Command received in invalid state."],
        )
        .await;
    client
        .expect(
            "h FETCH 1 FLAGS",
            &["h BAD Command received in invalid state."],
        )
        .await;
    client
        .expect(
            "i NAMESPACE",
            &[
                r#"* NAMESPACE (("" "/")) NIL NIL"#,
                "i OK NAMESPACE completed.",
            ],
        )
        .await;
}
