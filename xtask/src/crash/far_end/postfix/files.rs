//! What Postfix and Dovecot are told.

use std::fs;
use std::path::Path;

use crate::crash::scene::{LETTERS, RESULTS, secret_of};
use crate::crash::tls::Certificate;
use crate::run::Result;

pub(super) fn write(home: &Path, certificate: &Certificate, port: u16, imaps: u16) -> Result {
    let users = format!(
        "{LETTERS}:{{PLAIN}}{}\n{RESULTS}:{{PLAIN}}{}\n",
        secret_of("letters"),
        secret_of("results")
    );
    for (name, text) in [
        ("users", users),
        ("dovecot.conf", dovecot_conf(home, certificate, imaps)),
        ("etc/main.cf", main_cf(home, certificate)),
        ("etc/mailboxes", MAILBOXES.to_owned()),
        ("etc/master.cf", master_cf(port)),
    ] {
        let path = home.join(name);
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// Who else is there is unknown, and refused.
const MAILBOXES: &str = "\
/^ward[0-9]+@northmoor\\.example$/ arrived/
/^(clinic\\.letters|lab\\.results)@northmoor\\.example$/ arrived/
/^sent-clinic\\.letters@northmoor\\.example$/ clinic.letters@northmoor.example/.Sent/
/^sent-lab\\.results@northmoor\\.example$/ lab.results@northmoor.example/.Sent/
";

fn main_cf(home: &Path, certificate: &Certificate) -> String {
    let (home, chain, key) = (
        home.display(),
        certificate.chain.display(),
        certificate.key.display(),
    );
    format!(
        "\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = localhost
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
maillog_file = {home}/postfix.log
maillog_file_prefixes = {home}

smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_cert_file = {chain}
smtpd_tls_key_file = {key}
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = permit_sasl_authenticated, reject

virtual_mailbox_domains = northmoor.example
virtual_mailbox_base = {home}/mail
virtual_mailbox_maps = regexp:{home}/etc/mailboxes
virtual_mailbox_limit = 0
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
sender_bcc_maps = inline:{{{{{LETTERS} = sent-{LETTERS}}}, {{{RESULTS} = sent-{RESULTS}}}}}

# Tell when a message began; the audit reads it.
enable_long_queue_ids = yes
in_flow_delay = 0
"
    )
}

fn master_cf(port: u16) -> String {
    format!(
        "\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"
    )
}

fn dovecot_conf(home: &Path, certificate: &Certificate, imaps: u16) -> String {
    let (home, chain, key) = (
        home.display(),
        certificate.chain.display(),
        certificate.key.display(),
    );
    format!(
        "\
base_dir = {home}/dovecot/run
state_dir = {home}/dovecot/run
log_path = {home}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{chain}
ssl_key = <{key}
auth_mechanisms = plain login
mail_location = maildir:{home}/mail/%u
first_valid_uid = 1
mail_privileged_group =
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {home}/users
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={home}/mail
}}
namespace inbox {{
  inbox = yes
  mailbox Sent {{
    special_use = \\Sent
  }}
}}
service auth {{
  unix_listener {home}/queue/private/auth {{
    mode = 0660
    user = postfix
    group = postfix
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"
    )
}
