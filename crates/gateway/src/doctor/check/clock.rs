use mailward_mail::Timestamp;
use mailward_policy::clause::guide;

use super::{Check, Findings, Look, Seen};

pub(in crate::doctor) const CHECK: Check = Check {
    id: "clock",
    title: "Our clock and the server's agree",
    clauses: &[guide(79)],
    about: "The server's greeting bears the time, and ours is within a minute of it. \
            Rates, tokens and certificates all go by the clock; five minutes off is an error.",
    looks: &[Look::Server],
    judge,
};

const SKEW_WARNING_SECONDS: i64 = 60;
const SKEW_ERROR_SECONDS: i64 = 300;

fn judge(seen: &Seen, findings: &mut Findings<'_>) {
    for route in &seen.routes {
        let subject = route.subject();
        let Some(session) = route.session() else {
            findings.not_run(&subject, "the conversation did not come to its end");
            continue;
        };
        let Some(theirs) = time_in(&session.greeting) else {
            findings.not_run(&subject, "its greeting bears no time");
            continue;
        };
        let seconds = (session.at.as_millis() - theirs.as_millis()) / 1000;
        let remedy = "Set this machine's clock by a time server (NTP).";
        let sentence = match seconds {
            0 => "both say the same".to_owned(),
            1.. => format!("ours is {seconds} s ahead"),
            _ => format!("ours is {} s behind", -seconds),
        };
        let finding = match seconds.abs() {
            SKEW_ERROR_SECONDS.. => findings.error(&subject, sentence, remedy),
            SKEW_WARNING_SECONDS.. => findings.warning(&subject, sentence, remedy),
            _ => findings.ok(&subject, sentence),
        };
        finding.with("seconds", seconds).with("theirs", theirs);
    }
}

/// `9 Nov 2022 10:09:41 +0000` somewhere in a text: the date-time of RFC 5322
/// section 3.3, which Exchange greets with.
fn time_in(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    words.windows(5).find_map(|window| {
        let [day, month, year, time, zone] = window else {
            return None;
        };
        let day: u8 = day.parse().ok()?;
        let month = MONTHS.iter().position(|name| name == month)? + 1;
        let (hours, minutes) = zone.split_at_checked(3)?;
        if !hours.starts_with(['+', '-']) {
            return None;
        }
        let text = format!("{year}-{month:02}-{day:02}T{time}{hours}:{minutes}");
        Timestamp::parse(&text).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;
    use crate::doctor::testing::{Fixture, check, day};

    #[test]
    fn finds_the_time_in_a_greeting() {
        for (text, expected) in [
            (
                "AM3PR05CA0094.outlook.office365.com Microsoft ESMTP MAIL Service ready at Wed, 9 Nov 2022 10:09:41 +0000",
                Some("2022-11-09T10:09:41.000Z"),
            ),
            (
                "x ready at Wed, 9 Nov 2022 10:09:41 +0100 [08DDD30471EE4ED5]",
                Some("2022-11-09T09:09:41.000Z"),
            ),
            ("localhost ESMTP Postfix", None),
            ("99 Nov 2022 10:09:41 +0000", None),
            ("9 Foo 2022 10:09:41 +0000", None),
            ("9 Nov 2022 noon GMT é", None),
        ] {
            assert_eq!(
                time_in(text).map(Timestamp::to_rfc3339).as_deref(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn skew_is_measured() {
        for (ours, expected, text) in [
            ("2026-11-21T09:00:00Z", Severity::Ok, "the same"),
            ("2026-11-21T09:00:59Z", Severity::Ok, "59 s ahead"),
            ("2026-11-21T08:58:00Z", Severity::Warning, "120 s behind"),
            ("2026-11-21T09:05:00Z", Severity::Error, "300 s ahead"),
        ] {
            let mut seen = Fixture::healthy();
            if let Some(Ok(session)) = &mut seen.routes[0].session {
                session.at = day(ours);
            }
            check(&CHECK, &seen, &[(expected, "route nhsmail", text)]);
        }
        check(
            &CHECK,
            &Fixture::relay(),
            &[(Severity::Note, "route relay", "no time")],
        );
    }
}
