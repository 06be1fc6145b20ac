//! How often to kill, for how long, and from which seed.

use std::path::PathBuf;
use std::time::Duration;

use crate::run::Result;

pub(super) const USAGE: &str = "crash [power|full|clock] [--far-end own|postfix] [--kills N] \
     [--minutes M] [--seed S] [--json] [--dir DIR] [--program FILE]";

/// On disk by custom, unlike /tmp, and every user may pass through it.
const DIR: &str = "/var/tmp";

/// What ends the gateway's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// SIGKILL: what was written stays, synced or not.
    Kill,
    /// The file system is shut down under it: what was not synced is gone.
    Power,
    /// As [`Cut::Kill`], on a disk without room.
    Full,
    /// As [`Cut::Kill`], with a clock that is set back and forth.
    Clock,
}

/// Who takes the mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FarEndKind {
    /// The laboratory itself: it loses replies on purpose.
    Own,
    /// Postfix, with Dovecot to look into what was sent.
    Postfix,
}

impl Cut {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Kill => "kills",
            Self::Power => "power cuts",
            Self::Full => "kills on a full disk",
            Self::Clock => "kills while the clock is set",
        }
    }

    /// Of the command, with a space before it.
    fn word_given(self) -> &'static str {
        match self {
            Self::Kill => "",
            Self::Power => " power",
            Self::Full => " full",
            Self::Clock => " clock",
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) cut: Cut,
    pub(super) far_end: FarEndKind,
    pub(super) kills: u32,
    /// No kill begins after this, however many were asked for.
    pub(super) at_most: Option<Duration>,
    pub(super) seed: u64,
    pub(super) json: bool,
    /// The run's own folder is made in here.
    pub(super) dir: PathBuf,
    /// The gateway to kill; built here if absent.
    pub(super) program: Option<PathBuf>,
}

impl Options {
    pub(super) fn read(words: &[&str]) -> Result<Self> {
        let mut options = Self {
            cut: Cut::Kill,
            far_end: FarEndKind::Own,
            kills: 25,
            at_most: None,
            seed: 1,
            json: false,
            dir: PathBuf::from(DIR),
            program: None,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || {
                words
                    .next()
                    .copied()
                    .ok_or_else(|| format!("{word} needs a value: cargo xtask {USAGE}"))
            };
            match *word {
                "power" => options.cut = Cut::Power,
                "full" => options.cut = Cut::Full,
                "clock" => options.cut = Cut::Clock,
                "--far-end" => {
                    options.far_end = match value()? {
                        "own" => FarEndKind::Own,
                        "postfix" => FarEndKind::Postfix,
                        other => {
                            return Err(format!("--far-end {other}: write own or postfix"));
                        }
                    }
                }
                "--kills" => options.kills = number(word, value()?)?,
                "--minutes" => {
                    let minutes: u64 = number(word, value()?)?;
                    options.at_most = Some(Duration::from_secs(60 * minutes));
                }
                "--seed" => options.seed = number(word, value()?)?,
                "--json" => options.json = true,
                "--dir" => options.dir = PathBuf::from(value()?),
                "--program" => options.program = Some(PathBuf::from(value()?)),
                _ => return Err(format!("{word}: not an option of cargo xtask {USAGE}")),
            }
        }
        if options.kills == 0 {
            return Err("--kills 0: there is nothing to see without a kill".to_owned());
        }
        Ok(options)
    }

    /// What to type to see the same choices again.
    pub(super) fn command(&self) -> String {
        let cut = self.cut.word_given();
        let far_end = match self.far_end {
            FarEndKind::Own => "",
            FarEndKind::Postfix => " --far-end postfix",
        };
        let minutes = self.at_most.map_or_else(String::new, |limit| {
            format!(" --minutes {}", limit.as_secs() / 60)
        });
        format!(
            "cargo xtask crash{cut}{far_end} --kills {}{minutes} --seed {}",
            self.kills, self.seed
        )
    }
}

fn number<N: std::str::FromStr>(word: &str, text: &str) -> Result<N> {
    text.parse()
        .map_err(|_| format!("{word} {text}: write a whole number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_refuses_the_rest() {
        let words = [
            "power",
            "--kills",
            "7",
            "--seed",
            "42",
            "--minutes",
            "3",
            "--json",
        ];
        let options = Options::read(&words).expect("options");
        let command = "cargo xtask crash power --kills 7 --minutes 3 --seed 42";
        assert_eq!(options.command(), command);
        let words = ["clock", "--far-end", "postfix"];
        let options = Options::read(&words).expect("options");
        let command = "cargo xtask crash clock --far-end postfix --kills 25 --seed 1";
        assert_eq!(options.command(), command);
        for (words, complaint) in [
            (&["--kills"][..], "--kills needs a value"),
            (&["--kills", "few"], "--kills few: write a whole number"),
            (&["--kills", "0"], "nothing to see"),
            (&["--fast"], "--fast: not an option"),
            (
                &["--far-end", "exim"],
                "--far-end exim: write own or postfix",
            ),
        ] {
            let refused = Options::read(words).expect_err("a refusal");
            assert!(refused.contains(complaint), "{refused}");
        }
    }
}
