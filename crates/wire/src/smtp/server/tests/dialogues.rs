//! The order of things: greeting, TLS, AUTH, commands.

use super::super::super::sasl::Mechanism;
use super::*;

const HELLO: &str = "
    S: 220 mail.example ESMTP Mailward
    C: EHLO client.example
    S: 250-mail.example at your service
    S: 250-PIPELINING
    S: 250-SIZE 52428800
    S: 250-AUTH PLAIN LOGIN
    S: 250-8BITMIME
    S: 250-SMTPUTF8
    S: 250-CHUNKING
    S: 250-DSN
    S: 250 ENHANCEDSTATUSCODES
";

fn check_tls(script: &str, told: &[&str]) {
    check(&Settings::submission(), true, script, told);
}

fn after_hello(script: &str, told: &[&str]) {
    let all: Vec<&str> = std::iter::once("hello client.example")
        .chain(told.iter().copied())
        .collect();
    let settings = Settings {
        mechanisms: Mechanism::ALL.to_vec(),
        ..Settings::submission()
    };
    let hello = HELLO.replace("AUTH PLAIN LOGIN", "AUTH PLAIN LOGIN XOAUTH2");
    check(&settings, true, &format!("{hello}{script}"), &all);
}

#[test]
fn a_message_goes_through() {
    after_hello(
        "
        C: AUTH PLAIN AHBhdAByaWdodA==
        S: 235 2.7.0 Authentication succeeded
        C: MAIL FROM:<pat@northmoor.example> SIZE=40 BODY=8BITMIME
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<one@clinic.example> NOTIFY=NEVER
        S: 250 2.1.5 Recipient OK
        C: RCPT TO:<refused@clinic.example>
        S: 550 5.1.1 Refused
        C: DATA
        S: 354 Send the message, end with <CRLF>.<CRLF>
        C: Subject: x
        C:
        C: ..dot
        C: .
        S: 250 2.6.0 Taken
        C: MAIL FROM:<>
        S: 250 2.1.0 Sender OK
        C: RSET
        S: 250 2.0.0 OK
        C: QUIT
        S: 221 2.0.0 mail.example closing the connection
        ",
        &[
            "PLAIN pat",
            "from <pat@northmoor.example>",
            "to <one@clinic.example>",
            "to <refused@clinic.example>",
            "start 1",
            "taken 20",
            "from <>",
        ],
    );
}

#[test]
fn auth_in_every_form() {
    let right = "S: 235 2.7.0 Authentication succeeded";
    for (exchange, told) in [
        ("C: AUTH PLAIN AHBhdAByaWdodA==", "PLAIN pat"),
        (
            "C: AUTH PLAIN\nS: 334 {SP}\nC: AHBhdAByaWdodA==",
            "PLAIN pat",
        ),
        (
            "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: cGF0\nS: 334 UGFzc3dvcmQ6\nC: cmlnaHQ=",
            "LOGIN pat",
        ),
        (
            "C: auth login cGF0\nS: 334 UGFzc3dvcmQ6\nC: cmlnaHQ=",
            "LOGIN pat",
        ),
        (
            "C: AUTH XOAUTH2 dXNlcj1wYXQBYXV0aD1CZWFyZXIgcmlnaHQBAQ==",
            "XOAUTH2 pat",
        ),
        (
            "C: AUTH XOAUTH2\nS: 334 {SP}\nC: dXNlcj1wYXQBYXV0aD1CZWFyZXIgcmlnaHQBAQ==",
            "XOAUTH2 pat",
        ),
    ] {
        let exchange = exchange.replace("334 {SP}", "334{SP}");
        after_hello(
            &format!(
                "{exchange}\n{right}
                C: AUTH PLAIN AHBhdAByaWdodA==
                S: 503 5.5.1 Already authenticated"
            ),
            &[told],
        );
    }
}

