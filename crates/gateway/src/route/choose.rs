//! Which way out a message takes: its application's own route, or the high
//! sending service where the account sends more than the own route carries
//! (GUIDE-80, GUIDE-81, DHC-7).

use mailward_queue::RouteName;

/// What the choice rests on.
#[derive(Clone, Copy, Debug)]
pub struct ChoiceFacts<'a> {
    /// The application's route.
    pub own: &'a RouteName,
    /// The second one, where the register names it.
    pub high_sending: Option<HighSending<'a>>,
    /// Accepted for the account in the last minute, this one not counted.
    pub messages_last_minute: u64,
    /// What the application's owner expects in its busiest minute.
    pub declared_peak: Option<u64>,
    /// What the service takes from one account in a minute.
    pub messages_per_minute_max: u64,
    /// Patient data or confidential data.
    pub confidential: bool,
}

/// A route of the high sending service.
#[derive(Clone, Copy, Debug)]
pub struct HighSending<'a> {
    pub route: &'a RouteName,
    /// Certified to DCB1596 (ENG-19).
    pub dcb1596: bool,
}

/// The route, and why it is this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub route: RouteName,
    pub reason: String,
}

/// Chooses. Always gives the application's own route where it names no other.
pub fn choose(facts: &ChoiceFacts<'_>) -> Choice {
    let own = |reason: String| Choice {
        route: facts.own.clone(),
        reason,
    };
    let Some(high) = facts.high_sending else {
        return own("the application has no other route".to_owned());
    };
    let most = facts.messages_per_minute_max;
    let cause = match facts.declared_peak {
        Some(peak) if peak > most => {
            format!("its application declares up to {peak} messages a minute")
        }
        _ if facts.messages_last_minute >= most => format!(
            "{} messages were accepted for the account in the last minute",
            facts.messages_last_minute
        ),
        _ => {
            return own(format!(
                "{} messages were accepted for the account in the last minute, below the {most} \
                 that {} takes",
                facts.messages_last_minute, facts.own
            ));
        }
    };
    if facts.confidential && !high.dcb1596 {
        return own(format!(
            "{cause}, but {} is not certified to DCB1596 and the message is confidential (ENG-19)",
            high.route
        ));
    }
    Choice {
        route: high.route.clone(),
        reason: format!(
            "{cause}: {} takes no more than {most} (GUIDE-81, DHC-7)",
            facts.own
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_at_the_rate_that_the_own_route_takes() {
        let (own, high) = (RouteName::new("nhsmail"), RouteName::new("bulk"));
        let certified = Some(true);
        // Second route certified, last minute, declared peak, confidential: moved.
        for (second, last_minute, peak, confidential, moved) in [
            (None, 1000, Some(1000), false, false),
            (certified, 0, None, false, false),
            (certified, 29, Some(30), false, false),
            (certified, 30, None, false, true),
            (certified, 0, Some(31), false, true),
            (certified, 30, None, true, true),
            (Some(false), 30, None, true, false),
            (Some(false), 30, None, false, true),
        ] {
            let choice = choose(&ChoiceFacts {
                own: &own,
                high_sending: second.map(|dcb1596| HighSending {
                    route: &high,
                    dcb1596,
                }),
                messages_last_minute: last_minute,
                declared_peak: peak,
                messages_per_minute_max: 30,
                confidential,
            });
            let expected = if moved { &high } else { &own };
            assert_eq!(&choice.route, expected, "{choice:?}");
            assert!(!choice.reason.is_empty());
        }
    }
}
