//! Memory that a device reads and writes: pages that stay where they are, in huge ones where there are some.
#![expect(unsafe_code, reason = "pages that a device writes to")]

use std::{
    io,
    ptr::NonNull,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use sideway::ibverbs::{AccessFlags, memory_region::MemoryRegion, protection_domain::ProtectionDomain};

use super::{refusal, slots::SLOT};
use crate::api::OpenError;

const HUGE: usize = 2 << 20;

/// Pages of this process alone, all zero, written to once so that none is missing later.
pub(super) struct Pages {
    start: NonNull<u8>,
    bytes: usize,
    huge: bool,
}

// SAFETY: the pages are this value's own, from whatever thread.
unsafe impl Send for Pages {}
// SAFETY: through a shared reference only the address is read.
unsafe impl Sync for Pages {}

impl Pages {
    fn map(bytes: usize, flags: i32) -> io::Result<NonNull<u8>> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_POPULATE | flags;
        // SAFETY: new pages, wherever the kernel likes.
        let start =
            unsafe { libc::mmap(std::ptr::null_mut(), bytes, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        NonNull::new(start.cast()).ok_or_else(|| io::Error::other("mmap gave no address"))
    }

    /// At least so many bytes; huge pages where that is wished and there are some.
    fn new(bytes: usize, huge: bool) -> io::Result<Self> {
        let in_huge = bytes.next_multiple_of(HUGE);
        if huge && let Ok(start) = Self::map(in_huge, libc::MAP_HUGETLB) {
            return Ok(Self { start, bytes: in_huge, huge: true });
        }
        let bytes = bytes.next_multiple_of(4096);
        Ok(Self { start: Self::map(bytes, 0)?, bytes, huge: false })
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: pages that were mapped, and that nobody else knows of: their registration has gone before.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.bytes) };
    }
}

/// Memory that one device may use.
pub(super) struct Registered {
    // Given up before the pages: fields are dropped in this order.
    region: Arc<MemoryRegion>,
    pages: Pages,
}

impl Registered {
    /// At least so many bytes. With `remote` the other end may write to them.
    ///
    /// # Errors
    /// [`OpenError::Unmet`] where the limit of locked memory is too low.
    pub(super) fn new(
        domain: &Arc<ProtectionDomain>,
        bytes: usize,
        huge: bool,
        remote: bool,
    ) -> Result<Self, OpenError> {
        let pages = Pages::new(bytes, huge).map_err(|e| refusal::memory(bytes, &e))?;
        let access = if remote { AccessFlags::LocalWrite | AccessFlags::RemoteWrite } else { AccessFlags::LocalWrite };
        // SAFETY: `pages` are there for as long as the region is, which is dropped first.
        let region = unsafe { domain.reg_mr(pages.start.as_ptr() as usize, pages.bytes, access) };
        let region = region.map_err(|_| refusal::memory(bytes, &io::Error::last_os_error()))?;
        Ok(Self { region, pages })
    }

    /// The `n`th slot, to be filled.
    ///
    /// # Panics
    /// Beyond the memory.
    #[inline]
    pub(super) fn slot_mut(&mut self, n: usize) -> &mut [u8; SLOT] {
        assert!((n + 1) * SLOT <= self.pages.bytes, "no such slot");
        // SAFETY: within the pages, as was looked at.
        let slot = unsafe { self.pages.start.add(n * SLOT) };
        // SAFETY: written to by this end alone, and not while the device reads it, which is what the sender sees to.
        unsafe { slot.cast::<[u8; SLOT]>().as_mut() }
    }

    /// The `n`th slot, whose bytes have come; the other end lets it be until it is told that it may write there again.
    ///
    /// # Panics
    /// Beyond the memory.
    #[inline]
    pub(super) fn slot(&self, n: usize) -> &[u8; SLOT] {
        assert!((n + 1) * SLOT <= self.pages.bytes, "no such slot");
        // SAFETY: within the pages, as was looked at.
        let slot = unsafe { self.pages.start.add(n * SLOT) };
        // SAFETY: of bytes any value is one; of an end that keeps to the protocol they don't change meanwhile.
        unsafe { slot.cast::<[u8; SLOT]>().as_ref() }
    }

    /// The word of 32 bits in the last bytes of the `n`th slot, which the other end writes at any time.
    ///
    /// # Panics
    /// Beyond the memory.
    #[inline]
    pub(super) fn last_word(&self, n: usize) -> u32 {
        assert!((n + 1) * SLOT <= self.pages.bytes, "no such slot");
        // SAFETY: within the pages, as was looked at.
        let word = unsafe { self.pages.start.add((n + 1) * SLOT - 4) };
        // SAFETY: aligned, since slots are; an atomic may change under the reader.
        let word = unsafe { AtomicU32::from_ptr(word.as_ptr().cast()) };
        // What was written before it is to be seen too.
        word.load(Ordering::Acquire)
    }

    /// The first word of 64 bits, which the other end writes at any time.
    #[inline]
    pub(super) fn first_word(&self) -> u64 {
        // SAFETY: aligned, since pages are; an atomic may change under the reader.
        let word = unsafe { AtomicU64::from_ptr(self.pages.start.as_ptr().cast()) };
        word.load(Ordering::Acquire)
    }

    /// Its place as work requests have it.
    pub(super) fn address(&self) -> u64 {
        self.pages.start.as_ptr() as u64
    }

    /// By which this end's work requests name it.
    pub(super) fn local_key(&self) -> u32 {
        self.region.lkey()
    }

    /// By which the other end's do.
    pub(super) fn remote_key(&self) -> u32 {
        self.region.rkey()
    }

    /// How much of it, in which pages.
    pub(super) fn describe(&self) -> String {
        let pages = if self.pages.huge { "huge pages of 2 MiB" } else { "pages of 4 KiB" };
        format!("{} KiB in {pages}", self.pages.bytes / 1024)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_hold_what_was_asked_for_in_huge_ones_or_not() {
        for huge in [false, true] {
            let pages = Pages::new(5000, huge).unwrap();
            assert!(pages.bytes >= 5000 && pages.bytes.is_multiple_of(if pages.huge { HUGE } else { 4096 }));
            // SAFETY: within the pages.
            let last = unsafe { pages.start.add(pages.bytes - 1) };
            // SAFETY: pages that are this test's own.
            let last = unsafe { last.read() };
            assert_eq!(last, 0);
        }
    }
}
