//! Conversations as scripts, and octets that nobody sane would send.

use std::num::NonZeroU32;

use mailward_mail::Secret;

use super::*;
use crate::imap::{
    Bound, Credentials, Date, FetchItem, MailboxName, SearchKey, Section, SectionText, SequenceSet,
};

/// What a script asks for, in order.
#[derive(Clone, Copy)]
enum Ask {
    Password,
    Token,
    List,
    Examine(&'static str),
    Find(&'static str),
    Fetch(u32),
    Logout,
}

fn ask(session: &mut Session, what: Ask) -> Result<(), Error> {
    match what {
        Ask::Password => session.sign_in(&Credentials::Login {
            user: "asha@northmoor.example".to_owned(),
            password: Secret::new("pass word"),
        })?,
        Ask::Token => session.sign_in(&Credentials::XOAuth2 {
            user: "asha@northmoor.example".to_owned(),
            token: Secret::new("a.b.c"),
        })?,
        Ask::List => session.list(),
        Ask::Examine(name) => session.examine(&MailboxName::new(name)),
        Ask::Find(message_id) => session.search(SearchKey::And(vec![
            SearchKey::Since(Date {
                year: 2026,
                month: 11,
                day: 20,
            }),
            SearchKey::Header {
                name: b"Message-ID".to_vec(),
                value: message_id.as_bytes().to_vec(),
            },
        ])),
        Ask::Fetch(uid) => {
            let bound = Bound::Number(NonZeroU32::new(uid).expect("a UID"));
            session.fetch(SequenceSet(vec![(bound, bound)]), items());
        }
        Ask::Logout => session.logout(),
    }
    Ok(())
}

fn items() -> Vec<FetchItem> {
    vec![
        FetchItem::InternalDate,
        FetchItem::Section {
            peek: true,
            section: Section {
                part: Vec::new(),
                text: Some(SectionText::HeaderFields(vec![b"Message-ID".to_vec()])),
            },
            partial: None,
        },
    ]
}

/// Runs a script: `S:` is said by the server (`\n` is a line end), `C:` is
/// what must be said to it, anything else is what a step must lead to, as
/// `Debug` shows it. The requests are made one after the other.
#[track_caller]
fn check(requests: &[Ask], script: &str) {
    let mut session = Session::new();
    let mut requests = requests.iter();
    let mut server: Vec<u8> = Vec::new();
    for line in script
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        if let Some(said) = line.strip_prefix("S: ") {
            server.extend(said.replace("\\n", "\r\n").into_bytes());
            server.extend(b"\r\n");
            continue;
        }
        let mut input = server.as_slice();
        let mut step = session.step(&mut input);
        if step == Ok(Step::Receive) {
            assert!(input.is_empty());
        }
        if let Ok(Step::Done(_)) | Err(_) = &step
            && line.starts_with("C:")
        {
            panic!("{line} was expected, and there was {step:?}");
        }
        let left = input.len();
        server.drain(..server.len() - left);
        if let Some(expected) = line.strip_prefix("C:") {
            let expected = expected.trim_start().replace("\\n", "\r\n") + "\r\n";
            match step {
                Ok(Step::Send(octets)) => {
                    assert_eq!(String::from_utf8_lossy(&octets), expected);
                }
                other => panic!("{expected:?} was expected, and there was {other:?}"),
            }
            continue;
        }
        let shown = match &mut step {
            Ok(Step::Done(done)) => format!("{done:?}"),
            Ok(other) => format!("{other:?}"),
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, line);
        if let Some(next) = requests.next()
            && let Err(error) = ask(&mut session, *next)
        {
            // The next line of the script says what came of it.
            server.clear();
            server.extend(format!("* BYE {error}\r\n").into_bytes());
        }
    }
}

#[test]
fn looks_for_a_message_as_exchange_has_it() {
    check(
        &[
            Ask::Password,
            Ask::List,
            Ask::Examine("Sent Items"),
            Ask::Find("<1@northmoor.example>"),
            Ask::Fetch(7),
            Ask::Logout,
        ],
        r#"
        S: * OK The Microsoft Exchange IMAP4 service is ready. [TABP]
        C: A1 CAPABILITY
        S: * CAPABILITY IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS
        S: A1 OK CAPABILITY completed.
        Ready
        C: A2 AUTHENTICATE PLAIN AGFzaGFAbm9ydGhtb29yLmV4YW1wbGUAcGFzcyB3b3Jk
        S: A2 OK AUTHENTICATE completed.
        C: A3 CAPABILITY
        S: * CAPABILITY IMAP4rev1 MOVE
        S: A3 OK CAPABILITY completed.
        Ready
        C: A4 LIST "" "*"
        S: * LIST (\HasNoChildren) "/" INBOX
        S: * LIST (\Marked \HasNoChildren \Sent) "/" "Sent Items"
        S: * LIST (\Noselect) NIL {6}\nEntw&-
        S: A4 OK LIST completed.
        Folders([Folder { name: "INBOX", wire: [73, 78, 66, 79, 88], attributes: ["\\HasNoChildren"], delimiter: Some(47) }, Folder { name: "Sent Items", wire: [83, 101, 110, 116, 32, 73, 116, 101, 109, 115], attributes: ["\\Marked", "\\HasNoChildren", "\\Sent"], delimiter: Some(47) }, Folder { name: "Entw&", wire: [69, 110, 116, 119, 38, 45], attributes: ["\\Noselect"], delimiter: None }])
        C: A5 EXAMINE "Sent Items"
        S: * 3 EXISTS
        S: * 0 RECENT
        S: * FLAGS (\Seen \Answered $MDNSent)
        S: * OK [PERMANENTFLAGS (\Seen)] Permanent flags
        S: * OK [UIDVALIDITY 14] UIDVALIDITY value
        S: * OK [UIDNEXT 9] The next unique identifier value
        S: A5 OK [READ-ONLY] EXAMINE completed.
        Opened(Opened { messages: 3, uid_validity: Some(14), uid_next: Some(9) })
        C: A6 UID SEARCH SINCE 20-Nov-2026 HEADER Message-ID "<1@northmoor.example>"
        S: * SEARCH 7
        S: * SEARCH 3 7
        S: A6 OK SEARCH completed.
        Found([3, 7])
        C: A7 UID FETCH 7 (UID INTERNALDATE BODY.PEEK[HEADER.FIELDS (Message-ID)])
        S: * 4 EXISTS
        S: * 2 FETCH (FLAGS (\Seen))
        S: * 3 FETCH (UID 7 MODSEQ (12) X-ODD ((1 "a b") {2}\n() \Odd) INTERNALDATE "21-Nov-2026 09:30:00 +0000" BODY[HEADER.FIELDS ("Message-ID")] {39}\nMessage-ID: <1@northmoor.example>\n\n\n)
        S: A7 OK FETCH completed.
        Fetched([Fetched { uid: 7, flags: None, internal_date: Some(2026-11-21T09:30:00.000Z), size: None, envelope: None, sections: [("HEADER.FIELDS (Message-ID)", [77, 101, 115, 115, 97, 103, 101, 45, 73, 68, 58, 32, 60, 49, 64, 110, 111, 114, 116, 104, 109, 111, 111, 114, 46, 101, 120, 97, 109, 112, 108, 101, 62, 13, 10, 13, 10, 13, 10])] }])
        C: A8 LOGOUT
        S: * BYE Microsoft Exchange Server IMAP4 server signing off.
        S: A8 OK LOGOUT completed.
        Parted
        "#,
    );
}

#[test]
fn signs_in_by_what_is_offered() {
    // A continuation where there is no initial response.
    check(
        &[Ask::Password],
        r#"
        S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready
        Ready
        C: A1 AUTHENTICATE PLAIN
        S: +
        C: AGFzaGFAbm9ydGhtb29yLmV4YW1wbGUAcGFzcyB3b3Jk
        S: A1 OK [CAPABILITY IMAP4rev1 MOVE] in
        Ready
        "#,
    );
    // LOGIN, with a literal that waits for consent.
    check(
        &[Ask::Password],
        r#"
        S: * OK [CAPABILITY IMAP4rev1] ready
        Ready
        C: A1 LOGIN asha@northmoor.example "pass word"
        S: A1 NO [AUTHENTICATIONFAILED] LOGIN failed.
        the server answered signing in with NO LOGIN failed.
        the server closed the connection at rest
        "#,
    );
    // The reason for a refused token comes as a challenge.
    check(
        &[Ask::Token],
        r#"
        S: * OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR] ready
        Ready
        C: A1 AUTHENTICATE XOAUTH2 dXNlcj1hc2hhQG5vcnRobW9vci5leGFtcGxlAWF1dGg9QmVhcmVyIGEuYi5jAQE=
        S: + eyJzdGF0dXMiOiI0MDAifQ==
        C:
        S: A1 NO AUTHENTICATE failed.
        the server answered signing in with NO AUTHENTICATE failed.
        "#,
    );
    // Nothing is tried that is not offered.
    check(
        &[Ask::Password],
        r#"
        S: * OK [CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=XOAUTH2] ready
        Ready
        the server said BYE at rest: the server does not let us in by password; it offers: XOAUTH2
        "#,
    );
    // Signed in, yet without a mailbox.
    check(
        &[Ask::Token],
        r#"
        S: * OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR] ready
        Ready
        C: A1 AUTHENTICATE XOAUTH2 dXNlcj1hc2hhQG5vcnRobW9vci5leGFtcGxlAWF1dGg9QmVhcmVyIGEuYi5jAQE=
        S: A1 OK AUTHENTICATE completed.
        C: A2 CAPABILITY
        S: A2 BAD User is authenticated but not connected.
        the server answered the first command after signing in with BAD User is authenticated but not connected.
        "#,
    );
}

