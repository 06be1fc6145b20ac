//! What a refused sign-in means: Exchange's words, whose move it is, and what
//! to do. A data table, read from the top; the first row that fits decides.

use mailward_mail::Reply;
use mailward_policy::ClauseId;
use mailward_policy::clause::guide;

/// The meaning of one refusal.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The reply code; any when 0.
    code: u16,
    /// The start of the enhanced status code.
    status: &'static str,
    /// A part of the text, without regard to case.
    text: &'static str,
    pub(super) means: &'static str,
    pub(super) remedy: &'static str,
    pub(super) clauses: &'static [ClauseId],
    /// What it says of the protocol: switched off, or at least not off.
    pub(super) smtp_enabled: Option<bool>,
}

const ASK_LA: &str = "Ask the Local Administrator to enable SMTP for this account; it is off until asked for, and an unused protocol is switched off again.";

const TABLE: &[Refusal] = &[
    Refusal {
        code: 0,
        status: "5.7.139",
        text: "SmtpClientAuthentication is disabled for the Mailbox",
        means: "SMTP is not enabled for this account",
        remedy: ASK_LA,
        clauses: &[guide(6), guide(7), guide(47), guide(104)],
        smtp_enabled: Some(false),
    },
    Refusal {
        code: 0,
        status: "5.7.139",
        text: "SmtpClientAuthentication is disabled for the Tenant",
        means: "SMTP is not enabled for the organisation, nor for this account in particular",
        remedy: ASK_LA,
        clauses: &[guide(6), guide(47), guide(104)],
        smtp_enabled: Some(false),
    },
    Refusal {
        code: 0,
        status: "5.7.139",
        text: "basic authentication is disabled",
        means: "the service takes no password from this account any more",
        remedy: "Sign in with a token: mechanism = \"xoauth2\" and a client registration, which the Local Administrator asks for.",
        clauses: &[guide(6), guide(109)],
        smtp_enabled: None,
    },
    Refusal {
        code: 0,
        status: "5.7.139",
        text: "the user credentials were incorrect",
        means: "the password is wrong, or the account is locked: the service says the same of both",
        remedy: "Do not try again. Ask the Local Administrator whether the account is locked, then store the right password with `mailward secrets set`.",
        clauses: &[guide(35), guide(37)],
        smtp_enabled: None,
    },
    Refusal {
        code: 0,
        status: "5.7.139",
        text: "did not meet the criteria to be authenticated",
        means: "a policy of the organisation stands in the way: conditional access, or a second factor",
        remedy: "Ask the Local Administrator to make it an application account, or to exempt it from that policy.",
        clauses: &[guide(18), guide(47)],
        smtp_enabled: None,
    },
    Refusal {
        code: 0,
        status: "5.7.139",
        text: "federated STS service was unreachable",
        means: "the organisation's own sign-in service could not be reached by the mail service",
        remedy: "Tell whoever runs the organisation's federation (AD FS); the account and its password may be sound.",
        clauses: &[guide(107)],
        smtp_enabled: None,
    },
    Refusal {
        code: 0,
        status: "5.7.139",
        text: "federated STS URL does not support HTTPS",
        means: "the organisation's own sign-in service is registered without https",
        remedy: "Tell whoever runs the organisation's federation (AD FS) to register it with https.",
        clauses: &[guide(107)],
        smtp_enabled: None,
    },
    Refusal {
        code: 0,
        status: "5.7.139",
        text: "security defaults policy",
        means: "the organisation's security defaults lock out sign-in with a password",
        remedy: "Ask the Local Administrator for an exemption, or sign in with a token: mechanism = \"xoauth2\".",
        clauses: &[guide(47)],
        smtp_enabled: None,
    },
    Refusal {
        code: 0,
        status: "5.7.139",
        text: "",
        means: "the service refuses this account for a reason that this program does not know",
        remedy: "Do not try again. Show the reply to the Local Administrator.",
        clauses: &[guide(107)],
        smtp_enabled: None,
    },
    Refusal {
        code: 550,
        status: "5.7.30",
        text: "",
        means: "the service takes no passwords for submission any more",
        remedy: "Sign in with a token: mechanism = \"xoauth2\" and a client registration, which the Local Administrator asks for.",
        clauses: &[guide(6), guide(109)],
        smtp_enabled: None,
    },
    Refusal {
        code: 0,
        status: "5.7.3",
        text: "",
        means: "the token or password is not accepted for this account",
        remedy: "Do not try again. For a token, check that the registration has SMTP.SendAsApp and full access to this mailbox; for a password, ask the Local Administrator whether the account is locked.",
        clauses: &[guide(35), guide(37)],
        smtp_enabled: None,
    },
    Refusal {
        code: 0,
        status: "",
        text: "",
        means: "the server does not accept this credential",
        remedy: "Do not try again. Correct the secret with `mailward secrets set`: a new version may be tried once.",
        clauses: &[],
        smtp_enabled: None,
    },
];

