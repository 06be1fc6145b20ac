use mailward_policy::RouteKind;
use mailward_policy::clause::{eng, guide};

use super::{Check, Findings, Look, Seen};
use crate::config::Mechanism;

pub(in crate::doctor) const CHECK: Check = Check {
    id: "mechanism",
    title: "The server offers the way we sign in",
    clauses: &[guide(9), guide(46), eng(18)],
    about: "AUTH, offered under TLS, names the route's mechanism. NHSmail offers LOGIN and XOAUTH2, \
            and no PLAIN; passwords are on their way out, tokens stay.",
    looks: &[Look::Server],
    judge,
};

pub(super) fn name(mechanism: &Mechanism) -> &'static str {
    match mechanism {
        Mechanism::None => "no sign-in",
        Mechanism::Login => "LOGIN",
        Mechanism::Plain => "PLAIN",
        Mechanism::XOAuth2 { .. } => "XOAUTH2",
    }
}

fn judge(seen: &Seen, findings: &mut Findings<'_>) {
    for route in &seen.routes {
        if route.route.kind == RouteKind::Relay {
            continue;
        }
        let subject = route.subject();
        let Some(session) = route.session() else {
            findings.not_run(&subject, "the server did not say what it offers under TLS");
            continue;
        };
        let ours = name(&route.route.mechanism);
        let offered = session.features.auth.join(" ");
        let finding = if session.features.auth.is_empty() {
            findings.error(
                &subject,
                "the server offers no way to sign in",
                "Use the server's submission port; a port for mail between servers has no AUTH.",
            )
        } else if session
            .features
            .auth
            .iter()
            .any(|one| one.eq_ignore_ascii_case(ours))
        {
            findings.ok(&subject, format!("{ours} is offered, of {offered}"))
        } else {
            findings.error(
                &subject,
                format!("{ours} is not offered, but {offered}"),
                format!(
                    "Set mechanism on the route to one of these: {}.",
                    offered.to_lowercase()
                ),
            )
        };
        finding.with("offered", offered).with("ours", ours);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;
    use crate::doctor::testing::{Fixture, check};

    #[test]
    fn our_mechanism_must_be_among_those_offered() {
        for (mechanism, offered, expected, text) in [
            (
                Mechanism::Login,
                "LOGIN XOAUTH2",
                Severity::Ok,
                "LOGIN is offered",
            ),
            (Mechanism::Login, "login", Severity::Ok, "LOGIN is offered"),
            (
                Mechanism::Plain,
                "LOGIN XOAUTH2",
                Severity::Error,
                "PLAIN is not offered",
            ),
            (Mechanism::Login, "", Severity::Error, "no way to sign in"),
        ] {
            let mut seen = Fixture::healthy();
            seen.routes[0].route.mechanism = mechanism;
            let words = offered.split_ascii_whitespace().map(str::to_owned);
            if let Some(Ok(session)) = &mut seen.routes[0].session {
                session.features.auth = words.collect();
            }
            check(&CHECK, &seen, &[(expected, "route nhsmail", text)]);
        }
        check(&CHECK, &Fixture::relay(), &[]);
    }
}
