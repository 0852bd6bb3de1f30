//! The tape on its way to the trader's host.

use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context;
use tickcert_scenarios::tape::Tape;

use super::{Agent, Given, Problem, failed, reply, value};

/// A tape of which not every piece has come.
pub(super) struct Incoming {
    /// The request that it is the answer to.
    number: u64,
    path: PathBuf,
    sha256: String,
    left: u64,
    /// Once it can't be written, what still comes is let go: the run is told at the end.
    file: io::Result<File>,
}

impl Incoming {
    pub(super) fn new(number: u64, path: &Path, bytes: u64, sha256: String) -> Self {
        Self { number, path: path.to_owned(), sha256, left: bytes, file: File::create(path) }
    }

    fn take(&mut self, piece: &[u8]) {
        self.left = self.left.saturating_sub(piece.len() as u64);
        if let Ok(file) = &mut self.file
            && let Err(e) = file.write_all(piece)
        {
            self.file = Err(e);
        }
    }

    /// Whether it is the tape that it was said to be.
    fn check(self) -> Result<(), Problem> {
        let written = self.file.and_then(|file| file.sync_all());
        let there = || {
            format!(
                "the tape can't be written to {} (is the disk full? TMPDIR names another place)",
                self.path.display()
            )
        };
        written.with_context(there).map_err(|e| failed(&e))?;
        let tape = Tape::open(&self.path).context("the tape did not arrive as it was sent").map_err(|e| failed(&e))?;
        if tape.sha256() == self.sha256 {
            return Ok(());
        }
        let (came, sent) = (tape.sha256(), &self.sha256);
        Err(failed(&anyhow::anyhow!("the tape did not arrive as it was sent: {came} instead of {sent}")))
    }
}

impl Agent {
    pub(super) fn tape_path(&self) -> PathBuf {
        self.scratch.path().join("tape")
    }

    /// A piece of the tape; one that nobody waits for is let go.
    pub(super) fn piece(&mut self, piece: &[u8]) -> io::Result<()> {
        let Some(tape) = &mut self.tape else { return Ok(()) };
        tape.take(piece);
        if tape.left > 0 {
            return Ok(());
        }
        let number = tape.number;
        self.tape_is_here().transpose().map_or(Ok(()), |given| reply(number, given))
    }

    pub(super) fn tape_is_here(&mut self) -> Given {
        self.tape.take().map_or(Ok(None), |tape| value(tape.check()?))
    }
}
