use mailward_policy::clause::guide;

use super::super::production::{host_of, is_production};
use super::{Check, Findings, Seen};
use crate::config::Environment;

pub(in crate::doctor) const CHECK: Check = Check {
    id: "test-apart",
    title: "Tests keep away from production",
    clauses: &[guide(99), guide(100)],
    about: "A configuration with environment = \"test\", or a route with twin = true, names no \
            host of the real service: NHSmail may not be used for development and tests.",
    looks: &[],
    judge,
};

fn judge(seen: &Seen, findings: &mut Findings<'_>) {
    let config = &seen.config;
    let is_test = config.environment == Environment::Test;
    let remedy = "Name a twin of your own (`mailward twin`), or write environment = \"live\" if this is no test.";
    let mut any = false;
    for route in &config.routes {
        if (is_test || route.twin) && is_production(&route.server) {
            any = true;
            let subject = format!("route {}", route.name);
            findings.error(
                &subject,
                format!("a test would reach {}", route.server),
                remedy,
            );
        }
    }
    for (name, client) in &config.oauth {
        let host = host_of(&client.token_url);
        if is_test && is_production(host) {
            any = true;
            findings.error(
                &format!("oauth {name}"),
                format!("a test would reach {host}"),
                remedy,
            );
        }
    }
    if !any {
        let mark = if is_test { "test" } else { "live" };
        findings.ok(
            "gateway",
            format!("environment is {mark}, and no test reaches production"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;
    use crate::doctor::testing::{Fixture, check, config_of};

    #[test]
    fn a_test_names_no_real_host() {
        let mut seen = Fixture::healthy();
        check(
            &CHECK,
            &seen,
            &[(Severity::Ok, "gateway", "environment is live")],
        );
        config_of(&mut seen).routes[0].twin = true;
        check(
            &CHECK,
            &seen,
            &[(Severity::Error, "route nhsmail", "smtp.office365.com")],
        );
        config_of(&mut seen).environment = Environment::Test;
        check(
            &CHECK,
            &seen,
            &[
                (Severity::Error, "route nhsmail", "smtp.office365.com"),
                (
                    Severity::Error,
                    "oauth nhsmail",
                    "login.microsoftonline.com",
                ),
            ],
        );
        let config = config_of(&mut seen);
        config.routes[0].server = "localhost".to_owned();
        config.oauth.clear();
        check(
            &CHECK,
            &seen,
            &[(Severity::Ok, "gateway", "environment is test")],
        );
    }
}
