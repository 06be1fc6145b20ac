//! Lists and searches over a great many messages.

use std::time::{Duration, Instant};

use super::catch::{Cell, send_all};
use super::http::Http;
use super::options::Options;
use super::report::Report;
use super::server::Twin;
use crate::bench::interrupt;
use crate::bench::processes::resident;
use crate::run::Result;

const FILLING: Cell = Cell {
    octets: 700,
    connections: 10,
    pipelined: true,
    to: |number| format!("person{}@anywhere.example", number % 1000),
};

/// A search that is timed, of a number that is another each time, and how many
/// of so many messages it has to find, where that is known.
struct Search {
    what: &'static str,
    query: fn(u64) -> String,
    finds: Option<fn(u64) -> u64>,
}

const SEARCHES: [Search; 6] = [
    Search {
        what: "search subject:, one found",
        query: |number| format!("subject:%22appointment%20{number}%22"),
        finds: None,
    },
    Search {
        what: "search message-id:, one found",
        query: |number| format!("message-id:{number:020}"),
        finds: Some(|_| 1),
    },
    Search {
        what: "search to:, a thousandth found",
        query: |number| format!("to:person{}@", number % 1000),
        finds: Some(|messages| messages / 1000),
    },
    Search {
        what: "search a word of the text, one found",
        query: |number| format!("ref-{number:010}"),
        finds: Some(|_| 1),
    },
    Search {
        what: "search is:unread to:, a thousandth found",
        query: |number| format!("is:unread%20to:person{}@", number % 1000),
        finds: Some(|messages| messages / 1000),
    },
    Search {
        what: "search a word that all have",
        query: |_| "reference".to_owned(),
        finds: Some(|messages| messages),
    },
];

pub(super) async fn measure(options: &Options, report: &mut Report) -> Result {
    let twin = Twin::start()?;
    let before = resident(&[twin.pid()])?;
    let began = Instant::now();
    let sent = send_all(twin.catch()?, &FILLING, options.messages).await?;
    let messages = sent.count;
    let rate = messages as f64 / began.elapsed().as_secs_f64();
    report.add("list", format!("{messages} sent"), rate, "/s", None);
    let mut api = Http::plain(twin.test_api()?).await?;
    let began = Instant::now();
    let info = api.get("/api/v1/search?limit=1&query=reference").await?;
    if info["messages_count"] != messages {
        return Err(format!("{messages} were accepted, found are {info}"));
    }
    let first = began.elapsed().as_secs_f64() * 1000.0;
    report.add("list", "the first search", first, "ms", None);
    let octets = resident(&[twin.pid()])?.saturating_sub(before);
    let each = octets as f64 / messages as f64;
    report.add("list", "memory a message of 700", each, "octets", None);

    let mut times = Vec::new();
    for look in 0..options.looks as u64 {
        let start = look * (messages / options.looks as u64);
        let path = format!("/api/v1/messages?start={start}&limit=50");
        let (answer, took) = timed(&mut api, &path).await?;
        if answer["total"] != messages || answer["messages"].as_array().is_none_or(Vec::is_empty) {
            return Err(format!("{path} is answered {answer}"));
        }
        times.push(took);
    }
    report.add_times("list", "a page of 50", &mut times);
    for search in &SEARCHES {
        let mut times = Vec::new();
        for look in 0..options.looks as u64 {
            let number = look * (messages / options.looks as u64);
            let path = format!("/api/v1/search?query={}", (search.query)(number));
            let (answer, took) = timed(&mut api, &path).await?;
            let found = answer["messages_count"].as_u64();
            let right = match search.finds {
                Some(finds) => found == Some(finds(messages)),
                None => found.is_some_and(|found| found >= 1),
            };
            if !right {
                return Err(format!("{path} finds {found:?}"));
            }
            times.push(took);
        }
        report.add_times("list", search.what, &mut times);
    }
    Ok(())
}

async fn timed(api: &mut Http, path: &str) -> Result<(serde_json::Value, Duration)> {
    interrupt::check()?;
    let began = Instant::now();
    let answer = api.get(path).await?;
    Ok((answer, began.elapsed()))
}
