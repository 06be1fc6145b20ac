//! How the service deals with single messages: verdicts, banners, attachments,
//! limits of receipt, and what far servers do.

use mailward_mail::Address;
use mailward_policy::limits;
use serde::{Deserialize, Serialize};

/// The service warns from here on. Ours: the level is not published.
const QUOTA_WARNING_PERCENT: u64 = 90;

/// Far ends that one twin plays.
const FAR_ENDS_MAX: usize = 1000;

/// What the attachments guide of NHSmail lists is not public but for two
/// examples, `.exe` and `.docm`. Ours: what runs when it is opened.
const BLOCKED_ATTACHMENTS: [&str; 27] = [
    "ade", "adp", "bat", "chm", "cmd", "com", "cpl", "docm", "dotm", "exe", "hta", "ins", "isp",
    "jar", "js", "jse", "lnk", "mde", "msc", "msi", "pif", "pptm", "reg", "scr", "vbe", "vbs",
    "xlsm",
];

/// The `[service.mail]` table of a seed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct MailSpec {
    /// Verdicts on viruses and spam come so long after delivery; 0 is before.
    pub verdict_after_seconds: u64,
    /// Which mail through the relay bears a banner.
    pub external_banner: ExternalBanner,
    /// Endings of file names that are taken out; the twin's own list when absent.
    pub blocked_attachments: Option<Vec<String>>,
    /// Outside domains that `[secure]` mail reaches as it is.
    pub accredited_domains: Vec<String>,
    /// Messages that a mailbox receives in an hour; the service's when absent.
    pub received_per_hour: Option<u64>,
    /// Mail from within is held to that too.
    pub receipts_within: bool,
    /// What a sender whose day is full hears.
    pub day_full: DayFull,
    /// Parts of the quota, in percent.
    pub quota_warning_percent: Option<u64>,
    pub prohibit_send_percent: Option<u64>,
    pub far_end: Vec<FarEnd>,
}

/// The warning on mail from outside (NHSmail, Email Warning Messages).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ExternalBanner {
    /// On mail that appears to come from NHSmail and does not.
    #[default]
    Lookalike,
    All,
    Off,
}

/// Both are documented; which comes when is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DayFull {
    /// 554 5.2.0 at the end of the message.
    #[default]
    Refuse,
    /// Taken, then reported: 550 5.1.90.
    Report,
}

/// What the server of a recipient outside does.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FarEnd {
    /// An address, or `@` and a domain.
    pub recipient: String,
    /// A report of failure comes so long after.
    #[serde(default)]
    pub bounces_after_seconds: Option<u64>,
    /// What the far server said, for example `550 5.1.1 User unknown`; without
    /// it the message has expired.
    #[serde(default)]
    pub says: Option<String>,
    /// A report of delay comes so long after.
    #[serde(default)]
    pub delayed_after_seconds: Option<u64>,
}

impl FarEnd {
    pub(crate) fn is_of(&self, recipient: &Address) -> bool {
        match self.recipient.strip_prefix('@') {
            Some(domain) => recipient.is_within(domain),
            None => Address::parse(&self.recipient).is_ok_and(|address| address == *recipient),
        }
    }
}

impl MailSpec {
    pub(crate) fn quota_warning_percent(&self) -> u64 {
        self.quota_warning_percent.unwrap_or(QUOTA_WARNING_PERCENT)
    }

    pub(crate) fn prohibit_send_percent(&self) -> u64 {
        self.prohibit_send_percent
            .unwrap_or(limits::MAILBOX_PROHIBIT_SEND_PERCENT.figure)
    }

    /// Whether a file of this name is taken out.
    pub(crate) fn blocks(&self, name: &str) -> bool {
        let Some((_, ending)) = name.trim().trim_end_matches('.').rsplit_once('.') else {
            return false;
        };
        match &self.blocked_attachments {
            Some(list) => list
                .iter()
                .any(|one| one.trim_start_matches('.').eq_ignore_ascii_case(ending)),
            None => BLOCKED_ATTACHMENTS
                .iter()
                .any(|one| one.eq_ignore_ascii_case(ending)),
        }
    }

    /// What cannot be played as it is written.
    pub(crate) fn fault(&self) -> Option<String> {
        let percents = [
            ("quota_warning_percent", self.quota_warning_percent),
            ("prohibit_send_percent", self.prohibit_send_percent),
        ];
        for (name, percent) in percents {
            if let Some(percent) = percent.filter(|percent| *percent > 100) {
                return Some(format!("{name} = {percent}: set 0 to 100"));
            }
        }
        if self.far_end.len() > FAR_ENDS_MAX {
            return Some(format!("far_end: no more than {FAR_ENDS_MAX}"));
        }
        self.far_end.iter().find_map(FarEnd::fault)
    }
}

impl FarEnd {
    fn fault(&self) -> Option<String> {
        let recipient = &self.recipient;
        let known = match recipient.strip_prefix('@') {
            Some(domain) => !domain.is_empty(),
            None => Address::parse(recipient).is_ok(),
        };
        let reply = self.says.as_deref().is_none_or(is_reply);
        match (known, reply) {
            (false, _) => Some(format!(
                "far_end recipient = {recipient:?}: write an address, or @ and a domain"
            )),
            (true, false) => Some(format!(
                "far_end {recipient}: says begins with a reply code, for example 550 5.1.1 User unknown"
            )),
            (true, true) => None,
        }
    }
}

/// Three digits, and one line of plain text after them.
fn is_reply(says: &str) -> bool {
    let code = says.split(' ').next().unwrap_or_default();
    code.len() == 3
        && code.starts_with(['4', '5'])
        && code.bytes().all(|byte| byte.is_ascii_digit())
        && says.len() <= 400
        && !says.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_the_end_of_its_name() {
        let own = MailSpec {
            blocked_attachments: Some(vec![".zip".to_owned(), "PDF".to_owned()]),
            ..MailSpec::default()
        };
        for (name, by_default, by_own) in [
            ("letter.docm", true, false),
            ("SETUP.EXE", true, false),
            ("setup.exe. ", true, false),
            ("letter.pdf", false, true),
            ("all.zip", false, true),
            ("exe", false, false),
            ("letter.exe.txt", false, false),
        ] {
            assert_eq!(MailSpec::default().blocks(name), by_default, "{name}");
            assert_eq!(own.blocks(name), by_own, "{name}");
        }
    }

    #[test]
    fn a_far_end_that_cannot_be_played_is_named() {
        let far_end = |recipient: &str, says: Option<&str>| MailSpec {
            far_end: vec![FarEnd {
                recipient: recipient.to_owned(),
                bounces_after_seconds: Some(60),
                says: says.map(str::to_owned),
                delayed_after_seconds: None,
            }],
            ..MailSpec::default()
        };
        for (recipient, says, sound) in [
            (
                "gone@elsewhere.example",
                Some("550 5.1.1 User unknown"),
                true,
            ),
            ("@elsewhere.example", None, true),
            ("elsewhere.example", None, false),
            ("@", None, false),
            ("@elsewhere.example", Some("User unknown"), false),
            ("@elsewhere.example", Some("550 a\r\nTo: b"), false),
        ] {
            let fault = far_end(recipient, says).fault();
            assert_eq!(fault.is_none(), sound, "{recipient} {says:?}: {fault:?}");
        }
    }
}
