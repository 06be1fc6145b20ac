//! IMAP (RFC 9051, RFC 3501; SASL-IR: RFC 4959; LITERAL+: RFC 7888).
//!
//! ```text
//!   Command ── AUTHENTICATE ──▶ Secret ── its tagged answer ──▶ Command
//!      └─ line ends in {n} ──▶ n octets skipped ──▶ rest of the command
//! ```

use super::lines::{Line, Lines, Skipped};
use super::smtp::mechanism;
use super::{Commands, Direction, Said};

/// Commands whose arguments are no secret; their literals are counted.
const PLAIN: &[&str] = &[
    "CAPABILITY",
    "NOOP",
    "LOGOUT",
    "STARTTLS",
    "ENABLE",
    "ID",
    "NAMESPACE",
    "SELECT",
    "EXAMINE",
    "CREATE",
    "DELETE",
    "RENAME",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "LIST",
    "LSUB",
    "STATUS",
    "APPEND",
    "CHECK",
    "CLOSE",
    "UNSELECT",
    "EXPUNGE",
    "SEARCH",
    "FETCH",
    "STORE",
    "COPY",
    "MOVE",
    "UID",
    "IDLE",
    "SORT",
    "THREAD",
    "GETQUOTA",
    "GETQUOTAROOT",
    "SETQUOTA",
    "XLIST",
];

#[derive(Debug, Default)]
pub(super) struct Scribe {
    client: Lines,
    server: Lines,
    skipped: Skipped,
    skipped_of_server: Skipped,
    /// The command goes on after a literal, and whether it may be shown.
    goes_on: Option<bool>,
    /// The tag of an AUTHENTICATE that is not answered yet.
    secret: Option<String>,
}

impl Scribe {
    pub(super) fn received(&mut self, mut input: &[u8], said: &mut Said, commands: &mut Commands) {
        while !input.is_empty() {
            if !self.skipped.is_over() {
                self.client.finish_end(&mut input);
                self.skipped.take(&mut input);
                continue;
            }
            let Some(line) = self.client.next(&mut input) else {
                continue;
            };
            if line.octets == 0 && self.goes_on.is_none() {
                continue;
            }
            let literal = literal(&line);
            let is_shown = match self.goes_on.take() {
                Some(is_shown) => is_shown,
                None => self.begins(&line, said, commands),
            };
            if let Some(octets) = literal {
                self.skipped.begin(octets);
                self.goes_on = Some(is_shown);
            }
            if is_shown {
                said.push((Direction::Client, line.shown()));
            }
        }
    }

    /// A command begins: whether its line may be shown. What stands for one
    /// that may not is written here.
    fn begins(&mut self, line: &Line, said: &mut Said, commands: &mut Commands) -> bool {
        let verb = line.word(1);
        let text = line.text();
        let is_done = text.eq_ignore_ascii_case("DONE");
        if self.secret.is_none() && (is_done || PLAIN.contains(&verb.as_str())) {
            commands.push(match verb.as_str() {
                _ if is_done => "DONE".to_owned(),
                "UID" => format!("UID {}", line.word(2)),
                _ => verb,
            });
            return true;
        }
        let tag = text.split(' ').next().unwrap_or_default();
        let entry = match verb.as_str() {
            _ if self.secret.is_some() => line.hidden(),
            "LOGIN" => {
                commands.push(verb);
                format!("{tag} LOGIN ***")
            }
            "AUTHENTICATE" => {
                commands.push(verb.clone());
                self.secret = Some(tag.to_owned());
                format!("{tag} AUTHENTICATE {} ***", mechanism(&line.word(2)))
            }
            _ => line.hidden(),
        };
        said.push((Direction::Client, entry));
        false
    }

