//! MAIL and RCPT with their parameters (RFC 1870, 3030, 3461, 4954, 6152, 6531).

use std::collections::HashSet;

use mailward_mail::envelope::{BodyType, Envelope, Notify, Recipient, Ret};
use mailward_mail::{Address, ForwardPath, ReversePath};

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
