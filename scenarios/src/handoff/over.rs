//! That a thread has done its part, for those that go on with what it leaves.

use super::sync::{AtomicBool, Ordering};

/// Said once. Who hears it sees all that was done before it was said.
#[derive(Debug)]
pub struct Over(AtomicBool);

impl Over {
    /// Not yet.
    #[allow(clippy::new_without_default, reason = "not a lint where loom compiles it; one constructor is enough")]
    #[must_use]
    pub fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Says it.
    pub fn say(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it was said.
    #[inline]
    #[must_use]
    pub fn is_said(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
