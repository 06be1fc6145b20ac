//! Who is signed in. Sessions live in memory: a restart signs everybody out.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mailward_mail::{Clock, Dice, Secret, Timestamp};

/// Unused for this long, a session ends.
pub(crate) const IDLE_MAX: Duration = Duration::from_secs(30 * 60);
/// Used or not, a session ends after a working day.
pub(crate) const AGE_MAX: Duration = Duration::from_secs(12 * 60 * 60);
/// At the limit the session that has been idle longest makes room.
pub(crate) const SESSIONS_MAX: usize = 1024;

const TOKEN_OCTETS: usize = 32;

/// A session as the browser names it is 256 random bits; here only their hash
/// is kept, so that what leaks from memory opens nothing.
pub(crate) struct Sessions {
    clock: Arc<dyn Clock>,
    dice: Arc<dyn Dice>,
    by_token: Mutex<HashMap<TokenHash, Kept>>,
}

type TokenHash = [u8; 32];

struct Kept {
    session: Session,
    opened: Timestamp,
    used: Timestamp,
}

#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) user: String,
    /// What every form of this session carries.
    pub(crate) csrf: Secret,
}

impl Sessions {
    pub(crate) fn new(clock: Arc<dyn Clock>, dice: Arc<dyn Dice>) -> Self {
        Self {
            clock,
            dice,
            by_token: Mutex::default(),
        }
    }

    /// Opens a session and gives its token, for the cookie.
    pub(crate) fn open(&self, user: &str) -> Secret {
        let token = random_token(&*self.dice);
        let now = self.clock.now();
        let kept = Kept {
            session: Session {
                user: user.to_owned(),
                csrf: random_token(&*self.dice),
            },
            opened: now,
            used: now,
        };
        let mut sessions = self.lock();
        make_room(&mut sessions, now);
        sessions.insert(hash(token.expose()), kept);
        token
    }

    /// The session of `token`, which counts as used now if `is_use`.
    pub(crate) fn find(&self, token: &str, is_use: bool) -> Option<Session> {
        let now = self.clock.now();
        let hash = hash(token);
        let mut sessions = self.lock();
        let kept = sessions.get_mut(&hash)?;
        if kept.is_over(now) {
            sessions.remove(&hash);
            return None;
        }
        if is_use {
            kept.used = now;
        }
        Some(kept.session.clone())
    }

    pub(crate) fn close(&self, token: &str) {
        self.lock().remove(&hash(token));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TokenHash, Kept>> {
        // Every change is one insert or remove: a panic elsewhere while the
        // lock was held cannot have left a half-made one.
        self.by_token.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sessions({})", self.lock().len())
    }
}

impl Kept {
    fn is_over(&self, now: Timestamp) -> bool {
        now.since(self.used) >= IDLE_MAX || now.since(self.opened) >= AGE_MAX
    }
}

fn make_room(sessions: &mut HashMap<TokenHash, Kept>, now: Timestamp) {
    if sessions.len() < SESSIONS_MAX {
        return;
    }
    sessions.retain(|_, kept| !kept.is_over(now));
    if sessions.len() >= SESSIONS_MAX {
        let idlest = sessions
            .iter()
            .min_by_key(|(_, kept)| kept.used)
            .map(|(hash, _)| *hash);
        if let Some(idlest) = idlest {
            sessions.remove(&idlest);
        }
    }
}

/// 256 random bits as text for cookies and forms.
pub(crate) fn random_token(dice: &dyn Dice) -> Secret {
    let mut bytes = [0; TOKEN_OCTETS];
    dice.fill(&mut bytes);
    Secret::new(URL_SAFE_NO_PAD.encode(bytes))
}

fn hash(token: &str) -> TokenHash {
    let mut hash = TokenHash::default();
    hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_time::{FixedClock, SeededDice};

    fn sessions() -> (Sessions, Arc<FixedClock>) {
        let clock = Arc::new(FixedClock::default());
        let dice = Arc::new(SeededDice::default());
        (Sessions::new(clock.clone(), dice), clock)
    }

    #[test]
    fn ends_when_idle_or_old() {
        let (sessions, clock) = sessions();
        let token = sessions.open("ada");
        let step = IDLE_MAX - Duration::from_secs(1);
        let mut used_for = Duration::ZERO;
        while used_for + step < AGE_MAX {
            clock.advance(step);
            used_for += step;
            assert!(
                sessions.find(token.expose(), true).is_some(),
                "{used_for:?}"
            );
        }
        clock.advance(step);
        assert!(sessions.find(token.expose(), true).is_none(), "too old");

        let token = sessions.open("ada");
        clock.advance(IDLE_MAX);
        assert!(sessions.find(token.expose(), true).is_none(), "idle");
    }

    #[test]
    fn closes_and_never_finds_what_it_did_not_give() {
        let (sessions, _) = sessions();
        let (first, second) = (sessions.open("ada"), sessions.open("ada"));
        assert_ne!(first.expose(), second.expose());
        sessions.close(first.expose());
        assert!(sessions.find(first.expose(), true).is_none());
        assert!(sessions.find(second.expose(), true).is_some());
        assert!(sessions.find("", true).is_none());
    }

    #[test]
    fn the_idlest_makes_room() {
        let (sessions, clock) = sessions();
        let first = sessions.open("ada");
        clock.advance(Duration::from_secs(1));
        let second = sessions.open("grace");
        for _ in 0..SESSIONS_MAX - 2 {
            sessions.open("crowd");
        }
        clock.advance(Duration::from_secs(1));
        assert!(sessions.find(first.expose(), true).is_some());
        sessions.open("one too many");
        assert!(
            sessions.find(first.expose(), true).is_some(),
            "used just now"
        );
        assert_eq!(sessions.lock().len(), SESSIONS_MAX);
        let _ = second;
    }
}
