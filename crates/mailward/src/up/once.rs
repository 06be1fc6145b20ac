//! `up --once`: the sample mail goes through the real doors, and what became
//! of each message is held against what should have.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mailward_gateway::Gateway;
use mailward_mail::{Address, Clock, Envelope, ForwardPath, MessageId, Recipient, ReversePath};
use mailward_mailbox::FolderName;
use mailward_net::Trust;
use mailward_net::clock::within;
use mailward_net::http::HttpClient;
use mailward_net::http::client::Options as HttpOptions;
use mailward_net::smtp::client::{
    ClientOptions, ClientSecurity, ClientSession, ClientTimes, Outgoing, Stopped,
};
use mailward_net::tls::client_config;
use mailward_twin::Twin;
use mailward_wire::smtp::client::Verdict;
use mailward_wire::smtp::{Credentials, Mechanism};
use serde_json::{Value, json};

use super::Surroundings;
use crate::ready::{Ready, ReadyAccount, ReadyApplication};

/// Long enough for a slow machine; reached only when something is wrong.
const OUTCOMES_WITHIN: Duration = Duration::from_secs(60);

/// One row of the outcome table.
struct Row {
    message: &'static str,
    how: &'static str,
    recipient: String,
    expected: &'static str,
    outcome: String,
}

impl Row {
    fn is_as_expected(&self) -> bool {
        self.outcome.starts_with(self.expected)
    }
}

/// Sends, waits, prints; success only if every outcome is as expected.
pub(super) async fn run(
    surroundings: &Surroundings,
    ready: &Ready,
    gateway: &Gateway,
    twin: &Twin,
    json: bool,
) -> Result<ExitCode, String> {
    let sample = Sample::new(surroundings, ready, gateway)?;
    let rows = within(&*surroundings.clock(), OUTCOMES_WITHIN, sample.go(twin))
        .await
        .map_err(|_| "the sample mail did not reach its outcomes in time".to_owned())??;
    let good = rows.iter().all(Row::is_as_expected);
    print(&rows, good, json)?;
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

struct Sample<'a> {
    surroundings: &'a Surroundings,
    ready: &'a Ready,
    gateway: &'a Gateway,
    application: &'a ReadyApplication,
    users: Vec<Address>,
    tls: Arc<rustls::ClientConfig>,
}

impl<'a> Sample<'a> {
    fn new(
        surroundings: &'a Surroundings,
        ready: &'a Ready,
        gateway: &'a Gateway,
    ) -> Result<Self, String> {
        let application = ready
            .applications
            .first()
            .ok_or("--once needs a seed with an [[application]]")?;
        let mut others: Vec<&ReadyAccount> = ready
            .accounts
            .iter()
            .filter(|account| account.address != application.from)
            .collect();
        others.sort_by_key(|account| account.kind != "user");
        let users: Vec<Address> = others
            .into_iter()
            .filter_map(|account| Address::parse(&account.address).ok())
            .take(2)
            .collect();
        if users.is_empty() {
            return Err(
                "--once needs a seed with an account beside the application's own".to_owned(),
            );
        }
        let ca = ready
            .ca_file
            .clone()
            .ok_or("there is no development authority")?;
        let tls = client_config(&Trust::CaFile(ca)).map_err(|error| error.to_string())?;
        Ok(Self {
            surroundings,
            ready,
            gateway,
            application,
            users,
            tls,
        })
    }

    async fn go(&self, twin: &Twin) -> Result<Vec<Row>, String> {
        let mut rows = Vec::new();
        let user = self.users[0].clone();
        let letter = self.letter("A clinic letter", &user, "");
        let sent = self.smtp(std::slice::from_ref(&user), &letter).await?;
        rows.extend(
            self.followed("clinic letter", "SMTP, STARTTLS", sent, "relayed")
                .await?,
        );

        let (status, answer) = self.api(&self.users).await?;
        let sent = match status {
            202 => Ok(answer["id"]
                .as_str()
                .and_then(|id| id.parse().ok())
                .ok_or("the API gave no id")?),
            other => Err(format!("{other} {answer}")),
        };
        rows.extend(
            self.followed("with an attachment", "HTTP API", sent, "relayed")
                .await?,
        );

        let nobody = self.outside_directory(twin)?;
        let letter = self.letter("To nobody", &nobody, "");
        let sent = self.smtp(&[nobody], &letter).await?;
        rows.extend(
            self.followed("unknown recipient", "SMTP, STARTTLS", sent, "relayed")
                .await?,
        );

        let reply_to = format!("Reply-To: noreply@{}\r\n", user.domain());
        let letter = self.letter("No reply", &user, &reply_to);
        let sent = self.smtp(std::slice::from_ref(&user), &letter).await?;
        rows.extend(
            self.followed(
                "with a noreply address",
                "SMTP, STARTTLS",
                sent,
                "refused 550",
            )
            .await?,
        );

        let letter = self
            .letter("Forged", &user, "")
            .replace(&self.application.from, user.as_str());
        let sent = self.smtp(std::slice::from_ref(&user), &letter).await?;
        rows.extend(
            self.followed("with another's From", "SMTP, STARTTLS", sent, "refused 550")
                .await?,
        );

        rows.push(self.arrivals(twin, &user, 2).await?);
        rows.push(self.report(twin).await?);
        Ok(rows)
    }

