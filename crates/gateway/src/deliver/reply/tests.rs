//! The table against replies that servers have given, and the form of rows.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::*;

/// Real replies, by server.
const CORPUS: &[(&str, &str)] = &[
    (
        "exchange_online",
        include_str!("corpus/exchange_online.toml"),
    ),
    (
        "exchange_on_premises",
        include_str!("corpus/exchange_on_premises.toml"),
    ),
    ("nhsmail_relay", include_str!("corpus/nhsmail_relay.toml")),
    ("postfix", include_str!("corpus/postfix.toml")),
    ("exim", include_str!("corpus/exim.toml")),
    ("google", include_str!("corpus/google.toml")),
    ("mimecast", include_str!("corpus/mimecast.toml")),
    ("other_gateways", include_str!("corpus/other_gateways.toml")),
    ("words_unknown", include_str!("corpus/words_unknown.toml")),
];

const CORPUS_REPLIES_MIN: usize = 120;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corpus {
    reply: Vec<Sample>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    stage: Stage,
    #[serde(default = "submission")]
    route: String,
    /// The lines as they came.
    wire: Vec<String>,
    party: String,
    action: String,
    source: String,
    standing: String,
}

fn submission() -> String {
    "submission".to_owned()
}

impl Sample {
    fn reply(&self) -> Reply {
        let code = self.wire[0][..3].parse().expect("a code");
        let lines = self.wire.iter().map(|line| line[4..].to_owned()).collect();
        Reply::from_wire(code, lines)
    }

    fn route(&self) -> RouteKind {
        let kinds = RouteKind::ALL.into_iter();
        let mut found = kinds.filter(|kind| kind.as_str() == self.route);
        found.next().expect("a kind of route")
    }
}

fn corpus() -> impl Iterator<Item = (&'static str, Sample)> {
    CORPUS.iter().flat_map(|(server, text)| {
        let corpus: Corpus = toml::from_str(text).expect("a corpus");
        corpus.reply.into_iter().map(|sample| (*server, sample))
    })
}

