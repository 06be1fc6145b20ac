//! MAIL and RCPT with their parameters (RFC 1870, 2852, 3030, 3461, 4865, 4954,
//! 6152, 6531, 6710).

use std::collections::HashSet;
use std::time::Duration;

use mailward_mail::envelope::{BodyType, Envelope, Notify, Recipient, Ret};
use mailward_mail::{Address, ForwardPath, ReversePath, Timestamp};

use super::super::server::{Extension, Quirks};
use super::super::xtext::is_xtext;
use super::{CommandError, Verb, path};

/// RFC 3461 sections 4.2 and 4.4.
const ENVID_OCTETS_MAX: usize = 100;
const ORCPT_OCTETS_MAX: usize = 500;

/// RFC 1870 section 5: at most twenty digits.
const SIZE_DIGITS_MAX: usize = 20;

/// A MAIL command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailFrom {
    pub reverse_path: ReversePath,
    pub body: BodyType,
    pub smtputf8: bool,
    /// SIZE= in octets.
    pub declared_size: Option<u64>,
    pub ret: Option<Ret>,
    /// ENVID= as given, in xtext form.
    pub envid: Option<String>,
    /// AUTH= as given, in xtext form (RFC 4954 section 5). Recorded, never
    /// trusted.
    pub auth: Option<String>,
    /// MT-PRIORITY=, -9 to 9.
    pub priority: Option<i8>,
    /// HOLDFOR= or HOLDUNTIL=.
    pub release: Option<Release>,
    /// BY=.
    pub deliver_by: Option<DeliverBy>,
}

/// Not to be sent earlier (RFC 4865 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    After(Duration),
    At(Timestamp),
}

/// To be delivered in time (RFC 2852 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliverBy {
    pub within: Duration,
    pub mode: ByMode,
    /// The sender wants to hear of a hand-over to a server without BY.
    pub trace: bool,
}

/// What is done when the time has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByMode {
    /// The message is returned.
    Return,
    /// The sender is told, and it goes on.
    Notify,
}

impl MailFrom {
    pub fn new(reverse_path: ReversePath) -> Self {
        Self {
            reverse_path,
            body: BodyType::default(),
            smtputf8: false,
            declared_size: None,
            ret: None,
            envid: None,
            auth: None,
            priority: None,
            release: None,
            deliver_by: None,
        }
    }

    /// The envelope this command opens, without recipients yet.
    pub fn to_envelope(&self) -> Envelope {
        Envelope {
            reverse_path: self.reverse_path.clone(),
            recipients: Vec::new(),
            body: self.body,
            smtputf8: self.smtputf8,
            declared_size: self.declared_size,
            ret: self.ret,
            envid: self.envid.clone(),
        }
    }
}

/// What is wrong with a parameter; holds its name as given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParameterError {
    /// Not known, or its extension is not offered: 555.
    Unknown(String),
    /// Known, but its value is not of its form: 501.
    Value(String),
    Twice(String),
}

pub(super) fn parse_mail(
    argument: &str,
    offered: &[Extension],
    quirks: &Quirks,
) -> Result<MailFrom, CommandError> {
    let path = path::split(argument, "FROM", quirks).ok_or(CommandError::Arguments(Verb::Mail))?;
    let reverse_path = match path.mailbox {
        "" => ReversePath::Null,
        mailbox => ReversePath::Address(
            Address::parse(mailbox).map_err(|error| CommandError::Address(Verb::Mail, error))?,
        ),
    };
    let mut mail = MailFrom::new(reverse_path);
    each_parameter(path.rest, offered, |name, value| {
        match (name, value) {
            ("SIZE", Some(digits)) => mail.declared_size = Some(size(digits)?),
            ("BODY", Some(value)) => mail.body = body(value, offered)?,
            ("SMTPUTF8", None) => mail.smtputf8 = true,
            ("RET", Some(value)) => mail.ret = Some(ret(value)?),
            ("ENVID", Some(value)) if value.len() <= ENVID_OCTETS_MAX && is_xtext(value) => {
                mail.envid = Some(value.to_owned());
            }
            ("AUTH", Some(value)) if value.len() <= ORCPT_OCTETS_MAX && is_xtext(value) => {
                mail.auth = Some(value.to_owned());
            }
            ("MT-PRIORITY", Some(value)) => mail.priority = Some(priority(value)?),
            // Either, and not both (RFC 4865 section 4).
            ("HOLDFOR", Some(value)) if mail.release.is_none() => {
                let seconds = digits(value)?;
                mail.release = Some(Release::After(Duration::from_secs(seconds)));
            }
            ("HOLDUNTIL", Some(value)) if mail.release.is_none() && value.contains('T') => {
                mail.release = Some(Release::At(Timestamp::parse(value).ok()?));
            }
            ("BY", Some(value)) => mail.deliver_by = Some(deliver_by(value)?),
            _ => return None,
        }
        Some(())
    })
    .map_err(|error| CommandError::Parameter(Verb::Mail, error))?;
    Ok(mail)
}

