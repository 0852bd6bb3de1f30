//! Records of one length in a file, read block by block: a repetition's samples may be larger than memory should be, and
//! a small block that is filled again and again costs no page faults.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

/// Records read at once: a block stays in the processor's cache.
const BLOCK: u64 = 4096;

/// So many records of `N` bytes, in a file from some place on.
pub(super) struct Records<const N: usize> {
    path: PathBuf,
    from: u64,
    len: u64,
}

impl<const N: usize> Records<N> {
    /// Those in `path` from the byte `from` on.
    ///
    /// # Errors
    /// When the file can't be looked at, or is too short for them.
    pub(super) fn new(path: &Path, from: u64, len: u64) -> io::Result<Self> {
        let end = len.checked_mul(N as u64).and_then(|bytes| bytes.checked_add(from));
        let there = std::fs::metadata(path)?.len();
        if end.is_none_or(|end| end > there) {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the samples are cut short"));
        }
        Ok(Self { path: path.to_owned(), from, len })
    }

    /// How many there are.
    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    /// Hands over each, in order. Every call reads the file anew, so that two threads can each go through it.
    ///
    /// # Errors
    /// When the file can't be read, or has become shorter.
    pub(super) fn each(&self, mut of: impl FnMut(&[u8; N])) -> io::Result<()> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.from))?;
        let mut left = self.len;
        let mut block = vec![[0; N]; usize::try_from(left.min(BLOCK)).unwrap_or_default()];
        while left > 0 {
            let now = usize::try_from(left.min(BLOCK)).unwrap_or_default();
            file.read_exact(block[..now].as_flattened_mut())?;
            block[..now].iter().for_each(&mut of);
            left -= now as u64;
        }
        Ok(())
    }
}
