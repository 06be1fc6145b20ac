//! The command line: every command and flag, and nothing that acts.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::cli_register::RegisterCommand;

/// Carries an application's mail to NHSmail by the rules, and is an NHSmail to test against.
#[derive(Debug, Parser)]
#[command(name = "mailward", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start twin and gateway on this machine, joined, with a sample organisation
    Up(UpArguments),
    /// Start the gateway alone, against the service its configuration names
    Gateway(GatewayArguments),
    /// Start the twin alone
    Twin(TwinArguments),
    /// Judge a message by every rule without sending it
    Check(CheckArguments),
    /// Say what a rule asks, why, and what to do about it
    Explain(ExplainArguments),
    /// Look into the queue and act on what waits in it
    #[command(subcommand)]
    Queue(QueueCommand),
    /// Make and check passwords, and see how old those of the accounts are
    #[command(subcommand)]
    Accounts(AccountsCommand),
    /// Say what a server's reply means, and list those that nobody knew
    #[command(subcommand)]
    Replies(RepliesCommand),
    /// Keep the interface register: who may send, approved by whom, until when
    #[command(subcommand)]
    Register(Box<RegisterCommand>),
    /// Keep the secrets that a configuration refers to
    #[command(subcommand)]
    Secrets(SecretsCommand),
    /// Check and rescue a store folder
    #[command(subcommand)]
    Store(StoreCommand),
    /// Look at everything that a configuration needs before mail depends on it
    Doctor(DoctorArguments),
    /// Work with a configuration file
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Debug, Args)]
pub(crate) struct PlaceArguments {
    /// Keep all state in this folder [default: a fresh temporary folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Populate from this TOML file instead of the sample organisation
    #[arg(long, value_name = "FILE")]
    pub(crate) seed: Option<PathBuf>,
    /// First port of the block to listen on
    #[arg(long, value_name = "N", conflicts_with = "ports")]
    pub(crate) ports_from: Option<u16>,
    /// `auto`: take whatever ports are free
    #[arg(long, value_name = "auto", value_parser = ["auto"])]
    pub(crate) ports: Option<String>,
    /// `off`: lift the rates, for tests by strangers that must not be slowed
    #[arg(long, value_name = "on|off", default_value = "on", value_parser = ["on", "off"])]
    pub(crate) limits: String,
    /// `full`: offer every IMAP extension, for tests by strangers that want more than Exchange has
    #[arg(long, value_name = "exchange|full", default_value = "exchange", value_parser = ["exchange", "full"])]
    pub(crate) profile: String,
    /// Take SMTP on this loopback port without TLS, sign-in or rules, for any recipient; 0 takes a free one
    #[arg(long, value_name = "PORT")]
    pub(crate) catch: Option<u16>,
    /// Set the faults of this TOML file at the twin
    #[arg(long, value_name = "FILE")]
    pub(crate) faults: Option<PathBuf>,
    /// Behave as the service did on this day, and set the clock to it
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) as_of: Option<String>,
    /// Print one JSON object on one line when everything listens
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UpArguments {
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// Send the sample mail through, print its outcomes and stop
    #[arg(long)]
    pub(crate) once: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TwinArguments {
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// Listen on this address instead of loopback, as a container must; whoever reaches it reads all mail
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    pub(crate) listen: IpAddr,
    /// Start nothing: ask the test API of a twin that runs whether it answers
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = "http://127.0.0.1:8025")]
    pub(crate) probe: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct GatewayArguments {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Print one JSON object on one line when everything listens
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which store folder a command opens.
#[derive(Debug, Args)]
pub(crate) struct TargetArguments {
    /// A running gateway's folder, as its ready object names it
    #[arg(long, value_name = "DIR", env = "MAILWARD_DIR")]
    pub(crate) dir: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The message, as RFC 5322 writes it
    #[arg(value_name = "FILE.eml")]
    pub(crate) file: PathBuf,
    /// The application that would send it
    #[arg(long, value_name = "NAME")]
    pub(crate) app: String,
    /// Where the application is registered: a configuration file [default: the sample organisation]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where the application is registered: a seed file
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    pub(crate) seed: Option<PathBuf>,
    /// A recipient of the envelope; may be given several times [default: To, Cc and Bcc]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) to: Vec<String>,
    /// The data class, as the application would state it
    #[arg(long, value_name = "CLASS")]
    pub(crate) data_class: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// The rule, as a refusal names it; without one, all rules in one line each
    pub(crate) rule: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// The configuration file of a gateway that need not run
    #[arg(long, value_name = "FILE", required_unless_present = "dir")]
    pub(crate) config: Option<PathBuf>,
    /// The folder of a gateway that runs, `up` included: it looks at itself
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    pub(crate) dir: Option<PathBuf>,
    /// Only this account, its route and its applications
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) account: Option<String>,
    /// Only this route, its accounts and its applications
    #[arg(long, value_name = "NAME")]
    pub(crate) route: Option<String>,
    /// Only this check
    #[arg(long, value_name = "ID")]
    pub(crate) check: Option<String>,
    /// Seconds that one step may take
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=300))]
    pub(crate) timeout: u64,
    /// Measure dates against this day [default: now]
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) at: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum QueueCommand {
    /// List messages, newest first
    List {
        #[command(flatten)]
        target: TargetArguments,
        /// Only recipients in this state or with this outcome
        #[arg(long)]
        state: Option<String>,
        /// Only this application's
        #[arg(long)]
        application: Option<String>,
        /// Only what goes out as this account
        #[arg(long)]
        account: Option<String>,
        /// Only what goes out by this route
        #[arg(long)]
        route: Option<String>,
        /// Only this class
        #[arg(long, value_name = "urgent|routine|bulk")]
        class: Option<String>,
        /// Only those with this in sender, subject, Message-ID or a recipient
        #[arg(long)]
        text: Option<String>,
        /// Go on where an earlier list ended
        #[arg(long)]
        cursor: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: u32,
    },
    /// Show one message with its timeline
    Show {
        #[command(flatten)]
        target: TargetArguments,
        id: String,
    },
    /// Say why a message waits, which limit holds it, and until when
    Explain {
        #[command(flatten)]
        target: TargetArguments,
        id: String,
    },
    /// Try again now what is deferred or in doubt
    Retry(ActArguments),
    /// Withdraw what has not been sent
    Cancel(ActArguments),
    /// Keep what waits from being tried until it is released
    Hold(ActArguments),
    /// Let what is held be tried, at once
    Release(ActArguments),
    /// Let what waits go by another route, as the same account
    Reroute {
        #[command(flatten)]
        act: ActArguments,
        /// The route of the configuration to go by
        #[arg(long, value_name = "ROUTE")]
        to: String,
    },
    /// Say that what is in doubt was sent after all
    ConfirmSent {
        #[command(flatten)]
        target: TargetArguments,
        id: String,
        /// Only this recipient, by address or number
        #[arg(long)]
        recipient: Option<String>,
        /// How it is known, for the timeline
        #[arg(
            long,
            value_name = "EVIDENCE",
            default_value = "confirmed on the command line"
        )]
        why: String,
    },
    /// Stop an application, account or route, its new mail too; or hold a message
    Suspend(ActArguments),
    /// Let what is suspended go on
    Resume(ActArguments),
    /// List what is suspended, by whom and why
    Suspensions {
        #[command(flatten)]
        target: TargetArguments,
    },
    /// List what people did, the latest first
    Acts {
        #[command(flatten)]
        target: TargetArguments,
        /// At most so many
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
        limit: u32,
    },
    /// Count recipients by state, and name what needs a person
    Summary {
        #[command(flatten)]
        target: TargetArguments,
    },
}

