//! Completion queues, with stamps or without.
#![expect(unsafe_code, reason = "a foreign interface")]

use std::{mem, ptr::NonNull, sync::Arc};

use rdma_mummy_sys::{
    ibv_cq, ibv_cq_ex, ibv_end_poll, ibv_next_poll, ibv_poll_cq, ibv_poll_cq_attr, ibv_start_poll, ibv_wc,
    ibv_wc_read_byte_len, ibv_wc_read_completion_ts, ibv_wc_read_completion_wallclock_ns, ibv_wc_read_imm_data,
    ibv_wc_read_vendor_err,
};
use sideway::ibverbs::completion::{BasicCompletionQueue, CompletionQueue, ExtendedCompletionQueue};
use tickcert_results::stamp::Stamp;

use super::stamps::Reading;

/// Most completions that are taken at once.
pub(super) const BURST: u32 = 16;

/// A work request that is done.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Done {
    /// As it was posted.
    pub(super) id: u64,
    /// 0 where it succeeded; then the next is of no meaning, and else those after it.
    pub(super) status: u32,
    pub(super) vendor_error: u32,
    /// Bytes that came.
    pub(super) bytes: u32,
    /// The immediate value that came with them, if one did.
    pub(super) immediate: u32,
    pub(super) stamp: Option<Stamp>,
}

/// Where completions are taken from.
enum Source {
    Plain { queue: NonNull<ibv_cq>, taken: Box<[ibv_wc; BURST as usize]>, _keeps: Arc<BasicCompletionQueue> },
    Stamped { queue: NonNull<ibv_cq_ex>, reading: Reading, _keeps: Arc<ExtendedCompletionQueue> },
}

/// A completion queue, and those taken from it last.
pub(super) struct Completions {
    source: Source,
    done: Box<[Done; BURST as usize]>,
}

impl Completions {
    pub(super) fn plain(queue: Arc<BasicCompletionQueue>) -> Self {
        // SAFETY: the pointer is kept beside what keeps its queue.
        let pointer = unsafe { queue.cq() };
        // SAFETY: a structure of C of which all zero is a value.
        let taken = Box::new(unsafe { mem::zeroed::<[ibv_wc; BURST as usize]>() });
        Self { source: Source::Plain { queue: pointer, taken, _keeps: queue }, done: Box::default() }
    }

    pub(super) fn stamped(queue: Arc<ExtendedCompletionQueue>, reading: Reading) -> Self {
        // SAFETY: the pointer is kept beside what keeps its queue.
        let pointer = unsafe { queue.cq() }.cast();
        Self { source: Source::Stamped { queue: pointer, reading, _keeps: queue }, done: Box::default() }
    }

    /// As a queue pair is told of it.
    pub(super) const fn queue(&self) -> NonNull<ibv_cq> {
        match &self.source {
            Source::Plain { queue, .. } => *queue,
            // An extended one begins like a plain one.
            Source::Stamped { queue, .. } => queue.cast(),
        }
    }

    /// How completions are stamped, if they are.
    pub(super) const fn reading(&self) -> Option<Reading> {
        match &self.source {
            Source::Plain { .. } => None,
            Source::Stamped { reading, .. } => Some(*reading),
        }
    }

    /// Takes what is done, at most `most` and [`BURST`]; none of it stays in the queue.
    #[inline]
    pub(super) fn take(&mut self, most: u32) -> &[Done] {
        let most = most.min(BURST);
        let count = match &mut self.source {
            Source::Plain { queue, taken, .. } => {
                #[expect(clippy::cast_possible_wrap, reason = "at most a burst")]
                let most = most as i32;
                // SAFETY: a queue that there is, and room for as many.
                let count = unsafe { ibv_poll_cq(queue.as_ptr(), most, taken.as_mut_ptr()) };
                let count = usize::try_from(count).unwrap_or_default();
                for (done, taken) in self.done.iter_mut().zip(taken.iter()).take(count) {
                    *done = Done {
                        id: taken.wr_id,
                        status: taken.status,
                        vendor_error: taken.vendor_err,
                        bytes: taken.byte_len,
                        // SAFETY: whichever of both numbers it is, it is 32 bits; who has asked for none looks at none.
                        immediate: u32::from_be(unsafe { taken.imm_data_invalidated_rkey_union.imm_data }),
                        stamp: None,
                    };
                }
                count
            }
            Source::Stamped { queue, reading, .. } => take_stamped(*queue, *reading, &mut self.done[..most as usize]),
        };
        self.done.get(..count).unwrap_or_default()
    }
}

/// Takes what is done, with stamps; how many.
fn take_stamped(queue: NonNull<ibv_cq_ex>, reading: Reading, into: &mut [Done]) -> usize {
    let pointer = queue.as_ptr();
    let mut how = ibv_poll_cq_attr { comp_mask: 0 };
    if into.is_empty() {
        return 0;
    }
    // SAFETY: a queue that there is, and that nobody else takes from.
    if unsafe { ibv_start_poll(pointer, &raw mut how) } != 0 {
        return 0;
    }
    let (mut count, room) = (0, into.len());
    for done in into {
        // SAFETY: a queue that there is.
        let current = unsafe { queue.as_ref() };
        *done = Done { id: current.wr_id, status: current.status, ..Done::default() };
        if done.status == 0 {
            // SAFETY: the queue was made with lengths, and a completion is current.
            done.bytes = unsafe { ibv_wc_read_byte_len(pointer) };
            // SAFETY: as above, with immediate values.
            done.immediate = u32::from_be(unsafe { ibv_wc_read_imm_data(pointer) });
            let raw = match reading {
                // SAFETY: as above, with stamps of the wallclock.
                Reading::Wallclock => unsafe { ibv_wc_read_completion_wallclock_ns(pointer) },
                // SAFETY: as above, with stamps of the counter.
                Reading::Counter { .. } => unsafe { ibv_wc_read_completion_ts(pointer) },
            };
            done.stamp = reading.stamp(raw);
        } else {
            // SAFETY: a completion is current.
            done.vendor_error = unsafe { ibv_wc_read_vendor_err(pointer) };
        }
        count += 1;
        // Moving on takes the next one out of the queue, so not beyond the room for it.
        // SAFETY: polling has begun and not ended.
        if count == room || unsafe { ibv_next_poll(pointer) } != 0 {
            break;
        }
    }
    // SAFETY: polling has begun and not ended.
    unsafe { ibv_end_poll(pointer) };
    count
}