/// What `reply` to AUTH means.
pub(super) fn meaning(reply: &Reply) -> &'static Refusal {
    let status = reply.status_text();
    let text = reply.text().to_ascii_lowercase();
    let fits = |row: &&Refusal| {
        (row.code == 0 || row.code == reply.code())
            && (row.status.is_empty() || status == row.status)
            && text.contains(&row.text.to_ascii_lowercase())
    };
    // The last row fits all.
    TABLE.iter().find(fits).unwrap_or(&TABLE[TABLE.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_refusals_are_understood() {
        let unsuccessful = "5.7.139 Authentication unsuccessful, ";
        let bracket =
            " [LO2P265CA0001.GBRP265.PROD.OUTLOOK.COM 2026-11-21T09:00:00.000Z 08DE1A2B3C4D5E6F]";
        for (code, text, means, smtp_enabled) in [
            (
                535,
                "SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information.",
                "for the organisation",
                Some(false),
            ),
            (
                535,
                "SmtpClientAuthentication is disabled for the Mailbox. Visit https://aka.ms/smtp_auth_disabled for more information.",
                "for this account",
                Some(false),
            ),
            (
                535,
                "basic authentication is disabled.",
                "no password from this account",
                None,
            ),
            (
                535,
                "the user credentials were incorrect.",
                "wrong, or the account is locked",
                None,
            ),
            (
                535,
                "the request did not meet the criteria to be authenticated successfully. Contact your administrator.",
                "a policy of the organisation",
                None,
            ),
            (
                535,
                "federated STS service was unreachable.",
                "could not be reached",
                None,
            ),
            (
                535,
                "the federated STS URL does not support HTTPS.",
                "without https",
                None,
            ),
            (
                535,
                "user is locked by your organization's security defaults policy. Contact your administrator.",
                "security defaults",
                None,
            ),
            (535, "something new.", "does not know", None),
        ] {
            let reply = Reply::from_wire(code, vec![format!("{unsuccessful}{text}{bracket}")]);
            let found = meaning(&reply);
            assert!(found.means.contains(means), "{text}: {}", found.means);
            assert_eq!(found.smtp_enabled, smtp_enabled, "{text}");
        }
        for (code, text, means) in [
            (
                550,
                "5.7.30 Basic authentication is not supported for Client Submission.",
                "no passwords for submission",
            ),
            (
                535,
                "5.7.3 Authentication unsuccessful [LO2P265CA0001.GBRP265.PROD.OUTLOOK.COM]",
                "not accepted for this account",
            ),
            (
                535,
                "5.7.8 Error: authentication failed: UGFzc3dvcmQ6",
                "the server does not accept",
            ),
            (535, "go away", "the server does not accept"),
        ] {
            let reply = Reply::from_wire(code, vec![text.to_owned()]);
            assert!(meaning(&reply).means.contains(means), "{text}");
        }
    }

    #[test]
    fn every_row_says_what_to_do_and_cites_what_there_is() {
        for row in TABLE {
            assert!(
                !row.means.is_empty() && row.remedy.ends_with('.'),
                "{row:?}"
            );
            for id in row.clauses {
                assert!(id.clause().is_some(), "{id}");
            }
        }
        let last = &TABLE[TABLE.len() - 1];
        assert!((last.code, last.status, last.text) == (0, "", ""));
    }
}
