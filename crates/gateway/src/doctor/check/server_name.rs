use std::net::IpAddr;

use mailward_net::dns::ResolveError;
use mailward_policy::clause::guide;

use super::{Check, Findings, Look, Seen};

pub(in crate::doctor) const CHECK: Check = Check {
    id: "server-name",
    title: "Servers are called by names that resolve",
    clauses: &[guide(56)],
    about: "Every route names its server, and the name has an address now. \
            An address in place of the name is an error, but for the loopback: the service moves.",
    looks: &[Look::Server],
    judge,
};

fn judge(seen: &Seen, findings: &mut Findings<'_>) {
    for route in &seen.routes {
        let (subject, server) = (route.subject(), &route.route.server);
        match (&route.addresses, server.parse::<IpAddr>()) {
            (_, Ok(address)) if address.is_loopback() => {
                findings.ok(&subject, format!("{server} is this machine"));
            }
            (_, Ok(_)) => {
                findings.error(
                    &subject,
                    format!("{server} is an address"),
                    "Write the server's name, such as smtp.office365.com.",
                );
            }
            (Some(Ok(addresses)), Err(_)) => {
                let list: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
                let list = list.join(", ");
                findings
                    .ok(&subject, format!("{server} is {list}"))
                    .with("addresses", list);
            }
            (Some(Err(ResolveError::NotFound)), Err(_)) => {
                findings.error(
                    &subject,
                    format!("there is no host called {server}"),
                    "Correct the name, or ask whoever runs this network's name servers.",
                );
            }
            (Some(Err(ResolveError::Failed(why))), Err(_)) => {
                findings.error(
                    &subject,
                    format!("{server} could not be looked up: {why}"),
                    "Check that this machine reaches its name servers.",
                );
            }
            (None, Err(_)) => {
                let why = route.connection.as_ref().err().cloned();
                findings.not_run(&subject, why.unwrap_or_default());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;
    use crate::doctor::testing::{Fixture, check};

    #[test]
    fn names_are_asked_for_and_must_resolve() {
        let address = "192.0.2.25".parse().expect("an address");
        let failed = ResolveError::Failed("no answer".to_owned());
        for (server, addresses, expected, text) in [
            (
                "mail.example",
                Some(Ok(vec![address])),
                Severity::Ok,
                "192.0.2.25",
            ),
            ("127.0.0.1", None, Severity::Ok, "this machine"),
            ("192.0.2.25", None, Severity::Error, "is an address"),
            (
                "mail.example",
                Some(Err(ResolveError::NotFound)),
                Severity::Error,
                "no host called",
            ),
            (
                "mail.example",
                Some(Err(failed)),
                Severity::Error,
                "no answer",
            ),
        ] {
            let mut seen = Fixture::healthy();
            seen.routes[0].route.server = server.to_owned();
            seen.routes[0].addresses = addresses;
            check(&CHECK, &seen, &[(expected, "route nhsmail", text)]);
        }
    }
}
