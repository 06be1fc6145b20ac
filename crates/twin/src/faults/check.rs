//! Whether a fault makes sense, before it is set: what is wrong, where, and
//! what to write instead.

use mailward_mail::Reply;

use super::spec::{ActionSpec, FaultError, FaultSpec};
use super::stage::{Protocol, Scope};

const ID_OCTETS_MAX: usize = 64;
const TEXT_OCTETS_MAX: usize = 400;
pub(crate) const COPIES_MAX: u32 = 10;
/// Longer than any clock of a test is moved.
const SECONDS_MAX: u64 = 10 * 366 * 24 * 3600;

pub(super) fn check(spec: &FaultSpec) -> Result<(), FaultError> {
    let wrong = |field: &'static str, problem: String| {
        Err(FaultError {
            fault: if spec.id.is_empty() {
                "without id".to_owned()
            } else {
                spec.id.clone()
            },
            field,
            problem,
        })
    };
    let sound = |char: char| char.is_ascii_alphanumeric() || char == '-' || char == '_';
    if spec.id.len() > ID_OCTETS_MAX || !spec.id.chars().all(sound) {
        let problem = format!("write up to {ID_OCTETS_MAX} letters, digits, - and _");
        return wrong("id", problem);
    }
    let matching = &spec.matching;
    let stages = matching.protocol.stages();
    if let Some(stage) = &matching.stage
        && !stages.contains(&stage.as_str())
    {
        let known = stages.join(", ");
        return wrong(
            "match.stage",
            format!("{stage} is none; write one of {known}"),
        );
    }
    for (field, pattern) in [
        ("match.account", &matching.account),
        ("match.sender", &matching.sender),
        ("match.recipient", &matching.recipient),
        ("match.path", &matching.path),
    ] {
        if pattern
            .as_ref()
            .is_some_and(|text| text.matches('*').count() > 1)
        {
            return wrong(field, "write at most one *".to_owned());
        }
    }
    if matching.nth == Some(0) || matching.every == Some(0) {
        return wrong("match.nth", "times are counted from 1".to_owned());
    }
    if spec
        .percent
        .is_some_and(|percent| !(1..=100).contains(&percent))
    {
        return wrong("percent", "write a number from 1 to 100".to_owned());
    }
    if spec.lifetime.times == Some(0) {
        return wrong("lifetime.times", "write at least 1".to_owned());
    }
    let long = |seconds: u64| seconds > SECONDS_MAX;
    if spec.lifetime.seconds.is_some_and(long) {
        return wrong("lifetime.seconds", format!("write up to {SECONDS_MAX}"));
    }
    let protocol = matching.protocol;
    if let Some(home) = home(&spec.action, protocol, matching.stage.as_deref()) {
        let kind = spec.action.as_str();
        return wrong("action.kind", format!("{kind} needs {home}"));
    }
    match &spec.action {
        ActionSpec::Reply { text } => match form(text, protocol, matching.stage.as_deref()) {
            Some(form) => wrong("action.text", format!("write {form}")),
            None => Ok(()),
        },
        ActionSpec::Bounce { text, seconds } => {
            if reply(text).is_none_or(|reply| !reply.is_permanent()) {
                let form = "a reply as the report shall quote it, such as 550 5.1.1 User unknown";
                return wrong("action.text", format!("write {form}"));
            }
            if long(*seconds) {
                return wrong("action.seconds", format!("write up to {SECONDS_MAX}"));
            }
            Ok(())
        }
        ActionSpec::Status { code, .. } if !(400..=599).contains(code) => {
            wrong("action.code", "write a status from 400 to 599".to_owned())
        }
        ActionSpec::Throttle {
            octets_per_second: 0,
        } => wrong("action.octets_per_second", "write at least 1".to_owned()),
        ActionSpec::Duplicate { copies } if !(2..=COPIES_MAX).contains(copies) => wrong(
            "action.copies",
            format!("write a number from 2 to {COPIES_MAX}"),
        ),
        ActionSpec::Delay { seconds }
        | ActionSpec::Late { seconds }
        | ActionSpec::Reorder { seconds }
            if long(*seconds) =>
        {
            wrong("action.seconds", format!("write up to {SECONDS_MAX}"))
        }
        _ => Ok(()),
    }
}

/// Where an action belongs, if that is elsewhere.
fn home(action: &ActionSpec, scope: Scope, stage: Option<&str>) -> Option<&'static str> {
    let protocol = scope.example();
    let at = |stages: &[&str]| stage.is_some_and(|stage| stages.contains(&stage));
    let (is_at_home, home) = match action {
        ActionSpec::Reply { .. } => {
            let words = match protocol {
                Protocol::Http | Protocol::Delivery => false,
                Protocol::Imap | Protocol::Pop => at(&["auth", "command"]),
                Protocol::Dns => true,
                _ => !at(&["tls", "taken", "quit"]) && stage.is_some(),
            };
            (
                words,
                "a stage where something is answered: not tls, taken or quit, and auth or command of imap and pop; HTTP has status, delivery has bounce",
            )
        }
        ActionSpec::Status { .. } => (protocol == Protocol::Http, "protocol http"),
        ActionSpec::Delay { .. } | ActionSpec::Throttle { .. } => (
            protocol.has_line(),
            "a protocol with a connection; delivery has late",
        ),
        ActionSpec::Close | ActionSpec::Reset => {
            (protocol.has_line(), "a protocol with a connection")
        }
        ActionSpec::TlsFailure => (
            protocol.has_line() && protocol != Protocol::Http && at(&["connect", "tls"]),
            "stage tls of submission, high_sending, relay, imap or pop",
        ),
        ActionSpec::LoseReply => (
            protocol.is_smtp() && at(&["taken"]),
            "stage taken of submission, high_sending or relay",
        ),
        ActionSpec::Lose
        | ActionSpec::Duplicate { .. }
        | ActionSpec::Late { .. }
        | ActionSpec::Reorder { .. }
        | ActionSpec::Bounce { .. } => (protocol == Protocol::Delivery, "protocol delivery"),
    };
    (!is_at_home).then_some(home)
}

