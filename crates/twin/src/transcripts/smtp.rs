//! SMTP (RFC 5321, AUTH: RFC 4954, BDAT: RFC 3030).
//!
//! ```text
//!   Command ── AUTH ──▶ Secret ── its reply, other than 334 ──▶ Command
//!      ├────── 354 ───▶ Body ──── a line with one dot ────────▶ Command
//!      └────── BDAT n ▶ n octets skipped
//! ```
//!
//! Replies are counted against commands, so that the end of AUTH is known
//! however much a client sends ahead of it.

use super::lines::{Lines, Skipped};
use super::{Direction, Said};

/// As much of a message as is shown.
const BODY_OCTETS_KEPT: usize = 1024;

/// Commands whose arguments are no secret.
const PLAIN: &[&str] = &[
    "EHLO", "HELO", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "QUIT", "VRFY", "EXPN", "HELP",
    "STARTTLS",
];

#[derive(Debug)]
pub(super) struct Scribe {
    client: Lines,
    server: Lines,
    phase: Phase,
    skipped: Skipped,
    /// Replies that are due, the greeting included.
    due: u64,
}

#[derive(Debug)]
enum Phase {
    Command,
    /// So many replies are due until AUTH is answered.
    Secret {
        due: u64,
    },
    Body {
        octets: u64,
        line_octets: usize,
    },
}

impl Default for Scribe {
    fn default() -> Self {
        Self {
            client: Lines::default(),
            server: Lines::default(),
            phase: Phase::Command,
            skipped: Skipped::default(),
            due: 1,
        }
    }
}

impl Scribe {
    pub(super) fn received(&mut self, mut input: &[u8], said: &mut Said) {
        while !input.is_empty() {
            if !self.skipped.is_over() {
                self.client.finish_end(&mut input);
                self.skipped.take(&mut input);
                continue;
            }
            let Some(line) = self.client.next(&mut input) else {
                continue;
            };
            let text = match &mut self.phase {
                Phase::Secret { .. } => Some(line.hidden()),
                Phase::Body { octets, .. } if line.is(b".") => {
                    let text = format!("[message of {octets} octets]");
                    self.phase = Phase::Command;
                    Some(text)
                }
                Phase::Body {
                    octets,
                    line_octets,
                } => {
                    *octets += line.octets as u64 + 2;
                    *line_octets += line.octets;
                    (*line_octets <= BODY_OCTETS_KEPT).then(|| line.shown())
                }
                Phase::Command => {
                    self.due += 1;
                    match line.word(0).as_str() {
                        "AUTH" => {
                            self.phase = Phase::Secret { due: self.due };
                            Some(format!("AUTH {} ***", mechanism(&line.word(1))))
                        }
                        "BDAT" => {
                            self.skipped.begin(line.word(1).parse().unwrap_or(0));
                            Some(line.shown())
                        }
                        verb if PLAIN.contains(&verb) => Some(line.shown()),
                        _ => Some(line.hidden()),
                    }
                }
            };
            said.extend(text.map(|text| (Direction::Client, text)));
        }
    }

    pub(super) fn sent(&mut self, mut input: &[u8], said: &mut Said) {
        while !input.is_empty() {
            let Some(line) = self.server.next(&mut input) else {
                continue;
            };
            if line.octets == 0 {
                continue;
            }
            let text = line.shown();
            let code = text.get(..3).unwrap_or_default();
            let is_last = text.as_bytes().get(3) != Some(&b'-');
            match (code, is_last) {
                ("354", _) => {
                    self.phase = Phase::Body {
                        octets: 0,
                        line_octets: 0,
                    };
                }
                ("334", _) | (_, false) => {}
                _ => {
                    self.due = self.due.saturating_sub(1);
                    if let Phase::Secret { due } = &mut self.phase {
                        *due = due.saturating_sub(1);
                        if *due == 0 {
                            self.phase = Phase::Command;
                        }
                    }
                }
            }
            said.push((Direction::Server, without_echo(text)));
        }
    }

    /// What was said in the clear does not count any more (RFC 3207 section 4.2).
    pub(super) fn secured(&mut self) {
        *self = Self {
            due: 0,
            ..Self::default()
        };
    }

    pub(super) fn ended(&mut self, said: &mut Said) {
        if let Some(line) = self.client.rest() {
            said.push((Direction::Client, line.hidden()));
        }
    }
}

