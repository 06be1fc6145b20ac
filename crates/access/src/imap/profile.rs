//! How the service presents itself: names, texts and limits.

use std::time::Duration;

use mailward_mailbox::Flags;

/// One service's looks. [`Profile::plain`] is a modest service of our own; a
/// host that imitates another changes the fields it knows better.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The text after `* OK ` of the greeting.
    pub greeting: String,
    /// The names after `CAPABILITY`, before and after signing in.
    pub capability_before_login: String,
    pub capability_after_login: String,
    /// The flags of the `FLAGS` response, in its order; all of them can be set
    /// permanently, and no others are kept.
    pub flags: Vec<Flags>,
    /// Fields and values of the answer to ID; empty for `NIL`.
    pub id: Vec<(String, String)>,
    /// Whether the extensions of [`super`] that Exchange does not have are
    /// served, and keywords that clients name themselves kept.
    pub extended: bool,
    /// Folders with a use, by name (RFC 6154), told where `extended`.
    pub special_use: Vec<(String, &'static str)>,
    /// Whether SEARCH accepts CHARSET UTF-8 beside US-ASCII.
    pub search_utf8: bool,
    pub words: Words,
    pub limits: Limits,
}

impl Profile {
    /// What this crate offers, in plain words.
    pub fn plain() -> Self {
        const EXTENSIONS: &str =
            "SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+";
        Self {
            greeting: "IMAP4rev1 service ready".to_owned(),
            capability_before_login: format!("IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 {EXTENSIONS}"),
            capability_after_login: format!("IMAP4rev1 {EXTENSIONS}"),
            flags: vec![
                Flags::SEEN,
                Flags::ANSWERED,
                Flags::FLAGGED,
                Flags::DELETED,
                Flags::DRAFT,
                Flags::MDN_SENT,
            ],
            id: Vec::new(),
            extended: false,
            special_use: Vec::new(),
            search_utf8: true,
            words: Words::default(),
            limits: Limits::default(),
        }
    }

    /// The same with every extension there is, for clients and tests that want
    /// to see more than Exchange has.
    #[must_use]
    pub fn full(mut self) -> Self {
        let limit = self.limits.append_octets_max;
        let before = "IMAP4rev1 IMAP4rev2 SASL-IR LITERAL+ ID ENABLE";
        self.capability_before_login = format!("{before} AUTH=PLAIN AUTH=XOAUTH2");
        self.capability_after_login = format!(
            "{before} IDLE NAMESPACE UIDPLUS MOVE UNSELECT CHILDREN SPECIAL-USE CONDSTORE \
             QRESYNC ESEARCH SEARCHRES SORT THREAD=REFERENCES LIST-EXTENDED LIST-STATUS \
             STATUS=SIZE BINARY APPENDLIMIT={limit} QUOTA QUOTA=RES-STORAGE UTF8=ACCEPT"
        );
        self.flags = Flags::NAMES.iter().map(|(flag, _)| *flag).collect();
        self.extended = true;
        self.special_use = [
            ("Sent Items", "\\Sent"),
            ("Drafts", "\\Drafts"),
            ("Deleted Items", "\\Trash"),
            ("Junk Email", "\\Junk"),
            ("Archive", "\\Archive"),
        ]
        .map(|(name, usage)| (name.to_owned(), usage))
        .into();
        self.search_utf8 = true;
        self
    }
}

/// The texts after `OK`, `NO`, `BAD` and `BYE`. `{}` stands for the command's
/// name in capitals, without `UID`.
#[derive(Clone, Debug)]
pub struct Words {
    pub completed: String,
    pub failed: String,
    pub bad_command: String,
    pub bad_arguments: String,
    pub wrong_state: String,
    pub too_long: String,
    /// After `+ ` when a literal may be sent.
    pub continue_literal: String,
    pub continue_idle: String,
    /// After `+ ` when AUTHENTICATE waits for the client's response.
    pub continue_authenticate: String,
    /// `BAD`, when [`crate::Entry::NotConnected`] was answered.
    pub not_connected: String,
    /// `BYE`, when a session that is not connected goes on.
    pub closed: String,
    pub logout: String,
    pub idle_too_long: String,
    pub shutting_down: String,
    pub too_many_errors: String,
    pub no_folder: String,
    pub folder_exists: String,
    pub permanent_folder: String,
    pub read_only: String,
    pub over_quota: String,
    pub unavailable: String,
    pub bad_charset: String,
    pub too_large: String,
    pub expunged: String,
}

impl Default for Words {
    fn default() -> Self {
        let text = str::to_owned;
        Self {
            completed: text("{} completed."),
            failed: text("{} failed."),
            bad_command: text("Unknown command."),
            bad_arguments: text("Invalid arguments."),
            wrong_state: text("Command received in invalid state."),
            too_long: text("Command is too long."),
            continue_literal: text("Ready for additional command text."),
            continue_idle: text("IDLE accepted, awaiting DONE command."),
            continue_authenticate: text(""),
            not_connected: text("User is authenticated but not connected."),
            closed: text("Connection closed."),
            logout: text("Signing off."),
            idle_too_long: text("Connection is closed, it was idle for too long."),
            shutting_down: text("Service is shutting down."),
            too_many_errors: text("Too many invalid commands."),
            no_folder: text("The folder does not exist."),
            folder_exists: text("The folder exists already."),
            permanent_folder: text("This folder cannot be changed."),
            read_only: text("The folder is open read-only."),
            over_quota: text("The mailbox is full."),
            unavailable: text("The mailbox is not available at the moment."),
            bad_charset: text("The specified charset is not supported."),
            too_large: text("The message is too large."),
            expunged: text("Some of the messages no longer exist."),
        }
    }
}

impl Words {
    pub(crate) fn completed(&self, command: &str) -> String {
        self.completed.replace("{}", command)
    }

    pub(crate) fn failed(&self, command: &str) -> String {
        self.failed.replace("{}", command)
    }
}

/// What one session may use.
#[derive(Clone, Debug)]
pub struct Limits {
    /// A whole command, with its literals but without an appended message.
    pub command_octets_max: usize,
    /// One appended message.
    pub append_octets_max: u64,
    /// Refused sign-ins before the session is ended.
    pub logins_max: u32,
    /// Commands in a row that were answered BAD before the session is ended.
    pub errors_max: u32,
    /// Time without a word from the client, before and after signing in.
    pub idle_before_login: Duration,
    pub idle_after_login: Duration,
    /// Time a client may take to sign in, however much it says meanwhile.
    pub login_within: Duration,
    /// How long the client may leave a response unread.
    pub write_timeout: Duration,
}

impl Default for Limits {
    /// Exchange Server's defaults (Set-ImapSettings) for idle times; commands
    /// may be longer than its 10,240 octets, since mail programs list UIDs. The
    /// time to sign in is ours.
    fn default() -> Self {
        Self {
            command_octets_max: 64 * 1024,
            append_octets_max: 150 * 1024 * 1024,
            logins_max: 3,
            errors_max: 50,
            idle_before_login: Duration::from_secs(60),
            idle_after_login: Duration::from_secs(30 * 60),
            login_within: Duration::from_secs(5 * 60),
            write_timeout: Duration::from_secs(5 * 60),
        }
    }
}
