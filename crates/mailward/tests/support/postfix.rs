//! A server that nobody here wrote: Postfix, with Dovecot to sign in, in a
//! folder of its own on high ports.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{free_port, succeed};

pub const ACCOUNT: &str = "clinic@northmoor.example";
pub const PASSWORD: &str = "far-end-password-1234";

/// A private Postfix and Dovecot, stopped by their own commands.
pub struct FarEnd {
    pub dir: tempfile::TempDir,
    /// Signs in, with a good certificate.
    pub port: u16,
    /// More doors: a port and what it does otherwise, as `master.cf` says it.
    doors: Vec<(u16, String)>,
}

impl FarEnd {
    pub fn start() -> Self {
        Self::start_with(Vec::new())
    }

    /// With more doors than the good one.
    pub fn start_with(doors: Vec<(u16, String)>) -> Self {
        assert_eq!(
            succeed(Command::new("id").arg("-u")).trim(),
            "0",
            "Postfix starts only as root: run the tests as root"
        );
        let far = Self {
            dir: tempfile::Builder::new().prefix("mw-").tempdir().unwrap(),
            port: free_port(),
            doors,
        };
        far.write();
        daemon("dovecot", &["-c", &far.path("dovecot.conf")]);
        daemon("postfix", &["-c", &far.path("etc"), "start"]);
        far
    }

    pub fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self) {
        for folder in ["etc", "queue", "queue/private", "data", "mail", "dovecot"] {
            fs::create_dir_all(self.dir.path().join(folder)).unwrap();
        }
        succeed(Command::new("chmod").args(["755", self.dir.path().to_str().unwrap()]));
        succeed(Command::new("chown").args([
            "postfix",
            &self.path("data"),
            &self.path("queue/private"),
        ]));
        succeed(Command::new("chown").args(["65534:65534", &self.path("mail")]));
        certificate(self.dir.path());
        let dir = self.dir.path().display();
        fs::write(
            self.path("users"),
            format!("{ACCOUNT}:{{PLAIN}}{PASSWORD}\n"),
        )
        .unwrap();
        fs::write(
            self.path("dovecot.conf"),
            format!(
                "base_dir = {dir}/dovecot/run\nstate_dir = {dir}/dovecot/run\nlog_path = {dir}/dovecot/log\n\
                 protocols =\nssl = no\nlisten = 127.0.0.1\nauth_mechanisms = plain login\ndisable_plaintext_auth = no\n\
                 passdb {{\n driver = passwd-file\n args = scheme=PLAIN username_format=%u {dir}/users\n}}\n\
                 userdb {{\n driver = static\n args = uid=65534 gid=65534 home={dir}\n}}\n\
                 service auth {{\n unix_listener {dir}/queue/private/auth {{\n  mode = 0660\n  user = postfix\n  group = postfix\n }}\n}}\n\
                 service anvil {{\n chroot =\n}}\nservice stats {{\n chroot =\n}}\n"
            ),
        )
        .unwrap();
        fs::write(
            self.path("etc/main.cf"),
            format!(
                "compatibility_level = 3.6\nqueue_directory = {dir}/queue\ndata_directory = {dir}/data\n\
                 command_directory = /usr/sbin\ndaemon_directory = /usr/lib/postfix/sbin\n\
                 mail_owner = postfix\nsetgid_group = postdrop\nmyhostname = localhost\nmydestination =\n\
                 inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nalias_maps =\nalias_database =\nmynetworks =\n\
                 smtpd_relay_restrictions = permit_sasl_authenticated, reject\n\
                 smtpd_recipient_restrictions = permit_sasl_authenticated, reject\n\
                 smtpd_tls_security_level = may\nsmtpd_tls_auth_only = yes\n\
                 smtpd_tls_cert_file = {dir}/leaf.pem\nsmtpd_tls_key_file = {dir}/leaf.key\n\
                 smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = private/auth\n\
                 virtual_mailbox_domains = northmoor.example\nvirtual_mailbox_base = {dir}/mail\n\
                 virtual_mailbox_maps = inline:{{{{someone@northmoor.example = inbox/}}, {{{ACCOUNT} = clinic/}}}}\n\
                 virtual_uid_maps = static:65534\nvirtual_gid_maps = static:65534\n\
                 maillog_file = {dir}/postfix.log\nmaillog_file_prefixes = {dir}\n"
            ),
        )
        .unwrap();
        let services = "pickup unix n - n 60 1 pickup\ncleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n\
             rewrite unix - - n - - trivial-rewrite\nbounce unix - - n - 0 bounce\ndefer unix - - n - 0 bounce\n\
             trace unix - - n - 0 bounce\nverify unix - - n - 1 verify\nproxymap unix - - n - - proxymap\n\
             smtp unix - - n - - smtp\nshowq unix n - n - - showq\nerror unix - - n - - error\nretry unix - - n - - error\n\
             discard unix - - n - - discard\nvirtual unix - n n - - virtual\nanvil unix - - n - 1 anvil\n\
             scache unix - - n - 1 scache\ntlsmgr unix - - n 1000? 1 tlsmgr\npostlog unix-dgram n - n - 1 postlogd\n";
        let mut doors = format!("127.0.0.1:{} inet n - n - - smtpd\n", self.port);
        for (port, otherwise) in &self.doors {
            let otherwise = otherwise.replace("{dir}", &dir.to_string());
            doors.push_str(&format!(
                "127.0.0.1:{port} inet n - n - - smtpd {otherwise}\n"
            ));
        }
        fs::write(self.path("etc/master.cf"), format!("{doors}{services}")).unwrap();
    }

    /// The messages in one of its maildirs.
    pub fn maildir(&self, name: &str) -> Vec<String> {
        let folder = self.dir.path().join("mail").join(name).join("new");
        let Ok(entries) = fs::read_dir(folder) else {
            return Vec::new();
        };
        entries
            .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
            .collect()
    }
}

impl Drop for FarEnd {
    fn drop(&mut self) {
        let _ = Command::new("postfix")
            .args(["-c", &self.path("etc"), "stop"])
            .output();
        let _ = Command::new("doveadm")
            .args(["-c", &self.path("dovecot.conf"), "stop"])
            .output();
    }
}

/// Starts what goes on in the background: it keeps its standard output open,
/// so nobody may wait for the end of that.
fn daemon(program: &str, arguments: &[&str]) {
    let status = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap_or_else(|error| {
            panic!("{program} does not start ({error}): `cargo xtask test` installs it")
        });
    assert!(status.success(), "{program}: {status}");
}

/// An authority, a certificate for `localhost`, one that has expired, and one
/// for another name.
fn certificate(dir: &Path) {
    let openssl = |arguments: &str| {
        succeed(
            Command::new("openssl")
                .args(arguments.split(' '))
                .current_dir(dir),
        );
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(&format!(
        "req -x509 {key} -keyout ca.key -out ca.pem -days 90 -subj /CN=Far-end-CA"
    ));
    for (leaf, names, days) in [
        ("leaf", "DNS:localhost,IP:127.0.0.1", 90),
        ("expired", "DNS:localhost", 0),
        ("other", "DNS:other.northmoor.example", 90),
    ] {
        openssl(&format!(
            "req {key} -keyout {leaf}.key -out {leaf}.csr -subj /CN=localhost"
        ));
        fs::write(dir.join("names"), format!("subjectAltName={names}\n")).unwrap();
        openssl(&format!(
            "x509 -req -in {leaf}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days {days} -extfile names -out {leaf}.pem"
        ));
    }
}
