//! One outgoing flow: each frame is built in a buffer of the pool and submitted at once. With zero copy the buffer is
//! the kernel's until it says so.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
};

use io_uring::{cqueue, opcode, squeue, types::Fixed};

use super::{
    Config,
    buffers_ffi::{BUFFER, Pool},
    preflight,
    ring_ffi::Ring,
};
use crate::{
    api::{OpenError, TxError, TxToken},
    kernel::explain,
};

/// What is left of a frame that a stream took only in part.
struct Rest {
    buffer: u16,
    from: usize,
    to: usize,
}

/// The flow. The ring goes before the pool that the kernel reads from.
pub(super) struct Sender {
    ring: Ring,
    pool: Pool,
    _socket: OwnedFd,
    zero_copy: bool,
    /// Buffers that are nobody's; never more than it was made for.
    free: Vec<u16>,
    rest: Option<Rest>,
    sent: u64,
}

/// What became of a submission.
enum Outcome {
    /// So many bytes went.
    Sent(usize),
    /// None did, for want of room.
    Full,
}

impl Sender {
    pub(super) fn new(config: &Config, socket: OwnedFd) -> Result<Self, OpenError> {
        let ring =
            Ring::new(u32::from(config.send_buffers) * 2 + 4, config.defer_taskrun).map_err(preflight::at_open)?;
        let pool = Pool::new(config.send_buffers).map_err(preflight::at_open)?;
        ring.register_socket(socket.as_fd()).map_err(preflight::at_open)?;
        if config.zero_copy {
            ring.register_pool(&pool).map_err(preflight::at_open)?;
        }
        let free = (0..config.send_buffers).rev().collect();
        Ok(Self { ring, pool, _socket: socket, zero_copy: config.zero_copy, free, rest: None, sent: 0 })
    }

    /// Frames of which something went.
    pub(super) const fn sent(&self) -> u64 {
        self.sent
    }

    /// As [`crate::api::Tx::send`].
    #[inline]
    pub(super) fn send(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) -> Result<TxToken, TxError> {
        self.send_rest()?;
        if len > BUFFER {
            let what = format!("a frame of {len} bytes is longer than the {BUFFER} of a buffer");
            return Err(TxError::Io(io::Error::new(io::ErrorKind::InvalidInput, what)));
        }
        let Some(buffer) = self.free_buffer()? else { return Err(TxError::Full) };
        if let Some(frame) = self.pool.bytes_mut(buffer, len) {
            fill(frame);
        }
        match self.submit(buffer, 0, len)? {
            Outcome::Full => return Err(TxError::Full),
            Outcome::Sent(bytes) if bytes < len => self.keep(buffer, bytes, len),
            Outcome::Sent(_) => {}
        }
        self.sent += 1;
        #[expect(clippy::cast_possible_truncation, reason = "a token may begin again")]
        Ok(TxToken(self.sent as u32))
    }

    /// As [`crate::api::Tx::flush`]: there is nothing to ring, but a rest may be left.
    pub(super) fn send_rest(&mut self) -> Result<(), TxError> {
        while let Some(Rest { buffer, from, to }) = self.rest.take() {
            self.free.retain(|free| *free != buffer);
            match self.submit(buffer, from, to)? {
                Outcome::Full => {
                    self.keep(buffer, from, to);
                    return Err(TxError::Full);
                }
                Outcome::Sent(bytes) if from + bytes < to => self.keep(buffer, from + bytes, to),
                Outcome::Sent(_) => {}
            }
        }
        Ok(())
    }

    /// A part of it went, so the rest is ours to send; nobody else may have the buffer until then.
    #[cold]
    fn keep(&mut self, buffer: u16, from: usize, to: usize) {
        self.free.retain(|free| *free != buffer);
        self.rest = Some(Rest { buffer, from, to });
    }

    #[inline]
    fn free_buffer(&mut self) -> Result<Option<u16>, TxError> {
        if self.free.is_empty() {
            self.ring.work(false).map_err(failed)?;
            while let Some(completion) = self.ring.completed() {
                self.note(&completion);
            }
        }
        Ok(self.free.pop())
    }

    /// Submits a part of a buffer, and returns when the kernel has said what it did with it.
    #[inline]
    fn submit(&mut self, buffer: u16, from: usize, to: usize) -> Result<Outcome, TxError> {
        let entry = self.entry(buffer, from, to);
        self.ring.submit(&entry).map_err(failed)?;
        let mut result = None;
        loop {
            while let Some(completion) = self.ring.completed() {
                result = self.note(&completion).or(result);
            }
            match result {
                // Sent without waiting, it is done on return; a ring without it would have to be asked.
                None => self.ring.work(true).map_err(failed)?,
                Some(bytes) if bytes >= 0 => return Ok(Outcome::Sent(usize::try_from(bytes).unwrap_or_default())),
                Some(errno) => return refused(-errno),
            }
        }
    }

    #[inline]
    fn entry(&mut self, buffer: u16, from: usize, to: usize) -> squeue::Entry {
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        let bytes = self.pool.bytes_mut(buffer, to).and_then(|b| b.get(from..)).unwrap_or_default();
        let (at, len) = (bytes.as_ptr(), u32::try_from(bytes.len()).unwrap_or_default());
        let entry = if self.zero_copy {
            opcode::SendZc::new(Fixed(0), at, len).buf_index(Some(0)).flags(flags).build()
        } else {
            opcode::Send::new(Fixed(0), at, len).flags(flags).build()
        };
        entry.user_data(u64::from(buffer))
    }

    /// Takes the buffer back with its last completion; returns the result, if this is the one that has it.
    #[inline]
    fn note(&mut self, completion: &cqueue::Entry) -> Option<i32> {
        if !cqueue::more(completion.flags())
            && let Ok(buffer) = u16::try_from(completion.user_data())
        {
            self.free.push(buffer);
        }
        (!cqueue::notif(completion.flags())).then(|| completion.result())
    }

    /// As [`crate::api::Tx::facts`].
    pub(super) fn describe(&self) -> String {
        format!("{} frames, {} system calls", self.sent, self.ring.entered())
    }
}

#[cold]
fn failed(e: io::Error) -> TxError {
    TxError::Io(explain("submit to io_uring")(e))
}

#[cold]
fn refused(errno: i32) -> Result<Outcome, TxError> {
    match errno {
        libc::EAGAIN | libc::ENOBUFS | libc::ENOMEM => Ok(Outcome::Full),
        _ => Err(TxError::Io(explain("send by io_uring")(io::Error::from_raw_os_error(errno)))),
    }
}
