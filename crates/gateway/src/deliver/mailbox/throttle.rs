//! Replies that ask a mailbox for less, and of what.

use mailward_mail::Reply;
use mailward_queue::PaceLimit::{self, Connections, MessagesPerMinute};
use mailward_queue::Stage;

struct Row {
    /// Any when empty.
    codes: &'static [u16],
    /// The start of the enhanced status code.
    status: &'static str,
    /// A part of the text, in small letters; any when empty.
    text: &'static str,
    limit: PaceLimit,
}

const fn row(
    codes: &'static [u16],
    status: &'static str,
    text: &'static str,
    limit: PaceLimit,
) -> Row {
    Row {
        codes,
        status,
        text,
        limit,
    }
}

/// Read from the top; only temporary replies get this far. Texts are those of
/// Exchange Online, Postfix and Gmail.
const TABLE: &[Row] = &[
    row(&[432], "4.3.2", "", Connections),
    row(&[], "", "concurrent connection", Connections),
    row(&[], "", "concurrent server connections", Connections),
    row(&[], "", "too many connections", Connections),
    row(&[], "", "connection rate", MessagesPerMinute),
    row(&[], "", "too many messages", MessagesPerMinute),
    row(&[], "", "submission rate", MessagesPerMinute),
    row(&[], "", "rate limit", MessagesPerMinute),
    row(&[], "", "throttl", MessagesPerMinute),
    row(&[], "", "server busy", MessagesPerMinute),
    row(&[421, 451], "4.7.", "", MessagesPerMinute),
];

/// Words that are about the recipient or the message, whatever their code.
const NOT_ABOUT_US: &[&str] = &[
    "greylist",
    "grey-list",
    "graylist",
    "the user you are trying",
];

/// Which of the mailbox's limits the reply says is lower than we took it for;
/// nothing for every other reply.
pub(super) fn asks_for_less(stage: Stage, reply: &Reply) -> Option<PaceLimit> {
    if reply.code() / 100 != 4 {
        return None;
    }
    let text = reply.text().to_ascii_lowercase();
    if NOT_ABOUT_US.iter().any(|words| text.contains(words)) {
        return None;
    }
    let status = reply.status_text();
    let found = TABLE.iter().find(|row| {
        (row.codes.is_empty() || row.codes.contains(&reply.code()))
            && status.starts_with(row.status)
            && text.contains(row.text)
    })?;
    // By its code alone, a reply to RCPT may be about that recipient, and one
    // to AUTH about the sign-in.
    let by_code = found.text.is_empty() && found.codes != [432];
    let about_other = matches!(stage, Stage::RcptTo | Stage::Authenticate);
    (!(by_code && about_other)).then_some(found.limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_replies_name_the_limit() {
        let (all, rate) = (Some(Connections), Some(MessagesPerMinute));
        for (stage, code, text, expected) in [
            (
                Stage::FinalDot,
                432,
                "4.3.2 Concurrent connections limit exceeded.",
                all,
            ),
            (
                Stage::FinalDot,
                432,
                "4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded [X]",
                all,
            ),
            (
                Stage::Connect,
                421,
                "4.3.2 The maximum number of concurrent server connections has exceeded a limit, closing transmission channel",
                all,
            ),
            (
                Stage::Connect,
                421,
                "4.7.0 mx.example Error: too many connections from 192.0.2.1",
                all,
            ),
            (
                Stage::Connect,
                421,
                "4.7.0 Try again later, closing connection.",
                rate,
            ),
            (
                Stage::Connect,
                421,
                "4.7.0 Error: Connection rate limit exceeded",
                rate,
            ),
            (
                Stage::FinalDot,
                451,
                "4.7.500 Server busy. Please try again later from [192.0.2.1].",
                rate,
            ),
            (Stage::MailFrom, 451, "4.7.1 Please try again later", rate),
            (
                Stage::MailFrom,
                450,
                "4.7.1 Error: too many messages from 192.0.2.1",
                rate,
            ),
            (Stage::RcptTo, 451, "4.7.500 Server busy", rate),
            (Stage::RcptTo, 451, "4.7.1 Please try again later", None),
            (Stage::RcptTo, 451, "4.7.1 Greylisting in action", None),
            (Stage::FinalDot, 451, "4.7.1 Greylisted, come back", None),
            (
                Stage::Authenticate,
                451,
                "4.7.0 Temporary authentication failure",
                None,
            ),
            (
                Stage::RcptTo,
                450,
                "4.2.1 The user you are trying to contact is receiving mail at a rate limit",
                None,
            ),
            (Stage::Body, 421, "4.4.2 Timed out", None),
            (Stage::FinalDot, 451, "4.3.0 Temporary failure", None),
            (Stage::FinalDot, 250, "2.0.0 OK: rate limit is far", None),
            (Stage::FinalDot, 554, "5.2.0 too many messages", None),
        ] {
            let reply = Reply::from_wire(code, vec![text.to_owned()]);
            assert_eq!(asks_for_less(stage, &reply), expected, "{stage:?} {reply}");
        }
    }
}
