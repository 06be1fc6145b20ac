use mailward_policy::clause::guide;

use super::{Check, Findings, Seen};

pub(in crate::doctor) const CHECK: Check = Check {
    id: "mailbox-quota",
    title: "Mailboxes have room",
    clauses: &[guide(66), guide(79)],
    about: "A full mailbox neither sends nor receives, and what is sent fills it. The service \
            offers no way to ask over the protocols that this gateway speaks, so this is always \
            said to be unknown, with where a person sees it.",
    looks: &[],
    judge,
};

fn judge(seen: &Seen, findings: &mut Findings<'_>) {
    for account in &seen.accounts {
        findings.not_run(
            &account.subject(),
            "unknown: the service tells no quota over SMTP; the Local Administrator sees it in the portal",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;
    use crate::doctor::testing::{Fixture, check};

    #[test]
    fn is_said_to_be_unknown() {
        let seen = Fixture::healthy();
        let expected = (
            Severity::Note,
            "account letters@northmoor.example",
            "unknown",
        );
        let found = check(&CHECK, &seen, &[expected]);
        assert!(!found[0].ran);
    }
}
