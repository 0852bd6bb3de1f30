//! Huge pages for the lanes of a run that want them.

use std::path::Path;

use anyhow::Result;
use serde_json::Value;
use tickcert_transports::{
    Lane, SettingsError,
    api::{Job, Transport},
    dispatch, read_settings,
};

use crate::{
    bench::{huge_pages::HugePages, run_dir},
    remote::Session,
};

struct Needed<'a>(&'a Value);

impl Job for Needed<'_> {
    type Out = Result<u32, SettingsError>;

    fn run<T: Transport>(self) -> Self::Out {
        Ok(T::huge_pages_mib(&read_settings::<T>(self.0)?))
    }
}

/// As [`for_lanes`], on this host for the exchange and on the trader's for the trader, where that is another.
///
/// # Errors
/// As [`for_lanes`].
pub fn for_run<'a>(
    lanes: impl Iterator<Item = (Lane, &'a Value)> + Clone,
    (exchange, trader): (u32, u32),
    far: Option<&Session>,
    mut say: impl FnMut(&str),
) -> Result<Option<HugePages>> {
    let Some(far) = far else { return for_lanes(lanes, (exchange, trader), say) };
    match far.huge_pages(lanes.clone().map(|(lane, settings)| (lane.name().to_owned(), settings.clone())).collect()) {
        Ok(said) => said.iter().for_each(|text| say(&format!("On {}: {text}", far.host()))),
        Err(e) => say(&format!("Without huge pages: {e}")),
    }
    for_lanes(lanes, (exchange, exchange), say)
}

/// Sets aside what the neediest of the lanes wants, at the memory nodes of the two `cores`; they run one at a time. Where
/// that can't be had, the lanes say so themselves when they open, and become `not-run` rows; here it is only mentioned.
///
/// # Errors
/// Settings that a transport doesn't understand.
pub fn for_lanes<'a>(
    lanes: impl Iterator<Item = (Lane, &'a Value)>,
    cores: (u32, u32),
    say: impl FnOnce(&str),
) -> Result<Option<HugePages>> {
    let mut most = 0;
    for (lane, settings) in lanes {
        most = most.max(dispatch(lane, Needed(settings))?);
    }
    if most == 0 {
        return Ok(None);
    }
    match HugePages::reserve(Path::new("/"), &run_dir::default_path(), cores, most.into()) {
        Ok(pages) => Ok(Some(pages)),
        Err(e) => {
            let causes: Vec<String> = anyhow::Error::new(e).chain().map(ToString::to_string).collect();
            say(&format!("Without {most} MiB in huge pages: {}", causes.join(": ")));
            Ok(None)
        }
    }
}
