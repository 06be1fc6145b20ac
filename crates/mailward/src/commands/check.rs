//! `mailward check`: judges a message in a file by every rule, as if its
//! application had sent it now. Nothing is sent or kept.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use mailward_gateway::Register;
use mailward_gateway::check::Checker;
use mailward_gateway::check::file::{FileReport, Given, check_file};
use mailward_mail::{Address, Clock, Timestamp};
use mailward_net::SystemClock;
use mailward_policy::{Decision, Finding};
use mailward_queue::ApplicationName;

use super::table::plain;
use super::{CommandError, Report, application};
use crate::cli::CheckArguments;
use crate::operator::sentences::counted;

/// No service takes a message as large as this; it is not worth reading.
const FILE_OCTETS_MAX: u64 = 256 * 1024 * 1024;

pub(super) fn run(arguments: &CheckArguments) -> Result<Report, CommandError> {
    let found = judge(arguments, SystemClock.now())?;
    let accepted = found.verdict.is_accepted();
    if arguments.json {
        return Report::json(&found, accepted);
    }
    Ok(Report::new(text(&arguments.file, &found), accepted))
}

fn judge(arguments: &CheckArguments, at: Timestamp) -> Result<FileReport, CommandError> {
    let given = given(arguments)?;
    let config = application::config(arguments)?;
    let message = read(&arguments.file)?;
    let checker = Checker::new(&config);
    let register = Register::of(config);
    let name = ApplicationName::new(&arguments.app);
    Ok(check_file(&register, &checker, &name, &message, &given, at))
}

fn given(arguments: &CheckArguments) -> Result<Given, CommandError> {
    let recipients = arguments.to.iter().map(|text| {
        Address::parse(text).map_err(|error| CommandError::new(format!("--to {text}: {error}")))
    });
    let data_class = arguments.data_class.as_ref().map(|text| {
        let parsed = text.parse();
        parsed.map_err(|error| CommandError::new(format!("--data-class {text}: {error}")))
    });
    Ok(Given {
        sender: None,
        recipients: recipients.collect::<Result<_, _>>()?,
        data_class: data_class.transpose()?,
    })
}

fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    let unreadable = |why: &dyn std::fmt::Display| {
        CommandError::new(format!("cannot read the message {}: {why}", path.display()))
    };
    let mut message = Vec::new();
    File::open(path)
        .and_then(|file| file.take(FILE_OCTETS_MAX + 1).read_to_end(&mut message))
        .map_err(|error| unreadable(&error))?;
    if message.len() as u64 > FILE_OCTETS_MAX {
        return Err(unreadable(&format!(
            "it has more than {FILE_OCTETS_MAX} octets"
        )));
    }
    Ok(message)
}

fn text(file: &Path, found: &FileReport) -> String {
    let mut text = String::new();
    let size = format!(
        "{} octets, {}",
        found.octets,
        counted(found.recipients, "recipient")
    );
    let account = found.account.as_deref().unwrap_or("no account");
    let lines = [
        ("message", format!("{} ({size})", file.display())),
        (
            "application",
            format!(
                "{}, sends as {account} by {}",
                found.application, found.route
            ),
        ),
        ("data class", found.data_class.to_string()),
        ("verdict", verdict(found)),
    ];
    for (label, value) in lines {
        let _ = writeln!(text, "{label:13}{}", plain(&value));
    }
    for finding in &found.verdict.findings {
        write_finding(&mut text, finding);
    }
    // Nothing is added to what is not taken.
    let repairs = found.verdict.repairs.iter();
    for repair in repairs.filter(|_| found.verdict.is_accepted()) {
        let _ = writeln!(
            text,
            "\nrepair       {} (rule {})",
            repair.change(),
            repair.rule
        );
    }
    for note in &found.verdict.notes {
        let _ = writeln!(text, "\nnote         {}", plain(&note.text));
    }
    if let Some(reply) = &found.reply {
        text.push_str("\nSMTP would answer\n");
        for line in reply.lines() {
            let _ = writeln!(text, "  {}", plain(line));
        }
    }
    text
}

