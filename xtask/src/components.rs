//! The programs of others that the tests run against, from Debian; packages of
//! other languages are [`crate::packages`]' part.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use crate::run::{Result, is_installed, run, run_with};

/// A program a test starts, and the Debian package it comes in.
const COMPONENTS: [(&str, &str); 19] = [
    ("postfix", "postfix"),
    ("dovecot", "dovecot-core"),
    ("swaks", "swaks"),
    ("mbsync", "isync"),
    ("mutt", "mutt"),
    ("offlineimap", "offlineimap3"),
    ("getmail", "getmail6"),
    ("fetchmail", "fetchmail"),
    ("curl", "curl"),
    ("dig", "bind9-dnsutils"),
    ("openssl", "openssl"),
    ("testssl", "testssl.sh"),
    ("python3", "python3"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("thunderbird", "thunderbird"),
    ("certutil", "libnss3-tools"),
    ("chromium", "chromium"),
    ("chromedriver", "chromium-driver"),
];

/// Packages that bring no program of their own to look for.
const COMPANIONS: [&str; 5] = [
    "python3-venv",
    "libnet-ssleay-perl",
    "libio-socket-ssl-perl",
    "dovecot-imapd",
    "libfaketime",
];

/// While this file says 101, Debian's package scripts start no service: the
/// tests start their own copies, on ports of their own.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Installs what is missing when root; says what to install when not.
pub(crate) fn ensure() -> Result {
    let missing: Vec<&str> = COMPONENTS
        .iter()
        .filter(|(program, _)| !is_installed(program))
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages = [missing.as_slice(), COMPANIONS.as_slice()].concat();
    if fs::metadata("/proc/self").map(|own| own.uid()).unwrap_or(1) != 0 {
        return Err(format!(
            "the tests need programs that are not here; run as root:\n  apt-get install --no-install-recommends {}",
            packages.join(" ")
        ));
    }
    let ours = !Path::new(POLICY).exists();
    if ours {
        fs::write(POLICY, "#!/bin/sh\nexit 101\n").map_err(|error| format!("{POLICY}: {error}"))?;
        fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755))
            .map_err(|error| format!("{POLICY}: {error}"))?;
    }
    let installed = install(&packages);
    if ours {
        fs::remove_file(POLICY).map_err(|error| format!("{POLICY}: {error}"))?;
    }
    installed
}

fn install(packages: &[&str]) -> Result {
    let quiet = [("DEBIAN_FRONTEND", "noninteractive")];
    run("apt-get", &["update", "-qq"])?;
    let arguments = [
        &["install", "-y", "-qq", "--no-install-recommends"],
        packages,
    ]
    .concat();
    run_with("apt-get", &arguments, &quiet)
}
