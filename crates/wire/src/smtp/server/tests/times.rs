//! Deadlines: for commands, for bodies, before sign-in, at shutdown.

use std::time::Duration;

use super::*;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A bench whose client has sent `input` and whose clock then moves on.
fn bench(input: &[u8]) -> Bench {
    let mut bench = Bench::new(&open_settings(), true);
    bench.feed(input);
    bench.sent.clear();
    bench
}

impl Bench {
    fn later(&mut self, by: Duration, input: &[u8]) {
        self.now = self.now.plus(by);
        self.feed(input);
    }

    fn has_timed_out(&self) -> bool {
        self.is_closed && self.sent == b"421 4.4.2 mail.example timed out waiting; closing\r\n"
    }
}

#[test]
fn a_silent_client_is_closed() {
    for (input, after) in [
        (&b""[..], 60),
        (b"EHLO x\r\n", 60),
        (b"EHLO x\r\nAUTH PLAIN AHBhdAByaWdodA==\r\n", 300),
        (b"EHLO x\r\nMAIL FROM:<a@b.example>\r\n", 300),
        (
            b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n",
            180,
        ),
    ] {
        let mut bench = bench(input);
        assert_eq!(bench.session.deadline(), start().plus(seconds(after)));
        bench.later(seconds(after) - Duration::from_millis(1), b"");
        assert!(!bench.is_closed && bench.sent.is_empty());
        bench.later(Duration::from_millis(1), b"");
        assert!(
            bench.has_timed_out(),
            "{:?}",
            String::from_utf8_lossy(input)
        );
    }
}

#[test]
fn drops_do_not_keep_a_command_alive() {
    let mut bench = bench(b"EHLO x\r\nAUTH PLAIN AHBhdAByaWdodA==\r\n");
    for _ in 0..30 {
        bench.later(seconds(10), b"x");
    }
    assert!(bench.has_timed_out());
}

#[test]
fn a_body_may_not_drip() {
    let mut bench =
        bench(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n");
    for _ in 0..5 {
        bench.later(seconds(119), b"x\r\n");
        assert!(!bench.is_closed, "each piece comes in time");
    }
    bench.later(seconds(119), b"x\r\n");
    assert!(bench.has_timed_out(), "the whole does not");
    assert_eq!(
        bench.told.last().map(String::as_str),
        Some("aborted TimedOut")
    );
}

#[test]
fn a_large_body_has_more_time() {
    let mut bench =
        bench(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n");
    let piece = [b"x".repeat(998), b"\r\n".to_vec()].concat().repeat(150);
    for _ in 0..20 {
        bench.later(seconds(150), &piece);
    }
    bench.later(seconds(1), b".\r\n");
    assert_eq!(bench.sent, b"250 2.6.0 Taken\r\n");
}

#[test]
fn chunks_share_one_time() {
    let mut bench = bench(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n");
    bench.later(seconds(1), b"BDAT 3\r\na\r\n");
    for _ in 0..2 {
        bench.later(seconds(299), b"BDAT 3\r\na\r\n");
        assert!(!bench.is_closed);
    }
    bench.sent.clear();
    bench.later(seconds(3), b"");
    assert!(bench.has_timed_out());
    assert_eq!(
        bench.told.last().map(String::as_str),
        Some("aborted TimedOut")
    );
}

#[test]
fn our_own_time_is_not_the_clients() {
    let mut session = session(&open_settings(), true);
    let mut input: &[u8] = b"EHLO x\r\nMAIL FROM:<a@b.example>\r\n";
    let later = start().plus(seconds(4000));
    loop {
        match session.step(&mut input, start()) {
            Step::Ask(_) => break,
            Step::Receive => panic!("a question first"),
            _ => {}
        }
    }
    session.answer(Answer::Accept, later);
    while !matches!(session.step(&mut input, later), Step::Receive) {}
    assert_eq!(session.deadline(), later.plus(seconds(300)));
}

#[test]
fn shutdown_spares_a_message_under_way() {
    let farewell = "421 4.3.2 mail.example shutting down; closing\r\n";
    let mut idle = bench(b"EHLO x\r\n");
    idle.session.drain();
    idle.feed(b"");
    assert_eq!(String::from_utf8_lossy(&idle.sent), farewell);
    assert!(idle.is_closed);

    let mut busy = bench(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\n");
    busy.session.drain();
    busy.feed(b"RCPT TO:<c@d.example>\r\nDATA\r\n");
    busy.sent.clear();
    busy.feed(b"a\r\n.\r\n");
    assert_eq!(
        String::from_utf8_lossy(&busy.sent),
        format!("250 2.6.0 Taken\r\n{farewell}")
    );
    assert!(busy.is_closed && busy.bodies == [b"a\r\n"]);
}

#[test]
fn a_connection_may_be_limited_as_a_whole() {
    let mut settings = open_settings();
    settings.times.connection = Some(seconds(600));
    let mut bench = Bench::new(&settings, true);
    bench.feed(b"EHLO x\r\nAUTH PLAIN AHBhdAByaWdodA==\r\n");
    for _ in 0..5 {
        bench.later(seconds(119), b"NOOP\r\n");
    }
    bench.sent.clear();
    bench.later(seconds(5), b"");
    assert!(bench.has_timed_out());
}

#[test]
fn some_are_turned_away() {
    for (reply, said) in [
        (
            None,
            "421 4.7.0 mail.example too many connections; try again later\r\n",
        ),
        (
            Some(Reply::status(554, 7, 1, "Not you")),
            "554 5.7.1 Not you\r\n",
        ),
    ] {
        let mut bench = Bench::new(&open_settings(), true);
        bench.session.turn_away(reply, start());
        bench.feed(b"EHLO x\r\n");
        assert_eq!(String::from_utf8_lossy(&bench.sent), said);
        assert!(bench.is_closed);
    }
}