/// What is done to what waits.
#[derive(Debug, Args)]
pub(crate) struct ActArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    #[command(flatten)]
    pub(crate) on: OnArguments,
    /// Only this recipient, by address or number
    #[arg(long, requires = "id")]
    pub(crate) recipient: Option<String>,
    /// The reason, for the timeline
    #[arg(long, default_value = "asked for on the command line")]
    pub(crate) why: String,
}

/// One message, or all that waits of something.
#[derive(Debug, Default, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct OnArguments {
    /// This message
    pub(crate) id: Option<String>,
    /// All that waits of this application
    #[arg(long, value_name = "NAME")]
    pub(crate) application: Option<String>,
    /// All that waits for this account
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) account: Option<String>,
    /// All that waits for this route
    #[arg(long, value_name = "ROUTE")]
    pub(crate) route: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct KeystoreArguments {
    /// The keystore file
    #[arg(long, value_name = "FILE", env = "MAILWARD_KEYSTORE")]
    pub(crate) keystore: PathBuf,
    /// A file that holds the keystore's passphrase
    /// [default: the passphrase in $MAILWARD_KEYSTORE_PASSPHRASE]
    #[arg(long, value_name = "FILE", env = "MAILWARD_KEYSTORE_PASSPHRASE_FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// A file that holds the keystore's key, instead of a passphrase
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
    pub(crate) key_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Whose password it is.
#[derive(Debug, Args)]
pub(crate) struct PasswordArguments {
    /// What the account is for [default: as in the configuration, else application]
    #[arg(long, value_name = "application|user", value_parser = ["application", "user"])]
    pub(crate) kind: Option<String>,
    /// The account's address
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) address: Option<String>,
    /// First name, which no password may contain
    #[arg(long, value_name = "NAME")]
    pub(crate) first_name: Option<String>,
    /// Last name, which no password may contain
    #[arg(long, value_name = "NAME")]
    pub(crate) last_name: Option<String>,
    /// A list of breached passwords, one a line or as sorted SHA-1 hashes, beside the list in the program
    #[arg(long, value_name = "FILE")]
    pub(crate) breached: Option<PathBuf>,
    /// A configuration that has the account and may name a list
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountsCommand {
    /// Make a password that keeps the policy, and print nothing else
    NewPassword {
        #[command(flatten)]
        account: PasswordArguments,
        /// So many
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
        count: u32,
        /// Put it into the keystore under this name instead of printing it
        #[arg(long, value_name = "NAME")]
        store: Option<String>,
        /// The keystore file, where no configuration names it
        #[arg(long, value_name = "FILE", env = "MAILWARD_KEYSTORE")]
        keystore: Option<PathBuf>,
        /// A file that holds the keystore's passphrase
        #[arg(long, value_name = "FILE", env = "MAILWARD_KEYSTORE_PASSPHRASE_FILE")]
        passphrase_file: Option<PathBuf>,
        /// A file that holds the keystore's key, instead of a passphrase
        #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
        key_file: Option<PathBuf>,
    },
    /// Name every fault of a password, read from standard input or typed unseen
    CheckPassword {
        #[command(flatten)]
        account: PasswordArguments,
    },
    /// Say that a refused or paused account is good after all: one message tries first
    Resume {
        /// The account's address
        address: String,
        #[command(flatten)]
        target: TargetArguments,
        /// The reason, which is noted with your name
        #[arg(long)]
        why: String,
    },
    /// Show what is left of the limits of the accounts' mailboxes, and until when
    Limits {
        /// One account; all of them without
        address: Option<String>,
        /// The gateway that runs in this folder, or its store
        #[arg(long, value_name = "DIR", env = "MAILWARD_DIR")]
        dir: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List accounts with the age of their passwords
    List {
        /// The accounts of this configuration
        #[arg(long, value_name = "FILE", required_unless_present = "dir")]
        config: Option<PathBuf>,
        /// Those of the gateway that runs in this folder
        #[arg(
            long,
            value_name = "DIR",
            env = "MAILWARD_DIR",
            conflicts_with = "config"
        )]
        dir: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RepliesCommand {
    /// Say whose move it is when a server answers this, and what is done
    Explain {
        /// The reply as it came, such as '550 5.1.1 No such user'
        reply: String,
        /// connect, tls, authenticate, mail_from, rcpt_to, body or final_dot
        #[arg(long, default_value = "rcpt_to")]
        stage: String,
        /// The kind of route: submission, high_sending or relay
        #[arg(long, default_value = "submission")]
        route: String,
        /// With the rows of this configuration's own
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List replies that were decided by their code alone, each with a row to add
    Unknown {
        #[command(flatten)]
        target: TargetArguments,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretsCommand {
    /// Make a new, empty keystore
    Init {
        #[command(flatten)]
        keystore: KeystoreArguments,
    },
    /// Put a secret, read from standard input, under a name
    Set {
        name: String,
        /// When it was set at the service, if not today
        #[arg(long, value_name = "YYYY-MM-DD")]
        changed: Option<String>,
        #[command(flatten)]
        keystore: KeystoreArguments,
    },
    /// List names and versions, never secrets
    List {
        #[command(flatten)]
        keystore: KeystoreArguments,
    },
    /// Take a secret out
    Remove {
        name: String,
        #[command(flatten)]
        keystore: KeystoreArguments,
    },
    /// Hash a password from standard input for the configuration
    Hash {
        /// Make a new one instead, and print it this once
        #[arg(long, value_name = "password|api-key", value_parser = ["password", "api-key"])]
        make: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Read everything and name what is damaged; changes nothing
    Check {
        /// The store folder
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Copy a store, running or not, to a new folder and read the copy back
    Backup {
        /// The store folder, or that of `mailward up`
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
        /// The folder to make; `restore` makes a store of it
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a store from a backup; what it has open is held for a person
    Restore {
        /// The folder that `backup` made
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
        /// The store folder to make
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Mend what can be told from something sound; the store must stand still
    Repair {
        /// The store folder, or that of `mailward up`
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
        /// Where the folder is copied to before anything is touched; made new
        /// [default: beside it, with the moment in its name]
        #[arg(long, value_name = "DIR")]
        keep: Option<PathBuf>,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Copy everything readable out of a store, damaged or not: each message as
    /// `.eml` and `.json`
    Export {
        /// The store folder
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
        /// The folder to write to; made when it does not exist
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
        /// Put the messages into one file, `messages.tar`
        #[arg(long)]
        tar: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Read a configuration and name every fault with its line
    Check {
        /// The configuration file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}
