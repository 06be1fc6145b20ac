//! A password typed at a terminal, without echo.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use mailward_mail::Secret;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::CommandError;

/// Puts the terminal back as it was, however the reading ends.
struct EchoOff(Termios);

impl EchoOff {
    fn new() -> Result<Self, CommandError> {
        let before = tcgetattr(io::stdin()).map_err(CommandError::new)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent).map_err(CommandError::new)?;
        Ok(Self(before))
    }
}

impl Drop for EchoOff {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}

/// One line; `None` where standard input is no terminal.
pub(super) fn read_unseen(prompt: &str) -> Result<Option<Secret>, CommandError> {
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    let mut err = io::stderr();
    let _ = write!(err, "{prompt}").and_then(|()| err.flush());
    let silent = EchoOff::new()?;
    // Made whole at once: a buffer that grows leaves copies behind.
    let mut line = Zeroizing::new(String::with_capacity(LINE_OCTETS));
    let read = io::stdin().lock().read_line(&mut line);
    drop(silent);
    let _ = writeln!(err);
    read.map_err(CommandError::new)?;
    Ok(Some(Secret::new(line.trim_end_matches(['\r', '\n']))))
}

/// A terminal gives lines of up to this many octets.
const LINE_OCTETS: usize = 4096;