#[test]
fn what_fails_is_told() {
    check(
        &[
            Ask::Password,
            Ask::Examine("Gesendete Elemente"),
            Ask::Examine("Sent"),
            Ask::List,
        ],
        r#"
        S: * OK [CAPABILITY IMAP4rev1 SPECIAL-USE LIST-EXTENDED] ready
        Ready
        C: A1 LOGIN asha@northmoor.example "pass word"
        S: A1 OK [CAPABILITY IMAP4rev1 SPECIAL-USE LIST-EXTENDED] in
        Ready
        C: A2 EXAMINE "Gesendete Elemente"
        S: A2 NO [NONEXISTENT] no such mailbox
        the server answered EXAMINE with NO no such mailbox
        C: A3 EXAMINE Sent
        S: A3 OK [READ-ONLY] done
        Opened(Opened { messages: 0, uid_validity: None, uid_next: None })
        C: A4 LIST "" "*" RETURN (SPECIAL-USE)
        S: * BYE too many {3}
        the server said BYE at LIST: too many {3}
        "#,
    );
    for (said, expected) in [
        (
            "* BYE overloaded",
            "the server said BYE at its greeting: overloaded",
        ),
        (
            "* NO not now",
            "the server answered its greeting with NO not now",
        ),
        (
            "* PREAUTH welcome",
            "the server broke the protocol at its greeting: it takes us for somebody it has not asked (PREAUTH)",
        ),
        (
            "220 mail.northmoor.example ESMTP",
            "the server broke the protocol at its greeting: not a response: \"220 mail.northmoor.example ESMTP\": OK, NO or BAD expected at octet 4",
        ),
        (
            "A1 OK eager",
            "the server broke the protocol at its greeting: a completion of nothing that was asked",
        ),
        (
            "+ go on",
            "the server broke the protocol at its greeting: a continuation that nothing waits for",
        ),
    ] {
        check(&[], &format!("S: {said}\n{expected}"));
    }
}

