//! What is printed when everything listens: one JSON object for programs, a
//! short table for people. Both are made from the same value.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Serialize;

/// The ready object. A half that does not run is absent.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Ready {
    pub(crate) ready: bool,
    pub(crate) pid: u32,
    pub(crate) dir: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) console_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) console: Option<SignIn>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) gateway: Option<GatewayEndpoints>,
    /// Where monitoring asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) metrics_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) twin: Option<TwinEndpoints>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) applications: Vec<ReadyApplication>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) accounts: Vec<ReadyAccount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) control: Option<Control>,
}

/// Who signs in to the development console.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SignIn {
    pub(crate) username: String,
    pub(crate) password: String,
}

/// Addresses as `127.0.0.1:2587`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct GatewayEndpoints {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) submission: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) submissions: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) https: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct TwinEndpoints {
    pub(crate) submission: String,
    pub(crate) high_sending: String,
    pub(crate) relay: String,
    pub(crate) imaps: String,
    pub(crate) pop3s: String,
    /// As `http://127.0.0.1:8025`.
    pub(crate) test_api: String,
    /// The name server, by datagrams and connections.
    pub(crate) dns: String,
    pub(crate) https: String,
    /// Only where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) catch: Option<String>,
    pub(crate) oauth: ReadyOAuth,
}

/// A client registration that may use every account of the seed.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ReadyOAuth {
    pub(crate) token_url: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) scope: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct ReadyApplication {
    pub(crate) name: String,
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) api_key: String,
    pub(crate) from: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct ReadyAccount {
    pub(crate) address: String,
    pub(crate) password: String,
    pub(crate) kind: &'static str,
}

/// The twin's control API.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Control {
    pub(crate) url: String,
    pub(crate) token: String,
}

impl Ready {
    /// One line of JSON.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| "{\"ready\":false}".to_owned())
    }

    /// The table for a person at a terminal.
    pub(crate) fn to_table(&self) -> String {
        let mut text = String::new();
        let _ = writeln!(
            text,
            "Mailward is ready.{} State is kept in {}",
            if self.twin.is_some() {
                " Nothing leaves this machine."
            } else {
                ""
            },
            self.dir.display()
        );
        text.push('\n');
        if let Some(gateway) = &self.gateway {
            endpoint(
                &mut text,
                "gateway",
                "submission (STARTTLS)",
                gateway.submission.as_deref(),
            );
            endpoint(
                &mut text,
                "",
                "submissions (implicit TLS)",
                gateway.submissions.as_deref(),
            );
            endpoint(&mut text, "", "HTTPS API", gateway.https.as_deref());
        }
        if let Some(twin) = &self.twin {
            endpoint(
                &mut text,
                "twin",
                "submission (STARTTLS)",
                Some(&twin.submission),
            );
            endpoint(
                &mut text,
                "",
                "high sending (STARTTLS)",
                Some(&twin.high_sending),
            );
            endpoint(&mut text, "", "relay (no sign-in)", Some(&twin.relay));
            endpoint(&mut text, "", "IMAP (implicit TLS)", Some(&twin.imaps));
            endpoint(&mut text, "", "POP3 (implicit TLS)", Some(&twin.pop3s));
            endpoint(&mut text, "", "HTTPS (OAuth, control)", Some(&twin.https));
            endpoint(&mut text, "", "catch (SMTP for any)", twin.catch.as_deref());
            endpoint(
                &mut text,
                "",
                "test API (as Mailpit's)",
                Some(&twin.test_api),
            );
            endpoint(&mut text, "", "name server (UDP, TCP)", Some(&twin.dns));
        }
        if let Some(url) = &self.metrics_url {
            let _ = writeln!(text, "{:9}{:28}{url}", "metrics", "Prometheus");
        }
        if let (Some(url), Some(sign_in)) = (&self.console_url, &self.console) {
            let _ = writeln!(text, "{:9}{:28}{url}", "console", "browser");
            let _ = writeln!(
                text,
                "{:37}sign in as {} with {}",
                "", sign_in.username, sign_in.password
            );
        }
        if !self.applications.is_empty() {
            text.push_str("\nApplications (hand their mail to the gateway)\n");
            for application in &self.applications {
                let _ = writeln!(
                    text,
                    "  {:14} user {} password {}\n{:17}from {}\n{:17}API key {}",
                    application.name,
                    application.username,
                    application.password,
                    "",
                    application.from,
                    "",
                    application.api_key
                );
            }
        }
        if !self.accounts.is_empty() {
            text.push_str("\nAccounts (mailboxes of the twin)\n");
            for account in self.accounts.iter().take(ACCOUNTS_SHOWN_MAX) {
                let _ = writeln!(
                    text,
                    "  {:12} {:36} password {}",
                    account.kind, account.address, account.password
                );
            }
            if self.accounts.len() > ACCOUNTS_SHOWN_MAX {
                let _ = writeln!(
                    text,
                    "  and {} more; --json shows all",
                    self.accounts.len() - ACCOUNTS_SHOWN_MAX
                );
            }
        }
        self.try_next(&mut text);
        text
    }

    /// One line to copy for each protocol.
    fn try_next(&self, text: &mut String) {
        let ca = self
            .ca_file
            .as_ref()
            .map(|path| path.display().to_string())
            .unwrap_or_default();
        let user = self.accounts.iter().find(|account| account.kind == "user");
        text.push_str("\nTry\n");
        if let (Some(gateway), Some(application)) = (&self.gateway, self.applications.first()) {
            let to = user.map_or(application.from.as_str(), |account| {
                account.address.as_str()
            });
            if let Some(address) = &gateway.submission {
                let _ = writeln!(
                    text,
                    "  swaks --server {address} --tls --tls-ca-path {ca} --tls-verify --auth-user {} --auth-password {} --from {} --to {to}",
                    application.username, application.password, application.from
                );
            }
            if let Some(address) = &gateway.https {
                let _ = writeln!(
                    text,
                    "  curl --cacert {ca} -H 'Authorization: Bearer {}' -H 'Content-Type: application/json' -d '{{\"to\":[\"{to}\"],\"subject\":\"Hello\",\"text\":\"It works.\"}}' https://{address}/v1/messages",
                    application.api_key
                );
            }
        }
        if let (Some(twin), Some(account)) = (&self.twin, user) {
            let _ = writeln!(
                text,
                "  curl --cacert {ca} --user '{}:{}' 'imaps://{}/INBOX' -X 'SEARCH ALL'",
                account.address, account.password, twin.imaps
            );
            let _ = writeln!(
                text,
                "  openssl s_client -connect {} -starttls smtp -crlf -CAfile {ca}",
                twin.submission
            );
        }
        if let Some(twin) = &self.twin {
            if let Some(catch) = &twin.catch {
                let _ = writeln!(
                    text,
                    "  swaks --server {catch} --to anybody@anywhere.example"
                );
            }
            let _ = writeln!(text, "  curl '{}/api/v1/messages'", twin.test_api);
        }
        let what = match self.gateway.is_some() && self.twin.is_some() {
            true => "both",
            false => "it",
        };
        let _ = writeln!(
            text,
            "\nCtrl-C stops {what} and waits for what is under way."
        );
    }
}

/// A seed may have hundreds of accounts; a table should not.
const ACCOUNTS_SHOWN_MAX: usize = 8;

fn endpoint(text: &mut String, half: &str, what: &str, address: Option<&str>) {
    if let Some(address) = address {
        let _ = writeln!(text, "{half:9}{what:28}{address}");
    }
}