#[test]
fn auth_that_fails() {
    after_hello(
        "
        C: MAIL FROM:<pat@northmoor.example>
        S: 530 5.7.0 Authentication required
        C: AUTH PLAIN
        S: 334{SP}
        C: *
        S: 501 5.7.0 Authentication cancelled
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: cGF0
        S: 334 UGFzc3dvcmQ6
        C: *
        S: 501 5.7.0 Authentication cancelled
        C: AUTH PLAIN !!!
        S: 501 5.5.2 The authentication response is not base64
        C: AUTH PLAIN =
        S: 501 5.5.2 The authentication response is malformed
        C: AUTH LOGIN =
        S: 501 5.5.2 The authentication response is malformed
        C: AUTH XOAUTH2 cGF0
        S: 501 5.5.2 The authentication response is malformed
        C: AUTH CRAM-MD5
        S: 504 5.5.4 Authentication mechanism not supported
        C: AUTH
        S: 501 5.5.4 Syntax error in the arguments of AUTH
        C: AUTH PLAIN AHBhdAB3cm9uZw==
        S: 535 5.7.8 No
        C: AUTH PLAIN AHBhdAB3cm9uZw==
        S: 535 5.7.8 No
        C: AUTH PLAIN AHBhdAB3cm9uZw==
        S: 535 5.7.8 No
        S: 421 4.7.0 mail.example too many failed authentications; closing
        ",
        &["PLAIN pat", "PLAIN pat", "PLAIN pat"],
    );
}

#[test]
fn nothing_but_tls_in_the_clear() {
    check(
        &Settings::submission(),
        false,
        "
        S: 220 mail.example ESMTP Mailward
        C: STARTTLS
        S: 503 5.5.1 STARTTLS out of order: send EHLO first
        C: EHLO client.example
        S: 250-mail.example at your service
        S: 250-PIPELINING
        S: 250-SIZE 52428800
        S: 250-STARTTLS
        S: 250-8BITMIME
        S: 250-SMTPUTF8
        S: 250-CHUNKING
        S: 250-DSN
        S: 250 ENHANCEDSTATUSCODES
        C: AUTH PLAIN AHBhdAByaWdodA==
        S: 538 5.7.11 Encryption required for authentication: issue STARTTLS first
        C: MAIL FROM:<pat@northmoor.example>
        S: 530 5.7.0 Must issue STARTTLS first
        C: RCPT TO:<pat@northmoor.example>
        S: 530 5.7.0 Must issue STARTTLS first
        C: VRFY pat
        S: 530 5.7.0 Must issue STARTTLS first
        C: BDAT 6 LAST
        C: QUIT
        S: 530 5.7.0 Must issue STARTTLS first
        C: NOOP
        S: 250 2.0.0 OK
        C: STARTTLS now
        S: 501 5.5.4 Syntax error in the arguments of STARTTLS
        C: STARTTLS
        S: 220 2.0.0 Ready to start TLS
        C: MAIL FROM:<pat@northmoor.example>
        S: 503 5.5.1 MAIL out of order: send EHLO first
        C: AUTH PLAIN AHBhdAByaWdodA==
        S: 503 5.5.1 AUTH out of order: send EHLO first
        C: HELO client.example
        S: 250 mail.example at your service
        C: STARTTLS
        S: 502 5.5.1 STARTTLS is not implemented here
        ",
        &["hello client.example", "tls", "hello client.example"],
    );
}

#[test]
fn what_came_with_starttls_is_forgotten() {
    let mut bench = Bench::new(&open_settings(), false);
    bench.feed(b"EHLO evil.example\r\n");
    bench.sent.clear();
    // One segment, as an attacker in between would send it.
    bench.feed(b"STARTTLS\r\nEHLO evil.example\r\nMAIL FROM:<evil@example.com>\r\nRCPT");
    assert_eq!(bench.sent, b"220 2.0.0 Ready to start TLS\r\n");
    bench.sent.clear();
    bench.feed(b" TO:<x@y.example>\r\n");
    assert!(
        bench
            .sent
            .starts_with(b"500 5.5.1 Command not recognised:  TO:"),
        "half a command from before does not count"
    );
    bench.sent.clear();
    bench.feed(b"RCPT TO:<x@y.example>\r\n");
    assert_eq!(
        bench.sent,
        b"503 5.5.1 RCPT out of order: send EHLO first\r\n"
    );
    assert!(bench.session.hello().is_none() && bench.session.envelope().is_none());
    assert_eq!(bench.told, ["hello evil.example", "tls"]);
}