#[test]
fn literals_are_sent_when_they_are_asked_for() {
    check(
        &[Ask::Find("<é@b>")],
        r#"
        S: * OK [CAPABILITY IMAP4rev1] ready
        Ready
        C: A1 UID SEARCH SINCE 20-Nov-2026 HEADER Message-ID {6}
        S: + Ready for literal data
        C: <é@b>
        S: A1 NO [BADCHARSET] US-ASCII only
        the server answered SEARCH with NO US-ASCII only
        "#,
    );
}

#[test]
fn an_envelope_is_read_as_our_server_writes_it() {
    use crate::imap::{Envelope, EnvelopeAddress};
    let address = |name: Option<&[u8]>| EnvelopeAddress {
        name: name.map(<[u8]>::to_vec),
        mailbox: Some(b"asha".to_vec()),
        host: Some(b"northmoor.example".to_vec()),
        route: None,
    };
    let envelope = Envelope {
        date: Some(b"Sat, 21 Nov 2026 09:30:00 +0000".to_vec()),
        subject: Some("Gr\u{fc}\u{df}e".as_bytes().to_vec()),
        from: vec![address(Some(b"A \"B\""))],
        sender: vec![address(None)],
        reply_to: vec![address(None), address(Some(b"x\r\ny"))],
        message_id: Some(b"<1@northmoor.example>".to_vec()),
        ..Envelope::default()
    };
    let mut wire = b"* 1 FETCH (UID 1 ENVELOPE ".to_vec();
    envelope.put(&mut wire);
    wire.extend(b")\r\n");
    let (mut framer, mut input) = (frame::Framer::default(), wire.as_slice());
    let framed = framer.next(&mut input).expect("framed").expect("whole");
    let read = parse::parse(&framed).expect("read");
    let mut gathered = gather::Gathered::default();
    if let response::Response::Untagged(data) = read {
        gathered.take(data).expect("gathered");
    }
    assert_eq!(gathered.fetched[0].envelope.as_deref(), Some(&envelope));
}

