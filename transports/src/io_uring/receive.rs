//! One incoming flow: a multishot receive that the kernel completes once for each datagram or run of bytes.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
};

use io_uring::{cqueue, opcode, types::Fixed};

use super::{Config, buffers_ffi::Provided, preflight, ring_ffi::Ring};
use crate::{
    api::{Flow, Frame, OpenError, RxMeta},
    kernel::explain,
};

/// The flow. The ring goes before the buffers that the kernel writes into.
pub(super) struct Receiver {
    ring: Ring,
    buffers: Provided,
    _socket: OwnedFd,
    flow: Flow,
    is_stream: bool,
    armed: bool,
    napi: bool,
    arms: u64,
    starved: u64,
}

impl Receiver {
    pub(super) fn new(config: &Config, socket: OwnedFd, flow: Flow, is_stream: bool) -> Result<Self, OpenError> {
        let ring = Ring::new(u32::from(config.buffers) * 2, config.defer_taskrun).map_err(preflight::at_open)?;
        let buffers = Provided::new(config.buffers).map_err(preflight::at_open)?;
        ring.register_socket(socket.as_fd()).map_err(preflight::at_open)?;
        ring.register_provided(&buffers).map_err(preflight::at_open)?;
        if config.napi {
            ring.poll_device().map_err(|e| preflight::no_napi(&e))?;
        }
        let napi = config.napi;
        Ok(Self { ring, buffers, _socket: socket, flow, is_stream, armed: false, napi, arms: 0, starved: 0 })
    }

    /// As [`crate::api::Rx::poll`]. Without a system call, unless the kernel says that it has something for this thread.
    #[inline]
    pub(super) fn poll(&mut self, budget: u32, mut on_frame: impl FnMut(Frame<'_>)) -> io::Result<u32> {
        if budget == 0 {
            return Ok(0);
        }
        if !self.armed {
            self.arm()?;
        }
        let frames = self.take(budget, &mut on_frame)?;
        if frames == budget {
            return Ok(frames);
        }
        if self.ring.has_work() {
            self.ring.work(false)?;
        } else if self.napi && frames == 0 {
            self.ring.poll_once()?;
        } else {
            return Ok(frames);
        }
        Ok(frames + self.take(budget - frames, &mut on_frame)?)
    }

    /// Starts the multishot receive, at first and when it has ended for want of buffers.
    #[cold]
    fn arm(&mut self) -> io::Result<()> {
        self.ring.submit(&opcode::RecvMulti::new(Fixed(0), 0).build())?;
        self.armed = true;
        self.arms += 1;
        Ok(())
    }

    #[inline]
    fn take(&mut self, budget: u32, on_frame: &mut impl FnMut(Frame<'_>)) -> io::Result<u32> {
        let mut frames = 0;
        while frames < budget {
            let Some(completion) = self.ring.completed() else { break };
            if !cqueue::more(completion.flags()) {
                self.armed = false;
            }
            let id = cqueue::buffer_select(completion.flags());
            match (usize::try_from(completion.result()), id) {
                (Ok(len), Some(id)) if len > 0 || !self.is_stream => {
                    let Some(bytes) = self.buffers.filled(id, len) else { return Err(no_such_buffer(id, len)) };
                    on_frame(Frame { flow: self.flow, bytes, meta: RxMeta::default() });
                    self.buffers.give_back(id);
                    frames += 1;
                }
                (Ok(_), _) if self.is_stream => return Err(closed()),
                (Ok(_), _) => {}
                (Err(_), _) => self.on_error(-completion.result())?,
            }
        }
        Ok(frames)
    }

    #[cold]
    fn on_error(&mut self, errno: i32) -> io::Result<()> {
        match errno {
            // All buffers are taken by completions that wait: they come back as these are read.
            libc::ENOBUFS => self.starved += 1,
            libc::EAGAIN | libc::EINTR => {}
            _ => return Err(explain("receive by io_uring")(io::Error::from_raw_os_error(errno))),
        }
        Ok(())
    }

    /// As [`crate::api::Rx::facts`].
    pub(super) fn describe(&self) -> String {
        format!(
            "multishot started {} times, {} times for want of buffers; {} system calls",
            self.arms,
            self.starved,
            self.ring.entered()
        )
    }
}

#[cold]
fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the other end closed the order stream")
}

#[cold]
fn no_such_buffer(id: u16, len: usize) -> io::Error {
    let what = format!("the kernel says that it wrote {len} bytes into buffer {id}, which there is not");
    io::Error::new(io::ErrorKind::InvalidData, what)
}