#[test]
fn starttls_ends_a_sign_in_in_the_clear() {
    let settings = Settings {
        auth_without_tls: true,
        ..open_settings()
    };
    let mut bench = Bench::new(&settings, false);
    bench.feed(b"EHLO x\r\nAUTH PLAIN AHBhdAByaWdodA==\r\n");
    assert!(bench.session.is_authenticated());
    bench.feed(b"STARTTLS\r\n");
    assert!(!bench.session.is_authenticated());
}

#[test]
fn out_of_order() {
    check_tls(
        &format!(
            "{HELLO}
            C: RCPT TO:<pat@northmoor.example>
            S: 503 5.5.1 RCPT out of order: send MAIL first
            C: DATA
            S: 503 5.5.1 DATA out of order: send MAIL first
            C: STARTTLS
            S: 503 5.5.1 TLS is already active
            C: EXPN all
            S: 502 5.5.1 EXPN is not implemented here
            C: VRFY pat
            S: 252 2.5.0 Addresses are not verified here; send a message and it will be tried
            C: HELP
            S: 214 2.0.0 EHLO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP QUIT; see RFC 5321 and RFC 6409
            C: XYZZY{{NUL}}
            S: 501 5.5.2 NUL in a command
            C: XYZZY
            S: 500 5.5.1 Command not recognised: XYZZY
            C: NOOP{{CR}}X
            S: 500 5.5.2 Bare CR or LF: every line must end in CRLF
            C: EHLO
            S: 501 5.5.4 Syntax: EHLO your-host-name
            C: AUTH PLAIN AHBhdAByaWdodA==
            S: 235 2.7.0 Authentication succeeded
            C: MAIL FROM:<pat@northmoor.example>
            S: 250 2.1.0 Sender OK
            C: MAIL FROM:<pat@northmoor.example>
            S: 503 5.5.1 MAIL out of order: a message is under way
            C: DATA
            S: 503 5.5.1 DATA out of order: no valid recipients
            C: RCPT TO:<refused@clinic.example>
            S: 550 5.1.1 Refused
            C: DATA
            S: 503 5.5.1 DATA out of order: no valid recipients
            C: EHLO client.example
            S: 250-mail.example at your service
            S: 250-PIPELINING
            S: 250-SIZE 52428800
            S: 250-AUTH PLAIN LOGIN
            S: 250-8BITMIME
            S: 250-SMTPUTF8
            S: 250-CHUNKING
            S: 250-DSN
            S: 250 ENHANCEDSTATUSCODES
            C: RCPT TO:<pat@northmoor.example>
            S: 503 5.5.1 RCPT out of order: send MAIL first
            C: MAIL FROM: <leave@northmoor.example>
            S: 421 4.3.2 Leaving
            "
        ),
        &[
            "hello client.example",
            "PLAIN pat",
            "from <pat@northmoor.example>",
            "to <refused@clinic.example>",
            "hello client.example",
            "from <leave@northmoor.example>",
        ],
    );
}

