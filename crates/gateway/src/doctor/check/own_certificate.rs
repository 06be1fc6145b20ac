use mailward_policy::clause::{dhc, eng};

use super::{Check, DAYS_WARNING, Findings, Look, Seen};

pub(in crate::doctor) const CHECK: Check = Check {
    id: "own-certificate",
    title: "Our own certificate is good",
    clauses: &[eng(5), eng(17), dhc(23)],
    about: "The certificate that applications see is for the gateway's hostname and valid for \
            another 30 days.",
    looks: &[Look::Own],
    judge,
};

fn judge(seen: &Seen, findings: &mut Findings<'_>) {
    let subject = "gateway";
    let listen = &seen.config.listen;
    let listens =
        listen.submission.is_some() || listen.submissions.is_some() || listen.https.is_some();
    let certificate = match &seen.own.certificate {
        None if listens => {
            findings.error(
                subject,
                "there is none, and so nothing can listen",
                "Add [gateway.tls] with certificate and key.",
            );
            return;
        }
        None => {
            findings.note(subject, "the gateway listens nowhere");
            return;
        }
        Some(Err(why)) => {
            findings.error(
                subject,
                why,
                "Correct certificate and key of [gateway.tls].",
            );
            return;
        }
        Some(Ok(certificate)) => certificate,
    };
    let hostname = &seen.config.hostname;
    let days = certificate.days_left(seen.at);
    let renew = "Have it renewed, and restart the gateway.";
    let finding = if !certificate.covers(hostname) {
        findings.error(
            subject,
            format!("it is not for {hostname}: applications will not accept it"),
            "Have one made for this name, or set hostname to a name that it is for.",
        )
    } else if certificate.not_before > seen.at {
        findings.error(
            subject,
            format!("it is valid from {} on", certificate.not_before.to_date()),
            renew,
        )
    } else if days < 0 {
        findings.error(subject, format!("it has expired {} days ago", -days), renew)
    } else if days < DAYS_WARNING {
        findings.warning(subject, format!("it expires in {days} days"), renew)
    } else {
        findings.ok(
            subject,
            format!("it is for {hostname} and valid for {days} days"),
        )
    };
    super::server_certificate::measure(finding, Some(certificate), Some(days));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;
    use crate::doctor::testing::{Fixture, check, config_of, day};

    #[test]
    fn name_and_days_decide() {
        for (hostname, at, expected, text) in [
            (
                "gateway.northmoor.example",
                "2026-11-21",
                Severity::Ok,
                "valid for 61 days",
            ),
            (
                "gateway.northmoor.example",
                "2027-01-01",
                Severity::Warning,
                "in 20 days",
            ),
            (
                "gateway.northmoor.example",
                "2027-02-01",
                Severity::Error,
                "expired",
            ),
            (
                "gateway.northmoor.example",
                "2025-02-01",
                Severity::Error,
                "valid from",
            ),
            (
                "mail.northmoor.example",
                "2026-11-21",
                Severity::Error,
                "not for mail",
            ),
        ] {
            let mut seen = Fixture::healthy();
            seen.at = day(at);
            config_of(&mut seen).hostname = hostname.to_owned();
            check(&CHECK, &seen, &[(expected, "gateway", text)]);
        }
        let mut seen = Fixture::healthy();
        seen.own.certificate = Some(Err("not the key".to_owned()));
        check(
            &CHECK,
            &seen,
            &[(Severity::Error, "gateway", "not the key")],
        );
        seen.own.certificate = None;
        check(&CHECK, &seen, &[(Severity::Note, "gateway", "nowhere")]);
        config_of(&mut seen).listen.submission = Some("127.0.0.1:587".parse().expect("an address"));
        check(
            &CHECK,
            &seen,
            &[(Severity::Error, "gateway", "nothing can listen")],
        );
    }
}
