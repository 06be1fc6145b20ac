//! C13: which mail services may carry official mail. Dorset's standard knows
//! NHSmail alone, NHS England's its own Exchange Online too.

use std::fmt;

use crate::profile::Profile;

/// A mail service that a route can end at.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum MailService {
    #[default]
    Nhsmail,
    /// NHS England's own Exchange Online (ENG-2).
    NhsEnglandExchange,
}

impl MailService {
    pub const fn title(self) -> &'static str {
        match self {
            Self::Nhsmail => "NHSmail",
            Self::NhsEnglandExchange => "NHS England's Exchange Online",
        }
    }
}

impl fmt::Display for MailService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

/// The services that the profile allows. Where Dorset's standard binds beside
/// the other, it is the stricter (DHC-24).
pub const fn mail_services(profile: Profile) -> &'static [MailService] {
    match profile {
        Profile::NhsEngland => &[MailService::Nhsmail, MailService::NhsEnglandExchange],
        Profile::Guide2022 | Profile::Dorset | Profile::Current => &[MailService::Nhsmail],
    }
}
