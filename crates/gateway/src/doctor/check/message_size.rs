use mailward_policy::clause::guide;
use mailward_policy::limits::message_octets;

use super::{Check, Findings, Look, Seen};

pub(in crate::doctor) const CHECK: Check = Check {
    id: "message-size",
    title: "The server takes messages as large as ours",
    clauses: &[guide(67), guide(79)],
    about: "SIZE (RFC 1870) allows what the gateway accepts from applications. \
            Less is a warning: large messages would come back.",
    looks: &[Look::Server],
    judge,
};

fn judge(seen: &Seen, findings: &mut Findings<'_>) {
    let ours = message_octets(None);
    for route in &seen.routes {
        let subject = route.subject();
        let Some(session) = route.session() else {
            findings.not_run(&subject, "the server did not say what it offers under TLS");
            continue;
        };
        match session.features.size {
            None => {
                findings.note(
                    &subject,
                    "it announces no SIZE: what is too large shows only when it is sent",
                );
            }
            Some(0) => {
                findings
                    .ok(&subject, "it announces SIZE without a limit")
                    .with("size", 0);
            }
            Some(size) if size >= ours => {
                findings
                    .ok(
                        &subject,
                        format!("it takes {size} octets; we send {ours} at most"),
                    )
                    .with("size", size);
            }
            Some(size) => {
                findings
                    .warning(
                        &subject,
                        format!("it takes {size} octets; we accept messages of up to {ours}"),
                        format!("Set message_octets_max in [limits] to {size} or less."),
                    )
                    .with("size", size);
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
    fn size_is_held_against_ours() {
        for (size, expected, text) in [
            (Some(157_286_400), Severity::Ok, "157286400"),
            (Some(0), Severity::Ok, "without a limit"),
            (Some(10_240_000), Severity::Warning, "10240000"),
            (None, Severity::Note, "no SIZE"),
        ] {
            let mut seen = Fixture::healthy();
            if let Some(Ok(session)) = &mut seen.routes[0].session {
                session.features.size = size;
            }
            check(&CHECK, &seen, &[(expected, "route nhsmail", text)]);
        }
    }
}
