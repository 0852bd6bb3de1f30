//! A ring, with those calls of the crate `io-uring` that are unsafe because the kernel is handed addresses.
#![expect(unsafe_code, reason = "submissions hold addresses, and io_uring_enter works on them")]

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd},
};

use io_uring::{
    IoUring, cqueue, squeue,
    types::{Napi, SubmitArgs, Timespec},
};

use super::buffers_ffi::{Pool, Provided};

const GETEVENTS: u32 = 1;

/// A ring that belongs to the thread which first uses it.
pub(super) struct Ring {
    ring: IoUring,
    started: bool,
    entered: u64,
}

impl Ring {
    /// Makes one with room for so many completions.
    pub(super) fn new(completions: u32, defer_taskrun: bool) -> io::Result<Self> {
        let mut builder = IoUring::builder();
        builder.setup_single_issuer().setup_r_disabled().setup_cqsize(completions).setup_clamp().setup_submit_all();
        builder.setup_taskrun_flag();
        if defer_taskrun {
            builder.setup_defer_taskrun();
        } else {
            builder.setup_coop_taskrun();
        }
        Ok(Self { ring: builder.build(4)?, started: false, entered: 0 })
    }

    /// Has the kernel know the socket by the number 0, which spares it the look-up in each call.
    pub(super) fn register_socket(&self, socket: BorrowedFd<'_>) -> io::Result<()> {
        self.ring.submitter().register_files(&[socket.as_raw_fd()])
    }

    /// A poll that waits polls the device.
    pub(super) fn poll_device(&self) -> io::Result<()> {
        // On, and no more: the kernel polls for as long as the wait lasts, if that is less, and `poll_once` waits for a
        // nanosecond. A longer wait would keep the other flow waiting, and sleep where there is no queue to poll.
        const MICROSECONDS: u32 = 1;
        let mut napi = Napi::new().set_busy_poll_timeout(MICROSECONDS).set_prefer_busy_poll(true);
        self.ring.submitter().register_napi(&mut napi)
    }

    /// Lets the kernel receive into the buffers, which must live as long as the ring: see [`super::receive`].
    pub(super) fn register_provided(&self, buffers: &Provided) -> io::Result<()> {
        // SAFETY: the address is that of a ring of so many entries, page-aligned, in a mapping that its owner drops only
        // after this ring.
        unsafe { self.ring.submitter().register_buf_ring_with_flags(buffers.address(), buffers.entries(), 0, 0) }
    }

    /// Lets the kernel send out of the pool, which must live as long as the ring: see [`super::send`].
    pub(super) fn register_pool(&self, pool: &Pool) -> io::Result<()> {
        let whole = libc::iovec { iov_base: pool.address().cast(), iov_len: pool.bytes() };
        // SAFETY: address and length are those of a mapping that its owner drops only after this ring.
        unsafe { self.ring.submitter().register_buffers(&[whole]) }
    }

    /// The first use binds the ring to the calling thread.
    #[inline]
    fn start(&mut self) -> io::Result<()> {
        if self.started { Ok(()) } else { self.enable() }
    }

    #[cold]
    fn enable(&mut self) -> io::Result<()> {
        self.ring.submitter().register_enable_rings()?;
        self.started = true;
        Ok(())
    }

    /// Hands one submission over to the kernel.
    #[inline]
    pub(super) fn submit(&mut self, entry: &squeue::Entry) -> io::Result<()> {
        self.start()?;
        // SAFETY: every address in an entry is one of a pool or of provided buffers that live as long as the ring, and
        // the caller leaves those bytes alone until the completion says that they are its own again.
        let pushed = unsafe { self.ring.submission().push(entry) };
        if pushed.is_err() {
            return Err(io::Error::other("the submission queue is full although every entry was handed over at once"));
        }
        let flags = if self.has_work() { GETEVENTS } else { 0 };
        self.enter(1, 0, flags)
    }

    /// Whether the kernel has completions to work off for this thread.
    #[inline]
    pub(super) fn has_work(&mut self) -> bool {
        let queue = self.ring.submission();
        queue.taskrun() || queue.cq_overflow()
    }

    /// Has the kernel do so; with `wait` at least until there is one.
    #[inline]
    pub(super) fn work(&mut self, wait: bool) -> io::Result<()> {
        self.enter(0, u32::from(wait), GETEVENTS)
    }

    /// Waits for a completion without staying: the kernel polls the device, if it has one to poll.
    pub(super) fn poll_once(&mut self) -> io::Result<()> {
        self.entered += 1;
        let at_once = Timespec::new().nsec(1);
        match self.ring.submitter().submit_with_args(1, &SubmitArgs::new().timespec(&at_once)) {
            Err(e) if !matches!(e.raw_os_error(), Some(libc::ETIME | libc::EINTR)) => Err(e),
            _ => Ok(()),
        }
    }

    fn enter(&mut self, submit: u32, complete: u32, flags: u32) -> io::Result<()> {
        self.entered += 1;
        loop {
            // SAFETY: no argument is passed, and what was submitted holds valid addresses (see `submit`).
            match unsafe { self.ring.submitter().enter::<libc::sigset_t>(submit, complete, flags, None) } {
                Err(e) if e.raw_os_error() == Some(libc::EINTR) => {}
                other => return other.map(drop),
            }
        }
    }

    /// The next completion.
    #[inline]
    pub(super) fn completed(&mut self) -> Option<cqueue::Entry> {
        self.ring.completion().next()
    }

    /// How often the kernel was entered.
    pub(super) const fn entered(&self) -> u64 {
        self.entered
    }
}