    fn letter(&self, subject: &str, to: &Address, more: &str) -> String {
        let now = self.surroundings.clock.now();
        format!(
            "From: \"Appointments, Clinic (NORTHMOOR HOSPITALS TRUST)\" <{}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nDate: {}\r\nMessage-ID: <{:016x}@{}>\r\n{more}\r\nYour appointment is on Tuesday at ten o'clock.\r\n",
            self.application.from,
            now.to_rfc5322(),
            self.surroundings.dice.next_u64(),
            to.domain(),
        )
    }

    /// An address of the organisation that nobody has.
    fn outside_directory(&self, twin: &Twin) -> Result<Address, String> {
        let domain = self.users[0].domain();
        (0..)
            .map(|number| format!("nobody{number}@{domain}"))
            .filter_map(|text| Address::parse(&text).ok())
            .find(|address| twin.accounts.find(address).is_none())
            .ok_or_else(|| "no unknown address can be made".to_owned())
    }

    /// Hands a message in; the reply's own words when it is refused.
    async fn smtp(
        &self,
        to: &[Address],
        letter: &str,
    ) -> Result<Result<MessageId, String>, String> {
        let address = self
            .ready
            .gateway
            .as_ref()
            .and_then(|gateway| gateway.submission.clone());
        let address = address.ok_or("the gateway has no submission endpoint")?;
        let (_, port) = address
            .rsplit_once(':')
            .ok_or("an address without a port")?;
        let options = ClientOptions {
            source: None,
            host: "localhost".to_owned(),
            port: port.parse().map_err(|_| "an address without a port")?,
            client_name: "localhost".to_owned(),
            security: ClientSecurity::StartTls(Arc::clone(&self.tls)),
            times: ClientTimes::default(),
        };
        let mut session = ClientSession::connect(
            &options,
            &*self.surroundings.resolver,
            self.surroundings.clock(),
        )
        .await
        .map_err(|error| error.to_string())?;
        let credentials = Credentials::password(
            Mechanism::Plain,
            self.application.username.as_str(),
            self.application.password.clone(),
        );
        session
            .authenticate(&credentials)
            .await
            .map_err(|error| error.to_string())?;
        let from = Address::parse(&self.application.from).map_err(|error| error.to_string())?;
        let mut envelope = Envelope::new(ReversePath::Address(from));
        envelope.recipients = to
            .iter()
            .cloned()
            .map(|address| Recipient::new(ForwardPath(address)))
            .collect();
        let mut text = Text(Some(Bytes::copy_from_slice(letter.as_bytes())));
        let verdicts = session
            .send(&envelope, Some(letter.len() as u64), &mut text)
            .await
            .map_err(|error| error.to_string())?;
        session.quit().await;
        let verdict = verdicts.first().ok_or("no verdict came")?;
        if !verdict.is_positive() {
            return Ok(Err(verdict.reply.to_string()));
        }
        let text = verdict.reply.text();
        let id = text.split_whitespace().find_map(|word| word.parse().ok());
        id.map(Ok).ok_or_else(|| format!("no id in {text:?}"))
    }

