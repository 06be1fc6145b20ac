//! `mailward doctor`: the preflight of a configuration, or of a gateway that
//! runs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mailward_gateway::doctor::{Doctor, Finding, Report as Examined, Severity, Times};
use mailward_gateway::{Config, Secrets};
use mailward_mail::Timestamp;
use mailward_net::{Resolver, SystemClock, SystemDice, SystemResolver};
use serde_json::json;

use super::table::plain;
use super::{Answer, CommandError, Report};
use crate::cli::DoctorArguments;
use crate::operator::sentences::counted;
use crate::operator::{DoctorRequest, Request, ask};

pub(super) async fn run(arguments: &DoctorArguments) -> Result<Report, CommandError> {
    let request = DoctorRequest {
        account: arguments.account.clone(),
        route: arguments.route.clone(),
        check: arguments.check.clone(),
        step_seconds: arguments.timeout,
        at: arguments.at.as_deref().map(date).transpose()?,
    };
    let (place, examined) = match (&arguments.config, &arguments.dir) {
        (Some(config), _) => (config, of_file(config, &request).await?),
        (None, Some(dir)) => (dir, of_running(dir, request).await?),
        (None, None) => {
            let which = "name --config FILE, or --dir DIR of a gateway that runs";
            return Err(CommandError::new(which));
        }
    };
    let text = if arguments.json {
        object(place, &examined)?
    } else {
        page(place, &examined)
    };
    let answer = match examined.worst {
        Severity::Ok | Severity::Note => Answer::Yes,
        Severity::Warning => Answer::No,
        Severity::Error => Answer::Bad,
    };
    Ok(Report { text, answer })
}

fn date(text: &str) -> Result<Timestamp, CommandError> {
    Timestamp::parse(text).map_err(|_| {
        CommandError::new(format!(
            "--at {text} is no date; write it as 2026-12-31 or 2026-12-31T12:00:00Z"
        ))
    })
}

/// The configuration of a gateway that need not run.
async fn of_file(path: &Path, request: &DoctorRequest) -> Result<Examined, CommandError> {
    let config = Config::read(path).map_err(CommandError::new)?;
    let keystore = config.keystore.clone();
    // Opening a keystore with a passphrase takes a core for a while.
    let opening = tokio::task::spawn_blocking(move || Secrets::open(keystore.as_ref()));
    let secrets = match opening.await {
        Ok(opened) => opened.map(Arc::new).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let resolver: Arc<dyn Resolver> = Arc::new(SystemResolver::default());
    let doctor = Doctor {
        config: Arc::new(config),
        clock: Arc::new(SystemClock),
        dice: Arc::new(SystemDice),
        resolver,
        secrets,
        standing: None,
        times: Times {
            step: request.step(),
            ..Times::default()
        },
        at: request.at,
    };
    let examined = doctor.examine(&request.scope()).await;
    examined.map_err(CommandError::new)
}

async fn of_running(dir: &Path, request: DoctorRequest) -> Result<Examined, CommandError> {
    let answer = ask(dir, Request::Doctor(request))
        .await
        .map_err(CommandError::new)?;
    serde_json::from_value(answer).map_err(CommandError::new)
}

/// One object on one line.
fn object(place: &PathBuf, examined: &Examined) -> Result<String, CommandError> {
    let count = |severity| examined.count(severity);
    let object = json!({
        "examined": place,
        "at": examined.at,
        "worst": examined.worst,
        "errors": count(Severity::Error),
        "warnings": count(Severity::Warning),
        "notes": count(Severity::Note),
        "ok": count(Severity::Ok),
        "findings": examined.findings,
    });
    let mut text = serde_json::to_string(&object).map_err(CommandError::new)?;
    text.push('\n');
    Ok(text)
}

/// For people: by what it is about, with what to do below each complaint.
fn page(place: &Path, examined: &Examined) -> String {
    let mut subjects: Vec<&str> = Vec::new();
    for finding in &examined.findings {
        if !subjects.contains(&finding.subject.as_str()) {
            subjects.push(&finding.subject);
        }
    }
    let width = examined
        .findings
        .iter()
        .map(|finding| finding.check.len())
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for subject in subjects {
        let _ = writeln!(text, "{}", plain(subject));
        let about = |finding: &&Finding| finding.subject == subject;
        for finding in examined.findings.iter().filter(about) {
            lines(&mut text, finding, width);
        }
        text.push('\n');
    }
    let _ = writeln!(
        text,
        "{}: {}, {}, {}, {} ok, on {}",
        place.display(),
        counted(examined.count(Severity::Error), "error"),
        counted(examined.count(Severity::Warning), "warning"),
        counted(examined.count(Severity::Note), "note"),
        examined.count(Severity::Ok),
        examined.at.to_date(),
    );
    text
}

fn lines(text: &mut String, finding: &Finding, width: usize) {
    let mark = match finding.severity {
        _ if !finding.ran => "not run",
        severity => severity.as_str(),
    };
    let check = &finding.check;
    let _ = writeln!(
        text,
        "  {mark:<8} {check:<width$}  {}",
        plain(&finding.seen)
    );
    let Some(remedy) = &finding.remedy else {
        return;
    };
    let indent = 13 + width;
    let _ = writeln!(text, "{:indent$}do: {}", "", plain(remedy));
    if let Some(reply) = finding.measured.get("reply") {
        let _ = writeln!(text, "{:indent$}said: {}", "", plain(reply));
    }
    let _ = writeln!(text, "{:indent$}why: {}", "", finding.clauses.join(", "));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn finding(severity: Severity, ran: bool, subject: &str, seen: &str) -> Finding {
        Finding {
            check: "sign-in".to_owned(),
            severity,
            ran,
            subject: subject.to_owned(),
            seen: seen.to_owned(),
            measured: BTreeMap::from([("reply".to_owned(), "535 no\u{1b}[2J".to_owned())]),
            clauses: vec!["GUIDE-9".to_owned(), "GUIDE-34".to_owned()],
            remedy: (severity >= Severity::Warning).then(|| "Do it.".to_owned()),
        }
    }

    fn examined() -> Examined {
        Examined {
            at: date("2026-11-21").expect("a date"),
            worst: Severity::Error,
            findings: vec![
                finding(Severity::Ok, true, "route a", "well"),
                finding(Severity::Error, true, "account b", "refused"),
                finding(Severity::Note, false, "route a", "no time"),
            ],
        }
    }

    #[test]
    fn people_see_what_belongs_together() {
        let expected = "\
route a
  ok       sign-in  well
  not run  sign-in  no time

account b
  error    sign-in  refused
                    do: Do it.
                    said: 535 no\\u{1b}[2J
                    why: GUIDE-9, GUIDE-34

gateway.toml: 1 error, 0 warnings, 1 note, 1 ok, on 2026-11-21
";
        assert_eq!(page(Path::new("gateway.toml"), &examined()), expected);
    }

    #[test]
    fn programs_see_one_object() {
        let text = object(&PathBuf::from("gateway.toml"), &examined()).expect("JSON");
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["worst"], "error");
        assert_eq!(value["errors"], 1);
        assert_eq!(value["findings"][0]["check"], "sign-in");
        assert_eq!(value["findings"][2]["ran"], false);
        assert_eq!(value["at"], "2026-11-21T00:00:00.000Z");
    }

    #[test]
    fn a_day_must_be_one() {
        let error = date("tomorrow").expect_err("no date").to_string();
        assert!(error.contains("--at tomorrow is no date"), "{error}");
    }
}
