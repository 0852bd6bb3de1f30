//! How run and agent say it: one JSON object a line, and behind a line that announces them the bytes of a file.

use std::io::{self, BufRead, Read, Write};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::endpoint::control;

/// Bytes of a file that are sent at once.
pub const PIECE: usize = 1 << 20;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line<M> {
    Message(M),
    /// So many bytes follow.
    Piece(usize),
}

/// A message, or a piece of a file.
#[derive(Debug)]
pub enum Received<M> {
    /// A message.
    Message(M),
    /// Bytes.
    Piece(Vec<u8>),
}

/// Says something.
///
/// # Errors
/// When the other side is gone.
pub fn send(out: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    control::send(out, &Line::Message(message))
}

/// Sends a piece of a file, at most [`PIECE`] long.
///
/// # Errors
/// When the other side is gone.
pub fn send_piece(out: &mut impl Write, piece: &[u8]) -> io::Result<()> {
    control::send(out, &Line::<()>::Piece(piece.len()))?;
    out.write_all(piece)?;
    out.flush()
}

/// What comes next; `None` when the other side has closed.
///
/// # Errors
/// When it can't be read or understood.
pub fn receive<M: DeserializeOwned>(from: &mut impl BufRead) -> io::Result<Option<Received<M>>> {
    match control::receive(from)? {
        None => Ok(None),
        Some(Line::Message(message)) => Ok(Some(Received::Message(message))),
        Some(Line::Piece(len)) if len <= PIECE => {
            let mut piece = vec![0; len];
            from.read_exact(&mut piece)?;
            Ok(Some(Received::Piece(piece)))
        }
        Some(Line::Piece(len)) => {
            Err(io::Error::new(io::ErrorKind::InvalidData, format!("a piece of {len} bytes, and {PIECE} are the most")))
        }
    }
}

/// Sends a file, piece by piece; returns its bytes.
///
/// # Errors
/// When it can't be read (its own error is in the inner result, and nothing more is sent), or the other side is gone.
pub fn send_file(file: &mut impl Read, mut piece: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<io::Result<u64>> {
    let (mut buffer, mut sent) = (vec![0; PIECE], 0);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(Ok(sent)),
            Ok(n) => {
                piece(&buffer[..n])?;
                sent += n as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Ok(Err(e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::protocol::Request;

    #[test]
    fn messages_and_pieces_come_out_as_they_went_in_whatever_bytes_a_piece_holds() {
        let mut wire = Vec::new();
        send(&mut wire, &Request::Alive).unwrap();
        send_piece(&mut wire, b"{\"message\":1}\n\0\xff").unwrap();
        send(&mut wire, &Request::Samples).unwrap();
        let mut from = wire.as_slice();
        let mut next = || receive::<Request>(&mut from).unwrap();
        assert!(matches!(next(), Some(Received::Message(Request::Alive))));
        assert!(matches!(next(), Some(Received::Piece(p)) if p == b"{\"message\":1}\n\0\xff"));
        assert!(matches!(next(), Some(Received::Message(Request::Samples))));
        assert!(next().is_none());
    }

    #[test]
    fn a_piece_larger_than_any_of_ours_or_cut_short_is_an_error() {
        for line in ["{\"piece\":1048577}\n", "{\"piece\":4}\nab", "{\"piece\":-1}\n", "{\"other\":1}\n"] {
            assert!(receive::<Request>(&mut line.as_bytes()).is_err(), "{line}");
        }
    }
}