#[test]
fn what_comes_is_bounded() {
    let long = vec![b'x'; RESPONSE_OCTETS_MAX];
    let announced = format!("* 1 FETCH (BODY[] {{{}}}\r\n", u64::MAX);
    let larger = format!("* 1 FETCH (BODY[] {{{RESPONSE_OCTETS_MAX}}}\r\n");
    for octets in [
        [b"* ".as_slice(), &long, b"x\r\n"].concat(),
        announced.into_bytes(),
        larger.into_bytes(),
    ] {
        let mut session = Session::new();
        assert_eq!(
            session.step(&mut octets.as_slice()),
            Err(Error::Violation {
                stage: Stage::Greeting,
                violation: Violation::ResponseTooLong
            })
        );
    }
    // Many small responses are bounded by what they add up to.
    let mut session = Session::new();
    let mut input: &[u8] = b"* OK [CAPABILITY IMAP4rev1] ready\r\n";
    assert_eq!(session.step(&mut input), Ok(Step::Done(Done::Ready)));
    session.list();
    let folders = b"* LIST () \"/\" a\r\n".repeat(FOLDERS_MAX + 1);
    let mut input = folders.as_slice();
    assert!(matches!(session.step(&mut input), Ok(Step::Send(_))));
    let ended = session.step(&mut input);
    assert!(matches!(
        ended,
        Err(Error::Violation {
            violation: Violation::TooMuch(_),
            ..
        })
    ));
    // Depth is bounded where a value is passed over.
    let deep = format!("* 1 FETCH (X {}1{})", "(".repeat(5000), ")".repeat(5000));
    assert!(parse::parse(deep.as_bytes()).is_err());
}

/// A small generator of its own (xorshift), so that a failure can be repeated.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits")
    }
}

