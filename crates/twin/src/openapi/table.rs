//! Every operation, one row each, in the order of the reference.

use Answer::{Any, Json, List, Nothing, Octets, Text};
use Body::{One, OneOrMany, Optional};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    /// In lower case, as the document writes it.
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) query: &'static [Parameter],
    pub(super) body: Option<Body>,
    pub(super) answers: &'static [(u16, Answer)],
}

/// A member of the query. None is required.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    pub(super) says: &'static str,
}

/// Names are of `schemas.json`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body {
    One(&'static str),
    Optional(&'static str),
    OneOrMany(&'static str),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    Nothing,
    Json(&'static str),
    List(&'static str),
    /// JSON of no fixed shape.
    Any,
    /// Of this media type.
    Text(&'static str),
    Octets,
}

const PLAIN: Answer = Text("text/plain");

const fn parameter(name: &'static str, kind: &'static str, says: &'static str) -> Parameter {
    Parameter { name, kind, says }
}

const START: Parameter = parameter(
    "start",
    "integer",
    "messages to pass over, the newest first",
);
const LIMIT: Parameter = parameter(
    "limit",
    "integer",
    "messages of one answer: 50, 1000 at most",
);
const QUERY: Parameter = parameter("query", "string", "in Mailpit's search language");
const AFTER: Parameter = parameter("after", "integer", "only what came after this number");
const ABOUT: Parameter = parameter(
    "message",
    "string",
    "only of this message: its number, or its Message-ID",
);
const AFTER_NAME: Parameter = parameter("after", "string", "only worlds after this name");
const TIMEOUT: Parameter = parameter("timeout", "integer", "seconds to wait, 120 at most");
const FORMAT: Parameter = parameter("format", "string", "`text` for people, else JSON");

macro_rules! operations {
    ($($method:ident $path:literal $id:ident $summary:literal
        ($($query:expr),*) ($($body:expr)?) $($status:literal $answer:expr),+;)*) => {
        pub(crate) const OPERATIONS: &[Operation] = &[$(Operation {
            method: stringify!($method),
            path: $path,
            id: stringify!($id),
            summary: $summary,
            query: &[$($query),*],
            body: operations!(@body $($body)?),
            answers: &[$(($status, $answer)),+],
        }),*];
    };
    (@body) => { None };
    (@body $body:expr) => { Some($body) };
}

// method path operation summary (query) (body) status answer
operations! {
    get "/api/v1/messages" listMessages "Lists messages, the newest first" (START, LIMIT) () 200 Json("Messages");
    put "/api/v1/messages" setRead "Marks messages as read or unread; all without IDs and Search" () (Optional("Chosen")) 200 PLAIN;
    delete "/api/v1/messages" deleteMessages "Takes messages from every mailbox they went to; all without IDs" () (Optional("Chosen")) 200 PLAIN;
    get "/api/v1/search" searchMessages "Lists what a query finds" (QUERY, START, LIMIT) () 200 Json("Messages");
    delete "/api/v1/search" deleteFound "Deletes what a query finds" (QUERY) () 200 PLAIN;
    get "/api/v1/wait" waitForMessages "Answers as soon as a message has come after the cursor that the query finds" (QUERY, AFTER, TIMEOUT) () 200 Json("Waited");
    post "/api/v1/assert" assert "Judges what came and how an application behaved" () (One("Assertions")) 200 Json("Judgement"), 417 Json("Judgement");
    get "/api/v1/conduct" listConduct "What can be asserted of conduct" () () 200 List("Check");
    get "/api/v1/chaos" getChaos "Mailpit's chaos triggers" () () 200 Json("Chaos");
    put "/api/v1/chaos" setChaos "Sets them, as faults; those that are not named go back to never" () (Optional("Chaos")) 200 Json("Chaos");
    get "/api/v1/message/{id}" getMessage "A whole message, which counts as read from then on; `latest` is the newest" () () 200 Json("Message");
    get "/api/v1/message/{id}/headers" getHeaders "All header fields" () () 200 Json("Headers");
    get "/api/v1/message/{id}/events" getMessageEvents "What became of it, event by event" () () 200 List("Event");
    get "/api/v1/message/{id}/raw" getRaw "The source" () () 200 PLAIN;
    get "/api/v1/message/{id}/part/{part}" getPart "A part, decoded" () () 200 Octets;
    get "/api/v1/tags" listTags "All tags" () () 200 List("Tag");
    put "/api/v1/tags" setTags "Gives messages these tags and no others" () (One("Chosen")) 200 PLAIN;
    put "/api/v1/tags/{tag}" renameTag "Renames a tag" () (One("Chosen")) 200 PLAIN;
    delete "/api/v1/tags/{tag}" deleteTag "Takes a tag from all messages" () () 200 PLAIN;
    post "/api/v1/send" sendMessage "Files a message as from outside" () (One("Outgoing")) 200 Json("Sent");
    get "/api/v1/info" getInfo "Counts and version" () () 200 Json("Info");
    get "/api/v1/webui" getWebUi "What Mailpit can be set to: nothing here" () () 200 Any;
    get "/api/v1/openapi.json" getOpenApi "This description" () () 200 Any;
    get "/livez" isAlive "Whether the twin answers" () () 200 PLAIN;
    get "/readyz" isReady "The same" () () 200 PLAIN;
    get "/ca.pem" getAuthority "The certificate of the authority by which clients trust its TLS ports" () () 200 Text("application/x-pem-file");
    get "/view/{name}" view "The HTML or the text of a message: `ID.html`, `ID.txt`" () () 200 Octets;

    get "/control/v1/worlds" listWorlds "Up to 1000 named worlds" (AFTER_NAME) () 200 Json("Worlds");
    post "/control/v1/worlds" makeWorld "Makes a world" () (One("NewWorld")) 201 Json("World");
    get "/control/v1/worlds/{world}" getWorld "One world" () () 200 Json("World");
    delete "/control/v1/worlds/{world}" deleteWorld "Deletes a world and closes its ports" () () 204 Nothing;
    post "/control/v1/worlds/{world}/fork" forkWorld "Makes a world from this one" () (One("NewWorld")) 201 Json("World");
    post "/control/v1/worlds/{world}/reset" resetWorld "Puts it back to what it was when it was made" () () 204 Nothing;
    post "/control/v1/worlds/{world}/restore" restoreWorld "Puts it back to a snapshot" () (One("Restore")) 204 Nothing;
    get "/control/v1/worlds/{world}/snapshots" listSnapshots "Its snapshots" () () 200 Json("Snapshots");
    post "/control/v1/worlds/{world}/snapshots" takeSnapshot "Keeps it as it is now" () (One("Named")) 201 Json("Snapshot");
    delete "/control/v1/worlds/{world}/snapshots/{snapshot}" deleteSnapshot "Drops a snapshot" () () 204 Nothing;
    post "/control/v1/worlds/{world}/listeners" openListeners "Opens ports that lead to this world alone" () () 201 Json("Listeners");

    get "/control/v1/accounts" listAccounts "All accounts, with their passwords" () () 200 List("Account");
    post "/control/v1/accounts" putAccount "Makes or changes one" () (One("NewAccount")) 201 Json("Account");
    get "/control/v1/accounts/{address}" getAccount "One account" () () 200 Json("Account");
    post "/control/v1/accounts/{address}/lock" lockAccount "Locks it, at once and within sessions" () () 200 Json("Account");
    post "/control/v1/accounts/{address}/unlock" unlockAccount "Unlocks it" () () 200 Json("Account");
    post "/control/v1/accounts/{address}/disable" disableAccount "Disables it" () () 200 Json("Account");
    post "/control/v1/accounts/{address}/enable" enableAccount "Enables it" () () 200 Json("Account");
    post "/control/v1/accounts/{address}/expire" expirePassword "Makes its password expire" () () 200 Json("Account");
    post "/control/v1/accounts/{address}/force-change" forceChange "Has its password be changed before it opens again" () () 200 Json("Account");
    post "/control/v1/accounts/{address}/password" setPassword "Changes its password; without `old` as the Local Administrator" () (One("NewPassword")) 200 Json("Account");
    put "/control/v1/accounts/{address}/protocols" setProtocols "Enables these protocols and no others" () (One("Protocols")) 200 Json("Account");
    post "/control/v1/accounts/{address}/protocols" postProtocols "The same" () (One("Protocols")) 200 Json("Account");
    post "/control/v1/accounts/{address}/convert" convertAccount "Makes it an account of another type" () (One("Kind")) 200 Json("Account");
    put "/control/v1/accounts/{address}/quota" setQuota "Gives its mailbox another quota; null is none" () (One("Quota")) 200 Json("Account");
    post "/control/v1/accounts/{address}/quota" postQuota "The same" () (One("Quota")) 200 Json("Account");
    get "/control/v1/accounts/{address}/auto-reply" getAutoReply "Its habits" () () 200 Json("Habits");
    put "/control/v1/accounts/{address}/auto-reply" setAutoReply "Begins an absence" () (One("AutoReply")) 200 Json("Habits");
    delete "/control/v1/accounts/{address}/auto-reply" endAutoReply "Ends it" () () 200 Json("Habits");
    get "/control/v1/accounts/{address}/reading" getReading "Its habits" () () 200 Json("Habits");
    put "/control/v1/accounts/{address}/reading" setReading "Has its holder open each message so long after it came" () (One("Reading")) 200 Json("Habits");
    delete "/control/v1/accounts/{address}/reading" endReading "Ends that" () () 200 Json("Habits");
    post "/control/v1/distribution-lists" putList "Makes or changes a distribution list" () (One("DistributionList")) 201 Json("DistributionList");
    post "/control/v1/applications" registerApplication "Registers an OAuth client" () (One("Application")) 201 Json("ClientId");

    get "/control/v1/service" getService "How the service is set" () () 200 Json("Service");
    put "/control/v1/service" setService "Sets all of it; what is left out goes back to its default" () (One("Service")) 200 Json("Service");
    put "/control/v1/senders" setSender "Limits or blocks one account" () (One("Sender")) 200 Json("Sender");
    post "/control/v1/relay-registrations" registerRelayClient "Registers an address at the relay" () (One("RelayRegistration")) 201 Json("RelayRegistration");
    get "/control/v1/behaviours" listBehaviours "Everything that is punished" () () 200 List("Behaviour");

    get "/control/v1/clock" getClock "What the clock shows" () () 200 Json("Clock");
    put "/control/v1/clock" setClock "Sets it, and the day of the behaviour" () (One("SetClock")) 200 Json("Clock");
    post "/control/v1/clock/advance" advanceClock "Puts it forward" () (One("Advance")) 200 Json("Clock");

    get "/control/v1/status" getStatus "Whether anything is made to go wrong" () () 200 Json("Status");
    get "/control/v1/faults" listFaults "All that are set" () () 200 List("Fault");
    post "/control/v1/faults" addFaults "Sets one or a list more" () (OneOrMany("Fault")) 201 List("Fault");
    put "/control/v1/faults" replaceFaults "Sets these instead of all others" () (OneOrMany("Fault")) 201 List("Fault");
    delete "/control/v1/faults" clearFaults "Sets none" () () 200 Json("Removed");
    get "/control/v1/faults/{id}" getFault "One" () () 200 Json("Fault");
    put "/control/v1/faults/{id}" putFault "Sets one" () (One("Fault")) 201 List("Fault");
    delete "/control/v1/faults/{id}" removeFault "Takes one away" () () 204 Nothing;
    get "/control/v1/modes" listModes "All modes" () () 200 List("Mode");
    get "/control/v1/modes/{name}" getMode "One" () () 200 Json("Mode");
    put "/control/v1/modes/{name}" switchModeOn "Switches it on" () (Optional("ModeSettings")) 200 Json("Mode");
    delete "/control/v1/modes/{name}" switchModeOff "Switches it off" () () 200 Json("Mode");
    get "/control/v1/scenarios" listScenarios "Ready-made faults, and which are played" () () 200 List("Scenario");
    put "/control/v1/scenarios/{name}" playScenario "Plays one from its beginning" () () 200 List("Fault");
    delete "/control/v1/scenarios/{name}" endScenario "Ends it" () () 204 Nothing;
    get "/control/v1/magic-recipients" listMagicRecipients "Recipients whose names ask for a fault" () () 200 List("MagicRecipient");

    get "/control/v1/events" listEvents "Up to 1000 events of the log" (AFTER, ABOUT) () 200 List("Event");
    get "/control/v1/events/stream" streamEvents "The same as they happen, as server-sent events" (AFTER) () 200 Text("text/event-stream");
    get "/control/v1/sessions" listSessions "Up to 1000 sessions" (AFTER) () 200 List("Session");
    delete "/control/v1/sessions" forgetSessions "Forgets those that have ended" () () 204 Nothing;
    get "/control/v1/sessions/{id}" getTranscript "What was said in one, without secrets" (FORMAT) () 200 Json("Transcript");
    get "/metrics" getMetrics "Figures for Prometheus" () () 200 PLAIN;
}
