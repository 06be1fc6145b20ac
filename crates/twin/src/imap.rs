//! The IMAP door of the twin, in Exchange's words.

use std::sync::Arc;

use mailward_access::imap::{Host, Imap, Profile, Words};
use mailward_access::{Instead, Peer};
use mailward_net::Stream;

use crate::asof::AsOf;
use crate::door::Sessions;
use crate::names::greeting_bracket;
use crate::oauth::guid;
use crate::worlds::SessionDoor;

/// Capabilities seen in 2022, and by the front end of September 2026.
const CAPABILITY_2022: &str = "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+";
const CAPABILITY_2026: &str = "IMAP4 IMAP4rev1 AUTH=XOAUTH2 LOGINDISABLED SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+";
const CAPABILITY_AFTER_LOGIN: &str = "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+ CLIENTACCESSRULES CLIENTNETWORKPRESENCELOCATION BACKENDAUTHENTICATE";

/// The service behind IMAP sessions.
#[derive(Debug)]
pub(crate) struct ImapDoor {
    pub(crate) door: SessionDoor,
    pub(crate) profiles: Profiles,
}

/// How the service looks, before and since the front end of 2026. Sessions share them.
#[derive(Clone, Debug)]
pub(crate) struct Profiles {
    before_2026: Arc<Profile>,
    since_2026: Arc<Profile>,
}

impl Profiles {
    /// With `in_full` every extension is offered, whatever the day.
    pub(crate) fn new(in_full: bool) -> Self {
        let shared = |profile: Profile| Arc::new(if in_full { profile.full() } else { profile });
        Self {
            before_2026: shared(profile(false)),
            since_2026: shared(profile(true)),
        }
    }

    fn on(&self, day: AsOf) -> Arc<Profile> {
        Arc::clone(if day.imap_front_end_2026() {
            &self.since_2026
        } else {
            &self.before_2026
        })
    }
}

fn profile(front_end_2026: bool) -> Profile {
    let mut profile = Profile::plain();
    profile.greeting = if front_end_2026 {
        // An id of the session follows, see `Host::greeting`.
        "Microsoft Exchange IMAP4 service ready.".to_owned()
    } else {
        format!(
            "The Microsoft Exchange IMAP4 service is ready. [{}]",
            greeting_bracket()
        )
    };
    let before = if front_end_2026 {
        CAPABILITY_2026
    } else {
        CAPABILITY_2022
    };
    profile.capability_before_login = before.to_owned();
    profile.capability_after_login = CAPABILITY_AFTER_LOGIN.to_owned();
    profile.search_utf8 = false;
    profile.words = Words {
        logout: "Microsoft Exchange Server IMAP4 server signing off.".to_owned(),
        closed: "Connection closed. 14".to_owned(),
        ..Words::default()
    };
    profile
}

impl Host for ImapDoor {
    type Authenticator = SessionDoor;

    fn authenticator(&self) -> &SessionDoor {
        &self.door
    }

    fn profile(&self) -> Arc<Profile> {
        self.profiles.on(self.door.day.today())
    }

    fn greeting(&self) -> Option<String> {
        self.door.day.today().imap_front_end_2026().then(|| {
            format!(
                "Microsoft Exchange IMAP4 service ready. {} \
                 (tcpproxy/15.21.0406.000 BACKENDAUTHENTICATE) [{}]",
                guid(&*self.door.dice),
                greeting_bracket()
            )
        })
    }

    fn instead(&self, command: &str) -> Option<Instead> {
        self.door.instead(command)
    }
}

impl Sessions for Imap<ImapDoor> {
    async fn serve(&self, stream: Stream, peer: Peer, drain: impl Future<Output = ()> + Send) {
        let (door, mailboxes) = self.host().door.for_session(&stream);
        let door = ImapDoor {
            door,
            profiles: self.host().profiles.clone(),
        };
        let (clock, here) = (door.door.session_clock(), door.door.clone());
        let session = self.beside(Arc::new(door), mailboxes, clock);
        let end = Imap::serve(&session, stream, peer, here.closing(drain)).await;
        tracing::debug!(%end, "an IMAP session ended");
    }
}
