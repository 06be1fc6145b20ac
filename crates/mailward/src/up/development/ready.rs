//! What a development start says of itself once everything listens.

use mailward_twin::Twin;

use super::{CONSOLE_USER, OAUTH_SCOPE, Setting};
use crate::ready::{Control, Ready, ReadyAccount, ReadyOAuth, SignIn, TwinEndpoints};

impl Setting {
    pub(super) fn ready(&self, twin: &Twin, console_url: Option<String>) -> Ready {
        let https = twin.endpoints.https;
        Ready {
            ready: true,
            pid: std::process::id(),
            dir: self.place.dir.clone(),
            ca_file: Some(self.authority.ca_file().to_owned()),
            console_url,
            console: Some(SignIn {
                username: CONSOLE_USER.to_owned(),
                password: self.console_password.expose().to_owned(),
            }),
            gateway: None,
            metrics_url: None,
            twin: Some(TwinEndpoints {
                submission: twin.endpoints.submission.to_string(),
                high_sending: twin.endpoints.high_sending.to_string(),
                relay: twin.endpoints.relay.to_string(),
                imaps: twin.endpoints.imaps.to_string(),
                pop3s: twin.endpoints.pop3s.to_string(),
                test_api: format!("http://{}", twin.endpoints.test_api),
                dns: twin.endpoints.dns.to_string(),
                https: https.to_string(),
                catch: twin.endpoints.catch.map(|address| address.to_string()),
                oauth: ReadyOAuth {
                    token_url: format!("https://{https}/{}/oauth2/v2.0/token", twin.tenant_id),
                    client_id: self.oauth_client.client_id.clone(),
                    client_secret: self.oauth_client.client_secret.expose().to_owned(),
                    scope: OAUTH_SCOPE.to_owned(),
                },
            }),
            applications: Vec::new(),
            accounts: twin
                .all_accounts()
                .iter()
                .map(|account| ReadyAccount {
                    address: account.address.as_str().to_owned(),
                    password: account.password.expose().to_owned(),
                    kind: account.kind.as_str(),
                })
                .collect(),
            control: Some(Control {
                url: format!("https://{https}/control/v1"),
                token: self.control_token.expose().to_owned(),
            }),
        }
    }
}
