//! Domains whose mail service is accredited to DCB1596 (ENG-19).

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use mailward_mail::{Address, Domain};

/// The national service's own.
const NATIONAL_SERVICE: &str = "nhs.net";

/// One entry: `trust.example` covers itself alone, `*.trust.example` what is
/// below it alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DomainPattern {
    /// Lower case.
    domain: String,
    below: bool,
}

impl DomainPattern {
    /// A domain itself.
    pub fn exactly(domain: &str) -> Self {
        Self {
            domain: domain.to_lowercase(),
            below: false,
        }
    }
}

impl FromStr for DomainPattern {
    type Err = DomainPatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (below, domain) = match text.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let sound = Domain::parse(domain).is_ok() && !domain.starts_with('[');
        if sound && domain.contains('.') {
            Ok(Self {
                below,
                ..Self::exactly(domain)
            })
        } else {
            Err(DomainPatternError)
        }
    }
}

impl fmt::Display for DomainPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.below { "*." } else { "" };
        write!(f, "{star}{}", self.domain)
    }
}

/// A text that names no domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no domain")]
pub struct DomainPatternError;

/// The accredited domains: the national service's, and those that are named.
#[derive(Clone, Debug, Default)]
pub struct AccreditedDomains(BTreeSet<DomainPattern>);

impl AccreditedDomains {
    pub fn new(patterns: impl IntoIterator<Item = DomainPattern>) -> Self {
        let mut all: BTreeSet<_> = patterns.into_iter().collect();
        all.insert(DomainPattern::exactly(NATIONAL_SERVICE));
        Self(all)
    }

    /// Looks once for each label of the domain, however many are named.
    pub fn covers(&self, address: &Address) -> bool {
        let domain = address.domain().to_lowercase();
        if self.0.contains(&DomainPattern::exactly(&domain)) {
            return true;
        }
        let mut rest = domain.as_str();
        while let Some((_, parent)) = rest.split_once('.') {
            let pattern = DomainPattern {
                domain: parent.to_owned(),
                below: true,
            };
            if self.0.contains(&pattern) {
                return true;
            }
            rest = parent;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_covers_what_is_below_and_nothing_else() {
        let patterns = ["Trust.example", "*.clinic.example"].map(|text| text.parse().expect(text));
        let domains = AccreditedDomains::new(patterns);
        for (domain, covered) in [
            ("nhs.net", true),
            ("NHS.net", true),
            ("relay.nhs.net", false),
            ("trust.example", true),
            ("a.trust.example", false),
            ("clinic.example", false),
            ("a.clinic.example", true),
            ("b.a.clinic.example", true),
            ("notclinic.example", false),
            ("example", false),
        ] {
            let address = Address::parse(&format!("a@{domain}")).expect(domain);
            assert_eq!(domains.covers(&address), covered, "{domain}");
        }
    }

    #[test]
    fn reads_domains_and_nothing_else() {
        for text in ["trust.example", "*.trust.example"] {
            assert_eq!(text.parse::<DomainPattern>().expect(text).to_string(), text);
        }
        for text in [
            "",
            "*",
            "*.",
            "a b.example",
            "a@trust.example",
            "*.*.example",
            "net",
        ] {
            assert_eq!(
                text.parse::<DomainPattern>(),
                Err(DomainPatternError),
                "{text}"
            );
        }
    }
}
