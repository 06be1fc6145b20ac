//! Thousands of worlds in one process.

use std::time::Instant;

use serde_json::json;

use super::http::Http;
use super::options::Options;
use super::report::Report;
use super::server::Twin;
use crate::bench::interrupt;
use crate::bench::processes::resident;
use crate::run::Result;

pub(super) async fn measure(options: &Options, report: &mut Report) -> Result {
    let twin = Twin::start()?;
    let (address, token) = twin.control()?;
    let mut control = Http::secure(address, token).await?;
    let before = resident(&[twin.pid()])?;
    let mut times = Vec::new();
    for number in 0..options.worlds {
        interrupt::check()?;
        let began = Instant::now();
        let body = json!({"name": format!("suite-{number}")});
        control
            .call("POST", "/control/v1/worlds", Some(&body))
            .await?;
        times.push(began.elapsed());
    }
    let octets = resident(&[twin.pid()])?.saturating_sub(before);
    let what = format!("making one of {}", options.worlds);
    report.add_times("worlds", &what, &mut times);
    let each = octets as f64 / options.worlds as f64 / 1024.0;
    report.add("worlds", "memory of one", each, "KiB", None);
    let mut times = Vec::new();
    for number in 0..options.worlds.min(options.looks) {
        let began = Instant::now();
        let path = format!("/control/v1/worlds/suite-{number}/reset");
        control.call("POST", &path, None).await?;
        times.push(began.elapsed());
    }
    report.add_times("worlds", "putting one back", &mut times);
    Ok(())
}
