//! Work requests, made beforehand: what changes from one to the next is filled in when it is posted.
#![expect(unsafe_code, reason = "a foreign interface")]

use std::{io, mem, ptr};

use rdma_mummy_sys::{
    ibv_recv_wr, ibv_send_flags, ibv_send_wr, ibv_sge, ibv_wr_opcode, imm_data_invalidated_rkey_union_t, rdma_t, ud_t,
};

use super::{memory_ffi::Registered, queue_ffi::Queue};

/// What a send does at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Fills a receive that waits there.
    Send,
    /// Writes to its memory.
    Write,
    /// The same, and completes a receive that waits there.
    WriteWithImmediate,
}

/// A send.
pub(super) struct Request {
    request: ibv_send_wr,
    from: ibv_sge,
}

// SAFETY: its pointers are set when it is posted; that to the address of datagrams is of the queue that it is posted to.
unsafe impl Send for Request {}

/// What changes from one send to the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Posting {
    /// Comes back with its completion.
    pub(super) id: u64,
    /// Where the bytes are, of memory with this key.
    pub(super) address: u64,
    pub(super) bytes: u32,
    pub(super) key: u32,
    /// It is to report that it is done.
    pub(super) signalled: bool,
}

impl Request {
    pub(super) fn new(deed: Deed) -> Self {
        // SAFETY: a structure of C of which all zero is a value.
        let mut request: ibv_send_wr = unsafe { mem::zeroed() };
        request.opcode = match deed {
            Deed::Send => ibv_wr_opcode::IBV_WR_SEND,
            Deed::Write => ibv_wr_opcode::IBV_WR_RDMA_WRITE,
            Deed::WriteWithImmediate => ibv_wr_opcode::IBV_WR_RDMA_WRITE_WITH_IMM,
        };
        Self { request, from: ibv_sge { addr: 0, length: 0, lkey: 0 } }
    }

    /// A datagram to a queue of that number.
    pub(super) fn aim_at_queue(&mut self, queue: &Queue, number: u32) {
        let (ah, remote_qkey) = queue.datagram_address();
        self.request.wr.ud = ud_t { ah, remote_qpn: number, remote_qkey };
    }

    /// Where a write goes.
    #[inline]
    pub(super) fn aim_at_memory(&mut self, remote_addr: u64, rkey: u32) {
        self.request.wr.rdma = rdma_t { remote_addr, rkey };
    }

    /// The value that goes with it.
    #[inline]
    pub(super) fn with_immediate(&mut self, value: u32) {
        self.request.imm_data_invalidated_rkey_union = imm_data_invalidated_rkey_union_t { imm_data: value.to_be() };
    }

    /// Posts it; inside the request where it is short enough, and then the bytes may change right afterwards.
    ///
    /// # Errors
    /// As [`Queue::post_send`].
    #[inline]
    pub(super) fn post(&mut self, queue: &Queue, posting: Posting) -> io::Result<()> {
        let Posting { id, address, bytes, key, signalled } = posting;
        self.from = ibv_sge { addr: address, length: bytes, lkey: key };
        self.request.wr_id = id;
        self.request.sg_list = &raw mut self.from;
        self.request.num_sge = i32::from(bytes > 0);
        let inline = if bytes > 0 && bytes <= queue.inline { ibv_send_flags::IBV_SEND_INLINE.0 } else { 0 };
        self.request.send_flags = inline | if signalled { ibv_send_flags::IBV_SEND_SIGNALED.0 } else { 0 };
        queue.post_send(&mut self.request)
    }
}

/// The receives of a queue, each with a buffer or none, in batches that are posted at once.
pub(super) struct Receives {
    requests: Box<[ibv_recv_wr]>,
    /// What the requests point to.
    _buffers: Box<[ibv_sge]>,
    batch: usize,
    next: usize,
}

// SAFETY: its pointers lead to what it has itself, in memory that stays where it is.
unsafe impl Send for Receives {}

impl Receives {
    /// As many as `count`, a multiple of `batch`; the `n`th into the `n`th buffer of `bytes`, or into none if these are 0.
    pub(super) fn new(count: u32, batch: u32, bytes: u32, memory: &Registered) -> Self {
        let at = |n: u32| memory.address() + u64::from(n) * u64::from(bytes);
        let buffer = |n| ibv_sge { addr: at(n), length: bytes, lkey: memory.local_key() };
        let mut buffers: Box<[ibv_sge]> = (0..count).map(buffer).collect();
        let number = i32::from(bytes > 0);
        let request = |(n, buffer): (u64, &mut ibv_sge)| ibv_recv_wr {
            wr_id: n,
            next: ptr::null_mut(),
            sg_list: if number == 0 { ptr::null_mut() } else { buffer },
            num_sge: number,
        };
        let mut requests: Box<[ibv_recv_wr]> = (0_u64..).zip(buffers.iter_mut()).map(request).collect();
        let batch = (batch as usize).max(1);
        for n in (1..requests.len()).filter(|n| !n.is_multiple_of(batch)) {
            requests[n - 1].next = &raw mut requests[n];
        }
        Self { requests, _buffers: buffers, batch, next: 0 }
    }

    /// How many there are.
    pub(super) const fn count(&self) -> usize {
        self.requests.len()
    }

    /// How many are posted at once.
    pub(super) const fn batch(&self) -> usize {
        self.batch
    }

    /// Posts the next batch, whose receives have all completed, or were never posted.
    ///
    /// # Errors
    /// As [`Queue::post_receives`].
    #[inline]
    pub(super) fn post_batch(&mut self, queue: &Queue) -> io::Result<()> {
        if let Some(first) = self.requests.get_mut(self.next) {
            queue.post_receives(first)?;
        }
        self.next += self.batch;
        if self.next >= self.requests.len() {
            self.next = 0;
        }
        Ok(())
    }

    /// Posts all.
    ///
    /// # Errors
    /// As [`Queue::post_receives`].
    pub(super) fn post_all(&mut self, queue: &Queue) -> io::Result<()> {
        (0..self.requests.len() / self.batch).try_for_each(|_| self.post_batch(queue))
    }
}
