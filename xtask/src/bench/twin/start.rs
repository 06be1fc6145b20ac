//! From the start of the process until everything listens.

use std::time::Duration;

use super::options::Options;
use super::peers::MailDev;
use super::report::{Report, percentile};
use super::server::Twin;
use crate::bench::interrupt;
use crate::bench::processes::resident;
use crate::run::Result;

pub(super) async fn measure(options: &Options, report: &mut Report) -> Result {
    let mut times = Vec::new();
    let mut octets = 0;
    for _ in 0..options.starts {
        interrupt::check()?;
        let twin = Twin::start()?;
        times.push(twin.took);
        octets = resident(&[twin.pid()])?;
    }
    let mut peer = None;
    if options.peers {
        let mut theirs = Vec::new();
        for _ in 0..options.starts.min(5) {
            interrupt::check()?;
            theirs.push(MailDev::start(options).await?.took);
        }
        peer = Some(("MailDev", millis(percentile(&mut theirs, 50))));
    }
    let median = millis(percentile(&mut times, 50));
    report.add("start", "until all listen, median", median, "ms", peer);
    let worst = millis(percentile(&mut times, 100));
    report.add("start", "until all listen, worst", worst, "ms", None);
    let mebibytes = octets as f64 / 1024.0 / 1024.0;
    report.add("start", "memory then", mebibytes, "MiB", None);
    Ok(())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
