//! Running other programs, with what went wrong in one sentence.

use std::path::PathBuf;
use std::process::Command;

pub(crate) type Result<T = ()> = std::result::Result<T, String>;

/// The workspace folder.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(PathBuf::from)
        .unwrap_or_default()
}

/// Runs `program` in the workspace folder and fails unless it exits with 0.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Result {
    run_with(program, arguments, &[])
}

pub(crate) fn run_with(program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Result {
    println!("\n$ {program} {}", arguments.join(" "));
    let status = Command::new(program)
        .args(arguments)
        .envs(variables.iter().copied())
        .current_dir(root())
        .status()
        .map_err(|error| format!("can't start {program}: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!(
            "{program} {} failed: {status}",
            arguments.join(" ")
        ))
    }
}

/// Whether `program` is on the PATH or in the folders of system programs.
pub(crate) fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .any(|folder| folder.join(program).is_file())
}
