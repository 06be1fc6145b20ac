//! From `[[reply]]` tables to rows: those of the program and those of a
//! configuration are read by the same code.

use std::collections::HashSet;
use std::ops::Range;

use mailward_policy::RouteKind;
use mailward_queue::Stage;
use serde::Deserialize;
use toml::Spanned;

use super::row::{CodePattern, Row, StatusPattern};
use super::{Action, Party};

/// Rows of an organisation's own, at the most.
const OWN_ROWS_MAX: usize = 500;
/// The longest part of a text that is looked for, in octets.
const TEXT_OCTETS_MAX: usize = 200;

type Text = Spanned<String>;

/// One `[[reply]]` table as it stands.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RowText {
    name: Text,
    stage: Option<Words>,
    route: Option<Words>,
    code: Option<Text>,
    status: Option<Text>,
    text: Option<Words>,
    party: Text,
    action: Text,
    means: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    by_code: bool,
}

/// One word or several, with the place of all of them.
type Words = Spanned<OneOrMany>;

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Each word, with the place of all.
fn words(words: Option<&Words>) -> impl Iterator<Item = Text> {
    let all = match words.map(Spanned::get_ref) {
        None => Vec::new(),
        Some(OneOrMany::One(one)) => vec![one.clone()],
        Some(OneOrMany::Many(many)) => many.clone(),
    };
    let span = words.map_or(0..0, Spanned::span);
    all.into_iter()
        .map(move |word| Spanned::new(span.clone(), word))
}

/// What is wrong with a row, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowProblem {
    pub(crate) span: Range<usize>,
    pub(crate) problem: String,
    pub(crate) remedy: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    reply: Vec<RowText>,
}

/// The program's own table. A test reads it, so that no released program has
/// one that cannot be read.
pub(super) fn standard(text: &str) -> Vec<Row> {
    let file: File = toml::from_str(text).expect("the reply table of the program is a TOML file");
    let mut problems = Vec::new();
    let rows = read(&file.reply, &mut problems);
    assert!(problems.is_empty(), "the reply table: {problems:?}");
    rows
}

/// An organisation's rows. All problems are told.
pub(crate) fn read_rows(rows: &[RowText]) -> (Vec<Row>, Vec<RowProblem>) {
    let mut problems = Vec::new();
    let read = read(rows, &mut problems);
    for row in rows {
        if row.by_code {
            tell(
                &mut problems,
                &row.name,
                "by_code is for the program's own last rows",
                "Leave it out.",
            );
        }
    }
    if let Some(surplus) = rows.get(OWN_ROWS_MAX) {
        tell(
            &mut problems,
            &surplus.name,
            format!("there are more than {OWN_ROWS_MAX} rows"),
            "Join rows: a row takes several stages and texts.",
        );
    }
    (read, problems)
}

fn read(rows: &[RowText], problems: &mut Vec<RowProblem>) -> Vec<Row> {
    let mut names = HashSet::new();
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let before = problems.len();
        if !is_name(row.name.get_ref()) {
            tell(
                problems,
                &row.name,
                "a row's name has lower-case letters, digits and '-'",
                "Give it one, such as \"mailbox-moved\".",
            );
        }
        if !names.insert(row.name.get_ref()) {
            tell(
                problems,
                &row.name,
                "two rows have this name",
                "Give one of them another.",
            );
        }
        if let Some(one) = row_of(row, problems)
            && problems.len() == before
        {
            found.push(one);
        }
    }
    found
}

