//! Names that would otherwise be look-alike strings. The queue gives them no
//! meaning beyond being equal or not; whoever made them keeps their register.

use std::fmt;
use std::sync::Arc;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(text.as_ref().into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.as_str().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    )*};
}

names! {
    /// A registered application, as the interface register names it.
    ApplicationName
    /// A way out: `submission`, `high_sending`, `relay` …
    RouteName
    /// The mailbox that sends, lower case: the service counts by mailbox.
    AccountName
    /// Who did something to a message: a person's sign-in name, an
    /// application, or a part of the program (`recovery`, `watchdog`).
    Actor
}

/// One account on one route. The limits are the mailbox's, which several lanes
/// may share ([`Budget`](crate::Budget)).
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Lane {
    pub route: RouteName,
    pub account: AccountName,
}

impl Lane {
    pub fn new(route: impl Into<RouteName>, account: impl Into<AccountName>) -> Self {
        Self {
            route: route.into(),
            account: account.into(),
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as {}", self.route, self.account)
    }
}

/// One version of one account's credential. The breaker is kept per version,
/// so that putting a new credential in place closes it by itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Credential {
    pub account: AccountName,
    /// Tells apart credentials of one account, for example `password` from `xoauth2`.
    pub name: String,
    /// Changes whenever the secret does. Never the secret nor a part of it.
    pub version: String,
}

impl Credential {
    const READING: &str = "imap ";
    pub(crate) const CLIENT: &str = "client";

    /// The secret of a client that asks for tokens, for every account that it
    /// stands for. `id` is its public identifier.
    pub fn of_client(id: &str, version: String) -> Self {
        Self {
            account: AccountName::new(format!("client {id}")),
            name: Self::CLIENT.to_owned(),
            version,
        }
    }

    /// The same secret, shown to read sent mail. It has a breaker of its own:
    /// a service may refuse reading alone, and no mail waits for that.
    #[must_use]
    pub fn for_reading(mut self) -> Self {
        self.name = format!("{}{}", Self::READING, self.name);
        self
    }

    pub fn is_for_reading(&self) -> bool {
        self.name.starts_with(Self::READING)
    }
}
