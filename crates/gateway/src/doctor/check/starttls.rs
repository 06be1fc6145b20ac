use mailward_policy::RouteKind;
use mailward_policy::clause::{dhc, eng, guide};
use mailward_wire::smtp::client::Stage;

use super::super::seen::Reached;
use super::{Check, Findings, Look, Seen};

pub(in crate::doctor) const CHECK: Check = Check {
    id: "starttls",
    title: "STARTTLS is offered",
    clauses: &[guide(46), guide(60), eng(17), dhc(23)],
    about: "The server offers STARTTLS and takes it. Nothing is ever said in the clear instead. \
            The anonymous relay has none; for it this is a note.",
    looks: &[Look::Server],
    judge,
};

fn judge(seen: &Seen, findings: &mut Findings<'_>) {
    for route in &seen.routes {
        let subject = route.subject();
        match route.reached(Stage::StartTls) {
            Reached::Passed(Some(session)) if session.tls.is_none() => {
                let offers = session.features.starttls;
                let offered = if offers { "offered" } else { "not offered" };
                if route.route.kind == RouteKind::Relay {
                    findings.note(
                        &subject,
                        format!("STARTTLS is {offered}; the relay is used as it is, for nothing confidential"),
                    );
                } else {
                    findings.error(
                        &subject,
                        format!("STARTTLS is {offered} and was not used"),
                        "Use a server that offers STARTTLS.",
                    );
                }
            }
            Reached::Passed(_) => {
                findings.ok(&subject, "STARTTLS is offered and taken");
            }
            Reached::Failed(trouble) => {
                findings.error(
                    &subject,
                    &trouble.why,
                    "Ask whoever runs the server for STARTTLS, and whether something in between takes it away; mail is not sent without.",
                );
            }
            Reached::StoppedBefore(why) => {
                findings.not_run(&subject, why);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;
    use crate::doctor::testing::{Fixture, check, stopped_at};

    #[test]
    fn without_starttls_nothing_goes() {
        let mut seen = Fixture::healthy();
        check(&CHECK, &seen, &[(Severity::Ok, "route nhsmail", "taken")]);
        seen.routes[0].session = stopped_at(Stage::StartTls, "the server does not offer STARTTLS");
        check(
            &CHECK,
            &seen,
            &[(Severity::Error, "route nhsmail", "does not offer")],
        );
        seen.routes[0].session = stopped_at(Stage::Greeting, "554");
        check(
            &CHECK,
            &seen,
            &[(Severity::Note, "route nhsmail", "ended at greeting")],
        );

        let mut relay = Fixture::relay();
        check(
            &CHECK,
            &relay,
            &[(Severity::Note, "route relay", "nothing confidential")],
        );
        relay.routes[0].route.kind = RouteKind::Submission;
        check(
            &CHECK,
            &relay,
            &[(Severity::Error, "route relay", "not used")],
        );
    }
}
