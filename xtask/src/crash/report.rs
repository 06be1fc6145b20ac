//! What is printed: a table for people, one JSON object for programs.

use serde::Serialize;

use super::audit::Audit;
use super::options::Options;
use super::run::Story;

#[derive(Debug, Serialize)]
struct Object<'a> {
    cut: &'a str,
    seed: u64,
    seconds: u64,
    #[serde(flatten)]
    story: &'a Story,
    #[serde(flatten)]
    figures: &'a super::audit::Figures,
    breaches_told: &'a [String],
    repeat: String,
}

pub(super) fn print(options: &Options, story: &Story, audit: &Audit, seconds: u64) {
    if options.json {
        let object = Object {
            cut: options.cut.word(),
            seed: options.seed,
            seconds,
            story,
            figures: &audit.figures,
            breaches_told: &audit.told,
            repeat: options.command(),
        };
        match serde_json::to_string(&object) {
            Ok(text) => println!("{text}"),
            Err(error) => eprintln!("no JSON: {error}"),
        }
        return;
    }
    let figures = &audit.figures;
    let rows = [
        (options.cut.word(), story.kills),
        ("  of these within a start", story.kills_in_start),
        ("times that the clock was set", story.clock_steps),
        ("store checks, all sound", story.checks),
        ("messages acknowledged", figures.acknowledged),
        ("  their recipients", figures.recipients),
        (
            "messages kept without an answer",
            figures.kept_without_answer,
        ),
        ("messages without an answer, not kept", figures.neither),
        ("requests made again after a kill", story.repeated),
        ("recipients relayed", figures.relayed),
        ("recipients refused by the far end", figures.failed),
        ("recipients lost", figures.lost),
        ("attempts in doubt", figures.attempts_in_doubt),
        ("  at most, by attempts under way", story.doubts_max),
        ("  recipients found among sent mail", figures.found_sent),
        ("  messages left to a person", story.left_to_a_person),
        ("second copies", figures.duplicates),
        ("  without a mark before", figures.duplicates_unmarked),
        ("sequences kept in order", figures.sequences),
        ("breaches", figures.breaches),
    ];
    println!("{} ({seconds} s)", options.command());
    for (name, count) in rows {
        println!("  {name:<40}{:>12}", grouped(count));
    }
    for breach in &audit.told {
        println!("  ! {breach}");
    }
}

/// `12,345`.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_are_set_apart() {
        for (count, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1234567, "1,234,567"),
        ] {
            assert_eq!(grouped(count), text);
        }
    }
}
