//! Whether a twin that runs answers, for who watches a container.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use mailward_net::http::HttpClient;
use mailward_net::http::client::Options as HttpOptions;
use mailward_net::tls::{Trust, client_config};
use mailward_net::{SystemClock, SystemResolver};

/// Who takes longer is not well.
const PATIENCE: Duration = Duration::from_secs(3);

/// 0 when the test API at this address answers; 1 when it does not, with the
/// reason on standard error, where a container's watcher keeps it.
pub(super) async fn answers(url: &str) -> Result<ExitCode, String> {
    let tls = client_config(&Trust::System).map_err(|error| error.to_string())?;
    let resolver = Arc::new(SystemResolver::default());
    let options = HttpOptions {
        timeout: PATIENCE,
        ..HttpOptions::new(tls, resolver, Arc::new(SystemClock))
    };
    let client = HttpClient::new(options).map_err(|error| error.to_string())?;
    let page = format!("{}/readyz", url.trim_end_matches('/'));
    let problem = match client.get(&page, &[]).await {
        Ok(answer) if answer.status.is_success() => return Ok(ExitCode::SUCCESS),
        Ok(answer) => format!("answered {}", answer.status),
        Err(error) => format!("{error}; is the twin running, and is this its test API?"),
    };
    let _ = writeln!(std::io::stderr(), "mailward: --probe {url}: {problem}");
    Ok(ExitCode::FAILURE)
}
