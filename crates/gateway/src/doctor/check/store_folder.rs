use mailward_policy::clause::guide;

use super::super::seen::StoreState;
use super::{Check, Findings, Look, Seen};

pub(in crate::doctor) const CHECK: Check = Check {
    id: "store-folder",
    title: "The store has a place and room",
    clauses: &[guide(101)],
    about: "The folder of the store is sound and can be written to, and its disk has room for \
            2 GiB more; below 200 MiB it is an error, for the gateway then takes no mail.",
    looks: &[Look::Store],
    judge,
};

const MIB: u64 = 1024 * 1024;
const FREE_WARNING: u64 = 2048 * MIB;
const FREE_ERROR: u64 = 200 * MIB;

fn judge(seen: &Seen, findings: &mut Findings<'_>) {
    let (store, subject) = (&seen.store, "store");
    let dir = seen.config.dir.display();
    let finding = match &store.state {
        StoreState::NotLookedAt => findings.not_run(subject, "it was not looked at"),
        StoreState::Absent => findings.note(subject, format!("{dir} is made at the first start")),
        StoreState::Sound => findings.ok(subject, format!("{dir} is sound")),
        StoreState::InUse(why) => findings.note(
            subject,
            format!("{why}; ask a running gateway with `mailward doctor --dir {dir}`"),
        ),
        StoreState::Unusable(why) => findings.error(
            subject,
            why,
            "Run this as the gateway's user, or see `mailward store check`.",
        ),
    };
    finding.with("dir", dir);
    if let Some(why) = &store.unwritable {
        findings.error(subject, why, "Let the gateway's user write there.");
    }
    if let Some(free) = store.free_octets {
        let room = format!("{} MiB are free", free / MIB);
        let remedy = "Make room, or move the store to a larger disk.";
        let finding = match free {
            ..FREE_ERROR => findings.error(subject, room, remedy),
            FREE_ERROR..FREE_WARNING => findings.warning(subject, room, remedy),
            _ => findings.ok(subject, room),
        };
        finding.with("free_octets", free);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;
    use crate::doctor::seen::StoreSeen;
    use crate::doctor::testing::{Fixture, check};

    #[test]
    fn state_and_room_are_told() {
        let room = (Severity::Ok, "store", "4096 MiB");
        for (state, free_mib, expected) in [
            (
                StoreState::Sound,
                4096,
                vec![(Severity::Ok, "store", "sound"), room],
            ),
            (
                StoreState::Absent,
                4096,
                vec![(Severity::Note, "store", "first start"), room],
            ),
            (
                StoreState::InUse("in use".to_owned()),
                4096,
                vec![(Severity::Note, "store", "--dir"), room],
            ),
            (
                StoreState::Unusable("damaged".to_owned()),
                4096,
                vec![(Severity::Error, "store", "damaged"), room],
            ),
            (
                StoreState::Sound,
                2047,
                vec![
                    (Severity::Ok, "store", "sound"),
                    (Severity::Warning, "store", "2047 MiB"),
                ],
            ),
            (
                StoreState::Sound,
                199,
                vec![
                    (Severity::Ok, "store", "sound"),
                    (Severity::Error, "store", "199 MiB"),
                ],
            ),
        ] {
            let mut seen = Fixture::healthy();
            seen.store = StoreSeen {
                state,
                unwritable: None,
                free_octets: Some(free_mib * MIB),
            };
            check(&CHECK, &seen, &expected);
        }
        let mut seen = Fixture::healthy();
        seen.store = StoreSeen {
            state: StoreState::Absent,
            unwritable: Some("/srv: permission denied".to_owned()),
            free_octets: None,
        };
        let expected = [
            (Severity::Note, "store", "first start"),
            (Severity::Error, "store", "permission denied"),
        ];
        check(&CHECK, &seen, &expected);
    }
}
