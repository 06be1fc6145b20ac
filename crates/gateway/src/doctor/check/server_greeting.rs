use mailward_policy::clause::guide;
use mailward_wire::smtp::client::Stage;

use super::super::seen::Reached;
use super::{Check, Findings, Look, Seen};

pub(in crate::doctor) const CHECK: Check = Check {
    id: "server-greeting",
    title: "The server speaks SMTP with us",
    clauses: &[guide(43), guide(46)],
    about: "The server greets and answers EHLO.",
    looks: &[Look::Server],
    judge,
};

fn judge(seen: &Seen, findings: &mut Findings<'_>) {
    for route in &seen.routes {
        let subject = route.subject();
        let remedy = "Check that server and port are those of mail submission; if they are, \
                      tell whoever runs the server what it said.";
        match (route.reached(Stage::Greeting), route.reached(Stage::Ehlo)) {
            (Reached::Failed(trouble), _) | (_, Reached::Failed(trouble)) => {
                findings.error(&subject, &trouble.why, remedy);
            }
            (Reached::Passed(Some(session)), _) => {
                findings
                    .ok(&subject, format!("it says {:?}", session.greeting))
                    .with("greeting", &session.greeting);
            }
            (Reached::Passed(None), _) => {
                findings.ok(&subject, "it greets and answers EHLO");
            }
            (Reached::StoppedBefore(why), _) => {
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
    fn a_greeting_is_told_and_a_refusal_too() {
        let mut seen = Fixture::healthy();
        check(
            &CHECK,
            &seen,
            &[(Severity::Ok, "route nhsmail", "Microsoft ESMTP")],
        );
        for (stage, expected, text) in [
            (Stage::Greeting, Severity::Error, "554 no"),
            (Stage::Ehlo, Severity::Error, "554 no"),
            (Stage::Tls, Severity::Ok, "greets"),
        ] {
            seen.routes[0].session = stopped_at(stage, "554 no");
            check(&CHECK, &seen, &[(expected, "route nhsmail", text)]);
        }
        seen.routes[0].session = None;
        check(
            &CHECK,
            &seen,
            &[(Severity::Note, "route nhsmail", "no connection")],
        );
    }
}