#[test]
fn bad_arguments() {
    let settings = Settings {
        limits: Limits {
            errors_max: 100,
            ..Limits::default()
        },
        ..open_settings()
    };
    let replies = [
        ("MAIL", "501 5.5.4 Syntax error in the arguments of MAIL"),
        (
            "MAIL FROM:pat@a.example",
            "501 5.5.4 Syntax error in the arguments of MAIL",
        ),
        (
            "MAIL FROM:<pat>",
            "501 5.1.7 Bad address in MAIL: the address has no @",
        ),
        (
            "MAIL FROM:<pat@a.example> FOO=1",
            "555 5.5.4 MAIL parameter FOO is not recognised here",
        ),
        (
            "MAIL FROM:<pat@a.example> SIZE=x",
            "501 5.5.4 MAIL parameter SIZE has a bad value",
        ),
        (
            "MAIL FROM:<pat@a.example> SIZE=1 SIZE=1",
            "501 5.5.4 MAIL parameter SIZE is given twice",
        ),
        (
            "MAIL FROM:<pat@a.example> SIZE=52428801",
            "552 5.3.4 Message too large: at most 52428800 octets, SIZE says more",
        ),
        (
            "MAIL FROM:<pät@a.example>",
            "553 5.6.7 MAIL has an address beyond ASCII: MAIL needs SMTPUTF8",
        ),
        ("MAIL FROM:<a@a.example>", "250 2.1.0 Sender OK"),
        (
            "RCPT TO:<a@>",
            "501 5.1.3 Bad address in RCPT: the part after the @ is not a valid domain",
        ),
        (
            "RCPT TO:<pät@a.example>",
            "553 5.6.7 RCPT has an address beyond ASCII: MAIL needs SMTPUTF8",
        ),
        (
            "RCPT TO:<a@a.example> NOTIFY=MAYBE",
            "501 5.5.4 RCPT parameter NOTIFY has a bad value",
        ),
        ("BDAT x", "501 5.5.4 Syntax: BDAT octets [LAST]"),
        (
            "RCPT TO:<a@a.example>",
            "503 5.5.1 RCPT out of order: send MAIL first",
        ),
        ("MAIL FROM:<pät@a.example> SMTPUTF8", "250 2.1.0 Sender OK"),
        ("RCPT TO:<pät@a.example>", "250 2.1.5 Recipient OK"),
    ];
    let mut bench = Bench::new(&settings, true);
    bench.feed(b"EHLO x\r\n");
    for (line, reply) in replies {
        bench.sent.clear();
        bench.feed(format!("{line}\r\n").as_bytes());
        let sent = String::from_utf8_lossy(&bench.sent);
        assert_eq!(sent, format!("{reply}\r\n"), "{line}");
    }
}

#[test]
fn the_list_of_extensions_is_the_settings() {
    use Extension::*;
    let exchange = Settings {
        extensions: vec![
            Size,
            Pipelining,
            Dsn,
            EnhancedStatusCodes,
            StartTls,
            Auth,
            EightBitMime,
            BinaryMime,
            Chunking,
            SmtpUtf8,
        ],
        mechanisms: vec![Mechanism::Login, Mechanism::XOAuth2],
        quirks: Quirks {
            no_client_name: true,
            ..Quirks::default()
        },
        ..Settings::submission()
    };
    check(
        &exchange,
        false,
        "
        S: 220 mail.example ESMTP Mailward
        C: EHLO
        S: 250-mail.example at your service
        S: 250-SIZE 52428800
        S: 250-PIPELINING
        S: 250-DSN
        S: 250-ENHANCEDSTATUSCODES
        S: 250-STARTTLS
        S: 250-8BITMIME
        S: 250-BINARYMIME
        S: 250-CHUNKING
        S: 250 SMTPUTF8
        C: STARTTLS
        S: 220 2.0.0 Ready to start TLS
        C: EHLO x
        S: 250-mail.example at your service
        S: 250-SIZE 52428800
        S: 250-PIPELINING
        S: 250-DSN
        S: 250-ENHANCEDSTATUSCODES
        S: 250-AUTH LOGIN XOAUTH2
        S: 250-8BITMIME
        S: 250-BINARYMIME
        S: 250-CHUNKING
        S: 250 SMTPUTF8
        C: AUTH PLAIN AHBhdAByaWdodA==
        S: 504 5.5.4 Authentication mechanism not supported
        ",
        &["hello ", "tls", "hello x"],
    );
    let bare = Settings {
        extensions: vec![],
        quirks: Quirks::NONE,
        ..open_settings()
    };
    check(
        &bare,
        true,
        "
        S: 220 mail.example ESMTP Mailward
        C: EHLO my_scanner
        S: 501 Syntax: EHLO your-host-name
        C: EHLO [192.0.2.1]
        S: 250 mail.example at your service
        C: AUTH PLAIN
        S: 502 AUTH is not implemented here
        C: BDAT 1
        S: 502 BDAT is not implemented here
        C: MAIL FROM: <a@b.example>
        S: 501 Syntax error in the arguments of MAIL
        C: MAIL FROM:<a@b.example> SIZE=1
        S: 555 MAIL parameter SIZE is not recognised here
        C: MAIL FROM:<a@b.example>
        S: 250 Sender OK
        ",
        &["hello [192.0.2.1]", "from <a@b.example>"],
    );
}
