use mailward_policy::clause::guide;

use super::{Check, Findings, Look, Seen};

pub(in crate::doctor) const CHECK: Check = Check {
    id: "server-port",
    title: "Firewalls let us through",
    clauses: &[guide(52)],
    about: "A connection to each route's server and port can be made from this machine.",
    looks: &[Look::Server],
    judge,
};

fn judge(seen: &Seen, findings: &mut Findings<'_>) {
    for route in &seen.routes {
        let (subject, port) = (route.subject(), route.route.port);
        match (&route.addresses, &route.connection) {
            (_, Ok(connection)) => {
                let millis = connection.took.as_millis();
                findings
                    .ok(
                        &subject,
                        format!(
                            "{} answers on port {port} after {millis} ms",
                            connection.peer
                        ),
                    )
                    .with("address", connection.peer)
                    .with("port", port)
                    .with("milliseconds", millis)
                    .with("from", connection.local);
            }
            (Some(Err(_)), Err(why)) => {
                findings.not_run(&subject, why);
            }
            (_, Err(why)) => {
                findings.error(
                    &subject,
                    why,
                    format!(
                        "Ask for the firewall to let this machine out to {} port {port}, and check the name and port.",
                        route.route.server
                    ),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;
    use crate::doctor::testing::{Fixture, check};
    use mailward_net::dns::ResolveError;

    #[test]
    fn a_port_is_open_or_the_firewall_is_named() {
        let mut seen = Fixture::healthy();
        check(
            &CHECK,
            &seen,
            &[(Severity::Ok, "route nhsmail", "port 587 after 12 ms")],
        );
        seen.routes[0].connection = Err("nothing listens".to_owned());
        check(
            &CHECK,
            &seen,
            &[(Severity::Error, "route nhsmail", "nothing listens")],
        );
        seen.routes[0].addresses = Some(Err(ResolveError::NotFound));
        check(
            &CHECK,
            &seen,
            &[(Severity::Note, "route nhsmail", "nothing listens")],
        );
    }
}
