//! A `VecDeque` behind the standard library's mutex.

use std::sync::{Mutex, PoisonError};

use super::locked::{Lock, Locked};

/// See the module.
pub(super) type StdMutex = Locked<Std>;

/// Its lock.
pub(super) struct Std;

impl Lock for Std {
    const NAME: &'static str = "mutex";
    const SUMMARY: &'static str = "VecDeque behind the standard library's Mutex, many producers";
    type Around<T: Send + 'static> = Mutex<T>;

    fn around<T: Send + 'static>(value: T) -> Self::Around<T> {
        Mutex::new(value)
    }

    #[inline]
    fn with<T: Send + 'static, R>(around: &Self::Around<T>, work: impl FnOnce(&mut T) -> R) -> R {
        // Nothing inside panics half-way, so what a poisoned lock guards is whole.
        work(&mut around.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
