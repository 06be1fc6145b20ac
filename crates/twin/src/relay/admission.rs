//! Who may use the relay: registered addresses first, then those with a
//! record in the reverse zone (GUIDE-53, GUIDE-54).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use mailward_mail::Address;

use crate::error::TwinError;
use crate::faults::{ActionSpec, Faults, Protocol, Situation};
use crate::kept::{Kept, Kind};
use crate::own::Own;
use crate::seed::{Organisation, PtrSpec, RelayRegistrationSpec};

/// Why an address is let in, and what it may send from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Admitted {
    /// For the event log.
    pub(crate) by: String,
    domains: Vec<String>,
}

impl Admitted {
    /// Whether the sender's domain is one of the organisation's (GUIDE-13).
    pub(crate) fn may_send_from(&self, address: &Address) -> bool {
        self.domains.iter().any(|domain| address.is_within(domain))
    }
}

/// Why an address is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotAdmitted {
    /// Neither registered nor in the reverse zone.
    Unknown,
    /// The reverse zone gave no answer, in this way: nobody knows.
    NoAnswer(&'static str),
}

/// Registrations and the reverse zone. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Admissions {
    registered: Own<HashMap<IpAddr, RelayRegistrationSpec>>,
    zone: Arc<HashMap<IpAddr, String>>,
    /// What the organisation itself may send from.
    domains: Vec<String>,
    kept: Kept,
    /// On the look-ups in the zone.
    faults: Option<Faults>,
}

impl Admissions {
    /// Those of the seed, and beside or before them those that were registered
    /// over the control API.
    pub(crate) async fn open(
        organisation: &Organisation,
        registrations: Vec<RelayRegistrationSpec>,
        zone: Vec<PtrSpec>,
        kept: Kept,
    ) -> Result<Self, TwinError> {
        let later: Vec<(String, RelayRegistrationSpec)> = kept.all(Kind::RelayRegistration).await?;
        let domains = if organisation.relay_domains.is_empty() {
            vec![organisation.domain.clone()]
        } else {
            organisation.relay_domains.clone()
        };
        let registered = registrations
            .into_iter()
            .chain(later.into_iter().map(|(_, one)| one))
            .map(|one| (one.address.to_canonical(), one))
            .collect();
        let zone = zone
            .into_iter()
            .map(|one| (one.address.to_canonical(), one.name))
            .collect();
        Ok(Self {
            registered: Own::new(registered),
            zone: Arc::new(zone),
            domains,
            kept,
            faults: None,
        })
    }

    /// Who is registered now.
    pub(crate) fn image(&self) -> Arc<HashMap<IpAddr, RelayRegistrationSpec>> {
        self.registered.image()
    }

    pub(crate) fn adopt(&self, image: &Arc<HashMap<IpAddr, RelayRegistrationSpec>>) {
        self.registered.adopt(image);
    }

    pub(crate) fn with_faults(self, faults: Faults) -> Self {
        Self {
            faults: Some(faults),
            ..self
        }
    }

    /// Returns once the next start will know of it too.
    pub(crate) async fn register(
        &self,
        registration: RelayRegistrationSpec,
    ) -> Result<(), TwinError> {
        let address = registration.address.to_canonical();
        let (kind, name) = (Kind::RelayRegistration, address.to_string());
        self.kept.put(kind, &name, &registration).await?;
        self.registered.write().insert(address, registration);
        Ok(())
    }

    /// What the reverse zone calls an address.
    fn look_up(&self, address: IpAddr) -> Result<&str, NotAdmitted> {
        let known = self.zone.get(&address).ok_or(NotAdmitted::Unknown);
        let name = address.to_string();
        let strike = self.faults.as_ref().and_then(|faults| {
            faults.strike(&Situation {
                name: Some(&name),
                ..Situation::of(Protocol::Dns, "ptr")
            })
        });
        match strike.and_then(|strike| strike.action) {
            Some(ActionSpec::Reply { text }) => Err(match text.as_str() {
                "SERVFAIL" => NotAdmitted::NoAnswer("its server failed"),
                "TIMEOUT" => NotAdmitted::NoAnswer("the look-up timed out"),
                _ => NotAdmitted::Unknown,
            }),
            _ => known.map(String::as_str),
        }
    }

    pub(crate) fn of(&self, address: IpAddr) -> Result<Admitted, NotAdmitted> {
        let address = address.to_canonical();
        let registered = self.registered.read();
        if let Some(registration) = registered.get(&address) {
            let domains = if registration.domains.is_empty() {
                self.domains.clone()
            } else {
                registration.domains.clone()
            };
            let by = format!("{address} is registered");
            return Ok(Admitted { by, domains });
        }
        let name = self.look_up(address)?;
        Ok(Admitted {
            by: format!("{address} is not registered, but the reverse zone calls it {name}"),
            domains: self.domains.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_list_comes_first_then_the_zone_then_nobody() {
        let organisation = Organisation {
            name: "NORTHMOOR HOSPITALS TRUST".to_owned(),
            ods_code: String::new(),
            domain: "northmoor.example".to_owned(),
            relay_domains: vec!["northmoor-trust.example".to_owned()],
        };
        let folder = tempfile::tempdir().expect("a folder");
        let kept = crate::kept::tests::in_folder(folder.path());
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        let admissions = Admissions::open(
            &organisation,
            vec![RelayRegistrationSpec {
                address: ip("127.0.0.2"),
                organisation: String::new(),
                domains: vec!["southmoor-trust.example".to_owned()],
            }],
            vec![PtrSpec {
                address: ip("127.0.0.3"),
                name: "mail.northmoor-trust.example".to_owned(),
            }],
            kept,
        )
        .await
        .expect("admissions");
        let mail = |text: &str| Address::parse(text).expect("an address");
        for (peer, sender, expected) in [
            ("127.0.0.2", "a@southmoor-trust.example", Some(true)),
            ("127.0.0.2", "a@northmoor-trust.example", Some(false)),
            ("::ffff:127.0.0.2", "a@southmoor-trust.example", Some(true)),
            ("127.0.0.3", "a@northmoor-trust.example", Some(true)),
            ("127.0.0.3", "a@northmoor.example", Some(false)),
            ("127.0.0.1", "a@northmoor-trust.example", None),
        ] {
            let admitted = admissions.of(ip(peer));
            let may = admitted.ok().map(|one| one.may_send_from(&mail(sender)));
            assert_eq!(may, expected, "{peer} {sender}");
        }
    }
}