pub(super) fn parse_rcpt(
    argument: &str,
    offered: &[Extension],
    quirks: &Quirks,
) -> Result<Recipient, CommandError> {
    let path = path::split(argument, "TO", quirks).ok_or(CommandError::Arguments(Verb::Rcpt))?;
    let address =
        Address::parse(path.mailbox).map_err(|error| CommandError::Address(Verb::Rcpt, error))?;
    let mut recipient = Recipient::new(ForwardPath(address));
    each_parameter(path.rest, offered, |name, value| {
        match (name, value) {
            ("NOTIFY", Some(value)) => recipient.notify = Some(notify(value)?),
            ("ORCPT", Some(value)) => recipient.orcpt = Some(orcpt(value)?),
            _ => return None,
        }
        Some(())
    })
    .map_err(|error| CommandError::Parameter(Verb::Rcpt, error))?;
    Ok(recipient)
}

/// Which extension a parameter belongs to.
fn extension_of(name: &str) -> Option<Extension> {
    Some(match name {
        "SIZE" => Extension::Size,
        "BODY" => Extension::EightBitMime,
        "SMTPUTF8" => Extension::SmtpUtf8,
        "RET" | "ENVID" | "NOTIFY" | "ORCPT" => Extension::Dsn,
        "AUTH" => Extension::Auth,
        "MT-PRIORITY" => Extension::MtPriority,
        "HOLDFOR" | "HOLDUNTIL" => Extension::FutureRelease,
        "BY" => Extension::DeliverBy,
        _ => return None,
    })
}

/// Passes each `NAME[=value]` to `take`, which answers nothing when the value
/// is not of its form.
fn each_parameter<'a>(
    rest: &'a str,
    offered: &[Extension],
    mut take: impl FnMut(&str, Option<&'a str>) -> Option<()>,
) -> Result<(), ParameterError> {
    let mut seen = HashSet::new();
    for word in rest.split(' ').filter(|word| !word.is_empty()) {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, None),
        };
        let upper = name.to_ascii_uppercase();
        if !extension_of(&upper).is_some_and(|extension| offered.contains(&extension)) {
            return Err(ParameterError::Unknown(name.to_owned()));
        }
        take(&upper, value).ok_or_else(|| ParameterError::Value(name.to_owned()))?;
        if !seen.insert(upper) {
            return Err(ParameterError::Twice(name.to_owned()));
        }
    }
    Ok(())
}

fn size(digits: &str) -> Option<u64> {
    let sound = (1..=SIZE_DIGITS_MAX).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    // Twenty digits may exceed what we count in: then it is too large anyway.
    sound.then(|| digits.parse().unwrap_or(u64::MAX))
}

fn body(value: &str, offered: &[Extension]) -> Option<BodyType> {
    match value.to_ascii_uppercase().as_str() {
        "7BIT" => Some(BodyType::SevenBit),
        "8BITMIME" => Some(BodyType::EightBitMime),
        "BINARYMIME" if offered.contains(&Extension::BinaryMime) => Some(BodyType::BinaryMime),
        _ => None,
    }
}

/// `0`, or a digit other than 0, with `-` in front or without (RFC 6710
/// section 4.1).
fn priority(value: &str) -> Option<i8> {
    let digit = value.strip_prefix('-').unwrap_or(value);
    let sound = digit.len() == 1 && digit.as_bytes()[0].is_ascii_digit() && value != "-0";
    sound.then(|| value.parse().ok()).flatten()
}

/// One to nine digits.
fn digits(value: &str) -> Option<u64> {
    let sound = (1..=9).contains(&value.len()) && value.bytes().all(|one| one.is_ascii_digit());
    sound.then(|| value.parse().ok()).flatten()
}

/// `seconds;R`, `seconds;N`, and `T` after either. With R there must be time;
/// with N it may be over.
fn deliver_by(value: &str) -> Option<DeliverBy> {
    let (time, mode) = value.split_once(';')?;
    let (is_past, number) = match time.strip_prefix('-') {
        Some(number) => (true, number),
        None => (false, time.strip_prefix('+').unwrap_or(time)),
    };
    let seconds = if is_past {
        digits(number).map(|_| 0)?
    } else {
        digits(number)?
    };
    let mode = mode.to_ascii_uppercase();
    let (mode, trace) = match mode.strip_suffix('T') {
        Some(mode) => (mode, true),
        None => (mode.as_str(), false),
    };
    let mode = match mode {
        "R" if seconds > 0 => ByMode::Return,
        "N" => ByMode::Notify,
        _ => return None,
    };
    Some(DeliverBy {
        within: Duration::from_secs(seconds),
        mode,
        trace,
    })
}

