//! Where journals and pinned namespaces are kept: a folder that only this user can write to, and that `tickcert clean`
//! of the same user finds again.

use std::{
    env, fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use nix::unistd::geteuid;
use tickcert_probes::{privilege, sysfs};

/// Why there is no such folder.
#[derive(Debug, thiserror::Error)]
pub enum RunDirError {
    /// It can't be made or looked at.
    #[error("{} can't be used for the undo journal: {source} (set XDG_RUNTIME_DIR to a folder of your own)", path.display())]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody else could write what `clean` would then do.
    #[error("{} isn't a folder of this user's alone; remove it, or set XDG_RUNTIME_DIR to a folder of your own", path.display())]
    NotOurs {
        /// Which.
        path: PathBuf,
    },
}

/// The folder of this user: `/run/tickcert` for root, else `$XDG_RUNTIME_DIR/tickcert`, else `/tmp/tickcert-UID`.
#[must_use]
pub fn default_path() -> PathBuf {
    // Root of a user namespace can't write to /run; it is the user that made the namespace.
    if geteuid().is_root() && privilege::in_initial_user_namespace() {
        return PathBuf::from("/run/tickcert");
    }
    // The specification wants a relative one to be ignored; a journal with relative paths could not be undone from elsewhere.
    match env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_absolute()) {
        Some(dir) => dir.join("tickcert"),
        None => PathBuf::from(format!("/tmp/tickcert-{}", outer_uid())),
    }
}

/// The user's number outside any user namespace (the second figure of `/proc/self/uid_map`).
fn outer_uid() -> u32 {
    let own = geteuid().as_raw();
    if privilege::in_initial_user_namespace() {
        return own;
    }
    let map = sysfs::read(Path::new("/"), "proc/self/uid_map").unwrap_or_default();
    map.split_whitespace().nth(1).and_then(|uid| uid.parse().ok()).unwrap_or(own)
}

/// Makes the folder where it isn't there, and checks that nobody else can write into it.
///
/// # Errors
/// [`RunDirError`].
pub fn prepare(path: &Path) -> Result<(), RunDirError> {
    let unusable = |source| RunDirError::Unusable { path: path.into(), source };
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
        Err(e) => return Err(unusable(e)),
    }
    check(path)
}

/// Checks that the folder is this user's, and that nobody else can write into it.
///
/// # Errors
/// [`RunDirError`].
pub fn check(path: &Path) -> Result<(), RunDirError> {
    let unusable = |source| RunDirError::Unusable { path: path.into(), source };
    let found = fs::symlink_metadata(path).map_err(unusable)?;
    let writable_by_others = found.permissions().mode() & 0o022 != 0;
    if !found.is_dir() || found.uid() != geteuid().as_raw() || writable_by_others {
        return Err(RunDirError::NotOurs { path: path.into() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_folder_is_made_for_this_user_alone_and_may_be_there_already() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("run");
        prepare(&path).unwrap();
        prepare(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_folder_that_others_can_write_to_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        fs::set_permissions(parent.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(prepare(parent.path()), Err(RunDirError::NotOurs { .. })));
    }

    #[test]
    fn a_symbolic_link_in_its_place_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let link = parent.path().join("run");
        symlink(parent.path(), &link).unwrap();
        assert!(matches!(prepare(&link), Err(RunDirError::NotOurs { .. })));
    }
}
