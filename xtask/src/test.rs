//! `cargo xtask test`: the one command that does what the CI does.

use crate::bench;
use crate::components;
use crate::crash;
use crate::packages;
use crate::run::{Result, is_installed, run, run_with};

pub(crate) fn everything() -> Result {
    install()?;
    style()?;
    // Every failure of a run is worth knowing, not only the first.
    run(
        "cargo",
        &["test", "--release", "--workspace", "--no-fail-fast"],
    )?;
    crash::crash(SHORT_CRASH)?;
    bench::twin(SHORT_BENCH)?;
    licences()
}

/// What the tests need beside the workspace.
pub(crate) fn install() -> Result {
    components::ensure()?;
    packages::ensure()
}

/// A minute of kills. `cargo xtask crash --kills 10000` is the long run.
const SHORT_CRASH: &[&str] = &["--kills", "25"];

/// Half a minute that loses nothing of what it sends; its figures say little.
const SHORT_BENCH: &[&str] = &["--quick", "--peers", "off"];

/// What needs no program of others: for the minutes between two edits.
pub(crate) fn quick() -> Result {
    style()?;
    run("cargo", &["test", "--release", "--workspace", "--lib"])
}

fn style() -> Result {
    run("cargo", &["fmt", "--all", "--check"])?;
    run(
        "cargo",
        &[
            "clippy",
            "--release",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ],
    )
}

/// Generated documents are compared by a test of the program, and written by
/// the same test when this variable is set.
pub(crate) fn write_documents() -> Result {
    run_with(
        "cargo",
        &[
            "test",
            "--release",
            "--package",
            "mailward",
            "--test",
            "documents",
        ],
        &[("MAILWARD_WRITE_DOCUMENTS", "1")],
    )
}

fn licences() -> Result {
    if !is_installed("cargo-deny") {
        run("cargo", &["install", "--quiet", "--locked", "cargo-deny"])?;
    }
    run("cargo", &["deny", "check", "licenses", "bans", "sources"])
}
