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

#[cfg(test)]
mod tests {
    use tickcert_scenarios::{
        generator::{self, GeneratorConfig},
        tape,
        trader::{Strategy, TraderConfig},
    };

    use super::*;

    #[test]
    fn a_tape_that_arrives_is_taken_and_another_a_part_of_it_or_one_without_room_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (sent, came) = (folder.path().join("sent"), folder.path().join("came"));
        let ticks = generator::generate(&GeneratorConfig { messages: 500, ..GeneratorConfig::default() }).unwrap();
        tape::build(&sent, &ticks, TraderConfig::new(Strategy::first_byte())).unwrap();
        let sha256 = Tape::open(&sent).unwrap().sha256().to_owned();
        let bytes = std::fs::read(&sent).unwrap();
        let arrived = |path: &Path, bytes: &[u8], sha256: &str| {
            let mut incoming = Incoming::new(1, path, bytes.len() as u64, sha256.to_owned());
            bytes.chunks(1000).for_each(|piece| incoming.take(piece));
            assert_eq!(incoming.left, 0);
            incoming.check().map_err(|problem| format!("{problem:?}"))
        };
        assert_eq!(arrived(&came, &bytes, &sha256), Ok(()));
        let other = arrived(&came, &bytes, &"0".repeat(64)).unwrap_err();
        assert!(other.contains(&format!("{sha256} instead of 0000")), "{other}");
        let part = arrived(&came, &bytes[..bytes.len() - 9], &sha256).unwrap_err();
        assert!(part.contains("did not arrive as it was sent"), "{part}");
        let full = arrived(Path::new("/dev/full"), &bytes, &sha256).unwrap_err();
        assert!(full.contains("can't be written to /dev/full") && full.contains("is the disk full?"), "{full}");
    }
}