    pub(super) fn sent(&mut self, mut input: &[u8], said: &mut Said) {
        while !input.is_empty() {
            if !self.skipped_of_server.is_over() {
                self.server.finish_end(&mut input);
                self.skipped_of_server.take(&mut input);
                continue;
            }
            let Some(line) = self.server.next(&mut input) else {
                continue;
            };
            if line.octets == 0 {
                continue;
            }
            if let Some(octets) = literal(&line) {
                self.skipped_of_server.begin(octets);
            }
            let text = line.text();
            let is_answer = |tag: &String| text.split(' ').next() == Some(tag);
            if self.secret.as_ref().is_some_and(is_answer) {
                self.secret = None;
            }
            said.push((Direction::Server, line.shown()));
        }
    }

    pub(super) fn ended(&mut self, said: &mut Said) {
        if let Some(line) = self.client.rest() {
            said.push((Direction::Client, line.hidden()));
        }
    }
}

/// The octets that a line announces at its end: `{12}`, `{12+}`, `~{12}`. What
/// is too long to be kept announces none that we could read.
fn literal(line: &Line) -> Option<u64> {
    let text = line.text();
    let (_, count) = text.strip_suffix('}')?.rsplit_once('{')?;
    count.trim_end_matches('+').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn play(script: &[(char, &str)], cut: bool) -> String {
        let (mut scribe, mut said) = (Scribe::default(), Said::new());
        for (who, octets) in script {
            let size = if cut { 1 } else { octets.len().max(1) };
            for piece in octets.as_bytes().chunks(size) {
                match who {
                    'C' => scribe.received(piece, &mut said, &mut Commands::new()),
                    _ => scribe.sent(piece, &mut said),
                }
            }
        }
        scribe.ended(&mut said);
        said.iter().map(|(_, text)| format!("{text}\n")).collect()
    }

    #[test]
    fn no_secret_gets_through_however_it_is_sent() {
        let scripts: &[&[(char, &str)]] = &[
            &[('C', "a LOGIN user SECRET\r\n"), ('S', "a OK\r\n")],
            &[
                ('C', "a login {4}\r\n"),
                ('S', "+ go\r\n"),
                ('C', "user {6}\r\n"),
                ('S', "+ go\r\n"),
                ('C', "SECRET\r\n"),
            ],
            &[('C', "a LOGIN {4+}\r\nuser {6+}\r\nSECRET\r\nb NOOP\r\n")],
            &[('C', "a LOGIN user {6+}\r\nSECRET SECRET\r\n")],
            &[('C', "a AUTHENTICATE PLAIN SECRET\r\n"), ('S', "a OK\r\n")],
            &[('C', "a AUTHENTICATE PLAIN\r\nSECRET\r\nb NOOP SECRET\r\n")],
            &[
                ('C', "a NOOP\r\nb AUTHENTICATE LOGIN\r\n"),
                ('S', "a OK\r\n+ \r\n"),
                ('C', "SECRET\r\n"),
                ('S', "+ \r\n"),
                ('C', "c NOOP SECRET\r\n"),
                ('S', "b NO\r\n"),
            ],
            &[('C', "SECRET\r\n"), ('S', "* BAD no\r\n")],
            &[('C', "a LOGIN user SECRET")],
            &[('C', "a XLOGIN SECRET\r\n")],
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
            ('S', "* OK ready\r\n"),
            ('C', "a LOGIN {4+}\r\nuser {6+}\r\nsecret\r\n"),
            ('S', "a OK done\r\n"),
            ('C', "b APPEND INBOX {5+}\r\na\r\nbc\r\n"),
            ('S', "b OK done\r\n"),
            ('C', "c UID FETCH 1 BODY[]\r\n"),
            (
                'S',
                "* 1 FETCH (BODY[] {5}\r\na\r\nbc UID 1)\r\nc OK done\r\n",
            ),
        ];
        let expected = "* OK ready\na LOGIN ***\na OK done\nb APPEND INBOX {5+}\n\nb OK done\n\
            c UID FETCH 1 BODY[]\n* 1 FETCH (BODY[] {5}\n UID 1)\nc OK done\n";
        for cut in [false, true] {
            assert_eq!(play(&script, cut), expected);
        }
    }
}
