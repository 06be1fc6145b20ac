//! POP3 (RFC 1939; AUTH: RFC 5034).
//!
//! The lines of a long answer are shown up to a bound: messages come as such.

use super::lines::Lines;
use super::smtp::mechanism;
use super::{Commands, Direction, Said};

/// Lines of one answer beyond its first that are shown.
const ANSWER_LINES_MAX: u64 = 20;

/// Commands whose arguments are no secret.
const PLAIN: &[&str] = &[
    "CAPA", "STLS", "USER", "QUIT", "STAT", "LIST", "RETR", "DELE", "NOOP", "RSET", "TOP", "UIDL",
    "UTF8", "LANG",
];

/// Commands of which only the name is shown.
const SECRET: &[&str] = &["AUTH", "PASS", "APOP"];

#[derive(Debug)]
pub(super) struct Scribe {
    client: Lines,
    server: Lines,
    /// Answers that are due, the greeting included.
    due: u64,
    /// So many answers are due until AUTH is answered.
    secret: Option<u64>,
    answer_lines: u64,
}

impl Default for Scribe {
    fn default() -> Self {
        Self {
            client: Lines::default(),
            server: Lines::default(),
            due: 1,
            secret: None,
            answer_lines: 0,
        }
    }
}

impl Scribe {
    pub(super) fn received(&mut self, mut input: &[u8], said: &mut Said, commands: &mut Commands) {
        while !input.is_empty() {
            let Some(line) = self.client.next(&mut input) else {
                continue;
            };
            let text = if self.secret.is_some() {
                line.hidden()
            } else {
                self.due += 1;
                let verb = line.word(0);
                if PLAIN.contains(&verb.as_str()) || SECRET.contains(&verb.as_str()) {
                    commands.push(verb.clone());
                }
                match verb.as_str() {
                    "AUTH" => {
                        self.secret = Some(self.due);
                        format!("AUTH {} ***", mechanism(&line.word(1)))
                    }
                    "PASS" => "PASS ***".to_owned(),
                    "APOP" => "APOP ***".to_owned(),
                    verb if PLAIN.contains(&verb) => line.shown(),
                    _ => line.hidden(),
                }
            };
            said.push((Direction::Client, text));
        }
    }

    pub(super) fn sent(&mut self, mut input: &[u8], said: &mut Said) {
        while !input.is_empty() {
            let Some(line) = self.server.next(&mut input) else {
                continue;
            };
            let text = line.shown();
            let is_status = text.starts_with("+OK") || text.starts_with("-ERR");
            if is_status {
                self.answer_lines = 0;
                self.due = self.due.saturating_sub(1);
                self.secret = match self.secret {
                    Some(due) if due > 1 => Some(due - 1),
                    _ => None,
                };
            } else {
                self.answer_lines += 1;
            }
            let text = match self.answer_lines {
                lines if lines <= ANSWER_LINES_MAX => text,
                lines if lines == ANSWER_LINES_MAX + 1 => "[more]".to_owned(),
                _ => continue,
            };
            said.push((Direction::Server, text));
        }
    }

    pub(super) fn ended(&mut self, said: &mut Said) {
        if let Some(line) = self.client.rest() {
            said.push((Direction::Client, line.hidden()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_gets_through_however_it_is_sent() {
        let scripts: &[&[(char, &str)]] = &[
            &[
                ('S', "+OK hi\r\n"),
                ('C', "USER a\r\nPASS SECRET\r\n"),
                ('S', "+OK\r\n+OK\r\n"),
            ],
            &[
                ('S', "+OK hi\r\n"),
                ('C', "USER a\r\nAUTH PLAIN\r\n"),
                ('S', "+OK\r\n+ \r\n"),
                ('C', "SECRET\r\n"),
                ('S', "+OK\r\n"),
            ],
            &[
                ('S', "+OK hi\r\n"),
                ('C', "AUTH XOAUTH2 SECRET\r\n"),
                ('S', "-ERR no\r\n"),
            ],
            &[('C', "APOP a SECRET\r\nSECRET\r\n"), ('C', "pass SECRET")],
        ];
        for script in scripts {
            for size in [1, 1000] {
                let (mut scribe, mut said) = (Scribe::default(), Said::new());
                for (who, octets) in *script {
                    for piece in octets.as_bytes().chunks(size) {
                        match who {
                            'C' => scribe.received(piece, &mut said, &mut Commands::new()),
                            _ => scribe.sent(piece, &mut said),
                        }
                    }
                }
                scribe.ended(&mut said);
                let leaked = said.iter().any(|(_, text)| text.contains("SECRET"));
                assert!(!leaked, "{script:?}: {said:?}");
            }
        }
    }
}
