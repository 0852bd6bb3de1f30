//! Whether a run's lanes want RDMA in software.

use serde_json::Value;
use tickcert_scenarios::profile::Profile;
use tickcert_transports::{
    Lane, SettingsError,
    api::{Job, Transport},
    dispatch, read_settings,
};

struct Wants<'a>(&'a Value);

impl Job for Wants<'_> {
    type Out = Result<bool, SettingsError>;

    fn run<T: Transport>(self) -> Self::Out {
        let config = read_settings::<T>(self.0)?;
        // A lane that can't run here anyway wants nothing made for it.
        Ok(T::wants_soft_rdma(&config) && T::preflight(&config, true).is_ok())
    }
}

/// Whether the lane wants it.
///
/// # Errors
/// Settings that its transport doesn't understand.
pub fn is_wanted_by(lane: Lane, settings: &Value) -> Result<bool, SettingsError> {
    dispatch(lane, Wants(settings))
}

/// Whether any of them does, with the settings of a profile.
///
/// # Errors
/// As [`is_wanted_by`].
pub fn is_wanted(lanes: &[Lane], profile: &Profile) -> Result<bool, SettingsError> {
    lanes.iter().try_fold(false, |wanted, lane| {
        let settings = lane.settings(&profile.settings_of(lane.transport()))?;
        Ok(wanted || is_wanted_by(*lane, &settings)?)
    })
}
