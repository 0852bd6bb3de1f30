//! The bytes of a file: hashed as stored, unpacked where compressed.

use std::fmt;
use std::io::{self, Read};

use sha2::{Digest, Sha256};

use super::error::Problem;

/// Passes bytes through and hashes them.
pub(super) struct Hashing<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Hashing<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, hash: Sha256::new() }
    }

    /// The hash of everything, read to its end.
    pub(super) fn finish(mut self) -> io::Result<String> {
        io::copy(&mut self, &mut io::sink())?;
        Ok(self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buffer)?;
        self.hash.update(buffer.get(..got).unwrap_or_default());
        Ok(got)
    }
}

/// How a file is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Gzip,
    Zstd,
}

impl Packing {
    pub(super) fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }

    pub(super) const fn name(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }

    /// A reader of the unpacked bytes; what it fails with can be told from a failing disk by [`problem_of`].
    pub(super) fn unpack<'a>(self, raw: impl Read + 'a) -> Result<Box<dyn Read + 'a>, Problem> {
        Ok(match self {
            Self::Plain => Box::new(raw),
            Self::Gzip => Box::new(Unpacking { format: "gzip", inner: flate2::read::MultiGzDecoder::new(raw) }),
            Self::Zstd => Box::new(Unpacking {
                format: "zstd",
                inner: zstd::stream::read::Decoder::new(raw).map_err(Problem::Unreadable)?,
            }),
        })
    }
}

/// The first bytes of a stream (fewer only where the stream is shorter).
pub(super) fn peek(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(12);
    reader.take(12).read_to_end(&mut head)?;
    Ok(head)
}

/// Turns an error of the stream into what is wrong with the file.
pub(super) fn problem_of(error: io::Error) -> Problem {
    match error.downcast::<Undecodable>() {
        Ok(Undecodable { format, source }) => Problem::Corrupt { format, source },
        Err(error) => Problem::Unreadable(error),
    }
}

/// Marks the errors of a decoder, so that a corrupt file is not taken for a failing disk or for a file that ends early.
struct Unpacking<R> {
    format: &'static str,
    inner: R,
}

impl<R: Read> Read for Unpacking<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|source| {
            if source.kind() == io::ErrorKind::Interrupted {
                return source;
            }
            io::Error::other(Undecodable { format: self.format, source })
        })
    }
}

#[derive(Debug)]
struct Undecodable {
    format: &'static str,
    source: io::Error,
}

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} data: {}", self.format, self.source)
    }
}

impl std::error::Error for Undecodable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}