fn ret(value: &str) -> Option<Ret> {
    match value.to_ascii_uppercase().as_str() {
        "FULL" => Some(Ret::Full),
        "HDRS" => Some(Ret::Headers),
        _ => None,
    }
}

fn notify(value: &str) -> Option<Notify> {
    let mut notify = Notify::default();
    for word in value.split(',') {
        match word.to_ascii_uppercase().as_str() {
            "NEVER" if value.len() == word.len() => notify.never = true,
            "SUCCESS" => notify.success = true,
            "FAILURE" => notify.failure = true,
            "DELAY" => notify.delay = true,
            _ => return None,
        }
    }
    Some(notify)
}

/// `addr-type;xtext`. For `utf-8` addresses RFC 6533 section 3 has an encoding
/// of its own, which is printable text as well.
fn orcpt(value: &str) -> Option<String> {
    let (kind, address) = value.split_once(';')?;
    let is_utf8 = kind.eq_ignore_ascii_case("utf-8");
    let sound = value.len() <= ORCPT_OCTETS_MAX
        && !kind.is_empty()
        && kind
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !address.is_empty()
        && if is_utf8 {
            !address
                .chars()
                .any(|char| char.is_control() || char.is_whitespace())
        } else {
            is_xtext(address)
        };
    sound.then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use mailward_mail::AddressError;

    fn mail(argument: &str) -> Result<MailFrom, CommandError> {
        parse_mail(argument, &Extension::ALL, &Quirks::default())
    }

    fn rcpt(argument: &str) -> Result<Recipient, CommandError> {
        parse_rcpt(argument, &Extension::ALL, &Quirks::default())
    }

    #[test]
    fn priority_release_and_deadline_are_read() {
        let seconds = Duration::from_secs;
        let at = Timestamp::parse("2026-11-21T09:30:00Z").expect("a moment");
        let by = |within, mode, trace| {
            Some(DeliverBy {
                within,
                mode,
                trace,
            })
        };
        let none = || from("a@b.example");
        for (parameters, expected) in [
            (
                "MT-PRIORITY=-9",
                MailFrom {
                    priority: Some(-9),
                    ..none()
                },
            ),
            (
                "mt-priority=0",
                MailFrom {
                    priority: Some(0),
                    ..none()
                },
            ),
            (
                "HOLDFOR=86400",
                MailFrom {
                    release: Some(Release::After(seconds(86400))),
                    ..none()
                },
            ),
            (
                "HOLDUNTIL=2026-11-21T09:30:00Z",
                MailFrom {
                    release: Some(Release::At(at)),
                    ..none()
                },
            ),
            (
                "BY=120;R",
                MailFrom {
                    deliver_by: by(seconds(120), ByMode::Return, false),
                    ..none()
                },
            ),
            (
                "BY=+60;nt",
                MailFrom {
                    deliver_by: by(seconds(60), ByMode::Notify, true),
                    ..none()
                },
            ),
            (
                "BY=-5;N",
                MailFrom {
                    deliver_by: by(seconds(0), ByMode::Notify, false),
                    ..none()
                },
            ),
        ] {
            let read = mail(&format!("FROM:<a@b.example> {parameters}"));
            assert_eq!(read, Ok(expected), "{parameters}");
        }
        for wrong in [
            "MT-PRIORITY",
            "MT-PRIORITY=10",
            "MT-PRIORITY=-0",
            "MT-PRIORITY=+1",
            "HOLDFOR=-1",
            "HOLDFOR=1234567890",
            "HOLDUNTIL=2026-11-21",
            "HOLDUNTIL=soon",
            "HOLDFOR=1 HOLDUNTIL=2026-11-21T09:30:00Z",
            "BY=0;R",
            "BY=-1;R",
            "BY=60",
            "BY=60;X",
            "BY=60;TR",
        ] {
            let read = mail(&format!("FROM:<a@b.example> {wrong}"));
            assert!(
                matches!(
                    read,
                    Err(CommandError::Parameter(
                        Verb::Mail,
                        ParameterError::Value(_)
                    ))
                ),
                "{wrong}: {read:?}"
            );
        }
    }

    fn from(address: &str) -> MailFrom {
        MailFrom::new(ReversePath::parse(address).expect("an address"))
    }

    #[test]
    fn reads_mail() {
        for (argument, expected) in [
            ("FROM:<>", from("")),
            ("FROM:<a@b.example>", from("a@b.example")),
            (
                "FROM:<a@b.example> SIZE=1024 body=8bitmime SMTPUTF8",
                MailFrom {
                    declared_size: Some(1024),
                    body: BodyType::EightBitMime,
                    smtputf8: true,
                    ..from("a@b.example")
                },
            ),
            (
                "FROM:<a@b.example> RET=HDRS ENVID=QQ+2B314 AUTH=<>",
                MailFrom {
                    ret: Some(Ret::Headers),
                    envid: Some("QQ+2B314".to_owned()),
                    auth: Some("<>".to_owned()),
                    ..from("a@b.example")
                },
            ),
            (
                "FROM:<a@b.example> SIZE=99999999999999999999",
                MailFrom {
                    declared_size: Some(u64::MAX),
                    ..from("a@b.example")
                },
            ),
        ] {
            assert_eq!(mail(argument), Ok(expected), "{argument:?}");
        }
    }

    #[test]
    fn refuses_broken_mail() {
        use CommandError::{Address, Arguments, Parameter};
        use ParameterError::{Twice, Unknown, Value};
        let value = |name: &str| Parameter(Verb::Mail, Value(name.to_owned()));
        for (argument, error) in [
            ("", Arguments(Verb::Mail)),
            ("FROM:", Arguments(Verb::Mail)),
            ("FROM:<a@b.example", Arguments(Verb::Mail)),
            ("FROM:<a>", Address(Verb::Mail, AddressError::NoAt)),
            ("FROM:<a@>", Address(Verb::Mail, AddressError::Domain)),
            ("FROM:<> SIZE", value("SIZE")),
            ("FROM:<> SIZE=", value("SIZE")),
            ("FROM:<> SIZE=-1", value("SIZE")),
            ("FROM:<> Size=1e3", value("Size")),
            ("FROM:<> BODY=9BIT", value("BODY")),
            ("FROM:<> SMTPUTF8=1", value("SMTPUTF8")),
            ("FROM:<> RET=SOME", value("RET")),
            ("FROM:<> ENVID=a=b", value("ENVID")),
            (
                "FROM:<> SIZE=1 SIZE=2",
                Parameter(Verb::Mail, Twice("SIZE".to_owned())),
            ),
            (
                "FROM:<> X-OTHER=1",
                Parameter(Verb::Mail, Unknown("X-OTHER".to_owned())),
            ),
        ] {
            assert_eq!(mail(argument), Err(error), "{argument:?}");
        }
    }

    #[test]
    fn parameters_need_their_extension() {
        for parameter in ["SIZE=1", "BODY=7BIT", "SMTPUTF8", "RET=FULL", "AUTH=<>"] {
            let found = parse_mail(&format!("FROM:<> {parameter}"), &[], &Quirks::default());
            let name = parameter.split('=').next().expect("a name").to_owned();
            assert_eq!(
                found,
                Err(CommandError::Parameter(
                    Verb::Mail,
                    ParameterError::Unknown(name)
                ))
            );
        }
        let found = parse_mail(
            "FROM:<> BODY=BINARYMIME",
            &[Extension::EightBitMime],
            &Quirks::default(),
        );
        assert!(found.is_err(), "BINARYMIME is an extension of its own");
    }

    #[test]
    fn reads_and_refuses_rcpt() {
        let all = Notify {
            never: false,
            success: true,
            failure: true,
            delay: true,
        };
        let never = Notify {
            never: true,
            ..Notify::default()
        };
        for (parameters, expected) in [
            ("", Some((None, None))),
            (" NOTIFY=NEVER", Some((Some(never), None))),
            (" notify=success,FAILURE,Delay", Some((Some(all), None))),
            (
                " ORCPT=rfc822;b@c.example",
                Some((None, Some("rfc822;b@c.example"))),
            ),
            (
                " ORCPT=utf-8;käthe@c.example",
                Some((None, Some("utf-8;käthe@c.example"))),
            ),
            (" NOTIFY=NEVER,SUCCESS", None),
            (" NOTIFY=SUCCESS,NEVER", None),
            (" NOTIFY=", None),
            (" ORCPT=b@c.example", None),
            (" ORCPT=rfc822;", None),
            (" ORCPT=rfc822;a=b", None),
            (" SIZE=1", None),
        ] {
            let found = rcpt(&format!("TO:<b@c.example>{parameters}"));
            let found = found
                .as_ref()
                .ok()
                .map(|recipient| (recipient.notify, recipient.orcpt.as_deref()));
            assert_eq!(found, expected, "{parameters:?}");
        }
        assert!(rcpt("TO:<>").is_err());
    }
}
