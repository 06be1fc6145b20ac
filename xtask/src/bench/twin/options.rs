//! Which steps, and how much of each.

use std::path::PathBuf;

use crate::run::Result;

const USAGE: &str = "bench twin [STEP ...] [--quick] [--json] [--messages N] [--peers on|off]";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Start,
    Catch,
    Wait,
    List,
    Idle,
    Worlds,
    Imap,
}

impl Step {
    const ALL: [Self; 7] = [
        Self::Start,
        Self::Catch,
        Self::Wait,
        Self::List,
        Self::Idle,
        Self::Worlds,
        Self::Imap,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Catch => "catch",
            Self::Wait => "wait",
            Self::List => "list",
            Self::Idle => "idle",
            Self::Worlds => "worlds",
            Self::Imap => "imap",
        }
    }
}

#[derive(Debug)]
pub(super) struct Options {
    pub(super) steps: Vec<Step>,
    pub(super) json: bool,
    /// Whether other programs are measured beside.
    pub(super) peers: bool,
    /// Starts of each.
    pub(super) starts: usize,
    /// Messages of one round of catching; a peer gets a part of them.
    pub(super) caught: u64,
    /// Messages that are listed and searched.
    pub(super) messages: u64,
    /// Lists, searches and waits of each kind.
    pub(super) looks: usize,
    pub(super) idle_connections: usize,
    pub(super) worlds: usize,
    /// Rounds of the mixed script, on each connection.
    pub(super) rounds: usize,
    /// Where peers keep their mail: memory.
    pub(super) dir: PathBuf,
}

impl Options {
    pub(super) fn read(words: &[&str]) -> Result<Self> {
        let mut options = Self {
            steps: Vec::new(),
            json: false,
            peers: true,
            starts: 20,
            caught: 100_000,
            messages: 1_000_000,
            looks: 500,
            idle_connections: 10_000,
            worlds: 10_000,
            rounds: 300,
            dir: PathBuf::from("/dev/shm"),
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--quick" => {
                    options.starts = 3;
                    options.caught = 10_000;
                    options.messages = 20_000;
                    options.looks = 50;
                    options.idle_connections = 500;
                    options.worlds = 200;
                    options.rounds = 20;
                }
                "--json" => options.json = true,
                "--messages" => {
                    let count = words.next().and_then(|word| word.parse().ok());
                    options.messages = count.ok_or("--messages needs a number")?;
                }
                "--peers" => match words.next() {
                    Some(&"on") => options.peers = true,
                    Some(&"off") => options.peers = false,
                    _ => return Err("--peers is on or off".to_owned()),
                },
                name => match Step::ALL.into_iter().find(|step| step.name() == name) {
                    Some(step) => options.steps.push(step),
                    None => return Err(format!("{name}: not an option of cargo xtask {USAGE}")),
                },
            }
        }
        if options.steps.is_empty() {
            options.steps = Step::ALL.to_vec();
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_steps_and_amounts() {
        let options = Options::read(&["wait", "list", "--messages", "7"]).expect("good words");
        assert_eq!(options.steps, [Step::Wait, Step::List]);
        assert_eq!(options.messages, 7);
        assert_eq!(Options::read(&[]).expect("no words").steps, Step::ALL);
        for words in [&["--messages"][..], &["nothing"], &["--peers", "some"]] {
            assert!(Options::read(words).is_err(), "{words:?}");
        }
    }
}
