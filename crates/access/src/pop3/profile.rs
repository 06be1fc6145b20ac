//! How the service presents itself: names, texts and limits.

use std::time::Duration;

/// One service's looks. [`Profile::plain`] is a modest service of our own; a
/// host that imitates another changes the fields it knows better.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The text after `+OK ` of the greeting.
    pub greeting: String,
    /// The lines of the answer to CAPA, before and after signing in.
    pub capabilities: Vec<String>,
    /// The mechanisms that AUTH lists when none is named.
    pub mechanisms: Vec<String>,
    /// Whether what was retrieved whole is marked `\Seen` when the session
    /// ends.
    pub marks_seen: bool,
    pub words: Words,
    pub limits: Limits,
}

impl Profile {
    /// What this crate offers, in plain words.
    pub fn plain() -> Self {
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        Self {
            greeting: "POP3 service ready".to_owned(),
            capabilities: lines(&[
                "TOP",
                "UIDL",
                "SASL PLAIN XOAUTH2",
                "USER",
                "RESP-CODES",
                "AUTH-RESP-CODE",
                "PIPELINING",
                "EXPIRE NEVER",
            ]),
            mechanisms: lines(&["PLAIN", "XOAUTH2"]),
            marks_seen: false,
            words: Words::default(),
            limits: Limits::default(),
        }
    }
}

/// The texts after `+OK` and `-ERR`. An empty one leaves the status alone.
#[derive(Clone, Debug)]
pub struct Words {
    pub bad_command: String,
    pub bad_arguments: String,
    pub wrong_state: String,
    pub too_long: String,
    pub no_mechanism: String,
    pub cancelled: String,
    /// `+OK` to USER.
    pub user: String,
    /// `-ERR` to AUTH with an initial response, which then ends the session;
    /// `None` where it is taken.
    pub no_initial_response: Option<String>,
    /// `+OK` to PASS, and to AUTH.
    pub logged_in: String,
    pub authenticated: String,
    /// `-ERR` to PASS, and to AUTH.
    pub login_failed: String,
    pub authentication_failed: String,
    /// `-ERR`: another session has the maildrop.
    pub in_use: String,
    /// `-ERR`: the maildrop can't be opened or read now.
    pub unavailable: String,
    /// `+OK` to DELE, RSET and NOOP, and before what is listed or sent.
    pub done: String,
    pub no_message: String,
    pub deleted: String,
    /// `-ERR` to QUIT: not everything that was to go has gone.
    pub not_removed: String,
    pub signing_off: String,
    /// `-ERR` to a session that may not go on.
    pub closed: String,
    pub idle_too_long: String,
    pub shutting_down: String,
    pub too_many_errors: String,
}

impl Default for Words {
    fn default() -> Self {
        let text = str::to_owned;
        Self {
            bad_command: text("Unknown command."),
            bad_arguments: text("Invalid arguments."),
            wrong_state: text("Command is not valid in this state."),
            too_long: text("Command is too long."),
            no_mechanism: text("[AUTH] Unknown mechanism."),
            cancelled: text("Authentication cancelled."),
            user: text(""),
            no_initial_response: None,
            logged_in: text("User successfully logged on."),
            authenticated: text("User successfully authenticated."),
            login_failed: text("[AUTH] Unknown user name or bad password."),
            authentication_failed: text("[AUTH] Authentication failed."),
            in_use: text("[IN-USE] Another session has the mailbox open."),
            unavailable: text("[SYS/TEMP] The mailbox is not available at the moment."),
            done: text(""),
            no_message: text("There is no such message."),
            deleted: text("The message is marked as deleted."),
            not_removed: text("Some deleted messages were not removed."),
            signing_off: text("Signing off."),
            closed: text("Connection closed."),
            idle_too_long: text("Connection is closed, it was idle for too long."),
            shutting_down: text("[SYS/TEMP] Service is shutting down."),
            too_many_errors: text("Too many invalid commands."),
        }
    }
}

/// What one session may use.
#[derive(Clone, Debug)]
pub struct Limits {
    /// A line without its end. RFC 2449 asks for 255, RFC 5034 for 12,288 in
    /// AUTH: tokens are long.
    pub line_octets_max: usize,
    /// Refused sign-ins before the session is ended.
    pub logins_max: u32,
    /// Commands in a row that were answered `-ERR` for their form before the
    /// session is ended.
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
    /// Exchange Server's defaults (Set-PopSettings) for idle times; the time to
    /// sign in is ours.
    fn default() -> Self {
        Self {
            line_octets_max: 12_288,
            logins_max: 3,
            errors_max: 50,
            idle_before_login: Duration::from_secs(60),
            idle_after_login: Duration::from_secs(30 * 60),
            login_within: Duration::from_secs(5 * 60),
            write_timeout: Duration::from_secs(5 * 60),
        }
    }
}
