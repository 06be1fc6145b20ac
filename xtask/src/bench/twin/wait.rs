//! How soon a client that waits hears of a message.

use std::time::{Duration, Instant};

use super::http::Http;
use super::letter::letter;
use super::options::Options;
use super::report::Report;
use super::server::{Twin, address};
use super::smtp::Smtp;
use crate::bench::interrupt;
use crate::run::Result;

pub(super) async fn measure(options: &Options, report: &mut Report) -> Result {
    let twin = Twin::start()?;
    let mut api = Http::plain(twin.test_api()?).await?;
    let mut smtp = Smtp::connect(twin.catch()?).await?;
    let mut cursor = 0;
    let (mut after_dot, mut after_reply) = (Vec::new(), Vec::new());
    for number in 0..options.looks as u64 {
        interrupt::check()?;
        let path = format!("/api/v1/wait?after={cursor}&timeout=30&query=subject:appointment");
        let waiting = async {
            let answer = api.get(&path).await?;
            Ok::<_, String>((answer, Instant::now()))
        };
        let to = address(0);
        let sending = async {
            // The other has to be waiting by then.
            tokio::time::sleep(Duration::from_millis(3)).await;
            let message = letter(number, &to, 1024);
            let began = Instant::now();
            smtp.send(&to, &message, true).await?;
            Ok::<_, String>((began, Instant::now()))
        };
        let (heard, sent) = tokio::join!(waiting, sending);
        let ((answer, heard), (began, answered)) = (heard?, sent?);
        if answer["messages"].as_array().map(Vec::len) != Some(1) {
            return Err(format!("the wait is answered {answer}"));
        }
        cursor = answer["cursor"].as_u64().unwrap_or_default();
        after_dot.push(heard.saturating_duration_since(began));
        after_reply.push(heard.saturating_duration_since(answered));
    }
    report.add_times("wait", "after MAIL was sent", &mut after_dot);
    report.add_times("wait", "after the sender had its 250", &mut after_reply);
    Ok(())
}
