//! An allocator that counts, so that "the timed loop allocates nothing" is counted in every repetition instead of
//! believed. It is the allocator of every program that this library is part of; it costs an increment of a thread-local
//! where something is allocated or freed, and nothing where nothing is.
#![expect(unsafe_code, reason = "an allocator is unsafe by definition; this one passes every call on")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

/// Passes every call on to the system's allocator and counts it.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

/// Calls of the allocator by this thread so far: memory asked for, resized, or given back.
#[must_use]
pub fn calls() -> u64 {
    CALLS.get()
}

#[inline]
fn count() {
    // Constant and without a destructor, so that it neither allocates on its first use nor is ever gone.
    CALLS.set(CALLS.get().wrapping_add(1));
}

// SAFETY: every method passes its arguments unchanged to the system's allocator, which upholds the contract; counting
// neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises about `layout` are those asked for here.
        unsafe { System.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as for `alloc`. Passed on as such, since the system may have zeroed pages already.
        unsafe { System.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count();
        // SAFETY: `pointer` came from a method above with this layout, hence from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as for `dealloc`, and the caller's promises about `size` are those asked for here.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use super::*;

    #[test]
    fn every_call_of_this_thread_is_counted_and_none_of_another() {
        let before = calls();
        drop(black_box(vec![1_u8; 100]));
        drop(black_box(vec![0_u8; 100]));
        let mut grown = black_box(Vec::<u8>::with_capacity(1));
        grown.reserve_exact(1_000);
        drop(grown);
        assert_eq!(calls() - before, 7);
        let elsewhere = std::thread::spawn(|| {
            let before = calls();
            drop(black_box(vec![1_u8; 100]));
            calls() - before
        });
        assert_eq!(elsewhere.join().unwrap(), 2);
    }
}
