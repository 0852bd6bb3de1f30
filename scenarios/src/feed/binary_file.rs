//! BinaryFILE: a big-endian u16 length and one ITCH message, repeated to the end of the file.
//!
//! The file's records are MoldUDP64 blocks already, so they are kept as read. There are no packets in the file; each
//! message becomes one (captures of the feed show 1.07 messages a packet), due at its ITCH timestamp.

use std::io::Read;

use tickcert_results::time::Nanos;

use super::error::{Located, Place, Problem};
use super::excerpt::{Cutter, Excerpt, Part};
use super::itch::{ItchError, Message, message_len};
use super::read::ReadLimits;
use super::source::problem_of;
use super::stream::{PacketRecord, TickStream};

const CHUNK: u64 = 1 << 20;

pub(super) fn read(reader: &mut impl Read, limits: ReadLimits) -> Result<TickStream, Located> {
    let mut walk = Walk::new(limits.excerpt);
    loop {
        let got = reader
            .by_ref()
            .take(CHUNK)
            .read_to_end(&mut walk.stream.blocks)
            .map_err(|error| (walk.place(walk.stream.blocks.len()), problem_of(error)))?;
        walk.records()?;
        if walk.stream.held() > limits.memory {
            return Err((walk.place(walk.at), Problem::TooLarge { limit: limits.memory, span: walk.cutter.span() }));
        }
        let over = walk.cutter.part() == Part::After;
        if got == 0 || over || (walk.ended && walk.at + 2 < walk.stream.blocks.len()) {
            return walk.finish();
        }
    }
}

/// The walk over the records that have been read so far.
struct Walk {
    stream: TickStream,
    cutter: Cutter,
    /// Bytes of the file before those in the stream.
    passed: u64,
    /// Where the next record begins in the stream.
    at: usize,
    /// A length of 0 has been met, at `at`.
    ended: bool,
    first: Option<Nanos>,
    backwards: u64,
}

impl Walk {
    fn new(excerpt: Excerpt) -> Self {
        Self {
            stream: TickStream::default(),
            cutter: Cutter::new(excerpt),
            passed: 0,
            at: 0,
            ended: false,
            first: None,
            backwards: 0,
        }
    }

    /// The file's own offset of a byte in the stream.
    const fn place(&self, offset: usize) -> Place {
        Place::Byte(self.passed + offset as u64)
    }

    /// Whether a record has been read.
    const fn any(&self) -> bool {
        self.passed > 0 || self.at > 0
    }

    /// Takes every whole record, up to the end of the excerpt.
    fn records(&mut self) -> Result<(), Located> {
        while !self.ended && self.cutter.part() != Part::After {
            let rest = self.stream.blocks.get(self.at..).unwrap_or_default();
            let Some((&prefix, body)) = rest.split_first_chunk::<2>() else {
                break;
            };
            let len = u16::from_be_bytes(prefix);
            if len == 0 {
                self.ended = true;
                break;
            }
            let message = match body.get(..usize::from(len)) {
                Some(message) => Message::parse(message),
                // A length that cannot be right is refused before more is read in the hope of the record's end.
                None => match body.first().map(|&kind| (kind, message_len(kind))) {
                    None => break,
                    Some((_, Some(expected))) if expected == usize::from(len) => break,
                    Some((kind, Some(expected))) => Err(ItchError::WrongLength { kind, expected, got: len.into() }),
                    Some((kind, None)) => Err(ItchError::UnknownType { kind }),
                },
            };
            match message {
                Ok(message) => {
                    let at = message.head().timestamp();
                    self.take(at, len);
                }
                Err(error) => return Err((self.place(self.at), self.explain(Problem::NotItch(error)))),
            }
        }
        self.forget_what_is_before();
        Ok(())
    }

    /// Nothing is kept of what precedes the first record of the stream.
    fn forget_what_is_before(&mut self) {
        if self.stream.packets.is_empty() {
            self.stream.blocks.drain(..self.at);
            self.passed += self.at as u64;
            self.at = 0;
        }
    }

    fn take(&mut self, timestamp: Nanos, len: u16) {
        match self.cutter.look(timestamp, 1) {
            Part::Before => {
                self.at += usize::from(len) + 2;
                return;
            }
            Part::Within => self.forget_what_is_before(),
            Part::After => return,
        }
        let first = *self.first.get_or_insert(timestamp);
        let last = self.stream.duration();
        let at = timestamp.saturating_sub(first);
        if at < last || timestamp < first {
            self.backwards += 1;
        }
        let record = PacketRecord { at: at.max(last), offset: self.at, len: u32::from(len) + 2, messages: 1 };
        self.at += usize::from(len) + 2;
        self.stream.packets.push(record);
    }

    /// A first record that makes no sense may be a message without a prefix.
    fn explain(&self, problem: Problem) -> Problem {
        if self.any() {
            return problem;
        }
        let bytes = &self.stream.blocks;
        let Some((kind, len)) = bytes.first().and_then(|&kind| Some((kind, message_len(kind)?))) else {
            return problem;
        };
        let another = bytes.get(len).is_some_and(|&next| message_len(next).is_some());
        if bytes.len() == len || another { Problem::NoPrefix { kind } } else { problem }
    }

    fn finish(mut self) -> Result<TickStream, Located> {
        let over = self.cutter.part() == Part::After;
        let rest = self.stream.blocks.get(self.at..).unwrap_or_default();
        match rest {
            _ if over => {}
            [] => {}
            [0, 0] => self.stream.notes.push("a length of 0 ends the file: end of session".into()),
            [0, 0, ..] => {
                return Err((self.place(self.at), Problem::AfterEnd { any_message: self.any() }));
            }
            [_] => return Err((self.place(self.at), Problem::CutOff { need: 2, have: 1 })),
            [high, low, ..] => {
                let need = usize::from(u16::from_be_bytes([*high, *low])) + 2;
                let problem = Problem::CutOff { need, have: rest.len() };
                return Err((self.place(self.at), self.explain(problem)));
            }
        }
        if self.stream.packets.is_empty() {
            let nothing = |span| Problem::NothingInExcerpt { excerpt: self.cutter.excerpt(), span };
            return Err((Place::Whole, self.cutter.span().map_or(Problem::Empty, nothing)));
        }
        self.stream.blocks.truncate(self.at);
        self.stream.notes.extend(self.cutter.note());
        if self.backwards > 0 {
            let note =
                format!("{} timestamps run backwards; those messages are due with the one before", self.backwards);
            self.stream.notes.push(note);
        }
        Ok(self.stream)
    }
}
