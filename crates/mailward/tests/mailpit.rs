//! Client libraries of Mailpit, as they come, against the twin's test API.

mod support;

use support::{Running, node, packaged_python};

/// The sample organisation, without the rates that the clients would run into.
fn twin() -> Running {
    Running::start(&["twin", "--json", "--ports", "auto", "--limits", "off"])
}

#[test]
fn mailpit_api_for_node_reads_what_nodemailer_sent() {
    assert_eq!(node("mailpit.mjs", &twin().ready), "done\n");
}

#[test]
fn mailpit_api_client_for_python_reads_and_deletes() {
    assert_eq!(
        packaged_python("mailpit_client.py", &twin().ready),
        "done\n"
    );
}
