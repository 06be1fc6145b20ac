//! Who may sign in.

use std::collections::HashMap;
use std::fmt;

use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use mailward_mail::{Dice, Secret};

/// Finds users by name. Asked at every request, so that a user who is removed,
/// or whose role is changed, meets it at once; must answer from memory.
pub trait Credentials: Send + Sync + 'static {
    fn find(&self, name: &str) -> Option<User>;

    /// A hash that no password matches and that takes as long to try as a
    /// user's: what is tried for a name that does not exist.
    fn decoy(&self) -> PasswordHash;
}

#[derive(Clone, Debug)]
pub struct User {
    pub name: String,
    pub password: PasswordHash,
    pub role: Role,
}

/// What somebody may do; each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Looks.
    Viewer,
    /// Retries, holds, releases and cancels messages.
    Operator,
    /// Decides on messages that a rule holds for approval.
    Approver,
    Administrator,
}

impl Role {
    pub const ALL: [Self; 4] = [
        Self::Viewer,
        Self::Operator,
        Self::Approver,
        Self::Administrator,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Administrator => "administrator",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// A fixed list of users.
#[derive(Clone, Debug)]
pub struct Users {
    by_name: HashMap<String, User>,
    decoy: PasswordHash,
}

impl Users {
    /// Where users' hashes differ in cost, the decoy costs what the first
    /// one's does; hashes made by [`PasswordHash::new`] all cost the same.
    pub fn new(users: Vec<User>, dice: &dyn Dice) -> Result<Self, PasswordError> {
        let cost = users
            .first()
            .map_or(Ok(Cost::default()), |user| user.password.cost())?;
        Ok(Self {
            decoy: PasswordHash::decoy(cost, dice)?,
            by_name: users
                .into_iter()
                .map(|user| (user.name.clone(), user))
                .collect(),
        })
    }
}

impl Credentials for Users {
    fn find(&self, name: &str) -> Option<User> {
        self.by_name.get(name).cloned()
    }

    fn decoy(&self) -> PasswordHash {
        self.decoy.clone()
    }
}

/// A password's Argon2id hash in PHC form: `$argon2id$v=19$m=…`.
#[derive(Clone)]
pub struct PasswordHash(String);

/// What trying a password costs.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub memory_kib: u32,
    pub passes: u32,
    pub lanes: u32,
}

impl Default for Cost {
    /// OWASP's first recommendation for Argon2id: 19 MiB, two passes, one lane.
    fn default() -> Self {
        Self {
            memory_kib: 19 * 1024,
            passes: 2,
            lanes: 1,
        }
    }
}

impl PasswordHash {
    /// The most memory and passes a configured hash may ask for, so that one
    /// line of configuration cannot stall sign-in.
    const MEMORY_KIB_MAX: u32 = 256 * 1024;
    const PASSES_MAX: u32 = 16;

    const SALT_OCTETS: usize = 16;

    /// Hashes a password. Slow on purpose: call it off the runtime's threads.
    pub fn new(password: &Secret, dice: &dyn Dice) -> Result<Self, PasswordError> {
        Self::with_cost(password, Cost::default(), dice)
    }

    pub fn with_cost(
        password: &Secret,
        cost: Cost,
        dice: &dyn Dice,
    ) -> Result<Self, PasswordError> {
        let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, None)
            .map_err(|error| PasswordError(error.to_string()))?;
        let mut salt = [0; Self::SALT_OCTETS];
        dice.fill(&mut salt);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_with_salt(password.expose().as_bytes(), &salt)
            .map(|hash| Self(hash.to_string()))
            .map_err(|error| PasswordError(error.to_string()))
    }

    /// Reads a hash from configuration.
    pub fn parse(text: &str) -> Result<Self, PasswordError> {
        let hash = Self(text.trim().to_owned());
        let cost = hash.cost()?;
        if cost.memory_kib > Self::MEMORY_KIB_MAX || cost.passes > Self::PASSES_MAX {
            return Err(PasswordError(format!(
                "costs more than m={}, t={}",
                Self::MEMORY_KIB_MAX,
                Self::PASSES_MAX
            )));
        }
        Ok(hash)
    }

