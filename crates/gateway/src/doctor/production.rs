//! Hosts of the real service, which tests must leave alone (GUIDE-99).

/// Domains whose hosts are the service's own, identity service included.
const DOMAINS: &[&str] = &[
    "office365.com",
    "office.com",
    "outlook.com",
    "microsoftonline.com",
    "nhs.net",
    "nhs.uk",
];

/// Whether `host` belongs to the real service.
pub(crate) fn is_production(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    DOMAINS.iter().any(|domain| {
        host.strip_suffix(domain)
            .is_some_and(|before| before.is_empty() || before.ends_with('.'))
    })
}

/// The host of `https://host:port/path`.
pub(super) fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_real_hosts() {
        for (host, expected) in [
            ("smtp.office365.com", true),
            ("SMTP.Office365.com.", true),
            ("relay.nhs.uk", true),
            ("login.microsoftonline.com", true),
            ("localhost", false),
            ("notoffice365.com", false),
            ("smtp.office365.com.northmoor.example", false),
        ] {
            assert_eq!(is_production(host), expected, "{host}");
        }
    }

    #[test]
    fn finds_the_host_of_a_url() {
        for (url, host) in [
            (
                "https://login.microsoftonline.com/x/token",
                "login.microsoftonline.com",
            ),
            ("https://localhost:9443/a:b", "localhost"),
            ("https://[::1]:9443/", "[::1]"),
            ("https://[::1]/", "[::1]"),
        ] {
            assert_eq!(host_of(url), host, "{url}");
        }
    }
}
