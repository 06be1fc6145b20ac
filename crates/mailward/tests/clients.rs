//! Mail programs of others at the twin, each with accounts of its own. The
//! scripts that drive them are in `interop`.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::fs;

use support::{Running, node, packaged_python};

/// A twin with these people, whose relay takes mail from here.
fn twin(people: &[&str], more: &[&str]) -> Running {
    let dir = tempfile::tempdir().unwrap();
    let mut seed =
        "[organisation]\nname = \"NORTHMOOR HOSPITALS TRUST\"\ndomain = \"northmoor.example\"\n\
         [[relay_registration]]\naddress = \"127.0.0.1\"\n"
            .to_owned();
    for person in people {
        seed += &format!(
            "[[account]]\naddress = \"{person}@northmoor.example\"\nprotocols = [\"smtp\", \"imap\", \"pop\"]\n"
        );
    }
    let path = dir.path().join("seed.toml");
    fs::write(&path, seed).unwrap();
    let arguments = [
        "twin",
        "--json",
        "--ports",
        "auto",
        "--limits",
        "off",
        "--seed",
        path.to_str().unwrap(),
    ];
    Running::start(&[&arguments, more].concat()).keep(dir)
}

/// The IMAP service as NHSmail's, and with every extension.
const PROFILES: [&[&str]; 2] = [&[], &["--profile", "full"]];

#[test]
fn mbsync_keeps_a_maildir_in_step() {
    for profile in PROFILES {
        let twin = twin(&["mbsync"], profile);
        assert_eq!(packaged_python("mbsync.py", &twin.ready), "done\n");
    }
}

#[test]
fn offlineimap_keeps_a_maildir_in_step() {
    for profile in PROFILES {
        let twin = twin(&["offlineimap"], profile);
        assert_eq!(packaged_python("offlineimap.py", &twin.ready), "done\n");
    }
}

#[test]
fn getmail_and_fetchmail_collect_each_letter_once() {
    let ways = ["imap", "imap-deletes", "pop", "pop-deletes"];
    let people: Vec<String> = ["getmail", "fetchmail"]
        .iter()
        .flat_map(|program| ways.map(|way| format!("{program}-{way}")))
        .collect();
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    let twin = twin(&people, &[]);
    assert_eq!(packaged_python("collectors.py", &twin.ready), "done\n");
}

#[test]
fn mutt_reads_files_and_sends() {
    let twin = twin(&["mutt"], &[]);
    assert_eq!(packaged_python("mutt.py", &twin.ready), "done\n");
}

#[test]
fn thunderbird_fetches_and_idles() {
    for profile in PROFILES {
        let twin = twin(&["thunderbird"], profile);
        assert_eq!(packaged_python("thunderbird.py", &twin.ready), "done\n");
    }
}

#[test]
fn swaks_is_let_in_and_refused() {
    let twin = twin(&["swaks"], &[]);
    assert_eq!(packaged_python("swaks.py", &twin.ready), "done\n");
}

#[test]
fn imapclient_for_python_uses_all_it_has() {
    for profile in PROFILES {
        let twin = twin(&["imapclient"], profile);
        let said = packaged_python("imapclient_session.py", &twin.ready);
        assert_eq!(said, "done\n");
    }
}

#[test]
fn imapflow_and_nodemailer_read_watch_and_send() {
    for profile in PROFILES {
        let twin = twin(&["imapflow"], profile);
        assert_eq!(node("imapflow.mjs", &twin.ready), "done\n");
    }
}

/// The TLS ports, and what STARTTLS is asked for in.
const TLS_PORTS: [&[&str]; 6] = [
    &["imaps"],
    &["pop3s"],
    &["https"],
    &["submission", "smtp"],
    &["high_sending", "smtp"],
    &["relay", "smtp"],
];

#[test]
fn testssl_finds_nothing_of_weight_on_any_port() {
    let twin = twin(&["asha"], &[]);
    std::thread::scope(|scope| {
        for port in TLS_PORTS {
            let mut ready = twin.ready.clone();
            ready["look_at"] = serde_json::json!(port);
            scope.spawn(move || {
                let said = packaged_python("tls.py", &ready);
                assert_eq!(said, "done\n", "{port:?}");
            });
        }
    });
}
