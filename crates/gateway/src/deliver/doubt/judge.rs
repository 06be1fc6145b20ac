//! What the copies that were found prove. Pure.
//!
//! Sent mail holds a copy for each submission, not for each recipient. A copy
//! with our mark names its attempt, and so the recipients that were past the
//! dot with it: those the service had refused at RCPT TO are not proved by it.
//! A copy of an earlier attempt in doubt that was filed late proves as much.

use std::time::Duration;

use mailward_mail::Timestamp;
use mailward_queue::DueDoubt;

use super::mark::{FIELD, Mark};

/// How far the service's clock may be behind ours.
const SKEW_MAX: Duration = Duration::from_secs(120);

/// A message in the folder that carries our Message-ID.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Copy {
    pub(super) uid: u32,
    /// When it was filed.
    pub(super) date: Option<Timestamp>,
    /// Every mark that can be read on it; more than one where somebody sent
    /// a copy anew.
    pub(super) marks: Vec<Mark>,
}

/// What the copies come to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Recipients that were sent to, each with the evidence.
    pub(super) found: Vec<(u32, String)>,
    /// Why nobody can tell about the others, if that is so.
    pub(super) unclear: Option<String>,
}

/// `place` names folder and account; `has_namesake` is whether another message
/// of the same Message-ID was sent lately.
pub(super) fn judge(doubt: &DueDoubt, copies: &[Copy], has_namesake: bool, place: &str) -> Verdict {
    let mut verdict = Verdict::default();
    for copy in copies {
        let date = copy
            .date
            .map_or_else(|| "at an unknown time".to_owned(), |date| date.to_string());
        let shown = format!("UID {} in {place}, filed {date}", copy.uid);
        if copy.marks.is_empty() {
            unmarked(&mut verdict, doubt, copy, has_namesake, &shown);
        }
        for mark in &copy.marks {
            if mark.message != doubt.message.as_str() {
                continue;
            }
            let submissions = &mut doubt.submissions.iter();
            match submissions.find(|one| one.attempt == mark.attempt) {
                Some(submission) => {
                    let evidence = format!("{shown}, marked as attempt {}", mark.attempt.0);
                    prove(&mut verdict, doubt, &submission.recipients, &evidence);
                }
                None => {
                    verdict.unclear = Some(format!(
                        "{shown} is marked as attempt {}, of which nothing is recorded",
                        mark.attempt.0
                    ));
                }
            }
        }
    }
    verdict
}

/// A service that keeps no field of ours: only one submission can be meant.
fn unmarked(verdict: &mut Verdict, doubt: &DueDoubt, copy: &Copy, has_namesake: bool, shown: &str) {
    let is_alone = doubt.submissions.len() <= 1 && !has_namesake;
    let earliest = doubt.dot_at.minus(SKEW_MAX);
    if is_alone && copy.date.is_some_and(|date| date >= earliest) {
        let evidence = format!("{shown}, with its Message-ID and no other that it could be");
        prove(verdict, doubt, &doubt.recipients, &evidence);
    } else if is_alone {
        verdict.unclear = Some(format!(
            "{shown} has its Message-ID, though it is older than the attempt"
        ));
    } else {
        verdict.unclear = Some(format!(
            "{shown} has its Message-ID, but no {FIELD} field, and it was sent more than once"
        ));
    }
}

