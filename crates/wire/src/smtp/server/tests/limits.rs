//! Every limit has a name, and says it.

use super::*;

#[test]
fn long_lines_are_dropped_whole() {
    let settings = open_settings();
    let limits = &settings.limits;
    for (start, octets_max) in [
        ("NOOP ", limits.command_octets_max),
        ("XYZZY", limits.command_octets_max),
        ("MAIL FROM:<a@b.example> ", limits.path_command_octets_max),
        ("rcpt to:<a@b.example> ", limits.path_command_octets_max),
        ("AUTH PLAIN ", limits.auth_octets_max),
    ] {
        for (excess, is_too_long) in [(0, false), (1, true), (5000, true)] {
            let length = octets_max - 2 + excess;
            let line = format!("{start:x<length$}\r\nRSET\r\n");
            for size in [1, 511, line.len()] {
                let mut bench = Bench::new(&settings, true);
                bench.feed(b"EHLO x\r\n");
                bench.sent.clear();
                for piece in line.as_bytes().chunks(size) {
                    bench.feed(piece);
                }
                let sent = String::from_utf8_lossy(&bench.sent).into_owned();
                let reply = format!("500 5.5.2 Line too long: at most {octets_max} octets");
                assert_eq!(
                    sent.starts_with(&reply),
                    is_too_long,
                    "{start} {excess} {sent}"
                );
                assert!(
                    sent.ends_with("\r\n250 2.0.0 OK\r\n"),
                    "{start} {excess} {sent}"
                );
                assert_eq!(sent.lines().count(), 2, "{start} {excess} {sent}");
            }
        }
    }
}

#[test]
fn a_long_auth_response_is_dropped_whole() {
    let settings = open_settings();
    let mut bench = Bench::new(&settings, true);
    bench.feed(b"EHLO x\r\nAUTH PLAIN\r\n");
    bench.sent.clear();
    bench.feed(&vec![b'A'; 20_000]);
    bench.feed(b"\r\nNOOP\r\n");
    let sent = String::from_utf8_lossy(&bench.sent);
    assert_eq!(
        sent,
        "500 5.5.2 Line too long: at most 12288 octets with CRLF\r\n250 2.0.0 OK\r\n"
    );
}

#[test]
fn recipients_are_limited() {
    let settings = Settings {
        limits: Limits {
            recipients_max: 2,
            ..Limits::default()
        },
        ..open_settings()
    };
    check(
        &settings,
        true,
        "
        S: 220 mail.example ESMTP Mailward
        C: HELO x
        S: 250 mail.example at your service
        C: MAIL FROM:<a@b.example>
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<refused@d.example>
        S: 550 5.1.1 Refused
        C: RCPT TO:<c@d.example>
        S: 250 2.1.5 Recipient OK
        C: RCPT TO:<e@d.example>
        S: 250 2.1.5 Recipient OK
        C: RCPT TO:<f@d.example>
        S: 452 4.5.3 Too many recipients: at most 2 per message
        C: DATA
        S: 354 Send the message, end with <CRLF>.<CRLF>
        C: .
        S: 250 2.6.0 Taken
        ",
        &[
            "hello x",
            "from <a@b.example>",
            "to <refused@d.example>",
            "to <c@d.example>",
            "to <e@d.example>",
            "start 2",
            "taken 0",
        ],
    );
}

#[test]
fn too_many_errors_end_the_session() {
    let settings = Settings {
        limits: Limits {
            errors_max: 3,
            ..Limits::default()
        },
        ..open_settings()
    };
    check(
        &settings,
        true,
        "
        S: 220 mail.example ESMTP Mailward
        C: ONE
        S: 500 5.5.1 Command not recognised: ONE
        C: HELO x
        S: 250 mail.example at your service
        C: DATA
        S: 503 5.5.1 DATA out of order: send MAIL first
        C: NOOP
        S: 250 2.0.0 OK
        C: THREE{LF}
        S: 500 5.5.2 Bare CR or LF: every line must end in CRLF
        S: 421 4.7.0 mail.example too many errors; closing
        C: NOOP
        ",
        &["hello x"],
    );
}

#[test]
fn replies_leave_together_but_never_pile_up() {
    let mut session = session(&open_settings(), true);
    let mut input: &[u8] = b"EHLO x\r\nNOOP\r\nNOOP\r\nNOOP\r\n";
    let mut sends = 0;
    loop {
        match session.step(&mut input, start()) {
            Step::Send(_) => sends += 1,
            Step::Receive => break,
            _ => {}
        }
    }
    assert_eq!(sends, 1, "one segment for one segment");

    let flood = b"NOOP\r\n".repeat(10_000);
    let mut input: &[u8] = &flood;
    let mut largest = 0;
    loop {
        match session.step(&mut input, start()) {
            Step::Send(octets) => largest = largest.max(octets.len()),
            Step::Receive => break,
            _ => {}
        }
    }
    assert!((4096..4200).contains(&largest), "{largest}");
}

#[test]
fn an_idle_session_is_small() {
    assert!(size_of::<Session>() < 600);
}
