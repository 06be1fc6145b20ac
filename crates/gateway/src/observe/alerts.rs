//! Rules that wake somebody, to begin with: one list, from which
//! `packaging/prometheus/alerts.yaml` and a table of the manual are made.

use std::fmt::Write as _;

/// One alerting rule of Prometheus.
#[derive(Debug)]
pub struct Alert {
    pub name: &'static str,
    pub expression: &'static str,
    /// How long it has to hold.
    pub lasts: &'static str,
    pub severity: Severity,
    /// What is wrong, in a sentence.
    pub summary: &'static str,
    /// What to do.
    pub act: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Mail is lost to its sender or refused: now, at night too.
    Page,
    /// Within the working day.
    Ticket,
}

impl Severity {
    fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        }
    }
}

use Severity::{Page, Ticket};

const fn alert(
    name: &'static str,
    expression: &'static str,
    lasts: &'static str,
    severity: Severity,
    summary: &'static str,
    act: &'static str,
) -> Alert {
    Alert {
        name,
        expression,
        lasts,
        severity,
        summary,
        act,
    }
}

pub const ALERTS: &[Alert] = &[
    alert(
        "MailwardGone",
        "up{job=\"mailward\"} == 0",
        "2m",
        Page,
        "The gateway does not answer.",
        "systemctl status mailward; the end of its log says why.",
    ),
    alert(
        "MailwardRefusesMail",
        "mailward_ready == 0",
        "1m",
        Page,
        "New mail is refused.",
        "/readyz says why: store_full wants room on the disk, store_poisoned a look at the disk and a restart.",
    ),
    alert(
        "MailwardStoreDamaged",
        "mailward_store_damages > 0",
        "0m",
        Ticket,
        "What was stored is not as it was written.",
        "The log names the places. Look at the disk; at a quiet hour stop the gateway and run mailward store repair --dry-run.",
    ),
    alert(
        "MailwardSpaceLow",
        "mailward_store_free_bytes < 2 * mailward_store_free_floor_bytes",
        "5m",
        Ticket,
        "The store's disk is nearly full.",
        "Give it room before the floor is reached and mail is refused.",
    ),
    alert(
        "MailwardDiskSlow",
        "rate(mailward_store_commit_seconds_total[5m]) / rate(mailward_store_groups_total[5m]) > 0.1",
        "10m",
        Ticket,
        "A commit takes more than 100 ms.",
        "Look at what else writes to the disk.",
    ),
    alert(
        "MailwardUrgentWaits",
        "mailward_oldest_open_seconds{class=\"urgent\"} > 300",
        "1m",
        Page,
        "Urgent mail waits for more than five minutes.",
        "`mailward queue list --state deferred`, then `mailward queue explain ID`.",
    ),
    alert(
        "MailwardRoutineWaits",
        "mailward_oldest_open_seconds{class=\"routine\"} > 14400",
        "5m",
        Ticket,
        "Mail waits for more than four hours.",
        "`mailward queue explain ID` names what it waits for.",
    ),
    alert(
        "MailwardCredentialRefused",
        "mailward_breaker_open == 1",
        "0m",
        Page,
        "The service refused a credential; its mail waits and nothing more is tried.",
        "Put a new secret into the keystore; see docs/how-to/rotate-a-password.md.",
    ),
    alert(
        "MailwardLanePaused",
        "mailward_lane_paused == 1",
        "15m",
        Page,
        "The service cannot be reached, or refuses us.",
        "`mailward doctor` tries name, port, TLS and sign-in.",
    ),
    alert(
        "MailwardExpired",
        "increase(mailward_recipients_expired_total[15m]) > 0",
        "0m",
        Page,
        "Mail was given up since its deadline passed.",
        "Its senders have been told; find out why it waited so long.",
    ),
    alert(
        "MailwardFailures",
        "sum(rate(mailward_recipient_results_total{result=\"failed\"}[30m])) > 0.1 * sum(rate(mailward_recipient_results_total[30m]))",
        "15m",
        Ticket,
        "One recipient in ten is refused.",
        "An application has bad addresses, or the service has changed its mind: look at mailward_replies_total.",
    ),
    alert(
        "MailwardInDoubt",
        "mailward_queue_recipients{state=\"in_doubt\"} > 0",
        "30m",
        Ticket,
        "Nobody knows whether some mail was taken.",
        "`mailward queue list --state in_doubt`; decide for each.",
    ),
    alert(
        "MailwardHeld",
        "mailward_queue_recipients{state=\"hold\"} > 0",
        "4h",
        Ticket,
        "Mail waits for a person.",
        "Release or cancel it on the console.",
    ),
    alert(
        "MailwardUntold",
        "increase(mailward_notices_total{result=\"given_up\"}[1h]) > 0",
        "0m",
        Ticket,
        "An application was not told of an outcome.",
        "Its callback was away for three days: tell its owner.",
    ),
    alert(
        "MailwardAlarm",
        "mailward_alarms > 0",
        "5m",
        Ticket,
        "An alarm stands.",
        "The console says which and since when.",
    ),
    alert(
        "MailwardWatchdogStopped",
        "increase(mailward_watchdog_rounds_total[10m]) == 0",
        "5m",
        Page,
        "The watchdog does no rounds: deadlines are not watched.",
        "Restart the gateway and report it, with its log.",
    ),
    alert(
        "MailwardPasswordExpires",
        "mailward_account_password_days_left < 18",
        "1h",
        Ticket,
        "A password expires within 18 days.",
        "docs/how-to/rotate-a-password.md.",
    ),
    alert(
        "MailwardRouteRetires",
        "mailward_route_retirement_days_left < 90",
        "1h",
        Ticket,
        "The service takes away within 90 days what a route rests on.",
        "Move its applications to another route.",
    ),
    alert(
        "MailwardRestarts",
        "changes(process_start_time_seconds{job=\"mailward\"}[1h]) > 2",
        "0m",
        Ticket,
        "The gateway restarts again and again.",
        "Its log says why it ended.",
    ),
    alert(
        "MailwardFilesLow",
        "process_open_fds{job=\"mailward\"} > 0.8 * process_max_fds{job=\"mailward\"}",
        "5m",
        Ticket,
        "It will soon have no more files to open.",
        "Raise LimitNOFILE, or find out who keeps so many connections.",
    ),
];