/// The name of a mechanism, and nothing else that stands in its place.
pub(super) fn mechanism(word: &str) -> &str {
    const NAMES: [&str; 6] = [
        "PLAIN",
        "LOGIN",
        "XOAUTH2",
        "OAUTHBEARER",
        "EXTERNAL",
        "NTLM",
    ];
    if NAMES.contains(&word) { word } else { "" }
}

/// Replies that repeat what a client said may repeat a secret that came at the
/// wrong moment.
fn without_echo(text: String) -> String {
    match (text.starts_with('5'), text.split_once('\'')) {
        (true, Some((before, _))) => format!("{before}'***'"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `C` and `S` lines as they pass; gives the transcript. Every client
    /// octet comes by itself when `cut`.
    fn play(script: &[(char, &str)], cut: bool) -> String {
        let (mut scribe, mut said) = (Scribe::default(), Said::new());
        for (who, octets) in script {
            let size = if cut { 1 } else { octets.len().max(1) };
            for piece in octets.as_bytes().chunks(size) {
                match who {
                    'C' => scribe.received(piece, &mut said),
                    _ => scribe.sent(piece, &mut said),
                }
            }
        }
        scribe.ended(&mut said);
        said.iter().map(|(_, text)| format!("{text}\n")).collect()
    }

    #[test]
    fn no_secret_gets_through_however_it_is_sent() {
        // Every script says SECRET where a secret stands.
        let scripts: &[&[(char, &str)]] = &[
            &[
                ('S', "220 hi\r\n"),
                ('C', "AUTH PLAIN SECRET\r\n"),
                ('S', "235 ok\r\n"),
            ],
            &[
                ('S', "220 hi\r\n"),
                ('C', "auth SECRET\r\n"),
                ('S', "504 no\r\n"),
            ],
            &[
                ('S', "220 hi\r\n"),
                ('C', "EHLO a\r\nAUTH LOGIN\r\nSECRET\r\nNOOP SECRET\r\n"),
                (
                    'S',
                    "250-a\r\n250 b\r\n334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n535 no\r\n",
                ),
            ],
            &[('C', "EHLO a\r\rAUTH PLAIN SECRET\r\n")],
            &[('C', "EHLO a\nAUTH PLAIN SECRET\n")],
            &[
                ('C', "SECRET\r\n"),
                ('S', "500 5.3.3 Unrecognized command 'SECRET'\r\n"),
            ],
            &[('C', "AUTH LOGIN SECRET")],
            &[
                ('S', "220 hi\r\n"),
                ('C', "AUTH LOGIN\r\n"),
                ('S', "334 a\r\n"),
                ('C', "SECRET\r\n"),
                ('S', "334 b\r\n"),
                ('C', "MAIL SECRET\r\n"),
                ('S', "235 ok\r\n"),
            ],
        ];
        for script in scripts {
            for cut in [false, true] {
                let text = play(script, cut);
                assert!(!text.contains("SECRET"), "{script:?}: {text}");
            }
        }
    }

    #[test]
    fn a_session_reads_as_it_went() {
        let script = [
            ('S', "220 hi\r\n"),
            ('C', "EHLO client.example\r\n"),
            ('S', "250-hello\r\n250 SIZE 100\r\n"),
            ('C', "AUTH PLAIN abc\r\n"),
            ('S', "235 2.7.0 ok\r\n"),
            (
                'C',
                "MAIL FROM:<a@northmoor.example>\r\nRCPT TO:<b@northmoor.example>\r\nDATA\r\n",
            ),
            ('S', "250 ok\r\n250 ok\r\n354 go\r\n"),
            ('C', "Subject: x\r\n\r\nhello\r\n.\r\nBDAT 5 LAST\r\nQUIT\n"),
            ('S', "250 taken\r\n250 taken\r\n"),
            ('C', "QUIT\r\n"),
        ];
        let expected = "220 hi\nEHLO client.example\n250-hello\n250 SIZE 100\nAUTH PLAIN ***\n235 2.7.0 ok\n\
            MAIL FROM:<a@northmoor.example>\nRCPT TO:<b@northmoor.example>\nDATA\n250 ok\n250 ok\n354 go\n\
            Subject: x\n\nhello\n[message of 21 octets]\nBDAT 5 LAST\n250 taken\n250 taken\nQUIT\n";
        for cut in [false, true] {
            assert_eq!(play(&script, cut), expected);
        }
    }
}