    async fn api(&self, to: &[Address]) -> Result<(u16, Value), String> {
        let address = self
            .ready
            .gateway
            .as_ref()
            .and_then(|gateway| gateway.https.clone());
        let url = format!(
            "https://{}/v1/messages",
            address.ok_or("the gateway has no API endpoint")?
        );
        let http = HttpClient::new(HttpOptions::new(
            Arc::clone(&self.tls),
            Arc::clone(&self.surroundings.resolver),
            self.surroundings.clock(),
        ))
        .map_err(|error| error.to_string())?;
        let body = json!({
            "to": to,
            "subject": "Your results",
            "text": "The leaflet is attached.",
            "attachments": [{ "filename": "leaflet.txt", "content_type": "text/plain", "content": "UGxlYXNlIHJlYWQgdGhpcy4=" }],
        });
        let authorization = format!("Bearer {}", self.application.api_key);
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-type", "application/json"),
        ];
        let response = http
            .post_bytes(&url, &headers, body.to_string().into_bytes().into())
            .await
            .map_err(|error| error.to_string())?;
        let answer = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
        Ok((response.status.as_u16(), answer))
    }

    /// The rows of one message once each of its recipients has an outcome.
    async fn followed(
        &self,
        message: &'static str,
        how: &'static str,
        sent: Result<MessageId, String>,
        expected: &'static str,
    ) -> Result<Vec<Row>, String> {
        let id = match sent {
            Ok(id) => id,
            Err(refusal) => {
                let outcome = format!("refused {refusal}");
                return Ok(vec![Row {
                    message,
                    how,
                    recipient: "-".to_owned(),
                    expected,
                    outcome,
                }]);
            }
        };
        let mut changes = self.gateway.queue.work_changes();
        loop {
            changes.mark_unchanged();
            let shown = self
                .gateway
                .queue
                .show(id)
                .await
                .map_err(|error| error.to_string())?;
            let shown = shown.ok_or("an accepted message is not in the queue")?;
            if shown.recipients.iter().all(|one| one.outcome().is_some()) {
                let row = |one: &mailward_queue::RecipientView| Row {
                    message,
                    how,
                    recipient: one.recipient.forward_path.address().as_str().to_owned(),
                    expected,
                    outcome: one.state.as_str().to_owned(),
                };
                return Ok(shown.recipients.iter().map(row).collect());
            }
            let _ = changes.changed().await;
        }
    }

    /// What lies in the recipient's mailbox.
    async fn arrivals(&self, twin: &Twin, user: &Address, at_least: usize) -> Result<Row, String> {
        let found = inbox(twin, user).await?;
        let subjects: Vec<&str> = found.iter().map(String::as_str).collect();
        let wanted = ["A clinic letter", "Your results"];
        let all = wanted.iter().all(|subject| subjects.contains(subject));
        Ok(Row {
            message: "both letters",
            how: "twin mailbox",
            recipient: user.as_str().to_owned(),
            expected: "delivered",
            outcome: if all && found.len() >= at_least {
                "delivered".to_owned()
            } else {
                format!("found {subjects:?}")
            },
        })
    }

    /// The service's non-delivery report about the unknown recipient.
    async fn report(&self, twin: &Twin) -> Result<Row, String> {
        let account = Address::parse(&self.application.from).map_err(|error| error.to_string())?;
        let found = inbox(twin, &account).await?;
        let told = found
            .iter()
            .any(|subject| subject == "Undeliverable: To nobody");
        Ok(Row {
            message: "non-delivery report",
            how: "twin mailbox",
            recipient: account.as_str().to_owned(),
            expected: "delivered",
            outcome: if told {
                "delivered".to_owned()
            } else {
                format!("found {found:?}")
            },
        })
    }
}

async fn inbox(twin: &Twin, account: &Address) -> Result<Vec<String>, String> {
    const ITEMS_READ_MAX: usize = 50;
    let folder = FolderName::parse("INBOX").map_err(|error| error.to_string())?;
    let items = twin
        .mailboxes
        .list(&account.key(), &folder, None, ITEMS_READ_MAX)
        .await
        .map_err(|error| error.to_string())?;
    Ok(items.into_iter().map(|item| item.summary.subject).collect())
}

/// A message held in memory; the sample's are small.
struct Text(Option<Bytes>);

impl Outgoing for Text {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Stopped> {
        Ok(self.0.take())
    }

    async fn before_final_dot(&mut self, _verdicts: &[Verdict]) -> Result<(), Stopped> {
        Ok(())
    }
}

fn print(rows: &[Row], good: bool, json: bool) -> Result<(), String> {
    let text = if json {
        let rows: Vec<Value> = rows
            .iter()
            .map(|row| {
                json!({
                    "message": row.message, "how": row.how, "recipient": row.recipient,
                    "expected": row.expected, "outcome": row.outcome, "ok": row.is_as_expected(),
                })
            })
            .collect();
        json!({ "ok": good, "outcomes": rows }).to_string() + "\n"
    } else {
        table(rows, good)
    };
    let mut out = std::io::stdout().lock();
    std::io::Write::write_all(&mut out, text.as_bytes())
        .map_err(|error| format!("standard output is closed: {error}"))
}

fn table(rows: &[Row], good: bool) -> String {
    const OUTCOME_SHOWN_MAX: usize = 100;
    let mut text = String::new();
    let _ = writeln!(
        text,
        "   {:24} {:16} {:34} outcome",
        "message", "how", "recipient"
    );
    for row in rows {
        let mark = if row.is_as_expected() { "ok" } else { "NO" };
        let outcome: String = row.outcome.chars().take(OUTCOME_SHOWN_MAX).collect();
        let _ = writeln!(
            text,
            "{mark} {:24} {:16} {:34} {outcome}",
            row.message, row.how, row.recipient
        );
        if !row.is_as_expected() {
            let _ = writeln!(text, "   expected: {}", row.expected);
        }
    }
    let _ = writeln!(
        text,
        "{}",
        if good {
            "Every outcome is as expected."
        } else {
            "Not every outcome is as expected."
        }
    );
    text
}