    /// The PHC text, for a configuration file.
    pub fn as_phc(&self) -> &str {
        &self.0
    }

    /// Tries a password. Slow on purpose: call it off the runtime's threads.
    pub(crate) fn matches(&self, password: &Secret) -> bool {
        Phc::new(&self.0).is_ok_and(|hash| {
            Argon2::default()
                .verify_password(password.expose().as_bytes(), &hash)
                .is_ok()
        })
    }

    fn decoy(cost: Cost, dice: &dyn Dice) -> Result<Self, PasswordError> {
        let mut unknown = [0; 32];
        dice.fill(&mut unknown);
        let unknown: String = unknown.iter().map(|byte| format!("{byte:02x}")).collect();
        Self::with_cost(&Secret::new(unknown), cost, dice)
    }

    fn cost(&self) -> Result<Cost, PasswordError> {
        let hash = Phc::new(&self.0).map_err(|error| PasswordError(error.to_string()))?;
        if hash.algorithm.as_str() != "argon2id" {
            return Err(PasswordError(format!("{} is not argon2id", hash.algorithm)));
        }
        if hash.salt.is_none() || hash.hash.is_none() {
            return Err(PasswordError("salt or hash is missing".to_owned()));
        }
        let params = Params::try_from(&hash).map_err(|error| PasswordError(error.to_string()))?;
        Ok(Cost {
            memory_kib: params.m_cost(),
            passes: params.t_cost(),
            lanes: params.p_cost(),
        })
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(***)")
    }
}

/// Why a text is no password hash, or a password cannot be hashed.
#[derive(Debug, thiserror::Error)]
#[error("no usable Argon2id hash in PHC form ($argon2id$v=19$m=…,t=…,p=…$salt$hash): {0}")]
pub struct PasswordError(String);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_time::SeededDice;

    const CHEAP: Cost = Cost {
        memory_kib: 8,
        passes: 1,
        lanes: 1,
    };

    fn user(name: &str, password: &str, cost: Cost, dice: &dyn Dice) -> User {
        User {
            name: name.to_owned(),
            password: PasswordHash::with_cost(&Secret::new(password), cost, dice).expect("a hash"),
            role: Role::Viewer,
        }
    }

    #[test]
    fn only_the_password_matches() {
        let dice = SeededDice::default();
        let user = user("ada", "correct horse", CHEAP, &dice);
        let read_back = PasswordHash::parse(user.password.as_phc()).expect("our own");
        for (password, matches) in [
            ("correct horse", true),
            ("correct hors", false),
            ("", false),
        ] {
            assert_eq!(
                read_back.matches(&Secret::new(password)),
                matches,
                "{password:?}"
            );
        }
        let default = PasswordHash::new(&Secret::new("x"), &dice).expect("a hash");
        assert!(
            default
                .as_phc()
                .starts_with("$argon2id$v=19$m=19456,t=2,p=1$")
        );
        assert_eq!(format!("{user:?}").matches("argon2").count(), 0);
    }

    #[test]
    fn the_decoy_costs_what_a_user_costs_and_matches_nothing() {
        let dice = SeededDice::default();
        let users = Users::new(vec![user("ada", "correct horse", CHEAP, &dice)], &dice);
        let users = users.expect("a decoy");
        assert_eq!(
            users.decoy().cost().expect("a hash").memory_kib,
            CHEAP.memory_kib
        );
        assert!(!users.decoy().matches(&Secret::new("correct horse")));
        assert!(users.find("ada").is_some() && users.find("Ada").is_none());
    }

    #[test]
    fn refuses_what_is_no_usable_hash() {
        for text in [
            "",
            "correct horse",
            "$argon2id$v=19$m=8,t=1,p=1",
            "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ",
            "$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$c29tZWhhc2hzb21laGFzaA",
            "$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$c29tZWhhc2hzb21laGFzaA",
            "$argon2id$v=19$m=8,t=4000,p=1$c29tZXNhbHQ$c29tZWhhc2hzb21laGFzaA",
            "$2b$12$abcdefghijklmnopqrstuv",
        ] {
            assert!(PasswordHash::parse(text).is_err(), "{text}");
        }
    }
}