fn row_of(row: &RowText, problems: &mut Vec<RowProblem>) -> Option<Row> {
    let stages = choices(
        row.stage.as_ref(),
        problems,
        "stage",
        &Stage::ALL,
        |stage| stage.as_str(),
    );
    let routes = choices(
        row.route.as_ref(),
        problems,
        "kind of route",
        &RouteKind::ALL,
        |kind| kind.as_str(),
    );
    let code = match &row.code {
        None => Some(CodePattern::Any),
        Some(text) => form(
            problems,
            text,
            CodePattern::parse,
            "no reply code",
            "Write \"550\", or \"5xx\" for all of them.",
        ),
    };
    let status = match &row.status {
        None => Some(None),
        Some(text) => form(
            problems,
            text,
            StatusPattern::parse,
            "no enhanced status code",
            "Write \"5.7.30\", \"5.7.606-649\" or \"5.6.*\".",
        )
        .map(Some),
    };
    let texts = texts(row.text.as_ref(), problems);
    let party = choice(&row.party, problems, "party", Party::ALL, |one| {
        one.as_str()
    });
    let action = choice(&row.action, problems, "action", Action::ALL, |one| {
        one.as_str()
    });
    if row.means.trim().is_empty() {
        tell(
            problems,
            &row.name,
            "the row does not say what it means",
            "Add means = \"…\": who has to do what.",
        );
    }
    if row.code.is_none() && row.status.is_none() && texts.is_empty() && stages.is_empty() {
        tell(
            problems,
            &row.name,
            "the row fits every reply",
            "Name a code, a status, a text or a stage.",
        );
    }
    let (party, action) = (party?, action?);
    if !party.allows(action) {
        let allowed = Action::ALL.iter().filter(|one| party.allows(**one));
        let allowed: Vec<&str> = allowed.map(|one| one.as_str()).collect();
        tell(
            problems,
            &row.action,
            format!(
                "{action} is not for what is {party}: mail is bounced only for its own or its \
                 recipient's fault"
            ),
            format!("For {party} there are {}.", allowed.join(", ")),
        );
    }
    Some(Row {
        name: row.name.get_ref().clone(),
        stages,
        routes,
        code: code?,
        status: status?,
        texts,
        party,
        action,
        means: row.means.trim().to_owned(),
        source: row.source.clone(),
        by_code: row.by_code,
    })
}

fn texts(row: Option<&Words>, problems: &mut Vec<RowProblem>) -> Vec<String> {
    let mut found = Vec::new();
    for text in words(row) {
        let part = text.get_ref().trim().to_ascii_lowercase();
        if part.is_empty() || part.len() > TEXT_OCTETS_MAX {
            tell(
                problems,
                &text,
                format!("a text to look for has 1 to {TEXT_OCTETS_MAX} octets"),
                "Shorten it to the words that tell.",
            );
        }
        found.push(part);
    }
    found
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn form<T>(
    problems: &mut Vec<RowProblem>,
    text: &Text,
    parse: impl Fn(&str) -> Option<T>,
    problem: &str,
    remedy: &str,
) -> Option<T> {
    let parsed = parse(text.get_ref());
    if parsed.is_none() {
        tell(problems, text, problem, remedy);
    }
    parsed
}

fn choices<T: Copy>(
    texts: Option<&Words>,
    problems: &mut Vec<RowProblem>,
    what: &str,
    all: &[T],
    word: impl Fn(&T) -> &'static str,
) -> Vec<T> {
    words(texts)
        .filter_map(|text| choice(&text, problems, what, all, &word))
        .collect()
}

fn choice<T: Copy>(
    text: &Text,
    problems: &mut Vec<RowProblem>,
    what: &str,
    all: &[T],
    word: impl Fn(&T) -> &'static str,
) -> Option<T> {
    let found = all.iter().find(|one| word(one) == text.get_ref()).copied();
    if found.is_none() {
        let words: Vec<&str> = all.iter().map(&word).collect();
        let remedy = format!("Write one of {}.", words.join(", "));
        tell(problems, text, format!("no such {what}"), remedy);
    }
    found
}

fn tell(
    problems: &mut Vec<RowProblem>,
    at: &Text,
    problem: impl Into<String>,
    remedy: impl Into<String>,
) {
    problems.push(RowProblem {
        span: at.span(),
        problem: problem.into(),
        remedy: remedy.into(),
    });
}