/// `packaging/prometheus/alerts.yaml`. All values are quoted as JSON is, which
/// YAML reads alike.
pub fn alerts_file() -> String {
    let mut text = String::from(
        "# Alerting rules for a gateway that Prometheus scrapes as job \"mailward\".\n\
         # Generated from crates/gateway/src/observe/alerts.rs by `cargo xtask docs`;\n\
         # copy it and set the figures that suit you.\n\
         groups:\n  - name: mailward\n    rules:\n",
    );
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    for one in ALERTS {
        let _ = write!(
            text,
            "      - alert: {}\n        expr: {}\n        for: {}\n        labels:\n          severity: {}\n        annotations:\n          summary: {}\n          description: {}\n",
            one.name,
            quoted(one.expression),
            quoted(one.lasts),
            quoted(one.severity.as_str()),
            quoted(one.summary),
            quoted(one.act),
        );
    }
    text
}

/// The same as a table of the reference page.
pub(super) fn alerts_table() -> String {
    let mut table =
        String::from("| alert | when | for | wakes | act |\n| --- | --- | --- | --- | --- |\n");
    for one in ALERTS {
        let _ = writeln!(
            table,
            "| {} | {} `{}` | {} | {} | {} |",
            one.name,
            one.summary,
            one.expression,
            one.lasts,
            one.severity.as_str(),
            one.act
        );
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::table;
    use super::*;

    /// Every name that an expression has is a figure of the table, or one that
    /// Prometheus makes by itself.
    #[test]
    fn alerts_rest_on_figures_that_are_there() {
        let known: Vec<&str> = table::all().iter().map(|one| one.name).collect();
        for alert in ALERTS {
            let words = alert
                .expression
                .split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
            let names: Vec<&str> = words
                .filter(|word| word.starts_with("mailward_") || word.starts_with("process_"))
                .collect();
            let own = alert.expression.starts_with("up{");
            assert!(own || !names.is_empty(), "{}", alert.name);
            for name in names {
                assert!(known.contains(&name), "{}: {name}", alert.name);
            }
            let (number, unit) = alert.lasts.split_at(alert.lasts.len() - 1);
            assert!(number.parse::<u32>().is_ok() && "mh".contains(unit));
        }
    }
}
