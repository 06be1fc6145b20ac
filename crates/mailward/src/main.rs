//! The program: its command line, and the wiring of the halves.
//!
//! Exit codes: 0 done, 1 the answer is no, 2 it could not be done.

mod cli;
mod cli_register;
mod commands;
mod console_source;
mod log;
mod operator;
mod ports;
mod ready;
mod seed;
mod up;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use cli::{Cli, Command};

/// The command could not be understood or carried out.
const EXIT_UNABLE: u8 = 2;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misread(&error),
    };
    mailward_net::tls::install_crypto_provider();
    // `gateway` starts it by its configuration.
    if !matches!(cli.command, Command::Gateway(_)) {
        log::start(log::QUIET);
    }
    if matches!(
        cli.command,
        Command::Gateway(_) | Command::Up(_) | Command::Twin(_)
    ) {
        log::keep_panics_quiet();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return unable(&format!("no threads can be started: {error}")),
    };
    let result = runtime.block_on(Box::pin(run(cli.command)));
    // Blocking look-ups that nobody waits for any more must not hold us up.
    runtime.shutdown_background();
    log::flush();
    match result {
        Ok(code) => code,
        Err(problem) => unable(&problem),
    }
}

async fn run(command: Command) -> Result<ExitCode, String> {
    match command {
        Command::Up(arguments) => Box::pin(up::up(arguments)).await,
        Command::Twin(arguments) => Box::pin(up::twin(arguments)).await,
        Command::Gateway(arguments) => Box::pin(up::gateway(arguments)).await,
        other => Box::pin(commands::run(other))
            .await
            .map_err(|error| error.to_string()),
    }
}

/// Help and version are answers; everything else is one clear line.
fn misread(error: &clap::Error) -> ExitCode {
    let text = error.to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = std::io::stderr().write_all(text.as_bytes());
            ExitCode::from(EXIT_UNABLE)
        }
        _ => {
            let problem: Vec<&str> = text
                .lines()
                .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .collect();
            let problem = problem.join(" ");
            unable(&format!(
                "{}. Try --help.",
                problem.trim_start_matches("error: ").trim()
            ))
        }
    }
}

fn unable(problem: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "mailward: {problem}");
    ExitCode::from(EXIT_UNABLE)
}
