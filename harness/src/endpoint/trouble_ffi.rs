//! Page faults on purpose.
#![expect(unsafe_code, reason = "pages are given back to the kernel by calls that have no safe wrapper")]

use std::{ffi::c_void, num::NonZeroUsize, ptr::NonNull};

use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap_anonymous, munlock, munmap};

const PAGE: usize = 4096;

/// Pages that are the kernel's again until they are touched.
pub(super) struct FreshPages {
    at: NonNull<c_void>,
    pages: usize,
    fresh: bool,
}

// SAFETY: the pages are this value's own, from whatever thread.
unsafe impl Send for FreshPages {}

impl FreshPages {
    /// So many; `None` for none, or where the kernel gives none.
    pub(super) fn new(pages: usize) -> Option<Self> {
        let len = NonZeroUsize::new(pages.checked_mul(PAGE)?)?;
        let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_NORESERVE;
        // SAFETY: a mapping of its own, at an address that the kernel chooses, of nothing that exists already.
        let at = unsafe { mmap_anonymous(None, len, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, flags) }.ok()?;
        // SAFETY: exactly the mapping made above, which stays valid: only its being locked changes.
        unsafe { munlock(at, len.get()) }.ok()?;
        let mut pages = Self { at, pages, fresh: false };
        pages.give_back();
        Some(pages)
    }

    /// A fault for each.
    pub(super) fn touch(&mut self) {
        self.fresh = false;
        for page in 0..self.pages {
            // SAFETY: the offset is within the mapping, which is `pages` pages long.
            let byte = unsafe { self.at.byte_add(page * PAGE) }.cast::<u8>();
            // SAFETY: a byte of the mapping, which is writable and which nothing else refers to.
            unsafe { byte.write_volatile(1) };
        }
    }

    /// Once after they were touched.
    pub(super) fn give_back(&mut self) {
        if !self.fresh {
            // SAFETY: exactly the mapping, of which nothing holds a reference; what was in it is of no use.
            self.fresh = unsafe { madvise(self.at, self.pages * PAGE, MmapAdvise::MADV_DONTNEED) }.is_ok();
        }
    }
}

impl Drop for FreshPages {
    fn drop(&mut self) {
        // SAFETY: exactly the mapping, which is not used after this.
        let _ = unsafe { munmap(self.at, self.pages * PAGE) };
    }
}
