//! The reference page, made of the table.

use std::fmt::Write as _;

use mailward_net::metrics::Definition;

use super::alerts::alerts_table;
use super::table;

/// `docs/reference/metrics.md`; `more` are those that stand beside the
/// gateway's own.
pub fn reference(more: &[&Definition]) -> String {
    let mut page = String::from(OPENING);
    page.push_str("\n| name | type | labels | is | watch for |\n| --- | --- | --- | --- | --- |\n");
    for definition in table::all().iter().chain(more) {
        let labels: Vec<String> = definition
            .labels
            .iter()
            .map(|label| format!("`{label}`"))
            .collect();
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} | {} |",
            definition.name,
            definition.kind.as_str(),
            labels.join(", "),
            definition.help,
            definition.watch
        );
    }
    page.push_str(CLOSING);
    page.push_str(&alerts_table());
    page
}

const OPENING: &str = "# Metrics

<!-- Generated from crates/gateway/src/observe/table.rs by `cargo xtask docs`. -->

Figures in the text format of Prometheus at `/metrics` of the listener that `[metrics]` configures; `mailward up` has one by itself and says where.
The same listener answers `/livez` and `/readyz`.
[How to watch the gateway](../how-to/watch-the-gateway.md) says what to alert on; [alerts.yaml](../../packaging/prometheus/alerts.yaml) is a set of rules to begin with.

Counters begin at 0 with the program.
Gauges are read when they are asked for, by indices and counters; nothing is scanned for them.
";

const CLOSING: &str = "
No value of a label is an address of a recipient, a subject or text from a message.
`account` and `route` are the configuration's, `application` the register's, `rule` a [rule](rules.md)'s id; the others come from closed lists.
A family holds 10,000 sets of labels at most; what is beyond counts as `other`.

## Alerts

The rules of [alerts.yaml](../../packaging/prometheus/alerts.yaml).
`page` wakes somebody at night, since mail is refused or lost to its sender; `ticket` is for the working day.

";