fn verdict(found: &FileReport) -> String {
    let word = match found.verdict.decision {
        Decision::Accept => "accepted",
        Decision::Repair => "accepted, with repairs",
        Decision::Hold => "held until a person decides",
        Decision::Refuse => "refused",
    };
    match found.verdict.findings.len() {
        0 => format!("{word}: no rule has anything to say"),
        _ => word.to_owned(),
    }
}

fn write_finding(text: &mut String, finding: &Finding) {
    let mut basis: Vec<String> = finding.clauses.iter().map(ToString::to_string).collect();
    basis.extend(finding.standards.iter().map(|text| (*text).to_owned()));
    let _ = writeln!(
        text,
        "\n{:13}{} ({})\n{:13}{}: {}.\n{:13}{}",
        finding.severity.as_str(),
        finding.rule,
        basis.join(", "),
        "",
        finding.title,
        plain(&finding.explanation),
        "",
        plain(&finding.remedy),
    );
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::commands::Answer;
    use crate::seed::Seed;

    /// Checks a message of the sample organisation's first application.
    fn check(change: impl FnOnce(&mut CheckArguments, &str)) -> Result<Report, CommandError> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("letter.eml");
        let sample = &Seed::sample().application[0];
        let message = format!(
            "From: \"Mailward, Sample\" <{}>\nTo: <someone@northmoor.example>\nSubject: Hello\n\
             Date: Sat, 21 Nov 2026 09:30:00 +0000\nMessage-ID: <1@sample.example>\n\nHello.\n",
            sample.account
        );
        std::fs::write(&file, &message).expect("written");
        let mut arguments = CheckArguments {
            file,
            app: sample.name.clone(),
            config: None,
            seed: None,
            to: Vec::new(),
            data_class: None,
            json: false,
        };
        change(&mut arguments, &message);
        run(&arguments)
    }

    #[test]
    fn a_good_message_is_accepted() {
        let report = check(|_, _| {}).expect("a verdict");
        assert_eq!(report.answer, Answer::Yes, "{}", report.text);
        assert!(report.text.contains("1 recipient"), "{}", report.text);
        assert!(
            report.text.contains("verdict      accepted"),
            "{}",
            report.text
        );
    }

    #[test]
    fn a_bad_one_is_refused_with_rule_clause_and_reply() {
        let other_from = |arguments: &mut CheckArguments, message: &str| {
            let account = Seed::sample().application[0].account.to_string();
            let message = message.replace(&account, "somebody@elsewhere.example");
            std::fs::write(&arguments.file, message).expect("written");
        };
        let report = check(other_from).expect("a verdict");
        assert_eq!(report.answer, Answer::No, "{}", report.text);
        for expected in [
            "verdict      refused\n",
            "\nrefuse       from-is-account (GUIDE-10",
            "\nSMTP would answer\n  550",
        ] {
            assert!(
                report.text.contains(expected),
                "{expected}: {}",
                report.text
            );
        }
        let report = check(|arguments, message| {
            other_from(arguments, message);
            arguments.json = true;
        });
        let report = report.expect("a verdict");
        assert_eq!(report.answer, Answer::No);
        let value: serde_json::Value = serde_json::from_str(&report.text).expect("JSON");
        assert_eq!(value["decision"], "refuse");
        assert_eq!(value["findings"][0]["rule"], "from-is-account");
    }

    #[test]
    fn what_cannot_be_judged_is_an_error_that_says_what() {
        type Change = fn(&mut CheckArguments);
        let table: [(Change, &str); 5] = [
            (
                |it| it.app = "nobody".to_owned(),
                "no application \"nobody\" is registered; there are ",
            ),
            (
                |it| it.file = PathBuf::from("/nowhere.eml"),
                "cannot read the message /nowhere.eml: ",
            ),
            (|it| it.to = vec!["ward".to_owned()], "--to ward: "),
            (
                |it| it.data_class = Some("red".to_owned()),
                "--data-class red: ",
            ),
            (
                |it| it.config = Some(PathBuf::from("/nowhere.toml")),
                "/nowhere.toml: ",
            ),
        ];
        for (change, expected) in table {
            let error = check(|arguments, _| change(arguments)).expect_err(expected);
            assert!(error.to_string().starts_with(expected), "{error}");
        }
    }
}
