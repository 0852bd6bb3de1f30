//! The signing key: made on first use, readable by its owner only.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use ssh_key::{Algorithm, Fingerprint, HashAlg, LineEnding, PrivateKey, PublicKey, rand_core::OsRng};
use thiserror::Error;

/// A key file holds a few hundred bytes; a longer one is something else.
const LONGEST_KEY_FILE: u64 = 64 * 1024;

/// Why there is no key to sign with.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The file can be read by others than its owner.
    #[error(
        "{}: others can read this signing key (mode {mode:04o}). If nobody has: `chmod 600 {}`; \
         else delete it and a new one is made",
        path.display(), path.display()
    )]
    Exposed {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file could not be made or read.
    #[error("{}: {doing} failed ({source}). Name another place for the key, or sign on another host", path.display())]
    Io {
        /// The key file.
        path: PathBuf,
        /// The step that failed.
        doing: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// The file holds something else, or a damaged key.
    #[error(
        "{}: not a private key in OpenSSH's format ({source}). Move it away and a new one is made: `mv {} {}.bad`",
        path.display(), path.display(), path.display()
    )]
    Unreadable {
        /// The key file.
        path: PathBuf,
        /// What the library said.
        source: ssh_key::Error,
    },
    /// The key is not of the kind that can sign here.
    #[error(
        "{}: a key {what} can't be used. Make one that can: `ssh-keygen -t ed25519 -N '' -f {}`",
        path.display(), path.display()
    )]
    Unusable {
        /// The key file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
}

/// An ed25519 key that lies in a file.
#[derive(Clone)]
pub struct SigningKey {
    key: PrivateKey,
    path: PathBuf,
    created: bool,
}

/// Without the secret.
impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey")
            .field("path", &self.path)
            .field("fingerprint", &self.fingerprint().to_string())
            .finish_non_exhaustive()
    }
}

impl SigningKey {
    /// Loads the key at `path`; where there is none, makes one (mode 0600, new folders 0700).
    ///
    /// Of several processes that do so at once one makes the key, and all get the same.
    ///
    /// # Errors
    /// See [`KeyError`]; an existing file is never replaced.
    pub fn load_or_create(path: &Path) -> Result<Self, KeyError> {
        match Self::load(path) {
            Err(KeyError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            other => return other,
        }
        let created = create(path)?;
        Self::load(path).map(|key| Self { created, ..key })
    }

    /// Loads the key at `path`.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let io = |doing, source| KeyError::Io { path: path.to_path_buf(), doing, source };
        let mut file = File::open(path).map_err(|e| io("opening the signing key", e))?;
        // Of the open file, so that what is checked is what is read.
        let meta = file.metadata().map_err(|e| io("reading the mode of the signing key", e))?;
        if meta.mode() & 0o077 != 0 {
            return Err(KeyError::Exposed { path: path.to_path_buf(), mode: meta.mode() & 0o7777 });
        }
        let mut text = Vec::new();
        (&mut file).take(LONGEST_KEY_FILE).read_to_end(&mut text).map_err(|e| io("reading the signing key", e))?;
        let key = PrivateKey::from_openssh(&text)
            .map_err(|source| KeyError::Unreadable { path: path.to_path_buf(), source })?;
        let unusable = |what: String| Err(KeyError::Unusable { path: path.to_path_buf(), what });
        if key.is_encrypted() {
            return unusable("with a passphrase".to_owned());
        }
        if key.algorithm() != Algorithm::Ed25519 {
            return unusable(format!("of type {}", key.algorithm()));
        }
        Ok(Self { key, path: path.to_path_buf(), created: false })
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether this call made it: then the user should be told where.
    #[must_use]
    pub fn created(&self) -> bool {
        self.created
    }

    /// The half that others may see.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        self.key.public_key()
    }

    /// SHA-256 fingerprint, as `ssh-keygen -l` prints it.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.key.fingerprint(HashAlg::Sha256)
    }

    pub(super) fn private(&self) -> &PrivateKey {
        &self.key
    }
}

/// Puts a new key at `path` unless there is one by now; tells whether it did.
fn create(path: &Path) -> Result<bool, KeyError> {
    let io = |doing, source| KeyError::Io { path: path.to_path_buf(), doing, source };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|e| io("making the folder of the signing key", e))?;
    let mut key = PrivateKey::random(&mut OsRng, Algorithm::Ed25519)
        .map_err(|source| KeyError::Unreadable { path: path.to_path_buf(), source })?;
    key.set_comment("tickcert");
    let text =
        key.to_openssh(LineEnding::LF).map_err(|source| KeyError::Unreadable { path: path.to_path_buf(), source })?;
    // Complete before it has its name, and the name is taken only if nobody has it: no reader ever sees half a key,
    // and no two writers each believe in their own. Temporary files are made with mode 0600.
    let mut temp =
        tempfile::Builder::new().prefix(".key").tempfile_in(folder).map_err(|e| io("making the signing key", e))?;
    temp.write_all(text.as_bytes())
        .and_then(|()| temp.as_file().sync_all())
        .map_err(|e| io("writing the signing key", e))?;
    match temp.persist_noclobber(path) {
        Ok(_) => {
            // Best effort: a key lost to a power cut is made again.
            let _ = fs::File::open(folder).and_then(|f| f.sync_all());
            Ok(true)
        }
        Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(io("putting the signing key in its place", e.error)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_with_mode_0600_in_a_folder_of_0700() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/tickcert/key");
        let first = SigningKey::load_or_create(&path).unwrap();
        let second = SigningKey::load_or_create(&path).unwrap();
        assert!(first.created() && !second.created());
        assert_eq!(first.fingerprint(), second.fingerprint());
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn many_who_make_the_key_at_once_all_get_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let made: Vec<_> = std::thread::scope(|s| {
            let all: Vec<_> = (0..8).map(|_| s.spawn(|| SigningKey::load_or_create(&path).unwrap())).collect();
            all.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert!(made.iter().all(|k| k.fingerprint() == made[0].fingerprint()));
        assert_eq!(made.iter().filter(|k| k.created()).count(), 1);
    }

    #[test]
    fn a_key_that_others_can_read_is_refused_with_the_command_that_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        SigningKey::load_or_create(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = SigningKey::load_or_create(&path).unwrap_err().to_string();
        assert!(error.contains("mode 0640") && error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_damaged_key_is_refused_and_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "not a key").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let error = SigningKey::load_or_create(&path).unwrap_err().to_string();
        assert!(error.contains("mv "), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"not a key");
    }
}