fn prove(verdict: &mut Verdict, doubt: &DueDoubt, sent_to: &[u32], evidence: &str) {
    for n in &doubt.recipients {
        let is_known = verdict.found.iter().any(|(known, _)| known == n);
        if sent_to.contains(n) && !is_known {
            verdict.found.push((*n, evidence.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mailward_mail::MessageId;
    use mailward_net::SeededDice;
    use mailward_queue::{AttemptId, Lane, Submission};

    const DOT: i64 = 1_790_000_000_000;

    /// In doubt by attempt 7 for recipients 1 and 2; attempt 5 was for 2 and 3.
    fn doubt(submissions: &[(i64, &[u32])]) -> DueDoubt {
        DueDoubt {
            attempt: AttemptId(7),
            message: MessageId::new(Timestamp::from_millis(DOT), &SeededDice::new(1)),
            lane: Lane::new("nhsmail", "letters@northmoor.example"),
            message_id: Some("<1@northmoor.example>".to_owned()),
            dot_at: Timestamp::from_millis(DOT),
            recipients: vec![1, 2],
            looks: 0,
            is_last: false,
            submissions: submissions
                .iter()
                .map(|(attempt, recipients)| Submission {
                    attempt: AttemptId(*attempt),
                    dot_at: Timestamp::from_millis(DOT),
                    recipients: recipients.to_vec(),
                })
                .collect(),
            proof: None,
            canaries: Vec::new(),
        }
    }

    fn copy(seconds_after: i64, marks: &[(&str, i64)]) -> Copy {
        Copy {
            uid: 9,
            date: Some(Timestamp::from_millis(DOT + seconds_after * 1000)),
            marks: marks
                .iter()
                .map(|(message, attempt)| Mark {
                    message: (*message).to_owned(),
                    attempt: AttemptId(*attempt),
                })
                .collect(),
        }
    }

    #[test]
    fn each_copy_proves_what_it_proves_and_no_more() {
        let once: &[(i64, &[u32])] = &[(7, &[1, 2])];
        let partly: &[(i64, &[u32])] = &[(7, &[1])];
        let twice: &[(i64, &[u32])] = &[(5, &[2, 3]), (7, &[1, 2])];
        let own = doubt(once).message.to_string();
        let own = own.as_str();
        type Case<'a> = (
            &'a str,
            &'a [(i64, &'a [u32])],
            Vec<Copy>,
            bool,
            &'a [u32],
            bool,
        );
        let cases: Vec<Case<'_>> = vec![
            ("nothing is there", once, vec![], false, &[], false),
            (
                "our mark",
                once,
                vec![copy(1, &[(own, 7)])],
                false,
                &[1, 2],
                false,
            ),
            (
                "our mark, at another time",
                once,
                vec![copy(-9999, &[(own, 7)])],
                true,
                &[1, 2],
                false,
            ),
            (
                "one was refused at RCPT TO",
                partly,
                vec![copy(1, &[(own, 7)])],
                false,
                &[1],
                false,
            ),
            (
                "an earlier attempt for one of them",
                twice,
                vec![copy(1, &[(own, 5)])],
                false,
                &[2],
                false,
            ),
            (
                "both attempts",
                twice,
                vec![copy(1, &[(own, 5)]), copy(2, &[(own, 7)])],
                false,
                &[2, 1],
                false,
            ),
            (
                "another message of the same Message-ID",
                once,
                vec![copy(1, &[("other", 7)])],
                true,
                &[],
                false,
            ),
            (
                "sent on with the mark of another below",
                once,
                vec![copy(1, &[(own, 7), ("other", 3)])],
                true,
                &[1, 2],
                false,
            ),
            (
                "an attempt that the record does not have",
                once,
                vec![copy(1, &[(own, 8)])],
                false,
                &[],
                true,
            ),
            (
                "no mark, alone, in its time",
                once,
                vec![copy(-60, &[])],
                false,
                &[1, 2],
                false,
            ),
            (
                "no mark, alone, before its time",
                once,
                vec![copy(-600, &[])],
                false,
                &[],
                true,
            ),
            (
                "no mark, sent twice",
                twice,
                vec![copy(1, &[])],
                false,
                &[],
                true,
            ),
            (
                "no mark, with a namesake",
                once,
                vec![copy(1, &[])],
                true,
                &[],
                true,
            ),
        ];
        for (what, submissions, copies, has_namesake, found, is_unclear) in cases {
            let verdict = judge(&doubt(submissions), &copies, has_namesake, "Sent Items");
            let proved: Vec<u32> = verdict.found.iter().map(|(n, _)| *n).collect();
            assert_eq!(proved, found, "{what}");
            assert_eq!(verdict.unclear.is_some(), is_unclear, "{what}");
            for (_, evidence) in verdict.found {
                assert!(
                    evidence.starts_with("UID 9 in Sent Items, filed 20"),
                    "{evidence}"
                );
            }
        }
    }
}
