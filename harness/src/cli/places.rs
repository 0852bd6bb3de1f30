//! Where things lie unless the user says otherwise: the store and the signing key in the user's data folder.

use std::path::PathBuf;

use anyhow::{Context, Result};
use directories::ProjectDirs;

fn data() -> Result<PathBuf> {
    let dirs = ProjectDirs::from("", "", "tickcert");
    let dirs =
        dirs.context("no home folder is known for this user: set HOME or XDG_DATA_HOME, or give --store and --key")?;
    Ok(dirs.data_dir().to_owned())
}

/// The store.
pub(crate) fn store(given: Option<&PathBuf>) -> Result<PathBuf> {
    given.map_or_else(|| Ok(data()?.join("results.sqlite")), |path| Ok(path.clone()))
}

/// The key that signs.
pub(crate) fn key(given: Option<&PathBuf>) -> Result<PathBuf> {
    given.map_or_else(|| Ok(data()?.join("signing-key")), |path| Ok(path.clone()))
}
