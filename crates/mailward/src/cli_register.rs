//! The command line of `mailward register`. Its flags for fields are made of
//! the register's own list.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, Subcommand};
use mailward_gateway::register::{FIELDS, Field, Form};

use crate::cli::TargetArguments;

#[derive(Debug, Subcommand)]
pub(crate) enum RegisterCommand {
    /// Register an application, as a draft, with credentials that are shown this once
    Add {
        #[command(flatten)]
        entry: EntryArguments,
        #[command(flatten)]
        fields: FieldArguments,
        /// What its credentials may be used for
        #[arg(long, value_name = "live|test|none", default_value = "live", value_parser = ["live", "test", "none"])]
        credentials: String,
        /// Its name for SMTP AUTH [default: its own name]
        #[arg(long, value_name = "NAME")]
        username: Option<String>,
    },
    /// Change fields of an application; an empty text empties a field
    Change {
        #[command(flatten)]
        entry: EntryArguments,
        #[command(flatten)]
        fields: FieldArguments,
    },
    /// Show one application with its history, or its interface record
    Show {
        #[command(flatten)]
        target: TargetArguments,
        name: String,
        /// How it is written
        #[arg(long, default_value = "text", value_parser = ["text", "markdown", "html"])]
        format: String,
    },
    /// List the applications
    List {
        #[command(flatten)]
        target: TargetArguments,
        /// Only those in this state
        #[arg(long, value_parser = ["draft", "approved", "live", "suspended", "retired"])]
        state: Option<String>,
    },
    /// Show who did what to an application, when and why
    History {
        #[command(flatten)]
        target: TargetArguments,
        name: String,
    },
    /// Record an approval; the architects' makes a draft, or what is suspended, approved
    Approve {
        #[command(flatten)]
        entry: EntryArguments,
        /// The approval's own reference
        #[arg(long)]
        reference: String,
        /// Who gave it [default: you]
        #[arg(long)]
        by: Option<String>,
        /// What was approved
        #[arg(long, default_value = "architecture", value_parser = ["architecture", "information_governance", "clinical_safety", "local_administrator"])]
        kind: String,
        /// The day on which it lapses
        #[arg(long, value_name = "YYYY-MM-DD")]
        expires: Option<String>,
    },
    /// Make an approved application live
    GoLive(EntryArguments),
    /// Stop an application from sending, what waits too, until it is approved again
    Suspend(EntryArguments),
    /// Stop an application for good, what waits too
    Retire(EntryArguments),
    /// Add or remove an approved departure from the rules
    #[command(subcommand, alias = "except")]
    Exception(ExceptionCommand),
    /// Make new credentials, shown this once; the old ones stop at once
    Credentials {
        #[command(flatten)]
        entry: EntryArguments,
        /// Its name for SMTP AUTH [default: as before, or its own name]
        #[arg(long, value_name = "NAME")]
        username: Option<String>,
        /// What they may be used for
        #[arg(long, default_value = "live", value_parser = ["live", "test"])]
        kind: String,
    },
    /// Take the records of a file into the register, all or none
    Import {
        #[command(flatten)]
        target: TargetArguments,
        /// An export, or a file of that form
        file: PathBuf,
        /// How it is written [default: by the ending of its name]
        #[arg(long, value_parser = ["json", "csv"])]
        format: Option<String>,
        /// Only say what would be done
        #[arg(long)]
        check: bool,
        /// The reason, for the history
        #[arg(long, default_value = "imported on the command line")]
        why: String,
    },
    /// Write the register for a configuration management database, or as interface records
    Export {
        #[command(flatten)]
        target: TargetArguments,
        /// How it is written
        #[arg(long, default_value = "json", value_parser = ["json", "csv", "markdown", "html"])]
        format: String,
        /// A file, or for interface records a folder [default: standard output, records need it]
        #[arg(long, value_name = "PATH")]
        to: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ExceptionCommand {
    /// Add one; without reference and end it is refused
    Add {
        #[command(flatten)]
        entry: EntryArguments,
        /// What it departs from
        #[arg(long, value_parser = ["relay", "plaintext_device", "service_name"])]
        kind: String,
        /// The approval's own reference
        #[arg(long)]
        reference: Option<String>,
        /// The day on which it ends
        #[arg(long, value_name = "YYYY-MM-DD")]
        expires: Option<String>,
        /// A device's address or a service's name
        #[arg(long)]
        subject: Option<String>,
    },
    /// Take one back
    Remove {
        #[command(flatten)]
        entry: EntryArguments,
        /// What it departs from
        #[arg(long, value_parser = ["relay", "plaintext_device", "service_name"])]
        kind: String,
        /// A device's address or a service's name
        #[arg(long)]
        subject: Option<String>,
    },
}

/// Which application, and why.
#[derive(Debug, Args)]
pub(crate) struct EntryArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    pub(crate) name: String,
    /// The reason, for the history
    #[arg(long, default_value = "asked for on the command line")]
    pub(crate) why: String,
}

/// A flag for every open field, and `--set FIELD=VALUE` for any.
#[derive(Clone, Debug, Default)]
pub(crate) struct FieldArguments {
    /// Names and texts, in the register's order.
    pub(crate) fields: Vec<(String, String)>,
}

fn flags() -> impl Iterator<Item = &'static Field> {
    FIELDS.iter().filter(|field| field.is_open())
}

impl Args for FieldArguments {
    fn augment_args(mut command: Command) -> Command {
        for field in flags() {
            let argument = Arg::new(field.name)
                .long(field.flag)
                .help(field.about)
                .help_heading("Fields");
            command = command.arg(match field.form {
                Form::Text => argument.value_name("TEXT"),
                Form::Flag => argument
                    .value_name("true|false")
                    .num_args(0..=1)
                    .require_equals(true)
                    .default_missing_value("true"),
                Form::List => argument.value_name("TEXT").action(ArgAction::Append),
            });
        }
        command.arg(
            Arg::new("set")
                .long("set")
                .value_name("FIELD=TEXT")
                .action(ArgAction::Append)
                .help("any field by its full name, such as references.iams=...")
                .help_heading("Fields"),
        )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for FieldArguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut fields = Vec::new();
        for field in flags() {
            if let Some(values) = matches.get_many::<String>(field.name) {
                let texts: Vec<&str> = values.map(String::as_str).collect();
                fields.push((field.name.to_owned(), texts.join(";")));
            }
        }
        for pair in matches.get_many::<String>("set").into_iter().flatten() {
            let (name, text) = pair.split_once('=').ok_or_else(|| {
                clap::Error::raw(
                    clap::error::ErrorKind::ValueValidation,
                    format!("--set {pair:?}: write FIELD=TEXT\n"),
                )
            })?;
            fields.push((name.trim().to_owned(), text.to_owned()));
        }
        Ok(Self { fields })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
