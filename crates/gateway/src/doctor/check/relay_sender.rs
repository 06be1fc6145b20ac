use mailward_net::dns::ResolveError;
use mailward_policy::clause::guide;

use super::{Check, Findings, Look, Seen};

pub(in crate::doctor) const CHECK: Check = Check {
    id: "relay-sender",
    title: "The relay can look our address up",
    clauses: &[guide(53), guide(54), guide(55), guide(57), guide(58)],
    about: "For relay routes alone: the address that we call from has a name, and the name leads \
            back to it. The relay refuses addresses that are neither registered nor named; what is \
            registered only the DNS team can see.",
    looks: &[Look::Server],
    judge,
};

const REGISTER: &str = "Ask the DNS team to register this machine's address, and write the request's number as dns_request into the application's references.";

fn judge(seen: &Seen, findings: &mut Findings<'_>) {
    for route in &seen.routes {
        let Some(sender) = &route.sender else {
            continue;
        };
        let subject = route.subject();
        let local = route.connection.as_ref().map(|one| one.local.to_string());
        let address = local.unwrap_or_default();
        let finding = match &sender.names {
            Ok(names) if sender.leads_back => findings.ok(
                &subject,
                format!("we call from {address}, which is {}", names.join(", ")),
            ),
            Ok(names) => findings.warning(
                &subject,
                format!(
                    "we call from {address}, which is {}, but that name leads elsewhere",
                    names.join(", ")
                ),
                REGISTER,
            ),
            Err(ResolveError::NotFound) => findings.error(
                &subject,
                format!("we call from {address}, which has no name (PTR)"),
                REGISTER,
            ),
            Err(ResolveError::Failed(why)) => findings.not_run(
                &subject,
                format!("the name of {address} could not be looked up: {why}"),
            ),
        };
        finding.with("address", address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;
    use crate::doctor::testing::{Fixture, check};

    #[test]
    fn the_name_leads_there_and_back() {
        let named = || Ok(vec!["gateway.northmoor.example".to_owned()]);
        let failed = || Err(ResolveError::Failed("no answer".to_owned()));
        for (names, leads_back, expected, text) in [
            (named(), true, Severity::Ok, "10.1.2.3, which is gateway"),
            (named(), false, Severity::Warning, "leads elsewhere"),
            (
                Err(ResolveError::NotFound),
                false,
                Severity::Error,
                "no name (PTR)",
            ),
            (failed(), false, Severity::Note, "no answer"),
        ] {
            let mut seen = Fixture::relay();
            if let Some(sender) = &mut seen.routes[0].sender {
                (sender.names, sender.leads_back) = (names, leads_back);
            }
            check(&CHECK, &seen, &[(expected, "route relay", text)]);
        }
        check(&CHECK, &Fixture::healthy(), &[]);
    }
}