/// What a reply must look like, if this one does not.
fn form(text: &str, scope: Scope, stage: Option<&str>) -> Option<&'static str> {
    let begins = |words: &[&str]| {
        let rest = words.iter().find_map(|word| text.strip_prefix(word));
        rest.is_some_and(|rest| !rest.is_empty())
    };
    let is_line = text.len() <= TEXT_OCTETS_MAX && !text.chars().any(char::is_control);
    let (is_sound, form) = match scope.example() {
        Protocol::Imap if stage == Some("command") => (
            begins(&["NO ", "BAD ", "BYE "]),
            "NO, BAD or BYE and words, on one line of up to 400 octets",
        ),
        Protocol::Imap => (
            begins(&["NO "]),
            "NO and words, on one line of up to 400 octets",
        ),
        Protocol::Pop => (
            begins(&["-ERR "]),
            "-ERR and words, on one line of up to 400 octets",
        ),
        Protocol::Dns => (
            matches!(text, "NXDOMAIN" | "SERVFAIL" | "TIMEOUT"),
            "NXDOMAIN, SERVFAIL or TIMEOUT",
        ),
        _ => (
            reply(text).is_some(),
            "an SMTP reply from 400 to 599, such as 451 4.3.2 Try later, on one line of up to 400 octets",
        ),
    };
    (!(is_line && is_sound)).then_some(form)
}

/// An SMTP reply of one line that is a refusal.
pub(crate) fn reply(text: &str) -> Option<Reply> {
    let (code, words) = text.split_once(' ')?;
    let is_code = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit());
    let code = code.parse().ok().filter(|code| (400..600).contains(code))?;
    let is_sound = is_code && !words.is_empty() && !text.chars().any(char::is_control);
    is_sound.then(|| Reply::from_wire(code, vec![words.to_owned()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        let spec: FaultSpec = serde_json::from_str(text).expect("a fault");
        match spec.check() {
            Ok(()) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_makes_no_sense_is_said_with_its_place() {
        let cases = [
            (
                r#"{"id":"a","match":{"protocol":"smtp","stage":"rcpt"},"action":{"kind":"reply","text":"451 4.3.2 Busy"}}"#,
                "",
            ),
            (
                r#"{"id":"a","match":{"protocol":"smtp","stage":"rset"},"action":{"kind":"close"}}"#,
                "fault a, match.stage: rset is none; write one of connect, tls, greeting",
            ),
            (
                r#"{"match":{"protocol":"smtp","stage":"rcpt"},"action":{"kind":"reply","text":"250 OK"}}"#,
                "fault without id, action.text: write an SMTP reply from 400 to 599",
            ),
            (
                r#"{"match":{"protocol":"imap","stage":"command"},"action":{"kind":"reply","text":"451 no"}}"#,
                "action.text: write NO, BAD or BYE and words",
            ),
            (
                r#"{"match":{"protocol":"imap","stage":"auth"},"action":{"kind":"reply","text":"BYE now"}}"#,
                "action.text: write NO and words",
            ),
            (
                r#"{"match":{"protocol":"pop","stage":"connect"},"action":{"kind":"reply","text":"-ERR no"}}"#,
                "action.kind: reply needs a stage where something is answered",
            ),
            (
                r#"{"match":{"protocol":"imap","stage":"command"},"action":{"kind":"lose"}}"#,
                "action.kind: lose needs protocol delivery",
            ),
            (
                r#"{"match":{"protocol":"delivery"},"action":{"kind":"duplicate","copies":1}}"#,
                "action.copies: write a number from 2 to 10",
            ),
            (
                r#"{"match":{"protocol":"http","path":"/*/a*"},"action":{"kind":"status","code":503}}"#,
                "match.path: write at most one *",
            ),
            (
                r#"{"match":{"protocol":"http"},"action":{"kind":"status","code":200}}"#,
                "action.code: write a status from 400 to 599",
            ),
            (
                r#"{"match":{"protocol":"dns"},"action":{"kind":"reply","text":"SERVFAIL"}}"#,
                "",
            ),
            (
                r#"{"id":"a b","match":{"protocol":"dns"},"action":{"kind":"reply","text":"SERVFAIL"}}"#,
                "fault a b, id:",
            ),
            (
                r#"{"match":{"protocol":"smtp","stage":"dot"},"action":{"kind":"lose_reply"}}"#,
                "lose_reply needs stage taken",
            ),
        ];
        for (text, expected) in cases {
            let found = problem(text);
            assert!(
                found.contains(expected) && found.is_empty() == expected.is_empty(),
                "{text}: {found}"
            );
        }
    }

    #[test]
    fn unknown_fields_are_named() {
        let text = r#"{"match":{"protocol":"smtp"},"action":{"kind":"delay","secs":5}}"#;
        let error = serde_json::from_str::<FaultSpec>(text).expect_err("a wrong field");
        assert!(error.to_string().contains("secs"), "{error}");
    }
}
