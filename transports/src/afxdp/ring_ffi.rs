//! One ring of descriptors that this process shares with the kernel: one side produces, the other consumes, each
//! writes its own index only.
//!
//! The protocol is that of `net/xdp/xsk_queue.h`: indices run freely over 32 bits, an entry is written before the
//! producer's index is stored with release, and read before the consumer's is.
#![expect(unsafe_code, reason = "indices and entries lie in memory that the kernel shares")]

use std::{
    io,
    ptr::NonNull,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use super::{
    abi,
    syscalls_ffi::{Mapping, RingKind, XdpSocket},
};

/// Where the parts of a ring lie in its mapping, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    producer: usize,
    consumer: usize,
    flags: usize,
    entries_at: usize,
    /// Entries, a power of two.
    entries: u32,
}

/// What both sides have in common.
#[derive(Debug)]
struct Shared<T> {
    producer: NonNull<AtomicU32>,
    consumer: NonNull<AtomicU32>,
    flags: NonNull<AtomicU32>,
    entries: NonNull<T>,
    mask: u32,
    // Keeps all of the above mapped.
    _memory: Arc<Mapping>,
}

// SAFETY: the pointers are into memory that belongs to the process, is kept mapped, and is reached only through the side
// that owns this; `T` are plain values.
unsafe impl<T: Copy + Send> Send for Shared<T> {}

impl<T: Copy> Shared<T> {
    /// `None` for a layout that doesn't fit the memory.
    fn new(memory: Arc<Mapping>, layout: Layout) -> Option<Self> {
        let at = |offset| memory.part::<AtomicU32>(offset, 1);
        let (producer, consumer, flags) = (at(layout.producer)?, at(layout.consumer)?, at(layout.flags)?);
        let entries = memory.part::<T>(layout.entries_at, layout.entries as usize)?;
        let mask = layout.entries.is_power_of_two().then(|| layout.entries - 1)?;
        Some(Self { producer, consumer, flags, entries, mask, _memory: memory })
    }

    fn producer(&self) -> &AtomicU32 {
        // SAFETY: aligned and within the mapping, as `new` has seen; both sides reach it only as an atomic.
        unsafe { self.producer.as_ref() }
    }

    fn consumer(&self) -> &AtomicU32 {
        // SAFETY: as above.
        unsafe { self.consumer.as_ref() }
    }

    fn needs_wakeup(&self) -> bool {
        // SAFETY: as above.
        let flags = unsafe { self.flags.as_ref() };
        flags.load(Ordering::Relaxed) & abi::XDP_RING_NEED_WAKEUP != 0
    }

    fn entry(&self, index: u32) -> NonNull<T> {
        // SAFETY: the masked index is below the number of entries, all of which lie within the mapping.
        unsafe { self.entries.add((index & self.mask) as usize) }
    }
}

/// The side that puts entries in: of the fill ring and the sending ring.
#[derive(Debug)]
pub(super) struct Producer<T> {
    ring: Shared<T>,
    /// Of the next entry; what lies between the shared index and this is written and not yet published.
    next: u32,
    /// The other side's index as last seen: it may have moved on since.
    consumed: u32,
}

impl<T: Copy> Producer<T> {
    pub(super) fn new(memory: Arc<Mapping>, layout: Layout) -> Option<Self> {
        let ring = Shared::new(memory, layout)?;
        let (next, consumed) = (ring.producer().load(Ordering::Relaxed), ring.consumer().load(Ordering::Acquire));
        Some(Self { ring, next, consumed })
    }

    /// Writes an entry, unless the ring is full; the other side sees it after [`Self::publish`].
    #[inline]
    pub(super) fn push(&mut self, value: T) -> bool {
        if self.next.wrapping_sub(self.consumed) > self.ring.mask {
            self.consumed = self.ring.consumer().load(Ordering::Acquire);
            if self.next.wrapping_sub(self.consumed) > self.ring.mask {
                return false;
            }
        }
        let entry = self.ring.entry(self.next);
        // SAFETY: the other side has consumed this entry and doesn't look at it again before it is published.
        unsafe { entry.write(value) };
        self.next = self.next.wrapping_add(1);
        true
    }

    #[inline]
    pub(super) fn publish(&mut self) {
        self.ring.producer().store(self.next, Ordering::Release);
    }

    /// Entries that were published and that the other side has not consumed.
    pub(super) fn waiting(&mut self) -> u32 {
        self.consumed = self.ring.consumer().load(Ordering::Acquire);
        self.ring.producer().load(Ordering::Relaxed).wrapping_sub(self.consumed)
    }

    /// Whether the kernel has asked for a system call to look at this ring.
    #[inline]
    pub(super) fn needs_wakeup(&self) -> bool {
        self.ring.needs_wakeup()
    }
}

/// The side that takes entries out: of the receiving ring and the completion ring.
#[derive(Debug)]
pub(super) struct Consumer<T> {
    ring: Shared<T>,
    /// Of the next entry; what lies between the shared index and this was taken and not yet released.
    next: u32,
    /// The other side's index as last seen.
    produced: u32,
}

impl<T: Copy> Consumer<T> {
    pub(super) fn new(memory: Arc<Mapping>, layout: Layout) -> Option<Self> {
        let ring = Shared::new(memory, layout)?;
        let (next, produced) = (ring.consumer().load(Ordering::Relaxed), ring.producer().load(Ordering::Acquire));
        Some(Self { ring, next, produced })
    }

    /// The next entry; its place is the other side's again after [`Self::release`].
    #[inline]
    pub(super) fn pop(&mut self) -> Option<T> {
        if self.next == self.produced {
            self.produced = self.ring.producer().load(Ordering::Acquire);
            if self.next == self.produced {
                return None;
            }
        }
        let entry = self.ring.entry(self.next);
        // SAFETY: the other side has published this entry, as the acquiring load of its index has shown, and doesn't
        // write to it again before it is released.
        let value = unsafe { entry.read() };
        self.next = self.next.wrapping_add(1);
        Some(value)
    }

    #[inline]
    pub(super) fn release(&mut self) {
        self.ring.consumer().store(self.next, Ordering::Release);
    }
}

/// Makes a ring of a socket and maps it.
pub(super) fn map(socket: &XdpSocket, kind: RingKind, entries: u32) -> io::Result<(Arc<Mapping>, Layout)> {
    socket.make_ring(kind, entries)?;
    let offsets = socket.offsets()?;
    let (at, entry) = match kind {
        RingKind::Rx => (offsets.rx, size_of::<abi::xdp_desc>()),
        RingKind::Tx => (offsets.tx, size_of::<abi::xdp_desc>()),
        RingKind::Fill => (offsets.fr, size_of::<u64>()),
        RingKind::Completion => (offsets.cr, size_of::<u64>()),
    };
    let offset = |value| usize::try_from(value).map_err(io::Error::other);
    let layout = Layout {
        producer: offset(at.producer)?,
        consumer: offset(at.consumer)?,
        flags: offset(at.flags)?,
        entries_at: offset(at.desc)?,
        entries,
    };
    let memory = socket.map_ring(kind, layout.entries_at + entries as usize * entry)?;
    Ok((Arc::new(memory), layout))
}

#[cfg(test)]
#[path = "ring_tests.rs"]
pub(super) mod tests;
