//! What the store keeps, and how much room it leaves.

use std::time::Duration;

use serde::Deserialize;

/// `[store]`. Each has a default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSettings {
    /// How many days the record of a message stays after all of it has ended;
    /// 0 is for ever.
    pub records_kept_days: u64,
    /// New mail is refused while less is free where the store lies, in MiB.
    pub free_space_floor_mib: u64,
    /// How fast a backup copies, in MiB a second; 0 is as fast as it can.
    pub backup_mib_per_second: u64,
}

/// Three years, as decision 0026 has it.
const RECORDS_KEPT_DAYS: u64 = 1096;

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            records_kept_days: RECORDS_KEPT_DAYS,
            free_space_floor_mib: 64,
            backup_mib_per_second: 50,
        }
    }
}

impl StoreSettings {
    /// None is for ever.
    pub fn records_kept(&self) -> Option<Duration> {
        let seconds = self.records_kept_days.saturating_mul(24 * 3600);
        (seconds > 0).then(|| Duration::from_secs(seconds))
    }

    /// 0 is as fast as it can.
    pub fn backup_octets_per_second(&self) -> u64 {
        self.backup_mib_per_second.saturating_mul(1024 * 1024)
    }

    pub(crate) fn limits(&self) -> mailward_store::Limits {
        mailward_store::Limits {
            free_octets_min: self.free_space_floor_mib.saturating_mul(1024 * 1024),
            ..mailward_store::Limits::default()
        }
    }
}
