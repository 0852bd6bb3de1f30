//! Maps a tape read-only. One of the modules where `unsafe` is allowed: mapping a file is.
#![allow(unsafe_code)]

use std::{fs::File, ops::Deref, path::Path};

use memmap2::Mmap;

use super::TapeError;

/// A file's bytes.
pub(super) struct Mapped(Mmap);

impl Mapped {
    pub(super) fn open(path: &Path) -> Result<Self, TapeError> {
        let unreadable = |source| TapeError::Unreadable { path: path.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        // SAFETY: the tape lies in the run's own folder, is renamed into place whole, and is never written again; the
        // mapping is private and read-only. Were it cut short by a third party all the same, the process would end by
        // SIGBUS, which the parent reports as the end of an endpoint: no memory of ours could be changed by it.
        let map = unsafe { memmap2::MmapOptions::new().populate().map(&file) }.map_err(unreadable)?;
        Ok(Self(map))
    }
}

impl Deref for Mapped {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}