const SEEDS: [&str; 12] = [
    "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready\r\n",
    "* CAPABILITY IMAP4rev1 SPECIAL-USE LIST-EXTENDED\r\nA1 OK done\r\n",
    "A2 OK [CAPABILITY IMAP4rev1] in\r\n",
    "* LIST (\\HasNoChildren \\Sent) \"/\" {10}\r\nSent Items\r\nA3 OK\r\n",
    "* 3 EXISTS\r\n* OK [UIDVALIDITY 14] x\r\nA4 OK [READ-ONLY] done\r\n",
    "* SEARCH 1 2 3 (MODSEQ 9)\r\nA5 OK done\r\n",
    "* 1 FETCH (UID 7 FLAGS (\\Seen $X) BODY[HEADER.FIELDS (\"a\")]<0> {3}\r\nabc INTERNALDATE \" 1-Nov-2026 09:05:07 +0000\")\r\n",
    "* 1 FETCH (UID 7 ENVELOPE (NIL \"s\" ((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL NIL \"<i>\"))\r\nA6 OK\r\n",
    "* 1 FETCH (BODYSTRUCTURE ((\"a\" (\"b\" \"c\") NIL) \"mixed\" 12) UID 3)\r\n",
    "A1 NO [AUTHENTICATIONFAILED] no\r\n",
    "+ eyJ9\r\n",
    "* BYE gone\r\n",
];

fn mutated(noise: &mut Noise) -> Vec<u8> {
    let mut bytes = SEEDS[noise.next() % SEEDS.len()].as_bytes().to_vec();
    for _ in 0..noise.next() % 5 {
        let place = noise.next() % bytes.len();
        match noise.next() % 4 {
            0 => bytes[place] = u8::try_from(noise.next() & 0xff).expect("one octet"),
            1 => {
                bytes.remove(place);
            }
            2 => {
                let odd = b"{}()[]<>\"\\\r\n&-*%+\0~9";
                bytes.insert(place, odd[noise.next() % odd.len()]);
            }
            _ => {
                let end = (place + noise.next() % 8).min(bytes.len());
                let piece = bytes[place..end].to_vec();
                bytes.splice(place..place, piece);
            }
        }
        if bytes.is_empty() {
            bytes.push(b'\n');
        }
    }
    bytes
}

#[test]
fn mutated_servers_never_cause_a_panic() {
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    let asks = [
        Ask::Password,
        Ask::Token,
        Ask::List,
        Ask::Examine("Sent Items"),
        Ask::Find("<1@b>"),
        Ask::Fetch(7),
        Ask::Logout,
    ];
    let (mut done, mut refused) = (0_u32, 0_u32);
    for _ in 0..4_000 {
        let mut session = Session::new();
        let mut reads = 40;
        let mut input: Vec<u8> =
            b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2] x\r\n".to_vec();
        loop {
            let mut rest = input.as_slice();
            let step = session.step(&mut rest);
            let used = input.len() - rest.len();
            input.drain(..used);
            match step {
                Ok(Step::Send(_)) => {}
                Ok(Step::Receive) if reads == 0 => break,
                Ok(Step::Receive) => {
                    reads -= 1;
                    input.extend(mutated(&mut noise));
                    // Now and then the completion that is waited for.
                    if noise.next().is_multiple_of(3) {
                        input.extend(format!("A{} OK done\r\n", noise.next() % 12).into_bytes());
                    }
                }
                Ok(Step::Done(_)) => {
                    done += 1;
                    if ask(&mut session, asks[noise.next() % asks.len()]).is_err() {
                        break;
                    }
                }
                Err(_) => {
                    refused += 1;
                    if !session.is_open() {
                        break;
                    }
                    let _ = ask(&mut session, asks[noise.next() % asks.len()]);
                }
            }
        }
    }
    // The noise has to reach both ends to be worth anything.
    assert!(
        done > 4_000 && refused > 1_000,
        "{done} done, {refused} refused"
    );
}
