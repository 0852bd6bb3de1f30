//! Files that appear whole or not at all: written beside their place under another name, forced to disk, then renamed.

use std::{
    fs::{self, File, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;
use thiserror::Error;

/// Why a file was not written. Nothing of it is left behind.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The file system has no room, or the user's quota is used up.
    #[error(
        "{}: the disk is full: {written} bytes went in and {wanted} more were wanted; nothing was kept. \
         Free some space (`df -h {}`) or name a folder elsewhere",
        path.display(), folder.display()
    )]
    DiskFull {
        /// The file that was wanted.
        path: PathBuf,
        /// Its folder.
        folder: PathBuf,
        /// Bytes that had been written by then.
        written: u64,
        /// Bytes that the failing write was to add.
        wanted: u64,
        /// What the kernel said.
        source: io::Error,
    },
    /// The folder can't be written to or isn't there.
    #[error("{}: {doing} failed ({source}); nothing was kept. {remedy}", path.display())]
    Io {
        /// The file that was wanted.
        path: PathBuf,
        /// The step that failed.
        doing: &'static str,
        /// What to do about it.
        remedy: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// What produced the bytes failed, not the disk.
    #[error("{}: its contents could not be made ({source}); nothing was kept", path.display())]
    Contents {
        /// The file that was wanted.
        path: PathBuf,
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A file being written. It takes its place with [`AtomicFile::commit`]; dropped before that, it is gone.
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    folder: PathBuf,
    temp: NamedTempFile,
    written: u64,
    /// Length of the last write that failed: what the disk had no room for.
    refused: u64,
}

impl AtomicFile {
    /// Starts a file that will stand at `path`, readable by all (less the umask).
    ///
    /// # Errors
    /// When the folder isn't there or can't be written to.
    pub fn create(path: &Path) -> Result<Self, WriteError> {
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
            _ => PathBuf::from("."),
        };
        let mut prefix = std::ffi::OsString::from(".");
        prefix.push(path.file_name().unwrap_or_default());
        let temp = tempfile::Builder::new()
            .prefix(&prefix)
            .suffix(".partial")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(&folder)
            .map_err(|source| failure(path, &folder, "creating it", 0, 0, source))?;
        Ok(Self { path: path.to_path_buf(), folder, temp, written: 0, refused: 0 })
    }

    /// Where it will stand.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes written so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Forces it to disk and puts it in its place, over whatever stood there.
    ///
    /// # Errors
    /// When the disk is full or the rename is refused; then nothing is left but what stood there before.
    pub fn commit(self) -> Result<(), WriteError> {
        let Self { path, folder, temp, written, refused } = self;
        let fail = |doing, source| failure(&path, &folder, doing, written, refused, source);
        temp.as_file().sync_all().map_err(|e| fail("forcing it to disk", e))?;
        temp.persist(&path).map_err(|e| fail("renaming it into place", e.error))?;
        // The rename itself is only durable once the folder is.
        File::open(&folder).and_then(|f| f.sync_all()).map_err(|e| fail("forcing its folder to disk", e))
    }

    /// Turns an error met while writing into one that names the file; use it for writers that wrap this one.
    #[must_use]
    pub fn explain(&self, source: io::Error) -> WriteError {
        failure(&self.path, &self.folder, "writing", self.written, self.refused, source)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.temp.as_file_mut().write(bytes) {
            Ok(n) => {
                self.written += n as u64;
                Ok(n)
            }
            Err(e) => {
                self.refused = bytes.len() as u64;
                Err(e)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temp.as_file_mut().flush()
    }
}

/// Writes `bytes` to `path`, whole or not at all.
///
/// # Errors
/// See [`WriteError`].
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let mut file = AtomicFile::create(path)?;
    if let Err(e) = file.write_all(bytes) {
        return Err(file.explain(e));
    }
    file.commit()
}

/// Writes what `contents` produces to `path`, whole or not at all.
///
/// # Errors
/// See [`WriteError`]; an error of `contents` that does not come from the disk is [`WriteError::Contents`].
pub fn write_with<T, E>(path: &Path, contents: impl FnOnce(&mut AtomicFile) -> Result<T, E>) -> Result<T, WriteError>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut file = AtomicFile::create(path)?;
    match contents(&mut file) {
        Ok(value) => file.commit().map(|()| value),
        Err(e) => Err(match e.into().downcast::<io::Error>() {
            Ok(io) => file.explain(*io),
            Err(source) => WriteError::Contents { path: path.to_path_buf(), source },
        }),
    }
}

/// Makes a folder and those above it.
///
/// # Errors
/// When the kernel refuses.
pub fn create_folder(path: &Path) -> Result<(), WriteError> {
    fs::create_dir_all(path).map_err(|e| failure(path, path, "making the folder", 0, 0, e))
}

fn failure(
    path: &Path,
    folder: &Path,
    doing: &'static str,
    written: u64,
    wanted: u64,
    source: io::Error,
) -> WriteError {
    let (path, folder) = (path.to_path_buf(), folder.to_path_buf());
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            WriteError::DiskFull { path, folder, written, wanted, source }
        }
        kind => WriteError::Io { path, doing, remedy: remedy(kind, &folder), source },
    }
}

fn remedy(kind: io::ErrorKind, folder: &Path) -> String {
    let folder = folder.display();
    match kind {
        io::ErrorKind::NotFound => format!("Make the folder first: `mkdir -p {folder}`"),
        io::ErrorKind::PermissionDenied => {
            format!("Give yourself the right to write there (`ls -ld {folder}`) or name another folder")
        }
        io::ErrorKind::ReadOnlyFilesystem => "Name a folder on a file system that can be written".to_owned(),
        _ => format!("Check the folder with `ls -ld {folder}` or name another one"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_writer_that_fails_in_the_middle_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("certificate.json");
        write(&path, b"old").unwrap();
        let error = write_with(&path, |f| {
            f.write_all(b"half of it").unwrap();
            Err::<(), _>("the other half is missing")
        })
        .unwrap_err();
        assert!(matches!(error, WriteError::Contents { .. }), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["certificate.json"]);
    }

    #[test]
    fn a_full_disk_is_said_with_how_much_was_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let error = write_with(&path, |f| -> io::Result<()> {
            f.write_all(&[0; 10])?;
            f.refused = 90;
            Err(io::ErrorKind::StorageFull.into())
        })
        .unwrap_err();
        let text = error.to_string();
        assert!(text.contains("disk is full: 10 bytes went in and 90 more"), "{text}");
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_missing_folder_is_an_error_that_says_how_to_make_it() {
        let folder = tempfile::tempdir().unwrap();
        let error = write(&folder.path().join("no/such/file"), b"").unwrap_err();
        assert!(error.to_string().contains("mkdir -p"), "{error}");
    }

    #[test]
    fn a_file_takes_its_place_whole_with_the_usual_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        write(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_ne!(fs::metadata(&path).unwrap().permissions().mode() & 0o044, 0);
        assert_eq!(names(folder.path()), ["x"]);
    }
}
