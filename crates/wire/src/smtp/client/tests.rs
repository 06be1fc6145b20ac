//! Conversations with a scripted server. Each turn gives what the server says
//! and what the client sends upon it; everything runs again octet by octet.

use std::collections::VecDeque;

use mailward_mail::{
    Address, BodyType, Envelope, ForwardPath, Notify, Recipient, Reply, Ret, ReversePath,
};

use super::super::sasl::{Credentials, Mechanism};
use super::*;

/// What the caller does once the session has told something.
#[derive(Clone)]
enum Act {
    SignIn(Credentials),
    Begin(Box<Envelope>, Option<u64>),
    Data,
    Body(&'static [u8]),
    Reset,
    Quit,
}

/// Server says, client sends.
type Turn<'a> = (&'a str, &'a str);

struct Outcome {
    news: Vec<Done>,
    verdicts: Vec<String>,
    error: Option<Error>,
    is_open: bool,
}

fn check(protection: Protection, acts: &[Act], turns: &[Turn<'_>]) -> Outcome {
    let whole = run(protection, acts, turns, usize::MAX);
    let octets = run(protection, acts, turns, 1);
    assert_eq!(whole.news, octets.news);
    assert_eq!(whole.verdicts, octets.verdicts);
    assert_eq!(whole.error, octets.error);
    whole
}

fn run(protection: Protection, acts: &[Act], turns: &[Turn<'_>], size: usize) -> Outcome {
    let mut session = Session::new("client.example", protection);
    let mut acts: VecDeque<Act> = acts.iter().cloned().collect();
    let mut news = Vec::new();
    let mut error = None;
    for (said, expected) in turns {
        let mut sent = Vec::new();
        for piece in said.as_bytes().chunks(size) {
            let ended = feed(&mut session, piece, &mut acts, &mut news, &mut sent);
            error = error.or(ended);
        }
        assert_eq!(String::from_utf8_lossy(&sent), *expected, "upon {said:?}");
    }
    let verdicts = session
        .verdicts()
        .map(|verdict| match verdict {
            Some(verdict) => format!("{}: {}", verdict.stage, verdict.reply),
            None => "nothing".to_owned(),
        })
        .collect();
    Outcome {
        news,
        verdicts,
        error,
        is_open: session.is_open(),
    }
}

fn feed(
    session: &mut Session,
    mut input: &[u8],
    acts: &mut VecDeque<Act>,
    news: &mut Vec<Done>,
    sent: &mut Vec<u8>,
) -> Option<Error> {
    loop {
        let done = match session.step(&mut input) {
            Ok(Step::Receive) => return None,
            Ok(Step::Send(octets)) => {
                sent.extend(octets);
                continue;
            }
            Ok(Step::StartTls) => {
                sent.extend(b"[TLS]");
                session.tls_established();
                continue;
            }
            Ok(Step::Done(done)) => done,
            Err(error) => return Some(error),
        };
        news.push(done.clone());
        if !session.is_open() && done != Done::BodyWanted {
            return None;
        }
        let acted = match acts.pop_front() {
            None => return None,
            Some(Act::SignIn(credentials)) => session.authenticate(&credentials),
            Some(Act::Begin(envelope, octets)) => session.begin(&envelope, octets),
            Some(Act::Data) => {
                session.data();
                Ok(())
            }
            Some(Act::Body(body)) => {
                session.body(body, sent).expect("a sound body");
                session.final_dot().expect("a sound body");
                Ok(())
            }
            Some(Act::Reset) => {
                session.reset();
                Ok(())
            }
            Some(Act::Quit) => {
                session.quit();
                Ok(())
            }
        };
        if let Err(error) = acted {
            return Some(error);
        }
    }
}

fn envelope(from: &str, to: &[&str]) -> Envelope {
    let mut envelope = Envelope::new(ReversePath::parse(from).expect("an address"));
    for text in to {
        let address = Address::parse(text).expect("an address");
        envelope
            .recipients
            .push(Recipient::new(ForwardPath(address)));
    }
    envelope
}

fn begin(to: &[&str]) -> Act {
    Act::Begin(Box::new(envelope("a@b.example", to)), None)
}

fn login() -> Act {
    Act::SignIn(Credentials::password(
        Mechanism::Login,
        "pat",
        "right".to_owned(),
    ))
}

const GREETING: Turn<'static> = ("220 mail.example\r\n", "EHLO client.example\r\n");
const PIPELINED: &str = "250-mail.example\r\n250-PIPELINING\r\n250 SIZE 1000\r\n";

#[test]
fn goes_by_tls_and_signs_in() {
    let token = Credentials::bearer("pat", "right".to_owned());
    let plain = Credentials::password(Mechanism::Plain, "pat", "right".to_owned());
    for (act, exchange) in [
        (
            login(),
            &[
                ("", "AUTH LOGIN\r\n"),
                ("334 VXNlcm5hbWU6\r\n", "cGF0\r\n"),
                ("334 UGFzc3dvcmQ6\r\n", "cmlnaHQ=\r\n"),
            ][..],
        ),
        (
            Act::SignIn(plain),
            &[("", "AUTH PLAIN AHBhdAByaWdodA==\r\n")],
        ),
        (
            Act::SignIn(token),
            &[(
                "",
                "AUTH XOAUTH2 dXNlcj1wYXQBYXV0aD1CZWFyZXIgcmlnaHQBAQ==\r\n",
            )],
        ),
    ] {
        let offer = "250-mail.example\r\n250 AUTH LOGIN xoauth2 PLAIN\r\n";
        let mut turns = vec![
            GREETING,
            ("250-mail.example\r\n250 STARTTLS\r\n", "STARTTLS\r\n"),
            ("220 go ahead\r\n", "[TLS]EHLO client.example\r\n"),
            (offer, exchange[0].1),
        ];
        turns.extend(&exchange[1..]);
        turns.push(("235 2.7.0 in\r\n", "QUIT\r\n"));
        turns.push(("221 bye\r\n", ""));
        let outcome = check(Protection::StartTls, &[act, Act::Quit], &turns);
        assert_eq!(outcome.news, [Done::Ready, Done::Ready, Done::Parted]);
        assert_eq!(outcome.error, None);
    }
}

#[test]
fn a_long_token_goes_on_a_line_of_its_own() {
    let credentials = Credentials::bearer("pat", "t".repeat(20_000));
    let mut session = Session::new("client.example", Protection::Implicit);
    let mut input: &[u8] = b"220 x\r\n";
    session.step(&mut input).expect("EHLO");
    let mut input: &[u8] = b"250-x\r\n250 AUTH XOAUTH2\r\n";
    assert_eq!(session.step(&mut input), Ok(Step::Done(Done::Ready)));
    session.authenticate(&credentials).expect("it is offered");
    let mut input: &[u8] = b"";
    assert_eq!(
        session.step(&mut input),
        Ok(Step::Send(b"AUTH XOAUTH2\r\n".to_vec()))
    );
    let mut input: &[u8] = b"334 \r\n";
    let Ok(Step::Send(blob)) = session.step(&mut input) else {
        panic!("the blob follows");
    };
    assert!(blob.len() > 20_000);
}

#[test]
fn refused_sign_in_is_an_error() {
    let refusal = |code, subject, detail, text: &str| {
        Some(Error::Refused {
            stage: Stage::Auth,
            reply: Reply::status(code, subject, detail, text),
        })
    };
    let hello = ("250-x\r\n250 AUTH LOGIN XOAUTH2\r\n", "AUTH LOGIN\r\n");
    let outcome = check(
        Protection::Implicit,
        &[login()],
        &[
            GREETING,
            hello,
            ("334 VXNlcm5hbWU6\r\n", "cGF0\r\n"),
            ("334 UGFzc3dvcmQ6\r\n", "cmlnaHQ=\r\n"),
            ("535 5.7.3 Authentication unsuccessful\r\n", ""),
        ],
    );
    assert_eq!(
        outcome.error,
        refusal(535, 7, 3, "Authentication unsuccessful")
    );
    assert!(!outcome.is_open);

    // XOAUTH2 may say why in a challenge first.
    let outcome = check(
        Protection::Implicit,
        &[Act::SignIn(Credentials::bearer("p", "t".to_owned()))],
        &[
            GREETING,
            (
                "250-x\r\n250 AUTH LOGIN XOAUTH2\r\n",
                "AUTH XOAUTH2 dXNlcj1wAWF1dGg9QmVhcmVyIHQBAQ==\r\n",
            ),
            ("334 eyJzdGF0dXMiOiI0MDEifQ==\r\n", "\r\n"),
            ("535 5.7.8 no\r\n", ""),
        ],
    );
    assert_eq!(outcome.error, refusal(535, 7, 8, "no"));
}

#[test]
fn a_relay_is_used_with_tls_where_it_offers_that_and_told_no_secret_without() {
    let offered = check(
        Protection::Opportunistic,
        &[],
        &[
            GREETING,
            ("250-x\r\n250 STARTTLS\r\n", "STARTTLS\r\n"),
            ("220 go\r\n", "[TLS]EHLO client.example\r\n"),
            ("250 x\r\n", ""),
        ],
    );
    assert_eq!((offered.error, offered.is_open), (None, true));
    let not_offered = check(
        Protection::Opportunistic,
        &[],
        &[GREETING, ("250 x\r\n", "")],
    );
    assert_eq!((not_offered.error, not_offered.is_open), (None, true));
    let secret = check(
        Protection::Opportunistic,
        &[login()],
        &[GREETING, ("250-x\r\n250 AUTH LOGIN\r\n", "")],
    );
    assert_eq!(secret.error, Some(Error::AuthNeedsTls));
}

#[test]
fn nothing_goes_in_the_clear() {
    let no_tls = check(
        Protection::StartTls,
        &[],
        &[GREETING, ("250-x\r\n250 AUTH LOGIN\r\n", "")],
    );
    assert_eq!(no_tls.error, Some(Error::TlsNotOffered));

    let refused = check(
        Protection::StartTls,
        &[],
        &[
            GREETING,
            ("250-x\r\n250 STARTTLS\r\n", "STARTTLS\r\n"),
            ("454 4.7.0 not now\r\n", ""),
        ],
    );
    let reply = Reply::status(454, 7, 0, "not now");
    let stage = Stage::StartTls;
    assert_eq!(refused.error, Some(Error::Refused { stage, reply }));

    let plain = check(
        Protection::Plain,
        &[login()],
        &[GREETING, ("250-x\r\n250 AUTH LOGIN\r\n", "")],
    );
    assert_eq!(plain.error, Some(Error::AuthNeedsTls));

    let other = check(
        Protection::Implicit,
        &[login()],
        &[GREETING, ("250-x\r\n250 AUTH PLAIN XOAUTH2\r\n", "")],
    );
    assert_eq!(
        other.error,
        Some(Error::MechanismNotOffered {
            mechanism: Mechanism::Login,
            offered: "PLAIN XOAUTH2".to_owned()
        })
    );
}

#[test]
fn octets_before_the_handshake_are_no_replies() {
    for injected in ["250 x\r\n", "2", "\r\n"] {
        let mut session = Session::new("client.example", Protection::StartTls);
        let mut input: &[u8] = b"220 x\r\n";
        session.step(&mut input).expect("EHLO");
        let mut input: &[u8] = b"250 STARTTLS\r\n";
        assert_eq!(
            session.step(&mut input),
            Err(Error::TlsNotOffered),
            "greeting line"
        );

        let mut session = Session::new("client.example", Protection::StartTls);
        let mut input: &[u8] = b"220 x\r\n";
        session.step(&mut input).expect("EHLO");
        let mut input: &[u8] = b"250-x\r\n250 STARTTLS\r\n";
        session.step(&mut input).expect("STARTTLS");
        let said = format!("220 go\r\n{injected}");
        let mut input = said.as_bytes();
        assert_eq!(
            session.step(&mut input),
            Err(Error::Violation {
                stage: Stage::StartTls,
                violation: Violation::OctetsBeforeTls
            })
        );
    }
}

#[test]
fn what_was_offered_in_the_clear_is_forgotten() {
    let outcome = check(
        Protection::StartTls,
        &[login()],
        &[
            GREETING,
            (
                "250-x\r\n250-AUTH LOGIN\r\n250 STARTTLS\r\n",
                "STARTTLS\r\n",
            ),
            ("220 go\r\n", "[TLS]EHLO client.example\r\n"),
            ("250 x\r\n", ""),
        ],
    );
    assert_eq!(
        outcome.error,
        Some(Error::MechanismNotOffered {
            mechanism: Mechanism::Login,
            offered: String::new()
        })
    );
}

#[test]
fn a_message_goes_through_pipelined() {
    let outcome = check(
        Protection::Implicit,
        &[
            begin(&["one@d.example", "two@d.example", "three@d.example"]),
            Act::Data,
            Act::Body(b"a\r\n.b\r\n"),
            begin(&["one@d.example"]),
        ],
        &[
            GREETING,
            (
                PIPELINED,
                "MAIL FROM:<a@b.example>\r\nRCPT TO:<one@d.example>\r\n\
                 RCPT TO:<two@d.example>\r\nRCPT TO:<three@d.example>\r\n",
            ),
            (
                "250 ok\r\n250 ok\r\n550 5.1.1 who\r\n452 later\r\n",
                "DATA\r\n",
            ),
            ("354 go\r\n", "a\r\n..b\r\n.\r\n"),
            (
                "250 2.0.0 taken\r\n",
                "MAIL FROM:<a@b.example>\r\nRCPT TO:<one@d.example>\r\n",
            ),
        ],
    );
    assert_eq!(outcome.error, None);
    assert_eq!(
        outcome.verdicts,
        ["nothing"],
        "the next message is under way"
    );
    assert_eq!(
        outcome.news,
        [
            Done::Ready,
            Done::Recipients,
            Done::BodyWanted,
            Done::Finished
        ]
    );
}

#[test]
fn every_recipient_gets_a_verdict() {
    let hello = (
        PIPELINED,
        "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<e@d.example>\r\n",
    );
    for (turns, verdicts) in [
        (
            vec![("550 5.7.60 no\r\n503 x\r\n503 x\r\n", "")],
            ["MAIL FROM: 550 5.7.60 no", "MAIL FROM: 550 5.7.60 no"],
        ),
        (
            vec![("250 ok\r\n550 5.1.1 a\r\n450 4.2.0 b\r\n", "")],
            ["RCPT TO: 550 5.1.1 a", "RCPT TO: 450 4.2.0 b"],
        ),
        (
            vec![
                ("250 ok\r\n550 5.1.1 a\r\n250 b\r\n", "DATA\r\n"),
                ("451 4.3.0 no room\r\n", ""),
            ],
            ["RCPT TO: 550 5.1.1 a", "DATA: 451 4.3.0 no room"],
        ),
        (
            vec![
                ("250 ok\r\n550 5.1.1 a\r\n250 b\r\n", "DATA\r\n"),
                ("354 go\r\n", "x\r\n.\r\n"),
                ("554 5.2.0 no\r\n", ""),
            ],
            ["RCPT TO: 550 5.1.1 a", "end of message: 554 5.2.0 no"],
        ),
        (
            vec![("250 ok\r\n250 ok\r\n421 4.3.2 gone\r\n", "")],
            ["RCPT TO: 421 4.3.2 gone", "RCPT TO: 421 4.3.2 gone"],
        ),
    ] {
        let mut all = vec![GREETING, hello];
        all.extend(turns);
        let acts = [
            begin(&["c@d.example", "e@d.example"]),
            Act::Data,
            Act::Body(b"x\r\n"),
        ];
        // DATA follows only when somebody was taken.
        let is_taken = all.iter().any(|(_, sent)| *sent == "DATA\r\n");
        let acts = if is_taken { &acts[..] } else { &acts[..1] };
        let outcome = check(Protection::Implicit, acts, &all);
        assert_eq!(outcome.verdicts, verdicts);
        assert_ne!(outcome.is_open, verdicts[0].contains("421"));
    }
}

#[test]
fn without_pipelining_one_at_a_time() {
    let outcome = check(
        Protection::Implicit,
        &[
            begin(&["c@d.example", "e@d.example"]),
            begin(&["c@d.example"]),
            Act::Reset,
        ],
        &[
            GREETING,
            ("250 x\r\n", "MAIL FROM:<a@b.example>\r\n"),
            ("250 ok\r\n", "RCPT TO:<c@d.example>\r\n"),
            ("550 no\r\n", "RCPT TO:<e@d.example>\r\n"),
            // A message that did not end is taken back first.
            ("550 no\r\n", "RSET\r\n"),
            ("250 ok\r\n", "MAIL FROM:<a@b.example>\r\n"),
            ("452 4.3.1 full\r\n", "RSET\r\n"),
            ("250 ok\r\n", ""),
        ],
    );
    assert_eq!(outcome.verdicts, ["MAIL FROM: 452 4.3.1 full"]);
    assert!(outcome.is_open);
}

#[test]
fn a_long_list_goes_in_batches() {
    let addresses: Vec<String> = (0..120).map(|n| format!("r{n}@d.example")).collect();
    let all: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let mut session = Session::new("client.example", Protection::Implicit);
    let mut input: &[u8] = b"220 x\r\n";
    session.step(&mut input).expect("EHLO");
    let mut input = PIPELINED.as_bytes();
    session.step(&mut input).expect("ready");
    session
        .begin(&envelope("", &all), None)
        .expect("nothing is missing");
    let mut batches = Vec::new();
    let mut input: &[u8] = b"";
    loop {
        match session.step(&mut input).expect("replies in order") {
            Step::Send(octets) => {
                batches.push(octets.iter().filter(|octet| **octet == b'\n').count());
            }
            Step::Receive => {
                let said = "250 ok\r\n".repeat(*batches.last().expect("a batch"));
                let mut replies = said.as_bytes();
                while !replies.is_empty() {
                    if let Step::Send(octets) = session.step(&mut replies).expect("in order") {
                        batches.push(octets.iter().filter(|o| **o == b'\n').count());
                    } else {
                        break;
                    }
                }
                if session.taken_count() == 120 {
                    break;
                }
            }
            _ => break,
        }
    }
    assert_eq!(batches, [50, 50, 21]);
    assert_eq!(session.taken_count(), 120);
}

#[test]
fn says_what_the_server_understands() {
    let mut rich = envelope("ä@b.example", &["c@d.example"]);
    rich.body = BodyType::EightBitMime;
    rich.ret = Some(Ret::Headers);
    rich.envid = Some("QQ+2B1".to_owned());
    rich.recipients[0].notify = Some(Notify {
        success: true,
        failure: true,
        ..Notify::default()
    });
    rich.recipients[0].orcpt = Some("rfc822;c@d.example".to_owned());
    let full = "250-x\r\n250-SIZE\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250 PIPELINING\r\n";
    check(
        Protection::Implicit,
        &[Act::Begin(Box::new(rich.clone()), Some(77))],
        &[
            GREETING,
            (
                full,
                "MAIL FROM:<ä@b.example> SIZE=77 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ+2B1\r\n\
                 RCPT TO:<c@d.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;c@d.example\r\n",
            ),
        ],
    );

    let mut binary = envelope("a@b.example", &["c@d.example"]);
    binary.body = BodyType::BinaryMime;
    let mut eight_bit = envelope("a@b.example", &["c@d.example"]);
    eight_bit.body = BodyType::EightBitMime;
    let small = envelope("a@b.example", &["c@d.example"]);
    let large = Need::Size {
        octets: 1001,
        octets_max: 1000,
    };
    for (envelope, octets, need) in [
        (rich, None, Need::SmtpUtf8),
        (binary, None, Need::BinaryMime),
        (eight_bit, None, Need::EightBitMime),
        (small, Some(1001), large),
    ] {
        let outcome = check(
            Protection::Implicit,
            &[Act::Begin(Box::new(envelope), octets)],
            &[GREETING, (PIPELINED, "")],
        );
        assert_eq!(outcome.error, Some(Error::CannotCarry(need)));
        assert!(outcome.is_open, "the next message may fare better");
    }
}

#[test]
fn a_server_that_makes_no_sense_is_left() {
    let mail = (
        PIPELINED,
        "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n",
    );
    let taken = ("250 ok\r\n250 ok\r\n", "DATA\r\n");
    let body = ("354 go\r\n", ".\r\n");
    for (turns, stage, code) in [
        (vec![("354 x\r\n", "")], Stage::Greeting, 354),
        (
            vec![GREETING, mail, ("354 x\r\n", "")],
            Stage::MailFrom,
            354,
        ),
        (
            vec![GREETING, mail, taken, ("250 x\r\n", "")],
            Stage::Data,
            250,
        ),
        (
            vec![GREETING, mail, taken, body, ("354 x\r\n", "")],
            Stage::FinalDot,
            354,
        ),
    ] {
        let acts = [begin(&["c@d.example"]), Act::Data, Act::Body(b"")];
        let outcome = check(Protection::Implicit, &acts, &turns);
        let violation = Violation::UnexpectedReply { code };
        assert_eq!(outcome.error, Some(Error::Violation { stage, violation }));
        assert!(!outcome.is_open);
    }
}

#[test]
fn a_lost_connection_is_told_with_its_stage() {
    let mut session = Session::new("client.example", Protection::Implicit);
    let stage = Stage::Greeting;
    assert_eq!(session.closed(), Error::Closed { stage });
    assert!(!session.is_open());
}
