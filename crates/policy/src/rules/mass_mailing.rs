use crate::clause::{dhc, eng};
use crate::facts::Facts;
use crate::limits::{MASS_MAILING_HOURS, MASS_MAILING_RECIPIENTS};
use crate::period::Period;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};

const PAGE: &str = manual_page! {
    /// The same text to very many people within a day is a mass mailing, and belongs to a service made for that.
    ///
    /// NHSmail and Exchange Online are for mail between people; a flood from them gets their addresses marked as a source of spam, and then the mail of every hospital suffers.
    ///
    /// Texts count as the same when they differ only in what is a person's own: names after a greeting, digits, white space, punctuation, case.
    /// Attachments count too: a letter of one's own to each of many is no mass mailing, however alike the words around it.
    /// The threshold is 1,000 people in 24 hours, or what the register says of the application (`mass_mailing_recipients_max`); neither standard gives a figure.
    /// A distribution list counts as one.
};

pub static RULE: Rule = Rule {
    id: "mass-mailing",
    title: "Mass mailing must use a dedicated service",
    severity: Severity::Refuse,
    clauses: &[eng(4), dhc(10), eng(3), dhc(9)],
    standards: &[],
    holds: Period::ALWAYS,
    reads: &[
        "content.fingerprint",
        "history.same_text",
        "envelope.recipients",
        "application.mass_mailing",
    ],
    page: PAGE,
    answer: Answer::POLICY,
    judge,
    examples: &[
        Example {
            title: "The last that the threshold leaves room for.",
            header: "",
            change: |facts| same_text(facts, MASS_MAILING_RECIPIENTS.figure - 1),
            expected: Expected::Passes,
        },
        Example {
            title: "One more.",
            header: "",
            change: |facts| same_text(facts, MASS_MAILING_RECIPIENTS.figure),
            expected: Expected::Breaks("GOV.UK Notify"),
        },
        Example {
            title: "An application with a threshold of its own.",
            header: "",
            change: |facts| {
                same_text(facts, 50);
                if let Some(application) = &mut facts.application {
                    application.mass_mailing_recipients_max = Some(50);
                }
            },
            expected: Expected::Breaks("would reach 51 people within 24 hours, at most 50"),
        },
        Example {
            title: "Nothing is known of the text.",
            header: "",
            change: |facts| {
                same_text(facts, 5 * MASS_MAILING_RECIPIENTS.figure);
                facts.content.fingerprint = None;
            },
            expected: Expected::Passes,
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    let most = facts
        .application
        .as_ref()
        .and_then(|application| application.mass_mailing_recipients_max)
        .unwrap_or(MASS_MAILING_RECIPIENTS.figure);
    let own = facts.envelope.recipients.len() as u64;
    let reached = facts.history.same_text_recipients.saturating_add(own);
    if facts.content.fingerprint.is_none() || reached <= most {
        return Vec::new();
    }
    vec![Problem::new(
        Place::Message,
        format!(
            "with this message the same text would reach {reached} people within {} hours, at most {most} are allowed",
            MASS_MAILING_HOURS.figure
        ),
        "Send it by a service made for mass mailing, such as GOV.UK Notify; if it is none, have the application's threshold raised.",
    )]
}

fn same_text(facts: &mut Facts, reached: u64) {
    facts.content.fingerprint = Some([7; 16]);
    facts.history.same_text_recipients = reached;
}