#[test]
fn real_replies_find_whose_move_it_is() {
    let table = ReplyTable::standard();
    let mut wrong = Vec::new();
    for (server, sample) in corpus() {
        let reply = sample.reply();
        let found = table.classify(sample.route(), sample.stage, &reply);
        let said = (found.party.as_str(), found.action.as_str());
        let known = server != "words_unknown";
        if said != (sample.party.as_str(), sample.action.as_str()) || found.known != known {
            wrong.push(format!(
                "{server}: {}: {reply}\n  is {} {} by {}, and should be {} {}",
                sample.stage.as_str(),
                said.0,
                said.1,
                found.row,
                sample.party,
                sample.action
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_corpus_is_large_and_says_where_it_is_from() {
    assert!(corpus().count() >= CORPUS_REPLIES_MIN);
    assert!(corpus().any(|(_, sample)| sample.wire.len() > 2));
    for (server, sample) in corpus() {
        assert!(!sample.source.is_empty(), "{server}: {:?}", sample.wire);
        let standings = ["documented", "observed", "secondary", "inferred"];
        assert!(
            standings.contains(&sample.standing.as_str()),
            "{server}: {:?}",
            sample.wire
        );
        let (last, before) = sample.wire.split_last().expect("a line");
        assert_eq!(&last[3..4], " ", "{last}");
        assert!(before.iter().all(|line| &line[3..4] == "-"), "{before:?}");
    }
}

/// A row that decides nothing is either wrong or hidden by one above it.
#[test]
fn every_row_decides_some_reply_of_the_corpus() {
    let table = ReplyTable::standard();
    let used: BTreeSet<String> = corpus()
        .map(|(_, sample)| {
            let found = table.classify(sample.route(), sample.stage, &sample.reply());
            found.row
        })
        .collect();
    let idle: Vec<&str> = table
        .rows()
        .iter()
        .map(|row| row.name.as_str())
        .filter(|name| !used.contains(*name))
        .collect();
    assert!(idle.is_empty(), "{idle:?}");
}

#[test]
fn no_fault_of_account_credential_configuration_or_service_ends_a_recipient() {
    for row in ReplyTable::standard().rows() {
        let ends = matches!(row.action, Action::Fail | Action::TryThenFail);
        assert!(
            !ends || matches!(row.party, Party::Message | Party::Recipient),
            "{}",
            row.name
        );
    }
}

#[derive(Deserialize)]
struct Own {
    reply: Vec<RowText>,
}

fn own(text: &str) -> (Vec<Row>, Vec<RowProblem>) {
    let own: Own = toml::from_str(text).expect("rows");
    read_rows(&own.reply)
}

#[test]
fn an_organisations_row_is_asked_first() {
    let (rows, problems) = own(r#"
[[reply]]
name = "our-smart-host-is-full"
stage = ["rcpt_to", "final_dot"]
code = "552"
text = "Spool Quota"
party = "service_busy"
action = "defer"
means = "Our smart host has no room; it has by the morning."
"#);
    assert_eq!(problems, []);
    let table = ReplyTable::with_own(rows);
    for (stage, text, row) in [
        (
            Stage::FinalDot,
            "spool quota exceeded",
            "our-smart-host-is-full",
        ),
        (
            Stage::MailFrom,
            "spool quota exceeded",
            "recipient-mailbox-full-in-words",
        ),
        (Stage::FinalDot, "message too large", "too-large"),
    ] {
        let reply = Reply::from_wire(552, vec![text.to_owned()]);
        let found = table.classify(RouteKind::Submission, stage, &reply);
        assert_eq!(found.row, row, "{stage:?} {text}");
    }
}

#[test]
fn a_wrong_row_is_told_with_its_remedy() {
    let row = |changes: &str| {
        let mut fields = vec![
            ("name", "\"own\""),
            ("code", "\"550\""),
            ("party", "\"recipient\""),
            ("action", "\"fail\""),
            ("means", "\"It says so.\""),
        ];
        let (key, value) = changes.split_once(" = ").expect("a change");
        fields.retain(|(name, _)| *name != key);
        fields.push((key, value));
        let lines = fields
            .iter()
            .map(|(key, value)| format!("{key} = {value}\n"));
        format!("[[reply]]\n{}", lines.collect::<String>())
    };
    for (change, problem) in [
        ("party = \"nobody\"", "no such party"),
        ("action = \"bounce\"", "no such action"),
        (
            "party = \"account\"",
            "mail is bounced only for its own or its recipient's fault",
        ),
        (
            "action = \"open_breaker\"",
            "open_breaker is not for what is recipient",
        ),
        ("code = \"5yz\"", "no reply code"),
        ("code = \"600\"", "no reply code"),
        ("status = \"6.1.1\"", "no enhanced status code"),
        ("status = \"5.7.9-3\"", "no enhanced status code"),
        ("stage = \"data\"", "no such stage"),
        ("route = [\"mx\"]", "no such kind of route"),
        ("text = \"\"", "a text to look for has 1 to"),
        ("means = \" \"", "the row does not say what it means"),
        ("name = \"Own Row\"", "a row's name has lower-case letters"),
        (
            "by_code = true",
            "by_code is for the program's own last rows",
        ),
    ] {
        let (_, problems) = own(&row(change));
        assert!(
            problems.iter().any(|one| one.problem.contains(problem)),
            "{change}: {problems:?}"
        );
        assert!(problems.iter().all(|one| !one.remedy.is_empty()));
    }
    let twice = row("code = \"551\"").repeat(2);
    let (_, problems) = own(&twice);
    assert_eq!(problems[0].problem, "two rows have this name");
    let all = "[[reply]]\nname = \"all\"\nparty = \"recipient\"\naction = \"fail\"\nmeans = \"x\"";
    assert_eq!(own(all).1[0].problem, "the row fits every reply");
}
