//! A Postfix that files a copy of what it takes into a folder, and a Dovecot
//! that shows it over IMAP.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::fs;
use std::process::{Command, Stdio};

use crate::postfix::{ACCOUNT, FarEnd};
use crate::support::{free_port, succeed};

/// Where the copies are filed.
pub enum Filed {
    /// A folder of a name in another language, marked as that of sent mail.
    Marked,
    /// One file with so many messages in it already.
    Among(usize),
}

/// The folder's name in Dovecot, and on the disk.
const MARKED: (&str, &str) = ("Envoyés", "clinic/.Envoy&AOk-s/");
const FILE: (&str, &str) = ("sent", "mbox/sent");

pub struct SentItems {
    pub far: FarEnd,
    pub imaps: u16,
}

impl SentItems {
    /// `imap_password` is what IMAP takes, which need not be what SMTP takes;
    /// `leaf` is the certificate it shows.
    pub fn start(filed: &Filed, imap_password: &str, leaf: &str) -> Self {
        let far = FarEnd::start();
        let sent = Self {
            far,
            imaps: free_port(),
        };
        let (name, place) = match filed {
            Filed::Marked => MARKED,
            Filed::Among(_) => FILE,
        };
        let mail_location = match filed {
            Filed::Marked => format!("maildir:{}", sent.far.path("mail/clinic")),
            Filed::Among(count) => {
                sent.fill(*count);
                {
                    let dir = sent.far.path("mail/mbox");
                    format!("mbox:{dir}:INBOX={dir}/inbox")
                }
            }
        };
        let mut main = fs::read_to_string(sent.far.path("etc/main.cf")).unwrap();
        main.push_str(&format!(
            "virtual_mailbox_maps = inline:{{{{someone@northmoor.example = inbox/}}, {{{ACCOUNT} = clinic/}}, {{sent-copy@northmoor.example = {place}}}}}\n\
             sender_bcc_maps = inline:{{{{{ACCOUNT} = sent-copy@northmoor.example}}}}\n\
             virtual_mailbox_limit = 0\n"
        ));
        let main = main.lines();
        // The later of two settings counts, but Postfix warns of it.
        let kept: Vec<&str> = main
            .clone()
            .enumerate()
            .filter(|(index, line)| {
                let name = line.split(" = ").next();
                let later = main.clone().skip(index + 1);
                !later
                    .into_iter()
                    .any(|other| other.split(" = ").next() == name)
            })
            .map(|(_, line)| line)
            .collect();
        fs::write(sent.far.path("etc/main.cf"), kept.join("\n") + "\n").unwrap();
        succeed(Command::new("postfix").args(["-c", &sent.far.path("etc"), "reload"]));
        sent.show(name, &mail_location, imap_password, leaf);
        sent
    }

    fn fill(&self, count: usize) {
        fs::create_dir_all(self.far.path("mail/mbox")).unwrap();
        let mut text = String::with_capacity(count * 200);
        for n in 0..count {
            text.push_str(&format!(
                "From {ACCOUNT} Fri Nov 20 09:00:00 2026\nFrom: {ACCOUNT}\nMessage-ID: <old-{n}@northmoor.example>\nSubject: earlier\n\nx\n\n"
            ));
        }
        fs::write(self.far.path("mail/mbox/sent"), text).unwrap();
        succeed(Command::new("chown").args(["-R", "65534:65534", &self.far.path("mail/mbox")]));
    }

    fn show(&self, name: &str, mail_location: &str, password: &str, leaf: &str) {
        let dir = self.far.dir.path().display();
        fs::create_dir_all(self.far.path("imap")).unwrap();
        fs::write(
            self.far.path("users.imap"),
            format!("{ACCOUNT}:{{PLAIN}}{password}\n"),
        )
        .unwrap();
        fs::write(
            self.far.path("imap.conf"),
            format!(
                "base_dir = {dir}/imap/run\nstate_dir = {dir}/imap/run\nlog_path = {dir}/imap/log\n\
                 protocols = imap\nlisten = 127.0.0.1\nssl = yes\nssl_cert = <{dir}/{leaf}.pem\nssl_key = <{dir}/{leaf}.key\n\
                 auth_mechanisms = plain\nauth_verbose = yes\nmail_location = {mail_location}\nfirst_valid_uid = 1\n\
                 mail_privileged_group =\nmbox_write_locks = fcntl\nmbox_read_locks = fcntl\n\
                 passdb {{\n driver = passwd-file\n args = scheme=PLAIN username_format=%u {dir}/users.imap\n}}\n\
                 userdb {{\n driver = static\n args = uid=65534 gid=65534 home={dir}/mail\n}}\n\
                 namespace inbox {{\n inbox = yes\n mailbox {name} {{\n  special_use = \\Sent\n }}\n}}\n\
                 service imap-login {{\n chroot =\n inet_listener imap {{\n  port = 0\n }}\n\
                 inet_listener imaps {{\n  port = {port}\n  ssl = yes\n }}\n}}\n\
                 service anvil {{\n chroot =\n}}\nservice stats {{\n chroot =\n}}\n",
                port = self.imaps
            ),
        )
        .unwrap();
        let status = Command::new("dovecot")
            .args(["-c", &self.far.path("imap.conf")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("dovecot: `cargo xtask test` installs it");
        assert!(status.success());
    }

    /// What Dovecot wrote down.
    pub fn log(&self) -> String {
        fs::read_to_string(self.far.path("imap/log")).unwrap_or_default()
    }
}

impl Drop for SentItems {
    fn drop(&mut self) {
        let _ = Command::new("doveadm")
            .args(["-c", &self.far.path("imap.conf"), "stop"])
            .output();
    }
}
