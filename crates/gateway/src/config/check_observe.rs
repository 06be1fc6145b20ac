//! The sense of `[metrics]` and `[traces]`.

use std::net::{IpAddr, SocketAddr};

use super::check::Checker;
use super::{Listen, Metrics, Traces, file};

impl Checker<'_> {
    pub(super) fn metrics(
        &mut self,
        metrics: file::Metrics,
        listen: &Listen,
        has_tls: bool,
    ) -> Metrics {
        let (address, span) = (*metrics.listen.get_ref(), metrics.listen.span());
        if !address.ip().is_loopback() && !metrics.tls {
            self.fail(
                span.clone(),
                "figures would cross the network unprotected",
                "Add tls = true, or listen on 127.0.0.1.",
            );
        }
        if metrics.tls && !has_tls {
            self.fail(
                span.clone(),
                "there is no certificate for tls = true",
                "Add tls = { certificate, key } to [gateway].",
            );
        }
        let taken = [listen.submission, listen.submissions, listen.https];
        if address.port() != 0 && taken.iter().flatten().any(|one| clash(one, &address)) {
            self.fail(
                span,
                "another listener of [gateway] has this address",
                "Choose another port; 9464 is usual.",
            );
        }
        Metrics {
            listen: address,
            tls: metrics.tls,
        }
    }

    pub(super) fn traces(&mut self, traces: file::Traces) -> Traces {
        let endpoint = traces.endpoint.get_ref().trim_end_matches('/').to_owned();
        if !is_safe(&endpoint) {
            self.fail(
                traces.endpoint.span(),
                "spans name accounts and applications, and would not be protected on their way",
                "Write https://HOST:PORT, or http:// with 127.0.0.1 or localhost.",
            );
        }
        let sample = traces.sample.as_ref().map_or(1.0, |one| *one.get_ref());
        if let Some(given) = &traces.sample
            && !(0.0..=1.0).contains(&sample)
        {
            self.fail(
                given.span(),
                "the share of messages that are traced lies between 0 and 1",
                "Write 1.0 for all of them, 0.1 for one in ten.",
            );
        }
        Traces {
            endpoint,
            ca_file: traces.ca_file.map(|file| self.folder.join(file)),
            sample,
        }
    }
}

fn clash(one: &SocketAddr, other: &SocketAddr) -> bool {
    let any = |address: &SocketAddr| address.ip().is_unspecified();
    one.port() == other.port() && (one.ip() == other.ip() || any(one) || any(other))
}

fn is_safe(endpoint: &str) -> bool {
    if let Some(rest) = endpoint.strip_prefix("https://") {
        return !rest.is_empty();
    }
    let Some(rest) = endpoint.strip_prefix("http://") else {
        return false;
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|one| one.is_ascii_digit()) => host,
        _ => authority,
    };
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Config, Log, LogFormat, LogLevel};

    fn parse(more: &str) -> Result<Config, String> {
        let good =
            "[gateway]\nhostname = \"localhost\"\ndir = \"data\"\nhttps = \"127.0.0.1:8443\"\n";
        Config::parse(&format!("{good}{more}"), Path::new("gateway.toml"))
            .map_err(|errors| errors.to_string())
    }

    #[test]
    fn what_operations_see_is_read() {
        let config = parse(
            "[metrics]\nlisten = \"127.0.0.1:9464\"\n[log]\nlevel = \"debug\"\nformat = \"json\"\n\
             [traces]\nendpoint = \"https://collector.northmoor.example:4318/\"\nsample = 0.5\n",
        )
        .expect("a good file");
        let metrics = config.metrics.expect("a listener");
        assert_eq!(metrics.listen.port(), 9464);
        assert_eq!(config.log.level, LogLevel::Debug);
        assert_eq!(config.log.format, LogFormat::Json);
        let traces = config.traces.expect("a collector");
        assert_eq!(traces.endpoint, "https://collector.northmoor.example:4318");
        let silent = parse("").expect("nothing of it");
        assert!(silent.metrics.is_none() && silent.traces.is_none());
        assert_eq!(silent.log, Log::default());
    }

    #[test]
    fn each_fault_says_what_to_do() {
        for (more, parts) in [
            (
                "[metrics]\nlisten = \"192.0.2.1:9464\"\n",
                ["cross the network unprotected", "tls = true"],
            ),
            (
                "[metrics]\nlisten = \"192.0.2.1:9464\"\ntls = true\n",
                ["no certificate", "[gateway]"],
            ),
            (
                "[metrics]\nlisten = \"127.0.0.1:8443\"\n",
                ["has this address", "another port"],
            ),
            (
                "[traces]\nendpoint = \"http://collector.northmoor.example\"\n",
                ["not be protected", "https://"],
            ),
            (
                "[traces]\nendpoint = \"https://a.example\"\nsample = 10.0\n",
                ["between 0 and 1", "0.1"],
            ),
            (
                "[log]\nlevel = \"loud\"\n",
                ["unknown variant `loud`", "Correct this line"],
            ),
        ] {
            let text = parse(more).expect_err(more);
            assert!(text.starts_with("gateway.toml:"), "{text}");
            for part in parts {
                assert!(text.contains(part), "no {part:?} in {text}");
            }
        }
    }

    #[test]
    fn plain_traces_stay_on_this_machine() {
        for (endpoint, safe) in [
            ("https://collector.northmoor.example:4318", true),
            ("http://127.0.0.1:4318", true),
            ("http://[::1]:4318", true),
            ("http://localhost", true),
            ("http://localhost.northmoor.example:4318", false),
            ("http://collector.northmoor.example:4318", false),
            ("https://", false),
            ("127.0.0.1:4318", false),
        ] {
            assert_eq!(is_safe(endpoint), safe, "{endpoint}");
        }
    }
}
