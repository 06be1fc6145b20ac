use mailward_policy::clause::{dhc, eng, guide};

use super::{Check, Findings, Seen};

pub(in crate::doctor) const CHECK: Check = Check {
    id: "secrets",
    title: "Secrets are there, long enough, and not shared",
    clauses: &[
        guide(19),
        guide(20),
        guide(23),
        guide(29),
        guide(32),
        eng(13),
        dhc(21),
    ],
    about: "The keystore opens, every reference of the configuration leads to a secret, passwords \
            of accounts have the length that the service asks for, and no two accounts have the same.",
    looks: &[],
    judge,
};

fn judge(seen: &Seen, findings: &mut Findings<'_>) {
    let secrets = &seen.secrets;
    if let Some(why) = &secrets.unusable {
        findings.error(
            "keystore",
            why,
            "Correct [keystore] in the configuration, or what opens it; `mailward secrets list` tries the same.",
        );
    }
    for secret in &secrets.each {
        let finding = match (&secret.found, secret.characters_min) {
            (Err(why), _) => findings.error(
                &secret.purpose,
                why,
                "Store it with `mailward secrets set`, or correct the reference.",
            ),
            (Ok(found), Some(least)) if found.characters < least => findings.error(
                &secret.purpose,
                format!("its password has {} characters, and {least} are the least", found.characters),
                "Have the password changed at the service to one that is long enough, then store it.",
            ),
            (Ok(found), _) => findings
                .ok(&secret.purpose, format!("{} is there", secret.reference))
                .with("version", &found.version),
        };
        finding.with("reference", &secret.reference);
    }
    for (one, other) in &secrets.shared {
        findings.error(
            other,
            format!("it has the same password as {one}"),
            "Have one of them changed: a password belongs to one account.",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;
    use crate::doctor::seen::{FoundSecret, SecretSeen, SecretsSeen};
    use crate::doctor::testing::{Fixture, check};

    #[test]
    fn what_is_missing_short_or_shared_is_told() {
        let subject = "account letters@northmoor.example";
        let secret = |found, characters_min| SecretSeen {
            reference: "keystore:letters".to_owned(),
            purpose: subject.to_owned(),
            found,
            characters_min,
        };
        let found = |characters| {
            Ok(FoundSecret {
                characters,
                version: "7".to_owned(),
            })
        };
        let mut seen = Fixture::healthy();
        seen.secrets = SecretsSeen {
            unusable: Some("the passphrase does not open it".to_owned()),
            each: vec![
                secret(found(20), Some(20)),
                secret(found(19), Some(20)),
                secret(found(3), None),
                secret(Err("the keystore has no secret".to_owned()), None),
            ],
            shared: vec![("account a@b.example".to_owned(), subject.to_owned())],
        };
        check(
            &CHECK,
            &seen,
            &[
                (Severity::Error, "keystore", "does not open"),
                (Severity::Ok, subject, "keystore:letters is there"),
                (Severity::Error, subject, "19 characters"),
                (Severity::Ok, subject, "is there"),
                (Severity::Error, subject, "no secret"),
                (
                    Severity::Error,
                    subject,
                    "same password as account a@b.example",
                ),
            ],
        );
    }
}
